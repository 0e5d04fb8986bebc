"""The Terraform module: a variable for each parameter of the template, with its checks, and all outputs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hcl2.api import loads

from demo.process import ROOT
from scripts.terraform_module import MODULE, files, parameters_file, snake_case
from tests.support.template import TEMPLATE

PARAMETERS: dict[str, dict[str, Any]] = TEMPLATE["Parameters"]
OWN = {"name", "artifact_bucket", "artifact_prefix", "bundle", "tags"}
"""Variables of the module that are no parameters of the template."""
PAGE = (ROOT / "docs/ways-to-deploy.md").read_text()


def unquoted(value: Any) -> Any:
    """Return what the parser read, without the quotes that it keeps."""
    if isinstance(value, dict):
        return {unquoted(key): unquoted(each) for key, each in value.items()}
    if isinstance(value, list):
        return [unquoted(each) for each in value]
    return value[1:-1] if isinstance(value, str) and value.startswith('"') else value


@cache
def module() -> dict[str, Any]:
    """Return the module's blocks by their kind, and by their name where they have one."""
    found: dict[str, Any] = {}
    for file in sorted(MODULE.glob("*.tf")):
        for kind, blocks in unquoted(loads(file.read_text())).items():
            found.setdefault(kind, []).extend(blocks)
    return {kind: dict(pair for block in blocks for pair in block.items()) for kind, blocks in found.items()}


@pytest.mark.parametrize("name", ["parameters.tf", "outputs.tf"])
def test_generated_file_is_up_to_date(name: str) -> None:
    assert (MODULE / name).read_text() == files()[name], "run python -m scripts.terraform_module"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Email", "email"),
        ("SlackApiUrl", "slack_api_url"),
        ("KmsKeyArn", "kms_key_arn"),
        ("ApiGatewayInvokeURL", "api_gateway_invoke_url"),
    ],
)
def test_names_are_in_snake_case(name: str, written: str) -> None:
    assert snake_case(name) == written


def test_every_parameter_is_a_variable_and_no_other_variable_is_there() -> None:
    assert set(module()["variable"]) == {snake_case(name) for name in PARAMETERS} | OWN


@pytest.mark.parametrize("name", PARAMETERS)
def test_variable_is_described_typed_and_defaulted_as_the_parameter(name: str) -> None:
    parameter, variable = PARAMETERS[name], module()["variable"][snake_case(name)]
    assert variable["description"] == parameter["Description"].replace('"', '\\"')
    assert variable["type"] in {parameter["Type"].lower(), f"${{{parameter['Type'].lower()}}}"}
    assert variable.get("default") == parameter.get("Default")
    assert variable.get("sensitive", False) == parameter.get("NoEcho", False)
    checked = {"AllowedPattern", "AllowedValues", "MinValue", "MaxLength"} & set(parameter)
    assert len(variable.get("validation", [])) == len(checked)


def test_stack_gets_every_parameter() -> None:
    [text] = re.findall(r"locals \{(.*)\n\}", (MODULE / "parameters.tf").read_text(), re.DOTALL)
    given = dict(re.findall(r"(\w+) += var\.(\w+)", text))
    assert given == {name: snake_case(name) for name in PARAMETERS}


def test_every_output_is_an_output() -> None:
    written = {name: output["value"] for name, output in module()["output"].items()}
    assert set(written) == {snake_case(name) for name in TEMPLATE["Outputs"]} | {"stack_name"}
    for name, output in TEMPLATE["Outputs"].items():
        assert f'"{name}"' in written[snake_case(name)].replace("\\", "")
        assert ("try(" in written[snake_case(name)]) is ("Condition" in output)


def test_pattern_with_terraforms_own_signs_is_escaped() -> None:
    parameter = {"Type": "String", "Description": "d", "AllowedPattern": r"^\$${a}%{b}$", "ConstraintDescription": "c"}
    assert r'regex("^\\$$${a}%%{b}$", var.name)' in parameters_file({"Name": parameter})


def test_page_names_variables_and_outputs_of_the_module() -> None:
    [block] = re.findall(r"```hcl\n(.*?)```", PAGE, re.DOTALL)
    [used] = unquoted(loads(block))["module"]
    assert set(used["human_approval"]) - {"source"} <= set(module()["variable"])
    assert set(re.findall(r"module\.human_approval\.(\w+)", PAGE)) <= set(module()["output"])
    required = {name for name, variable in module()["variable"].items() if "default" not in variable}
    assert required <= set(used["human_approval"])


@pytest.mark.skipif(not shutil.which("terraform"), reason="needs terraform: install it")
def test_terraform_likes_the_modules_style() -> None:
    checked = subprocess.run(
        ["terraform", "fmt", "-check", "-diff", MODULE], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout


needs_provider = pytest.mark.skipif(
    not os.environ.get("REQUIRE_TERRAFORM"),
    reason="needs terraform and its AWS provider: install both, set REQUIRE_TERRAFORM",
)


@needs_provider
def test_terraform_finds_the_module_valid(tmp_path: Path) -> None:
    shutil.copytree(MODULE, tmp_path, dirs_exist_ok=True)
    assert terraform(tmp_path, "init", "-input=false").returncode == 0
    validated = terraform(tmp_path, "validate")
    assert validated.returncode == 0, validated.stderr


@needs_provider
@pytest.mark.parametrize(
    ("argument", "refusal"),
    [
        ('email = "nobody"', "Must be a valid email address"),
        ('email = "a@example.com"\n monitoring = "Some"', "Must be one of: Essential, Full"),
        ('email = "a@example.com"\n approval_timeout_minutes = 0', "Must be from 1 to 525540"),
        ('email = "a@example.com"\n slack_api_url = "slack.com"', "Must be a URL that ends with a slash"),
        ('email = "a@example.com"\n slack_chanel = "C0123456789"', 'An argument named "slack_chanel" is not expected'),
    ],
)
def test_terraform_refuses_unknown_and_invalid_arguments(tmp_path: Path, argument: str, refusal: str) -> None:
    shutil.copytree(MODULE, tmp_path / "bundle/terraform")
    (tmp_path / "main.tf").write_text(
        f'provider "aws" {{\n region = "us-east-1"\n}}\n'
        f'module "approval" {{\n source = "./bundle/terraform"\n artifact_bucket = "b"\n {argument}\n}}\n'
    )
    assert terraform(tmp_path, "init", "-input=false").returncode == 0
    # No AWS is there: arguments are checked before it is called.
    refused = terraform(tmp_path, "plan", "-input=false")
    assert refused.returncode != 0
    assert refusal in " ".join(refused.stderr.split())


def terraform(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    nowhere = {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_MAX_ATTEMPTS": "1",
    }
    command = ["terraform", *arguments, "-no-color"]
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **nowhere}, capture_output=True, text=True, check=False
    )
