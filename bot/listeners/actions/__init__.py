"""Clicks on buttons of a message or of the app's Home, and choices in menus."""

from __future__ import annotations

from functools import partial

from slack_bolt import App

from approvals.domain.model import Action
from bot.listeners.actions.links import follow
from bot.listeners.actions.overflow_menu import choose
from bot.listeners.actions.read import read
from bot.listeners.actions.refresh import refresh
from bot.listeners.actions.response import respond_with
from bot.listeners.clicks import find_approval
from bot.views.buttons import ACTION_IDS, MORE_ID, OPEN_EXECUTION_ID, READ_ID
from bot.views.home import REFRESH_ID
from bot.views.rows import OPEN_MESSAGE_ID


def register(app: App) -> None:
    """Register the listeners for buttons and menus."""
    about_an_approval = [find_approval]
    for action in Action:
        # Bolt injects by name what is not bound by position: it does not see arguments that are bound by name.
        app.action(ACTION_IDS[action], middleware=about_an_approval)(partial(respond_with, action))
    app.action(MORE_ID, middleware=about_an_approval)(choose)
    app.action(READ_ID, middleware=about_an_approval)(read)
    app.action(OPEN_EXECUTION_ID)(follow)
    app.action(OPEN_MESSAGE_ID)(follow)
    app.action(REFRESH_ID)(refresh)
