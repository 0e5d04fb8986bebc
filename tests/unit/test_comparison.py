"""Which earlier approval a request is compared with, what is said of it, and who sees its values."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.domain.comparison import (
    MAX_CHANGES,
    MAX_TEXT,
    comparable_key,
    compare,
    may_compare,
    place_sees_values,
    sees_values,
    subject_key,
)
from approvals.domain.comparison_wording import FAILED, HIDDEN, NONE, change_rows, comparison_lead, comparison_notes
from approvals.domain.facts import STARTED_BY
from approvals.domain.form_fields import FieldType, FormField
from approvals.domain.model import Action, Approval, Decision, Request, Response, Status
from approvals.domain.people import Approver, People, Person
from approvals.domain.pinned_policy import PinnedPolicy, PolicyVersion
from approvals.domain.previous import Comparison, Previous
from approvals.domain.steps import request_step
from approvals.store.items import approval_from_item, approval_to_item
from tests.support.builders import BOB, CAROL, MESSAGE, NOW, an_approval, cancelled, expired
from tests.support.delegates import ANN, BO, DAN, EVE, by_email

JO = Person(id="jo@example.com", name="Jo", identities={"email": "jo@example.com"})
HOUR = timedelta(hours=1)
POLICY = PinnedPolicy(parameter="/p", version=1, sha256="a" * 64)


def asking(*approvers: Person, **changes: Any) -> Approval:
    """Return a request of Jo to some people."""
    values: dict[str, Any] = {
        "title": "Deploy web",
        "subject": "deploy web",
        "approvers": tuple(person.id for person in approvers),
        "requested_by": JO.id,
        "timeout": HOUR,
    }
    people = People(approvers=approvers, requester=changes.pop("requester", JO))
    request = Request(**{**values, **changes})
    return an_approval(id="a" * 32, request=request, people=people, deliveries=())


def response(person: Person | Approver, *, minutes: int = 1, action: Action = Action.APPROVE) -> Response:
    approver = by_email(person) if isinstance(person, Person) else person
    return Response(approver=approver, action=action, at=NOW + timedelta(minutes=minutes), person=person.id)


def approved(by: Person | Approver, *more: Person, asked: Approval | None = None, **changes: Any) -> Approval:
    """Return an earlier approval of Jo's request."""
    named = (by, *more) if isinstance(by, Person) else ()
    given_ = tuple(response(each) for each in (by, *more))
    approval = asked or asking(*named, **changes)
    decision = Decision(status=Status.APPROVED, at=given_[-1].at, channel="email", approver=given_[-1].approver)
    return replace(approval, id="b" * 32, status=Status.APPROVED, responses=given_, decision=decision)


def test_the_approval_of_a_person_who_can_respond_now_is_one_to_compare_with() -> None:
    assert may_compare(approved(ANN), asking(ANN, BO))


@pytest.mark.parametrize(
    ("earlier", "current"),
    [
        pytest.param(approved(ANN), asking(BO), id="no-common-approver"),
        pytest.param(approved(EVE), asking(ANN), id="an-accomplice"),
        pytest.param(approved(ANN, policy=POLICY), asking(ANN), id="a-policy-then"),
        pytest.param(approved(ANN), asking(ANN, policy=POLICY), id="a-policy-now"),
        pytest.param(
            approved(ANN, policy=POLICY), asking(ANN, policy=replace(POLICY, sha256="b" * 64)), id="another-policy"
        ),
        pytest.param(approved(ANN), asking(ANN, subject="deploy api"), id="another-subject"),
        pytest.param(approved(ANN), asking(ANN, subject=None), id="no-subject"),
        pytest.param(approved(JO, allow_self_approval=True), asking(ANN, JO), id="the-earlier-requester-alone"),
        pytest.param(
            approved(ANN), asking(ANN, BO, requester=ANN, allow_self_approval=True), id="the-current-requester"
        ),
        pytest.param(
            approved(ANN, requested_by=ANN.id, requester=None), asking(ANN), id="a-requester-who-is-only-claimed"
        ),
        pytest.param(replace(approved(ANN), id="a" * 32), asking(ANN), id="itself"),
        pytest.param(replace(asking(ANN), id="b" * 32), asking(ANN), id="pending"),
        pytest.param(
            replace(approved(ANN), status=Status.REJECTED, responses=(response(ANN, action=Action.REJECT),)),
            asking(ANN),
            id="rejected",
        ),
        pytest.param(replace(expired(), request=asking(ANN).request), asking(ANN), id="expired"),
        pytest.param(replace(cancelled(), request=asking(ANN).request), asking(ANN), id="cancelled"),
        pytest.param(
            replace(approved(ANN), responses=(replace(response(ANN), withdrawn_at=NOW),)), asking(ANN), id="withdrawn"
        ),
        pytest.param(approved(BOB, asked=asking(ANN)), asking(ANN), id="an-unknown-person"),
        pytest.param(approved(BOB, approvers=()), asking(approvers=(), channel="C0OTHER"), id="another-channel"),
        pytest.param(approved(ANN), asking(), id="a-request-that-names-nobody"),
    ],
)
def test_no_other_approval_is_one_to_compare_with(earlier: Approval, current: Approval) -> None:
    assert not may_compare(earlier, current)


