"""The AWS emulator, as a program of its own."""

from __future__ import annotations

import shutil
import urllib.error
import urllib.request

from local import aws
from local.process import ROOT, WORK, Server, check_port


def start(port: int) -> Server:
    """Starts the emulator on 127.0.0.1, with IAM enforced, and waits until it answers.

    Raises `PortTaken` or `Failed`.
    """
    check_port(port, "AWS_PORT")
    temporary = WORK / f"tmp-{port}"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    server = Server(
        [str(ROOT / ".venv-emulator/bin/python"), str(ROOT / "local/queued_emulator.py")],
        WORK / f"emulator-{port}.log",
        {
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "TMPDIR": str(temporary),
            "AUTH": "true",
            # What waits in our queue counts as running: it would refuse some of a burst, and lose their requests.
            "LAMBDA_ACCOUNT_CONCURRENCY": "0",
        },
    )
    try:
        server.wait_until(lambda: _answers(port), seconds=60)
    except BaseException:
        server.stop()
        raise
    return server


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"{aws.endpoint(port)}/_ministack/health", timeout=2) as answer:
            return bool(answer.status == 200)  # noqa: PLR2004
    except (urllib.error.URLError, OSError):
        return False
