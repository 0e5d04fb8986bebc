"""Run all tests in six processes: three compute, three mostly wait for stacks, each with its own emulator.

Print the output of each, one after the other, and the totals in the last line. Exit with the highest of their codes.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).parents[1]
_ON_OTHER_STACKS = tuple(
    f"tests/e2e/test_{name}.py"
    for name in ("demo", "upgrade", "doctor", "guided_deploy", "policy", "slack_surfaces", "ways_to_deploy")
)
"""Tests that deploy their own stacks, and share none."""

_PATIENT = tuple(f"tests/e2e/test_{name}.py" for name in ("lost_event", "closed_channel", "verify_deployment"))
"""Tests that also wait for minutes: for a lost event, for reminders, and for a whole deployment to be verified."""

_HISTORIES = tuple(f"tests/functional/test_{name}.py" for name in ("crashes", "races", "fuzz"))
"""Tests that play many histories: half of the time of all functional tests."""

SHARES = (
    ("tests", "--ignore=tests/functional", "--ignore=tests/e2e"),
    ("tests/functional", *(f"--ignore={path}" for path in _HISTORIES)),
    _HISTORIES,
    ("tests/e2e", *(f"--ignore={path}" for path in (*_ON_OTHER_STACKS, *_PATIENT))),
    _ON_OTHER_STACKS,
    _PATIENT,
)
GRACE = 90
"""Seconds in which an interrupted pytest stops what its fixtures started."""


class Share:
    """A pytest process. Files hold its output and its counts."""

    def __init__(self, number: int, arguments: tuple[str, ...], folder: Path) -> None:
        self._said, self._counted = folder / f"{number}.out", folder / f"{number}.xml"
        command = [sys.executable, "-m", "pytest", f"--junitxml={self._counted}", *arguments]
        with self._said.open("wb") as said:
            # In a session of its own: Ctrl-C in a terminal would interrupt it a second time, while it cleans up.
            self._process = subprocess.Popen(
                command, cwd=ROOT, stdout=said, stderr=subprocess.STDOUT, start_new_session=True
            )

    def follow(self) -> int:
        """Print the output of the process until it ends. Return its exit code."""
        with self._said.open("rb") as said:
            ended = False
            while not ended:
                ended = self._process.poll() is not None
                sys.stdout.buffer.write(said.read())
                sys.stdout.buffer.flush()
                if not ended:
                    time.sleep(0.2)
        return self._process.returncode

    def interrupt(self) -> None:
        """Ask the process to end: pytest then stops its fixtures, the emulator included."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)

    def end(self) -> None:
        """Wait until the process has ended; kill it if it does not."""
        try:
            self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def count(self) -> Counter[str]:
        """Return the numbers of tests by outcome. A process that fails counts as at least one failure."""
        found = Counter[str]()
        if self._counted.exists():
            [suite] = ET.parse(self._counted).getroot()  # noqa: S314 written by pytest
            total, skipped = int(suite.attrib["tests"]), int(suite.attrib["skipped"])
            failed = int(suite.attrib["failures"]) + int(suite.attrib["errors"])
            found = Counter(passed=total - failed - skipped, failed=failed, skipped=skipped)
        if self._process.returncode:
            found["failed"] = max(found["failed"], 1)
        return found


def main(shares: tuple[tuple[str, ...], ...] = SHARES) -> int:
    """Run all shares to their end. SIGINT, SIGTERM or a closed terminal end them all."""
    # SIGINT also where it is ignored, as in a shell's background job: the processes would inherit that.
    signal.signal(signal.SIGINT, _interrupt_once)
    signal.signal(signal.SIGTERM, _interrupt_once)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # `nohup` ignores it.
        signal.signal(signal.SIGHUP, _interrupt_once)
    with tempfile.TemporaryDirectory() as folder:
        running: list[Share] = []
        try:
            for number, arguments in enumerate(shares):
                running.append(Share(number, arguments, Path(folder)))
            code = max(abs(share.follow()) for share in running)
        except KeyboardInterrupt:
            print("\nInterrupted. Waiting for the tests to clean up ...", flush=True)
            code = 130
        finally:
            for share in running:
                share.interrupt()
            for share in running:
                share.end()
        counted = sum((share.count() for share in running), Counter[str]())
    print("\n" + ", ".join(f"{counted[outcome]} {outcome}" for outcome in ("passed", "failed", "skipped")), flush=True)
    return code


def _interrupt_once(_number: int, _frame: FrameType | None) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
