"""Write the generated files of the Terraform module from template.yaml: `python -m scripts.terraform_module`.

They are parameters.tf, a variable for each parameter, and outputs.tf. A test fails if they are out of date.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
MODULE = ROOT / "deploy" / "terraform"
_HEADING = "# Written by `python -m scripts.terraform_module` from template.yaml: change that.\n"
_TYPES = {"String": "string", "Number": "number"}


class _Loader(yaml.SafeLoader):
    """Reads a template. Intrinsic functions in short form read as None: nothing here needs them."""


_Loader.add_multi_constructor("!", lambda _loader, _suffix, _node: None)


def load() -> dict[str, Any]:
    """Return the template."""
    found: dict[str, Any] = yaml.load((ROOT / "template.yaml").read_text(encoding="utf-8"), _Loader)  # noqa: S506 a SafeLoader
    return found


def snake_case(name: str) -> str:
    """Return a parameter's or an output's name as the module's and the CDK construct's users write it."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def parameters_file(parameters: Mapping[str, Mapping[str, Any]]) -> str:
    """Return parameters.tf: the variables, and the local value `parameters` that the stack takes."""
    secrets = [name for name, parameter in parameters.items() if parameter.get("NoEcho")]
    blocks = [_HEADING, *(_variable(name, parameter) for name, parameter in parameters.items())]
    return "\n".join([*blocks, _locals([name for name in parameters if name not in secrets], secrets)])


def outputs_file(outputs: Mapping[str, Mapping[str, Any]]) -> str:
    """Return outputs.tf. An output that the stack has only under a condition is null without it."""
    return "\n".join([_HEADING, *(_output(name, output) for name, output in outputs.items())])


def _variable(name: str, parameter: Mapping[str, Any]) -> str:
    lines = [f"description = {_quoted(parameter['Description'])}", f"type = {_TYPES[parameter['Type']]}"]
    if "Default" in parameter:
        lines.append(f"default = {_quoted(parameter['Default'])}")
    if parameter.get("NoEcho"):
        lines.append("sensitive = true")
    lines.append("nullable = false")
    body = [f"  {line}" for line in _aligned(lines)]
    for condition, message in _conditions(f"var.{snake_case(name)}", parameter):
        checks = _aligned([f"condition = {condition}", f"error_message = {_quoted(message)}"])
        body += ["", "  validation {", *(f"    {line}" for line in checks), "  }"]
    return "\n".join([f'variable "{snake_case(name)}" {{', *body, "}", ""])


def _conditions(variable: str, parameter: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what CloudFormation checks of a parameter, with a message: Terraform checks it when it plans."""
    if allowed := parameter.get("AllowedValues"):
        values = ", ".join(map(_quoted, allowed))
        yield f"contains([{values}], {variable})", f"Must be one of: {', '.join(map(str, allowed))}."
    if pattern := parameter.get("AllowedPattern"):
        yield f"can(regex({_quoted(pattern)}, {variable}))", parameter["ConstraintDescription"]
    if longest := parameter.get("MaxLength"):
        yield f"length({variable}) <= {longest}", f"Must have at most {longest} characters."
    if "MinValue" in parameter:
        low, high = parameter["MinValue"], parameter["MaxValue"]
        yield f"{variable} >= {low} && {variable} <= {high}", f"Must be from {low} to {high}."


def _locals(plain: list[str], secrets: list[str]) -> str:
    """Return the map of parameters.

    An empty secret is left out: CloudFormation shows each secret that it is given as `****`, which Terraform takes
    for a change in every plan (https://github.com/hashicorp/terraform-provider-aws/issues/29405).
    """
    always = _aligned([f"{name} = var.{snake_case(name)}" for name in plain])
    parts = [
        f'    nonsensitive(var.{snake_case(name)} == "") ? {{}} : {{ {name} = var.{snake_case(name)} }},'
        for name in secrets
    ]
    return "\n".join(
        [
            *("locals {", "  parameters = merge(", "    {"),
            *(f"      {line}" for line in always),
            *("    },", *parts, "  )", "}", ""),
        ]
    )


def _output(name: str, output: Mapping[str, Any]) -> str:
    value = f'aws_cloudformation_stack.this.outputs["{name}"]'
    lines = [
        f"description = {_quoted(output['Description'])}",
        f"value = {f'try({value}, null)' if 'Condition' in output else value}",
    ]
    return "\n".join([f'output "{snake_case(name)}" {{', *(f"  {line}" for line in _aligned(lines)), "}", ""])


def _aligned(lines: list[str]) -> list[str]:
    """Return assignments with their equals signs below each other, as `terraform fmt` wants them."""
    pairs = [line.split(" = ", 1) for line in lines]
    width = max(len(name) for name, _ in pairs)
    return [f"{name:{width}} = {value}" for name, value in pairs]


def _quoted(value: str | int) -> str:
    """Return a value as HCL. In its strings `${` and `%{` begin templates, unless the sign is doubled."""
    return re.sub(r"([$%])\{", r"\1\1{", json.dumps(value, ensure_ascii=False))


def write() -> None:
    """Write the files."""
    for name, text in files().items():
        (MODULE / name).write_text(text, encoding="utf-8")


def files() -> dict[str, str]:
    """Return the text of each generated file by its name."""
    template = load()
    return {
        "parameters.tf": parameters_file(template["Parameters"]),
        "outputs.tf": outputs_file(template["Outputs"]),
    }


if __name__ == "__main__":
    write()
