"""Leave out of the installed layer the files and the service descriptions that no function uses. Edit no source.

Called by the Makefile beside this file: `python3 trim.py FOLDER`. It fails when a file that it names is missing, so
that a person looks at a new version of a dependency. tests/functional/test_layer.py builds every client and runs every
function from what is left.
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

SERVICES = ("dynamodb", "events", "secretsmanager", "sns", "sqs", "stepfunctions")
"""The services that the functions call (approvals/adapters/clients.py). botocore describes more than 400, in 25 MB."""

LEFT_OUT = (
    # Descriptions of boto3's resources and examples for its documentation: the functions use clients.
    "boto3/data",
    "boto3/examples",
    # Servers, sockets and other platforms' adapters: Lambda has none of them.
    "slack",
    "slack_sdk/audit_logs",
    "slack_sdk/rtm",
    "slack_sdk/rtm_v2",
    "slack_sdk/scim",
    "slack_sdk/socket_mode",
    # API Gateway routes, which bring a page of Swagger UI, and utilities that no function imports.
    "aws_lambda_powertools/event_handler",
    *(
        f"aws_lambda_powertools/utilities/{name}"
        for name in ("data_masking", "feature_flags", "idempotency", "kafka", "parser", "streaming", "validation")
    ),
    # Commands for people.
    "bin",
)
"""Files and folders in the layer."""

ADAPTER = "aws_lambda"
"""The one of Bolt's adapters that the app uses."""


def trim(layer: Path) -> None:
    """Trim the packages installed in a folder. Raises `FileNotFoundError` for a file that is not there."""
    for name in LEFT_OUT:
        _remove(layer / name)
    adapters = layer / "slack_bolt/adapter"
    for folder in [path for path in adapters.iterdir() if path.is_dir() and path.name != ADAPTER]:
        shutil.rmtree(folder)
    data = layer / "botocore/data"
    for folder in [path for path in data.iterdir() if path.is_dir() and path.name not in SERVICES]:
        shutil.rmtree(folder)
    _trim_endpoints(data)
    for record in layer.glob("*.dist-info/RECORD"):
        _keep_true(record, layer)


def _trim_endpoints(data: Path) -> None:
    """Keep the endpoints of our services alone, in every partition: reading all takes longer than building a client."""
    path = data / "endpoints.json"
    endpoints = json.loads(path.read_text())
    names = {_endpoint_prefix(data / service) for service in SERVICES}
    for partition in endpoints["partitions"]:
        partition["services"] = {name: each for name, each in partition["services"].items() if name in names}
    path.write_text(json.dumps(endpoints, separators=(",", ":")))


def _endpoint_prefix(folder: Path) -> str:
    """Return the service's name among the endpoints: `states` for botocore's `stepfunctions`."""
    newest = max(folder.glob("*/service-2.json.gz"))
    service: dict[str, Any] = json.loads(gzip.decompress(newest.read_bytes()))
    return str(service["metadata"]["endpointPrefix"])


def _keep_true(record: Path, layer: Path) -> None:
    """Rewrite a package's RECORD to the files that are left, so that scanners see what is installed.

    Source: https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-record-file
    """
    with record.open(newline="") as file:
        rows = [row for row in csv.reader(file) if (layer / row[0]).exists()]
    with record.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(_entry(layer, *row) for row in rows)


def _entry(layer: Path, name: str, digest: str, size: str) -> tuple[str, str, str]:
    if not digest:  # RECORD itself has none.
        return name, digest, size
    content = (layer / name).read_bytes()
    return name, f"sha256={urlsafe_b64encode(sha256(content).digest()).decode().rstrip('=')}", str(len(content))


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


if __name__ == "__main__":
    trim(Path(sys.argv[1]))
