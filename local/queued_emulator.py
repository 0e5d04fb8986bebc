"""Runs in the emulator's own virtual environment: the emulator, with a queue in front of its Lambda functions.

It starts a process for every invocation that finds none free, each with a copy of the layer: a burst of hundreds would
keep a small machine busy with copying alone. Here a few run at a time and the rest wait for their turn. (Its own limit
answers with an error instead, as AWS does; but unlike AWS it forgets to retry a task whose invocation was refused.)
"""

from __future__ import annotations

import os
import sys
import threading
from functools import wraps
from typing import Any

from ministack import app  # type: ignore[import-not-found]
from ministack.services import lambda_svc  # type: ignore[import-not-found]

AT_A_TIME = 2 * (os.cpu_count() or 2)

_slots = threading.BoundedSemaphore(AT_A_TIME)
_execute = lambda_svc._execute_function_dispatch  # noqa: SLF001 it has no setting for this


@wraps(_execute)
def _execute_in_turn(*arguments: Any) -> Any:
    with _slots:
        return _execute(*arguments)


if __name__ == "__main__":
    lambda_svc._execute_function_dispatch = _execute_in_turn  # noqa: SLF001
    sys.exit(app.main())
