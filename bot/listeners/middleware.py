"""Middleware of listeners: it runs before them and gives them more arguments.

Source: https://docs.slack.dev/tools/bolt-python/concepts/listener-middleware
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger
from slack_bolt import Ack, BoltContext, BoltResponse

from approvals.store.table import ApprovalTable, NotFoundError
from bot.listeners.interactions import read_click
from bot.listeners.replies import GONE, reply_to


def find_approval(
    ack: Ack,
    body: Mapping[str, Any],
    context: BoltContext,
    next_: Callable[[], object],
    table: ApprovalTable,
    now: datetime,
    log: Logger,
) -> BoltResponse | None:
    """Put a click and its approval into the context; without a record, tell the person and acknowledge."""
    context["click"] = click = read_click(body, now)
    log.append_keys(approval_id=click.approval_id)
    try:
        context["approval"] = table.get(click.approval_id)
    except NotFoundError:
        log.warning("click on an unknown approval")
        table.leave_note(reply_to(click, GONE))
        return ack()
    next_()
    return None
