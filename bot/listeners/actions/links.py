"""Buttons that are links: Slack opens them by itself, and wants an acknowledgement all the same."""

from __future__ import annotations

from slack_bolt import Ack


def follow(ack: Ack) -> None:
    """Acknowledge the click."""
    ack()
