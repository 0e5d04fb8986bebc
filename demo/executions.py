"""The executions of the stack's state machine, and how far they are."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from demo import aws

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.type_defs import HistoryEventTypeDef

_MAX_SHOWN = 20
_FAILURES = {"TaskFailed", "TaskTimedOut", "ExecutionFailed", "ExecutionAborted"}


@dataclass(frozen=True, slots=True)
class State:
    """One state that an execution entered. `status` is RUNNING, SUCCEEDED or FAILED."""

    name: str
    status: str
    entered_at: str


@dataclass(frozen=True, slots=True)
class Execution:
    """An execution as the console shows it, with the title of its request."""

    name: str
    arn: str
    title: str
    status: str
    started_at: str
    states: tuple[State, ...]
    output: Any
    error: str | None
    cause: str | None


class Executions:
    """Starts executions of one state machine and follows them."""

    def __init__(self, state_machine_arn: str) -> None:
        self._client = aws.session().client("stepfunctions", config=aws.CONFIG)
        self._state_machine_arn = state_machine_arn
        self._ended: dict[str, Execution] = {}
        """They do not change any more, and the watcher asks four times a second."""

    def start(self, name: str | None, text: str) -> str:
        """Start an execution with a JSON text as its input; return its ARN. Raise what boto3 raises."""
        named = {"name": name} if name else {}
        answer = self._client.start_execution(stateMachineArn=self._state_machine_arn, input=text, **named)
        return answer["executionArn"]

    def latest(self) -> list[Execution]:
        """Return the latest executions, newest first."""
        answer = self._client.list_executions(stateMachineArn=self._state_machine_arn, maxResults=_MAX_SHOWN)
        newest_first = sorted(answer["executions"], key=lambda execution: execution["startDate"], reverse=True)
        return [self.get(execution["executionArn"]) for execution in newest_first]

    def get(self, arn: str) -> Execution:
        """Return one execution as it is now."""
        if arn in self._ended:
            return self._ended[arn]
        described = self._client.describe_execution(executionArn=arn)
        history = self._client.get_execution_history(executionArn=arn, maxResults=1000)["events"]
        execution = Execution(
            name=described["name"],
            arn=arn,
            title=_title(json.loads(described["input"])),
            status=described["status"],
            started_at=described["startDate"].isoformat(),
            states=tuple(_states(history, described["status"])),
            output=json.loads(described["output"]) if described.get("output") else None,
            error=described.get("error"),
            cause=described.get("cause"),
        )
        if execution.status != "RUNNING":
            self._ended[arn] = execution
        return execution


def _title(given: Any) -> str:
    approval = given.get("Approval") if isinstance(given, dict) else None
    title = approval.get("Title") if isinstance(approval, dict) else None
    return title if isinstance(title, str) else ""


def _states(history: Iterable[HistoryEventTypeDef], status: str) -> list[State]:
    states: list[State] = []
    for event in history:
        if "stateEnteredEventDetails" in event:
            name = event["stateEnteredEventDetails"]["name"]
            states.append(State(name, "RUNNING", event["timestamp"].isoformat()))
        elif states and event["type"] in _FAILURES:
            states[-1] = replace(states[-1], status="FAILED")
        elif states and "stateExitedEventDetails" in event and states[-1].status == "RUNNING":
            states[-1] = replace(states[-1], status="SUCCEEDED")
    if states and status != "RUNNING" and states[-1].status == "RUNNING":
        states[-1] = replace(states[-1], status="FAILED")
    return states
