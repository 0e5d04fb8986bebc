"""The AWS emulator, as a program of its own."""

from __future__ import annotations

import shutil
import urllib.error
import urllib.request

from demo import aws
from demo.process import ROOT, WORK, Server, check_port
from demo.request_filter import HEALTH


class Emulator(Server):
    """The running emulator, and the file with its key."""

    def __init__(self, port: int) -> None:
        self.credentials = WORK / f"credentials-{port}"
        temporary = WORK / f"tmp-{port}"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        aws.write_credentials(self.credentials)
        super().__init__(
            [str(ROOT / ".venv-emulator/bin/python"), "-m", "demo.emulator_main"],
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

    def stop(self) -> None:
        """Ends the program and its children. Its key opens nothing any more."""
        super().stop()
        self.credentials.unlink(missing_ok=True)


def start(port: int) -> Emulator:
    """Starts the emulator on 127.0.0.1, with IAM enforced, and waits until it answers.

    Raises `PortTaken` or `Failed`.
    """
    check_port(port, "AWS_PORT")
    server = Emulator(port)
    try:
        server.wait_until(lambda: _answers(port), seconds=60)
    except BaseException:
        server.stop()
        raise
    return server


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"{aws.endpoint(port)}{HEALTH}", timeout=2) as answer:
            return bool(answer.status == 200)  # noqa: PLR2004
    except (urllib.error.URLError, OSError):
        return False
