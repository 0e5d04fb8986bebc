"""Verification of Slack's signature, in front of Bolt. Whatever the bytes of a request are, it raises nothing."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from slack_sdk.signature import Clock, SignatureVerifier

from bot.credentials import SecretSource

MAX_BODY = 3 * 1024 * 1024
"""Characters of an encoded body. Slack's own are far shorter; a longer one is not even hashed."""

REFUSED = "refused a request that Slack did not sign, or not in the last 5 minutes"
"""The log line of a refused request. `signed` says if it has a signature at all: if it has one, the signing secret may
be wrong; if not, anyone may have sent it."""

MAX_CHECK = 1000
"""Characters of the body of a check: it has a token beside its flag."""

_CHECK = re.compile(r"(?:^|&)ssl_check=1(?:&|$)")
EVENT_TAKEN = "event in slack"
"""The log line of an event, which Slack sends only to an address that it has verified."""

_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_PAYLOAD_FIELD = re.compile(r"(?:^|&)payload=")
_LAZY_LISTENERS = "x-slack-bolt-"
"""Begins the headers by which Bolt runs a lazy listener and no other. Slack's signature does not cover headers."""


class RequestVerifier:
    """Verifies signature and age of requests: at most 300 seconds, by the injected clock."""

    def __init__(self, secret: SecretSource, clock: Callable[[], datetime]) -> None:
        self._secret = secret
        self._clock = clock

    def verify(self, event: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the event for Bolt's adapter if Slack signed the request; None if it is unsigned, stale or malformed.

        The adapter gets an event of its own with what Slack sent, and nothing else: on other shapes of API Gateway's
        events it raises.
        """
        body, headers = _body(event), _headers(event)
        if body is None:
            return None
        if not self._is_signed(body, headers) and not (self._secret.refresh() and self._is_signed(body, headers)):
            return None
        return {
            "requestContext": {"httpMethod": "POST"},
            "headers": {name: value for name, value in headers.items() if not name.startswith(_LAZY_LISTENERS)},
            "queryStringParameters": {},
            "body": _for_bolt(body),
            "isBase64Encoded": False,
        }

    def _is_signed(self, body: str, headers: Mapping[str, str]) -> bool:
        key = self._secret.current.signing_secret
        timestamp = headers.get("x-slack-request-timestamp", "")
        signature = headers.get("x-slack-signature", "")
        # With the empty key of a stack without Slack, anyone could sign. On other forms the verifier raises.
        if not key or not _TIMESTAMP.fullmatch(timestamp) or not _SIGNATURE.fullmatch(signature):
            return False
        verifier = SignatureVerifier(key, _InjectedClock(self._clock))
        return verifier.is_valid(body=body, timestamp=timestamp, signature=signature)


class _InjectedClock(Clock):
    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock().timestamp()


def is_certificate_check(event: Mapping[str, Any]) -> bool:
    """Return True for a request by which Slack checks the address's certificate now and then: GET or POST, unsigned.

    It is answered without being read any further.
    Source: https://docs.slack.dev/interactivity/implementing-slash-commands (`ssl_check`)
    """
    if event.get("httpMethod") == "GET":
        return (event.get("queryStringParameters") or {}).get("ssl_check") == "1"
    body = _body(event)
    return body is not None and len(body) <= MAX_CHECK and _CHECK.search(body) is not None


def has_signature(event: Mapping[str, Any]) -> bool:
    """Return True if a request has a signature of Slack's form, right or wrong."""
    return _SIGNATURE.fullmatch(_headers(event).get("x-slack-signature", "")) is not None


def _for_bolt(body: str) -> str:
    """Encode the word `payload` in a form without such a field: Bolt would look for that field, and read no other.

    The word may be in a command's text, and in the name of a channel or a user.
    Source: https://github.com/slackapi/bolt-python/blob/main/slack_bolt/request/internals.py (parse_body)
    """
    if body.startswith("{") or _PAYLOAD_FIELD.search(body):
        return body
    return body.replace("payload", "%70ayload")


def _headers(event: Mapping[str, Any]) -> dict[str, str]:
    return {str(name).lower(): str(value) for name, value in (event.get("headers") or {}).items()}


def _body(event: Mapping[str, Any]) -> str | None:
    body = event.get("body") or ""
    if not isinstance(body, str) or len(body) > MAX_BODY:
        return None
    try:
        text = b64decode(body, validate=True).decode() if event.get("isBase64Encoded") else body
        text.encode()
    except ValueError:  # not base64, not ASCII, or not UTF-8
        return None
    return text
