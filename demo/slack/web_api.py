"""The app's side of the fake Slack: the methods of the Web API, and the addresses at which commands are answered.

Error codes are those on the page of each method below https://docs.slack.dev/reference/methods.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from demo.slack.block_kit import SlackError, check_home, check_message, check_view
from demo.slack.directory import (
    BOT,
    DIRECT_CHANNELS,
    ELSEWHERE_CHANNEL,
    GROUPS,
    MEMBERS,
    ORGANIZATION,
    OUTSIDE,
    PEOPLE,
    WORKSPACE,
    User,
)

TRIGGER_SECONDS = 3
"""How long a trigger opens a dialog. Source: https://docs.slack.dev/interactivity/handling-user-interaction/"""

HOOK_USES, HOOK_SECONDS = 5, 1800
"""How often, and how long, a command can be answered at its address. Source: as above."""

SCOPES = {
    "users.lookupByEmail": "users:read.email",
    "users.info": "users:read",
    "usergroups.users.list": "usergroups:read",
    "conversations.info": "channels:read",
    "conversations.members": "channels:read",
    "users.conversations": "channels:read",
}
"""The scopes that methods need; all others need `chat:write`."""

Json = dict[str, Any]
Parameters = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it is in its channel now."""

    ts: str
    channel: str
    text: str
    blocks: tuple[Json, ...] = ()
    edited: bool = False
    ephemeral_to: str | None = None
    thread_ts: str | None = None


@dataclass(frozen=True, slots=True)
class Modal:
    """A dialog as one user sees it. `errors` has what the app found wrong, by block ID."""

    id: str
    user_id: str
    view: Json
    errors: Mapping[str, str] = field(default_factory=dict)

    def inputs(self) -> dict[str, Json]:
        """Return the input blocks by their ID."""
        return {block["block_id"]: block for block in self.view["blocks"] if block["type"] == "input"}

    def initial(self) -> dict[str, str]:
        """Return the values that are filled in already, by block ID."""
        found = {id_: _initial(block["element"]) for id_, block in self.inputs().items()}
        return {id_: value for id_, value in found.items() if value}


@dataclass(slots=True)
class Hook:
    """The address at which one command can be answered."""

    user_id: str
    channel: str
    issued_at: float
    uses: int = 0


@dataclass(slots=True)
class WebApi:
    """One workspace with one channel that the app is in, and a direct channel to each of its people."""

    channel: str
    bot_token: str = field(repr=False)
    signing_secret: str = field(repr=False)
    fail_with: int | None = None
    """An HTTP status to answer every call with, as in an outage."""
    failures: int = 0
    """How many calls were answered with `fail_with`."""
    clock: Callable[[], float] = time.time
    scopes: set[str] = field(default_factory=lambda: {"chat:write", "commands", "groups:read", *SCOPES.values()})
    """The scopes that the app was installed with."""
    invited: bool = True
    """Whether the app is in the channel."""
    org_wide: bool = False
    """Whether the app is installed for the whole Enterprise Grid organization: its ID is then in the workspace's place.

    Source: https://docs.slack.dev/reference/methods/auth.test, https://github.com/onyx-dot-app/onyx/issues/6960
    """
    channel_name: str = "approvals"
    """The channel's name: its ID stays after a rename. Source: .../reference/events/channel_rename"""
    closed: str = ""
    """The error that a post to the channel gets: `is_archived`, or `channel_not_found` once it is deleted."""
    edit_refusal: str = ""
    """The error that every edit gets: `edit_window_closed`, or `cant_update_message`."""
    refusals: dict[str, str] = field(default_factory=dict)
    """Errors that methods answer with, whatever they are asked: what an administrator forbade."""
    hooks_url: str = f"https://hooks.slack.com/commands/{WORKSPACE['id']}/"
    """The base of the addresses at which commands are answered."""
    _messages: dict[str, Message] = field(default_factory=dict)
    _deleted: set[str] = field(default_factory=set)
    _modals: dict[str, Modal] = field(default_factory=dict)
    _triggers: dict[str, tuple[str, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _homes: dict[str, Json] = field(default_factory=dict)
    _hooks: dict[str, Hook] = field(default_factory=dict)
    _calls: list[str] = field(default_factory=list)

    def messages(self) -> list[Message]:
        """Return all messages, oldest first."""
        with self._lock:
            return list(self._messages.values())

    def modals(self) -> list[Modal]:
        """Return all open dialogs, oldest first."""
        with self._lock:
            return list(self._modals.values())

    def homes(self) -> dict[str, Json]:
        """Return the views of the app's Home by user ID."""
        with self._lock:
            return dict(self._homes)

    def calls(self) -> list[str]:
        """Return the bodies of all calls as they came in, for tests to search."""
        with self._lock:
            return list(self._calls)

    def call(self, method: str, authorization: str, parameters: Parameters) -> Json:
        """Answer a call of the Web API, with Slack's own error codes."""
        with self._lock:
            self._calls.append(json.dumps({"method": method, **parameters}))
            scope = SCOPES.get(method, "chat:write")
            if authorization != f"Bearer {self.bot_token}":
                return {"ok": False, "error": "invalid_auth"}
            if scope not in self.scopes:
                return {"ok": False, "error": "missing_scope", "needed": scope}
            methods = self._methods()
            if method not in methods:
                return {"ok": False, "error": "unknown_method"}
            if method in self.refusals:
                return {"ok": False, "error": self.refusals[method]}
            try:
                return {"ok": True, **methods[method](parameters)}
            except SlackError as error:
                return {"ok": False, "error": str(error)}

    def respond(self, token: str, answer: Parameters) -> tuple[int, str]:
        """Take an answer to a command at its address; return the status and `ok` or what is wrong."""
        with self._lock:
            self._calls.append(json.dumps({"method": "response_url", **answer}))
            hook = self._hooks.get(token)
            if hook is None or self.clock() - hook.issued_at > HOOK_SECONDS:
                return 404, "expired_url"
            if hook.uses >= HOOK_USES:
                return 404, "used_url"
            hook.uses += 1
            if answer.keys() - {"text", "blocks", "response_type"} or answer.get("response_type") != "ephemeral":
                return 400, "invalid_payload"
            try:
                self._post(answer, hook.channel, ephemeral_to=hook.user_id)
            except SlackError as error:
                return 400, str(error)
            return 200, "ok"

    def _methods(self) -> Mapping[str, Callable[[Parameters], Json]]:
        return {
            "auth.test": self._auth_test,
            "chat.postEphemeral": self._post_ephemeral,
            "chat.postMessage": self._post_message,
            "chat.update": self._update,
            "conversations.info": self._conversation,
            "conversations.members": self._conversation_members,
            "usergroups.users.list": self._group_members,
            "users.conversations": self._conversations_of_user,
            "users.info": self._user_by_id,
            "users.lookupByEmail": self._user_by_email,
            "views.open": self._open_view,
            "views.publish": self._publish_home,
        }

    def _auth_test(self, _asked: Parameters) -> Json:
        app = {"user": "approvals", "bot_id": "B0APPROVAL", "url": f"https://{WORKSPACE['domain']}.slack.com/"}
        if self.org_wide:
            whole = {"team": ORGANIZATION["name"], "team_id": ORGANIZATION["id"], "enterprise_id": ORGANIZATION["id"]}
            return {**app, **whole, "is_enterprise_install": True}
        return {**app, "team": WORKSPACE["domain"], "team_id": WORKSPACE["id"], "is_enterprise_install": False}

    def _post_message(self, asked: Parameters) -> Json:
        channel, thread = self._channel(asked.get("channel")), asked.get("thread_ts")
        if thread in self._deleted:
            thread = None  # It goes to the channel's root. Source: https://github.com/slack-go/slack/issues/1571
        elif thread and thread not in self._messages:
            raise SlackError("thread_not_found")
        return self._post(asked, channel, thread_ts=thread)

    def _post_ephemeral(self, asked: Parameters) -> Json:
        channel = self._channel(asked.get("channel"))
        if asked["user"] not in self._members(channel):
            raise SlackError("user_not_in_channel")
        return self._post(asked, channel, ephemeral_to=str(asked["user"]))

    def _update(self, asked: Parameters) -> Json:
        """Edit a message: not in an archived channel (`is_inactive`), nor when the workspace's settings forbid it.

        Source: https://docs.slack.dev/reference/methods/chat.update#errors
        """
        if asked.get("channel") == self.channel and self.closed == "is_archived":
            raise SlackError("is_inactive")
        self._channel(asked.get("channel"))
        blocks, ts = check_message(asked.get("blocks")), str(asked.get("ts"))
        if ts not in self._messages:
            raise SlackError("message_not_found")
        if self.edit_refusal:
            raise SlackError(self.edit_refusal)
        message = replace(self._messages[ts], text=str(asked.get("text", "")), blocks=blocks, edited=True)
        self._messages[ts] = message
        return _posted(message)

    def _conversation(self, asked: Parameters) -> Json:
        if asked.get("channel") != self.channel:
            raise SlackError("channel_not_found")
        if self.closed == "channel_not_found":
            raise SlackError(self.closed)
        joined = {"is_archived": self.closed == "is_archived", "is_member": self.invited}
        return {"channel": {"id": self.channel, "name": self.channel_name, **joined}}

    def _conversation_members(self, asked: Parameters) -> Json:
        return {"members": sorted(self._members(str(asked.get("channel"))))}

    def _group_members(self, asked: Parameters) -> Json:
        if asked.get("usergroup") not in GROUPS:
            raise SlackError("no_such_subteam")
        return {"users": list(GROUPS[str(asked["usergroup"])])}

    def _conversations_of_user(self, asked: Parameters) -> Json:
        user = _user(asked.get("user"), "user_not_found").id
        channels = [id_ for id_ in (self.channel, ELSEWHERE_CHANNEL) if user in self._members(id_)]
        return {"channels": [{"id": id_} for id_ in channels]}

    def _user_by_id(self, asked: Parameters) -> Json:
        return {"user": _user(asked.get("user"), "user_not_found").described()}

    def _user_by_email(self, asked: Parameters) -> Json:
        email = str(asked.get("email")).casefold()
        found = [user for user in PEOPLE.values() if user.email == email and not user.deleted]
        if not found:
            raise SlackError("users_not_found")
        return {"user": found[0].described()}

    def _open_view(self, asked: Parameters) -> Json:
        view, trigger = check_view(asked["view"]), str(asked.get("trigger_id"))
        if trigger not in self._triggers:
            raise SlackError("invalid_trigger_id")
        user_id, issued_at = self._triggers.pop(trigger)
        if self.clock() - issued_at > TRIGGER_SECONDS:
            raise SlackError("expired_trigger_id")
        modal = Modal(f"V{time.time_ns()}", user_id, view)
        self._modals[modal.id] = modal
        return {"view": {**view, "id": modal.id}}

    def _publish_home(self, asked: Parameters) -> Json:
        view, user = check_home(asked["view"]), _user(asked.get("user_id"), "invalid_arguments")
        self._homes[user.id] = view
        return {"view": {**view, "id": f"V{user.id}"}}

    def _post(
        self, asked: Parameters, channel: str, *, ephemeral_to: str | None = None, thread_ts: str | None = None
    ) -> Json:
        blocks, text = check_message(asked.get("blocks")), str(asked.get("text", ""))
        message = Message(self._new_ts(), channel, text, blocks, ephemeral_to=ephemeral_to, thread_ts=thread_ts)
        self._messages[message.ts] = message
        return _posted(message)

    def _channel(self, asked: object) -> str:
        """Return the channel that the app can post to, or the direct one to a user who is named in its place."""
        if asked in DIRECT_CHANNELS:
            return DIRECT_CHANNELS[str(asked)]
        if asked == ELSEWHERE_CHANNEL or (asked == self.channel and not self.invited):
            raise SlackError("not_in_channel")
        if asked != self.channel and asked not in DIRECT_CHANNELS.values():
            raise SlackError("channel_not_found")
        if asked == self.channel and self.closed:
            raise SlackError(self.closed)
        return str(asked)

    def _members(self, channel: str) -> set[str]:
        here = {user.id for user in PEOPLE.values() if not user.deleted}
        if channel == self.channel:
            return here - OUTSIDE
        if channel == ELSEWHERE_CHANNEL:
            return here & MEMBERS.keys()
        for user_id, direct in DIRECT_CHANNELS.items():
            if channel == direct:
                return {user_id, BOT}
        raise SlackError("channel_not_found")

    def _new_ts(self) -> str:
        ts = time.time_ns() // 1000
        while f"{ts // 10**6}.{ts % 10**6:06}" in self._messages:
            ts += 1
        return f"{ts // 10**6}.{ts % 10**6:06}"


def _posted(message: Message) -> Json:
    """Return what Slack answers to a post. Only a reply that is in its thread has the thread's ID.

    Source: https://github.com/slack-go/slack/issues/1571
    """
    thread = {"thread_ts": message.thread_ts} if message.thread_ts else {}
    return {
        "channel": message.channel,
        "ts": message.ts,
        "message": {"team": WORKSPACE["id"], "text": message.text, **thread},
    }


def _user(id_: object, otherwise: str) -> User:
    if id_ not in PEOPLE:
        raise SlackError(otherwise)
    return PEOPLE[str(id_)]


def _initial(element: Parameters) -> str:
    chosen = element.get("initial_option") or {}
    return str(chosen.get("value") or element.get("initial_value") or element.get("initial_date") or "")
