"""The Refresh button of the app's Home: `notify` publishes the Home, which needs a list of approvals."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from slack_bolt import Ack

from approvals.store.table import ApprovalTable
from bot.listeners.payloads import approver, reading, text
from bot.listeners.replies import message, reply_id


def refresh(ack: Ack, body: Mapping[str, Any], table: ApprovalTable, now: datetime) -> None:
    """Leave a request for the Home, then acknowledge. Raises `MalformedError`."""
    with reading("a click on a button"):
        viewer, key = approver(body), text(body["trigger_id"])
    table.leave_note(message(reply_id("refresh", key), viewer, "", "", now))
    ack()
