"""Slack's payloads: whether Bolt can dispatch one, and the values that all listeners read from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from slack_bolt import BoltRequest

from approvals.domain.model import Approver
from bot.addresses import SLACK

MAX_ID = 255
"""Characters of an ID or a name. Slack's are far shorter, and a dialog's private metadata has 3,000 at most."""

_VIEW_TYPES = ("view_submission", "view_closed")


class MalformedError(Exception):
    """The payload has another shape than Slack documents."""


def is_dispatchable(event: Mapping[str, Any]) -> bool:
    """Return True if Bolt can read the payload of its adapter's event and look for a listener in it."""
    try:
        return _is_interaction(BoltRequest(body=event["body"], headers={**event["headers"]}).body)
    except Exception:  # noqa: BLE001 Bolt's parsers raise whatever the payload leads to
        return False


def _is_interaction(payload: object) -> bool:
    """Return True for an object whose view and event, if any, are objects and whose actions have IDs."""
    if not isinstance(payload, dict):
        return False
    if not all(isinstance(payload.get(part, {}), dict) for part in ("view", "event")):
        return False
    if payload.get("type") in _VIEW_TYPES and not isinstance(payload.get("view", {}).get("callback_id"), str):
        return False
    if "actions" not in payload:
        return True
    actions = payload["actions"]
    return (
        isinstance(actions, list)
        and len(actions) > 0
        and all(isinstance(action, dict) and isinstance(action.get("action_id"), str) for action in actions)
    )


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


def approver(body: Mapping[str, Any]) -> Approver:
    """Return the person who clicked. Call it within `reading`."""
    user = body["user"]
    # Not the payload's own team: that is where they clicked, and guests click there, too.
    workspace = text(user["team_id"]) if user.get("team_id") else ""
    name = text(user.get("name") or user.get("username") or user["id"])
    return Approver(id=text(user["id"]), name=name, channel=SLACK, realm=workspace)
