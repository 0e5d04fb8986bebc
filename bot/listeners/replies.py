"""Replies that listeners leave for `notify` to deliver: the Slack app can neither list approvals nor sign links."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from hashlib import sha256

from approvals.domain.model import Approver
from approvals.domain.parts import Text
from approvals.domain.replies import Note, NoteKind
from bot.listeners.interactions import Interaction

GONE = "This request is no longer on record, so your answer could not be taken."

NO_ROOM = (
    "Your response is not recorded: the record of this request has no room left. Shorten what you wrote, or ask for a "
    "new request with less text."
)


def reply_to(interaction: Interaction, said: Text | str, *, recorded: bool = False) -> Note:
    """Return a reply to a person. Each interaction that was recorded gets its own, other words are said once a minute.

    Slack repeats an interaction that it holds for lost, with the same key: its reply is the same one.
    """
    about = interaction.key if recorded else f"{said}:{_minute(interaction)}"
    id_ = reply_id(interaction.approval_id, interaction.approver.id, about)
    return message(id_, interaction.approver, interaction.channel, said, interaction.at)


def page_link(interaction: Interaction) -> Note:
    """Return the request for a link to the page, for one person, once a minute. The Slack app can't sign one."""
    about, person = interaction.approval_id, interaction.approver
    id_ = reply_id("link", about, person.id, _minute(interaction))
    return replace(message(id_, person, interaction.channel, about, interaction.at), kind=NoteKind.LINK)


def _minute(interaction: Interaction) -> str:
    return f"{interaction.at:%Y-%m-%dT%H:%M}"


def message(id_: str, approver: Approver, channel: str, said: Text | str, now: datetime) -> Note:
    """Return an ephemeral message to a person in a channel; without a channel, the app's Home with `said` on top."""
    return Note(
        id=id_,
        kind=NoteKind.WHISPER if channel else NoteKind.HOME,
        channel=channel,
        user=approver.id,
        text=said,
        workspace=approver.realm or "",
        left_at=now,
    )


def reply_id(*parts: str) -> str:
    """Return the ID of a reply, the same for the same parts: a reply that is left twice is delivered once."""
    return sha256(":".join(parts).encode()).hexdigest()[:32]
