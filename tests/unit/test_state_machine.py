"""The state machine, held against the code on both of its sides."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from approvals.domain.errors import INVALID_REQUEST, POLICY_UNAVAILABLE
from approvals.domain.limits import MAX_TIMEOUT_MINUTES
from approvals.domain.model import Action, Approval
from approvals.domain.result import result
from approvals.requests.codec import KEY, RESULT_KEY
from approvals.requests.parse import Call, parse_call
from demo.process import ROOT
from tests.support.builders import BOB, TOKEN, WORKFLOW, decided, expired

ASL: dict[str, Any] = json.loads((ROOT / "statemachine" / "approval.asl.json").read_text())
STATES: dict[str, dict[str, Any]] = ASL["States"]
CALLBACK = STATES["Lambda Callback"]

CONTEXT = {
    "Task": {"Token": TOKEN},
    "Execution": {"Id": WORKFLOW.execution_arn, "Name": WORKFLOW.execution_name},
    "StateMachine": {"Id": "arn:aws:states:eu-west-1:123456789012:stateMachine:Deploy", "Name": "Deploy"},
    "State": {"Name": "Lambda Callback", "EnteredTime": "2026-11-23T09:00:00.000Z", "RetryCount": 0},
}
"""The part of Step Functions' context object that is of interest.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html
"""


def resolved(template: Any, execution_input: Any) -> Any:
    """Return a payload template filled in as Step Functions does."""
    if not isinstance(template, dict):
        return template
    return {
        key.removesuffix(".$"): (
            looked_up(value, execution_input) if key.endswith(".$") else resolved(value, execution_input)
        )
        for key, value in template.items()
    }


def looked_up(path: str, data: Any) -> Any:
    """Return what a reference path finds: `$$.a.b` in the context object, `$.a.b` in the data."""
    root, *names = path.split(".")
    found = CONTEXT if root == "$$" else data
    for name in names:
        found = found[name]
    return found


def caught(error: str) -> str:
    """Return the state that an error of the callback leads to."""
    for catcher in CALLBACK["Catch"]:
        if {error, "States.ALL"} & set(catcher["ErrorEquals"]):
            return str(catcher["Next"])
    raise AssertionError(f"{error} ends the execution uncaught")


def chosen(data: Any) -> list[str]:
    """Return the states whose rule in the choice holds."""
    return [
        rule["Next"]
        for rule in STATES["ManualApprovalChoiceState"]["Choices"]
        if looked_up(rule["Variable"], data) == rule["StringEquals"]
    ]


def test_it_has_the_tutorials_states_and_the_contracts_ends() -> None:
    assert {name: state["Type"] for name, state in STATES.items()} == {
        "Lambda Callback": "Task",
        "ManualApprovalChoiceState": "Choice",
        "ApprovedPassState": "Pass",
        "RejectedPassState": "Pass",
        "ApprovalExpired": "Fail",
        "ApprovalFailed": "Fail",
    }


def test_it_starts_by_asking_and_then_chooses() -> None:
    assert ASL["StartAt"] == "Lambda Callback"
    assert CALLBACK["Next"] == "ManualApprovalChoiceState"


def test_every_transition_leads_to_a_state() -> None:
    choices = STATES["ManualApprovalChoiceState"]["Choices"]
    targets = [ASL["StartAt"], CALLBACK["Next"], *(step["Next"] for step in (*CALLBACK["Catch"], *choices))]
    assert set(targets) == set(STATES), "a state is missing, or none leads to it"


def test_it_pauses_on_a_task_token_in_any_partition() -> None:
    assert CALLBACK["Resource"] == "arn:${Partition}:states:::lambda:invoke.waitForTaskToken"
    assert CALLBACK["Parameters"]["FunctionName"] == "${RequestFunctionArn}"


@pytest.mark.parametrize("execution_input", [{}, {"Comment": "Insert your JSON here"}, ["no", "object"], "text", None])
def test_the_payload_is_what_the_request_function_reads(execution_input: Any) -> None:
    payload = resolved(CALLBACK["Parameters"]["Payload"], execution_input)
    assert parse_call(payload) == Call(task_token=TOKEN, workflow=WORKFLOW, input=execution_input)


def test_the_payload_names_each_field_of_the_context() -> None:
    """The whole context, `$$`, would bring along more than is needed, and is null on an emulator."""
    assert '"$$"' not in json.dumps(CALLBACK["Parameters"])


def test_the_backstop_is_later_than_any_deadline() -> None:
    """By at least half an hour: the request is stored some time after the state began, the expiry some time later."""
    longest = timedelta(minutes=MAX_TIMEOUT_MINUTES)
    assert timedelta(seconds=CALLBACK["TimeoutSeconds"]) >= longest + timedelta(minutes=30)


def test_the_backstop_lies_within_an_executions_life() -> None:
    """Source: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html."""
    assert timedelta(seconds=CALLBACK["TimeoutSeconds"]) <= timedelta(days=365)


def test_nothing_but_the_deadline_ends_the_wait() -> None:
    """A heartbeat, or a timeout of the whole execution, would end approvals before their time."""
    assert not [key for key in CALLBACK if key.startswith("Heartbeat")]
    assert "TimeoutSeconds" not in ASL
    assert "TimeoutSecondsPath" not in CALLBACK


@pytest.mark.parametrize(
    ("error", "state"),
    [
        ("ApprovalExpired", "ApprovalExpired"),
        ("States.Timeout", "ApprovalExpired"),
        (INVALID_REQUEST, "ApprovalFailed"),
        ("NotificationFailed", "ApprovalFailed"),
        ("States.HeartbeatTimeout", "ApprovalFailed"),
        ("Lambda.Unknown", "ApprovalFailed"),
        ("KeyError", "ApprovalFailed"),
    ],
)
def test_every_error_ends_in_the_state_that_says_it(error: str, state: str) -> None:
    assert caught(error) == state


def test_the_error_of_the_rules_is_the_one_that_is_caught() -> None:
    decision = expired().decision
    assert decision is not None
    assert decision.error is not None
    assert caught(decision.error) == "ApprovalExpired"


def test_an_expired_approval_fails_under_its_own_name() -> None:
    assert STATES["ApprovalExpired"]["Error"] == "ApprovalExpired"
    assert "not approved" in STATES["ApprovalExpired"]["Cause"]


def test_a_failed_request_passes_its_error_and_cause_on() -> None:
    """The catcher hands the error over as the state's whole input."""
    failed = STATES["ApprovalFailed"]
    assert (failed["ErrorPath"], failed["CausePath"]) == ("$.Error", "$.Cause")
    assert not [catcher for catcher in CALLBACK["Catch"] if "ResultPath" in catcher]


