"""The command /approvals: `notify` answers it to the person alone, as it needs a list of approvals."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from slack_bolt import Ack

from approvals.domain.replies import DeferredReply, ReplyKind
from approvals.store.table import ApprovalTable
from bot.listeners.payloads import reading, text
from bot.listeners.replies import stable_id

COMMAND = "/approvals"

MAX_TEXT = 500
"""Characters that are kept of the command's text."""

MAX_URL = 2048
"""Characters of the response URL."""


def defer_command(ack: Ack, body: Mapping[str, Any], table: ApprovalTable, now: datetime) -> None:
    """Leave the command for `notify`, then acknowledge without a text. Raises `MalformedError`.

    Source: https://docs.slack.dev/interactivity/implementing-slash-commands
    """
    with reading("a command"):
        said = str(body.get("text") or "")[:MAX_TEXT]
        said.encode()
        url = text(body["response_url"], MAX_URL)
        command = DeferredReply(
            id=stable_id("command", url),
            kind=ReplyKind.COMMAND,
            user=text(body["user_id"]),
            channel=text(body["channel_id"]),
            workspace=text(body["team_id"]),
            text=said,
            response_url=url,
            left_at=now,
        )
    table.leave_reply(command)
    ack()
