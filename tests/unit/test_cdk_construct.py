"""The CDK construct: an argument for each parameter of the template, an attribute for each output."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from demo.process import ROOT
from scripts.terraform_module import snake_case
from tests.support.template import TEMPLATE
from tests.support.ways_to_deploy import CDK_PYTHON

PARAMETERS: dict[str, dict[str, Any]] = TEMPLATE["Parameters"]
FOLDER = ROOT / "deploy/cdk"
SOURCE = ast.parse((FOLDER / "human_approval.py").read_text())
PAGE = (ROOT / "docs/ways-to-deploy.md").read_text()
_KINDS = {"String": "str", "Number": "int"}


def constructor() -> ast.FunctionDef:
    [found] = [each for each in ast.walk(SOURCE) if isinstance(each, ast.FunctionDef) and each.name == "__init__"]
    return found


def arguments() -> dict[str, tuple[str, bool]]:
    """Return the type of each keyword argument, and whether it is required."""
    found = constructor().args
    pairs = zip(found.kwonlyargs, found.kw_defaults, strict=True)
    return {each.arg: (ast.unparse(each.annotation or each), default is None) for each, default in pairs}


def test_every_parameter_is_an_argument_and_no_other_argument_is_there() -> None:
    assert set(arguments()) == {snake_case(name) for name in PARAMETERS} | {"bundle"}
    assert constructor().args.kwarg is None, "an unknown argument is an error"


@pytest.mark.parametrize("name", PARAMETERS)
def test_argument_is_typed_as_the_parameter(name: str) -> None:
    parameter = PARAMETERS[name]
    kind, required = arguments()[snake_case(name)]
    assert required is ("Default" not in parameter)
    written = kind.removesuffix(" | None")
    if parameter["Type"] == "String" and "AllowedValues" in parameter:
        assert ast.literal_eval(written.removeprefix("Literal")) == parameter["AllowedValues"]
    else:
        assert written == _KINDS[parameter["Type"]]


def test_every_argument_becomes_its_parameter() -> None:
    [given] = [
        each.value
        for each in ast.walk(constructor())
        if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == "parameters"
    ]
    assert isinstance(given, ast.Dict)
    passed = {
        ast.literal_eval(key): ast.unparse(value) for key, value in zip(given.keys, given.values, strict=True) if key
    }
    assert passed == {name: snake_case(name) for name in PARAMETERS}


def test_every_output_is_an_attribute() -> None:
    found = re.findall(r"self\.(\w+) = self\._output\('(\w+)'\)", ast.unparse(SOURCE))
    assert {name: attribute for attribute, name in found} == {name: snake_case(name) for name in TEMPLATE["Outputs"]}


_REFUSED = """
import json, sys
from aws_cdk import App, Stack
from human_approval import HumanApproval

def refused(number, **arguments):
    try:
        HumanApproval(Stack(App(), f"s{number}"), "Approval", bundle=sys.argv[1], email="a@example.com", **arguments)
    except (TypeError, ValueError) as error:
        return f"{type(error).__name__}: {error}"

wrong = [{"slack_chanel": "C0123456789"}, {"slack_bot_token": "xoxb-literal"}, {"slack_signing_secret": "literal"}]
print(json.dumps([refused(number, **each) for number, each in enumerate(wrong)]))
"""


needs_node = pytest.mark.skipif(
    not (shutil.which("node") or os.environ.get("REQUIRE_CDK")), reason="needs Node.js for CDK: install it"
)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with archives of nothing."""
    bundle = tmp_path_factory.mktemp("bundle")
    shutil.copytree(FOLDER, bundle / "cdk")
    (bundle / "template.json").write_text(
        json.dumps({"Resources": {"F": {"CodeUri": "functions.zip"}, "L": {"ContentUri": "layer.zip"}}})
    )
    for name in ("functions.zip", "layer.zip"):
        (bundle / name).write_bytes(name.encode())
    return bundle


@needs_node
def test_app_nests_the_template_and_uploads_its_code(bundle: Path, tmp_path: Path) -> None:
    environment = {"CDK_CONTEXT_JSON": json.dumps({"email": "a@example.com"}), "CDK_OUTDIR": str(tmp_path)}
    run([str(CDK_PYTHON), "app.py"], bundle / "cdk", environment)
    made = json.loads((tmp_path / "human-approval.template.json").read_text())
    [nested] = made["Resources"].values()
    assert nested["Type"] == "AWS::CloudFormation::Stack"
    assert nested["Properties"]["Parameters"] == {"Email": "a@example.com"}
    files = json.loads((tmp_path / "human-approval.assets.json").read_text())["files"].values()
    keys = [next(iter(file["destinations"].values()))["objectKey"] for file in files]
    [template] = tmp_path.glob("asset.*.json")
    resources = json.loads(template.read_text())["Resources"]
    bucket = {"Fn::Sub": "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"}
    for code in (resources["F"]["CodeUri"], resources["L"]["ContentUri"]):
        assert code["Bucket"] == bucket
        assert code["Key"] in keys
    assert resources["F"]["CodeUri"] != resources["L"]["ContentUri"]
    assert nested["Properties"]["TemplateURL"]["Fn::Sub"].split("/")[-1] in keys


@needs_node
def test_unknown_arguments_and_literal_secrets_are_refused(bundle: Path) -> None:
    unknown, *literal = json.loads(run([str(CDK_PYTHON), "-c", _REFUSED, str(bundle)], bundle / "cdk", {}))
    assert unknown.startswith("TypeError: ")
    assert "slack_chanel" in unknown
    assert [each.split(",")[0] for each in literal] == [
        f"ValueError: {name}: pass the value of a CfnParameter with no_echo=True"
        for name in ("slack_bot_token", "slack_signing_secret")
    ]
    assert not [each for each in literal if "literal" in each]


def run(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_page_passes_arguments_of_the_construct() -> None:
    [block] = [each for each in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "HumanApproval" in each]
    [call] = [
        each
        for each in ast.walk(ast.parse(block))
        if isinstance(each, ast.Call) and ast.unparse(each.func) == "HumanApproval"
    ]
    assert {each.arg for each in call.keywords} <= set(arguments())
    named = set(re.findall(r"`approval\.(\w+)", PAGE))
    assert named <= set(re.findall(r"self\.(\w+) =", ast.unparse(SOURCE)))
