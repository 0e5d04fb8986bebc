"""Errors of AWS: what they mean for a delivery, and what a log line says about an unexpected one."""

from __future__ import annotations

import traceback

from botocore.exceptions import BotoCoreError, ClientError

from approvals.domain.errors import DeliveryError

MAX_FRAMES = 25
"""Frames of the stack that are kept, the innermost ones."""


def delivery_error(service: str, error: ClientError | BotoCoreError) -> DeliveryError:
    """Return the failure of a call, without AWS's message: it may repeat a task token, and failures are logged."""
    if isinstance(error, ClientError):
        return DeliveryError(f"{service} answered {error.response['Error']['Code']}")
    return DeliveryError(f"{service} can't be reached: {type(error).__name__}")


def described(error: BaseException) -> dict[str, object]:
    """Return an error's type, where it was raised, and AWS's code and operation if AWS answered with it.

    Leaves out its message, and those of the errors behind it: some quote values. An HTTP client, for one, quotes the
    header that it refuses to send, token and all.
    """
    stack = traceback.extract_tb(error.__traceback__)[-MAX_FRAMES:]
    said: dict[str, object] = {
        "error": type(error).__name__,
        "stack": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in stack],
    }
    if isinstance(error, ClientError):
        said |= {"code": error.response.get("Error", {}).get("Code"), "operation": error.operation_name}
    if cause := error.__cause__ or error.__context__:
        said["cause"] = type(cause).__name__
    return said
