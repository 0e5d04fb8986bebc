"""Slash commands."""

from __future__ import annotations

from slack_bolt import App

from bot.listeners.commands.approvals import approvals

COMMAND = "/approvals"


def register(app: App) -> None:
    """Register the listener for the slash command."""
    app.command(COMMAND)(approvals)
