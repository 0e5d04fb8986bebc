"""`approvals verify-deployment` on a deployed stack of its own: everything holds, and each planted fault is named."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import boto3
import pytest
from click.testing import Result

from cli.context import Context
from cli.doctor.findings import Level
from cli.doctor.slack import check_slack
from cli.verify.requests import TITLE
from demo.process import ROOT
from demo.stack import LocalStack
from mail.sns import QUEUE_PREFIX
from tests.support.deployments import deployed
from tests.support.leaks import LeakDetector
from tests.support.pasted_commands import run_ours
from tests.support.polling import seen
from tests.support.stack_contents import resources_of

NAME = "verified"
VERIFY = f"approvals --stack {NAME} verify-deployment --json"
PROOFS = """
stack, version, functions, clock, email, email filters, slack token, slack scopes, slack channel, slack signing secret,
permissions of request, permissions of notify, permissions of decision, permissions of digest,
permissions of lifecycle, permissions of callback, permissions of bot, permissions of answer,
permissions of spend, mailbox, unsigned calls,
start, request, email, page, signature, response, workflow, second response, outcome email, cancel, expiry, clean-up
"""


@pytest.fixture(scope="module")
def verified(aws_port: int, leak_detector: LeakDetector) -> Iterator[LocalStack]:
    """A stack that may be harmed: each test leaves it as it was."""
    with deployed(leak_detector, aws_port, NAME) as stack:
        yield stack


def proofs(result: Result) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(result.stdout)
    return found


def failures(*more: str) -> dict[str, dict[str, str]]:
    """Return what a run without the expiry could not prove, by its name. It leaves nothing behind."""
    result = run_ours(VERIFY, "--quick", *more)
    failed = {each["proof"]: each for each in proofs(result) if each["verdict"] == "failed"}
    assert result.exit_code == (1 if failed else 0), result.output
    assert all(each["next"] for each in failed.values()), failed
    assert_nothing_left()
    return failed


def assert_nothing_left() -> None:
    """No queue, subscription or running execution of a test is left."""
    subscriptions = boto3.client("sns").list_subscriptions()["Subscriptions"]
    assert [each["Endpoint"] for each in subscriptions if QUEUE_PREFIX in each["Endpoint"]] == []
    assert not boto3.client("sqs").list_queues(QueueNamePrefix=QUEUE_PREFIX).get("QueueUrls")
    machine = resources_of(NAME, "AWS::StepFunctions::StateMachine")["HumanApprovalLambdaStateMachine"]
    states = boto3.client("stepfunctions")
    assert states.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"] == []


@contextmanager
def noted_calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """Note which operations of AWS the command calls."""
    made: set[str] = set()
    session = boto3.Session

    def note(model: Any, **_named: Any) -> None:
        service = {"monitoring": "cloudwatch"}.get(model.service_model.signing_name, model.service_model.signing_name)
        made.add(f"{service}:{model.name}")

    def hooked(**named: Any) -> boto3.Session:
        created = session(**named)
        created.events.register("before-call", note)
        return created

    with monkeypatch.context() as patch:
        patch.setattr("cli.context.boto3.Session", hooked)
        yield made


@contextmanager
def role_policy(function: str, statement: dict[str, Any]) -> Iterator[None]:
    """Add a statement to the role of a function."""
    iam, role = boto3.client("iam"), resources_of(NAME, "AWS::IAM::Role")[f"{function}Role"]
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=role, PolicyName="planted", PolicyDocument=document)
    try:
        yield
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName="planted")


def test_an_interrupt_leaves_nothing_behind(verified: LocalStack) -> None:
    """The real command, as a program, interrupted once its requests are started."""
    called = [sys.executable, "-m", "cli", "--stack", NAME, "verify-deployment", "--quick"]
    environ = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(called, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout
        lines: list[str] = []
        for line in program.stdout:
            lines.append(line)
            if line.startswith("ok       start: "):
                program.send_signal(signal.SIGINT)
    assert program.returncode == 130, lines
    removed = re.search(r"^ok       clean-up: stopped or removed: (.*)$", "".join(lines), re.MULTILINE)
    assert removed, lines
    assert len(removed[1].split(", ")) == 4, "two executions, a subscription and a queue"
    assert_nothing_left()


@pytest.mark.last
def test_a_healthy_stack_proves_everything_and_nothing_is_left(
    verified: LocalStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    with noted_calls(monkeypatch) as made:
        result = run_ours(VERIFY)
    found = proofs(result)
    assert [each for each in found if each["verdict"] != "ok"] == []
    assert result.exit_code == 0
    assert [each["proof"] for each in found] == re.split(r",\s", PROOFS.strip())
    assert_nothing_left()
    page = (ROOT / "docs/operate.md").read_text().partition("## Verify a deployment")[2]
    asked = re.search(r"^```\n((?:[a-z]+:\w+\s)+)```$", page, re.MULTILINE)
    assert asked
    assert made == {*asked[1].split()}
    assert not [mail for mail in verified.seen.mails if TITLE in mail.subject and QUEUE_PREFIX not in mail.to]


def test_a_right_too_many_is_named(verified: LocalStack) -> None:
    topic = verified.outputs["ApprovalTopicArn"]
    with role_policy("CallbackFunction", {"Effect": "Allow", "Action": "sns:Publish", "Resource": topic}):
        [(name, found)] = failures().items()
    assert name == "permissions of callback"
    assert found["text"] == "CallbackFunction's role has sns:Publish, so it can send emails through the topic"
    assert "aws iam list-role-policies --role-name verified-" in found["next"]


def test_a_right_too_few_is_named_and_so_is_what_it_breaks(
    verified: LocalStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.verify.story.STEP_TIMEOUT", timedelta(seconds=20))
    with role_policy("DecisionFunction", {"Effect": "Deny", "Action": "states:SendTaskSuccess", "Resource": "*"}):
        found = failures()
    assert set(found) == {"permissions of decision", "workflow"}
    assert "lacks states:SendTaskSuccess" in found["permissions of decision"]["text"]


def test_a_broken_subscription_is_named(verified: LocalStack) -> None:
    sns = boto3.client("sns")
    listed = sns.list_subscriptions_by_topic(TopicArn=verified.outputs["ApprovalTopicArn"])["Subscriptions"]
    [arn] = [each["SubscriptionArn"] for each in listed if each["Endpoint"] == verified.email]
    [policy] = [sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]["FilterPolicy"]]
    sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="FilterPolicy", AttributeValue="{}")
    try:
        [(name, found)] = failures().items()
    finally:
        sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="FilterPolicy", AttributeValue=policy)
    assert name == "email filters"
    assert verified.email in found["text"]
    assert found["next"].endswith(f"--stack {NAME} approvers add {verified.email}")


def test_a_broken_secret_is_named(verified: LocalStack) -> None:
    """The bot token still works; the signing secret is gone."""
    secrets, arn = boto3.client("secretsmanager"), verified.outputs["SlackSecretArn"]
    before = secrets.get_secret_value(SecretId=arn)["SecretString"]
    secrets.put_secret_value(SecretId=arn, SecretString=json.dumps(json.loads(before) | {"signing_secret": ""}))
    try:
        [(name, found)] = failures().items()
    finally:
        secrets.put_secret_value(SecretId=arn, SecretString=before)
        seen(is_slack_well, "the stored secret in use again: a warm function reads it once a minute", 90)
    assert name == "slack signing secret"
    assert found["next"].endswith(f"--stack {NAME} slack connect")


def is_slack_well() -> bool:
    return not any(finding.level is Level.FAULT for finding in check_slack(Context(stack=NAME)))
