"""Tracing, as the SAM transform makes it of the template: the emulator's does not see what a parameter is set to."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.sam_transform import resources


def of_type(tracing: str, kind: str) -> list[dict[str, Any]]:
    return [found["Properties"] for found in resources(tracing).values() if found["Type"] == kind]


@pytest.mark.parametrize(("tracing", "mode"), [("Disabled", None), ("Active", {"Mode": {"Ref": "Tracing"}})])
def test_every_function_is_traced_or_none(tracing: str, mode: object) -> None:
    functions = of_type(tracing, "AWS::Lambda::Function")
    assert len(functions) == 9
    assert all(function.get("TracingConfig") == mode for function in functions)


@pytest.mark.parametrize(("tracing", "functions"), [("Disabled", 0), ("Active", 9)])
def test_a_function_may_write_traces_only_where_it_is_traced(tracing: str, functions: int) -> None:
    roles = of_type(tracing, "AWS::IAM::Role")
    assert len([role for role in roles if "xray" in json.dumps(role.get("ManagedPolicyArns", [])).lower()]) == functions


@pytest.mark.parametrize("tracing", ["Disabled", "Active"])
def test_the_state_machine_is_traced_with_them_and_the_apis_never(tracing: str) -> None:
    """A segment of an API's stage has the whole address of a request: a link's, with its signature."""
    stages = of_type(tracing, "AWS::ApiGateway::Stage")
    [machine] = of_type(tracing, "AWS::StepFunctions::StateMachine")
    assert [stage["TracingEnabled"] for stage in stages] == [False, False]
    assert machine["TracingConfiguration"] == {"Enabled": {"Fn::If": ["Traced", True, False]}}
