"""Leaves out of the installed layer what no function of ours reads, and lets what they do read be read fast.

Called by the Makefile beside this file: `python3 trim.py FOLDER`. It fails when something it names is not there any
more, so that a new version of a dependency is looked at. tests/functional/test_layer.py builds every client and runs
every function from what is left.
"""

from __future__ import annotations

import gzip
import json
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

SERVICES = ("dynamodb", "events", "secretsmanager", "sns", "sqs", "stepfunctions")
"""The services that functions call, by approvals/clients.py; botocore describes more than 400."""

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


def trim(layer: Path) -> None:
    """Trims the installed packages in a folder."""
    for name in LEFT_OUT:
        _remove(layer / name)
    for record in layer.glob("*.dist-info/RECORD"):
        record.unlink()  # It lists files that are not there any more.
    data = layer / "botocore/data"
    for folder in data.iterdir():
        if folder.is_dir() and folder.name not in SERVICES:
            shutil.rmtree(folder)
    for service in SERVICES:
        _rewrite_service(data / service)
    _rewrite(data / "endpoints.json", partial(_endpoints, names={_endpoint_of(data / name) for name in SERVICES}))


def _rewrite_service(folder: Path) -> None:
    for examples in folder.glob("*/examples-1.json*"):
        examples.unlink()
    for packed in folder.glob("*/*.json.gz"):
        plain = packed.with_suffix("")
        plain.write_bytes(gzip.decompress(packed.read_bytes()))
        packed.unlink()
        _rewrite(plain, _undocumented)


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