def overridden(by: Person = EVE) -> Approval:
    """Return an approval that Ann approved and that an override decided."""
    earlier = approved(ANN)
    policy = PolicyVersion(parameter="/p", version=1, sha256="a" * 64)
    decision = Decision(status=Status.APPROVED, at=NOW, channel="iam", approver=by_email(by), override=policy)
    return replace(earlier, decision=decision)


def test_an_override_is_not_one_even_beside_an_approval() -> None:
    assert not may_compare(overridden(), asking(ANN))
    assert comparable_key(overridden()) is None


def test_an_approval_beside_the_requesters_own_is_one() -> None:
    both = approved(JO, ANN, allow_self_approval=True, required_approvals=2)
    assert may_compare(both, asking(ANN))
    assert not may_compare(both, asking(BO, JO))


def test_a_delegate_who_approved_is_the_person_to_know() -> None:
    for_ann = replace(response(DAN), on_behalf_of=ANN.id)
    earlier = replace(approved(ANN), responses=(for_ann,))
    assert may_compare(earlier, asking(DAN))
    assert not may_compare(earlier, asking(ANN))


def test_a_request_that_names_nobody_is_compared_with_one_to_the_same_place() -> None:
    assert may_compare(approved(BOB, approvers=()), asking(approvers=()))
    listed = People(requester=JO, allowed=(("U0OTHER001",),))
    assert not may_compare(approved(BOB, approvers=()), replace(asking(approvers=()), people=listed))


def test_a_person_is_the_same_on_another_channel() -> None:
    bob = Person(id="bob@example.com", name="Bob", identities={"email": "bob@example.com", "slack": BOB.id})
    in_slack = replace(approved(bob), responses=(replace(response(BOB), person=BOB.id),))
    assert may_compare(in_slack, asking(bob))


@pytest.mark.parametrize("same", ["Deploy Web", " deploy\t web ", "DEPLOY \u00a0WEB", "\uff44eploy web", "deploy\nweb"])
def test_case_and_blanks_make_no_other_subject(same: str) -> None:
    assert subject_key(same) == subject_key("deploy web")


@pytest.mark.parametrize("other", ["deployweb", "deploy web 2", "depl\u043ey web", "deploy-web"])
def test_other_letters_make_another_subject(other: str) -> None:
    assert subject_key(other) != subject_key("deploy web")


def compared(before: dict[str, Any], after: dict[str, Any], **more: Any) -> Approval:
    current = asking(ANN, **after)
    return replace(current, previous=compare(approved(ANN, **before), current, **more))


def said(approval: Approval, *, values: bool = True) -> str:
    return " ".join(filter(None, [str(comparison_lead(approval)), comparison_notes(approval, values=values)]))


SINCE = "Changed since ann@example.com approved this subject on 23 Nov 2026, 09:01 UTC"
FACTS = {"facts": (("Replicas", "3"), ("Image", "web:1"))}


def test_a_changed_fact_is_named_with_both_values() -> None:
    approval = compared(FACTS, {"facts": (("Replicas", "300"), ("Image", "web:1"))}, ignored=0)
    assert change_rows(approval, values=True) == [("Replicas", "3 \u2192 300")]
    assert said(approval) == f"{SINCE}: 1 change in the facts."


def test_what_is_the_same_is_named_and_nothing_else() -> None:
    both = {**FACTS, "context": {"Region": "eu"}}
    assert said(compared(both, both)) == (
        "No change since ann@example.com approved this subject on 23 Nov 2026, 09:01 UTC: "
        "the facts and workflow input are the same."
    )
    assert said(compared(both, {"facts": FACTS["facts"], "context": {"Region": "us"}})) == (
        f"{SINCE}: 1 change in the workflow input. The facts are the same."
    )
    assert "There is nothing to compare" in said(compared({}, {}))


def test_a_request_without_an_earlier_approval_says_so() -> None:
    asked = asking(ANN)
    assert said(asked) == ""
    assert said(replace(asked, previous=Previous(comparison=Comparison.NONE))) == NONE
    assert said(replace(asked, previous=Previous(comparison=Comparison.FAILED))) == FAILED
    assert said(replace(asked, previous=Previous(comparison=Comparison.NONE, ignored=2))) == (
        f"{NONE} 2 approvals of this subject are not compared: they were given under another policy, or by people who "
        "can't respond to this request."
    )


