"""A click on Refresh in the app's Home: noted for `notify`, as its opening is."""

from __future__ import annotations

from typing import Any

from slack_bolt import Ack

from bot.listeners.desk import Desk, approver, text
from bot.listeners.malformed import Malformed


class Refresh:
    """The listener for the button."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def __call__(self, ack: Ack, body: dict[str, Any]) -> None:
        """Notes who wants to see it anew, then acknowledges. Raises `Malformed`."""
        try:
            who, key = approver(body), text(body["trigger_id"])
        except (KeyError, TypeError, AttributeError, UnicodeEncodeError) as error:
            raise Malformed(f"not a click on a button: {type(error).__name__}") from error
        self._desk.leave(self._desk.note(who, "", "", self._desk.key("refresh", key)))
        ack()
