"""The test requests: executions of the stack's own state machine whose input says that they are a test."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import ClientError

from approvals.domain.model import Approval
from cli.aws_errors import error_code
from cli.cancellation import cancel_execution
from cli.context import CommandError, Context
from cli.doctor.fixes import aws, tail
from cli.lookup import execution_arn, read_in_full
from cli.reporters import Reporter
from cli.verify.cleanup import CleanUp
from cli.verify.mailbox import Email, Mailbox
from cli.verify.proofs import NotProvenError
from cli.watch import Watch

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.type_defs import DescribeExecutionOutputTypeDef

TITLE = "Test by approvals verify-deployment: nothing to decide"
DETAILS = "A command checks this deployment. It responds by itself: nobody has to do anything."
REASON = "This was a test by approvals verify-deployment."
PURPOSE = "VerifyDeployment"
"""The key of the input, beside the request, that says which part of the test the execution is."""

STEP_TIMEOUT = timedelta(seconds=120)
"""How long each step may take: cold starts, retries, and the scheduler's minute for an event that was lost."""

_INTERVAL = 0.5
"""Seconds between two looks."""

_ENDED = frozenset({"ExecutionDoesNotExist"})

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Started:
    """An execution of the test. `at` is the start in AWS's time, `begun` in that of this machine."""

    arn: str
    name: str
    at: datetime
    begun: datetime


@dataclass(frozen=True, slots=True)
class Requests:
    """Starts test requests and looks at what becomes of them. Its methods raise what boto3 raises."""

    context: Context
    clean_up: CleanUp
    mailbox: Mailbox
    run: str
    slack_channel: str

    def start(self, purpose: str, timeout_minutes: int) -> Started:
        """Start an execution that requests an approval of the test approver alone."""
        name = f"verify-{self.run}-{purpose}"
        arn = execution_arn(self.context, name)
        request = {
            "Title": TITLE,
            "Details": DETAILS,
            "Approvers": [self.mailbox.address],
            "TimeoutMinutes": timeout_minutes,
        }
        if self.slack_channel:
            request["Channel"] = self.slack_channel

        def begin() -> datetime:
            return self.context.client("stepfunctions").start_execution(
                stateMachineArn=self.context.output("StateMachineHumanApprovalArn"),
                name=name,
                input=json.dumps({"Approval": request, PURPOSE: purpose}),
            )["startDate"]

        def undo(_started: datetime) -> tuple[Callable[[], object], str]:
            return lambda: self._stop(arn), aws(self.context, "stepfunctions", "stop-execution", "--execution-arn", arn)

        begun = self.context.clock()
        return Started(arn, name, self.clean_up.make(f"the execution {name}", begin, undo), begun)

    def accepted(self, started: Started, name: str) -> Approval:
        """Return the approval once its approver is known. Raise `NotProvenError` called `name` if it is refused."""
        log = tail(self.context, "RequestLogs")
        try:
            approval = Watch(self.context, Reporter()).accepted(started.arn, started.at)
        except TimeoutError:
            raise NotProvenError(name, f"the request of {started.name} is not recorded", log) from None
        except CommandError as error:
            raise NotProvenError(name, error.message, log) from error
        if approval.decision:
            reason = approval.decision.cause or approval.status
            raise NotProvenError(name, f"the request was refused: {reason}", tail(self.context, "NotifyLogs"))
        return approval

    def approval(self, approval_id: str) -> Approval:
        """Return an approval as it is now."""
        for approval in read_in_full(self.context, [approval_id]):
            return approval
        raise CommandError(f"The record of approval {approval_id} is gone")

    def execution(self, started: Started) -> DescribeExecutionOutputTypeDef | None:
        """Return the execution once it has ended."""
        found = self.context.client("stepfunctions").describe_execution(executionArn=started.arn)
        return None if found["status"] == "RUNNING" else found

    def email(self, approval_id: str, *, outcome: bool = False) -> Email | None:
        """Return the email that asks for a response, or tells the outcome, once it has arrived."""
        about = (email for email in self.mailbox.receive() if approval_id in email.text)
        return next((email for email in about if outcome is not bool(email.links)), None)

    def wait(self, look: Callable[[], Found | None], timeout: timedelta, otherwise: NotProvenError) -> Found:
        """Return what `look` finds. Raise `otherwise` if it finds nothing in time."""
        deadline = self.context.clock() + timeout
        while (found := look()) is None:
            if self.context.clock() >= deadline:
                raise otherwise
            self.context.sleep(_INTERVAL)
        return found

    def _stop(self, arn: str) -> None:
        """Stop an execution that still runs."""
        try:
            execution = self.context.client("stepfunctions").describe_execution(executionArn=arn)
        except ClientError as error:
            if error_code(error) in _ENDED:
                return
            raise
        if execution["status"] == "RUNNING":
            cancel_execution(self.context, arn, REASON)
