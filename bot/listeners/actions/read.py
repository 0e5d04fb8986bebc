"""The button that leads to the page: `notify` sends a link to the person who clicked."""

from __future__ import annotations

from slack_bolt import Ack

from approvals.store.table import ApprovalTable
from bot.listeners.interactions import Interaction
from bot.listeners.replies import page_link


def read(ack: Ack, click: Interaction, table: ApprovalTable) -> None:
    """Leave a request for a link, then acknowledge."""
    table.leave_note(page_link(click))
    ack()
