"""The name of a function's error. The emulator calls each error of a Python function `Runtime.HandlerError`.

AWS names it after the exception's class, and state machines catch it by that name.
Source: https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html
"""

from __future__ import annotations

import re
from typing import Any

UNNAMED = "Runtime.HandlerError"
_RAISED = re.compile(r"^(?:\w+\.)*(\w+)(?::|$)", re.MULTILINE)


def named(result: dict[str, Any]) -> dict[str, Any]:
    """Return the result of an invocation, with the name of its error if its log has a traceback."""
    body = result.get("body")
    if not (result.get("error") and isinstance(body, dict) and body.get("errorType") == UNNAMED):
        return result
    _, found, trace = str(result.get("log", "")).rpartition("Traceback (most recent call last):\n")
    raised = _RAISED.search(trace) if found else None
    return {**result, "body": {**body, "errorType": raised[1]}} if raised else result
