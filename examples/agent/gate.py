"""A gate in front of an AI agent's tools: a call is made only after a person approved exactly its arguments.

    gate = Gate(STATE_MACHINE_ARN, SPEND_FUNCTION_ARN, approvers=["ann@example.com"])

    @gate
    def drop_table(table: str) -> str: ...

    drop_table("orders_2019", why="The user asked to free space.")

The call waits for the decision. `approvals.grants` then spends the approval, which works once and for these arguments
alone. No response, a rejection and every error mean no.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import boto3

from approvals import grants


class NotApproved(Exception):
    """The call was not made. The text says why: return it to the agent."""


class Gate:
    """Requests approval for calls. Without `approvers`, anyone who reads the stack's email or channel can respond."""

    def __init__(
        self,
        state_machine_arn: str,
        spend_function_arn: str,
        *,
        approvers: Sequence[str] = (),
        minutes: int = 15,
        interval: float = 2,
    ) -> None:
        self._stepfunctions = boto3.client("stepfunctions")
        self._state_machine_arn = state_machine_arn
        self._guarded = grants.guarded(function=spend_function_arn)
        self._approvers = list(approvers)
        self._minutes = minutes
        self._interval = interval

    def __call__(self, tool: Callable[..., Any]) -> Callable[..., Any]:
        """Return the tool behind the gate. `why` is what the agent says; the approver decides by the action."""
        guarded = self._guarded(tool)

        @wraps(tool)
        def call(*arguments: Any, why: str = "", **named: Any) -> Any:
            grant_id = self._ask(tool.__name__, grants.action_of(guarded, *arguments, **named), why)
            try:
                return guarded(*arguments, grant_id=grant_id, **named)
            except grants.GrantError as error:
                raise NotApproved(f"{error.name}: {error}") from error

        return call

    def _ask(self, tool: str, action: Any, why: str) -> str:
        """Return the ID of the grant for the action. Raise `NotApproved`."""
        request = {
            "Title": f"Let the agent call {tool}?",
            "Action": action,
            "Grant": {"Uses": 1, "ValidMinutes": self._minutes},
            "Severity": "high",
            "Comment": {"Reject": "required"},  # the agent learns from it
            "TimeoutMinutes": self._minutes,
            "Approvers": self._approvers or None,
        }
        text = json.dumps({"Approval": request, "The agent says": why}, ensure_ascii=False)
        started = self._stepfunctions.start_execution(stateMachineArn=self._state_machine_arn, input=text)
        while True:
            execution = self._stepfunctions.describe_execution(executionArn=started["executionArn"])
            if execution["status"] != "RUNNING":
                break
            time.sleep(self._interval)
        if execution["status"] != "SUCCEEDED":
            raise NotApproved(f"Nobody approved it: {execution.get('error', execution['status'])}")
        result = json.loads(execution["output"])["Approval"]["Result"]
        if result["Decision"] != "APPROVED":
            raise NotApproved(f"{result['Status']}. {result['Comment'] or ''}".strip())
        return str(result["Grant"]["Id"])
