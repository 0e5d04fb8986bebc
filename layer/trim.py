"""Leaves out of the installed layer what no function of ours reads, and lets what they do read be read fast.

Called by the Makefile beside this file: `python3 trim.py FOLDER`. It fails when something it names is not there any
more, so that a new version of a dependency is looked at. tests/functional/test_layer.py builds every client and runs
every function from what is left.
"""

from __future__ import annotations

import ast
import gzip
import json
import shutil
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

OPERATIONS = {
    "dynamodb": ("BatchGetItem", "GetItem", "PutItem", "Query", "TransactWriteItems", "UpdateItem"),
    "events": ("PutEvents",),
    "secretsmanager": ("GetSecretValue",),
    "sns": ("ListSubscriptionsByTopic", "Publish"),
    "sqs": ("ChangeMessageVisibility", "SendMessage"),
    "stepfunctions": ("GetExecutionHistory", "ListExecutions", "SendTaskFailure", "SendTaskSuccess"),
}
"""What functions call of each service, by approvals/clients.py. botocore describes more than 400 services, and a client
gets a method for each operation that is described."""

LEFT_OUT = (
    # The functions use botocore itself: boto3 and what it brings are here for their pins alone.
    "boto3",
    "s3transfer",
    # Servers, sockets and asyncio: Lambda has none of them.
    "slack",
    "slack_bolt/adapter",
    "slack_sdk/audit_logs",
    "slack_sdk/rtm",
    "slack_sdk/rtm_v2",
    "slack_sdk/scim",
    "slack_sdk/socket_mode",
    "slack_sdk/web/async_chat_stream.py",
    "slack_sdk/web/async_client.py",
    "slack_sdk/web/legacy_base_client.py",
    "slack_sdk/web/legacy_client.py",
    # API Gateway routes; with it comes a page of Swagger UI.
    "aws_lambda_powertools/event_handler",
    *(
        f"aws_lambda_powertools/utilities/{name}"
        for name in (
            "circuit_breaker",
            "data_masking",
            "feature_flags",
            "idempotency",
            "kafka",
            "parameters",
            "parser",
            "serialization.py",
            "streaming",
            "validation",
        )
    ),
    # Written for people.
    "bin",
)


STAND_INS = {
    # Writes AWS's reference, from texts that are not here any more. What is left are the docstrings' names.
    "botocore/docs/__init__.py": "",
    "botocore/docs/docstring.py": """\


class _Empty(str):
    def __new__(cls, *_, **__):
        return super().__new__(cls)


ClientMethodDocstring = PaginatorDocstring = WaiterDocstring = _Empty
""",
    # Turns HTTP/2 on where somebody asks for it. With it comes what finds packages' versions and reads archives.
    "urllib3/http2/__init__.py": "",
}
"""Modules that are imported at every start for what no function does, and what is there instead."""

EDITS = (
    # asyncio, for one look whether an answer is the legacy client's. That one is left out.
    ("slack_sdk/web/internal_utils.py", "from asyncio import Future\n", ""),
    ("slack_sdk/web/internal_utils.py", "isinstance(response, Future)", "False"),
    # A server to develop with.
    ("slack_bolt/app/app.py", "from http.server import SimpleHTTPRequestHandler, HTTPServer\n", ""),
)
"""File, what stands in it once, and what shall instead: what else is imported for what no function does."""

UNTYPED = ("slack_bolt", "slack_sdk")
"""Packages whose annotations nobody looks at: there are thousands, and each is worked out when its module is imported.
Python 3.14 works them out when they are looked at; until then it must be told to leave them."""


def trim(layer: Path) -> None:
    """Trims the installed packages in a folder."""
    for name in LEFT_OUT:
        _remove(layer / name)
    for record in layer.glob("*.dist-info/RECORD"):
        record.unlink()  # It lists files that are not there any more.
    for name, text in STAND_INS.items():
        _remove(layer / name)
        (layer / name).write_text(text)
    for name, old, new in EDITS:
        edit(layer / name, old, new)
    for package in UNTYPED:
        for module in (layer / package).rglob("*.py"):
            module.write_text(f"from __future__ import annotations\n{module.read_text()}")
    data = layer / "botocore/data"
    others = {folder.name for folder in data.iterdir() if folder.is_dir()} - {*OPERATIONS}
    for name in others:
        shutil.rmtree(data / name)
    _unregister(layer / "botocore/handlers.py", others)
    for service, operations in OPERATIONS.items():
        _rewrite_service(data / service, operations)
    _rewrite(data / "endpoints.json", partial(_endpoints, names={_endpoint_of(data / name) for name in OPERATIONS}))


