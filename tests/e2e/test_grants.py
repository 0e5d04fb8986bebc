"""A grant on the deployed stack: a state machine spends it on what was approved, once, and on nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from approvals.domain.forms import YES
from approvals.domain.spending import approval_of
from demo import aws
from demo.executions import Execution, Executions
from demo.person import Person, links
from demo.stack import LocalStack
from tests.support.caller_role import caller_role
from tests.support.examples import EXAMPLES
from tests.support.leaks import LeakDetector
from tests.support.stack_contents import log_lines
from web.form_inputs import SURE

ACTION = {"Drop": "orders_2019", "Rows": 12345678901234567, "Share": 0.1}
WHAT_IS_EXECUTED = '"Action": "{% $states.input.Action %}",\n          "Key"'


@pytest.fixture(scope="module")
def role(stack: LocalStack) -> str:
    """The rights that docs/grants.md names."""
    arn = caller_role(stack.outputs["StateMachineHumanApprovalArn"], "spender")
    may = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": stack.outputs["SpendFunctionArn"]}
    aws.session().client("iam").put_role_policy(
        RoleName="spender",
        PolicyName="spend",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [may]}),
    )
    return arn


def machine(stack: LocalStack, role: str, name: str, *, executed: str = "$states.input.Action") -> Executions:
    """Return the example, deployed with another action to execute than the one that was asked for."""
    text = (EXAMPLES / "spend.asl.json").read_text()
    for output in ("StateMachineHumanApprovalArn", "SpendFunctionArn"):
        text = text.replace(f"${{{output}}}", stack.outputs[output])
    assert WHAT_IS_EXECUTED in text
    text = text.replace(WHAT_IS_EXECUTED, WHAT_IS_EXECUTED.replace("$states.input.Action", executed))
    client = aws.session().client("stepfunctions", config=aws.CONFIG)
    return Executions(client.create_state_machine(name=name, roleArn=role, definition=text)["stateMachineArn"])


def approved(person: Person, executions: Executions, title: str, action: object = ACTION) -> tuple[Execution, str]:
    """Ask, approve by the link, and return the execution when it has ended, and the link."""
    arn = executions.start(None, json.dumps({"Title": title, "Action": action}))
    mail = person.wait(
        lambda state: next((each for each in state["inbox"] if title in each["text"]), None), f"no mail about {title}"
    )
    assert "orders_2019" in mail["text"]
    assert "once, within 30 minutes" in " ".join(mail["text"].replace("|", " ").split())
    link = links(mail)["approve"]
    assert person.confirm(person.open(link), "", **{SURE: YES}).status == 200

    def look(_state: object) -> Execution | None:
        found = executions.get(arn)
        return found if found.status != "RUNNING" else None

    return person.wait(look, f"{arn} did not end"), link


def invoke(stack: LocalStack, payload: object) -> dict[str, Any]:
    answer = (
        aws.session()
        .client("lambda", config=aws.CONFIG)
        .invoke(FunctionName=stack.outputs["SpendFunctionArn"], Payload=json.dumps(payload))
    )
    found: dict[str, Any] = json.loads(answer["Payload"].read())
    return found


def granted(stack: LocalStack, parent: Execution) -> dict[str, Any]:
    """Return the grant in the result of the approval that an execution asked for."""
    outputs = [each.output for each in stack.seen.executions if each.output]
    [found] = [
        output["Approval"]["Result"]["Grant"]
        for output in outputs
        if output.get("AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID") == parent.arn
    ]
    return dict(found)


def test_a_state_machine_executes_what_was_approved_once(
    stack: LocalStack, person: Person, role: str, leak_detector: LeakDetector
) -> None:
    execution, link = approved(person, machine(stack, role, "spends"), "Drop it, as asked")
    assert [state.name for state in execution.states][-2:] == ["Spend the grant", "Execute the action"]
    spent = execution.output["Spent"]
    assert (spent["Use"], spent["Uses"], spent["Repeated"]) == (1, 1, False)
    grant = granted(stack, execution)
    leak_detector.use(grant["Id"])
    assert approval_of(grant["Id"]) == spent["ApprovalId"]
    assert grant["ValidUntil"] == spent["ValidUntil"]
    page = person.open(link).text
    assert f"Grant spent by \u201c{execution.arn}\u201d" in page
    call = {"GrantId": grant["Id"], "Action": ACTION, "Key": "another", "SpentBy": "another caller"}
    assert invoke(stack, call)["errorType"] == "GrantSpent"
    same = {**call, "Key": f"{execution.arn}/Spend the grant"}
    assert invoke(stack, same) == {**spent, "Repeated": True}
    assert invoke(stack, {**same, "Action": {**ACTION, "Rows": 12345678901234568}})["errorType"] == "ActionChanged"
    for place in (page, "\n".join(log_lines("human-approval"))):
        assert grant["Id"] not in place
        assert grant["Id"].partition(".")[2] not in place


def test_a_state_machine_can_not_execute_anything_else(stack: LocalStack, person: Person, role: str) -> None:
    changed = machine(stack, role, "changes", executed="$merge([$states.input.Action, {'Rows': 5}])")
    execution, _ = approved(person, changed, "Drop it, but not as asked")
    assert (execution.states[-1].name, execution.error) == ("Not spent", "ActionChanged")
    assert "It differs at /Rows." in str(execution.cause)
    grant = granted(stack, execution)
    call = {"GrantId": grant["Id"], "Action": ACTION, "Key": "the right one", "SpentBy": "a caller"}
    assert invoke(stack, call)["Use"] == 1, "a refused spend uses nothing up"
