"""The history of an approval: everything that is on record, in the order in which it happened."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from approvals.domain.form_changes import form_key
from approvals.domain.form_fields import FieldType, FormField, FormValue
from approvals.domain.history import Kind, history
from approvals.domain.judgement import ExtensionRequest, ScheduledCheck, Withdrawal
from approvals.domain.model import Action, MoreTime, Request
from approvals.domain.people import Approver, People, Person
from approvals.domain.rules import judge
from approvals.domain.steps import Step
from tests.support.builders import ALICE, BOB, HOUR, NOW, a_response, an_approval, cancelled, decided, expired

BOTH = (
    Person(id=ALICE.id, name=ALICE.id, identities={"email": ALICE.id}),
    Person(id=BOB.id, name="bob", identities={"slack": BOB.id}),
)
ANN = Person(id="ann@example.com", name="ann@example.com", identities={"email": "ann@example.com"})
EVE = Approver(id="eve@example.com", name="eve", channel="email")


def test_it_has_all_that_happened_in_order_of_time() -> None:
    request = Request(
        timeout=HOUR,
        requested_by="jo@example.com",
        required_approvals=2,
        more_time=MoreTime(1, HOUR),
        escalate_after=HOUR / 2,
    )
    approval = an_approval(request=request, people=People(approvers=BOTH, escalation=(ANN,)))
    told = {"request_email:alice@example.com": NOW, "request_slack": NOW, "outcome_email:alice@example.com": NOW}
    approval = replace(approval, steps=told)
    for event in (
        a_response(minutes=1),
        a_response(Action.REJECT, EVE, minutes=2),
        Withdrawal(ALICE, NOW + timedelta(minutes=3)),
        ExtensionRequest(BOB, NOW + timedelta(minutes=4)),
        ScheduledCheck(NOW + timedelta(minutes=31)),
        a_response(Action.REJECT, BOB, minutes=32, comment="Not today"),
    ):
        approval = judge(approval, event).approval
    later = {"reminder-1": NOW + timedelta(minutes=16), Step.RESUME: NOW + timedelta(minutes=33)}
    approval = replace(approval, steps={**approval.steps, **later})
    found = history(approval)
    assert [(entry.kind, entry.text) for entry in found] == [
        (Kind.REQUESTED, "Requested by jo@example.com."),
        (Kind.TOLD, "Sent to alice@example.com by email."),
        (Kind.TOLD, "Posted in Slack."),
        (Kind.RESPONDED, "alice@example.com approved by email."),
        (Kind.REFUSED, "eve tried to reject by email, but is not allowed to respond."),
        (Kind.WITHDRAWN, "alice@example.com withdrew this response."),
        (Kind.EXTENDED, "bob extended the deadline to 23 Nov 2026, 11:00 UTC."),
        (Kind.REMINDED, "Reminded the approvers who had not responded."),
        (Kind.ESCALATED, "Escalated: ann@example.com can now respond as well."),
        (Kind.RESPONDED, "bob rejected in Slack."),
        (Kind.DECIDED, "Rejected by bob."),
        (Kind.RESUMED, "The workflow received the decision."),
    ]
    assert len({entry.key for entry in found}) == len(found)
    assert found[9].comment == "Not today"


def test_a_notice_in_a_place_that_many_read_is_in_it() -> None:
    found = history(an_approval(steps={"notice_pigeon": NOW}))
    assert [entry.text for entry in found if entry.kind is Kind.TOLD] == ["Posted by pigeon, for information only."]


def test_keys_stay_the_same_whatever_happens_later() -> None:
    """Events are told apart by them: one that was published must never be published again under another name."""
    first = judge(an_approval(request=Request(timeout=HOUR, required_approvals=2), people=People()), a_response())
    later = judge(first.approval, Withdrawal(ALICE, NOW + timedelta(minutes=3))).approval
    later = judge(later, a_response(Action.REJECT, BOB, minutes=4)).approval
    before = {entry.key: entry.text for entry in history(first.approval)}
    assert before.items() <= {entry.key: entry.text for entry in history(later)}.items()


def test_an_end_without_a_person_says_why() -> None:
    assert history(expired())[-1].text.startswith("Expired. Nobody responded")
    last = history(cancelled("The execution was stopped."))[-1]
    # Its words are those of whoever stopped the execution: they stand apart from ours.
    assert (last.text, last.comment) == ("Cancelled.", "The execution was stopped.")
    assert history(cancelled(""))[-1].comment is None
    assert history(decided())[-1].text == "Approved by alice@example.com."


def test_a_decision_that_came_too_late_says_so() -> None:
    gone = replace(decided(), steps={Step.WORKFLOW_GONE: NOW + timedelta(minutes=2)})
    assert (history(gone)[-1].kind, history(gone)[-1].text) == (Kind.GONE, "The workflow was no longer waiting.")


def test_a_changed_form_is_told_in_the_order_of_cause_and_effect() -> None:
    form = (
        FormField(name="Share", label="Percent of users", type=FieldType.NUMBER),
        FormField(name="Note", label="Note", type=FieldType.TEXT),
    )
    request = Request(timeout=HOUR, required_approvals=2, form=form)
    approval = an_approval(request=request, people=People(approvers=BOTH))
    first: dict[str, FormValue] = {"Share": 10}
    changed: dict[str, FormValue] = {"Share": 20, "Note": "Go"}
    for number, (who, values) in enumerate([(ALICE, first), (BOB, changed), (ALICE, changed)], 1):
        response = replace(a_response(approver=who, minutes=number), form=values, seen=form_key(approval))
        approval = judge(approval, response).approval
    assert [(entry.key, entry.kind, entry.text, entry.answers) for entry in history(approval)[1:-1]] == [
        ("response-1", Kind.RESPONDED, "alice@example.com approved by email.", (("Percent of users", "10"),)),
        (
            "response-2",
            Kind.RESPONDED,
            "bob approved in Slack and changed the form.",
            (("Percent of users", "20 (before: 10)"), ("Note", "Go (before: no answer)")),
        ),
        ("reset-1", Kind.RESET, "alice@example.com must approve again, since bob changed the form.", ()),
        (
            "response-3",
            Kind.RESPONDED,
            "alice@example.com approved by email.",
            (("Percent of users", "20"), ("Note", "Go")),
        ),
    ]
