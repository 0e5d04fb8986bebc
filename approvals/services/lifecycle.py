"""The clock, every minute, and the end of executions: reminds, escalates, expires, cancels, and finds what got lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from approvals.adapters.queues import RetryQueue
from approvals.adapters.step_functions import Workflows
from approvals.domain.judgement import ApprovalEvent, Cancellation, Expiry, ScheduledCheck, Verdict
from approvals.domain.model import Approval
from approvals.domain.rules import next_due
from approvals.services.respond import respond
from approvals.store.items import NOTIFY_GRACE, RESUME_GRACE
from approvals.store.reading import UnreadableError
from approvals.store.table import ApprovalTable, NotFound, RecordFullError

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger
    from aws_lambda_powertools.utilities.typing import LambdaContext

LOOK_BACK = timedelta(minutes=15)
"""How far back the clock looks for executions that ended: events tell of them at once, but are best effort."""

SET_ASIDE = timedelta(hours=1)
"""How long a record is left alone that can't be read or written: so it is found again soon after a newer version is
deployed, and does not fill the dead-letter queue until then."""

_CAUSES = {
    "ABORTED": "The execution was stopped before anybody answered.",
    "FAILED": "The execution failed before anybody answered.",
    "TIMED_OUT": "The execution timed out before anybody answered.",
}


class NotAllDone(Exception):  # noqa: N818
    """Some approvals could not be looked at. The next minute tries again; the function's errors raise an alarm."""


class LifecycleHandler:
    """Reminds, expires, cancels, and puts back to work: through the same `respond` and functions as everybody."""

    def __init__(
        self,
        *,
        table: ApprovalTable,
        workflows: Workflows,
        state_machine_arn: str,
        notify_queue: RetryQueue,
        decision_queue: RetryQueue,
        dead_letters: RetryQueue,
        clock: Callable[[], datetime],
        logger: Logger,
    ) -> None:
        self._table = table
        self._workflows = workflows
        self._state_machine_arn = state_machine_arn
        self._notify_queue = notify_queue
        self._decision_queue = decision_queue
        self._dead_letters = dead_letters
        self._clock = clock
        self._logger = logger
        self._failed: list[str] = []

    def __call__(self, event: Mapping[str, Any], _context: LambdaContext) -> None:
        """Takes the schedule's event, or a status change of an execution.

        Raises `NotAllDone` at the end when some approvals failed; the others are done.
        """
        self._failed = []
        if event.get("source") == "aws.states":
            self._cancel(event["detail"]["executionArn"], event["detail"]["status"])
        else:
            self._tick()
        if self._failed:
            raise NotAllDone(f"{len(self._failed)} approvals, the first is {self._failed[0]}")

    def _tick(self) -> None:
        now = self._clock()
        for approval_id in self._table.due(now):
            self._try(approval_id, partial(self._look_after, now=now))
        for execution_arn, status in self._workflows.ended(self._state_machine_arn, now - LOOK_BACK):
            self._cancel(execution_arn, status)

    def _look_after(self, approval: Approval, *, now: datetime) -> None:
        if approval.decision is not None:
            # Not yet resumed, or it would have left the index.
            self._logger.error("decision not delivered, queued again")
            self._decision_queue.add(approval.id)
            self._table.postpone(approval, now + RESUME_GRACE)
        elif now >= approval.deadline:
            self._respond(approval, event=Expiry(now))
        elif approval.told:
            self._move_on(approval, now)
        else:
            self._logger.error("nobody told yet, queued again")
            self._notify_queue.add(approval.id)
            self._table.postpone(approval, min(now + NOTIFY_GRACE, approval.deadline))

    def _move_on(self, approval: Approval, now: datetime) -> None:
        """Notes that it is time to remind or to escalate, and when to look again; `notify` tells people."""
        judgement = respond(self._table, approval, ScheduledCheck(now))
        if judgement.changed:
            self._logger.info("moved on by the clock", extra={"verdict": judgement.verdict.value})
        elif judgement.verdict is Verdict.NOT_DUE:
            self._table.postpone(judgement.approval, next_due(judgement.approval))

    def _cancel(self, execution_arn: str, status: str) -> None:
        event = Cancellation(self._clock(), _CAUSES[status])
        for approval_id in self._table.waiting(execution_arn):
            self._try(approval_id, partial(self._respond, event=event))

    def _respond(self, approval: Approval, *, event: ApprovalEvent) -> None:
        judgement = respond(self._table, approval, event)
        if judgement.changed:
            self._logger.info("decided by the clock", extra={"verdict": judgement.verdict.value})

    def _try(self, approval_id: str, do: Callable[[Approval], None]) -> None:
        """Does something about one approval. Its trouble must not keep the others waiting: it is raised at the end."""
        with self._logger.append_context_keys(approval_id=approval_id):
            try:
                do(self._table.get(approval_id))
            except NotFound:
                self._logger.info("the record is gone")
            except (UnreadableError, RecordFullError) as error:
                self._set_aside(approval_id, error)
            except Exception:
                self._logger.exception("could not be looked after")
                self._failed.append(approval_id)

    def _set_aside(self, approval_id: str, error: UnreadableError | RecordFullError) -> None:
        """Leaves a record alone for a while that trying again does not help, and says so in the dead-letter queue."""
        self._logger.error("record set aside", extra={"reason": str(error)})
        now = self._clock()
        if self._table.set_aside(approval_id, now, now + SET_ASIDE):
            self._dead_letters.add(approval_id)
