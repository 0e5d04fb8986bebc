"""The emulator's program, in its own virtual environment: request filter, queue of invocations, errors, conditions.

The emulator starts a process for every invocation that finds none free, each with a copy of the layer: a burst of
hundreds would keep a small machine busy with copying. Here each function has a few processes, and further invocations
wait for them. No function waits for another: a click would be answered late while emails wait for their second. (The
emulator's own limit answers with an error, as on AWS; but unlike AWS it forgets to retry a task that was refused.)
"""

from __future__ import annotations

import hmac
import os
import sys
import threading
from functools import wraps
from typing import Any

from ministack import app  # type: ignore[import-not-found]
from ministack.core import iam_evaluator  # type: ignore[import-not-found]
from ministack.services import lambda_svc, sts  # type: ignore[import-not-found]

from demo import emulated_iam, emulated_simulator
from demo.emulated_errors import name_error
from demo.request_filter import ClosedEmulator

MAX_PROCESSES = os.cpu_count() or 2
"""Processes of each function."""

_slots: dict[str, threading.BoundedSemaphore] = {}
_execute = lambda_svc._execute_function_dispatch  # noqa: SLF001 it has no setting for this


@wraps(_execute)
def _execute_in_turn(function: Any, config: dict[str, Any], *arguments: Any) -> Any:
    with _slots.setdefault(config["FunctionName"], threading.BoundedSemaphore(MAX_PROCESSES)):
        return name_error(_execute(function, config, *arguments))


def _is_root(access_key_id: str) -> bool:
    """Return True for this run's key. The emulator would take `test`, 12 digits and no key at all for root, too."""
    return hmac.compare_digest(access_key_id.encode(), os.environ["AWS_ACCESS_KEY_ID"].encode())


if __name__ == "__main__":
    emulated_iam.install()
    emulated_simulator.install()
    lambda_svc._execute_function_dispatch = _execute_in_turn  # noqa: SLF001
    iam_evaluator.is_root_access_key = sts.is_root_access_key = _is_root
    app.app = ClosedEmulator(app.app, int(os.environ["GATEWAY_PORT"]))
    sys.exit(app.main())
