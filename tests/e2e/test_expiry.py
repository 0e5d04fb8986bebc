"""Silence: the clock ends what nobody answers."""

from __future__ import annotations

import time

import pytest

from demo.person import Person, heading, links
from demo.stack import LocalStack


@pytest.mark.last
def test_without_an_answer_the_execution_ends_in_approval_expired(
    stack: LocalStack, person: Person, unanswered: str
) -> None:
    """Within 90 seconds of the deadline; and every surface says so."""
    machine = stack.outputs["StateMachineHumanApprovalArn"]
    arn = f"{machine.replace(':stateMachine:', ':execution:')}:{unanswered}"
    deadline = time.monotonic() + 160
    while (ended := stack.executions.get(arn)).status == "RUNNING":
        assert time.monotonic() < deadline, "not expired 90 s after its deadline"
        time.sleep(0.5)
    assert (ended.status, ended.error) == ("FAILED", "ApprovalExpired")
    assert ended.states[-1].name == "ApprovalExpired"
    assert person.message(unanswered, edited=True)["text"].startswith("Expired")
    assert person.mail(unanswered, outcome=True)["text"].startswith("Expired")
    for link in links(person.mail(unanswered)).values():
        page = person.open(link)
        assert (page.status, heading(page)) == (410, "Expired")
