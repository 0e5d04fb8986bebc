"""Clicks on a message's buttons, and choices in its menu."""

from __future__ import annotations

from typing import TYPE_CHECKING

from approvals.model import Action
from bot.listeners.actions.answer import Answer
from bot.listeners.actions.more import More
from bot.listeners.actions.open_execution import acknowledge
from bot.listeners.desk import Desk
from bot.views.buttons import ACTION_IDS, MORE_ID, OPEN_EXECUTION_ID

if TYPE_CHECKING:
    from slack_bolt import App


def register(app: App, desk: Desk) -> None:
    """Registers the buttons and the menu of an approval's message."""
    for action in Action:
        app.action(ACTION_IDS[action])(Answer(action, desk))
    app.action(MORE_ID)(More(desk))
    app.action(OPEN_EXECUTION_ID)(acknowledge)
