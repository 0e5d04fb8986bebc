"""The real template, deployed by the real `sam deploy` onto the emulator: once for all tests that share a stack."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo import aws, deploy, emulator
from demo.person import Person
from demo.process import WORK
from demo.stack import LocalStack
from tests.support.deployments import deployed, free_port
from tests.support.leaks import LeakDetector


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    ours = [item for item in items if here in item.path.parents]
    for item in ours:
        item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def aws_port(leak_detector: LeakDetector) -> Iterator[int]:
    port = free_port()
    before = dict(os.environ)
    aws.isolate(port)
    WORK.mkdir(exist_ok=True)
    try:
        with emulator.running(port):
            deploy.build()
            yield port
    finally:
        leak_detector.written["emulator"] = (WORK / f"emulator-{port}.log").read_text(errors="replace")
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture(scope="session")
def stack(aws_port: int, leak_detector: LeakDetector) -> Iterator[LocalStack]:
    """The stack as `make demo` has it: email and Slack, links that ask to confirm."""
    with deployed(leak_detector, aws_port, "human-approval") as stack:
        yield stack


@pytest.fixture(scope="session", autouse=True)
def early_requests(request: pytest.FixtureRequest) -> None:
    """Begin what takes minutes before the first test, if any test of this run waits for it."""
    wanted = {name for item in request.session.items for name in getattr(item, "fixturenames", ())}
    for name in ("unanswered", "rejecting", "escalating"):
        if name in wanted:
            request.getfixturevalue(name)


@pytest.fixture(scope="session")
def unanswered(stack: LocalStack) -> str:
    """An approval without a response, requested at the start: its minute passes while other tests run."""
    return Person(stack.url).start("unanswered", {"Approval": {"TimeoutMinutes": 1}})


@pytest.fixture(scope="session")
def rejecting(stack: LocalStack) -> str:
    """An approval that is rejected if nobody responds."""
    return Person(stack.url).start("silent-request", {"Approval": {"TimeoutMinutes": 1, "OnTimeout": "reject"}})


@pytest.fixture(scope="session")
def escalating(stack: LocalStack) -> str:
    """An approval that reminds after a minute and escalates after two."""
    asked = {
        "Approvers": ["alice@example.com"],
        "Reminders": [1],
        "EscalateTo": ["bob@example.com"],
        "EscalateAfterMinutes": 2,
        "TimeoutMinutes": 60,
    }
    return Person(stack.url).start("patient-request", {"Approval": asked})


@pytest.fixture(scope="session")
def email_only(aws_port: int, leak_detector: LeakDetector) -> Iterator[LocalStack]:
    """A second stack beside the first: Slack left unconfigured, links that decide with one click, every option."""
    boundary = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    policy = aws.session().client("iam").create_policy(PolicyName="boundary", PolicyDocument=json.dumps(boundary))
    parameters = {
        "EmailLinkMode": "one-click",
        "EventBusName": "default",
        "Monitoring": "Full",
        "LogRetentionDays": "30",
        "PermissionsBoundaryArn": policy["Policy"]["Arn"],
        "KmsKeyArn": aws.session().client("kms").create_key()["KeyMetadata"]["Arn"],
    }
    with deployed(leak_detector, aws_port, "email-only", slack=False, parameters=parameters) as stack:
        yield stack


@pytest.fixture(scope="session")
def quiet(aws_port: int, leak_detector: LeakDetector) -> Iterator[LocalStack]:
    """A stack with few requests, to which EventBridge sends no events of its executions."""
    with deployed(leak_detector, aws_port, "quiet") as stack:
        events = aws.session().client("events")
        rules = [rule["Name"] for rule in events.list_rules()["Rules"] if "aws.states" in rule.get("EventPattern", "")]
        [ours] = [name for name in rules if name.startswith("quiet")]
        events.disable_rule(Name=ours)
        yield stack


@pytest.fixture
def person(stack: LocalStack) -> Person:
    stack.slack.fail_with = None
    return Person(stack.url)
