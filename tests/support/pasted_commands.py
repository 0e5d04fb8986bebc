"""Runs the commands that the product prints, as a person does who pastes them."""

from __future__ import annotations

import json
import shlex
from typing import Any

from botocore import xform_name
from click.testing import CliRunner, Result

from cli.__main__ import main
from cli.context import Context
from tests.support.aws import any_client

_OF_THE_CLI = {"region", "profile", "query", "output", "endpoint_url"}
"""Options of every AWS command."""


def commands(fix: str) -> list[str]:
    """Return the commands among the lines below a finding, without their comments; other lines are clicks."""
    lines = [line.partition("   # ")[0].strip() for line in fix.splitlines()]
    return [line for line in lines if line.startswith(("aws ", "approvals "))]


def run_ours(
    command: str,
    *more: str,
    env: dict[str, str] | None = None,
    typed: str | None = None,
    context: Context | None = None,
) -> Result:
    """Run `approvals ...`; `typed` is its standard input."""
    return CliRunner().invoke(main, [*shlex.split(command)[1:], *more], env=env, input=typed, obj=context)


def run_aws(command: str) -> Any:
    """Make the call of `aws SERVICE OPERATION --OPTION VALUE ...`, checked by botocore's model."""
    _, service, operation, *words = shlex.split(command)
    options = _options(words)
    client = any_client(service, region_name=options.get("region"))
    method = operation.replace("-", "_")
    members = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[method]).input_shape.members
    by_option = {xform_name(name): (name, shape.type_name) for name, shape in members.items()}
    arguments = {}
    for option, value in options.items():
        if option not in _OF_THE_CLI:
            name, kind = by_option[option]
            arguments[name] = _parsed(value, kind)
    return getattr(client, method)(**arguments)


def _options(words: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    name = ""
    for word in words:
        if word.startswith("--"):
            name = word[2:].replace("-", "_")
            found[name] = ""
        else:
            found[name] = word
    return found


def _parsed(value: str, kind: str) -> object:
    match kind:
        case "boolean":
            return True
        case "integer":
            return int(value)
        case "map" | "structure" | "list":
            return json.loads(value)
        case _:
            return value
