"""A stand-in for Slack: takes what the app posts, refuses what Slack would refuse, and sends really signed clicks."""

from __future__ import annotations

import json
import secrets
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from slack_sdk.signature import SignatureVerifier

from demo.block_kit import Refused, check_home, check_message, check_view

__all__ = ["GROUPS", "MEMBERS", "PEOPLE", "USERS", "WORKSPACE", "Message", "Modal", "Refused", "Slack", "User"]

WORKSPACE = {"id": "T0APPROVAL", "domain": "local"}
ELSEWHERE = {"id": "T0ELSEWHERE", "domain": "elsewhere"}

TRIGGER_SECONDS = 3
"""How long a trigger opens a dialog. Source: https://docs.slack.dev/interactivity/handling-user-interaction/"""

HOOK_USES, HOOK_SECONDS = 5, 1800
"""How often, and how long, a command's answer may be posted. Source: as above."""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody whom Slack knows."""

    id: str
    name: str
    email: str
    workspace: str = WORKSPACE["id"]
    deleted: bool = False
    restricted: bool = False
    """A guest in several channels."""
    ultra_restricted: bool = False
    """A guest in one channel."""
    bot: bool = False

    @property
    def member(self) -> bool:
        """Return True for a full member of the app's workspace."""
        other = self.deleted or self.restricted or self.ultra_restricted or self.bot or self.id == SLACKBOT
        return self.workspace == WORKSPACE["id"] and not other


BOT, SLACKBOT = "U0APPBOT00", "USLACKBOT"
"""The app's own user, and Slack's, which Slack does not call a bot.

Source: https://github.com/slackapi/bolt-js/issues/794
"""


PEOPLE = {
    user.id: user
    for user in (
        User("U0ALICE01", "alice", "alice@example.com"),
        User("U0BOB00002", "bob", "bob@example.com"),
        User("U0CAROL003", "carol", "carol@example.com"),
        User("U0GUEST004", "guest", "guest@elsewhere.example", workspace=ELSEWHERE["id"]),
        User("U0GONE0005", "gone", "gone@example.com", deleted=True),
        User("U0DAVE0006", "dave", "dave@example.com"),
        User("U0GIL00007", "gil", "gil@partner.example", restricted=True),
        User("U0UMA00008", "uma", "uma@partner.example", ultra_restricted=True),
        User(BOT, "approvals", "", bot=True),
        User(SLACKBOT, "slackbot", ""),
    )
}
"""Everybody, by id: four members, a guest from another workspace in a shared channel, one who left, two guests of the
workspace itself, two bots."""

OUTSIDE = frozenset({"U0DAVE0006", SLACKBOT})
"""Users of the workspace who are not in the app's channel."""

ELSEWHERE_CHANNEL = "C0GENERAL1"
"""A channel that the app is not in, and every member is."""

MEMBERS = {user.id: user.name for user in PEOPLE.values() if user.member}
"""The names of the full members of the workspace."""

_WITH_MESSAGES = {user.id for user in PEOPLE.values() if user.workspace == WORKSPACE["id"] and not user.deleted} - {BOT}
"""Who can get a direct message of the app."""


USERS = {id_: MEMBERS[id_] for id_ in ("U0ALICE01", "U0BOB00002")}
"""The two who play in the demo's story."""

GROUPS = {"S0RELEASE1": ("U0ALICE01", "U0BOB00002")}
"""The members of user groups."""

SCOPES = {
    "users.lookupByEmail": "users:read.email",
    "users.info": "users:read",
    "usergroups.users.list": "usergroups:read",
    "conversations.info": "channels:read",
    "conversations.members": "channels:read",
    "users.conversations": "channels:read",
}
"""What the app must be allowed for some methods; chat:write it always has."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it stands in the channel."""

    ts: str
    channel: str
    text: str
    blocks: tuple[dict[str, Any], ...] = ()
    edited: bool = False
    ephemeral_to: str | None = None
    thread_ts: str | None = None


@dataclass(frozen=True, slots=True)
class Modal:
    """A dialog as one user sees it. `errors` has what the app found wrong, by block id."""

    id: str
    user_id: str
    view: dict[str, Any]
    errors: Mapping[str, str] = field(default_factory=dict)

    def inputs(self) -> dict[str, dict[str, Any]]:
        """The input blocks by their id."""
        return {block["block_id"]: block for block in self.view["blocks"] if block["type"] == "input"}

    def initial(self) -> dict[str, str]:
        """What is filled in already, by block id."""
        found = {id_: _initial(block["element"]) for id_, block in self.inputs().items()}
        return {id_: value for id_, value in found.items() if value}


