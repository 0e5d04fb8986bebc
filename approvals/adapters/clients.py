"""Share one boto3 session among a function's AWS clients, which it creates when it starts."""

from __future__ import annotations

from functools import cache

import boto3
import botocore.session
from botocore.config import Config

CONFIG = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})
"""Seconds. botocore waits 60 s by default: longer than a function runs, and than a click may take."""


@cache
def session() -> boto3.Session:
    """Return the session of all clients: reading credentials and endpoints takes longer than creating a client.

    The layer has the services that functions use, and no others.
    """
    core = botocore.session.get_session()
    core.set_default_client_config(CONFIG)
    return boto3.Session(botocore_session=core)
