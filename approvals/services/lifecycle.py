"""What the scheduler does every minute, and at the end of executions: remind, escalate, expire, cancel, retry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from approvals.adapters.queues import RetryQueue
from approvals.adapters.step_functions import EndedExecution, Workflows
from approvals.domain.cancellation import Stop, read_cause
from approvals.domain.judgement import ApprovalEvent, Cancellation, Expiry, ScheduledCheck, Verdict
from approvals.domain.model import Approval
from approvals.domain.parts import pluralize
from approvals.domain.policy import Policy
from approvals.domain.schedule import next_due
from approvals.services.respond import respond
from approvals.store.items import NOTIFY_GRACE, RESUME_GRACE
from approvals.store.reading import UnreadableError
from approvals.store.table import ApprovalTable, NotFoundError
from approvals.store.writes import RecordFullError

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from approvals.services.policy_changes import PolicyChanges

LOOK_BACK = timedelta(minutes=15)
"""How far back the scheduler looks for executions that ended: events report them at once, but are best effort."""

SETTLING = timedelta(minutes=2)
"""How long Step Functions may still describe a redriven execution as it was before.

DescribeExecution is eventually consistent: https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html
"""

SET_ASIDE = timedelta(hours=1)
"""How long a record is passed over that can't be read or written: it is found again soon after a newer version is
deployed, and does not fill the dead-letter queue until then."""

_CAUSES = {
    "ABORTED": "The execution was stopped before a decision.",
    "FAILED": "The execution failed before a decision.",
    "TIMED_OUT": "The execution timed out before a decision.",
}


class NotAllDoneError(Exception):
    """Some approvals could not be processed. The next minute tries again; the function's errors raise an alarm."""


