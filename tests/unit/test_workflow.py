"""Resuming the paused execution."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

from approvals.adapters.step_functions import MAX_CAUSE, EndedExecution, TaskGoneError, Workflows, console_url
from approvals.domain.errors import DeliveryError
from approvals.domain.model import Action, Approval
from approvals.domain.result import output, result
from tests.support.builders import BOB, NOW, TOKEN, an_approval, cancelled, decided, expired

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

GONE = ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"]
PASSING = ["ThrottlingException", "KmsThrottlingException", "InvalidOutput", "AccessDeniedException", "500"]


@pytest.fixture
def client() -> SFNClient:
    return boto3.client(
        "stepfunctions", region_name="eu-west-1", aws_access_key_id="testing", aws_secret_access_key="testing"
    )


@pytest.fixture
def stub(client: SFNClient) -> Iterator[Stubber]:
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.mark.parametrize(
    "approval", [decided(Action.APPROVE), decided(Action.REJECT, BOB, comment="no")], ids=["approved", "rejected"]
)
def test_a_persons_decision_is_a_success_with_the_result(client: SFNClient, stub: Stubber, approval: Approval) -> None:
    """A rejection is a result, not a failure."""
    sent = {"taskToken": TOKEN, "output": output(approval)}
    stub.add_response("send_task_success", {}, sent)
    Workflows(client).resume(approval, TOKEN)


@pytest.mark.parametrize(
    ("approval", "error", "cause"),
    [
        (expired(), "ApprovalExpired", "Nobody responded before the deadline, so the workflow was not approved."),
        (cancelled("The execution was aborted."), "ApprovalCancelled", "The execution was aborted."),
    ],
)
def test_an_outcome_that_nobody_decided_is_a_failure_and_never_a_success(
    client: SFNClient, stub: Stubber, approval: Approval, error: str, cause: str
) -> None:
    cause = f"{cause} (approval {approval.id})"
    stub.add_response("send_task_failure", {}, {"taskToken": TOKEN, "error": error, "cause": cause})
    Workflows(client).resume(approval, TOKEN)


def test_a_pending_approval_resumes_nothing(client: SFNClient, stub: Stubber) -> None:
    del stub  # any call would fail: no answer is prepared
    with pytest.raises(ValueError, match="is not decided"):
        Workflows(client).resume(an_approval(), TOKEN)


def test_a_cause_is_cut_to_what_step_functions_takes(client: SFNClient, stub: Stubber) -> None:
    sent = {"taskToken": TOKEN, "error": "InvalidApprovalRequest", "cause": "x" * MAX_CAUSE}
    stub.add_response("send_task_failure", {}, sent)
    Workflows(client).fail(TOKEN, "InvalidApprovalRequest", "x" * (MAX_CAUSE + 1))


@pytest.mark.parametrize("code", GONE)
@pytest.mark.parametrize(("approval", "method"), [(decided(), "send_task_success"), (expired(), "send_task_failure")])
def test_a_task_that_waits_no_more_is_told_apart(
    client: SFNClient, stub: Stubber, approval: Approval, method: str, code: str
) -> None:
    stub.add_client_error(method, service_error_code=code)
    with pytest.raises(TaskGoneError, match=f"^{code}$"):
        Workflows(client).resume(approval, TOKEN)


@pytest.mark.parametrize("code", PASSING)
@pytest.mark.parametrize(("approval", "method"), [(decided(), "send_task_success"), (expired(), "send_task_failure")])
def test_any_other_answer_is_a_failed_delivery_to_be_tried_again(
    client: SFNClient, stub: Stubber, approval: Approval, method: str, code: str
) -> None:
    stub.add_client_error(method, service_error_code=code)
    with pytest.raises(DeliveryError, match=f"^Step Functions answered {code}$"):
        Workflows(client).resume(approval, TOKEN)


@pytest.mark.parametrize("approval", [decided(), expired()], ids=["success", "failure"])
def test_an_unreachable_step_functions_is_a_failed_delivery(client: SFNClient, approval: Approval) -> None:
    def unreachable(**_: object) -> None:
        raise EndpointConnectionError(endpoint_url="https://states.example")

    client.meta.events.register("before-call.stepfunctions", unreachable)
    with pytest.raises(DeliveryError, match=r"^Step Functions can't be reached: EndpointConnectionError$"):
        Workflows(client).resume(approval, TOKEN)


@pytest.mark.parametrize("code", ["InvalidToken", "ThrottlingException"])
@pytest.mark.parametrize(("approval", "method"), [(decided(), "send_task_success"), (expired(), "send_task_failure")])
def test_a_logged_traceback_does_not_repeat_the_token_that_aws_repeats(
    client: SFNClient, stub: Stubber, approval: Approval, method: str, code: str
) -> None:
    stub.add_client_error(method, service_error_code=code, service_message=f"Invalid Token: '{TOKEN}'")
    with pytest.raises((TaskGoneError, DeliveryError)) as caught:
        Workflows(client).resume(approval, TOKEN)
    assert TOKEN not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("partition", "region", "console"),
    [
        ("aws", "eu-west-1", "https://console.aws.amazon.com/states/home?region=eu-west-1"),
        ("aws-cn", "cn-north-1", "https://console.amazonaws.cn/states/home?region=cn-north-1"),
        ("aws-us-gov", "us-gov-west-1", "https://console.amazonaws-us-gov.com/states/home?region=us-gov-west-1"),
    ],
)
def test_the_console_is_that_of_the_executions_partition_and_region(partition: str, region: str, console: str) -> None:
    arn = f"arn:{partition}:states:{region}:123456789012:execution:Deploy:run-1"
    assert console_url(arn) == f"{console}#/v2/executions/details/{arn}"


@pytest.mark.parametrize("partition", ["aws-eusc", "aws-iso", "aws-iso-b"])
def test_no_other_partition_is_sent_to_the_commercial_console(partition: str) -> None:
    arn = f"arn:{partition}:states:xx-east-1:123456789012:execution:Deploy:run-1"
    assert "//console.aws.amazon.com/" not in console_url(arn)


def an_event(number: int, kind: str, **details: Any) -> dict[str, Any]:
    return {"timestamp": NOW, "type": kind, "id": number, **details}


def succeeded(output: str) -> dict[str, Any]:
    details = {"resourceType": "lambda", "resource": "invoke.waitForTaskToken", "output": output}
    return an_event(5, "TaskSucceeded", taskSucceededEventDetails=details)


def failed(cause: str) -> dict[str, Any]:
    details = {"resourceType": "lambda", "resource": "invoke.waitForTaskToken", "error": "E", "cause": cause}
    return an_event(5, "TaskFailed", taskFailedEventDetails=details)


OUTPUT = json.dumps(result(decided()))
ANOTHERS = json.dumps(result(decided()) | {"ApprovalId": "b" * 32})


@pytest.mark.parametrize(
    ("approval", "events", "ours"),
    [
        (decided(), [an_event(6, "PassStateEntered"), succeeded(OUTPUT)], True),
        (decided(), [succeeded(ANOTHERS)], False),
        (decided(), [succeeded("no JSON"), succeeded("[]"), failed("Aborted")], False),
        (decided(), [an_event(6, "ExecutionAborted")], False),
        (decided(), [], False),
        (expired(), [failed(f"Nobody answered. (approval {expired().id})")], True),
        (expired(), [failed("Nobody answered.")], False),
    ],
)
def test_the_history_says_whether_a_decision_closed_the_task(
    client: SFNClient, stub: Stubber, approval: Approval, events: list[dict[str, Any]], ours: bool
) -> None:
    """Also where the answer to the call that did it was lost."""
    first = {"events": [an_event(9, "ExecutionSucceeded")], "nextToken": "more"}
    stub.add_response("get_execution_history", first)
    stub.add_response("get_execution_history", {"events": events})
    assert Workflows(client).reached(approval) is ours


def test_a_history_that_is_gone_says_nothing(client: SFNClient, stub: Stubber) -> None:
    stub.add_client_error("get_execution_history", "ExecutionDoesNotExist")
    assert Workflows(client).reached(decided()) is False


def test_a_history_that_cannot_be_read_is_tried_again(client: SFNClient, stub: Stubber) -> None:
    stub.add_client_error("get_execution_history", "ThrottlingException", TOKEN)
    with pytest.raises(DeliveryError) as caught:
        Workflows(client).reached(decided())
    assert TOKEN not in "".join(traceback.format_exception(caught.value))


def test_executions_that_ended_since_are_found(client: SFNClient, stub: Stubber) -> None:
    def execution(name: str, minutes: int) -> dict[str, Any]:
        moment = NOW + timedelta(minutes=minutes)
        arn = f"arn:aws:states:eu-west-1:123456789012:execution:Deploy:{name}"
        common = {"stateMachineArn": "arn:aws:states:eu-west-1:123456789012:stateMachine:Deploy", "startDate": NOW}
        return {"executionArn": arn, "name": name, "status": "ABORTED", "stopDate": moment, **common}

    for executions in ([execution("new", 0), execution("old", -1)], [], [execution("newer", 1)]):
        stub.add_response("list_executions", {"executions": executions})
    machine = "arn:aws:states:eu-west-1:123456789012:stateMachine:Deploy"
    found = [
        (each.arn.rsplit(":", 1)[-1], each.status, each.stopped_at) for each in Workflows(client).ended(machine, NOW)
    ]
    assert found == [("new", "ABORTED", NOW), ("newer", "TIMED_OUT", NOW + timedelta(minutes=1))]


@pytest.mark.parametrize(("status", "ended"), [("RUNNING", False), ("ABORTED", True), ("PENDING_REDRIVE", False)])
def test_whether_an_execution_has_ended_is_asked(client: SFNClient, stub: Stubber, status: str, ended: bool) -> None:
    arn = "arn:aws:states:eu-west-1:123456789012:execution:Deploy:run-1"
    machine = "arn:aws:states:eu-west-1:123456789012:stateMachine:Deploy"
    described = {"executionArn": arn, "stateMachineArn": machine, "status": status, "startDate": NOW}
    stub.add_response("describe_execution", described, {"executionArn": arn})
    assert Workflows(client).has_ended(arn) is ended


def stopped(status: str = "ABORTED", **said: str) -> EndedExecution:
    return EndedExecution("arn:aws:states:eu-west-1:123456789012:execution:Deploy:run-1", status, NOW, **said)


@pytest.mark.parametrize(("status", "is_told"), [("ABORTED", True), ("RUNNING", False), ("PENDING_REDRIVE", False)])
def test_error_and_cause_of_an_execution_are_asked_of_the_run_that_ended(
    client: SFNClient, stub: Stubber, status: str, is_told: bool
) -> None:
    said = {"error": "ApprovalCancelled", "cause": "Wrong release."}
    machine = "arn:aws:states:eu-west-1:123456789012:stateMachine:Deploy"
    described = {"executionArn": stopped().arn, "stateMachineArn": machine, "status": status, "startDate": NOW, **said}
    stub.add_response("describe_execution", described, {"executionArn": stopped().arn})
    assert Workflows(client).with_cause(stopped()) == (stopped(**said) if is_told else stopped())


@pytest.mark.parametrize("code", ["ThrottlingException", "KmsAccessDeniedException", "ExecutionDoesNotExist"])
def test_a_cause_that_can_not_be_read_keeps_no_cancellation_back(client: SFNClient, stub: Stubber, code: str) -> None:
    stub.add_client_error("describe_execution", code)
    assert Workflows(client).with_cause(stopped()) == stopped()
