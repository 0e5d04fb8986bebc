"""What Slack tells of by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.listeners.desk import Desk
from bot.listeners.events.home_opened import HomeOpened

if TYPE_CHECKING:
    from slack_bolt import App


def register(app: App, desk: Desk) -> None:
    """Registers the opening of the app's Home."""
    app.event("app_home_opened")(HomeOpened(desk))
