"""The GitHub Action: what it passes to the command, and what it returns to the job."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from cli.__main__ import main
from cli.commands.request import command as request_command
from scripts.github_action import arguments, outputs

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
GITHUB = {
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "acme/web",
    "GITHUB_RUN_ID": "77",
    "GITHUB_RUN_ATTEMPT": "2",
    "GITHUB_ACTION": "__acme_human-approval",
}
[ASK] = [step for step in ACTION["runs"]["steps"] if step.get("id") == "ask"]


def environment(**inputs: str) -> dict[str, str]:
    """Return what GitHub sets for the step: defaults, and the inputs named as in action.yml."""
    given = {name.replace("-", "_").upper(): value.get("default", "") for name, value in ACTION["inputs"].items()}
    return given | inputs | GITHUB


def test_step_gets_every_input_as_a_variable() -> None:
    expected = {name.replace("-", "_").upper(): f"${{{{ inputs.{name} }}}}" for name in ACTION["inputs"]}
    assert ASK["env"] == expected


def test_no_script_of_the_action_contains_an_expression() -> None:
    assert not [step for step in ACTION["runs"]["steps"] if "${{" in step["run"]]


def test_every_input_becomes_an_option() -> None:
    found = arguments(
        environment(
            TITLE="Deploy",
            DETAILS="Why",
            FACTS="Commit=d6cd\n\n Tag=v1 \n",
            LINKS="Diff=https://example.com/diff",
            APPROVERS="ann@example.com\nbo@example.com",
            REQUESTED_BY="ro@example.com",
            REQUIRED_APPROVALS="2",
            TIMEOUT_MINUTES="5",
            STACK="mine",
        )
    )
    assert found == [
        "--stack=mine",
        "request",
        "--wait",
        "--json",
        "--cancel-on-interrupt",
        "--name=github-77-2-__acme_human-approval",
        "--title=Deploy",
        "--link=Run=https://github.com/acme/web/actions/runs/77",
        "--details=Why",
        "--requested-by=ro@example.com",
        "--required-approvals=2",
        "--timeout-minutes=5",
        "--fact=Commit=d6cd",
        "--fact=Tag=v1",
        "--link=Diff=https://example.com/diff",
        "--approver=ann@example.com",
        "--approver=bo@example.com",
    ]


def test_only_the_title_is_needed() -> None:
    found = arguments(environment(TITLE="Deploy"))
    assert [option.partition("=")[0] for option in found[5:]] == ["--name", "--title", "--link", "--timeout-minutes"]


def test_value_that_begins_with_a_dash_is_no_option() -> None:
    assert "--title=--help" in arguments(environment(TITLE="--help"))


def test_command_has_every_option_that_the_action_passes() -> None:
    known = {option for parameter in request_command.params for option in parameter.opts}
    known |= {option for parameter in main.params for option in parameter.opts}
    passed = arguments(environment(TITLE="x", DETAILS="x", FACTS="a=b", APPROVERS="a", REQUESTED_BY="b"))
    assert {option.partition("=")[0] for option in passed if option != "request"} <= known


def test_outputs_are_the_decision_and_the_person() -> None:
    approval = {"Id": "abc", "Result": {"Decision": "APPROVED", "DecidedBy": "ann@example.com"}}
    assert outputs(json.dumps(approval)) == {
        "approval-id": "abc",
        "decision": "APPROVED",
        "decided-by": "ann@example.com",
    }
    assert set(outputs("")) == set(ACTION["outputs"])


@pytest.mark.parametrize("printed", ["", "{}", '{"Id": null, "Result": null}'])
def test_outputs_are_empty_without_a_decision(printed: str) -> None:
    assert set(outputs(printed).values()) == {""}
