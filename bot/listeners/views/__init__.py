"""Dialogs that people send off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.listeners.desk import Desk
from bot.listeners.views.answer import Submission
from bot.views.modal import CALLBACK_ID

if TYPE_CHECKING:
    from slack_bolt import App


def register(app: App, desk: Desk) -> None:
    """Registers the dialog that takes an answer."""
    app.view(CALLBACK_ID)(Submission(desk))
