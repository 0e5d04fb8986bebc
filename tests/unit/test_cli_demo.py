"""`approvals demo` from a checkout, and outside of one."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from cli.__main__ import main
from cli.commands import demo
from demo.process import ROOT


@pytest.mark.parametrize(
    ("options", "more"), [([], []), (["--auto"], ["ARGS=--auto"]), (["--policy"], ["ARGS=--policy"])]
)
def test_in_a_checkout_it_is_make_demo_with_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, options: list[str], more: list[str]
) -> None:
    called: list[Any] = []

    def run(command: list[str], **named: Any) -> SimpleNamespace:
        called.append((command, named["cwd"]))
        return SimpleNamespace(returncode=2)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}")
    assert CliRunner().invoke(main, ["demo", *options]).exit_code == 2
    assert called == [(["/bin/make", "demo", *more], ROOT)]


def test_the_story_is_not_played_under_a_policy() -> None:
    result = CliRunner().invoke(main, ["demo", "--auto", "--policy"])
    assert result.exit_code == 64
    assert "Leave out --policy." in result.stderr


def test_outside_a_checkout_it_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(demo, "_ROOT", tmp_path)
    result = CliRunner().invoke(main, ["demo"])
    assert result.exit_code == 3
    assert "git clone" in result.stderr
