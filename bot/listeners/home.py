"""The app's Home, opened or refreshed: `notify` publishes it, as it needs a list of approvals."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger
from slack_bolt import Ack

from approvals.domain.replies import DeferredReply, ReplyKind
from approvals.store.table import ApprovalTable
from bot.listeners.payloads import read_approver, reading, text
from bot.listeners.replies import ephemeral_reply, stable_id
from bot.request_verification import EVENT_TAKEN


def open_home(ack: Ack, body: Mapping[str, Any], table: ApprovalTable, now: datetime, log: Logger) -> None:
    """Leave a request for the Home if its tab was opened, then acknowledge. Raises `MalformedError`.

    Source: https://docs.slack.dev/reference/events/app_home_opened
    """
    with reading("an opened Home"):
        event = body["event"]
        # Slack may send an event twice, with the same ID: its reply is the same one.
        id_ = stable_id("home", text(body["event_id"]))
        user, workspace = text(event["user"]), text(body["team_id"])
    log.info(EVENT_TAKEN)
    if event.get("tab", "home") == "home":
        table.leave_reply(DeferredReply(id=id_, kind=ReplyKind.HOME, user=user, workspace=workspace, left_at=now))
    ack()


def refresh(ack: Ack, body: Mapping[str, Any], table: ApprovalTable, now: datetime) -> None:
    """Leave a request for the Home, then acknowledge. Raises `MalformedError`."""
    with reading("a click on a button"):
        viewer, key = read_approver(body), text(body["trigger_id"])
    table.leave_reply(ephemeral_reply(stable_id("refresh", key), viewer, "", "", now))
    ack()
