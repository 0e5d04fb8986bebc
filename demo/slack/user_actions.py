"""The users' side of the fake Slack: what they do, as the signed requests that Slack sends the app.

Sources: https://docs.slack.dev/reference/interaction-payloads, https://docs.slack.dev/reference/events/app_home_opened,
https://docs.slack.dev/interactivity/implementing-slash-commands,
https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

from __future__ import annotations

import json
import secrets
import time
import urllib.parse
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from slack_sdk.signature import SignatureVerifier

from demo.slack.block_kit import SlackError, check_view
from demo.slack.directory import ORGANIZATION, PEOPLE, WORKSPACE
from demo.slack.web_api import Hook, Json, Modal, WebApi

Signed = tuple[bytes, dict[str, str]]
"""A request's body and headers."""

APP = {"api_app_id": "A0APPROVAL", "token": "not-used"}


class Slack(WebApi):
    """The fake Slack. Actions return what Slack sends; they raise `SlackError` where Slack offers no such action."""

    def click(self, ts: str, action_id: str, user_id: str, option: str | None = None) -> Signed:
        """Click a button of a message, or take the menu's choice whose value is `option`."""
        message = next((message for message in self.messages() if message.ts == ts), None)
        element = _element(message.blocks if message else (), {"action_id": action_id})
        if message is None or element is None:
            raise SlackError("This button no longer exists.")
        if element["type"] == "overflow":
            element["selected_option"] = next(
                (each for each in element.pop("options") if each["value"] == option), None
            )
            if element["selected_option"] is None:
                raise SlackError("This choice no longer exists.")
        container = {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": message.channel,
            "is_ephemeral": message.ephemeral_to is not None,
        }
        place = {
            "container": container,
            "channel": {"id": message.channel, "name": "approvals"},
            "message": {"ts": message.ts, "text": message.text, "blocks": list(message.blocks)},
        }
        return self._block_actions(user_id, element, place)

    def click_home(self, user_id: str, action_id: str, value: str) -> Signed:
        """Click a button of the user's Home."""
        view = {**self.homes().get(user_id, {"blocks": []}), "id": f"V{user_id}"}
        element = _element(view["blocks"], {"action_id": action_id, "value": value})
        if element is None:
            raise SlackError("This button no longer exists.")
        return self._block_actions(
            user_id, element, {"container": {"type": "view", "view_id": view["id"]}, "view": view}
        )

    def open_home(self, user_id: str, tab: str = "home") -> Signed:
        """Open the app's Home, or another tab of it."""
        event = {"type": "app_home_opened", "user": user_id, "channel": f"D{user_id[1:]}", "tab": tab}
        return self.event({**event, "event_ts": f"{self.clock():.6f}"})

    def event(self, event: Mapping[str, Any]) -> Signed:
        """Send an event with an ID of its own, which it keeps when Slack repeats it."""
        body = {
            "type": "event_callback",
            "team_id": WORKSPACE["id"],
            "api_app_id": APP["api_app_id"],
            "event": dict(event),
            "event_id": f"Ev{time.time_ns()}",
            "event_time": int(self.clock()),
        }
        return self._signed(json.dumps(body), "application/json")

    def command(self, user_id: str, text: str, channel: str = "") -> Signed:
        """Type /approvals in a channel."""
        if "commands" not in self.scopes:
            raise SlackError("missing_scope")
        user, channel, token = PEOPLE[user_id], channel or self.channel, secrets.token_hex(12)
        with self._lock:
            self._hooks[token] = Hook(user_id, channel, self.clock())
        typed = {
            **APP,
            # Of the channel where it is typed, unlike a click's. Source: https://github.com/slackapi/bolt-js/issues/1875
            "team_id": WORKSPACE["id"] if WORKSPACE["id"] in user.teams else user.workspace,
            "team_domain": WORKSPACE["domain"],
            "channel_id": channel,
            "channel_name": "somewhere",
            "user_id": user_id,
            "user_name": user.name,
            "command": "/approvals",
            "text": text,
            "is_enterprise_install": "false",
            "response_url": f"{self.hooks_url}{token}",
            "trigger_id": self._trigger(user_id),
        }
        return self._signed(urllib.parse.urlencode(typed), "application/x-www-form-urlencoded")

    def submit(self, view_id: str, values: Mapping[str, str], *, checked: bool = True) -> Signed:
        """Submit a dialog with these values, by block ID; inputs without one stay empty.

        Slack's own client does not submit a dialog that lacks a required input. Nor does this, unless `checked` is
        False.
        """
        modal = self._open_modal(view_id)
        inputs = modal.inputs()
        if unknown := values.keys() - inputs.keys():
            raise SlackError(f"No input is named {', '.join(sorted(unknown))}.")
        missing = [id_ for id_, block in inputs.items() if not block.get("optional") and not values.get(id_)]
        if checked and ("submit" not in modal.view or missing):
            raise SlackError(f"Fill in first: {', '.join(missing)}.")
        state = {
            id_: {block["element"]["action_id"]: _state(block["element"], values.get(id_, ""))}
            for id_, block in inputs.items()
        }
        view = {**modal.view, "id": modal.id, "state": {"values": state}}
        return self.sign({"type": "view_submission", **self._actor(modal.user_id), "view": view, "response_urls": []})

    def answered(self, view_id: str, body: str) -> Mapping[str, str]:
        """Apply the app's answer to a submission to the dialog; return what is wrong, by block ID."""
        modal = self._open_modal(view_id)
        answer: Json = json.loads(body) if body else {}
        match answer.get("response_action"):
            case "errors" if answer["errors"] and answer["errors"].keys() <= modal.inputs().keys():
                self._modals[view_id] = replace(modal, errors=answer["errors"])
                return self._modals[view_id].errors
            case "update":
                self._modals[view_id] = replace(modal, view=check_view(answer["view"]), errors={})
            case None | "clear":
                self.close(view_id)
            case _:
                raise SlackError("invalid_response")
        return {}

    def close(self, view_id: str) -> None:
        """Close a dialog."""
        self._modals.pop(view_id, None)

    def delete(self, ts: str) -> None:
        """Delete a message."""
        with self._lock:
            del self._messages[ts]
            self._deleted.add(ts)

    def sign(self, payload: Mapping[str, Any]) -> Signed:
        """Return an interaction's request, signed with the app's signing secret."""
        body = urllib.parse.urlencode({"payload": json.dumps(payload)})
        return self._signed(body, "application/x-www-form-urlencoded")

    def _signed(self, body: str, content_type: str) -> Signed:
        timestamp = str(int(self.clock()))
        signature = SignatureVerifier(self.signing_secret).generate_signature(timestamp=timestamp, body=body)
        return body.encode(), {
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature or "",
        }

    def _block_actions(self, user_id: str, element: Json, place: Json) -> Signed:
        action = {**element, "action_ts": f"{self.clock():.6f}"}
        told = {"type": "block_actions", **self._actor(user_id), "trigger_id": self._trigger(user_id)}
        return self.sign({**told, **place, "actions": [action]})

    def _actor(self, user_id: str) -> Json:
        user = PEOPLE[user_id]
        who = {"id": user.id, "name": user.name, "username": user.name, "team_id": user.workspace}
        return {"team": dict(WORKSPACE), "user": who, "enterprise": ORGANIZATION if user.teams else None, **APP}

    def _trigger(self, user_id: str) -> str:
        trigger = f"{time.time_ns()}.{user_id}"
        with self._lock:
            self._triggers[trigger] = (user_id, self.clock())
        return trigger

    def _open_modal(self, view_id: str) -> Modal:
        with self._lock:
            if view_id not in self._modals:
                raise SlackError("This dialog is closed.")
            return self._modals[view_id]


def _element(blocks: Iterable[Json], wanted: Json) -> Json | None:
    """Return the first element that has these values, with its block's ID, which Slack makes up if it has none."""
    for block in blocks:
        for element in (*block.get("elements", ()), block.get("accessory", {})):
            if wanted.items() <= element.items():
                return {**element, "block_id": block.get("block_id", "made-up")}
    return None


def _state(element: Mapping[str, Any], value: str) -> Json:
    """Return an input's state as Slack sends it."""
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
