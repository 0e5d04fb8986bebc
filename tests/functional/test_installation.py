"""The command runs from what is installed: by `pip install .`, and from a tag as `uv tool install` and pipx do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.version import installed
from demo.process import ROOT


@pytest.fixture
def tagged(tmp_path: Path) -> str:
    """The address of a tag of this repository."""
    clone = tmp_path / "clone"
    for command in (["clone", "--quiet", str(ROOT), str(clone)], ["-C", str(clone), "tag", "v9.8.7"]):
        subprocess.run(["git", *command], check=True, timeout=60)
    return f"git+{clone.as_uri()}@v9.8.7"


def test_the_command_runs_from_what_pip_installs(tmp_path: Path) -> None:
    assert version_from(str(ROOT), tmp_path / "installed") == f"approvals {installed()}\n"


def test_the_command_runs_from_a_tag(tagged: str, tmp_path: Path) -> None:
    assert version_from(tagged, tmp_path / "installed") == f"approvals {installed()}\n"


def version_from(source: str, folder: Path) -> str:
    """Install a source into a folder, and return what the command there says of its version.

    Its dependencies are this environment's: no registry is asked.
    """
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, source], check=True, timeout=300)
    asked = subprocess.run(
        [folder / "bin/approvals", "--version"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert asked.stderr == ""
    return asked.stdout
