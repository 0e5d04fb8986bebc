"""Translate AWS errors for deliveries, and describe unexpected errors for logs."""

from __future__ import annotations

import traceback

from botocore.exceptions import BotoCoreError, ClientError

from approvals.domain.errors import DeliveryError

MAX_FRAMES = 25
"""Innermost frames of the stack in a description."""


def delivery_error(service: str, error: ClientError | BotoCoreError) -> DeliveryError:
    """Return the error of a failed call, without AWS's message: it may repeat a task token, and errors are logged."""
    if isinstance(error, ClientError):
        return DeliveryError(f"{service} answered {error.response['Error']['Code']}")
    return DeliveryError(f"{service} can't be reached: {type(error).__name__}")


def describe_error(error: BaseException) -> dict[str, object]:
    """Return an error's type, its stack, and the code and operation of an AWS error.

    Messages are left out, since some quote values: an HTTP client quotes the header that it refuses to send, token
    and all.
    """
    stack = traceback.extract_tb(error.__traceback__)[-MAX_FRAMES:]
    description: dict[str, object] = {
        "error": type(error).__name__,
        "stack": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in stack],
    }
    if isinstance(error, ClientError):
        description |= {"code": error.response.get("Error", {}).get("Code"), "operation": error.operation_name}
    if cause := error.__cause__ or error.__context__:
        description["cause"] = type(cause).__name__
    return description
