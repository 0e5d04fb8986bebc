"""`pip install .`, as the README says: the command runs from what is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from cli.version import installed
from demo.process import ROOT


def test_the_command_runs_from_what_pip_installs(tmp_path: Path) -> None:
    """Its dependencies are this environment's: no registry is asked."""
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", str(tmp_path)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(ROOT)], check=True, timeout=300)
    asked = subprocess.run(
        [tmp_path / "bin/approvals", "--version"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (asked.stdout, asked.stderr) == (f"approvals {installed()}\n", "")
