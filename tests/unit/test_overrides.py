"""Overrides: who may decide alone, by every combination of the facts that matter, and what every surface says of it.

The expectation of the truth table shares no code with `overrides`. Each mutant of `overrides` must be wrong in a case.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import product
from pathlib import Path
from types import ModuleType

import pytest

from approvals.domain import overrides, rules, wording
from approvals.domain.eligibility import Reason, deciders
from approvals.domain.form_changes import current_form
from approvals.domain.form_fields import FieldType, FormField
from approvals.domain.groups import Group
from approvals.domain.history import Kind, history
from approvals.domain.judgement import Override, Verdict
from approvals.domain.model import Action, Approval, Presence, Request, Status
from approvals.domain.people import Approver, People, Person
from approvals.domain.result import most_bytes, output, result
from approvals.domain.rules import judge
from approvals.domain.summary import summarize
from approvals.store.items import approval_from_item, approval_to_item
from approvals.store.record_size import greatest_size, item_size
from bot.views.approval import outcome_blocks, outcome_reply
from cli.document import document, lines
from cli.export_columns import row
from mail.messages import outcome_mail
from mail.recipients import asked
from tests.support.builders import NOW, a_response, an_approval
from tests.support.iam_callers import SSO_ROLE, by_iam
from tests.support.overrides import BREAK_GLASS_ROLE, IVY, PINNED, REASON, TODAY, an_override
from web import pages


def a_person(address: str) -> Person:
    return Person(id=address, name=address, identities={"email": address})


ANN, BO, CY, RO = (a_person(f"{name}@example.com") for name in ("ann", "bo", "cy", "ro"))
SHARE = FormField(name="Share", label="Share", type=FieldType.NUMBER, required=True)


def by_email(person: Person) -> Approver:
    return Approver(id=person.id, name=person.name, channel="email")


def asking(*approvers: Person, requester: Person | None = RO, **asks: object) -> Approval:
    """A request under a policy, of which Ann, Bo and Cy are told unless others are named."""
    named = approvers or (ANN, BO, CY)
    keys = {"title": "Deploy", "timeout": timedelta(hours=1), "policy": PINNED, "required_approvals": 2, **asks}
    request = Request(
        approvers=tuple(person.id for person in named),
        requested_by=requester.id if requester else None,
        **keys,  # type: ignore[arg-type]  # any keys of a request
    )
    return an_approval(request=request, people=People(approvers=named, requester=requester), deliveries=())


def overridden(approval: Approval | None = None, override: Override | None = None) -> Approval:
    judgement = judge(approval or asking(), override or an_override())
    assert judgement.verdict is Verdict.DECIDED
    return judgement.approval


# Who may.


Judge = Callable[[Approval, Override], bool]


def counterexample(may: Judge) -> tuple[str, int]:
    """Return a case in which `may` is wrong, if there is one, and the number of cases.

    Who is named before and now, who overrides, whether they are proven, the reason, and who asked. A role is that of
    one person here, so that to name the person is to name the role.
    """
    roles = {each: f"{BREAK_GLASS_ROLE[:-1]}{number}" for number, each in enumerate(("r", "a", "b"))}
    cases = 0
    for before, now, who, proven, reason, asker, known, self_approval, pinned in product(
        ("", "a", "r"), ("", "a", "r"), roles, (False, True), (None, "", " ", "fire"), (None, "r"),
        (True, False, None), (False, True), (False, True),
    ):  # fmt: skip
        cases += 1
        approver = replace(by_iam(f"{who}@example.com", roles[who]), is_proven=proven)
        requester = Person(id="r@example.com", name="r", identities={"email": "r@example.com"}) if asker else None
        approval = asking(requester=requester, allow_self_approval=self_approval)
        assert approval.people
        policy = replace(PINNED, allowed=((roles[before],),) if before else ()) if pinned else None
        people = None if known is None else replace(approval.people, complete=known)
        approval = replace(approval, request=replace(approval.request, policy=policy), people=people)
        override = an_override(approver=approver, reason=reason, roles=(roles[now],) if now else ())
        right = bool(who == now and proven and (reason or "").strip() and who != asker and known and pinned)
        if may(approval, override) is not right:
            case = f"{who} (named {now!r}, before {before!r}), proven {proven}, reason {reason!r}, asked by {asker}"
            return f"{case}, known {known}, self-approval {self_approval}, pinned {pinned}", cases
    return "", cases


def decides(approval: Approval, override: Override) -> bool:
    judged = judge(approval, override)
    assert (judged.verdict is Verdict.DECIDED) is (judged.approval.status is not Status.PENDING)
    return judged.verdict is Verdict.DECIDED


def test_exactly_whom_todays_policy_names_decides_with_a_reason_and_never_their_own_request() -> None:
    found, cases = counterexample(decides)
    assert not found
    print(f"override: {cases:,} cases")
    assert cases == 5_184


SOURCE = Path(overrides.__file__).read_text()
NAMED = "approver.role not in override.roles"
BEFORE = "*(each for listed in approval.request.policy.allowed for each in listed)"
CHECK = "    return _requester_problem(approval, approver)"
MUTANTS = {
    "an override needs a person": ("    if not approver.is_proven:", "    if False:"),
    "only whom the policy names": (f" or {NAMED}", ""),
    "an empty list means nobody": (NAMED, f"(override.roles and {NAMED})"),
    "today's policy": (NAMED, f"approver.role not in (*override.roles, {BEFORE})"),
    "only requests that were asked under a policy": ("approval.request.policy is None or ", ""),
    "not before the approvers are known": ("approval.people is None or not approval.people.complete", "False"),
    "not while a channel could not be asked": (" or not approval.people.complete", ""),
    "the requester can't override": ("        return Reason.OWN_REQUEST", "        return None"),
    "nor where they can respond": (CHECK, f"    if not approval.request.allow_self_approval:\n    {CHECK}"),
}
"""A rule, and a line of `overrides` without it."""


@pytest.mark.parametrize("rule", MUTANTS)
def test_each_mutant_is_caught(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = MUTANTS[rule]
    assert SOURCE.count(old) == 1, "the source has changed: change the mutant"
    mutant = ModuleType("approvals.domain.overrides_mutant")
    monkeypatch.setitem(sys.modules, mutant.__name__, mutant)
    exec(compile(SOURCE.replace(old, new), "mutant", "exec"), mutant.__dict__)  # noqa: S102 our own source
    monkeypatch.setattr(rules, "override_problem", mutant.override_problem)
    assert counterexample(decides)[0]


def test_without_the_check_of_the_reason_the_table_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("approvals.domain.forms.reason_problems", lambda _: [])
    assert "reason None" in counterexample(decides)[0]


@pytest.mark.parametrize(
    ("requester", "reason"),
    [
        (replace(RO, id="ivy@example.com", identities={"email": "Ivy+ops@Example.com"}), Reason.OWN_REQUEST),
        (Person(id="U0IVY00001", name="Ivy", identities={"slack": "U0IVY00001"}), Reason.UNKNOWN_REQUESTER),
        (Person(id="U0I", name="Ivy", identities={"slack": "U0I", "email": "ivy@example.com"}), Reason.OWN_REQUEST),
        (Person(id="U0R", name="Ro", identities={"slack": "U0R", "email": "ro@example.com"}), None),
    ],
)
def test_a_requester_is_recognized_by_any_name_or_nobody_can_override(requester: Person, reason: Reason | None) -> None:
    judgement = judge(asking(requester=requester), an_override())
    assert judgement.reason == reason


@pytest.mark.parametrize(("name", "reason"), [("ivy@example.com", "OWN_REQUEST"), ("U0I", "UNKNOWN_REQUESTER")])
def test_a_requester_who_was_not_looked_up_is_recognized_as_well(name: str, reason: str) -> None:
    """Where nobody is named and self-approval is allowed, no identities are resolved."""
    open_to_all = replace(asking().request, approvers=(), requested_by=name, allow_self_approval=True)
    judgement = judge(an_approval(request=open_to_all, people=People()), an_override())
    assert judgement.reason == reason


def test_attempts_are_on_record_as_overrides_once_each() -> None:
    approval = asking()
    for approver in (by_iam("eve@example.com"), by_iam("eve@example.com"), by_iam(RO.id, BREAK_GLASS_ROLE)):
        approval = judge(approval, an_override(approver=approver)).approval
    approval = judge(approval, a_response(approver=by_iam("eve@example.com"), minutes=9)).approval
    assert [(each.reason, each.is_override) for each in approval.refusals] == [
        ("NOT_AN_OVERRIDER", True),
        ("OWN_REQUEST", True),
        ("NOT_AN_APPROVER", False),
    ]
    told = [entry.text for entry in history(approval) if entry.kind is Kind.REFUSED]
    assert "eve@example.com tried to override and approve by IAM, role AWSReservedSSO_Approver" in told[0]
    assert told[0].endswith(", but is not allowed to override.")
    assert told[2].endswith(", but is not allowed to respond.")
    assert approval_from_item(approval_to_item(approval)).refusals == approval.refusals


# What it leaves.


def test_the_record_keeps_who_why_under_which_policy_and_what_was_filled_in() -> None:
    approval = overridden(asking(form=(SHARE,)), an_override(form={"Share": 5, "Strange": 1}))
    decision = approval.decision
    assert decision
    assert (decision.approver, decision.comment, decision.channel) == (IVY, REASON, "iam")
    assert (decision.override, decision.form) == (TODAY, {"Share": 5})
    assert approval.responses == ()
    stored = approval_from_item(approval_to_item(approval))
    assert stored == approval
    assert stored.decision
    assert stored.decision.approver
    assert stored.decision.approver.role == BREAK_GLASS_ROLE
    assert current_form(approval) == {"Share": 5}


def test_other_decisions_are_stored_as_before() -> None:
    approved = judge(asking(required_approvals=1), a_response(approver=by_email(ANN))).approval
    assert {"override", "form"}.isdisjoint(approval_to_item(approved)["decision"])
    assert "Override" not in result(approved)
    assert document(approved)["Override"] is None
    assert row(approved)["override"] is None


def after_ann_approved_and_bo_rejected() -> Approval:
    approval = judge(asking(required_rejections=2), a_response(approver=by_email(ANN))).approval
    return judge(approval, a_response(Action.REJECT, by_email(BO))).approval


@pytest.mark.parametrize(("action", "skipped"), [(Action.APPROVE, [BO, CY]), (Action.REJECT, [ANN, CY])])
def test_who_did_not_respond_like_it_was_skipped(action: Action, skipped: list[Person]) -> None:
    approval = overridden(after_ann_approved_and_bo_rejected(), an_override(action))
    found = result(approval)
    assert found["Override"] == {
        "By": IVY.id,
        "Name": IVY.name,
        "Role": BREAK_GLASS_ROLE,
        "Policy": {"Parameter": TODAY.parameter, "Version": 7, "Sha256": "7" * 64},
        "Skipped": [person.id for person in skipped],
    }
    assert (found["Decision"], found["DecidedBy"], found["Comment"]) == (action.status, IVY.id, REASON)
    assert [each["By"] for each in found["Responses"]] == [ANN.id, BO.id]  # type: ignore[union-attr, index, call-overload]
    assert deciders(approval) == (IVY,)


def test_a_role_is_skipped_unless_somebody_responded_through_it() -> None:
    role = Person(id=SSO_ROLE, name="role Approver", identities={"iam": SSO_ROLE})
    approval = judge(asking(role, ANN), a_response(approver=by_iam("eve@example.com"))).approval
    assert overrides.skipped(overridden(approval)) == (ANN,)
    assert overrides.skipped(overridden(asking(role, ANN))) == (role, ANN)


def test_people_of_a_later_escalation_and_the_requester_are_not_skipped() -> None:
    approval = asking(ANN, RO, escalate_to=(BO.id,), escalate_after=timedelta(minutes=20))
    assert approval.people
    approval = replace(approval, people=replace(approval.people, escalation=(BO,)))
    assert overrides.skipped(overridden(approval)) == (ANN,)
    assert overrides.skipped(overridden(replace(approval, escalated_at=NOW))) == (ANN, BO)


SKIPPED = "Skipped: bo@example.com and cy@example.com."


def test_every_surface_says_that_it_was_an_override_and_whom_it_skipped() -> None:
    approval = overridden(after_ann_approved_and_bo_rejected())
    surfaces = {
        "page": pages.outcome(approval, Action.APPROVE),
        "email": outcome_mail(approval, ANN.id).text,
        "slack": json.dumps([block.to_dict() for block in outcome_blocks(approval)]),
        "reply": outcome_reply(approval),
        "show": "\n".join(lines(approval, NOW)),
        "history": history(approval)[-1].text,
        "outcome": str(wording.outcome(approval)),
    }
    for name, said in surfaces.items():
        plain = said.replace("\u200b", "").replace("*", "")
        assert "Override: approved" in plain, name
        assert "ivy@example.com" in plain, name
        assert "Skipped:" in plain, name
        assert "bo@example.com" in plain, name
        assert "cy@example.com" in plain, name
        assert REASON in plain or name in ("history", "outcome"), name
    assert SKIPPED in surfaces["page"]
    assert "ann@example.com approved" in surfaces["show"]
    assert summarize(approval).headline == "Override: approved"
    assert row(approval)["override"] == {
        "by": IVY.id, "name": IVY.name, "role": BREAK_GLASS_ROLE, "policy": result(approval)["Override"]["Policy"],  # type: ignore[index, call-overload]
        "skipped": [BO.id, CY.id],
    }  # fmt: skip


def test_the_activity_has_the_role_the_policy_the_reason_and_the_form() -> None:
    entry = history(overridden(asking(form=(SHARE,)), an_override(form={"Share": 5})))[-1]
    assert entry.text.startswith(
        "Override: approved by ivy@example.com by IAM, role AWSReservedSSO_BreakGlass_fedcba9876543210, "
        "under version 7 of the policy /approvals/policy. "
    )
    assert (entry.comment, entry.answers, entry.approver) == (REASON, (("Share", "5"),), IVY)


def test_where_nobody_is_named_everyone_was_skipped() -> None:
    approval = an_approval(request=replace(asking().request, approvers=()), people=People(requester=RO))
    assert "Everyone else who received this request was skipped." in str(wording.outcome(overridden(approval)))


def test_of_many_the_sentence_counts_the_last() -> None:
    many = tuple(a_person(f"p{number}@example.com") for number in range(30))
    approval = overridden(asking(*many))
    assert "p18@example.com and 11 more approvers." in str(wording.outcome(approval))
    assert len(result(approval)["Override"]["Skipped"]) == 30  # type: ignore[index, call-overload, arg-type]


def test_silent_approvers_are_told_of_an_override() -> None:
    approval = asking(silent=(CY.id,))
    assert approval.people
    approval = replace(approval, people=replace(approval.people, silent=(CY.id,)))
    approved = replace(approval, request=replace(approval.request, required_approvals=1))
    assert CY.id not in asked(judge(approved, a_response(approver=by_email(ANN))).approval, "s@example.com")
    assert asked(overridden(approval), "s@example.com") == [ANN.id, BO.id, CY.id]


def test_a_form_with_values_of_others_is_replaced_by_what_was_overridden() -> None:
    approval = judge(asking(form=(SHARE,)), replace(a_response(approver=by_email(ANN)), form={"Share": 1})).approval
    approval = overridden(approval, an_override(form={"Share": 2}))
    assert result(approval)["Form"] == {"Share": 2}
    assert "filled in by ivy@example.com" in outcome_mail(approval, ANN.id).text


@pytest.mark.parametrize("comments", [Presence.OFF, Presence.OPTIONAL])
@pytest.mark.parametrize("in_groups", [False, True])
def test_the_result_and_the_record_have_room_for_it(comments: Presence, *, in_groups: bool) -> None:
    many = tuple(a_person(f"p{number}{'x' * 50}@example.com") for number in range(40))
    groups = (Group(name="all", approvers=tuple(person.id for person in many), required=2),) if in_groups else ()
    approval = asking(*many, comments=dict.fromkeys(Action, comments), groups=groups)
    most, room = most_bytes(approval.request, approval.people), greatest_size(approval)
    bare = replace(approval.request, policy=None)
    assert most > most_bytes(bare, approval.people)
    comment = "\U0001f525" * 1000 if comments is Presence.OPTIONAL else None
    approval = judge(approval, replace(a_response(approver=by_email(many[0])), comment=comment)).approval
    done = overridden(approval, an_override(reason="\U0001f525" * 1000))
    assert len(output(done).encode()) <= most
    assert item_size(approval_to_item(done)) <= room
