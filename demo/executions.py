"""The executions of the stack's state machine, and how far they are."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from demo import aws

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_stepfunctions.type_defs import HistoryEventTypeDef


@dataclass(frozen=True, slots=True)
class State:
    """One state that an execution entered. `status` is RUNNING, SUCCEEDED or FAILED."""

    name: str
    status: str
    entered_at: str


@dataclass(frozen=True, slots=True)
class Execution:
    """An execution as the console would show it."""

    name: str
    arn: str
    status: str
    started_at: str
    states: tuple[State, ...]
    output: Any
    error: str | None
    cause: str | None


class Executions:
    """Starts executions of one state machine and follows them."""

    MOST = 20

    def __init__(self, state_machine_arn: str) -> None:
        self._client: SFNClient = aws.session().client("stepfunctions", config=aws.CONFIG)
        self._state_machine_arn = state_machine_arn
        self._ended: dict[str, Execution] = {}

    def start(self, name: str | None, text: str) -> str:
        """Starts an execution with a JSON text as its input; returns its ARN. Raises what boto3 raises."""
        named = {"name": name} if name else {}
        answer = self._client.start_execution(stateMachineArn=self._state_machine_arn, input=text, **named)
        return answer["executionArn"]

    def latest(self) -> list[Execution]:
        """The latest executions, newest first."""
        answer = self._client.list_executions(stateMachineArn=self._state_machine_arn, maxResults=self.MOST)
        newest_first = sorted(answer["executions"], key=lambda execution: execution["startDate"], reverse=True)
        return [self.get(execution["executionArn"]) for execution in newest_first]

    def get(self, arn: str) -> Execution:
        """One execution as it stands now."""
        if arn in self._ended:
            return self._ended[arn]
        seen = self._client.describe_execution(executionArn=arn)
        history = self._client.get_execution_history(executionArn=arn, maxResults=1000)["events"]
        execution = Execution(
            name=seen["name"],
            arn=arn,
            status=seen["status"],
            started_at=seen["startDate"].isoformat(),
            states=tuple(_states(history, seen["status"])),
            output=json.loads(seen["output"]) if seen.get("output") else None,
            error=seen.get("error"),
            cause=seen.get("cause"),
        )
        if execution.status != "RUNNING":
            self._ended[arn] = execution
        return execution


def _states(history: list[HistoryEventTypeDef], status: str) -> list[State]:
    states: list[State] = []
    for event in history:
        if "stateEnteredEventDetails" in event:
            name = event["stateEnteredEventDetails"]["name"]
            states.append(State(name, "RUNNING", event["timestamp"].isoformat()))
        elif states and event["type"] in {"TaskFailed", "TaskTimedOut", "ExecutionFailed", "ExecutionAborted"}:
            states[-1] = replace(states[-1], status="FAILED")
        elif states and "stateExitedEventDetails" in event and states[-1].status == "RUNNING":
            states[-1] = replace(states[-1], status="SUCCEEDED")
    if states and status != "RUNNING" and states[-1].status == "RUNNING":
        states[-1] = replace(states[-1], status="FAILED")
    return states
