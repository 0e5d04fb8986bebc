"""An execution that is stopped takes its approval with it, whether its event arrives or is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from demo import aws
from demo.stack import LocalStack
from demo.story import DEPLOYMENT, Person, heading, links


@pytest.fixture
def events_lost(stack: LocalStack) -> Iterator[None]:
    """EventBridge delivers no status event of the stack's executions."""
    events = aws.session().client("events")
    rules = [rule["Name"] for rule in events.list_rules()["Rules"] if "aws.states" in rule.get("EventPattern", "")]
    ours = [name for name in rules if name.startswith("human-approval")]
    assert len(ours) == 1
    events.disable_rule(Name=ours[0])
    yield
    events.enable_rule(Name=ours[0])


def stop(person: Person, name: str) -> dict[str, str]:
    """Starts an execution, stops it once it waits, and returns its links."""
    person.start(name, DEPLOYMENT)
    person.message(name)
    found = links(person.mail(name))
    aws.session().client("stepfunctions").stop_execution(executionArn=person.execution(name)["arn"])
    return found


def check_cancelled(person: Person, name: str, found: dict[str, str]) -> None:
    """Within 90 s the message has lost its buttons and every link says cancelled."""
    stopped = time.monotonic()
    while True:
        pages = [person.open(link) for link in found.values()]
        message = person.message(name)
        if {page.status for page in pages} == {410} and message["text"].startswith("Cancelled"):
            break
        assert time.monotonic() < stopped + 90
        time.sleep(0.5)
    assert {heading(page) for page in pages} == {"Cancelled"}
    assert all("The execution was stopped before anybody answered." in page.text for page in pages)
    assert "actions" not in {block["type"] for block in message["blocks"]}
    assert person.mail(name, outcome=True)["text"].startswith("Cancelled")
    assert person.execution(name)["status"] == "ABORTED", "nothing revives what was stopped"


def test_a_stopped_execution_cancels_its_approval(person: Person) -> None:
    check_cancelled(person, "stopped", stop(person, "stopped"))


@pytest.mark.usefixtures("events_lost")
def test_a_stopped_execution_cancels_its_approval_with_its_event_lost(person: Person) -> None:
    check_cancelled(person, "stopped-unseen", stop(person, "stopped-unseen"))
