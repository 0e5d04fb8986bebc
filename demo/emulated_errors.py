"""Errors of Python functions as Lambda reports them: with the name of the exception's class as `errorType`.

The emulator reports another type for all of them, and the traceback in its log. Callers of `spend` tell its errors
apart by their type.
"""

from __future__ import annotations

import re
from typing import Any

_ANY_ERROR = "Runtime.HandlerError"


def name_error(result: dict[str, Any]) -> dict[str, Any]:
    """Return the result of an invocation. An error gets the type of the class with which its traceback ends."""
    body = result.get("body")
    if not result.get("error") or not isinstance(body, dict) or body.get("errorType") != _ANY_ERROR:
        return result
    first_line = str(body.get("errorMessage", "")).partition("\n")[0]
    raised = re.findall(rf"^(?:\w+\.)*(\w+): {re.escape(first_line)}$", str(result.get("log", "")), re.MULTILINE)
    return {**result, "body": {**body, "errorType": raised[-1]}} if raised else result
