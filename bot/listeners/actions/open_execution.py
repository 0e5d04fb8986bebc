"""A click on the link to the execution: Slack opens it by itself, and wants an acknowledgement all the same."""

from __future__ import annotations

from slack_bolt import Ack


def acknowledge(ack: Ack) -> None:
    """Acknowledges the click."""
    ack()
