"""The pattern for Serverless Land has the shape that its repository demands.

Source: https://github.com/aws-samples/serverless-patterns, scripts/pattern-schema.json and _pattern-model.
"""

from __future__ import annotations

import json
import subprocess
from typing import Any

import yaml
from jsonschema import Draft4Validator

from demo.process import ROOT
from scripts.bundle import TEMPLATE as BUNDLED
from tests.support.template import TEMPLATE, CloudFormation

PATTERN = ROOT / "examples/sfn-human-approval-sam"
DESCRIPTION = json.loads((PATTERN / "example-pattern.json").read_text())


def an_object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": [*properties]}


TEXT = {"type": "string"}
SCHEMA = an_object(
    title=TEXT,
    language={"enum": ["TypeScript", "Node.js", "Python", "Java", ".Net", "C#", "Go", "Rust"]},
    framework={"enum": ["CDK", "SAM", "Terraform", "Serverless Framework", "Terraform (with modules)"]},
    introBox=an_object(headline=TEXT, text={"type": "array", "items": TEXT}),
    gitHub=an_object(template=an_object(repoURL=TEXT, templateURL=TEXT, projectFolder=TEXT, templateFile=TEXT)),
    authors={"type": "array", "minItems": 1, "items": an_object(name=TEXT, bio=TEXT)},
)
MORE_OF_THE_MODEL = {"description", "level", "resources", "deploy", "testing", "cleanup"}
HEADINGS = ["Requirements", "Deployment Instructions", "How it works", "Testing", "Cleanup"]


def test_description_has_the_keys_that_the_repository_demands() -> None:
    assert [error.message for error in Draft4Validator(SCHEMA).iter_errors(DESCRIPTION)] == []
    assert set(DESCRIPTION) == MORE_OF_THE_MODEL | set(SCHEMA["required"])


def test_description_names_this_folder_and_its_template() -> None:
    named = DESCRIPTION["gitHub"]["template"]
    assert named["projectFolder"] == PATTERN.name
    assert named["repoURL"].endswith(f"/{PATTERN.name}")
    assert named["templateURL"] == f"serverless-patterns/{PATTERN.name}"
    assert (PATTERN / named["templateFile"]).exists()


def test_page_has_the_sections_of_the_model() -> None:
    text = (PATTERN / "README.md").read_text()
    assert [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")] == HEADINGS
    assert "<<" not in text
    assert text.endswith("SPDX-License-Identifier: MIT-0\n")


def test_template_deploys_the_bundle_with_parameters_and_outputs_that_it_has() -> None:
    text = (PATTERN / "template.yaml").read_text()
    nested = yaml.load(text, CloudFormation)["Resources"]["HumanApproval"]["Properties"]  # noqa: S506 a SafeLoader
    assert nested["TemplateURL"] == f"human-approval-stack/{BUNDLED}"
    assert set(nested["Parameters"]) <= set(TEMPLATE["Parameters"])
    required = {name for name, parameter in TEMPLATE["Parameters"].items() if "Default" not in parameter}
    assert required <= set(nested["Parameters"])
    used = {each.split(".")[-1] for each in text.split() if each.startswith("HumanApproval.Outputs.")}
    assert {each.strip("]\"'") for each in used} <= set(TEMPLATE["Outputs"])
    assert used


def test_linter_has_nothing_to_say() -> None:
    linted = subprocess.run(
        [ROOT / ".venv-sam/bin/cfn-lint", "template.yaml"], cwd=PATTERN, capture_output=True, text=True, check=False
    )
    assert linted.returncode == 0, linted.stdout
