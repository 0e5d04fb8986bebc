"""Write the bundle: all that a deployment needs without this repository.

`make package` calls `python -m scripts.bundle BUILT FOLDER`: it takes the results of `sam build` and writes
FOLDER/human-approval-stack-VERSION.zip, with the template, the code of the functions and of the layer, the CDK
construct and the Terraform module.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
FUNCTIONS, LAYER, TEMPLATE = "functions.zip", "layer.zip", "template.json"
_ALSO = ("LICENSE", "deploy/README.md", "deploy/cdk", "deploy/terraform")
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The oldest time that a zip file can state."""


def write(built: Path, folder: Path) -> None:
    """Write the bundle's files into a new folder. `built` is the build folder of `sam build`."""
    folder.mkdir(parents=True)
    template = packaged(yaml.safe_load((built / "template.yaml").read_text(encoding="utf-8")), built)
    (folder / TEMPLATE).write_text(json.dumps(template, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    # Each function is a copy of the same code (the rule build-%Function of the Makefile): one archive serves all.
    compress(built / "RequestFunction", folder / FUNCTIONS)
    compress(built / "DependenciesLayer", folder / LAYER)
    for name in _ALSO:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", ".terraform*", "*.tfstate*", "cdk.out")
            shutil.copytree(source, folder / source.name, ignore=ignored)
        else:
            shutil.copy(source, folder)


def packaged(template: dict[str, Any], built: Path) -> dict[str, Any]:
    """Return a built template with the archives' names in place of folders, and with the state machine in it.

    The archives' names stand where `sam deploy`, the construct and the module put the archives' addresses.
    """
    # Files of the repository: for `sam publish` alone, which starts from the repository.
    template.pop("Metadata", None)
    template["Globals"]["Function"].pop("CodeUri", None)
    for resource in template["Resources"].values():
        resource.pop("Metadata", None)
        properties = resource.get("Properties", {})
        match resource["Type"]:
            case "AWS::Serverless::Function":
                properties["CodeUri"] = FUNCTIONS
            case "AWS::Serverless::LayerVersion":
                properties["ContentUri"] = LAYER
            case "AWS::Serverless::StateMachine":
                definition = built / properties.pop("DefinitionUri")
                properties["Definition"] = json.loads(definition.read_text(encoding="utf-8"))
    return template


def compress(folder: Path, target: Path) -> None:
    """Write a folder's files into a zip file. The same files give the same bytes."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(file.relative_to(folder).as_posix(), _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16  # readable for the user that Lambda runs the code as
            archive.writestr(entry, file.read_bytes())


def main(built: str, target: str) -> None:
    """Write the bundle as one zip file, named after the version, which has one folder of that name."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    name = f"human-approval-stack-{version}"
    with tempfile.TemporaryDirectory() as work:
        write(Path(built), Path(work) / name)
        Path(target).mkdir(exist_ok=True)
        compress(Path(work), Path(target) / f"{name}.zip")


if __name__ == "__main__":
    main(*sys.argv[1:])
