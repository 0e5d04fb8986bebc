"""A gate in front of an AI agent's tools: it makes a dangerous call only after a person approved exactly it.

    tools = {"read_file": read_file, "drop_table": drop_table}
    call = guarded(tools, Gate(boto3.client("stepfunctions"), STATE_MACHINE_ARN), dangerous={"drop_table"})
    call("drop_table", {"table": "orders_2019"}, why="The user asked to free space.")

The agent never sees the approver's link. It needs only the right to start and describe executions of one state machine.
No response, a rejection and every error mean no.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import rfc8785

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

MAX_LABEL, MAX_VALUE, MAX_FACTS = 100, 2000, 90
"""The request's limits: characters of a fact's label and value, and facts. The context has the whole call."""

ELSEWHERE = "see the workflow input"
"""Replaces a value that is too long for a fact: a part of it could hide something important."""


@dataclass(frozen=True)
class Verdict:
    """The person's decision. Make the call with `arguments`, which are the approved ones, and with no others."""

    allowed: bool
    reason: str
    arguments: Mapping[str, Any]


class Gate:
    """Requests approval for single calls.

    `approvers` are those of the request. Without any, anyone who reads the stack's email or channel can respond.
    """

    def __init__(
        self,
        stepfunctions: SFNClient,
        state_machine_arn: str,
        *,
        approvers: Sequence[str] = (),
        minutes: int = 15,
        interval: float = 2,
    ) -> None:
        self._stepfunctions = stepfunctions
        self._state_machine_arn = state_machine_arn
        self._approvers = list(approvers)
        self._minutes = minutes
        self._interval = interval

    def ask(self, tool: str, arguments: Mapping[str, Any], why: str = "") -> Verdict:
        """Request approval for one call, and wait for the decision."""
        # This text is the call from now on: if the agent changes its objects meanwhile, that has no effect.
        text = json.dumps(self._input(tool, arguments, why), ensure_ascii=False)
        asked = json.loads(text)
        started = self._stepfunctions.start_execution(stateMachineArn=self._state_machine_arn, input=text)
        while True:
            execution = self._stepfunctions.describe_execution(executionArn=started["executionArn"])
            if execution["status"] != "RUNNING":
                break
            time.sleep(self._interval)
        if execution["status"] != "SUCCEEDED":
            return _no(f"Nobody approved it: {execution.get('error', execution['status'])}")
        result = json.loads(execution["output"])["Approval"]["Result"]
        if result["Digest"] != digest(asked):
            return _no("Another call was approved.")
        if result["Decision"] != "APPROVED":
            return _no(f"{result['Status']}. {result['Comment'] or ''}".strip())
        return Verdict(allowed=True, reason=result["Comment"] or "", arguments=asked["Arguments"])

    def _input(self, tool: str, arguments: Mapping[str, Any], why: str) -> dict[str, Any]:
        facts = [_fact(name, json.dumps(value, ensure_ascii=False)) for name, value in arguments.items()]
        if len(facts) > MAX_FACTS:
            facts = [*facts[:MAX_FACTS], _fact(f"{len(facts) - MAX_FACTS} more arguments", ELSEWHERE)]
        request: dict[str, Any] = {
            "Title": f"Let the agent call {tool}?"[:300],
            "Facts": [_fact("Tool", tool), *facts],
            "Severity": "high",
            "Comment": {"Reject": "required"},  # the agent learns from it
            "TimeoutMinutes": self._minutes,
        }
        if self._approvers:
            request["Approvers"] = self._approvers
        return {"Approval": request, "Tool": tool, "Arguments": dict(arguments), "The agent says": why}


def guarded(tools: Mapping[str, Callable[..., Any]], gate: Gate, *, dangerous: Collection[str]) -> Callable[..., Any]:
    """Return the agent's function to call tools. Dangerous calls pass the gate; a refused call returns an error."""

    def call(tool: str, arguments: Mapping[str, Any], why: str = "") -> Any:
        if tool not in dangerous:
            return tools[tool](**arguments)
        verdict = gate.ask(tool, arguments, why)
        if not verdict.allowed:
            return {"error": f"The call was not made. {verdict.reason}"}
        return tools[tool](**verdict.arguments)

    return call


def digest(execution_input: Mapping[str, Any]) -> str:
    """Return the SHA-256 of an input, as the result's `Digest`. docs/audit.md explains it."""
    return hashlib.sha256(_canonical(execution_input).encode()).hexdigest()


def _canonical(value: Any) -> str:
    if isinstance(value, Mapping):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(f"{_canonical(key)}:{_canonical(value[key])}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_canonical, value)) + "]"
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return rfc8785.dumps(value).decode()


def _no(reason: str) -> Verdict:
    return Verdict(allowed=False, reason=reason, arguments={})


def _fact(label: str, value: str) -> dict[str, str]:
    """Return a fact that shows the whole argument, or says where it is."""
    if len(label) > MAX_LABEL or len(value) > MAX_VALUE:
        return {"Label": label[:MAX_LABEL], "Value": f"{len(value):,} characters: {ELSEWHERE}"}
    return {"Label": label, "Value": value}
