"""The real template, deployed by the real `sam deploy` onto the emulator: once for all tests of this folder."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo import aws, deploy, emulator
from demo.process import WORK
from demo.stack import LocalStack
from demo.story import Person


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
def aws_port() -> Iterator[int]:
    port = free_port()
    before = dict(os.environ)
    aws.isolate(port)
    WORK.mkdir(exist_ok=True)
    server = emulator.start(port)
    try:
        deploy.build()
        yield port
    finally:
        server.stop()
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture(scope="session")
def stack(aws_port: int) -> Iterator[LocalStack]:
    """The stack as `make demo` has it: email and Slack, links that ask to confirm."""
    deployed = LocalStack(aws_port=aws_port, web_port=free_port())
    try:
        yield deployed
    finally:
        deployed.stop()


@pytest.fixture(scope="session", autouse=True)
def unanswered(stack: LocalStack) -> str:
    """An approval that nobody answers, asked at the start: its minute passes while the other tests run."""
    return Person(stack.url).start("unanswered", {"Approval": {"TimeoutMinutes": 1}})


@pytest.fixture(scope="session", autouse=True)
def silent(stack: LocalStack) -> str:
    """Another, whose silence counts as a rejection."""
    return Person(stack.url).start("silent-request", {"Approval": {"TimeoutMinutes": 1, "OnTimeout": "reject"}})


@pytest.fixture(scope="session", autouse=True)
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
def email_only(aws_port: int) -> Iterator[LocalStack]:
    """A second stack beside the first: Slack left unconfigured, links that decide with one click, events."""
    parameters = {"EmailLinkMode": "one-click", "EventBusName": "default"}
    deployed = LocalStack(
        aws_port=aws_port, web_port=free_port(), name="email-only", slack=False, parameters=parameters
    )
    yield deployed
    deployed.stop()


@pytest.fixture
def person(stack: LocalStack) -> Person:
    stack.slack.fail_with = None
    return Person(stack.url)
