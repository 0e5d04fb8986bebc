"""The emulator reports errors of functions as Lambda does: callers tell them apart by their type."""

from __future__ import annotations

from typing import Any

import pytest

from demo.emulated_errors import name_error

TRACE = 'Traceback (most recent call last):\n  File "spend.py", line 1, in handler\n{}: The grant was spent.\n'


def result(log: str, kind: str = "Runtime.HandlerError") -> dict[str, Any]:
    return {"body": {"errorMessage": "The grant was spent.", "errorType": kind}, "error": True, "log": log}


@pytest.mark.parametrize("raised", ["GrantSpent", "approvals.services.spend.GrantSpent"])
def test_an_error_has_the_name_of_its_class(raised: str) -> None:
    assert name_error(result(TRACE.format(raised)))["body"] == {
        "errorMessage": "The grant was spent.",
        "errorType": "GrantSpent",
    }


@pytest.mark.parametrize(
    "other",
    [
        result("no traceback"),
        result(TRACE.format("GrantSpent"), kind="Sandbox.Timedout"),
        {"body": {"Use": 1}, "log": TRACE.format("GrantSpent")},
        {"body": "text", "error": True},
    ],
)
def test_other_results_stay_as_they_are(other: dict[str, Any]) -> None:
    assert name_error(other) == other
