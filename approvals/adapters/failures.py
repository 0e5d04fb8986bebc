"""What a log line says about an unexpected error."""

from __future__ import annotations

import traceback

from botocore.exceptions import ClientError

MAX_FRAMES = 25
"""Frames of the stack that are kept, the innermost ones."""


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
