"""The emulator's stand-in for the names of errors: a state machine catches them by their class, as on AWS."""

from __future__ import annotations

import traceback
from typing import Any

import pytest

from approvals.services.spend import NamedError
from demo.emulated_errors import UNNAMED, named


def failed(error: Exception) -> dict[str, Any]:
    """Return what the emulator makes of an invocation that raised."""
    try:
        raise error  # noqa: TRY301 for its traceback
    except Exception:  # noqa: BLE001 whatever it is
        trace = traceback.format_exc()
    return {"body": {"errorMessage": str(error), "errorType": UNNAMED}, "error": True, "log": f'{{"a": 1}}\n{trace}'}


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (NamedError.of("GrantSpent", "The grant was spent by ann: twice.\nTwo lines: here"), "GrantSpent"),
        (ValueError(), "ValueError"),
        (KeyError("a"), "KeyError"),
    ],
)
def test_an_error_has_the_name_of_its_class(error: Exception, name: str) -> None:
    assert named(failed(error))["body"] == {"errorMessage": str(error), "errorType": name}


@pytest.mark.parametrize(
    "result",
    [
        {"body": {"Use": 1}, "log": "Traceback (most recent call last):\nValueError: caught"},
        {"body": {"errorMessage": "Worker process died", "errorType": UNNAMED}, "error": True, "log": "died"},
        {"body": {"errorMessage": "late", "errorType": "Sandbox.Timedout"}, "error": True, "log": ""},
        {"body": None, "error": True},
    ],
)
def test_anything_else_stays_as_it_is(result: dict[str, Any]) -> None:
    assert named(result) == result
