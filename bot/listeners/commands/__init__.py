"""What people ask for in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.listeners.commands.approvals import Command
from bot.listeners.desk import Desk

if TYPE_CHECKING:
    from slack_bolt import App

COMMAND = "/approvals"


def register(app: App, desk: Desk) -> None:
    """Registers the slash command."""
    app.command(COMMAND)(Command(desk))
