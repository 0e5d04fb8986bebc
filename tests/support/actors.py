"""Actors: threads that stop before each call to the outside, so that a test says in which order they go on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime

from mypy_boto3_dynamodb import DynamoDBClient

from approvals.domain.absences import Absence
from approvals.domain.model import Approval, Delivery
from approvals.domain.people import People
from approvals.domain.previous import Previous
from approvals.domain.replies import DeferredReply
from approvals.store.table import ApprovalTable
from tests.support.tables import TABLE

_this = threading.local()


class Actor:
    """Does something in a thread of its own, and stops before each call to the outside until it is let go on."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.done = False
        self._work = work
        self._error: BaseException | None = None
        self._may_go, self._has_stopped = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def go_on(self) -> None:
        """Let the actor go on to its next call. Raise what it raised."""
        self._may_go.release()
        self._wait()

    def stop_here(self) -> None:
        """Called in its own thread."""
        self._has_stopped.release()
        self._may_go.acquire()

    def _wait(self) -> None:
        assert self._has_stopped.acquire(timeout=60), "the actor hangs"
        if self._error:
            raise self._error

    def _run(self) -> None:
        _this.actor = self
        self._may_go.acquire()
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 raised again where the actor was let go on
            self._error = error
        self.done = True
        self._has_stopped.release()


def others_first() -> None:
    """Let others do something before the next call to the outside."""
    actor: Actor | None = getattr(_this, "actor", None)
    if actor:
        actor.stop_here()


class RacedTable(ApprovalTable):
    """The real table. Notes what was saved, and which of it is news that wakes notify."""

    def __init__(
        self, dynamodb: DynamoDBClient, on_add: Callable[[str], None], on_save: Callable[[Approval, bool], None]
    ) -> None:
        super().__init__(dynamodb, TABLE)
        self._on_add, self._on_save = on_add, on_save
        self.news: set[str] = set()
        """What not everybody knows yet. Only what is added to it wakes notify, as the stream's filter says."""

    def add(self, approval: Approval) -> bool:
        others_first()
        added = super().add(approval)
        if added:
            self._on_add(approval.id)
        return added

    def get(self, approval_id: str) -> Approval:
        others_first()
        return super().get(approval_id)

    def get_with_absences(self, approval_id: str) -> tuple[Approval, tuple[Absence, ...]]:
        others_first()
        return super().get_with_absences(approval_id)

    def save(self, approval: Approval, reply: DeferredReply | None = None, *, asked_again: bool = False) -> None:
        others_first()
        super().save(approval, reply, asked_again=asked_again)
        known = approval.id not in self.news
        if approval.decision:
            self.news.discard(approval.id)
        else:
            self.news.add(approval.id)
        self._on_save(approval, known)

    def announced(self, approval: Approval) -> bool:
        others_first()
        told = super().announced(approval)
        if told:
            self.news.discard(approval.id)
        return told

    def identify(self, approval: Approval, people: People) -> Approval:
        others_first()
        return super().identify(approval, people)

    def mark(
        self,
        approval: Approval,
        step: str,
        at: datetime,
        *,
        delivery: Delivery | None = None,
        parts: Sequence[str] = (),
        subject: str | None = None,
    ) -> Approval:
        others_first()
        return super().mark(approval, step, at, delivery=delivery, parts=parts, subject=subject)

    def keep_previous(self, approval: Approval, previous: Previous) -> Approval:
        others_first()
        return super().keep_previous(approval, previous)

    def postpone(self, approval: Approval, until: datetime) -> None:
        others_first()
        super().postpone(approval, until)


def empty(dynamodb: DynamoDBClient) -> None:
    """Delete every record."""
    for item in dynamodb.scan(TableName=TABLE)["Items"]:
        dynamodb.delete_item(TableName=TABLE, Key={"id": item["id"]})


def go_on_in(order: Sequence[int], actors: Sequence[Actor]) -> None:
    """Let the actors go on in this order of their numbers, counted round and round, then each to its end."""
    for number in [*order, *list(range(len(actors))) * 40]:
        actor = actors[number % len(actors)]
        if not actor.done:
            actor.go_on()
    assert all(actor.done for actor in actors)
