"""Interactions with one approval: a click on a button, a choice in a menu, a submitted dialog."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from approvals.domain.model import Approver
from approvals.domain.signed_links import is_approval_id
from bot.listeners.payloads import MalformedError, approver, reading, text
from bot.views.buttons import ALL_SHOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """What a person did, and where.

    `key` is Slack's for this interaction, the same if Slack sends it again. `sent_at` is when Slack signed it, in whole
    seconds. `channel` is empty in the app's Home. `unseen` is set where nothing shows that the response counts: in the
    Home, and in an ephemeral message, which is never edited. `all_shown` says that all of the request stands above the
    button. `trigger` opens a dialog within 3 seconds; empty if Slack sent none. `word` is the choice in a menu.
    """

    approval_id: str
    approver: Approver
    channel: str
    key: str
    at: datetime
    sent_at: datetime
    unseen: bool
    all_shown: bool
    trigger: str = ""
    word: str = ""

    @property
    def event_key(self) -> str:
        """The key of the event that this interaction is: it is recorded once."""
        return sha256(self.key.encode()).hexdigest()[:16]


def read_click(body: Mapping[str, Any], now: datetime, sent_at: datetime) -> Interaction:
    """Read a `block_actions` payload. Raises `MalformedError` if it is not a click on a button or menu of ours.

    Source: https://docs.slack.dev/reference/interaction-payloads/block_actions-payload/
    """
    with reading("a click on a button"):
        element, container = body["actions"][0], body["container"]
        chosen = element.get("selected_option")
        word, _, approval_id = text(chosen["value"]).rpartition(":") if chosen else ("", "", text(element["value"]))
        at_home = container.get("type") == "view"
        key = text(body.get("trigger_id") or element["action_ts"])
        if not is_approval_id(approval_id):
            raise MalformedError("the button's value is not an approval's ID")
        return Interaction(
            approval_id=approval_id,
            approver=approver(body),
            channel="" if at_home else text(container["channel_id"]),
            key=key,
            at=now,
            sent_at=sent_at,
            unseen=at_home or container.get("is_ephemeral") is True,
            all_shown=str(element.get("block_id")).startswith(ALL_SHOWN),
            trigger=key if body.get("trigger_id") else "",
            word=word,
        )
