"""Tracing, as the SAM transform makes it of the template: the emulator's does not see what a parameter is set to."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from typing import Any

import pytest

from local.process import ROOT

_TRANSFORM = """
import copy, json, sys
from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform

template = yaml_parse(open("template.yaml").read())
for resource in template["Resources"].values():
    properties = resource.get("Properties", {})
    for name in ("CodeUri", "ContentUri", "DefinitionUri"):
        if name in properties:
            properties[name] = "s3://bucket/key"
template["Globals"]["Function"]["CodeUri"] = "s3://bucket/key"

class NoPolicies:
    def load(self):
        return {}

def resources(tracing):
    return transform(copy.deepcopy(template), {"Email": "a@example.com", "Tracing": tracing}, NoPolicies())["Resources"]

json.dump({tracing: resources(tracing) for tracing in sys.argv[1:]}, sys.stdout)
"""


@cache
def transformed() -> dict[str, Any]:
    """The stack's resources by their logical ids, for each value of the parameter: one process for all tests."""
    done = subprocess.run(
        [ROOT / ".venv-sam/bin/python", "-c", _TRANSFORM, "Disabled", "Active"],
        cwd=ROOT,
        env={"AWS_DEFAULT_REGION": "eu-west-1", "AWS_EC2_METADATA_DISABLED": "true"},
        capture_output=True,
        text=True,
        check=True,
    )
    made: dict[str, Any] = json.loads(done.stdout)
    return made


def of_type(tracing: str, kind: str) -> list[dict[str, Any]]:
    return [found["Properties"] for found in transformed()[tracing].values() if found["Type"] == kind]


@pytest.mark.parametrize(("tracing", "mode"), [("Disabled", None), ("Active", {"Mode": {"Ref": "Tracing"}})])
def test_every_function_is_traced_or_none(tracing: str, mode: object) -> None:
    functions = of_type(tracing, "AWS::Lambda::Function")
    assert len(functions) == 7
    assert all(function.get("TracingConfig") == mode for function in functions)


@pytest.mark.parametrize(("tracing", "functions"), [("Disabled", 0), ("Active", 7)])
def test_a_function_may_write_traces_only_where_it_is_traced(tracing: str, functions: int) -> None:
    roles = of_type(tracing, "AWS::IAM::Role")
    assert len([role for role in roles if "xray" in json.dumps(role.get("ManagedPolicyArns", [])).lower()]) == functions


@pytest.mark.parametrize("tracing", ["Disabled", "Active"])
def test_the_api_and_the_state_machine_are_traced_with_them(tracing: str) -> None:
    [stage] = of_type(tracing, "AWS::ApiGateway::Stage")
    [machine] = of_type(tracing, "AWS::StepFunctions::StateMachine")
    asked = {"Fn::If": ["Traced", True, False]}
    assert (stage["TracingEnabled"], machine["TracingConfiguration"]) == (asked, {"Enabled": asked})
