"""The connection to Slack of the functions that tell people, where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from approvals.domain.errors import DeliveryRefused

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

    from bot.messenger import SlackMessenger


def connect(channel: str, secret_arn: str, api_url: str) -> SlackMessenger | None:
    """The messenger for the stack's channel; None without one: Slack is not configured then."""
    if not channel:
        return None
    from bot.messenger import SlackMessenger  # noqa: PLC0415 email alone does not pay for Slack's client

    return SlackMessenger.connect(channel, secret_arn, api_url)


@contextmanager
def unless_refused(logger: Logger) -> Iterator[None]:
    """Leaves it at that where the message was deleted, or its channel closed: trying again would change nothing."""
    try:
        yield
    except DeliveryRefused as refused:
        logger.warning("slack message left as it is", extra={"reason": str(refused)})
