"""How an approval changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.model import Action, Approval, Approver, Channel, Response, Status
from approvals.rules import Cancellation, Event, Expiry, Judgement, Verdict, judge
from tests.builders import ALICE, BOB, NOW, a_response, an_approval, cancelled, decided, expired

DEADLINE = an_approval().deadline

CANCELLATION = Cancellation(NOW + timedelta(minutes=2), "The execution was aborted.", error="ApprovalCancelled")

moments = st.one_of(
    st.integers(-5, 125).map(lambda minutes: NOW + timedelta(minutes=minutes)),
    st.sampled_from([DEADLINE, DEADLINE - timedelta(microseconds=1), DEADLINE + timedelta(microseconds=1)]),
)
responses = st.builds(
    lambda at, action, approver, comment: replace(a_response(action, approver, comment=comment), at=at),
    moments,
    st.sampled_from(Action),
    st.sampled_from([ALICE, BOB]),
    st.none() | st.text(max_size=5),
)
expiries = st.builds(Expiry, moments)
cancellations = st.builds(Cancellation, moments, st.just("ApprovalCancelled"), st.just("aborted"))
histories = st.lists(responses | expiries | cancellations, max_size=8)


def judged(events: list[Event]) -> list[Judgement]:
    """The judgements of events that arrive one after the other."""
    judgements: list[Judgement] = []
    for event in events:
        current = judgements[-1].approval if judgements else an_approval()
        judgements.append(judge(current, event))
    return judgements


def after(events: list[Event]) -> Approval:
    return reduce(lambda approval, event: judge(approval, event).approval, events, an_approval())


@given(histories)
def test_at_most_one_event_decides(events: list[Event]) -> None:
    assert sum(judgement.changed for judgement in judged(events)) <= 1


@given(histories)
def test_a_decision_never_changes(events: list[Event]) -> None:
    approvals = [judgement.approval for judgement in judged(events)]
    closed = [approval for approval in approvals if approval.status is not Status.PENDING]
    assert all(approval == closed[0] for approval in closed)
    assert approvals[len(approvals) - len(closed) :] == closed, "an approval was opened again"


@given(histories)
def test_nothing_is_approved_or_rejected_at_or_after_the_deadline(events: list[Event]) -> None:
    approval = after(events)
    if approval.status in (Status.APPROVED, Status.REJECTED):
        assert approval.decision is not None
        assert approval.decision.at < approval.deadline


@given(histories)
def test_only_a_person_approves(events: list[Event]) -> None:
    approval = after(events)
    if approval.status is Status.APPROVED:
        assert approval.decision is not None
        assert any(
            isinstance(event, Response)
            and event.action is Action.APPROVE
            and event.approver == approval.decision.approver
            for event in events
        )


@given(histories)
def test_the_first_event_that_can_decide_does(events: list[Event]) -> None:
    first = next((event for event in events if event.at >= DEADLINE or not isinstance(event, Expiry)), None)
    approval = after(events)
    if first is None:
        assert approval == an_approval()
    else:
        assert approval.decision is not None
        assert approval.decision.at == first.at
        assert approval.version == 2


@given(histories)
def test_a_change_is_reported_exactly_when_there_is_one(events: list[Event]) -> None:
    before = an_approval()
    for judgement in judged(events):
        assert judgement.changed == (judgement.approval != before)
        assert judgement.approval.version == before.version + judgement.changed
        before = judgement.approval


@given(histories)
def test_status_and_decision_say_the_same(events: list[Event]) -> None:
    approval = after(events)
    if approval.decision is None:
        assert approval.status is Status.PENDING
    else:
        assert approval.status is approval.decision.status
        assert (approval.decision.error is None) == (approval.decision.approver is not None)


@pytest.mark.parametrize(("action", "status"), [(Action.APPROVE, Status.APPROVED), (Action.REJECT, Status.REJECTED)])
@pytest.mark.parametrize("approver", [ALICE, BOB])
def test_an_answer_in_time_decides_with_all_that_was_said(action: Action, status: Status, approver: Approver) -> None:
    response = a_response(action, approver, comment="fine by me")
    judgement = judge(an_approval(), response)
    decision = judgement.approval.decision
    assert judgement.verdict is Verdict.DECIDED
    assert decision is not None
    assert (decision.status, decision.approver, decision.at) == (status, approver, response.at)
    assert (decision.channel, decision.comment) == (approver.channel, "fine by me")
    assert judgement.approval.responses == (response,)


@pytest.mark.parametrize("late", [timedelta(0), timedelta(microseconds=1), timedelta(days=30)])
@pytest.mark.parametrize("action", list(Action))
def test_a_late_answer_expires_the_approval_and_is_not_kept(action: Action, late: timedelta) -> None:
    judgement = judge(an_approval(), replace(a_response(action), at=DEADLINE + late))
    assert judgement.verdict is Verdict.TOO_LATE
    assert judgement.approval.status is Status.EXPIRED
    assert judgement.approval.responses == ()


def test_the_last_instant_before_the_deadline_still_counts() -> None:
    last = replace(a_response(), at=DEADLINE - timedelta(microseconds=1))
    assert judge(an_approval(), last).verdict is Verdict.DECIDED


@pytest.mark.parametrize(
    ("at", "verdict", "status"),
    [
        (DEADLINE - timedelta(microseconds=1), Verdict.NOT_DUE, Status.PENDING),
        (DEADLINE, Verdict.TOO_LATE, Status.EXPIRED),
        (DEADLINE + timedelta(hours=5), Verdict.TOO_LATE, Status.EXPIRED),
    ],
)
def test_the_clock_expires_an_approval_from_its_deadline_on(at: datetime, verdict: Verdict, status: Status) -> None:
    judgement = judge(an_approval(), Expiry(at))
    assert (judgement.verdict, judgement.approval.status) == (verdict, status)


def test_expiry_tells_the_workflow_the_contracts_error() -> None:
    decision = expired().decision
    assert decision is not None
    assert (decision.error, decision.channel, decision.approver) == ("ApprovalExpired", Channel.SYSTEM, None)
    assert decision.cause


def test_a_cancellation_tells_the_workflow_its_error_and_cause() -> None:
    judgement = judge(an_approval(), CANCELLATION)
    decision = judgement.approval.decision
    assert judgement.verdict is Verdict.CANCELLED
    assert decision is not None
    assert (decision.status, decision.at) == (Status.CANCELLED, CANCELLATION.at)
    assert (decision.error, decision.cause) == (CANCELLATION.error, CANCELLATION.cause)
    assert (decision.channel, decision.approver) == (Channel.SYSTEM, None)


def test_a_cancellation_after_the_deadline_is_an_expiry() -> None:
    judgement = judge(an_approval(), replace(CANCELLATION, at=DEADLINE))
    assert (judgement.verdict, judgement.approval.status) == (Verdict.TOO_LATE, Status.EXPIRED)


AFTERWARDS = [
    pytest.param(decided(Action.APPROVE), a_response(Action.APPROVE, BOB, minutes=2), Verdict.REPEATED, id="agrees"),
    pytest.param(decided(Action.APPROVE), a_response(Action.REJECT, BOB, minutes=2), Verdict.OVERRULED, id="differs"),
    pytest.param(decided(Action.REJECT), a_response(Action.REJECT, minutes=2), Verdict.REPEATED, id="same-again"),
    pytest.param(decided(Action.REJECT), a_response(Action.APPROVE, minutes=2), Verdict.OVERRULED, id="second-thought"),
    pytest.param(decided(Action.APPROVE), a_response(Action.APPROVE, minutes=90), Verdict.REPEATED, id="agrees-late"),
    pytest.param(decided(Action.APPROVE), Expiry(DEADLINE), Verdict.OVERRULED, id="clock-after-approval"),
    pytest.param(decided(Action.APPROVE), CANCELLATION, Verdict.OVERRULED, id="cancelled-after-approval"),
    pytest.param(expired(), a_response(Action.APPROVE, minutes=61), Verdict.TOO_LATE, id="approved-after-expiry"),
    pytest.param(expired(), Expiry(DEADLINE), Verdict.TOO_LATE, id="clock-twice"),
    pytest.param(expired(), CANCELLATION, Verdict.TOO_LATE, id="cancelled-after-expiry"),
    pytest.param(cancelled(), a_response(Action.APPROVE, minutes=2), Verdict.CANCELLED, id="approved-after-cancel"),
    pytest.param(cancelled(), Expiry(DEADLINE), Verdict.CANCELLED, id="clock-after-cancel"),
    pytest.param(cancelled(), CANCELLATION, Verdict.CANCELLED, id="cancelled-twice"),
]


@pytest.mark.parametrize(("approval", "event", "verdict"), AFTERWARDS)
def test_after_the_decision_events_are_told_apart_and_change_nothing(
    approval: Approval, event: Event, verdict: Verdict
) -> None:
    assert judge(approval, event) == Judgement(verdict, approval, changed=False)


def test_judging_leaves_the_given_approval_alone() -> None:
    approval = an_approval()
    judge(approval, a_response())
    assert approval == an_approval()
