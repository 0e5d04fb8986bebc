"""Step Functions: resume paused executions, look into their history, and link to the console."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from botocore.exceptions import BotoCoreError, ClientError

from approvals.adapters.failures import delivery_error
from approvals.domain.model import Approval, Status
from approvals.domain.result import output
from approvals.domain.spending import grant_id
from approvals.domain.wording import decision_of

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_stepfunctions.type_defs import HistoryEventTypeDef

MAX_CAUSE = 32_768
"""Characters. Source: https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskFailure.html"""

_GONE = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})
"""The task is closed, or never existed. A call that repeats an earlier success also gets TaskTimedOut."""

ENDED: tuple[Literal["ABORTED", "FAILED", "TIMED_OUT"], ...] = ("ABORTED", "FAILED", "TIMED_OUT")
"""The statuses of an execution that ended without success."""

MAX_ENDED = 5000

_CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-eusc": "console.amazonaws-eusc.eu",
    "aws-iso": "console.c2s.ic.gov",
    "aws-iso-b": "console.sc2s.sgov.gov",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}


@dataclass(frozen=True, slots=True)
class EndedExecution:
    """An execution that ended without success. It may have been redriven since, under the same ARN.

    `error` and `cause` are None where the notice of its end does not say them.
    """

    arn: str
    status: str
    stopped_at: datetime
    error: str | None = None
    cause: str | None = None

    def without_cause(self) -> EndedExecution:
        """Return the execution without error and cause."""
        return EndedExecution(self.arn, self.status, self.stopped_at)


class TaskGoneError(Exception):
    """The task no longer waits: it timed out, was aborted, or was resumed before."""


class Workflows:
    """The paused executions of the state machine."""

    def __init__(self, stepfunctions: SFNClient) -> None:
        self._stepfunctions = stepfunctions

    def resume(self, approval: Approval, task_token: str) -> None:
        """Resume the workflow with the outcome of the approval.

        Raise `TaskGoneError` if it no longer waits, `DeliveryError` if Step Functions can't be reached or is busy.
        """
        decision = decision_of(approval)
        if decision.status in (Status.APPROVED, Status.REJECTED):
            found = output(approval, grant_id(task_token))
            with _translated_errors():
                self._stepfunctions.send_task_success(taskToken=task_token, output=found)
        else:
            # `reached` finds this failure in the history by the ID.
            cause = f"{(decision.cause or '')[: MAX_CAUSE - 60]} (approval {approval.id})".strip()
            self.fail(task_token, decision.error or "ApprovalFailed", cause)

    def fail(self, task_token: str, error: str, cause: str) -> None:
        """Fail the paused task with an error name (at most 256 characters) and a cause. Raise as `resume` does."""
        with _translated_errors():
            self._stepfunctions.send_task_failure(taskToken=task_token, error=error, cause=cause[:MAX_CAUSE])

    def reached(self, approval: Approval) -> bool:
        """Return True if this decision closed the task, by the execution's history. Raise `DeliveryError`.

        Step Functions answers a repeated success and a late call with the same error. Only the history tells them
        apart.
        """
        pages = self._stepfunctions.get_paginator("get_execution_history").paginate(
            executionArn=approval.workflow.execution_arn, reverseOrder=True, includeExecutionData=True
        )
        with _translated_errors():
            try:
                return any(_is_ours(event, approval) for page in pages for event in page["events"])
            except self._stepfunctions.exceptions.ExecutionDoesNotExist:
                return False  # Step Functions keeps it for 90 days.

    def ended(self, state_machine_arn: str, since: datetime) -> Iterator[EndedExecution]:
        """Yield the executions that ended without success since a time. Raise what boto3 raises.

        Looks at the newest 5,000 of each status. Those that ended longer ago were seen by an earlier look.
        """
        pages = self._stepfunctions.get_paginator("list_executions")
        for status in ENDED:
            for page in pages.paginate(
                stateMachineArn=state_machine_arn, statusFilter=status, PaginationConfig={"MaxItems": MAX_ENDED}
            ):
                for execution in page["executions"]:
                    if "stopDate" in execution and execution["stopDate"] >= since:
                        yield EndedExecution(execution["executionArn"], status, execution["stopDate"])

    def with_cause(self, execution: EndedExecution) -> EndedExecution:
        """Return the execution with its error and cause, or unchanged if Step Functions does not tell them now.

        Lists have neither, and a notice may lack them.
        """
        try:
            found = self._stepfunctions.describe_execution(executionArn=execution.arn)
        except (ClientError, BotoCoreError):
            return execution  # The cancellation matters more than its reason.
        if found["status"] != execution.status:
            return execution  # It was redriven, or is still described as it was before it ended.
        return replace(execution, error=found.get("error"), cause=found.get("cause"))

    def has_ended(self, execution_arn: str) -> bool:
        """Return True if the execution has ended without success, as far as Step Functions knows by now.

        Raises what boto3 raises.
        """
        return self._stepfunctions.describe_execution(executionArn=execution_arn)["status"] in ENDED


def console_url(execution_arn: str) -> str:
    """Return the execution's page in the Step Functions console of its partition and region."""
    _, partition, _, region, *_ = execution_arn.split(":")
    console = _CONSOLES.get(partition, _CONSOLES["aws"])
    return f"https://{console}/states/home?region={region}#/v2/executions/details/{execution_arn}"


def _is_ours(event: HistoryEventTypeDef, approval: Approval) -> bool:
    """Return True if a task ended with this approval's result or error. Both have the approval's ID."""
    if "taskSucceededEventDetails" in event:
        try:
            found = json.loads(event["taskSucceededEventDetails"].get("output", ""))
        except ValueError:
            return False
        return isinstance(found, dict) and found.get("ApprovalId") == approval.id
    if "taskFailedEventDetails" in event:
        return approval.id in event["taskFailedEventDetails"].get("cause", "")
    return False


@contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        gone = isinstance(error, ClientError) and (code := error.response["Error"]["Code"]) in _GONE
        # AWS's message may repeat the token, and tracebacks are logged.
        raise (TaskGoneError(code) if gone else delivery_error("Step Functions", error)) from None
