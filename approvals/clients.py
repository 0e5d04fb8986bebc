"""How AWS is called: one configuration for every client, made for functions that people wait for."""

from __future__ import annotations

from botocore.config import Config

CONFIG = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})
"""Seconds. botocore's own default is to wait 60 s: longer than a function lives, and than Slack's 3 s."""
