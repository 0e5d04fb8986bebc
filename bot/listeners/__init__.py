"""Bolt's listeners: functions with injected arguments. They may import the core, and views and clients of `bot`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from aws_lambda_powertools import Logger
from slack_bolt import Ack, App, BoltContext, BoltResponse

from approvals.domain.model import Action
from approvals.store.table import ApprovalTable, NotFoundError
from bot.listeners.buttons import respond_with, send_page_link
from bot.listeners.home import open_home, refresh
from bot.listeners.modal import submit
from bot.listeners.overflow_menu import choose
from bot.listeners.payloads import MalformedError, read_click
from bot.listeners.replies import GONE, reply_to
from bot.listeners.slash_command import COMMAND, defer_command
from bot.views.buttons import ACTION_IDS, MENU_ID, OPEN_EXECUTION_ID, OPEN_MESSAGE_ID, READ_ID, REFRESH_ID
from bot.views.modal import CALLBACK_ID


def register_listeners(app: App) -> None:
    """Register every listener with the app. Bolt injects the values that `bot/app.py` puts into the context."""
    for action in Action:
        # Bound by position: of a function with arguments that are bound by name, Bolt sees no others.
        app.action(ACTION_IDS[action], middleware=[find_approval])(partial(respond_with, action))
    app.action(MENU_ID, middleware=[find_approval])(choose)
    app.action(READ_ID, middleware=[find_approval])(send_page_link)
    app.action(REFRESH_ID)(refresh)
    app.action(OPEN_EXECUTION_ID)(acknowledge)
    app.action(OPEN_MESSAGE_ID)(acknowledge)
    app.command(COMMAND)(defer_command)
    app.event("app_home_opened")(open_home)
    app.view(CALLBACK_ID)(submit)
    app.error(answer_error)


def find_approval(
    ack: Ack,
    body: Mapping[str, Any],
    context: BoltContext,
    next_: Callable[[], object],
    table: ApprovalTable,
    now: datetime,
    sent_at: datetime,
    log: Logger,
) -> BoltResponse | None:
    """Put a click and its approval into the context for the listener; without a record, tell the person."""
    context["click"] = click = read_click(body, now, sent_at)
    log.append_keys(approval_id=click.approval_id)
    try:
        context["approval"] = table.get(click.approval_id)
    except NotFoundError:
        log.warning("click on an unknown approval")
        table.leave_reply(reply_to(click, GONE))
        return ack()
    next_()
    return None


def acknowledge(ack: Ack) -> None:
    """Acknowledge a click on a link: Slack opens it by itself."""
    ack()


def answer_error(error: Exception, logger: logging.Logger) -> BoltResponse:
    """Answer a malformed request with 401. Raise every other error: the invocation fails, which raises the alarm.

    Bolt calls this twice for an error of a listener, so nothing is logged before it has left Bolt.
    """
    if not isinstance(error, MalformedError):
        raise error
    logger.warning("refused: %s", error)
    return BoltResponse(status=401, body="malformed")
