"""The Slack messages that show an approval: one in its channel, and direct messages. Pure."""

from __future__ import annotations

from approvals.domain.model import Approval, Delivery
from approvals.domain.summary import Summary
from bot.addresses import SLACK


def messages(approval: Approval | Summary) -> list[Delivery]:
    """Return the Slack messages, the latest in a channel first, then those to single people.

    Of several in one channel only the latest: those before were deleted.
    """
    found = [delivery for delivery in approval.deliveries if delivery.channel == SLACK]
    posted: dict[str, Delivery] = {}
    for message in found:
        if not message.to:
            posted.pop(message.place, None)
            posted[message.place] = message
    return [*reversed(posted.values()), *(message for message in found if message.to)]


def channel_message(approval: Approval | Summary) -> Delivery | None:
    """Return the message in the request's channel, once it is posted."""
    return next((message for message in messages(approval) if not message.to), None)


def direct_messages(approval: Approval) -> list[Delivery]:
    """Return the direct messages."""
    return [message for message in messages(approval) if message.to]