def test_newer_approvals_that_are_passed_over_are_named() -> None:
    assert said(compared(FACTS, FACTS, ignored=1)).endswith(
        "1 newer approval of this subject is not compared: it was given under another policy, or by people who can't "
        "respond to this request."
    )


def field(default: Any) -> tuple[FormField, ...]:
    return (FormField(name="Replicas", label="Replicas", type=FieldType.NUMBER, default=default),)


@pytest.mark.parametrize(
    ("before", "after", "row"),
    [
        ({"facts": (("A", "1"),)}, {"facts": (("A", "1"), ("B", "2"))}, ("B", "(none) \u2192 2")),
        ({"facts": (("A", "1"), ("A", "2"))}, {"facts": (("A", "1"), ("A", "3"))}, ("A (2)", "2 \u2192 3")),
        ({"facts": (("A", "1"), ("B", "2"))}, {"facts": (("B", "2"), ("A", "1"))},
         ("Order of the facts", '["A", "B"] \u2192 ["B", "A"]')),
        ({"form": field(3)}, {"form": field(300)}, ("Form field Replicas, Default", "3 \u2192 300")),
        ({"form": field(3)}, {"form": field(None)}, ("Form field Replicas, Default", "3 \u2192 (none)")),
        ({"context": {"a/b": {"~": 3}}}, {"context": {"a/b": {"~": 300}}},
         ("Workflow input /a~1b/~0", "3 \u2192 300")),
        ({"action": {"Command": ["a", "b"]}}, {"action": {"Command": ["a", "c"]}},
         ("Action /Command/1", "b \u2192 c")),
        ({"action": 1}, {"action": True}, ("Action", "1 \u2192 true")),
        ({"action": 1}, {}, ("Action", "1 \u2192 (none)")),
        ({"context": {"a": None}}, {"context": {}}, ("Workflow input /a", "null \u2192 (none)")),
        ({"context": {"a": "1"}}, {"context": {"a": 1}}, ("Workflow input /a", '"1" \u2192 1')),
        ({"context": {"a": "x y"}}, {"context": {"a": "x\ny"}}, ("Workflow input /a", '"x y" \u2192 "x\\ny"')),
        ({"context": {"a": "x\u200b"}}, {"context": {"a": "x\u200c"}},
         ("Workflow input /a", '"x\\u200b" \u2192 "x\\u200c"')),
        ({"context": {"a": "x\u200b"}}, {"context": {"a": "y"}}, ("Workflow input /a", "x\ufffd \u2192 y")),
        ({"context": {"a": "3 \u2192 3"}}, {"context": {"a": "300"}},
         ("Workflow input /a", '"3 \\u2192 3" \u2192 300')),
        ({"context": {"a": "(none)"}}, {"context": {"a": ""}}, ("Workflow input /a", '"(none)" \u2192 ""')),
        ({"context": {"a": "caf\u00e9"}}, {"context": {"a": "cafe\u0301"}},
         ("Workflow input /a", '"caf\\u00e9" \u2192 "cafe\\u0301"')),
    ],
)  # fmt: skip
def test_a_change_reads(before: dict[str, Any], after: dict[str, Any], row: tuple[str, str]) -> None:
    assert change_rows(compared(before, after), values=True) == [row]


def test_a_difference_far_into_long_values_is_in_sight() -> None:
    before, after = "x" * 5000 + "3", "x" * 5000 + "300"
    [(_, shown)] = change_rows(compared({"context": {"a": before}}, {"context": {"a": after}}), values=True)
    assert shown == f"\u2026{'x' * 19}3 \u2192 \u2026{'x' * 19}300"


@given(st.text(max_size=300), st.text(max_size=300))
def test_two_values_never_look_the_same(one: str, other: str) -> None:
    if one == other:
        return
    previous = compared({"context": {"a": one}}, {"context": {"a": other}}).previous
    assert previous
    [change] = previous.changes
    assert normalize("NFC", change.before or "") != normalize("NFC", change.after or "")
    assert max(len(change.before or ""), len(change.after or "")) <= MAX_TEXT


def test_values_that_read_from_the_right_stand_without_an_arrow() -> None:
    approval = compared({"context": {"a": "\u05d0"}}, {"context": {"a": "\u05d1"}})
    assert change_rows(approval, values=True) == [("Workflow input /a", "was \u05d0, now \u05d1")]


def test_the_callers_execution_is_compared_by_its_state_machine() -> None:
    def started_by(machine: str, name: str) -> dict[str, Any]:
        return {"context": {STARTED_BY: f"arn:aws:states:eu-west-1:123456789012:execution:{machine}:{name}"}}

    assert change_rows(compared(started_by("Deploy", "run-1"), started_by("Deploy", "run-2")), values=True) == []
    assert len(change_rows(compared(started_by("Deploy", "run-1"), started_by("Evil", "run-1")), values=True)) == 1


