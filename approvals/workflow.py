"""Step Functions: resuming the paused execution, and where a person can look at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from approvals.model import Approval, Status
from approvals.result import output
from approvals.steps import DeliveryFailed

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

MAX_CAUSE = 32_768
"""Characters. Source: https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskFailure.html"""

_GONE = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})
"""The task is closed, or never was. TaskTimedOut also answers a call that repeats an earlier success."""

_CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-eusc": "console.amazonaws-eusc.eu",
    "aws-iso": "console.c2s.ic.gov",
    "aws-iso-b": "console.sc2s.sgov.gov",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}


class TaskGone(Exception):  # noqa: N818
    """The task no longer waits for an answer: timed out, aborted, or answered before."""


class Workflows:
    """Resumes paused executions."""

    def __init__(self, stepfunctions: SFNClient) -> None:
        self._stepfunctions = stepfunctions

    def resume(self, approval: Approval) -> None:
        """Tells the workflow how the approval ended.

        Raises `TaskGone` when it no longer waits, `DeliveryFailed` when Step Functions can't be reached or is busy.
        """
        decision = approval.decision
        if decision is None:
            raise ValueError(f"approval {approval.id} is not decided")
        if decision.status in (Status.APPROVED, Status.REJECTED):
            try:
                self._stepfunctions.send_task_success(taskToken=approval.task_token, output=output(approval))
            except (ClientError, BotoCoreError) as error:
                raise _translated(error) from None  # AWS's message may repeat the token, and tracebacks are logged
        else:
            self.fail(approval.task_token, decision.error or "ApprovalFailed", decision.cause or "")

    def fail(self, task_token: str, error: str, cause: str) -> None:
        """Fails the paused task with an error name (at most 256 characters) and a cause. Raises as `resume` does."""
        try:
            self._stepfunctions.send_task_failure(taskToken=task_token, error=error, cause=cause[:MAX_CAUSE])
        except (ClientError, BotoCoreError) as failure:
            raise _translated(failure) from None


def console_url(execution_arn: str) -> str:
    """The execution's page in the Step Functions console of its own partition and region."""
    _, partition, _, region, *_ = execution_arn.split(":")
    console = _CONSOLES.get(partition, _CONSOLES["aws"])
    return f"https://{console}/states/home?region={region}#/v2/executions/details/{execution_arn}"


def _translated(error: ClientError | BotoCoreError) -> TaskGone | DeliveryFailed:
    if isinstance(error, BotoCoreError):
        return DeliveryFailed(f"Step Functions can't be reached: {type(error).__name__}")
    code = error.response["Error"]["Code"]
    if code in _GONE:
        return TaskGone(code)
    return DeliveryFailed(f"Step Functions answered {code}")
