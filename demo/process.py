"""Start the programs of the demo, and check its ports."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The project's folder."""

WORK = ROOT / ".local"
"""Logs and build results, replaced by each run."""


class DemoError(Exception):
    """The demo can't continue. The message is for the person who started it."""


class PortTakenError(DemoError):
    """A port that the run needs is in use."""


def check_port(port: int, setting: str) -> None:
    """Raise `PortTakenError`, which names the port and the setting that moves it, if something listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise PortTakenError(
                f"port {port} is in use: stop the program that uses it, or set {setting} to another port"
            ) from None


def run(command: list[str], log: Path, environ: Mapping[str, str] | None = None) -> None:
    """Run a command to its end with its output in a log. Raise `DemoError` with the log's last lines if it fails."""
    with started(command, log, environ or {}) as process:
        process.wait()
    if process.returncode != 0:
        tail = "\n".join(log.read_text().splitlines()[-15:])
        raise DemoError(f"{Path(command[0]).name} {command[1]} failed. The end of {log}:\n{tail}")


@contextlib.contextmanager
def started(command: list[str], log: Path, environ: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program with its output in a log. At the end, ask it and its children to end, then kill them."""
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environ},
            start_new_session=True,  # A process group of its own, so that its children end with it.
        )
    try:
        yield process
    finally:
        _signal_group(process, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
        _signal_group(process, signal.SIGKILL)
        process.wait()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
