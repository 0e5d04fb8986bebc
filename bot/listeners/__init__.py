"""What the app listens to: a folder for each kind of listener."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.listeners import actions, commands, events, views
from bot.listeners.desk import Desk
from bot.listeners.malformed import answer_error

if TYPE_CHECKING:
    from slack_bolt import App


def register_listeners(app: App, desk: Desk) -> None:
    """Registers every listener with the app."""
    actions.register(app, desk)
    commands.register(app, desk)
    events.register(app, desk)
    views.register(app, desk)
    app.error(answer_error)
