"""A click on a link: Slack opens it by itself, and wants an acknowledgement all the same."""

from __future__ import annotations

from slack_bolt import Ack


def acknowledge(ack: Ack) -> None:
    """Acknowledges the click."""
    ack()
