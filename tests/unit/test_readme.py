"""The README tells the truth: commands exist, every parameter and output is explained, examples are valid."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from approvals.request import MAX_DETAILS, MAX_REQUESTED_BY, MAX_TIMEOUT_MINUTES, MAX_TITLE

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()

SEEN_RUN = {
    "make demo",  # tests/e2e/test_demo.py
    "make demo ARGS=--auto",
    "make test",  # .ci/run
    "make lint",
    "sam build",  # local/deploy.py, for every e2e test
    "sam deploy --guided",
    "git clone <this repository> human-approval && cd human-approval",
}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def names_in_template(section: str) -> list[str]:
    text = (ROOT / "template.yaml").read_text()
    body = re.search(rf"^{section}:\n((?:(?:  .*|#.*)?\n)*)", text, re.MULTILINE)
    assert body is not None
    return re.findall(r"^  (\w+):", body[1], re.MULTILINE)


def test_it_starts_with_one_sentence_and_then_the_two_commands() -> None:
    title, sentence, *_ = [line for line in README.splitlines() if line]
    assert title.startswith("# ")
    assert sentence.endswith(".")
    assert sentence.count(". ") == 0
    assert len(blocks("sh")[0].splitlines()) == 2


def test_every_command_shown_is_one_that_is_run() -> None:
    shown = {line.strip() for block in blocks("sh") for line in block.splitlines() if line.strip()}
    assert shown <= SEEN_RUN


@pytest.mark.parametrize("target", sorted(set(re.findall(r"`?make (\w+)", README))))
def test_every_make_target_exists(target: str) -> None:
    assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)


@pytest.mark.parametrize("name", names_in_template("Parameters") + names_in_template("Outputs"))
def test_every_parameter_and_output_is_explained(name: str) -> None:
    assert re.search(rf"^\| `{name}` \|", README, re.MULTILINE)


@pytest.mark.parametrize("path", re.findall(r"\]\((?!https?:)([^)#]+)", README))
def test_every_link_leads_to_a_file(path: str) -> None:
    assert (ROOT / path).exists()


def test_the_limits_are_those_of_the_code() -> None:
    for key, most in (
        ("Title", MAX_TITLE),
        ("Details", MAX_DETAILS),
        ("RequestedBy", MAX_REQUESTED_BY),
        ("TimeoutMinutes", MAX_TIMEOUT_MINUTES),
    ):
        [row] = re.findall(rf"^\| `{key}` \|(.*)$", README, re.MULTILINE)
        assert f"{most:,}" in row


def test_every_error_of_the_state_machine_is_explained() -> None:
    for error in ("ApprovalExpired", "InvalidApprovalRequest", "NotificationFailed"):
        assert f"| `{error}` |" in README


def test_the_example_state_machine_is_valid(tmp_path: Path) -> None:
    [example] = blocks("json")
    path = tmp_path / "example.asl.json"
    path.write_text(example)
    linted = subprocess.run(
        [Path(sys.executable).parent / "statelint", path], capture_output=True, text=True, check=False
    )
    assert linted.returncode == 0, linted.stdout
    assert json.loads(example)["States"]["Ask"]["Resource"].endswith("startExecution.sync:2")


def test_the_manifest_names_the_path_of_the_slack_endpoint() -> None:
    manifest = yaml.safe_load((ROOT / "bot/manifest.yaml").read_text())
    assert manifest["settings"]["interactivity"]["request_url"].endswith("/states/slack/events")
    assert manifest["oauth_config"]["scopes"]["bot"] == ["chat:write"]
