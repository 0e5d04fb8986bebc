"""Runs in the emulator's own virtual environment: the emulator, with a queue in front of its Lambda functions.

It starts a process for every invocation that finds none free, each with a copy of the layer: a burst of hundreds would
keep a small machine busy with copying alone. Here each function has a few, and what comes meanwhile waits for its turn.
No function waits for another: a click would be answered late while mails wait for their second. (The emulator's own
limit answers with an error instead, as AWS does; but unlike AWS it forgets to retry a task that was refused.)
"""

from __future__ import annotations

import os
import sys
import threading
from functools import wraps
from typing import Any

import emulated_iam  # type: ignore[import-not-found]
from ministack import app  # type: ignore[import-not-found]
from ministack.services import lambda_svc  # type: ignore[import-not-found]

AT_A_TIME = os.cpu_count() or 2
"""Of each function."""

_slots: dict[str, threading.BoundedSemaphore] = {}
_execute = lambda_svc._execute_function_dispatch  # noqa: SLF001 it has no setting for this


@wraps(_execute)
def _execute_in_turn(function: Any, config: dict[str, Any], *arguments: Any) -> Any:
    with _slots.setdefault(config["FunctionName"], threading.BoundedSemaphore(AT_A_TIME)):
        return _execute(function, config, *arguments)


if __name__ == "__main__":
    emulated_iam.install()
    lambda_svc._execute_function_dispatch = _execute_in_turn  # noqa: SLF001
    sys.exit(app.main())
