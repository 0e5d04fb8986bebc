"""Programs that the run starts, and ports that it needs."""

from __future__ import annotations

import contextlib
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
    process = _start(command, log, environ or {})
    try:
        process.wait()
    finally:
        _end(process)
    if process.returncode != 0:
        tail = "\n".join(log.read_text().splitlines()[-15:])
        raise Failed(f"{Path(command[0]).name} {command[1]} failed, see {log}:\n{tail}")


class Server:
    """A program that runs until it is stopped, with all it started itself."""

    def __init__(self, command: list[str], log: Path, environ: Mapping[str, str]) -> None:
        self._log = log
        self._process = _start(command, log, environ)

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Waits until it is ready. Raises `Failed` when it ended before, or is not ready in time."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise Failed(f"{self._process.args!r} did not start, see {self._log}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Ends the program and its children."""
        _end(self._process)


def _start(command: list[str], log: Path, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    with log.open("w") as output:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environ},
            start_new_session=True,  # a process group of its own, so that its children end with it
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a program and its children: asks first, then kills."""
    _signal(process, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=10)
    _signal(process, signal.SIGKILL)
    process.wait()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
