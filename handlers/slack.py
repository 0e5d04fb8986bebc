"""The connection to Slack of the functions that tell people, where there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.messenger import SlackMessenger


def connect(channel: str, secret_arn: str, api_url: str) -> SlackMessenger | None:
    """The messenger for the stack's channel; None without one: Slack is not configured then."""
    if not channel:
        return None
    from bot.messenger import SlackMessenger  # noqa: PLC0415 email alone does not pay for Slack's client

    return SlackMessenger.connect(channel, secret_arn, api_url)
