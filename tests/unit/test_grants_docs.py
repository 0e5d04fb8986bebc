"""docs/grants.md: its programs run, its commands are taken, its tables are complete."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

import click
import pytest
import yaml

from approvals import grants
from approvals.grants.errors import REFUSALS
from cli.command_action import CommandAction
from cli.commands.run import command
from demo.process import ROOT
from tests.support.spend_function import GRANT_ID, SpendFunction, through

TEXT = (ROOT / "docs/grants.md").read_text()


def test_its_programs_spend_what_they_request(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    function = SpendFunction()
    monkeypatch.setattr(grants.Spender, "of", through(function))
    names: dict[str, Any] = {"__name__": "ops", "grant_id": GRANT_ID, "result": {"Grant": {"Id": GRANT_ID}}}
    for block in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL):
        exec(block, names)  # noqa: S102  # our own page
    printed = capsys.readouterr().out.splitlines()
    assert printed == ["Dropping orders_2019", "Ann approved DROP TABLE orders_2019"]
    first, second = (payload["Action"] for payload in function.payloads)
    assert first == names["request"]["Action"]
    assert second == names["action"]
    [shown] = re.findall(r"`(\{\"Function\".*?\}\})`", " ".join(TEXT.split()))
    assert json.loads(shown) == first


def test_it_has_every_error_of_the_library() -> None:
    named = set(re.findall(r"^\| `(\w+Error)` \|", TEXT, re.MULTILINE))
    assert {error.__name__ for error in (*REFUSALS.values(), grants.SpendFailedError)} <= named


def test_the_action_that_it_shows_is_that_of_a_command() -> None:
    [shown] = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL) if "Command" in block]
    action = CommandAction("/usr/bin/terraform", tuple(shown["Command"]), shown["Directory"], shown["Files"])
    assert action.document == shown


def test_the_step_of_a_job_uses_options_that_the_command_has() -> None:
    [[step]] = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)]
    words = shlex.split(step["run"].replace("\\\n", ""))
    assert words[:3] == ["exec", "approvals", "run"]
    assert "${{" not in step["run"], "an expression in a script is run"
    parsed = command.make_context("run", words[3:])
    assert parsed.params["words"] == ("terraform", "apply", "plan.out")


def test_the_exit_codes_are_those_of_the_help() -> None:
    table = TEXT.partition("If the command was executed, the exit code is its own.")[2]
    shown = re.findall(r"^\| `(\d+)` \|", table, re.MULTILINE)
    helped = click.Context(command).command.help or ""
    assert shown == re.findall(r"^ +(\d+)  ", helped.partition("Exit codes")[2], re.MULTILINE)
