"""The README tells the truth: commands exist, every parameter and output is explained, examples are valid."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
import yaml
from moto import mock_aws

from approvals.requests.parse import MAX_INPUT
from approvals.requests.schema import load
from bot.listeners.slash_command import COMMAND
from demo.process import ROOT
from mail.sns import RECIPIENT

README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()

SEEN_RUN = {
    "make demo",  # tests/e2e/test_demo.py
    "make demo ARGS=--auto",
    "make test",  # .ci/run
    "make lint",
    "sam build",  # demo/deploy.py, for every e2e test
    "sam deploy --guided",
    "git clone <this repository> human-approval && cd human-approval",
}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands() -> list[str]:
    """Return the commands of all shell blocks, each in one line."""
    text = "\n".join(blocks("sh")).replace("\\\n", "")
    return [line.strip() for line in text.splitlines() if line.strip()]


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
    assert {command for command in commands() if not command.startswith("aws ")} <= SEEN_RUN


def test_the_subscription_that_it_shows_lets_through_what_is_addressed_to_its_endpoint_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)  # the emulator's, after the tests that use it
    [shown] = [shlex.split(command) for command in commands() if command.startswith("aws ")]
    assert shown[:3] == ["aws", "sns", "subscribe"]
    options = dict(zip(shown[3::2], shown[4::2], strict=True))
    with mock_aws():
        sns = boto3.client("sns", region_name="eu-west-1")
        topic = sns.create_topic(Name="approvals")["TopicArn"]
        subscription = sns.subscribe(
            TopicArn=topic,
            Protocol=options["--protocol"],
            Endpoint=options["--notification-endpoint"],
            Attributes=json.loads(options["--attributes"]),
        )
        attributes = sns.get_subscription_attributes(SubscriptionArn=subscription["SubscriptionArn"])["Attributes"]
    assert (options["--topic-arn"], attributes["Protocol"]) == ("$ApprovalTopicArn", "email")
    assert json.loads(attributes["FilterPolicy"]) == {RECIPIENT: [attributes["Endpoint"]]}


@pytest.mark.parametrize("name", names_in_template("Parameters") + names_in_template("Outputs"))
def test_every_parameter_and_output_is_explained(name: str) -> None:
    assert re.search(rf"^\| `{name}` \|", README, re.MULTILINE)


def test_every_key_of_the_request_is_in_the_readme_and_none_that_is_not() -> None:
    """Their limits are in docs/request.md, which is written from the schema."""
    [table] = re.findall(r"^\| `Approval\.` \|.*\n((?:\|.*\n)+)", README, re.MULTILINE)
    named = {key for row in table.splitlines()[1:] for key in re.findall(r"`(\w+)`", row.split("|")[1])}
    keys = set(load("request.schema.json")["properties"])
    assert named <= keys
    # With its companion, which says when.
    assert keys - named == {"AllowSelfApproval", "EscalateAfterMinutes"}


def test_the_limit_of_the_input_is_that_of_the_code() -> None:
    assert f"up to {MAX_INPUT // 1024} KiB" in README


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
    settings, [command] = manifest["settings"], manifest["features"]["slash_commands"]
    addresses = [
        settings["interactivity"]["request_url"],
        settings["event_subscriptions"]["request_url"],
        command["url"],
    ]
    assert {address.removeprefix("https://REPLACE-WITH-SlackRequestUrl") for address in addresses} == {
        "/states/slack/events"
    }


def test_the_manifest_has_what_the_app_listens_to() -> None:
    manifest = yaml.safe_load((ROOT / "bot/manifest.yaml").read_text())
    assert [command["command"] for command in manifest["features"]["slash_commands"]] == [COMMAND]
    assert manifest["settings"]["event_subscriptions"]["bot_events"] == ["app_home_opened"]
    home = manifest["features"]["app_home"]
    assert home == dict.fromkeys(("home_tab_enabled", "messages_tab_enabled", "messages_tab_read_only_enabled"), True)


def test_the_app_asks_slack_for_no_more_than_it_uses() -> None:
    """To write, to be asked, to find people by id, by address, in user groups and in channels."""
    manifest = yaml.safe_load((ROOT / "bot/manifest.yaml").read_text())
    scopes = manifest["oauth_config"]["scopes"]["bot"]
    assert sorted(scopes) == [
        "channels:read",
        "chat:write",
        "commands",
        "groups:read",
        "usergroups:read",
        "users:read",
        "users:read.email",
    ]
