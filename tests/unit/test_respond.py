"""The shared way to a decision, under conflicts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.domain.errors import ConflictError, TooManyConflictsError
from approvals.domain.judgement import ApprovalEvent, Cancellation, Expiry, Judgement, Verdict, Withdrawal
from approvals.domain.model import Action, Approval, Status
from approvals.domain.people import Approver
from approvals.domain.replies import DeferredReply
from approvals.services.respond import respond
from approvals.store.table import NotFoundError
from tests.support.builders import ALICE, BOB, CAROL, NOW, TOKEN, a_response, an_approval, decided


class MemoryStore:
    """One record with the table's condition: a write takes effect on the version just before it alone."""

    def __init__(self, record: Approval) -> None:
        self.record = record
        self.writes = 0
        self.replies: list[DeferredReply] = []

    def save(self, approval: Approval, reply: DeferredReply | None = None) -> None:
        if self.record.version != approval.version - 1:
            raise ConflictError(self.record)
        self.record = approval
        self.writes += 1
        if reply:
            self.leave_reply(reply)

    def leave_reply(self, reply: DeferredReply) -> None:
        self.replies.append(reply)


class BusyStore(MemoryStore):
    """Somebody else writes, without deciding, just before each of the first `rivals` saves."""

    def __init__(self, record: Approval, rivals: int) -> None:
        super().__init__(record)
        self._rivals = rivals
        self.attempts = 0

    def save(self, approval: Approval, reply: DeferredReply | None = None) -> None:
        self.attempts += 1
        if self.attempts <= self._rivals:
            self.record = replace(self.record, version=self.record.version + 1)
        super().save(approval, reply)


class GoneStore(MemoryStore):
    """The record was deleted meanwhile."""

    def save(self, approval: Approval, reply: DeferredReply | None = None) -> None:  # noqa: ARG002
        raise NotFoundError(approval.id)


def test_a_decision_is_stored_and_returned() -> None:
    store = MemoryStore(an_approval())
    judgement = respond(store, an_approval(), a_response())
    assert judgement.verdict is Verdict.DECIDED
    assert store.record == judgement.approval == decided()


@pytest.mark.parametrize(
    ("approval", "event"),
    [
        (an_approval(), Expiry(NOW)),
        (decided(), a_response()),
        (decided(), a_response(Action.REJECT, BOB)),
        (decided(), Cancellation(NOW, "aborted", error="ApprovalCancelled")),
    ],
)
def test_events_that_change_nothing_are_not_written(approval: Approval, event: ApprovalEvent) -> None:
    store = MemoryStore(approval)
    respond(store, approval, event)
    assert (store.writes, store.record) == (0, approval)


@pytest.mark.parametrize(("mine", "verdict"), [(Action.APPROVE, Verdict.REPEATED), (Action.REJECT, Verdict.OVERRULED)])
def test_the_second_response_is_judged_by_the_first(mine: Action, verdict: Verdict) -> None:
    """The stale approval that the second answer was made on is of no account."""
    first = decided(Action.APPROVE, BOB)
    store = MemoryStore(first)
    judgement = respond(store, an_approval(), a_response(mine, ALICE))
    assert (judgement.verdict, judgement.approval, store.record) == (verdict, first, first)


def test_a_write_that_took_effect_but_was_not_heard_of_counts_as_a_repetition() -> None:
    """The client of DynamoDB may send a write again after it lost the answer to the first."""

    class DeafStore(MemoryStore):
        def save(self, approval: Approval, reply: DeferredReply | None = None) -> None:
            super().save(approval, reply)
            super().save(approval, reply)

    store = DeafStore(an_approval())
    judgement = respond(store, an_approval(), a_response())
    assert (judgement.verdict, store.record) == (Verdict.REPEATED, decided())


@given(st.lists(st.tuples(st.sampled_from(Action), st.sampled_from([ALICE, BOB])), min_size=1, max_size=6))
def test_one_of_many_responses_to_the_same_version_decides(answers: list[tuple[Action, Approver]]) -> None:
    store = MemoryStore(an_approval())
    events = [a_response(action, approver) for action, approver in answers]
    verdicts = [respond(store, an_approval(), event).verdict for event in events]
    assert verdicts.count(Verdict.DECIDED) == 1
    assert store.writes == 1
    assert store.record.responses == (replace(events[0], person=events[0].approver.id),)


