"""Replies that listeners leave for `notify` to deliver: the Slack app can neither list approvals nor sign links."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from hashlib import sha256

from approvals.domain.parts import Text
from approvals.domain.people import Approver
from approvals.domain.replies import DeferredReply, ReplyKind
from bot.listeners.payloads import Interaction

GONE = "Nothing was recorded: this request no longer exists."

NO_ROOM = (
    "Your response was not recorded: this request's record has no room left. Shorten your text, or ask the requester "
    "for a new request with less text."
)


def reply_to(interaction: Interaction, said: Text | str, *, recorded: bool = False) -> DeferredReply:
    """Return the reply to an interaction: one for each that was recorded, else one a minute with the same words.

    Slack may send an interaction twice, with the same key: its reply is the same one.
    """
    about = interaction.key if recorded else f"{said}:{_minute(interaction)}"
    id_ = stable_id(interaction.approval_id, interaction.approver.id, about)
    return ephemeral_reply(id_, interaction.approver, interaction.channel, said, interaction.at)


def page_link(interaction: Interaction) -> DeferredReply:
    """Return the request for a link to the page, for one person, once a minute."""
    about, person = interaction.approval_id, interaction.approver
    id_ = stable_id("link", about, person.id, _minute(interaction))
    return replace(ephemeral_reply(id_, person, interaction.channel, about, interaction.at), kind=ReplyKind.PAGE_LINK)


def ephemeral_reply(id_: str, approver: Approver, channel: str, said: Text | str, now: datetime) -> DeferredReply:
    """Return an ephemeral message to a person in a channel; without a channel, the app's Home with `said` on top."""
    return DeferredReply(
        id=id_,
        kind=ReplyKind.EPHEMERAL if channel else ReplyKind.HOME,
        channel=channel,
        user=approver.id,
        text=said,
        workspace=approver.realm or "",
        left_at=now,
    )


def stable_id(*parts: str) -> str:
    """Return the ID of a reply, the same for the same parts: a reply that is left twice is delivered once."""
    return sha256(":".join(parts).encode()).hexdigest()[:32]


def _minute(interaction: Interaction) -> str:
    return f"{interaction.at:%Y-%m-%dT%H:%M}"
