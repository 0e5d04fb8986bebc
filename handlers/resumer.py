"""The shared decision handler of all channels: resumes the workflow of a decided approval and shows the outcome."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Protocol

from approvals.adapters.step_functions import TaskGone, Workflows
from approvals.domain import wording
from approvals.domain.errors import DeliveryFailed
from approvals.domain.model import Approval, Decision, Status, Step
from approvals.services.publish import EVENTS, Publisher
from approvals.services.tasks import Work, carry_out, recipient_of, step_for
from approvals.store.table import ApprovalTable
from approvals.store.task_tokens import TaskTokens
from bot import refusals
from mail.delivery import Outbox
from mail.messages import outcome_mail
from mail.sns import asked, told

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

    from bot.messenger import SlackMessenger


class Settled(Protocol):
    """Counts a decision, once it is known whether it reached its workflow."""

    def __call__(self, decision: Decision, *, requested_at: datetime, reached: bool) -> None: ...  # noqa: D102


class Resumer:
    """Resumes the workflow first, then tells people. Each step is done once, and tried again by itself."""

    def __init__(
        self,
        *,
        table: ApprovalTable,
        tokens: TaskTokens,
        workflows: Workflows,
        outbox: Outbox,
        messenger: SlackMessenger | None,
        email: str,
        clock: Callable[[], datetime],
        logger: Logger,
        settled: Settled,
        publisher: Publisher | None = None,
    ) -> None:
        self._table = table
        self._tokens = tokens
        self._workflows = workflows
        self._outbox = outbox
        self._messenger = messenger
        self._email = email
        self._clock = clock
        self._logger = logger
        self._count_decision = settled
        self._publisher = publisher

    def __call__(self, item_id: str, *, last: bool) -> None:  # noqa: ARG002 the last try is like any other
        """Works on a decided approval. One that is not decided is left alone."""
        approval = self._table.get(item_id)
        if approval.decision is None:
            return
        now = carry_out(approval, self._work(approval), log=self._logger)
        if now.slack_messages != approval.slack_messages:
            # Posted meanwhile: `notify` shows the decision, and may not know yet whether the workflow heard of it.
            self._show(now)

    def _work(self, approval: Approval) -> dict[str, Work]:
        """Return what is owed: the workflow first; then the mails, which do not wait until many messages are edited."""
        work: dict[str, Work] = {Step.RESUME: self._resume} if approval.resumed is None else {}
        work |= self._mails(approval) | self._messages(approval)
        if self._publisher:
            work[EVENTS] = self._publisher.publish
        return work

    def _messages(self, approval: Approval) -> dict[str, Work]:
        if not approval.slack_message:
            return {}
        work: dict[str, Work] = {Step.OUTCOME_SLACK: self._edit_message}
        return work if wording.decided(approval).superseded_by else {**work, Step.OUTCOME_THREAD: self._reply}

    def _mails(self, approval: Approval) -> dict[str, Work]:
        # Whoever answered was told, whatever the steps say so far. A superseded request is asked anew by another mail.
        decision = wording.decided(approval)
        if decision.superseded_by or not (approval.told or decision.approver):
            return {}
        recipients = (*asked(approval, self._email), *told(approval, self._email))
        steps = [step_for(Step.OUTCOME_EMAIL, recipient) for recipient in recipients]
        return {step: partial(self._send_mail, step) for step in steps}

    def _resume(self, approval: Approval) -> Approval:
        try:
            reached = self._resume_workflow(approval)
        except TaskGone:
            # Perhaps another run resumed it: then the record says what has been done about it since.
            approval = self._table.get(approval.id)
            if approval.resumed is not None:
                return approval
            reached = self._workflows.reached(approval)
        status = approval.status.value
        self._logger.info("workflow resumed" if reached else "workflow no longer waits", extra={"status": status})
        now = self._table.mark(approval, Step.RESUME if reached else Step.WORKFLOW_GONE, self._clock())
        # Behind the mark: a crash between the two loses a count instead of doubling it.
        self._count_decision(wording.decided(now), requested_at=now.requested_at, reached=reached)
        return now

    def _resume_workflow(self, approval: Approval) -> bool:
        """Resume the workflow, or return False if it was cancelled because it no longer waits. Raise `TaskGone`."""
        if approval.status is Status.CANCELLED and approval.decision and approval.decision.error is None:
            return False
        self._workflows.resume(approval, self._task_token(approval.id))
        return True

    def _task_token(self, approval_id: str) -> str:
        token = self._tokens.get(approval_id)
        if token is None:
            raise DeliveryFailed("the approval has no task token on record")
        return token

    def _send_mail(self, step: str, approval: Approval) -> Approval:
        if not self._outbox.send(approval.id, step, outcome_mail(approval, recipient_of(step))):
            return approval
        return self._table.mark(approval, step, self._clock())

    def _show(self, approval: Approval) -> None:
        if self._messenger:
            with refusals.unless_refused(self._logger):
                self._messenger.show_outcome(approval)

    def _edit_message(self, approval: Approval) -> Approval:
        self._show(approval)
        return self._table.mark(approval, Step.OUTCOME_SLACK, self._clock())

    def _reply(self, approval: Approval) -> Approval:
        if self._messenger:
            with refusals.unless_refused(self._logger):
                self._messenger.reply_outcome(approval)
        return self._table.mark(approval, Step.OUTCOME_THREAD, self._clock())
