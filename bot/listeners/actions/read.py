"""The button that leads to the page: `notify` sends a link to the person who clicked."""

from __future__ import annotations

from datetime import datetime

from slack_bolt import Ack

from approvals.domain.model import Approval
from approvals.store.table import ApprovalTable
from bot.listeners.clicks import Click
from bot.listeners.replies import page_link


def read(ack: Ack, click: Click, approval: Approval, table: ApprovalTable, now: datetime) -> None:
    """Leave a request for a link, then acknowledge."""
    table.leave_note(page_link(approval.id, click.approver, click.channel, click.key, now))
    ack()
