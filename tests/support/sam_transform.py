"""The template as the SAM transform makes it: with the roles and policies that SAM adds."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from typing import Any

from demo.aws import REGION
from demo.process import ROOT

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


_TRANSFORM_INPUT = """
import json, sys
from samtranslator.translator.transform import transform

class NoPolicies:
    def load(self):
        return {}

json.dump(transform(json.load(sys.stdin), {}, NoPolicies()), sys.stdout)
"""


def transformed(template: str) -> str:
    """Return a template in JSON as the transform makes it for the emulator's region. Its code must have addresses."""
    return _python(_TRANSFORM_INPUT, template=template, region=REGION)


def resources(tracing: str = "Disabled") -> dict[str, Any]:
    """Return the stack's resources by their logical ids, for a value of the parameter `Tracing`."""
    found: dict[str, Any] = _transformed()[tracing]
    return found


@cache
def _transformed() -> dict[str, Any]:
    """Return the resources for each value: one process for all tests."""
    made: dict[str, Any] = json.loads(_python(_TRANSFORM, "Disabled", "Active"))
    return made


def _python(program: str, *arguments: str, template: str = "", region: str = "eu-west-1") -> str:
    """Run a program with the libraries of the SAM command line, and return what it printed."""
    return subprocess.run(
        [ROOT / ".venv-sam/bin/python", "-c", program, *arguments],
        cwd=ROOT,
        env={"AWS_DEFAULT_REGION": region, "AWS_EC2_METADATA_DISABLED": "true"},
        input=template,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
