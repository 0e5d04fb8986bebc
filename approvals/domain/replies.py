"""Deferred replies: what a channel's internet-facing function leaves for the backend to show to one user."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from approvals.domain.parts import Text


class ReplyKind(StrEnum):
    """What a deferred reply is. The values are stored."""

    EPHEMERAL = "whisper"
    HOME = "home"
    COMMAND = "command"
    PAGE_LINK = "link"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeferredReply:
    """A reply to one user alone, left for the backend to deliver.

    `channel` is where the user was, empty in the app's Home; `workspace` is the ID of the user's own. `text` is what to
    say; of a command it is what the user typed, of a page link the approval's ID. `response_url` is where a command is
    answered: a capability, kept out of `repr`, and of everything else. `left_at` is None until it is left.
    """

    id: str
    user: str
    kind: ReplyKind = ReplyKind.EPHEMERAL
    channel: str = ""
    text: str | Text = ""
    workspace: str = ""
    response_url: str = field(default="", repr=False)
    left_at: datetime | None = None
