"""The README's example of a state machine that asks for an approval, run as it stands there."""

from __future__ import annotations

import json
import re

import pytest

from demo import aws
from demo.executions import Execution, Executions
from demo.person import Person, links
from demo.process import ROOT
from demo.stack import LocalStack
from tests.support.caller_role import caller_role


@pytest.fixture(scope="module")
def caller(stack: LocalStack) -> Executions:
    [example] = re.findall(r"```json\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    machine = aws.session().client("stepfunctions")
    arn = stack.outputs["StateMachineHumanApprovalArn"]
    definition = example.replace("${StateMachineHumanApprovalArn}", arn)
    created = machine.create_state_machine(name="caller", roleArn=caller_role(arn), definition=definition)
    return Executions(created["stateMachineArn"])


@pytest.mark.parametrize(("action", "last"), [("approve", "Deploy"), ("reject", "Not approved")])
def test_a_nested_execution_asks_and_gets_the_answer(
    caller: Executions, person: Person, action: str, last: str
) -> None:
    arn = caller.start(f"parent-{action}", json.dumps({"Author": "jo@example.com", "Version": f"2.4.1-{action}"}))
    mail = person.wait(lambda state: next((mail for mail in state["inbox"] if f"2.4.1-{action}" in mail["text"]), None))
    assert mail["subject"].startswith("Approve? Deploy web 2.4.1 to production [")
    assert mail["text"].startswith("jo@example.com requests your approval by ")
    assert re.search(
        rf"^\| +Started by \(from the input\): +caller, execution parent-{action}$", mail["text"], re.MULTILINE
    )
    person.confirm(person.open(links(mail)[action]))
    ended = person.wait(lambda _state: _ended(caller.get(arn)))
    assert ended.states[-1].name == last
    if action == "approve":
        assert ended.output["Approval"] == {"Decision": "APPROVED", "DecidedBy": "approver@example.com"}


def _ended(execution: Execution) -> Execution | None:
    return execution if execution.status != "RUNNING" else None
