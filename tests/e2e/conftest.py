"""The real template, deployed by the real `sam deploy` onto the emulator: once for all tests that share a stack."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from demo import aws, deploy, emulator
from demo.person import Person
from demo.process import WORK
from demo.stack import LocalStack
from tests.conftest import Suite
from tests.e2e.tables import items, log_lines, task_tokens


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    ours = [item for item in items if here in item.path.parents]
    for item in ours:
        item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def aws_port(suite: Suite) -> Iterator[int]:
    port = free_port()
    before = dict(os.environ)
    aws.isolate(port)
    WORK.mkdir(exist_ok=True)
    try:
        with emulator.running(port):
            deploy.build()
            yield port
    finally:
        suite.written["emulator"] = (WORK / f"emulator-{port}.log").read_text(errors="replace")
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def deployed(suite: Suite, aws_port: int, name: str, **more: Any) -> Iterator[LocalStack]:
    """Deploy a stack. When it has served, hand over its secrets and all that it wrote."""
    stack = LocalStack(aws_port=aws_port, web_port=free_port(), name=name, **more)
    suite.written[f"deployment of {name}"] = (WORK / f"sam-deploy-{name}.log").read_text()
    try:
        yield stack
        hand_over(suite, stack, name)
    finally:
        stack.stop()


def hand_over(suite: Suite, stack: LocalStack, name: str) -> None:
    """Note the secrets of a stack, and all that anybody can read of it."""
    suite.use(*task_tokens(name))
    for item in items(stack.outputs["ApprovalTableName"]):
        if "link_key" in item:
            suite.use_key(bytes(item["link_key"]["B"]))
    suite.written |= {
        f"logs of {name}": "\n".join(log_lines(name)),
        f"mails of {name}": json.dumps([mail.text + mail.subject for mail in stack.seen.mails]),
        f"Slack's calls of {name}": json.dumps(stack.slack.calls()),
        f"executions of {name}": json.dumps([execution.output for execution in stack.seen.executions]),
    }


@pytest.fixture(scope="session")
def stack(aws_port: int, suite: Suite) -> Iterator[LocalStack]:
    """The stack as `make demo` has it: email and Slack, links that ask to confirm."""
    with deployed(suite, aws_port, "human-approval") as stack:
        yield stack


@pytest.fixture(scope="session", autouse=True)
def begun(request: pytest.FixtureRequest) -> None:
    """Begin what takes minutes before the first test, if any test of this run waits for it."""
    wanted = {name for item in request.session.items for name in getattr(item, "fixturenames", ())}
    for name in ("unanswered", "silent", "patient"):
        if name in wanted:
            request.getfixturevalue(name)


@pytest.fixture(scope="session")
def unanswered(stack: LocalStack) -> str:
    """An approval that nobody answers, asked at the start: its minute passes while the other tests run."""
    return Person(stack.url).start("unanswered", {"Approval": {"TimeoutMinutes": 1}})


@pytest.fixture(scope="session")
def silent(stack: LocalStack) -> str:
    """Another, whose silence counts as a rejection."""
    return Person(stack.url).start("silent-request", {"Approval": {"TimeoutMinutes": 1, "OnTimeout": "reject"}})


@pytest.fixture(scope="session")
def patient(stack: LocalStack) -> str:
    """An approval that reminds after a minute and asks somebody else after two."""
    asked = {
        "Approvers": ["alice@example.com"],
        "Reminders": [1],
        "EscalateTo": ["bob@example.com"],
        "EscalateAfterMinutes": 2,
        "TimeoutMinutes": 60,
    }
    return Person(stack.url).start("patient-request", {"Approval": asked})


@pytest.fixture(scope="session")
def email_only(aws_port: int, suite: Suite) -> Iterator[LocalStack]:
    """A second stack beside the first: Slack left unconfigured, links that decide with one click, events."""
    parameters = {"EmailLinkMode": "one-click", "EventBusName": "default"}
    with deployed(suite, aws_port, "email-only", slack=False, parameters=parameters) as stack:
        yield stack


@pytest.fixture(scope="session")
def quiet(aws_port: int, suite: Suite) -> Iterator[LocalStack]:
    """A stack with few requests, which EventBridge tells nothing of its executions."""
    with deployed(suite, aws_port, "quiet") as stack:
        events = aws.session().client("events")
        rules = [rule["Name"] for rule in events.list_rules()["Rules"] if "aws.states" in rule.get("EventPattern", "")]
        [ours] = [name for name in rules if name.startswith("quiet")]
        events.disable_rule(Name=ours)
        yield stack


@pytest.fixture
def person(stack: LocalStack) -> Person:
    stack.slack.fail_with = None
    return Person(stack.url)
