"""docs/workflows.md on the deployed stack: how an expired request is asked again, and how a version is started."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from demo import aws
from demo.executions import Execution, Executions
from demo.person import Person, heading, links
from demo.process import ROOT
from demo.stack import LocalStack
from demo.story import DEPLOYMENT
from tests.support.caller_role import caller_role
from tests.support.lifecycle import expire
from tests.support.stopped_executions import Stopped, check_cancelled

PAGE = (ROOT / "docs/workflows.md").read_text()
STACK = "human-approval"


def ended(person: Person, executions: Executions, arn: str) -> Execution:
    return person.wait(lambda _state: found if (found := executions.get(arn)).status != "RUNNING" else None)


def test_an_expired_request_is_asked_again_by_a_new_execution_with_its_input(stack: LocalStack, person: Person) -> None:
    assert "start-execution" in PAGE
    assert "describe-execution --execution-arn" in PAGE
    name = person.start("expires", DEPLOYMENT)
    first = links(person.mail(name))
    arn = person.execution(name)["arn"]
    expire(stack, STACK, arn)
    assert ended(person, stack.executions, arn).error == "ApprovalExpired"
    states = aws.session().client("stepfunctions")
    again = states.start_execution(
        stateMachineArn=stack.outputs["StateMachineHumanApprovalArn"],
        name="expires-again",
        input=states.describe_execution(executionArn=arn)["input"],
    )
    second = links(person.mail("expires-again"))
    assert not set(first.values()) & set(second.values())
    page = person.open(first["approve"])
    assert (page.status, heading(page)) == (410, "Expired")
    person.confirm(person.open(second["approve"]))
    found = ended(person, stack.executions, again["executionArn"])
    assert found.output["Approval"]["Result"]["Decision"] == "APPROVED"


@pytest.fixture
def asks_again(stack: LocalStack) -> Executions:
    """The page's state machine, as it stands there but for one expression.

    AWS gives the nested execution's description as JSON text in the cause; the emulator gives its error as it is.
    """
    examples = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    [example] = [each for each in examples if "States.StringToJson($.Failure.Cause)" in each]
    example = example.replace("States.StringToJson($.Failure.Cause)", "$.Failure")
    arn = stack.outputs["StateMachineHumanApprovalArn"]
    created = (
        aws.session()
        .client("stepfunctions")
        .create_state_machine(
            name="asks-again",
            roleArn=caller_role(arn, "asks-again"),
            definition=example.replace("${StateMachineHumanApprovalArn}", arn),
        )
    )
    return Executions(created["stateMachineArn"])


def test_a_state_machine_asks_again_when_a_request_expired(
    stack: LocalStack, person: Person, asks_again: Executions
) -> None:
    parent = asks_again.start("asks-again", json.dumps({"Title": "Ask until somebody responds"}))
    rounds = mails_about(person, "Ask until somebody responds")
    asked = next(rounds)
    [nested] = [each for each in stack.seen.executions if each.status == "RUNNING" and each.name in asked["text"]]
    expire(stack, STACK, nested.arn)
    person.confirm(person.open(links(next(rounds))["approve"]))
    assert [state.name for state in ended(person, asks_again, parent).states] == [
        *("Ask", "Read the error", "Expired?", "Ask", "Approved?", "Deploy"),
    ]


def mails_about(person: Person, title: str) -> Iterator[dict[str, Any]]:
    """Yield the mails that ask under a title, each once it has come."""
    known: set[str] = set()
    while True:
        mail = person.wait(
            lambda state: next(
                (
                    each
                    for each in state["inbox"]
                    if title in each["text"] and "APPROVE" in each["text"] and each["id"] not in known
                ),
                None,
            ),
            f"no further mail about {title}",
        )
        known.add(mail["id"])
        yield mail


def test_an_execution_that_was_started_by_a_version_is_decided_and_cancelled_like_any(
    stack: LocalStack, person: Person
) -> None:
    states = aws.session().client("stepfunctions")
    machine = stack.outputs["StateMachineHumanApprovalArn"]
    version = states.publish_state_machine_version(stateMachineArn=machine)["stateMachineVersionArn"]
    for name in ("by-version", "by-version-stopped"):
        states.start_execution(stateMachineArn=version, name=name, input=json.dumps(DEPLOYMENT))
    person.confirm(person.open(links(person.mail("by-version"))["approve"]))
    assert person.ended("by-version")["output"]["Approval"]["Result"]["Decision"] == "APPROVED"
    person.message("by-version-stopped")
    found = links(person.mail("by-version-stopped"))
    states.stop_execution(executionArn=person.execution("by-version-stopped")["arn"])
    check_cancelled(Stopped(person, "by-version-stopped", found, time.monotonic()))
