"""`approvals demo`: run the whole product on this machine."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import click

from cli.context import CommandError

_ROOT = Path(__file__).parent.parent.parent


@click.command("demo", epilog="Example: approvals demo --auto")
@click.option("--auto", is_flag=True, help="Play a story of requests and responses unattended, then stop.")
@click.option("--policy", is_flag=True, help="Put every request under the policy examples/policy.json.")
def command(*, auto: bool, policy: bool) -> None:
    """Run everything on this machine: emulated AWS, an inbox and Slack on one page.

    This needs a checkout, python3 and make, but no AWS account. Ctrl-C stops everything. While the demo runs,
    `approvals --local` uses its stack.
    """
    make = shutil.which("make")
    if not (_ROOT / "demo").is_dir() or not (_ROOT / "Makefile").is_file():
        raise CommandError(
            "The demo needs a checkout: git clone the repository, then run: cd human-approval && make demo"
        )
    if make is None:
        raise CommandError("The demo needs make. Install it: apt-get install make, or xcode-select --install")
    if auto and policy:
        raise click.UsageError("--auto plays requests without a policy. Leave out --policy.")
    option = ["ARGS=--auto"] if auto else ["ARGS=--policy"] if policy else []
    ended = subprocess.run([make, "demo", *option], cwd=_ROOT, check=False)  # noqa: S603
    click.get_current_context().exit(ended.returncode)
