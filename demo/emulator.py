"""The AWS emulator, as a program of its own."""

from __future__ import annotations

import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from demo import aws
from demo.process import ROOT, WORK, DemoError, check_port, started
from demo.request_filter import HEALTH

_SECONDS = 60
"""How long the emulator may take to start."""


def credentials_of(port: int) -> Path:
    """Return the file with the keys of the run on this port, for `approvals --local` and the AWS CLI."""
    return WORK / f"credentials-{port}"


@contextmanager
def running(port: int) -> Iterator[None]:
    """Run the emulator on 127.0.0.1 with IAM enforced. Its key is in a file that goes with it.

    Raise `PortTakenError`, or `DemoError` if it does not start.
    """
    check_port(port, "AWS_PORT")
    credentials, log, temporary = credentials_of(port), WORK / f"emulator-{port}.log", WORK / f"tmp-{port}"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    environ = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "TMPDIR": str(temporary),
        "AUTH": "true",
        # Invocations that wait in our queue count as running: a limit would refuse some of a burst, and lose them.
        "LAMBDA_ACCOUNT_CONCURRENCY": "0",
    }
    aws.write_credentials(credentials)
    try:
        with started([str(ROOT / ".venv-emulator/bin/python"), "-m", "demo.emulator_main"], log, environ) as process:
            deadline = time.monotonic() + _SECONDS
            while not _answers(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise DemoError(f"The emulator did not start. See {log}.")
                time.sleep(0.05)
            yield
    finally:
        credentials.unlink(missing_ok=True)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"{aws.endpoint(port)}{HEALTH}", timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False
