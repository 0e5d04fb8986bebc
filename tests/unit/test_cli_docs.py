"""docs/cli.md tells the truth: every command, option, exit code and variable is in it, as the code has it."""

from __future__ import annotations

import re

import click
import pytest

from approvals.domain.model import Approval
from cli import watch
from cli.__main__ import main
from cli.commands import COMMANDS, load
from cli.export_columns import COLUMNS, row
from cli.group import FAILED, INTERRUPTED, USAGE
from demo.process import ROOT
from scripts.cli_reference import PAGE, page
from tests.support.builders import an_approval, decided, expired


def test_the_page_is_what_the_commands_say() -> None:
    """Written anew by `python -m scripts.cli_reference`."""
    assert PAGE.read_text() == page()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_on_the_page(name: str) -> None:
    command = load(name)
    for each in (command, *getattr(command, "commands", {}).values(), main):
        for option in each.params:
            if isinstance(option, click.Option):
                assert all(f"`{spelling}" in PAGE.read_text() for spelling in option.opts[:1]), option.opts


def test_every_exit_code_is_explained() -> None:
    explained = [int(code) for code in re.findall(r"^\| (\d+) \|", PAGE.read_text(), re.MULTILINE)]
    assert explained == [watch.APPROVED, watch.REJECTED, watch.UNDECIDED, FAILED, USAGE, INTERRUPTED]


def test_every_environment_variable_that_is_read_is_explained() -> None:
    sources = "\n".join(path.read_text() for path in (ROOT / "cli").rglob("*.py"))
    read = set(re.findall(r"""(?:environ\.get\(|environ\[|envvar=)["']([A-Z_]+)["']""", sources))
    assert {"AWS_PORT", "APPROVALS_STACK", "NO_COLOR", "TERM"} <= read
    assert [name for name in read if f"`{name}`" not in PAGE.read_text()] == []


@pytest.mark.parametrize("approval", [an_approval(), decided(), expired()])
def test_every_column_of_an_export_is_explained(approval: Approval) -> None:
    assert list(row(approval)) == list(COLUMNS)
