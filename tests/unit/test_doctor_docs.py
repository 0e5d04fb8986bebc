"""docs/doctor.md tells of every check, and of nothing that there is not."""

from __future__ import annotations

import re

import click

from cli.commands.doctor import command as doctor
from cli.commands.slack import connect
from cli.doctor.finding import Check, Verdict
from demo.process import ROOT

PAGE = (ROOT / "docs/doctor.md").read_text()


def test_every_check_has_its_section_and_no_other_has() -> None:
    assert sorted(re.findall(r"^### (.+)$", PAGE, re.MULTILINE)) == sorted(Check)


def test_every_verdict_is_explained() -> None:
    assert all(f"`{verdict}`" in PAGE for verdict in Verdict)


def test_every_option_is_shown() -> None:
    options = [name for each in (doctor, connect) for parameter in each.params for name in parameter.opts]
    assert isinstance(doctor, click.Command)
    assert [name for name in options if name not in PAGE] == []
