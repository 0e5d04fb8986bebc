"""Bolt's listeners, in a folder for each kind. They may import the core, and of this package its views and clients."""

from __future__ import annotations

import logging

from slack_bolt import App, BoltResponse

from bot.listeners import actions, commands, events, views
from bot.listeners.payloads import MalformedError


def register_listeners(app: App) -> None:
    """Register every listener with the app. They get what `bot/app.py` puts into the context, by its name there."""
    actions.register(app)
    commands.register(app)
    events.register(app)
    views.register(app)
    app.error(answer_error)


def answer_error(error: Exception, logger: logging.Logger) -> BoltResponse:
    """Answer a malformed request with 401. Raise every other error: the invocation fails, which raises the alarm.

    Bolt calls this twice for an error of a listener, so nothing is logged before it has left Bolt.
    """
    if not isinstance(error, MalformedError):
        raise error
    logger.warning("refused: %s", error)
    return BoltResponse(status=401, body="malformed")
