"""Step Functions: resuming the paused execution, and where a person can look at it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from botocore.exceptions import BotoCoreError, ClientError

from approvals.adapters.failures import delivery_failed
from approvals.domain.errors import DeliveryFailed
from approvals.domain.model import Approval, Status
from approvals.domain.result import output

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_stepfunctions.type_defs import HistoryEventTypeDef

MAX_CAUSE = 32_768
"""Characters. Source: https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskFailure.html"""

_GONE = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})
"""The task is closed, or never was. TaskTimedOut also answers a call that repeats an earlier success."""

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
    """An execution that ended without success. It may have been redriven since, under the same ARN."""

    arn: str
    status: str
    stopped_at: datetime


class TaskGone(Exception):  # noqa: N818
    """The task no longer waits for an answer: timed out, aborted, or answered before."""


class Workflows:
    """Resumes paused executions."""

    def __init__(self, stepfunctions: SFNClient) -> None:
        self._stepfunctions = stepfunctions

    def resume(self, approval: Approval, task_token: str) -> None:
        """Tells the workflow how the approval ended.

        Raises `TaskGone` when it no longer waits, `DeliveryFailed` when Step Functions can't be reached or is busy.
        """
        decision = approval.decision
        if decision is None:
            raise ValueError(f"approval {approval.id} is not decided")
        if decision.status in (Status.APPROVED, Status.REJECTED):
            try:
                self._stepfunctions.send_task_success(taskToken=task_token, output=output(approval))
            except (ClientError, BotoCoreError) as error:
                raise _translated(error) from None  # AWS's message may repeat the token, and tracebacks are logged
        else:
            # The id lets `reached` find this failure in the history.
            cause = f"{(decision.cause or '')[: MAX_CAUSE - 60]} (approval {approval.id})".strip()
            self.fail(task_token, decision.error or "ApprovalFailed", cause)

    def fail(self, task_token: str, error: str, cause: str) -> None:
        """Fails the paused task with an error name (at most 256 characters) and a cause. Raises as `resume` does."""
        try:
            self._stepfunctions.send_task_failure(taskToken=task_token, error=error, cause=cause[:MAX_CAUSE])
        except (ClientError, BotoCoreError) as failure:
            raise _translated(failure) from None

    def reached(self, approval: Approval) -> bool:
        """Whether the execution's history says that this decision closed the task. Raises `DeliveryFailed`.

        Step Functions answers a call that repeats a success, and a call that comes too late, with the same error: only
        the history tells them apart.
        """
        pages = self._stepfunctions.get_paginator("get_execution_history").paginate(
            executionArn=approval.workflow.execution_arn, reverseOrder=True, includeExecutionData=True
        )
        try:
            return any(_is_ours(event, approval) for page in pages for event in page["events"])
        except self._stepfunctions.exceptions.ExecutionDoesNotExist:
            return False  # Its history is kept for 90 days.
        except (ClientError, BotoCoreError) as error:
            raise _translated(error) from None

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

    def has_ended(self, execution_arn: str) -> bool:
        """Return True if the execution has ended without success, as far as Step Functions knows by now.

        Raises what boto3 raises.
        """
        return self._stepfunctions.describe_execution(executionArn=execution_arn)["status"] in ENDED


def console_url(execution_arn: str) -> str:
    """The execution's page in the Step Functions console of its own partition and region."""
    _, partition, _, region, *_ = execution_arn.split(":")
    console = _CONSOLES.get(partition, _CONSOLES["aws"])
    return f"https://{console}/states/home?region={region}#/v2/executions/details/{execution_arn}"


def _is_ours(event: HistoryEventTypeDef, approval: Approval) -> bool:
    """Whether a task ended with this approval's result or error. The id in both is the approval's own."""
    if "taskSucceededEventDetails" in event:
        try:
            found = json.loads(event["taskSucceededEventDetails"].get("output", ""))
        except ValueError:
            return False
        return isinstance(found, dict) and found.get("ApprovalId") == approval.id
    if "taskFailedEventDetails" in event:
        return approval.id in event["taskFailedEventDetails"].get("cause", "")
    return False


def _translated(error: ClientError | BotoCoreError) -> TaskGone | DeliveryFailed:
    gone = isinstance(error, ClientError) and (code := error.response["Error"]["Code"]) in _GONE
    return TaskGone(code) if gone else delivery_failed("Step Functions", error)
