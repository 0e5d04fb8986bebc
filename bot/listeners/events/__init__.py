"""Events that Slack sends without a click."""

from __future__ import annotations

from slack_bolt import App

from bot.listeners.events.home_opened import open_home


def register(app: App) -> None:
    """Register the listener for the opening of the app's Home."""
    app.event("app_home_opened")(open_home)
