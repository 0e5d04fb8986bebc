"""Stop the execution that waits for an approval, and say in its cause who did and why."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError

from approvals.domain import cancellation
from cli.context import Context


def cancel_execution(context: Context, execution_arn: str, reason: str = "") -> None:
    """Stop an execution. Its approval is then cancelled, by the caller and with the reason."""
    cause = cancellation.write_cause(_caller(context), reason)
    context.client("stepfunctions").stop_execution(executionArn=execution_arn, error=cancellation.ERROR, cause=cause)


def _caller(context: Context) -> str:
    """Return the caller's ARN. It takes no right to ask for it, but STS may be out of reach: then it is empty."""
    try:
        return context.client("sts").get_caller_identity()["Arn"]
    except (ClientError, BotoCoreError):
        return ""
