"""`approvals demo`: run the whole product on this machine."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import click

from cli.context import CommandError

_ROOT = Path(__file__).parent.parent.parent


@click.command("demo")
@click.option("--auto", is_flag=True, help="Play the whole story unattended, then stop.")
def command(*, auto: bool) -> None:
    """Run the whole product on this machine: emulated AWS, an inbox and Slack, on one page.

    Needs a checkout, python3 and make, and no AWS account. Ctrl-C stops everything. While it runs, `approvals --local`
    is about the stack that it shows.
    """
    make = shutil.which("make")
    if not (_ROOT / "demo").is_dir() or not (_ROOT / "Makefile").is_file():
        raise CommandError(
            "The demo runs from a checkout: git clone the repository, then: cd human-approval && make demo"
        )
    if make is None:
        raise CommandError("The demo needs make: apt-get install make, or xcode-select --install")
    ended = subprocess.run([make, "demo", *(["ARGS=--auto"] if auto else [])], cwd=_ROOT, check=False)  # noqa: S603
    click.get_current_context().exit(ended.returncode)
