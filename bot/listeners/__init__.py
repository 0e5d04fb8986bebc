"""Bolt's listeners: functions with injected arguments. They may import the core, and views and clients of `bot`."""

from __future__ import annotations

import logging
from functools import partial

from slack_bolt import Ack, App, BoltResponse

from approvals.domain.model import Action
from bot.listeners.buttons import respond_with, send_page_link
from bot.listeners.home import open_home, refresh
from bot.listeners.middleware import find_approval
from bot.listeners.modal import submit
from bot.listeners.overflow_menu import choose
from bot.listeners.payloads import MalformedError
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
