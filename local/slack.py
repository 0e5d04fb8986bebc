"""A stand-in for Slack: takes what the app posts, refuses what Slack would refuse, and sends really signed clicks."""

from __future__ import annotations

import json
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from slack_sdk.signature import SignatureVerifier

WORKSPACE = {"id": "T0APPROVAL", "domain": "local"}
USERS = {"U0ALICE01": "alice", "U0BOB00002": "bob"}
MAX_BLOCKS = 50
_LIMITS = {"section": 3000, "header": 150, "field": 2000, "button": 75}
"""Characters. Source: https://docs.slack.dev/reference/block-kit/"""


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it stands in the channel."""

    ts: str
    channel: str
    text: str
    blocks: tuple[dict[str, Any], ...] = ()
    edited: bool = False
    ephemeral_to: str | None = None


class Refused(Exception):  # noqa: N818
    """Slack answers with an error code."""


@dataclass(slots=True)
class Slack:
    """One workspace with one channel that the app was invited to."""

    channel: str
    bot_token: str = field(repr=False)
    signing_secret: str = field(repr=False)
    fail_with: int | None = None
    """An HTTP status to answer every call with, as in an outage."""
    failures: int = 0
    """How many calls were answered so."""
    clock: Callable[[], float] = time.time
    _messages: dict[str, Message] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _calls: list[str] = field(default_factory=list)

    def messages(self) -> list[Message]:
        """All messages, oldest first."""
        with self._lock:
            return list(self._messages.values())

    def delete(self, ts: str) -> None:
        """Deletes a message, as a person would."""
        with self._lock:
            del self._messages[ts]

    def calls(self) -> list[str]:
        """The bodies of all calls as they came in, for tests to search."""
        with self._lock:
            return list(self._calls)

    def call(self, method: str, authorization: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Answers a call of the Web API, with Slack's own error codes."""
        with self._lock:
            self._calls.append(json.dumps({"method": method, **parameters}))
            try:
                return {"ok": True, **self._answer(method, authorization, parameters)}
            except Refused as refused:
                return {"ok": False, "error": str(refused)}

    def click(self, ts: str, action_id: str, user_id: str) -> tuple[bytes, dict[str, str]]:
        """The signed request that Slack sends when a user clicks a button: its body and headers.

        Raises `Refused` when there is no such button to click.
        """
        message = next((message for message in self.messages() if message.ts == ts), None)
        buttons = [element for block in message.blocks for element in block.get("elements", ())] if message else []
        button = next((button for button in buttons if button.get("action_id") == action_id), None)
        if message is None or button is None:
            raise Refused("there is no such button any more")
        return self.sign(self._payload(message, button, user_id))

    def sign(self, payload: Mapping[str, Any]) -> tuple[bytes, dict[str, str]]:
        """An interaction's body and headers, signed with the app's signing secret."""
        body = urllib.parse.urlencode({"payload": json.dumps(payload)})
        timestamp = str(int(self.clock()))
        signature = SignatureVerifier(self.signing_secret).generate_signature(timestamp=timestamp, body=body)
        return body.encode(), {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature or "",
        }

    def _payload(self, message: Message, button: Mapping[str, Any], user_id: str) -> dict[str, Any]:
        return {
            "type": "block_actions",
            "team": dict(WORKSPACE),
            "user": {"id": user_id, "name": USERS[user_id], "username": USERS[user_id], "team_id": WORKSPACE["id"]},
            "api_app_id": "A0APPROVAL",
            "token": "not-used",
            "container": {"type": "message", "message_ts": message.ts, "channel_id": message.channel},
            "trigger_id": f"{time.time_ns()}.{user_id}",
            "channel": {"id": message.channel, "name": "approvals"},
            "message": {"ts": message.ts, "text": message.text, "blocks": list(message.blocks)},
            "actions": [{**button, "block_id": "b", "action_ts": f"{self.clock():.6f}"}],
        }

    def _answer(self, method: str, authorization: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        if authorization != f"Bearer {self.bot_token}":
            raise Refused("invalid_auth")
        if parameters.get("channel") != self.channel:
            raise Refused("channel_not_found")
        blocks = tuple(_checked(parameters.get("blocks") or []))
        text = str(parameters.get("text", ""))
        match method:
            case "chat.postMessage":
                message = Message(self._new_ts(), self.channel, text, blocks)
            case "chat.postEphemeral":
                message = Message(self._new_ts(), self.channel, text, blocks, ephemeral_to=str(parameters["user"]))
            case "chat.update":
                message = self._edited(str(parameters.get("ts")), text, blocks)
            case _:
                raise Refused("unknown_method")
        self._messages[message.ts] = message
        return {"channel": self.channel, "ts": message.ts, "message": {"team": WORKSPACE["id"], "text": text}}

    def _edited(self, ts: str, text: str, blocks: tuple[dict[str, Any], ...]) -> Message:
        if ts not in self._messages:
            raise Refused("message_not_found")
        return replace(self._messages[ts], text=text, blocks=blocks, edited=True)

    def _new_ts(self) -> str:
        ts = time.time_ns() // 1000
        while f"{ts // 10**6}.{ts % 10**6:06}" in self._messages:
            ts += 1
        return f"{ts // 10**6}.{ts % 10**6:06}"


def _checked(blocks: list[dict[str, Any]] | str) -> list[dict[str, Any]]:
    """Returns the blocks if Slack would take them."""
    parsed: list[dict[str, Any]] = json.loads(blocks) if isinstance(blocks, str) else blocks
    if len(parsed) > MAX_BLOCKS:
        raise Refused("invalid_blocks")
    for block in parsed:
        texts = [(block.get("text"), block["type"]), *((text, "field") for text in block.get("fields", ()))]
        elements = block.get("elements", ())
        texts += [(element.get("text"), "button") for element in elements if element["type"] == "button"]
        for text, kind in texts:
            if isinstance(text, dict) and not 1 <= len(text["text"]) <= _LIMITS.get(kind, MAX_BLOCKS**3):
                raise Refused("invalid_blocks")
    return parsed
