"""The kinds of calls that the functions make of DynamoDB, as IAM looks at them: noted while functional tests run.

`RECORD_CALLS=1 python -m pytest tests/functional` adds them to real_calls.json; delete that first to lose what is not
called any more. Without RECORD_CALLS a call of a kind that is not in the file fails the run: look at what it asks for,
and record it. tests/unit/test_policies.py judges them.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from botocore.client import BaseClient

from demo.emulated_iam import checks
from demo.process import ROOT

FILE = ROOT / "tests/real_calls.json"
RECORD = os.environ.get("RECORD_CALLS") == "1"

Call = list[list[Any]]
"""What IAM judges of one call: action, table with its index, condition keys."""

_FUNCTIONS = {
    "approvals/services/request.py": "RequestFunction",
    "approvals/services/notify.py": "NotifyFunction",
    "bot/ephemeral.py": "NotifyFunction",
    "approvals/services/conclude.py": "DecisionFunction",
    "mail/digest.py": "DigestFunction",
    "approvals/services/lifecycle.py": "LifecycleFunction",
    "web/handler.py": "CallbackFunction",
    "iam/handler.py": "AnswerFunction",
    "approvals/services/spend.py": "SpendFunction",
    "handlers/bot.py": "BotFunction",
    "bot/listeners/": "BotFunction",
}

_FAKES = f"{ROOT}/tests/support/fakes.py"
"""They stand between a function and DynamoDB: what they ask for, the function asks for."""


def recorded() -> dict[str, list[Call]]:
    """Return the calls of each function."""
    made: dict[str, list[Call]] = json.loads(FILE.read_text()) if FILE.exists() else {}
    return made


@contextmanager
def noted(tables: Mapping[str, str]) -> Iterator[None]:
    """Note the functions' calls, and fail at the end if one is new. `tables` has the tables' logical ids by name."""
    call, found = BaseClient._make_api_call, set[tuple[str, str]]()  # type: ignore[attr-defined]

    def noting(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        if client.meta.service_model.service_name == "dynamodb" and (function := _caller()):
            judged = [[action, _logical(name, tables), keys] for action, name, keys in checks(operation, parameters)]
            found.add((function, json.dumps(sorted(judged, key=json.dumps))))
        return call(client, operation, parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", noting)
        yield
    known = {(function, json.dumps(each)) for function, calls in recorded().items() for each in calls}
    if RECORD:
        _write(found | known)
    elif new := sorted(found - known):
        pytest.fail(f"calls of a new kind, see {Path(__file__).name}: {new}", pytrace=False)


def _write(found: set[tuple[str, str]]) -> None:
    calls: dict[str, list[Call]] = {}
    for function, judged in sorted(found):
        calls.setdefault(function, []).append(json.loads(judged))
    # A line for each call.
    functions = [
        f" {json.dumps(function)}: [\n" + ",\n".join(f"  {json.dumps(each)}" for each in made) + "\n ]"
        for function, made in calls.items()
    ]
    FILE.write_text("{\n" + ",\n".join(functions) + "\n}\n")


def _logical(name: str, tables: Mapping[str, str]) -> str:
    table, slash, index = name.partition("/")
    return f"{tables[table]}{slash}{index}"


def _caller() -> str:
    """Return the function whose code calls; empty where a test does, by itself or in the function's place."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        path = frame.f_code.co_filename
        if path.startswith(f"{ROOT}/tests/") and path != _FAKES:
            return ""
        local = path.removeprefix(f"{ROOT}/")
        for prefix, function in _FUNCTIONS.items():
            if local.startswith(prefix):
                return function
        frame = frame.f_back
    return ""
