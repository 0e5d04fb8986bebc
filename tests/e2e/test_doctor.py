"""`approvals doctor` and `approvals slack connect` on a deployed stack of their own: plants faults, obeys the mends."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from click.testing import Result

from cli.doctor import slack as slack_checks
from cli.doctor.findings import Check
from cli.doctor.round_trip import TITLE
from demo.person import Person, links
from demo.process import ROOT
from demo.stack import CHANNEL, LocalStack
from tests.support.deployments import deployed
from tests.support.leaks import LeakDetector
from tests.support.pasted_commands import commands, run_aws, run_ours
from tests.support.polling import seen

NAME = "doctor"
DOCTOR = f"approvals --stack {NAME} doctor --json"


@pytest.fixture(scope="module")
def doctor_stack(aws_port: int, leak_detector: LeakDetector) -> Iterator[LocalStack]:
    """A stack that may be harmed: each test leaves it as its fixes make it."""
    with deployed(leak_detector, aws_port, NAME) as stack:
        yield stack


@pytest.fixture
def requester(doctor_stack: LocalStack) -> Person:
    return Person(doctor_stack.url)


def findings(result: Result) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(result.stdout)
    return found


def faults(*more: str) -> list[dict[str, str]]:
    """Return the faults that a whole examination finds."""
    result = run_ours(DOCTOR, *more)
    found = [each for each in findings(result) if each["verdict"] == "fault"]
    assert result.exit_code == (1 if found else 0), result.output
    assert [each for each in findings(result) if each["verdict"] == "unknown"] == []
    assert all(each["mend"] for each in found)
    return found


def only_fault(check: Check, *more: str) -> dict[str, str]:
    [found] = faults(*more)
    assert found["check"] == check, found
    return found


def hooked(session: boto3.Session, event: str, handler: Any) -> boto3.Session:
    session.events.register(event, handler)
    return session


def connect(command: str, stack: LocalStack) -> Result:
    """`slack connect` with what Slack's page shows now in the environment, as in CI."""
    known = {"SLACK_BOT_TOKEN": stack.slack.bot_token, "SLACK_SIGNING_SECRET": stack.slack.signing_secret}
    return run_ours(command, env=known)


