"""What differs from the last approved request of the subject: sentences of the product, and the changes as a quote."""

from __future__ import annotations

from slack_sdk.models.blocks import Block

from approvals.domain.comparison import place_sees_values, sees_values
from approvals.domain.comparison_wording import change_rows, comparison_lead, comparison_notes
from approvals.domain.model import Approval, Delivery
from approvals.domain.people import Approver
from bot.addresses import SLACK, is_slack_user
from bot.views.details import lines, quote

MAX_SENTENCE = 2500
MAX_CHANGES = 2500
"""Shares of what a message may weigh: the changes must leave room for the request."""


def comparison(approval: Approval, *, values: bool) -> list[Block]:
    """Return the lead, the changes and the notes, with values if the reader may see the earlier ones."""
    lead = comparison_lead(approval)
    notes = comparison_notes(approval, values=values)
    rows = "\n".join(f"{name}: {value}" for name, value in change_rows(approval, values=values))
    if not lead:
        return []
    after = lines([notes], MAX_SENTENCE) if notes else []
    return [*lines([lead], MAX_SENTENCE), *quote(rows, MAX_CHANGES), *after]


def user_sees_values(approval: Approval, user: str, *, in_place: bool = True) -> bool:
    """Return True if a Slack user may see the earlier values. `in_place` is as in `sees_values`."""
    return sees_values(approval, Approver(id=user, name=user, channel=SLACK, realm=""), in_place=in_place)


def readers_see_values(approval: Approval, message: Delivery) -> bool:
    """Return True if all who read a message may see the earlier values."""
    channel = approval.request.channel or ""
    if user := message.to or (channel if is_slack_user(channel) else ""):
        return user_sees_values(approval, user)
    return place_sees_values(approval, message.place)
