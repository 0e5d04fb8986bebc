"""Resume the workflow of a decided approval, then have every channel show the outcome."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Protocol

from approvals.adapters.step_functions import TaskGoneError, Workflows
from approvals.domain import wording
from approvals.domain.comparison import comparable_key
from approvals.domain.errors import DeliveryError
from approvals.domain.model import Approval, Decision
from approvals.domain.steps import Step, outcome_step
from approvals.services.channel import Channel
from approvals.services.publish import EVENTS, Publisher
from approvals.services.tasks import Run
from approvals.store.table import ApprovalTable
from approvals.store.task_tokens import TaskTokens

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger


class Settled(Protocol):
    """Counts a decision, once it is known whether it reached its workflow."""

    def __call__(self, decision: Decision, *, requested_at: datetime, reached: bool) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumer:
    """Resumes the workflow first, then tells people. Each step is done once, and tried again by itself."""

    table: ApprovalTable
    tokens: TaskTokens
    workflows: Workflows
    channels: Sequence[Channel]
    clock: Callable[[], datetime]
    logger: Logger
    settled: Settled
    overridden: Callable[[], None]
    publisher: Publisher | None = None

    def __call__(self, item_id: str, *, last: bool) -> None:  # noqa: ARG002 the last try is like any other
        """Work on a decided approval. One that is not decided is left alone."""
        approval = self.table.get(item_id)
        if approval.decision is None:
            return
        run = Run(approval, self.table, self.clock, self.logger)
        if approval.resumed is None:
            if approval.is_overridden:
                self.overridden()  # First, and at each attempt: an alarm that rings twice is better than none.
            run.attempt(Step.RESUME, self._resume)
        for channel in self.channels:
            tasks = run.plan(outcome_step(channel.name), partial(channel.conclude, run.approval))
            run.carry_out(tasks or {})
        if self.publisher:
            run.attempt(EVENTS, self.publisher.publish)
        run.raise_failures()
        if run.approval.deliveries != approval.deliveries:
            # Posted meanwhile: `notify` shows the decision, and may not know yet whether the workflow heard of it.
            run.show(self.channels)
            run.raise_failures()

    def _resume(self, approval: Approval) -> Approval:
        try:
            self.workflows.resume(approval, self._task_token(approval.id))
            reached = True
        except TaskGoneError:
            # Perhaps another run resumed it: then the record says what has been done about it since.
            approval = self.table.get(approval.id)
            if approval.resumed is not None:
                return approval
            reached = self.workflows.reached(approval)
        status = approval.status.value
        self.logger.info("workflow resumed" if reached else "workflow no longer waiting", extra={"status": status})
        # From its resumption on, later requests of its subject are compared with it.
        step, subject = (Step.RESUME, comparable_key(approval)) if reached else (Step.WORKFLOW_GONE, None)
        now = self.table.mark(approval, step, self.clock(), subject=subject)
        # Behind the mark: a crash between the two loses a count instead of doubling it.
        self.settled(wording.decision_of(now), requested_at=now.requested_at, reached=reached)
        return now

    def _task_token(self, approval_id: str) -> str:
        token = self.tokens.get(approval_id)
        if token is None:
            raise DeliveryError("the record has no task token")
        return token
