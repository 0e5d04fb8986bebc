"""/approvals: noted for `notify`, which may list approvals and answers to this person alone; this function may not."""

from __future__ import annotations

from typing import Any

from slack_bolt import Ack

from approvals.domain.replies import Note, NoteKind
from bot.listeners.desk import Desk, text
from bot.listeners.malformed import Malformed

MAX_TEXT = 500
"""Characters of what was typed that are kept."""

MAX_URL = 2048
"""Characters of the address for the answer."""


class Command:
    """The listener for the slash command.

    Source: https://docs.slack.dev/interactivity/implementing-slash-commands
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def __call__(self, ack: Ack, body: dict[str, Any]) -> None:
        """Notes what was asked, then acknowledges without a word: the answer follows. Raises `Malformed`."""
        try:
            said = str(body.get("text") or "")[:MAX_TEXT]
            said.encode()
            url = text(body["response_url"], MAX_URL)
            note = Note(
                id=self._desk.key("command", url),
                kind=NoteKind.COMMAND,
                user=text(body["user_id"]),
                channel=text(body["channel_id"]),
                workspace=text(body["team_id"]),
                text=said,
                response_url=url,
                left_at=self._desk.clock(),
            )
        except (KeyError, TypeError, AttributeError, UnicodeEncodeError) as error:
            raise Malformed(f"not a command: {type(error).__name__}") from error
        self._desk.leave(note)
        ack()