def test_each_of_many_responses_to_the_same_quorum_counts_once() -> None:
    """Each writes on a version that the others have left behind; none of them is lost, none counts twice."""
    approval = an_approval(request=replace(an_approval().request, required_approvals=3))
    store = MemoryStore(approval)
    dave = replace(BOB, id="U0DAVE0006")
    verdicts = [respond(store, approval, a_response(approver=who)).verdict for who in (CAROL, BOB, CAROL, dave, BOB)]
    assert verdicts == [Verdict.COUNTED, Verdict.COUNTED, Verdict.REPEATED, Verdict.DECIDED, Verdict.REPEATED]
    assert [response.approver for response in store.record.standing] == [CAROL, BOB, dave]


def test_a_withdrawal_that_meets_the_decision_is_overruled() -> None:
    """Carol takes back the first of two approvals while Bob gives the second: the write that came first counts."""
    approval = an_approval(request=replace(an_approval().request, required_approvals=2))
    store = MemoryStore(approval)
    seen = respond(store, approval, a_response(approver=CAROL)).approval
    respond(store, seen, a_response(approver=BOB, minutes=2))
    judgement = respond(store, seen, Withdrawal(CAROL, NOW + timedelta(minutes=2)))
    assert (judgement.verdict, store.record.status) == (Verdict.OVERRULED, Status.APPROVED)


def test_the_scheduler_does_not_undo_an_answer_that_was_just_in_time() -> None:
    store = MemoryStore(decided())
    judgement = respond(store, an_approval(), Expiry(NOW + timedelta(hours=1)))
    assert (judgement.verdict, store.record.status) == (Verdict.OVERRULED, Status.APPROVED)


def test_an_answer_gets_through_nine_conflicts() -> None:
    store = BusyStore(an_approval(), rivals=9)
    assert respond(store, an_approval(), a_response()).verdict is Verdict.DECIDED
    assert store.record.status is Status.APPROVED
    assert store.record.version == 11


def test_after_fifty_conflicts_it_gives_up_and_stored_nothing() -> None:
    store = BusyStore(an_approval(), rivals=99)
    with pytest.raises(TooManyConflictsError, match=an_approval().id):
        respond(store, an_approval(), a_response())
    assert (store.attempts, store.writes, store.record.status) == (50, 0, Status.PENDING)


def test_a_deleted_record_is_the_callers_to_handle() -> None:
    with pytest.raises(NotFoundError):
        respond(GoneStore(an_approval()), an_approval(), a_response())


def test_a_conflict_carries_the_approval_as_it_stands_and_names_no_secret() -> None:
    approval = an_approval()
    conflict = ConflictError(approval)
    assert conflict.current is approval
    assert TOKEN not in str(conflict)


def a_reply(judgement: Judgement) -> DeferredReply:
    """Return a note that says what became of the event."""
    return DeferredReply(id="n1", user="U1", text=judgement.verdict)


@pytest.mark.parametrize(("approval", "verdict"), [(an_approval(), Verdict.DECIDED), (decided(), Verdict.REPEATED)])
def test_a_note_is_left_whether_or_not_there_is_something_to_store(approval: Approval, verdict: Verdict) -> None:
    store = MemoryStore(approval)
    respond(store, approval, a_response(), reply=a_reply)
    assert [reply.text for reply in store.replies] == [verdict]


def test_the_note_is_about_the_judgement_that_stands() -> None:
    """Not about the one that met a newer version."""
    store = MemoryStore(decided(Action.REJECT, BOB))
    respond(store, an_approval(), a_response(), reply=a_reply)
    assert [reply.text for reply in store.replies] == [Verdict.OVERRULED]


def test_an_error_in_making_the_note_keeps_the_judgement_from_being_stored() -> None:
    def refuse(_judgement: Judgement) -> DeferredReply:
        raise LookupError

    store = MemoryStore(an_approval())
    with pytest.raises(LookupError):
        respond(store, an_approval(), a_response(), reply=refuse)
    assert (store.writes, store.replies) == (0, [])
