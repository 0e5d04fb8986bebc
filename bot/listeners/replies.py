"""Replies that listeners leave for `notify` to deliver: the Slack app can neither list approvals nor sign links."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from approvals.domain.model import Approver, Note, NoteKind

GONE = "This request is no longer on record, so your answer could not be taken."

NO_ROOM = (
    "Your response is not recorded: the record of this request has no room left. Shorten what you wrote, or ask for a "
    "new request with less text."
)


def message(id_: str, approver: Approver, channel: str, said: str, now: datetime) -> Note:
    """Return an ephemeral message to a person in a channel; without a channel, the app's Home with `said` on top."""
    return Note(
        id=id_,
        kind=NoteKind.WHISPER if channel else NoteKind.HOME,
        channel=channel,
        user=approver.id,
        text=said,
        workspace=approver.workspace,
        left_at=now,
    )


def page_link(approval_id: str, approver: Approver, channel: str, key: str, now: datetime) -> Note:
    """Return the request for a link to the page, for one person. The Slack app has no right to sign one."""
    return Note(
        id=reply_id("link", approval_id, approver.id, key),
        kind=NoteKind.LINK,
        channel=channel,
        user=approver.id,
        text=approval_id,
        workspace=approver.workspace,
        left_at=now,
    )


def reply_id(*parts: str) -> str:
    """Return the ID of a reply, the same for the same parts: a reply that is left twice is delivered once."""
    return sha256(":".join(parts).encode()).hexdigest()[:32]
