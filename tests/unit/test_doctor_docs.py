"""docs/doctor.md tells of every check, and of nothing that there is not."""

from __future__ import annotations

import re

import click

from cli.commands.doctor import command as doctor
from cli.commands.slack import connect
from cli.doctor.findings import Check, Level
from demo.process import ROOT

PAGE = (ROOT / "docs/doctor.md").read_text()


def test_every_check_has_its_section_and_no_other_has() -> None:
    assert sorted(re.findall(r"^### (.+)$", PAGE, re.MULTILINE)) == sorted(Check)


def test_every_verdict_is_explained() -> None:
    assert all(f"`{verdict}`" in PAGE for verdict in Level)


def test_every_option_is_shown() -> None:
    shown = [each for command in (doctor, connect) for each in command.params if not getattr(each, "hidden", False)]
    options = [name for parameter in shown for name in parameter.opts]
    assert isinstance(doctor, click.Command)
    assert [name for name in options if name not in PAGE] == []
