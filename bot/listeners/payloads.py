"""Slack's payloads: whether Bolt can dispatch one, and what listeners read from them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from slack_bolt import BoltRequest

from approvals.domain.model import Action
from approvals.domain.people import Approver
from approvals.domain.signed_links import is_approval_id
from bot.addresses import SLACK
from bot.views.buttons import ALL_SHOWN

MAX_ID = 255
"""Characters of an ID or a name. Slack's are far shorter, and a modal's private metadata has 3,000 at most."""


class MalformedError(Exception):
    """The payload has another shape than Slack documents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """A click on a button, a choice in a menu, or a submitted modal.

    `key` is Slack's for this interaction, the same if Slack sends it again. `sent_at` is when Slack signed it, in whole
    seconds. `channel` is empty in the app's Home. `unseen` is set where nothing shows that the response is recorded: in
    the Home, and in an ephemeral message, which is never edited. `all_shown` says that all of the request stands above
    the button. `on_grid` says that the user belongs to an Enterprise Grid organization: the approver's realm is one of
    their workspaces then. `trigger` opens a modal within 3 seconds; empty if Slack sent none.
    `choice` is the option of a menu, or the action of a modal. `values` is the key of the form's values of other
    approvers that a modal showed.
    """

    approval_id: str
    approver: Approver
    channel: str
    key: str
    at: datetime
    sent_at: datetime
    unseen: bool
    all_shown: bool
    on_grid: bool = False
    trigger: str = ""
    choice: str = ""
    values: str = ""

    @property
    def event_key(self) -> str:
        """The key of the event that this interaction is: it is recorded once."""
        return sha256(self.key.encode()).hexdigest()[:16]

    def modal_metadata(self, action: Action, values: str = "") -> str:
        """Return the private metadata of the modal that this click opens. It is no secret.

        `values` is the key of the form's current values.
        """
        where = {"channel": self.channel, "unseen": self.unseen, "all_shown": self.all_shown}
        return json.dumps({"approval": self.approval_id, "action": action, "values": values, **where})


def is_dispatchable(event: Mapping[str, Any]) -> bool:
    """Return True if Bolt can read the payload of its adapter's event and look for a listener in it."""
    try:
        payload = BoltRequest(body=event["body"], headers={**event["headers"]}).body
        actions = payload.get("actions", ())
        parts = [payload.get("view", {}), payload.get("event", {}), *actions]
        ids = [action["action_id"] for action in actions]
        if payload.get("type") in ("view_submission", "view_closed"):
            ids.append(payload["view"]["callback_id"])
    except Exception:  # noqa: BLE001 Bolt's parsers raise whatever the payload leads to
        return False
    has_actions = bool(actions) or "actions" not in payload
    return has_actions and all(isinstance(part, dict) for part in parts) and all(isinstance(id_, str) for id_ in ids)


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Raise `MalformedError` for what Python raises when a payload is not `what` it should be."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise MalformedError(f"not {what}: {type(error).__name__}") from error


def text(value: object, most: int = MAX_ID) -> str:
    """Return a text of one to `most` characters. Raises `TypeError`, or `ValueError` for half of a surrogate pair."""
    if not isinstance(value, str) or not 0 < len(value) <= most:
        raise TypeError("expected a text")
    value.encode()  # No table takes half of a surrogate pair.
    return value


def read_approver(body: Mapping[str, Any]) -> Approver:
    """Return the person who clicked. Call it within `reading`."""
    user = body["user"]
    # Not the payload's own team: that is where they clicked, and guests click there, too.
    workspace = text(user["team_id"]) if user.get("team_id") else ""
    name = text(user.get("name") or user.get("username") or user["id"])
    return Approver(id=text(user["id"]), name=name, channel=SLACK, realm=workspace)


def _is_on_grid(body: Mapping[str, Any]) -> bool:
    """Return True if the payload comes from an Enterprise organization: then `enterprise` has its id.

    Source: https://docs.slack.dev/reference/interaction-payloads/block_actions-payload/
    """
    enterprise = body.get("enterprise")
    return isinstance(enterprise, dict) and isinstance(enterprise.get("id"), str) and enterprise["id"] != ""


def read_click(body: Mapping[str, Any], now: datetime, sent_at: datetime) -> Interaction:
    """Read a `block_actions` payload. Raise `MalformedError` if it is not a click on a button or menu of the app.

    Source: https://docs.slack.dev/reference/interaction-payloads/block_actions-payload/
    """
    with reading("a click on a button"):
        element, container = body["actions"][0], body["container"]
        option = element.get("selected_option")
        choice, _, approval_id = text(option["value"]).rpartition(":") if option else ("", "", text(element["value"]))
        at_home = container.get("type") == "view"
        key = text(body.get("trigger_id") or element["action_ts"])
        if not is_approval_id(approval_id):
            raise MalformedError("the button's value is not an approval's ID")
        return Interaction(
            approval_id=approval_id,
            approver=read_approver(body),
            on_grid=_is_on_grid(body),
            channel="" if at_home else text(container["channel_id"]),
            key=key,
            at=now,
            sent_at=sent_at,
            unseen=at_home or container.get("is_ephemeral") is True,
            all_shown=str(element.get("block_id")).startswith(ALL_SHOWN),
            trigger=key if body.get("trigger_id") else "",
            choice=choice,
        )


def read_submission(body: Mapping[str, Any], now: datetime, sent_at: datetime) -> Interaction:
    """Read a `view_submission` payload. Raises `MalformedError` if it is not our modal.

    Source: https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload
    """
    with reading("our modal"):
        metadata = json.loads(body["view"]["private_metadata"])
        approval_id = text(metadata["approval"])
        channel = metadata["channel"] if metadata["channel"] == "" else text(metadata["channel"])
        if not is_approval_id(approval_id):
            raise MalformedError("the modal is not about an approval")
        return Interaction(
            approval_id=approval_id,
            approver=read_approver(body),
            on_grid=_is_on_grid(body),
            channel=channel,
            key=text(str(body["view"].get("id"))),
            at=now,
            sent_at=sent_at,
            # A modal that an earlier version opened has neither: then only the Home has no channel.
            unseen=bool(metadata.get("unseen", not channel)),
            all_shown=metadata.get("all_shown") is True,
            choice=Action(metadata["action"]),
            values=str(metadata.get("values", "")),
        )
