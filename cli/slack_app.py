"""The Slack app as bot/manifest.yaml describes it, and the link that creates it for one stack."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

MANIFEST = Path(__file__).parent.parent / "bot/manifest.yaml"

NAME = "Approvals"
"""What people call the app: `/invite @Approvals`."""

APPS = "https://api.slack.com/apps"

_PLACEHOLDER = re.compile(r"https://REPLACE-WITH-SlackRequestUrl[^\s\"']*")

TOKEN = re.compile(r"xoxb-[A-Za-z0-9-]+")
SIGNING_SECRET = re.compile(r"[0-9a-z]{32}")
CHANNEL = re.compile(r"[CDG][A-Z0-9]{6,20}")
"""The template's own pattern for `SlackChannel`."""


def manifest(request_url: str) -> str:
    """The manifest, as YAML, with a stack's `SlackRequestUrl` wherever Slack is to send something."""
    lines = [line for line in MANIFEST.read_text().splitlines() if not line.startswith("#")]
    return _PLACEHOLDER.sub(request_url, "\n".join(lines) + "\n")


def create_link(request_url: str) -> str:
    """The link that opens Slack's page to create the app, all of it filled in.

    Source: https://docs.slack.dev/app-manifests/configuring-apps-with-app-manifests (sharing manifests)
    """
    return f"{APPS}?new_app=1&manifest_yaml={quote(manifest(request_url), safe='')}"


def scopes() -> frozenset[str]:
    """What the app must be allowed to do as a bot."""
    described: dict[str, Any] = yaml.safe_load(MANIFEST.read_text())
    return frozenset(described["oauth_config"]["scopes"]["bot"])