@dataclass(slots=True)
class Hook:
    """The address at which one command may be answered, as long as it may."""

    user_id: str
    channel: str
    issued_at: float
    uses: int = 0


@dataclass(slots=True)
class Slack:
    """One workspace with one channel that the app was invited to, and a direct channel to each of its people."""

    channel: str
    bot_token: str = field(repr=False)
    signing_secret: str = field(repr=False)
    fail_with: int | None = None
    """An HTTP status to answer every call with, as in an outage."""
    failures: int = 0
    """How many calls were answered so."""
    clock: Callable[[], float] = time.time
    scopes: set[str] = field(default_factory=lambda: {"commands", "groups:read", *SCOPES.values()})
    """What the app was installed with; `chat:write` besides."""
    invited: bool = True
    """Whether the app is in the channel."""
    hooks_url: str = f"https://hooks.slack.com/commands/{WORKSPACE['id']}/"
    """The base of the addresses at which commands are answered."""
    _messages: dict[str, Message] = field(default_factory=dict)
    _modals: dict[str, Modal] = field(default_factory=dict)
    _triggers: dict[str, tuple[str, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _homes: dict[str, dict[str, Any]] = field(default_factory=dict)
    _hooks: dict[str, Hook] = field(default_factory=dict)
    _calls: list[str] = field(default_factory=list)

    def messages(self) -> list[Message]:
        """All messages, oldest first."""
        with self._lock:
            return list(self._messages.values())

    def modals(self) -> list[Modal]:
        """All open dialogs, oldest first."""
        with self._lock:
            return list(self._modals.values())

    def homes(self) -> dict[str, dict[str, Any]]:
        """The app's Home as each user sees it, by their id; who never opened it has none."""
        with self._lock:
            return dict(self._homes)

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
                more = {"needed": SCOPES[method]} if str(refused) == "missing_scope" else {}
                return {"ok": False, "error": str(refused), **more}

    def click(self, ts: str, action_id: str, user_id: str, option: str | None = None) -> tuple[bytes, dict[str, str]]:
        """The signed request that Slack sends when a user clicks a button: its body and headers.

        `option` is the value of the choice that is taken in a menu. Raises `Refused` when there is no such button or
        choice to click, and `KeyError` for an unknown user.
        """
        message = next((message for message in self.messages() if message.ts == ts), None)
        elements = [each for block in message.blocks for each in _elements(block)] if message else []
        element = next((element for element in elements if element.get("action_id") == action_id), None)
        if message is None or element is None:
            raise Refused("there is no such button any more")
        if element["type"] == "overflow":
            chosen = next((each for each in element["options"] if each["value"] == option), None)
            if chosen is None:
                raise Refused("there is no such choice any more")
            element = {**element, "selected_option": chosen}
            del element["options"]
        return self.sign(self._payload(message, element, user_id))

    def open_home(self, user_id: str, tab: str = "home") -> tuple[bytes, dict[str, str]]:
        """The signed event that Slack sends when a user opens the app's Home, or another tab of it."""
        event = {
            "type": "app_home_opened",
            "user": user_id,
            "channel": f"D{user_id[1:]}",
            "tab": tab,
            "event_ts": f"{self.clock():.6f}",
        }
        return self.event(event)

    def event(self, event: Mapping[str, Any]) -> tuple[bytes, dict[str, str]]:
        """A signed event. Each has an id of its own, the same when Slack repeats it."""
        body = {
            "type": "event_callback",
            "team_id": WORKSPACE["id"],
            "api_app_id": "A0APPROVAL",
            "event": dict(event),
            "event_id": f"Ev{time.time_ns()}",
            "event_time": int(self.clock()),
        }
        return self._signed(json.dumps(body), "application/json")

    def click_home(self, user_id: str, action_id: str, value: str) -> tuple[bytes, dict[str, str]]:
        """The signed request that Slack sends when a user clicks a button of their Home. Raises `Refused`."""
        view = self.homes().get(user_id, {"blocks": []})
        elements = [each for block in view["blocks"] for each in _elements(block)]
        wanted = {"action_id": action_id, "value": value}
        element = next((each for each in elements if wanted.items() <= each.items()), None)
        if element is None:
            raise Refused("there is no such button any more")
        return self.sign(
            {
                "type": "block_actions",
                **self._actor(user_id),
                "container": {"type": "view", "view_id": f"V{user_id}"},
                "trigger_id": self._trigger(user_id),
                "view": {**view, "id": f"V{user_id}"},
                "actions": [{**element, "action_ts": f"{self.clock():.6f}"}],
            }
        )

    def command(self, user_id: str, text: str, channel: str = "") -> tuple[bytes, dict[str, str]]:
        """The signed request that Slack sends for /approvals, typed in a channel. Raises `Refused`."""
        if "commands" not in self.scopes:
            raise Refused("missing_scope")
        user, channel = PEOPLE[user_id], channel or self.channel
        token = secrets.token_hex(12)
        with self._lock:
            self._hooks[token] = Hook(user_id, channel, self.clock())
        typed = {
            "token": "not-used",
            "team_id": user.workspace,
            "team_domain": WORKSPACE["domain"],
            "channel_id": channel,
            "channel_name": "somewhere",
            "user_id": user_id,
            "user_name": user.name,
            "command": "/approvals",
            "text": text,
            "api_app_id": "A0APPROVAL",
            "is_enterprise_install": "false",
            "response_url": f"{self.hooks_url}{token}",
            "trigger_id": self._trigger(user_id),
        }
        return self._signed(urllib.parse.urlencode(typed), "application/x-www-form-urlencoded")

    def respond(self, token: str, answer: Mapping[str, Any]) -> tuple[int, str]:
        """Takes an answer to a command at its address, as Slack does: the status, and `ok` or what is wrong."""
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
                blocks = check_message(answer.get("blocks"))
            except Refused as refused:
                return 400, str(refused)
            text = str(answer.get("text", ""))
            message = Message(self._new_ts(), hook.channel, text, blocks, ephemeral_to=hook.user_id)
            self._messages[message.ts] = message
            return 200, "ok"

    def submit(self, view_id: str, values: Mapping[str, str], *, checked: bool = True) -> tuple[bytes, dict[str, str]]:
        """The signed request that Slack sends when a dialog is sent off with these values, by block id.

        What is not among them is left empty. As Slack's own client it refuses to send what lacks a required input,
        unless `checked` is False. Raises `Refused` when there is no such dialog.
        """
        modal = self._open_modal(view_id)
        inputs = modal.inputs()
        if unknown := values.keys() - inputs.keys():
            raise Refused(f"there is no input {', '.join(sorted(unknown))}")
        missing = [id_ for id_, block in inputs.items() if not block.get("optional") and not values.get(id_)]
        if checked and ("submit" not in modal.view or missing):
            raise Refused(f"to be filled in first: {', '.join(missing)}")
        state = {
            id_: {block["element"]["action_id"]: _state(block["element"], values.get(id_, ""))}
            for id_, block in inputs.items()
        }
        return self.sign(
            {
                "type": "view_submission",
                **self._actor(modal.user_id),
                "view": {**modal.view, "id": modal.id, "state": {"values": state}},
                "response_urls": [],
            }
        )

    def answered(self, view_id: str, body: str) -> Mapping[str, str]:
        """Does to a dialog what the app answered to its submission; returns what is wrong, by block id.

        Raises `Refused` when Slack would not take the answer.
        """
        modal = self._open_modal(view_id)
        answer: dict[str, Any] = json.loads(body) if body else {}
        match answer.get("response_action"):
            case "errors" if answer["errors"] and answer["errors"].keys() <= modal.inputs().keys():
                self._modals[view_id] = replace(modal, errors=answer["errors"])
                return self._modals[view_id].errors
            case "update":
                self._modals[view_id] = replace(modal, view=check_view(answer["view"]), errors={})
            case None | "clear":
                self.close(view_id)
            case _:
                raise Refused("invalid_response")
        return {}

    def close(self, view_id: str) -> None:
        """Closes a dialog, as a person would."""
        self._modals.pop(view_id, None)

    def sign(self, payload: Mapping[str, Any]) -> tuple[bytes, dict[str, str]]:
        """An interaction's body and headers, signed with the app's signing secret."""
        body = urllib.parse.urlencode({"payload": json.dumps(payload)})
        return self._signed(body, "application/x-www-form-urlencoded")

    def _signed(self, body: str, content_type: str) -> tuple[bytes, dict[str, str]]:
        timestamp = str(int(self.clock()))
        signature = SignatureVerifier(self.signing_secret).generate_signature(timestamp=timestamp, body=body)
        return body.encode(), {
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature or "",
        }

    def _payload(self, message: Message, element: Mapping[str, Any], user_id: str) -> dict[str, Any]:
        return {
            "type": "block_actions",
            **self._actor(user_id),
            "container": {
                "type": "message",
                "message_ts": message.ts,
                "channel_id": message.channel,
                "is_ephemeral": message.ephemeral_to is not None,
            },
            "trigger_id": self._trigger(user_id),
            "channel": {"id": message.channel, "name": "approvals"},
            "message": {"ts": message.ts, "text": message.text, "blocks": list(message.blocks)},
            "actions": [{**element, "action_ts": f"{self.clock():.6f}"}],
        }

    def _actor(self, user_id: str) -> dict[str, Any]:
        user = PEOPLE[user_id]
        return {
            "team": dict(WORKSPACE),
            "user": {"id": user.id, "name": user.name, "username": user.name, "team_id": user.workspace},
            "api_app_id": "A0APPROVAL",
            "token": "not-used",
        }

    def _trigger(self, user_id: str) -> str:
        trigger = f"{time.time_ns()}.{user_id}"
        with self._lock:
            self._triggers[trigger] = (user_id, self.clock())
        return trigger

    def _open_modal(self, view_id: str) -> Modal:
        with self._lock:
            if view_id not in self._modals:
                raise Refused("there is no such dialog any more")
            return self._modals[view_id]

    def _answer(self, method: str, authorization: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        if authorization != f"Bearer {self.bot_token}":
            raise Refused("invalid_auth")
        if SCOPES.get(method, "chat:write") not in {*self.scopes, "chat:write"}:
            raise Refused("missing_scope")
        match method:
            case "auth.test" | "conversations.info":
                return self._about_the_app(method, parameters)
            case "views.open":
                return self._opened(str(parameters.get("trigger_id")), check_view(parameters["view"]))
            case "views.publish":
                return self._published(str(parameters.get("user_id")), check_home(parameters["view"]))
            case _ if method in SCOPES:
                return self._looked_up(method, parameters)
            case _:
                return self._posted(method, parameters)

    def _about_the_app(self, method: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Who the app is, or whether it is in a channel."""
        if method == "auth.test":
            app = {"user": "approvals", "bot_id": "B0APPROVAL"}
            url = f"https://{WORKSPACE['domain']}.slack.com/"
            return {**app, "team": WORKSPACE["domain"], "team_id": WORKSPACE["id"], "url": url}
        if parameters.get("channel") != self.channel:
            raise Refused("channel_not_found")
        joined = {"is_archived": False, "is_member": self.invited}
        return {"channel": {"id": self.channel, "name": "approvals", **joined}}

    def _looked_up(self, method: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        match method:
            case "conversations.members":
                return {"members": sorted(self._members(str(parameters.get("channel"))))}
            case "users.conversations":
                user = str(parameters.get("user"))
                _found(lambda each: each.id == user, "user_not_found")
                channels = [id_ for id_ in (self.channel, ELSEWHERE_CHANNEL) if user in self._members(id_)]
                return {"channels": [{"id": id_} for id_ in channels]}
            case "users.lookupByEmail":
                wanted = str(parameters.get("email")).casefold()
                return {"user": _described(_found(lambda user: user.email == wanted, "users_not_found"))}
            case "users.info":
                return {"user": _described(_found(lambda user: user.id == parameters.get("user"), "user_not_found"))}
            case "usergroups.users.list":
                if parameters.get("usergroup") not in GROUPS:
                    raise Refused("no_such_subteam")
                return {"users": list(GROUPS[str(parameters["usergroup"])])}
            case _:
                raise Refused("unknown_method")

    def _posted(self, method: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        channel, text = self._channel(parameters.get("channel")), str(parameters.get("text", ""))
        blocks = check_message(parameters.get("blocks"))
        thread = parameters.get("thread_ts")
        match method:
            case "chat.postMessage" if thread and thread not in self._messages:
                raise Refused("thread_not_found")
            case "chat.postMessage":
                message = Message(self._new_ts(), channel, text, blocks, thread_ts=thread)
            case "chat.postEphemeral" if parameters["user"] not in self._members(channel):
                raise Refused("user_not_in_channel")
            case "chat.postEphemeral":
                message = Message(self._new_ts(), channel, text, blocks, ephemeral_to=str(parameters["user"]))
            case "chat.update":
                message = self._edited(str(parameters.get("ts")), text, blocks)
            case _:
                raise Refused("unknown_method")
        self._messages[message.ts] = message
        return {"channel": channel, "ts": message.ts, "message": {"team": WORKSPACE["id"], "text": text}}

    def _channel(self, asked: object) -> str:
        """The channel, or the direct one to a user who is named in its place."""
        if asked in _WITH_MESSAGES:
            return f"D{str(asked)[1:]}"
        if asked == ELSEWHERE_CHANNEL:
            raise Refused("not_in_channel")
        if asked != self.channel and asked not in {f"D{user[1:]}" for user in _WITH_MESSAGES}:
            raise Refused("channel_not_found")
        if asked == self.channel and not self.invited:
            raise Refused("not_in_channel")
        return str(asked)

    def _members(self, channel: str) -> set[str]:
        here = {user.id for user in PEOPLE.values() if not user.deleted}
        if channel == self.channel:
            return here - OUTSIDE
        if channel == ELSEWHERE_CHANNEL:
            return here & MEMBERS.keys()
        if channel.startswith("D") and f"U{channel[1:]}" in _WITH_MESSAGES:
            return {f"U{channel[1:]}", BOT}
        raise Refused("channel_not_found")

    def _published(self, user_id: str, view: dict[str, Any]) -> dict[str, Any]:
        _found(lambda user: user.id == user_id, "invalid_arguments")
        self._homes[user_id] = view
        return {"view": {**view, "id": f"V{user_id}"}}

    def _opened(self, trigger: str, view: dict[str, Any]) -> dict[str, Any]:
        if trigger not in self._triggers:
            raise Refused("invalid_trigger_id")
        user_id, at = self._triggers.pop(trigger)
        if self.clock() - at > TRIGGER_SECONDS:
            raise Refused("expired_trigger_id")
        modal = Modal(f"V{time.time_ns()}", user_id, view)
        self._modals[modal.id] = modal
        return {"view": {**view, "id": modal.id}}

    def _edited(self, ts: str, text: str, blocks: tuple[dict[str, Any], ...]) -> Message:
        if ts not in self._messages:
            raise Refused("message_not_found")
        return replace(self._messages[ts], text=text, blocks=blocks, edited=True)

    def _new_ts(self) -> str:
        ts = time.time_ns() // 1000
        while f"{ts // 10**6}.{ts % 10**6:06}" in self._messages:
            ts += 1
        return f"{ts // 10**6}.{ts % 10**6:06}"


def _elements(block: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What can be clicked in a block, with the block's id, which Slack makes up where it has none."""
    accessory = block.get("accessory")
    found = [*block.get("elements", ()), *([accessory] if accessory else [])]
    return [{**element, "block_id": block.get("block_id", "made-up")} for element in found]


def _found(is_wanted: Callable[[User], bool], otherwise: str) -> User:
    user = next((user for user in PEOPLE.values() if is_wanted(user)), None)
    if user is None or (user.deleted and otherwise == "users_not_found"):
        raise Refused(otherwise)
    return user


def _described(user: User) -> dict[str, Any]:
    """The user object, as far as it matters: a guest in one channel has both marks of a guest.

    Source: https://docs.slack.dev/reference/objects/user-object
    """
    return {
        "id": user.id,
        "team_id": user.workspace,
        "name": user.name,
        "deleted": user.deleted,
        "is_bot": user.bot,
        "is_restricted": user.restricted or user.ultra_restricted,
        "is_ultra_restricted": user.ultra_restricted,
        "profile": {"real_name": user.name, "email": user.email},
    }


def _initial(element: Mapping[str, Any]) -> str:
    chosen = element.get("initial_option") or {}
    return str(chosen.get("value") or element.get("initial_value") or element.get("initial_date") or "")


def _state(element: Mapping[str, Any], value: str) -> dict[str, Any]:
    """An input's state as Slack sends it."""
    kind = element["type"]
    option = {"text": {"type": "plain_text", "text": value}, "value": value} if value else None
    match kind:
        case "radio_buttons" | "static_select":
            return {"type": kind, "selected_option": option}
        case "checkboxes":
            return {"type": kind, "selected_options": [option] if option else []}
        case "datepicker":
            return {"type": kind, "selected_date": value or None}
        case _:
            return {"type": kind, "value": value or None}
