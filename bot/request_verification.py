"""The guard in front of Bolt: admits what Slack signed in the last 5 minutes and Bolt can read, survives the rest."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from slack_sdk.signature import Clock, SignatureVerifier

from bot.credentials import SecretSource

MAX_BODY = 3 * 1024 * 1024
"""Characters of a body as it is sent: Slack's own are far shorter. What is longer is not even hashed."""

REFUSED = "refused a request that Slack did not sign, or not in the last 5 minutes"
"""What is logged of a request that is not admitted. `signed` says whether it came with a signature at all: one that
does shows that the signing secret may be wrong, one that does not comes from anybody."""

_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")
_OF_VIEWS = ("view_submission", "view_closed")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request that Slack sent: its body as text, its headers with names in lower case."""

    body: str
    headers: dict[str, str]


class Guard:
    """Checks signature, age (at most 300 s, by the injected clock) and form of a request."""

    def __init__(self, secret: SecretSource, clock: Callable[[], datetime]) -> None:
        self._secret = secret
        self._clock = clock

    def admit(self, event: Mapping[str, Any]) -> SignedRequest | None:
        """Returns the request, or None when it is unsigned, stale or malformed. Raises nothing, whatever the bytes."""
        headers = {str(name).lower(): str(value) for name, value in (event.get("headers") or {}).items()}
        body = _body(event)
        if body is None:
            return None
        request = SignedRequest(body, headers)
        admitted = self._signed(request) or (self._secret.refresh() and self._signed(request))
        return request if admitted and _readable(request) else None

    def _signed(self, request: SignedRequest) -> bool:
        key = self._secret.current.signing_secret
        timestamp = request.headers.get("x-slack-request-timestamp", "")
        signature = request.headers.get("x-slack-signature", "")
        # With an empty key, when Slack is not configured, everybody could sign. On other forms the verifier raises.
        if not key or not _TIMESTAMP.fullmatch(timestamp) or not _SIGNATURE.fullmatch(signature):
            return False
        verifier = SignatureVerifier(key, _InjectedClock(self._clock))
        return verifier.is_valid(body=request.body, timestamp=timestamp, signature=signature)


class _InjectedClock(Clock):
    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock().timestamp()


def claims_signature(event: Mapping[str, Any]) -> bool:
    """Whether a request came with what looks like Slack's signature, right or wrong."""
    return any(
        str(name).lower() == "x-slack-signature" and _SIGNATURE.fullmatch(str(value))
        for name, value in (event.get("headers") or {}).items()
    )


def _body(event: Mapping[str, Any]) -> str | None:
    body = event.get("body") or ""
    if len(body) > MAX_BODY:
        return None
    try:
        text = b64decode(body, validate=True).decode() if event.get("isBase64Encoded") else str(body)
        text.encode()
    except ValueError:  # not base64, not ASCII, or not UTF-8
        return None
    return text


def _readable(request: SignedRequest) -> bool:
    """Whether the body is what Bolt expects: JSON, or a form whose `payload`, if any, is JSON; in both an object."""
    payload: str | None = request.body
    # Bolt tells the two apart in this way.
    if "json" not in request.headers.get("content-type", "") and not request.body.startswith("{"):
        payload = dict(parse_qsl(request.body, keep_blank_values=True)).get("payload")
    try:
        return payload is None or _is_interaction(json.loads(payload))
    except (ValueError, RecursionError):  # RecursionError: nested a thousandfold
        return False


def _is_interaction(payload: object) -> bool:
    """Whether Bolt can look into it: an object, whose view and event, if any, are objects and its actions have ids."""
    if not isinstance(payload, dict):
        return False
    if not all(isinstance(payload.get(part, {}), dict) for part in ("view", "event")):
        return False
    if payload.get("type") in _OF_VIEWS and not isinstance(payload.get("view", {}).get("callback_id"), str):
        return False
    if "actions" not in payload:
        return True
    actions = payload["actions"]
    return (
        isinstance(actions, list)
        and len(actions) > 0
        and all(isinstance(action, dict) and isinstance(action.get("action_id"), str) for action in actions)
    )
