"""Somebody opened the app's Home: noted for `notify`, which may list approvals; this function may not."""

from __future__ import annotations

from typing import Any

from slack_bolt import Ack

from approvals.domain.replies import Note, NoteKind
from bot.listeners.desk import Desk, text
from bot.listeners.malformed import Malformed


class HomeOpened:
    """The listener for `app_home_opened`.

    Source: https://docs.slack.dev/reference/events/app_home_opened
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def __call__(self, ack: Ack, body: dict[str, Any]) -> None:
        """Notes who opened it, then acknowledges. Raises `Malformed`."""
        self._desk.leave(self._note(body))
        ack()

    def _note(self, body: dict[str, Any]) -> Note | None:
        """Return the note for an opened Home, None for another tab. Raises `Malformed`."""
        try:
            event = body["event"]
            if event.get("tab", "home") != "home":
                return None
            # Slack repeats an event it holds for lost, with the same id: the note is the same one, then.
            key = self._desk.key("home", text(body["event_id"]))
            user, workspace, now = text(event["user"]), text(body["team_id"]), self._desk.clock()
        except (KeyError, TypeError, AttributeError, UnicodeEncodeError) as error:
            raise Malformed(f"not an opened home: {type(error).__name__}") from error
        return Note(id=key, kind=NoteKind.HOME, user=user, workspace=workspace, left_at=now)
