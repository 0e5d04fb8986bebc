"""Clicks on buttons of a message or of the app's Home, and choices in menus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from approvals.domain.model import Action
from bot.listeners.actions.answer import Answer
from bot.listeners.actions.links import acknowledge
from bot.listeners.actions.overflow_menu import More
from bot.listeners.actions.read import Read
from bot.listeners.actions.refresh import Refresh
from bot.listeners.desk import Desk
from bot.views.buttons import ACTION_IDS, MORE_ID, OPEN_EXECUTION_ID, READ_ID
from bot.views.home import REFRESH_ID
from bot.views.rows import OPEN_MESSAGE_ID

if TYPE_CHECKING:
    from slack_bolt import App


def register(app: App, desk: Desk) -> None:
    """Registers the buttons and menus."""
    for action in Action:
        app.action(ACTION_IDS[action])(Answer(action, desk))
    app.action(MORE_ID)(More(desk))
    app.action(READ_ID)(Read(desk))
    for link in (OPEN_EXECUTION_ID, OPEN_MESSAGE_ID):
        app.action(link)(acknowledge)
    app.action(REFRESH_ID)(Refresh(desk))
