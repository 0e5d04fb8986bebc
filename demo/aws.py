"""The environment and the clients of the local run. They reach emulated AWS only, never a real account."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import boto3
from botocore.config import Config

REGION = "us-east-1"
ACCOUNT = "000000000000"
PORT = 4566
"""The emulator's port, unless `AWS_PORT` says otherwise."""

KEY = f"LOCAL{secrets.token_hex(16).upper()}"
"""The access key ID of this run. The emulator does not check the secret key: who knows the ID can do everything, so the
ID is the secret. It is never printed or logged."""

_SECRET = secrets.token_hex(16)


def isolate(port: int) -> None:
    """Point this process and its children at the emulator, whatever credentials and profiles it was started with."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            del os.environ[name]
    os.environ.update(
        AWS_ENDPOINT_URL=endpoint(port),
        AWS_ACCESS_KEY_ID=KEY,
        AWS_SECRET_ACCESS_KEY=_SECRET,
        AWS_DEFAULT_REGION=REGION,
        AWS_REGION=REGION,
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        AWS_EC2_METADATA_DISABLED="true",
        NO_PROXY="127.0.0.1,localhost",
        no_proxy="127.0.0.1,localhost",
        SAM_CLI_TELEMETRY="0",
        SAM_CLI_POLL_DELAY="0.2",  # Its default of 5 s is for the real CloudFormation.
    )


def endpoint(port: int) -> str:
    """Return the emulator's address."""
    return f"http://127.0.0.1:{port}"


def write_credentials(file: Path) -> None:
    """Write this run's key for `approvals --local` and the developer's own AWS CLI. Only the owner can read it."""
    file.unlink(missing_ok=True)
    with open(file, "x", opener=lambda path, flags: os.open(path, flags, 0o600)) as opened:
        opened.write(f"[default]\naws_access_key_id = {KEY}\naws_secret_access_key = {_SECRET}\n")


def session() -> boto3.Session:
    """Return a session with this run's key. Call `isolate` first: it sets the endpoint that clients use."""
    return boto3.Session(aws_access_key_id=KEY, aws_secret_access_key=_SECRET, region_name=REGION)


CONFIG = Config(connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 3})