@pytest.mark.parametrize(
    ("approval", "state"),
    [
        (decided(Action.APPROVE), "ApprovedPassState"),
        (decided(Action.REJECT, BOB, comment="no"), "RejectedPassState"),
    ],
)
def test_a_result_leads_to_its_state_and_is_added_to_the_input(approval: Approval, state: str) -> None:
    assert CALLBACK["ResultPath"] == f"$.{KEY}.{RESULT_KEY}"
    assert "OutputPath" not in CALLBACK
    data = {"Version": "2.4.1", KEY: {"Title": "Deploy", RESULT_KEY: result(approval)}}
    assert chosen(data) == [state]


def test_a_rejection_is_an_end_and_not_a_failure() -> None:
    for name in ("ApprovedPassState", "RejectedPassState"):
        assert STATES[name] == {"Type": "Pass", "End": True}, "the input flows on untouched"


def test_a_result_that_says_neither_is_never_taken_for_an_approval() -> None:
    assert chosen({KEY: {RESULT_KEY: {"Decision": "EXPIRED"}}}) == []
    assert STATES["ManualApprovalChoiceState"].get("Default") not in {"ApprovedPassState", "RejectedPassState"}


def test_only_what_failed_before_the_function_ran_is_retried() -> None:
    """A retry has a new task token: retrying the function's own errors would ask the approver twice.

    Where the policy can't be read, nobody was asked.
    """
    retried = [error for retry in CALLBACK["Retry"] for error in retry["ErrorEquals"]]
    assert POLICY_UNAVAILABLE in retried
    assert all(error.startswith("Lambda.") for error in retried if error != POLICY_UNAVAILABLE)
    assert "Lambda.Unknown" not in retried
