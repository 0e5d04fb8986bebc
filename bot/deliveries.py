"""The Slack messages that show an approval: one in its channel, and direct messages. Pure."""

from __future__ import annotations

from approvals.domain.model import Approval, Delivery
from approvals.domain.summary import Summary
from bot.addresses import SLACK


def messages(approval: Approval | Summary) -> list[Delivery]:
    """Return the Slack messages, the channel's first. Of several there only the latest: those before were deleted."""
    found = [delivery for delivery in approval.deliveries if delivery.channel == SLACK]
    posted = [message for message in found if not message.to]
    return [*posted[-1:], *(message for message in found if message.to)]


def channel_message(approval: Approval | Summary) -> Delivery | None:
    """Return the message in the request's channel, once it is posted."""
    return next((message for message in messages(approval) if not message.to), None)


def direct_messages(approval: Approval) -> list[Delivery]:
    """Return the direct messages."""
    return [message for message in messages(approval) if message.to]
