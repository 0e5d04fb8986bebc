"""Programs that the run starts, and ports that it needs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The project's folder."""

WORK = ROOT / ".local"
"""Logs and what is built, made anew with each run."""


class Failed(Exception):  # noqa: N818
    """The run can't go on. The message is for the person who started it."""


class PortTaken(Failed):
    """A port that the run needs is in use."""


def check_port(port: int, setting: str) -> None:
    """Raises `PortTaken`, which names the port and the setting that moves it, if something listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise PortTaken(f"port {port} is taken: stop what uses it, or set {setting} to another port") from None


def run(command: list[str], log: Path, environ: Mapping[str, str] | None = None) -> None:
    """Runs a command to its end with its output in a log. Raises `Failed` with the log's last lines."""
    with log.open("w") as output:
        done = subprocess.run(  # noqa: S603
            command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **(environ or {})}, check=False
        )
    if done.returncode != 0:
        tail = "\n".join(log.read_text().splitlines()[-15:])
        raise Failed(f"{' '.join(command[:2])} failed, see {log}:\n{tail}")


class Server:
    """A program that runs until it is stopped, with all it started itself."""

    def __init__(self, command: list[str], log: Path, environ: Mapping[str, str]) -> None:
        self._log = log
        with log.open("w") as output:
            self._process = subprocess.Popen(  # noqa: S603
                command,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environ},
                start_new_session=True,  # a process group of its own, so that its children end with it
            )

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Waits until it is ready. Raises `Failed` when it ended before, or is not ready in time."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise Failed(f"{self._process.args!r} did not start, see {self._log}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Ends the program and its children."""
        self._signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            pass
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            pass
