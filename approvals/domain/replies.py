"""Deferred replies: what a channel's internet-facing function leaves for the backend to show to one user."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from approvals.domain.parts import Text


class NoteKind(StrEnum):
    """What a note asks for: to say a text, to show the app's Home anew, to answer a command, to hand out a link."""

    WHISPER = "whisper"
    HOME = "home"
    COMMAND = "command"
    LINK = "link"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something for one user alone, left for the backend to deliver.

    `channel` is where they were, empty in the app's Home; `workspace` is the id of theirs. `text` is what to say to
    them, empty for nothing; of a command it is what they typed, of a link the approval's id. `response_url` is where a
    command is answered: a capability, kept out of `repr`, and of everything else. `left_at` is None until it is left.
    """

    id: str
    user: str
    kind: NoteKind = NoteKind.WHISPER
    channel: str = ""
    text: str | Text = ""
    workspace: str = ""
    response_url: str = field(default="", repr=False)
    left_at: datetime | None = None
