"""`approvals` as CI runs it: a process without a terminal or anything on its standard input."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SECONDS = 60

COMMAND = [sys.executable, "-m", "cli", "--local"]


class Cli:
    """Runs the command line as a caller with nothing but `--local`."""

    def __init__(self, port: int) -> None:
        self.environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self.environ |= {"AWS_PORT": str(port), "PYTHONWARNINGS": "error"}

    def start(
        self, *arguments: str, folder: Path | None = None, stdin: int = subprocess.DEVNULL
    ) -> subprocess.Popen[str]:
        """Start a command, by default in the folder of the checkout."""
        return subprocess.Popen(
            [*COMMAND, *arguments],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environ,
            cwd=folder,
        )

    def run(self, *arguments: str) -> str:
        """Run a command that succeeds; return its output."""
        code, out, err = ended(self.start(*arguments))
        assert code == 0, out + err
        return out


def ended(process: subprocess.Popen[str], seconds: float = SECONDS) -> tuple[int, str, str]:
    """Return the exit code, the output and the errors of a process once it has ended."""
    try:
        out, err = process.communicate(timeout=seconds)
    finally:
        process.kill()
    assert "Traceback" not in err
    return process.returncode, out, err
