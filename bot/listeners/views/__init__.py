"""Submissions of dialogs."""

from __future__ import annotations

from slack_bolt import App

from bot.listeners.views.response import submit
from bot.views.modal import CALLBACK_ID


def register(app: App) -> None:
    """Register the listener for the dialog that asks for a response."""
    app.view(CALLBACK_ID)(submit)