def test_a_healthy_stack_has_no_fault(doctor_stack: LocalStack, requester: Person) -> None:
    """The real command, as a program, beside the same with JSON. A person has opened the app's Home."""
    assert requester._post_json("/api/slack/home", {"user_id": "U0ALICE01"}).status == 200
    seen(lambda: doctor_stack.slack.homes().get("U0ALICE01"), "the home")
    called = [sys.executable, "-m", "cli", "--stack", NAME, "doctor"]
    ran = subprocess.run(called, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
    lines = ran.stdout.splitlines()
    assert [line for line in lines if not line.startswith("ok ")] == []
    assert {line.split(maxsplit=1)[1].split(":")[0] for line in lines} == {*Check} - {Check.ROUND_TRIP}


def test_it_calls_what_its_page_asks_to_be_allowed_and_nothing_else(
    doctor_stack: LocalStack, requester: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With an open approval, and so with its approvers, to look at."""
    named = {"Title": "Named", "Approvers": ["alice@example.com"], "TimeoutMinutes": 600}
    mail = requester.mail(requester.start("named", {"Approval": named}), to="alice@example.com")
    made: set[str] = set()

    def note(model: Any, **_named: Any) -> None:
        service = {"monitoring": "cloudwatch"}.get(model.service_model.signing_name, model.service_model.signing_name)
        made.add(f"{service}:{model.name}")

    session = boto3.Session
    monkeypatch.setattr("cli.context.boto3.Session", lambda **named: hooked(session(**named), "before-call", note))
    assert faults() == []
    page = (ROOT / "docs/doctor.md").read_text()
    [asked] = re.findall(r"^```\n((?:[a-z]+:\w+\s)+)```$", page, re.MULTILINE)
    assert made == {*asked.split()} - {"ssm:GetParameter"}, "which reads the policy, and this stack has none"
    requester.confirm(requester.open(links(mail)["approve"]))
    assert requester.ended("named")


def test_a_round_trip_asks_tells_and_cancels(doctor_stack: LocalStack, requester: Person) -> None:
    found = findings(run_ours(DOCTOR, "--round-trip"))
    steps = [each["text"] for each in found if each["check"] == Check.ROUND_TRIP]
    assert [each["verdict"] for each in found if each["check"] == Check.ROUND_TRIP] == ["ok"] * 5, steps
    assert [text.rpartition(": ")[0] for text in steps] == [
        "recorded",
        "emailed approver@example.com",
        "posted in Slack",
        "cancelled after its execution stopped",
        "buttons removed in Slack",
    ]
    [message] = [
        each for each in doctor_stack.slack.messages() if TITLE in json.dumps(each.blocks) and not each.thread_ts
    ]
    assert message.edited
    assert [block for block in message.blocks if block["type"] == "actions"] == []


def test_a_wrong_token_is_named_and_connecting_fixes_it(
    doctor_stack: LocalStack, leak_detector: LeakDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody at a terminal is asked; what they paste is not shown."""
    doctor_stack.slack.bot_token = "xoxb-local-another-0123456789"
    leak_detector.use(doctor_stack.slack.bot_token)
    found = only_fault(Check.TOKEN)
    assert "invalid_auth" in found["text"]
    [command] = commands(found["mend"])
    monkeypatch.setattr("cli.commands.slack._interactive", lambda **_: True)
    connected = run_ours(command, typed=f"{doctor_stack.slack.bot_token}\n{doctor_stack.slack.signing_secret}\ny\n")
    assert connected.exit_code == 0, connected.output
    assert "https://api.slack.com/apps?new_app=1&manifest_yaml=" in connected.stderr
    assert doctor_stack.slack.bot_token not in connected.output


def test_an_app_that_is_not_in_the_channel_is_named(doctor_stack: LocalStack) -> None:
    doctor_stack.slack.invited = False
    found = only_fault(Check.CHANNEL)
    assert found["text"] == "the app is not a member of #approvals, so it can't post"
    assert found["mend"] == "In Slack, in the channel: /invite @Approvals"
    doctor_stack.slack.invited = True


def test_an_unconfirmed_subscription_is_named(doctor_stack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulator confirms each address at once: what AWS says of one that did not is put into its answer."""

    def unconfirm(parsed: dict[str, Any], **_named: Any) -> None:
        for each in parsed["Subscriptions"]:
            if each["Endpoint"] == doctor_stack.email:
                each["SubscriptionArn"] = "PendingConfirmation"

    with monkeypatch.context() as patch:
        session = boto3.Session
        patch.setattr(
            "cli.context.boto3.Session",
            lambda **named: hooked(session(**named), "after-call.sns.ListSubscriptionsByTopic", unconfirm),
        )
        found = only_fault(Check.EMAIL)
    assert found["text"].startswith(f"{doctor_stack.email} has not confirmed its subscription")
    assert found["mend"].startswith('Open the email "AWS Notification - Subscription Confirmation"')
    [command] = commands(found["mend"])
    assert run_ours(command).exit_code == 0


def test_a_wrong_signing_secret_is_named_once_slack_was_refused_and_connecting_fixes_it(
    doctor_stack: LocalStack, requester: Person, leak_detector: LeakDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = requester.message(requester.start("wrong-secret", {"Approval": {"Title": "Wrong secret"}}))
    doctor_stack.slack.signing_secret = "0123456789abcdef0123456789abcdef"
    leak_detector.use(doctor_stack.slack.signing_secret)
    assert requester.click(message, "approve").status == 502, "the stack refused it"
    with monkeypatch.context() as patch:
        patch.setattr(slack_checks, "GRACE", slack_checks.GRACE * 0)  # the secret was stored a moment ago
        found = only_fault(Check.SIGNING)
    assert "refused 1 signed request" in found["text"]
    assert "Basic Information > App Credentials > Signing Secret" in found["mend"]
    [command] = commands(found["mend"])
    connected = connect(command, doctor_stack)
    assert connected.exit_code == 0, connected.output
    assert doctor_stack.slack.signing_secret not in connected.output
    assert requester.click(message, "approve").status == 200
    assert requester.ended("wrong-secret")["output"]["Approval"]["Result"]["Channel"] == "slack"


def test_a_missing_scope_is_named(doctor_stack: LocalStack) -> None:
    doctor_stack.slack.scopes -= {"usergroups:read"}
    found = only_fault(Check.SCOPES)
    assert found["text"] == "missing scopes: usergroups:read"
    assert "Bot Token Scopes: add usergroups:read" in found["mend"]
    assert "Reinstall to Workspace" in found["mend"]
    doctor_stack.slack.scopes |= {"usergroups:read"}


def test_a_wrong_channel_is_named_and_connecting_changes_it(doctor_stack: LocalStack) -> None:
    """The stack's other parameters stay as they are, and so does its secret."""
    doctor_stack.slack.channel = "C0ELSEWHERE"
    before = parameters()
    found = only_fault(Check.CHANNEL)
    assert f"channel {CHANNEL} does not exist" in found["text"]
    [command] = commands(found["mend"])
    shown = f"{doctor_stack.slack.bot_token}\n{doctor_stack.slack.signing_secret}\n"
    connected = run_ours(command.replace(" ID", f" {doctor_stack.slack.channel}"), "--stdin", typed=shown)
    assert connected.exit_code == 0, connected.output
    assert parameters() == {**before, "SlackChannel": doctor_stack.slack.channel}
    assert faults() == []


def parameters() -> dict[str, str]:
    [described] = boto3.client("cloudformation").describe_stacks(StackName=NAME)["Stacks"]
    return {each["ParameterKey"]: each["ParameterValue"] for each in described["Parameters"]}


def test_credentials_that_slack_does_not_take_are_not_stored(doctor_stack: LocalStack) -> None:
    wrong = {"SLACK_BOT_TOKEN": "xoxb-wrong-0123456789", "SLACK_SIGNING_SECRET": doctor_stack.slack.signing_secret}
    refused = run_ours(f"approvals --stack {NAME} slack connect", env=wrong)
    assert refused.exit_code == 1
    assert "Nothing was stored." in refused.stderr
    malformed = run_ours(f"approvals --stack {NAME} slack connect", env={**wrong, "SLACK_BOT_TOKEN": "xoxp-mine"})
    assert malformed.exit_code == 3
    assert "begins with xoxb-" in malformed.stderr
    nobody = run_ours(f"approvals --stack {NAME} slack connect")
    assert nobody.exit_code == 3
    assert "There is no terminal for a prompt" in nobody.stderr
    assert faults() == []


def test_an_approver_who_can_no_longer_be_reached_is_named_and_adding_them_fixes_it(
    doctor_stack: LocalStack, requester: Person
) -> None:
    dora = "dora@example.com"
    assert run_ours(f"approvals --stack {NAME} approvers add {dora}").exit_code == 0
    name = requester.start("dora-decides", {"Approval": {"Title": "Dora decides", "Approvers": [dora]}})
    requester.mail(name, to=dora)
    sns = boto3.client("sns")
    [arn] = [
        each["SubscriptionArn"]
        for each in sns.list_subscriptions_by_topic(TopicArn=doctor_stack.outputs["ApprovalTopicArn"])["Subscriptions"]
        if each["Endpoint"] == dora
    ]
    sns.unsubscribe(SubscriptionArn=arn)
    found = only_fault(Check.APPROVERS)
    assert found["text"].startswith(dora)
    [command] = commands(found["mend"])
    assert run_ours(command).exit_code == 0
    assert faults() == []
    assert "U0GONE0005" in only_fault(Check.APPROVERS, "--approver", "U0GONE0005")["text"]


def test_a_stale_stack_is_named(doctor_stack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.doctor.stack.installed", lambda: "7.0.0")
    found = only_fault(Check.VERSION)
    assert "is older than command line 7.0.0" in found["text"]
    assert found["mend"].startswith(f"sam build && sam deploy --stack-name {NAME} --region us-east-1")


def test_a_full_dead_letter_queue_is_named_with_how_to_look_and_how_to_try_again(doctor_stack: LocalStack) -> None:
    resources = boto3.client("cloudformation").describe_stack_resources(StackName=NAME)["StackResources"]
    [url] = [each["PhysicalResourceId"] for each in resources if each["LogicalResourceId"] == "DeadLetterQueue"]
    sqs = boto3.client("sqs")
    sqs.send_message(QueueUrl=url, MessageBody='{"id": "abc"}')
    found = only_fault(Check.DEAD_LETTERS)
    assert found["text"] == "1 message failed after all retries"
    look, again = commands(found["mend"])
    assert [each["Body"] for each in run_aws(look)["Messages"]] == ['{"id": "abc"}']
    assert again.startswith("aws sqs start-message-move-task --source-arn arn:aws:sqs:us-east-1:000000000000:")
    sqs.purge_queue(QueueUrl=url)


def test_a_wrong_region_is_named_with_the_right_one(doctor_stack: LocalStack) -> None:
    result = run_ours(f"approvals --region eu-west-1 --stack {NAME} doctor --json")
    assert result.exit_code == 1
    [found] = findings(result)
    assert found["check"] == Check.STACK
    assert found["text"] == f"no stack named {NAME} in eu-west-1, but in us-east-1"
    assert commands(found["mend"]) == [f"approvals --region us-east-1 --stack {NAME} doctor"]


def test_disabled_parts_are_named_and_the_commands_enable_them(doctor_stack: LocalStack) -> None:
    """The clock's rule, a queue's way to its function, and a subscription's filter."""
    resources = boto3.client("cloudformation").describe_stack_resources(StackName=NAME)["StackResources"]
    ids = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources}
    boto3.client("events").disable_rule(Name=ids["LifecycleFunctionEveryMinute"])
    functions, sns = boto3.client("lambda"), boto3.client("sns")
    functions.update_event_source_mapping(UUID=ids["NotifyFunctionRetry"], Enabled=False)
    subscribed = sns.list_subscriptions_by_topic(TopicArn=doctor_stack.outputs["ApprovalTopicArn"])["Subscriptions"]
    [arn] = [each["SubscriptionArn"] for each in subscribed if each["Endpoint"] == "bob@example.com"]
    sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="FilterPolicy", AttributeValue="{}")
    found = faults()
    assert [each["check"] for each in found] == [Check.FUNCTIONS, Check.SCHEDULER, Check.FILTERS]
    for each in found:
        for command in commands(each["mend"]):
            run_ours(command) if command.startswith("approvals ") else run_aws(command)
    assert faults() == []


def test_an_alarm_in_state_alarm_is_named(doctor_stack: LocalStack) -> None:
    resources = boto3.client("cloudformation").describe_stack_resources(StackName=NAME)["StackResources"]
    [alarm] = [each["PhysicalResourceId"] for each in resources if each["LogicalResourceId"] == "LifecycleErrorAlarm"]
    cloudwatch = boto3.client("cloudwatch")
    cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="planted")
    found = only_fault(Check.ALARMS)
    assert found["text"].startswith("LifecycleErrorAlarm is in ALARM since ")
    assert found["mend"].startswith("aws logs tail ")
    cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="OK", StateReason="mended")
    assert faults() == []
