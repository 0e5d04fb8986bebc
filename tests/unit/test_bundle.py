"""The bundle: the template that is deployed from a checkout, with archives in place of folders."""

from __future__ import annotations

import json
import zipfile
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from demo.process import ROOT
from scripts.bundle import compress, packaged, write
from tests.support.template import TEMPLATE

UPLOADED = {"CodeUri", "ContentUri", "DefinitionUri", "LicenseUrl", "ReadmeUrl", "TemplateURL", "Location"}


@pytest.fixture
def template() -> dict[str, Any]:
    return packaged(deepcopy(TEMPLATE), ROOT)


def uploads(value: Any) -> set[str]:
    """Return every file that a deployment of the template uploads."""
    if isinstance(value, dict):
        here = {found for key, found in value.items() if key in UPLOADED and isinstance(found, str)}
        return here.union(*map(uploads, value.values()))
    return set().union(*map(uploads, value)) if isinstance(value, list) else set()


def test_deployment_uploads_the_two_archives_and_nothing_else(template: dict[str, Any]) -> None:
    assert uploads(TEMPLATE) > {".", "layer"}, "the template from a checkout uploads folders"
    assert uploads(template) == {"functions.zip", "layer.zip"}


def test_bundle_has_the_parameters_outputs_and_resources_of_the_template(template: dict[str, Any]) -> None:
    for section in ("Parameters", "Conditions", "Mappings", "Outputs"):
        assert template[section] == TEMPLATE[section]
    for name, resource in TEMPLATE["Resources"].items():
        ours = {key: value for key, value in resource["Properties"].items() if key not in UPLOADED}
        packed = {key: value for key, value in template["Resources"][name]["Properties"].items() if key not in UPLOADED}
        packed.pop("Definition", None)
        assert packed == ours, name


def test_state_machine_is_in_the_template(template: dict[str, Any]) -> None:
    machine = template["Resources"]["HumanApprovalLambdaStateMachine"]["Properties"]
    assert machine["Definition"] == json.loads((ROOT / "statemachine/approval.asl.json").read_text())


def test_same_files_make_the_same_archive_that_lambda_can_read(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name / "package").mkdir(parents=True)
        for file in ("z.py", "package/module.py"):
            (tmp_path / name / file).write_text("x = 1\n")
            (tmp_path / name / file).chmod(0o600)
        compress(tmp_path / name, tmp_path / f"{name}.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.namelist() == ["package/module.py", "z.py"]
        assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o644}


def test_bundle_has_what_each_way_needs(tmp_path: Path) -> None:
    built = tmp_path / "built"
    for folder, file in (("RequestFunction", "handlers/request.py"), ("DependenciesLayer", "python/boto3.py")):
        (built / folder / file).parent.mkdir(parents=True)
        (built / folder / file).write_text("")
    small = {"Globals": {"Function": {"CodeUri": "."}}, "Resources": {}}
    (built / "template.yaml").write_text(json.dumps(small))
    write(built, tmp_path / "bundle")
    assert {
        str(file.relative_to(tmp_path / "bundle")) for file in (tmp_path / "bundle").rglob("*") if file.is_file()
    } == {
        "template.json",
        "functions.zip",
        "layer.zip",
        "LICENSE",
        "README.md",
        "cdk/app.py",
        "cdk/cdk.json",
        "cdk/human_approval.py",
        "terraform/main.tf",
        "terraform/parameters.tf",
        "terraform/outputs.tf",
    }
    with zipfile.ZipFile(tmp_path / "bundle/functions.zip") as functions:
        assert functions.namelist() == ["handlers/request.py"]
    with zipfile.ZipFile(tmp_path / "bundle/layer.zip") as layer:
        assert layer.namelist() == ["python/boto3.py"]
