"""README.md, docs/deploy.md and docs/call.md are true: short, complete, and with examples that are valid."""

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

from approvals.domain.nesting import MAX_DEPTH
from approvals.domain.result import result
from approvals.requests.parse import MAX_INPUT
from bot.listeners.slash_command import COMMAND
from demo.process import ROOT
from mail.sns import RECIPIENT
from tests.support.builders import decided

README, DEPLOY, CALL = ((ROOT / name).read_text() for name in ("README.md", "docs/deploy.md", "docs/call.md"))
MAX_LINES = 150


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


def names_in_template(section: str) -> list[str]:
    text = (ROOT / "template.yaml").read_text()
    body = re.search(rf"^{section}:\n((?:(?:  .*|#.*)?\n)*)", text, re.MULTILINE)
    assert body is not None
    return re.findall(r"^  (\w+):", body[1], re.MULTILINE)


def test_it_has_at_most_150_lines() -> None:
    assert len(README.splitlines()) <= MAX_LINES


def test_it_starts_with_one_sentence_a_picture_and_then_the_two_commands() -> None:
    title, sentence, picture, *_ = [line for line in README.splitlines() if line]
    assert title.startswith("# ")
    assert sentence.endswith(".")
    assert sentence.count(". ") == 0
    assert picture.startswith("![")
    assert len(blocks(README, "sh")[0].splitlines()) == 2


def test_what_the_demo_prints_is_what_the_code_prints() -> None:
    [shown] = blocks(README, "text")
    code = "".join((ROOT / name).read_text() for name in ("Makefile", "demo/__main__.py"))
    lines = [re.sub(r" [.]* ?[\d.]+ s$", "", line) for line in shown.splitlines() if line]
    assert len(lines) >= 5
    for line in lines:
        known = re.sub(r"/\w+\.txt$", "/$*.txt", line).replace("http://127.0.0.1:8080", "{stack.url}")
        assert known in code, line


def test_the_subscription_that_the_docs_show_admits_only_messages_to_its_endpoint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)  # the emulator's, after the tests that use it
    [shown] = [block.replace("\\\n", "") for block in blocks(DEPLOY, "sh") if block.startswith("aws ")]
    words = shlex.split(shown)
    assert words[:3] == ["aws", "sns", "subscribe"]
    options = dict(zip(words[3::2], words[4::2], strict=True))
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
    assert re.search(rf"^\| `{name}` \|", DEPLOY, re.MULTILINE)


def test_the_limit_of_the_input_is_that_of_the_code() -> None:
    assert re.search(rf"up to\s+{MAX_INPUT // 1024} KiB, nested at most {MAX_DEPTH} levels", CALL)


def test_every_key_of_the_result_is_explained() -> None:
    [table] = re.findall(r"^\| `Approval\.Result\.` \|.*\n((?:\|.*\n)+)", CALL, re.MULTILINE)
    named = [name for row in table.splitlines()[1:] for name in re.findall(r"`(\w+)`", row.split("|")[1])]
    only_of_some_requests = {"Groups", "Policy", "Override", "Grant"}
    assert set(named) == {*result(decided()), *only_of_some_requests}


def test_every_error_of_the_state_machine_is_explained() -> None:
    for error in ("ApprovalExpired", "InvalidApprovalRequest", "NotificationFailed"):
        assert f"| `{error}` |" in CALL


def test_the_example_state_machine_is_valid(tmp_path: Path) -> None:
    [example] = blocks(README, "json")
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