def test_many_changes_of_one_part_do_not_hide_those_of_another() -> None:
    def facts(value: str) -> tuple[tuple[str, str], ...]:
        return tuple((f"F{number}", value) for number in range(100))

    approval = compared({"facts": facts("1"), "context": {"a": 1}}, {"facts": facts("2"), "context": {"a": 2}})
    rows = change_rows(approval, values=True)
    assert len(rows) == MAX_CHANGES
    assert rows[-1] == ("Workflow input /a", "1 \u2192 2")
    assert said(approval) == f"{SINCE}: 100 changes in the facts and 1 in the workflow input. Listed: 20 of 101."


def test_the_record_keeps_little_of_great_changes() -> None:
    def large(value: str) -> dict[str, Any]:
        return {"context": {f"{'k' * 500}{number}": value * 2000 for number in range(50)}}

    previous = compared(large("\U0001f600"), large("\U0001f680")).previous
    assert previous
    assert all(len(each.name) <= MAX_TEXT for each in previous.changes)
    assert len({each.name for each in previous.changes}) == MAX_CHANGES
    assert len(str(previous)) < 10_000


def test_the_record_keeps_the_comparison() -> None:
    approval = compared(FACTS, {"facts": (("Replicas", "300"),), "context": {"a": 1}}, ignored=3)
    assert approval_from_item(approval_to_item(approval)).previous == approval.previous


def seen_by(earlier: Approval, current: Approval) -> Approval:
    return replace(current, previous=compare(earlier, current))


@pytest.mark.parametrize(
    ("person", "sees"),
    [(ANN, True), (JO, True), (BO, False), (EVE, False)],
)
def test_only_people_of_the_earlier_request_see_its_values(person: Person, sees: bool) -> None:
    approval = seen_by(approved(ANN), asking(ANN, BO, EVE, notify=("zoe@example.com",)))
    assert sees_values(approval, by_email(person)) is sees


def test_the_record_names_no_viewer_whom_the_request_does_not_concern() -> None:
    previous = seen_by(approved(ANN, EVE), asking(ANN)).previous
    assert previous
    assert EVE.id not in previous.viewers


def test_a_sub_address_is_the_same_viewer() -> None:
    approval = seen_by(approved(ANN), asking(ANN))
    assert sees_values(approval, Approver(id="Ann+x@Example.com", name="Ann", channel="email"))


def test_a_shared_place_sees_values_if_the_earlier_request_was_posted_there() -> None:
    posted = replace(approved(ANN), deliveries=(MESSAGE,))
    approval = seen_by(posted, asking(ANN))
    assert place_sees_values(approval, MESSAGE.place)
    assert not place_sees_values(approval, "C0OTHER")


def test_a_direct_message_is_no_shared_place() -> None:
    posted = replace(approved(ANN), deliveries=(replace(MESSAGE, place="D0ANN", to="U0ANN"),))
    assert not place_sees_values(seen_by(posted, asking(ANN)), "D0ANN")


@pytest.mark.parametrize(("place", "sees"), [(MESSAGE.place, True), ("C0OTHER", False)])
def test_readers_of_the_place_of_a_request_that_names_nobody_see_values(place: str, sees: bool) -> None:
    earlier = replace(approved(BOB, approvers=()), deliveries=(MESSAGE,))
    approval = seen_by(earlier, asking(approvers=()))
    approval = replace(approval, deliveries=(replace(MESSAGE, place=place),))
    assert sees_values(approval, CAROL) is sees


def test_the_address_that_was_asked_for_anyone_sees_values() -> None:
    earlier = replace(approved(BOB, approvers=()), steps={request_step("email", "stack@example.com"): NOW})
    approval = seen_by(earlier, asking(approvers=()))
    assert sees_values(approval, Approver(id="stack@example.com", name="stack@example.com", channel="email"))
    assert not sees_values(approval, Approver(id="other@example.com", name="other@example.com", channel="email"))


def test_others_see_the_names_of_what_changed() -> None:
    approval = compared(FACTS, {"facts": (("Replicas", "300"), ("Image", "web:1"))})
    assert change_rows(approval, values=False) == [("Replicas", "changed")]
    assert said(approval, values=False) == f"{SINCE}: 1 change in the facts. {HIDDEN}"


def test_an_earlier_record_is_found_by_the_key_of_its_subject() -> None:
    assert comparable_key(approved(ANN)) == subject_key("deploy web")
    assert comparable_key(asking(ANN)) is None
    assert comparable_key(approved(ANN, subject=None)) is None
    assert comparable_key(approved(JO, allow_self_approval=True)) is None
