"""The Slack app of bot/manifest.yaml, and the link that creates it for one stack."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

import yaml

MANIFEST = Path(__file__).parent.parent / "bot/manifest.yaml"

NAME = "Approvals"
"""The app's name in Slack: `/invite @Approvals`."""

APPS = "https://api.slack.com/apps"

RETRY_EVENTS = f"{APPS} > your app > Event Subscriptions > Request URL > Retry"
"""The click that has Slack verify the address for events.

Source: https://docs.slack.dev/apis/events-api/using-http-request-urls (verifying a request URL)
"""

_PLACEHOLDER = re.compile(r"https://REPLACE-WITH-SlackRequestUrl[^\s\"']*")

TOKEN = re.compile(r"xoxb-[A-Za-z0-9-]+")
SIGNING_SECRET = re.compile(r"[0-9a-z]{32}")
CHANNEL = re.compile(r"[CDG][A-Z0-9]{6,20}")
"""The template's own pattern for `SlackChannel`."""


def manifest(request_url: str) -> str:
    """Return the manifest as YAML, with a stack's `SlackRequestUrl` in place of the placeholders."""
    lines = [line for line in MANIFEST.read_text().splitlines() if not line.startswith("#")]
    return _PLACEHOLDER.sub(request_url, "\n".join(lines) + "\n")


def create_link(request_url: str) -> str:
    """Return the link that opens Slack's page to create the app, filled in.

    Source: https://docs.slack.dev/app-manifests/configuring-apps-with-app-manifests (sharing manifests)
    """
    return f"{APPS}?new_app=1&manifest_yaml={quote(manifest(request_url), safe='')}"


def scopes() -> frozenset[str]:
    """Return the bot scopes that the app needs."""
    return frozenset(yaml.safe_load(MANIFEST.read_text())["oauth_config"]["scopes"]["bot"])
