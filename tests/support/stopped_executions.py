"""Executions that are stopped while their requests wait."""

from __future__ import annotations

import time
from dataclasses import dataclass

from demo import aws
from demo.person import Person, heading, links
from demo.stack import LocalStack
from demo.story import DEPLOYMENT


@dataclass(frozen=True, slots=True)
class Stopped:
    """A request whose execution was stopped while it waited."""

    person: Person
    name: str
    links: dict[str, str]
    at: float


def stop(stack: LocalStack, name: str) -> Stopped:
    """Start an execution, and stop it once it waits."""
    person = Person(stack.url)
    person.start(name, DEPLOYMENT)
    person.message(name)
    found = links(person.mail(name))
    aws.session().client("stepfunctions").stop_execution(executionArn=person.execution(name)["arn"])
    return Stopped(person, name, found, time.monotonic())


def check_cancelled(stopped: Stopped) -> None:
    """Check that within 90 s the message has lost its buttons and every link says cancelled."""
    person, name = stopped.person, stopped.name
    while True:
        pages = [person.open(link) for link in stopped.links.values()]
        message = person.message(name)
        if {page.status for page in pages} == {410} and message["text"].startswith("Cancelled"):
            break
        assert time.monotonic() < stopped.at + 90
        time.sleep(0.5)
    assert {heading(page) for page in pages} == {"Cancelled"}
    assert all("The execution was stopped before a decision." in page.text for page in pages)
    assert "actions" not in {block["type"] for block in message["blocks"]}
    assert person.mail(name, outcome=True)["text"].startswith("Cancelled")
    assert person.execution(name)["status"] == "ABORTED", "nothing revives what was stopped"