def edit(path: Path, old: str, new: str) -> None:
    """Changes what stands in a file once. Raises `ValueError` when it does not."""
    text = path.read_text()
    if text.count(old) != 1:
        raise ValueError(f"{path} has not once, but {text.count(old)} times: {old}")
    path.write_text(text.replace(old, new))


def _unregister(path: Path, services: set[str]) -> None:
    """Takes handlers of events that name one of the services from botocore's list: most of it.

    botocore looks each of them through when a session starts, and copies them for every client.
    """
    source = path.read_text()
    [listed] = [
        statement.value.elts
        for statement in ast.parse(source).body
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.List)
        if ast.unparse(statement.targets[0]) == "BUILTIN_HANDLERS"
    ]
    lines = source.splitlines(keepends=True)
    for entry in reversed(listed):
        event = ast.literal_eval(entry.elts[0]) if isinstance(entry, ast.Tuple) else ""
        if services & {*event.split(".")}:
            del lines[entry.lineno - 1 : entry.end_lineno]
    path.write_text("".join(lines))


def _rewrite_service(folder: Path, operations: Sequence[str]) -> None:
    newest = max(folder.iterdir())
    for version in {*folder.iterdir()} - {newest}:
        shutil.rmtree(version)
    for examples in newest.glob("examples-1.json*"):
        examples.unlink()
    for packed in newest.glob("*.json.gz"):
        plain = packed.with_suffix("")
        plain.write_bytes(gzip.decompress(packed.read_bytes()))
        packed.unlink()
        _rewrite(plain, _undocumented)
    _rewrite(newest / "service-2.json", partial(_called, names=operations))


def _rewrite(path: Path, change: Callable[[Any], Any]) -> None:
    path.write_text(json.dumps(change(json.loads(path.read_text())), separators=(",", ":")))


def _undocumented(node: Any) -> Any:
    """A service's description without its texts, four fifths of it. A shape may be called `documentation`: it stays."""
    if isinstance(node, dict):
        return {
            name: _undocumented(value)
            for name, value in node.items()
            if name != "documentation" or not isinstance(value, str)
        }
    return [_undocumented(each) for each in node] if isinstance(node, list) else node


def _called(service: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """A service's description with some operations alone, and the shapes that these are made of."""
    # By one that is marked as `endpointoperation`, a client itself may ask for its endpoint.
    own = [name for name, operation in service["operations"].items() if operation.get("endpointoperation")]
    operations = {name: service["operations"][name] for name in (*names, *own)}
    shapes: dict[str, Any] = {}
    wanted = _shapes(operations)
    while wanted:
        name = wanted.pop()
        shapes[name] = service["shapes"][name]
        wanted |= _shapes(shapes[name]) - shapes.keys()
    return {**service, "operations": operations, "shapes": shapes}


def _shapes(node: Any) -> set[str]:
    """The names of the shapes that a description refers to. A member may be called `shape`: it is no name."""
    if isinstance(node, dict):
        named = {node["shape"]} if isinstance(node.get("shape"), str) else set()
        return named.union(*map(_shapes, node.values()))
    return set[str]().union(*map(_shapes, node)) if isinstance(node, list) else set()


def _endpoint_of(folder: Path) -> str:
    """The name of a service in its endpoints, which may be another than botocore's: `states` for `stepfunctions`."""
    newest = max(folder.glob("*/service-2.json"))
    return str(json.loads(newest.read_text())["metadata"]["endpointPrefix"])


def _endpoints(endpoints: dict[str, Any], names: set[str]) -> dict[str, Any]:
    """The endpoints of some services, in every partition. Of all services, they take longer to read than a client."""
    return {
        **endpoints,
        "partitions": [
            {**partition, "services": {name: partition["services"][name] for name in names & {*partition["services"]}}}
            for partition in endpoints["partitions"]
        ],
    }


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


if __name__ == "__main__":
    trim(Path(sys.argv[1]))
