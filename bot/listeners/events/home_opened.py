"""The opening of the app's Home: `notify` publishes it, as it needs a list of approvals."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from slack_bolt import Ack

from approvals.domain.replies import Note, NoteKind
from approvals.store.table import ApprovalTable
from bot.listeners.payloads import reading, text
from bot.listeners.replies import reply_id


def open_home(ack: Ack, body: Mapping[str, Any], table: ApprovalTable, now: datetime) -> None:
    """Leave a request for the Home if its tab was opened, then acknowledge. Raises `MalformedError`.

    Source: https://docs.slack.dev/reference/events/app_home_opened
    """
    home = None
    with reading("an opened Home"):
        event = body["event"]
        if event.get("tab", "home") == "home":
            # Slack repeats an event that it holds for lost, with the same ID: its reply is the same one.
            id_ = reply_id("home", text(body["event_id"]))
            user, workspace = text(event["user"]), text(body["team_id"])
            home = Note(id=id_, kind=NoteKind.HOME, user=user, workspace=workspace, left_at=now)
    if home:
        table.leave_note(home)
    ack()