@dataclass(slots=True, kw_only=True)
class LifecycleHandler:
    """Reminds, expires, cancels and queues again, through the same `respond` as every channel."""

    table: ApprovalTable
    workflows: Workflows
    state_machine_arn: str
    notify_queue: RetryQueue
    decision_queue: RetryQueue
    dead_letters: RetryQueue
    clock: Callable[[], datetime]
    logger: Logger
    policy_changes: PolicyChanges | None = None
    failed: list[str] = field(default_factory=list, init=False)

    def __call__(self, event: Mapping[str, Any], _context: LambdaContext) -> None:
        """Handle the schedule's event, or a status change of an execution.

        Raise `NotAllDoneError` at the end if some approvals failed; the others are done.
        """
        self.failed = []
        if event.get("source") == "aws.states":
            self._cancel(_ended_execution(event["detail"]))
        else:
            self._tick()
        if self.failed:
            raise NotAllDoneError(f"{pluralize(len(self.failed), 'approval')} failed, the first is {self.failed[0]}")

    def _tick(self) -> None:
        now = self.clock()
        policy = self.policy_changes.current() if self.policy_changes else None
        for approval_id in self.table.due(now):
            self._try(approval_id, partial(self._look_after, now=now, policy=policy))
        for execution in self.workflows.ended(self.state_machine_arn, now - LOOK_BACK):
            self._cancel(execution)
        if self.policy_changes and policy:
            compare = partial(self._follow_policy, policy=policy, at=now)
            self.policy_changes.compare_all(policy, now, lambda approval_id: self._try(approval_id, compare))

    def _follow_policy(self, approval: Approval, *, policy: Policy | None, at: datetime) -> bool:
        """Compare an open approval with the policy. Return True if its rules changed."""
        if not (self.policy_changes and policy) or approval.decision is not None or at >= approval.deadline:
            return False
        return self.policy_changes.apply(approval, policy, at)

    def _look_after(self, approval: Approval, *, now: datetime, policy: Policy | None) -> None:
        if approval.decision is not None:
            # Not yet resumed, or it would have left the index.
            self.logger.error("decision not delivered, queued again")
            self.decision_queue.add(approval.id)
            self.table.postpone(approval, now + RESUME_GRACE)
        elif now >= approval.deadline:
            self._respond(approval, event=Expiry(now))
        elif self._follow_policy(approval, policy=policy, at=now):
            return  # `notify` tells people. The next minute looks again.
        elif approval.told and approval.people is not None:
            self._move_on(approval, now)
        else:
            self.logger.error("request not delivered, queued again")
            self.notify_queue.add(approval.id)
            self.table.postpone(approval, min(now + NOTIFY_GRACE, approval.deadline))

    def _move_on(self, approval: Approval, now: datetime) -> None:
        """Store that a reminder or an escalation is due, and when to look again; `notify` tells people."""
        judgement = respond(self.table, approval, ScheduledCheck(now))
        if judgement.changed:
            self.logger.info("checked by the scheduler", extra={"verdict": judgement.verdict.value})
        elif judgement.verdict is Verdict.NOT_DUE:
            self.table.postpone(judgement.approval, next_due(judgement.approval))

    def _cancel(self, execution: EndedExecution) -> None:
        waiting = list(self.table.waiting(execution.arn))
        if waiting and execution.cause is None:
            execution = self.workflows.with_cause(execution)
        for approval_id in waiting:
            self._try(approval_id, partial(self._cancel_if_ended, execution=execution))

    def _cancel_if_ended(self, approval: Approval, *, execution: EndedExecution) -> None:
        if execution.stopped_at < approval.requested_at:
            if not self._has_ended(approval):
                self.logger.info("execution redriven since it ended")
                return
            execution = execution.without_cause()  # It may be an earlier run's.
        # What ends an execution otherwise writes its own cause, which is nobody's reason.
        said = read_cause(execution.error, execution.cause) if execution.status == "ABORTED" else Stop()
        cause = _CAUSES[execution.status]
        self._respond(approval, event=Cancellation(self.clock(), cause, reason=said.reason, caller=said.caller))

    def _has_ended(self, approval: Approval) -> bool:
        """Return True if the execution of a request that is newer than the notice does not run.

        A redrive keeps the execution's ARN, and notices come late and twice: one from before the redrive says nothing
        about the request that was made since. But an execution can also end while `request` works on its request.
        """
        if self.clock() - approval.requested_at < SETTLING:
            return False  # The scheduler looks again, for as long as LOOK_BACK.
        return self.workflows.has_ended(approval.workflow.execution_arn)

    def _respond(self, approval: Approval, *, event: ApprovalEvent) -> None:
        judgement = respond(self.table, approval, event)
        if judgement.changed:
            self.logger.info("decided by the scheduler", extra={"verdict": judgement.verdict.value})

    def _try(self, approval_id: str, do: Callable[[Approval], object]) -> bool:
        """Process one approval. Return False if it failed, which must not keep the others waiting: it is raised later.

        One that no retry helps has not failed.
        """
        with self.logger.append_context_keys(approval_id=approval_id):
            try:
                do(self.table.get(approval_id))
            except NotFoundError:
                self.logger.info("record not found, nothing to do")
            except (UnreadableError, RecordFullError) as error:
                self._set_aside(approval_id, error)
            except Exception:
                self.logger.exception("approval failed, others continue")
                self.failed.append(approval_id)
                return False
        return True

    def _set_aside(self, approval_id: str, error: UnreadableError | RecordFullError) -> None:
        """Pass over a record for a while that a retry does not help, and put it into the dead-letter queue."""
        self.logger.error("record left out, queued as a dead letter", extra={"reason": str(error)})
        now = self.clock()
        if self.table.set_aside(approval_id, now, now + SET_ASIDE):
            self.dead_letters.add(approval_id)


def _ended_execution(detail: Mapping[str, Any]) -> EndedExecution:
    """Read a status change. Times are milliseconds since 1970.

    Source: https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
    """
    return EndedExecution(
        arn=detail["executionArn"],
        status=detail["status"],
        stopped_at=datetime.fromtimestamp(detail["stopDate"] / 1000, UTC),
        error=detail.get("error"),
        cause=detail.get("cause"),
    )
