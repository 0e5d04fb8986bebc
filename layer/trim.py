"""Remove from the installed layer the folders and the service data that no function uses. Edit no source.

The Makefile beside this file runs `python3 trim.py FOLDER`. It fails if a folder that it names is missing, so that a
person looks at the new version of a dependency. tests/functional/test_layer.py runs every function from the rest.
"""

from __future__ import annotations

import csv
import gzip
import json
import shutil
import sys
from base64 import urlsafe_b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

SERVICES = ("dynamodb", "events", "secretsmanager", "sns", "sqs", "ssm", "stepfunctions")
"""The services that the functions call (approvals/adapters/clients.py). botocore has data for more than 400: 25 MB."""

LEFT_OUT = (
    # boto3's resources, and the examples in its documentation: the functions use clients.
    "boto3/data",
    "boto3/examples",
    # Slack's APIs for sockets and administrators.
    "slack",
    "slack_sdk/audit_logs",
    "slack_sdk/rtm",
    "slack_sdk/rtm_v2",
    "slack_sdk/scim",
    "slack_sdk/socket_mode",
    # API Gateway routes, which include Swagger UI, and utilities that no function imports.
    "aws_lambda_powertools/event_handler",
    *(
        f"aws_lambda_powertools/utilities/{name}"
        for name in ("data_masking", "feature_flags", "idempotency", "kafka", "parser", "streaming", "validation")
    ),
    # Commands for people.
    "bin",
)
"""Folders in the layer."""

ADAPTERS = ("aws_lambda",)
"""Bolt's adapters that the app uses. The others are for servers."""


def trim(layer: Path) -> None:
    """Trim the packages that are installed in a folder. Raise `FileNotFoundError` if a folder is missing."""
    data = layer / "botocore/data"
    unused = [layer / name for name in LEFT_OUT]
    for parent, used in ((layer / "slack_bolt/adapter", ADAPTERS), (data, SERVICES)):
        unused += [path for path in parent.iterdir() if path.is_dir() and path.name not in used]
    for folder in unused:
        shutil.rmtree(folder)
    _trim_endpoints(data)
    for record in layer.glob("*.dist-info/RECORD"):
        _update_record(record, layer)


def _trim_endpoints(data: Path) -> None:
    """Keep only the endpoints of these services: reading all of them takes longer than making a client."""
    path = data / "endpoints.json"
    endpoints = json.loads(path.read_text())
    names = {_endpoint_prefix(data / service) for service in SERVICES}
    for partition in endpoints["partitions"]:
        partition["services"] = {name: each for name, each in partition["services"].items() if name in names}
    path.write_text(json.dumps(endpoints, separators=(",", ":")))


def _endpoint_prefix(folder: Path) -> str:
    """Return a service's name in the endpoints, such as `states` for botocore's `stepfunctions`."""
    newest = max(folder.glob("*/service-2.json.gz"))
    service: dict[str, Any] = json.loads(gzip.decompress(newest.read_bytes()))
    return str(service["metadata"]["endpointPrefix"])


def _update_record(record: Path, layer: Path) -> None:
    """Rewrite a package's RECORD for the files that are left, so that an SBOM scanner sees what runs.

    Source: https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-record-file
    """
    with record.open(newline="") as file:
        rows = [row for row in csv.reader(file) if (layer / row[0]).exists()]
    with record.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(_entry(layer, *row) for row in rows)


def _entry(layer: Path, name: str, digest: str, size: str) -> tuple[str, str, str]:
    if not digest:  # RECORD's own entry.
        return name, digest, size
    content = (layer / name).read_bytes()
    return name, f"sha256={urlsafe_b64encode(sha256(content).digest()).decode().rstrip('=')}", str(len(content))


if __name__ == "__main__":
    trim(Path(sys.argv[1]))
