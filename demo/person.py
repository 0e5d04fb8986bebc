"""A person at the demo's page: starts executions, reads emails, opens links and clicks, over the page's address."""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any, TypeVar

from demo.request_filter import PAGE_HEADER
from demo.slack import DIRECT_CHANNELS, MEMBERS, USERS

ALICE, BOB = USERS
DAVE = "U0DAVE0006"
"""He is not in the channel."""
_SECONDS = 60
_BUTTON = {"approve": "approval:approve", "reject": "approval:reject"}
_DATE = re.compile(r"<!date\^[^|>]*\|([^>]*)>")
"""A time in Slack's mrkdwn. Clients that do not know the reader's zone show what follows the bar."""

Json = dict[str, Any]
Found = TypeVar("Found")


class NotSeenError(Exception):
    """The page does not show the expected content."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The last page that a browser shows: its status, address and text."""

    status: int
    url: str
    text: str


@dataclass(slots=True)
class Person:
    """Uses the page at `url`. Methods that look for something wait until the page shows it, or raise `NotSeenError`."""

    url: str

    def state(self) -> Json:
        """Return what the page shows now."""
        state: Json = json.loads(self.open(f"{self.url}/api/state").text)
        return state

    def start(self, name: str, execution_input: object) -> str:
        """Start an execution; return its name."""
        answer = self._post_json("/api/executions", {"name": name, "input": execution_input})
        check(answer.status == 201, f"the execution did not start: {answer.text}")  # noqa: PLR2004
        return str(json.loads(answer.text)["name"])

    def spend(self, grant_id: str, action: object) -> Answer:
        """Spend a grant on an action."""
        return self._post_json("/api/spend", {"grant_id": grant_id, "action": action})

    def click(self, message: Json, action: str, user: str = ALICE) -> Answer:
        """Click a button of a Slack message. If it opens a dialog, `submit` that."""
        clicked = {"ts": message["ts"], "action_id": _BUTTON[action], "user_id": user}
        return self._post_json("/api/slack/click", clicked)

    def choose(self, message: Json, choice: str, user: str = ALICE) -> Answer:
        """Choose from a Slack message's menu: `withdraw` or `more-time`."""
        elements = (element for block in message["blocks"] for element in block.get("elements", ()))
        menu = next(element for element in elements if "options" in element)
        option = next(each["value"] for each in menu["options"] if each["value"].startswith(f"{choice}:"))
        clicked = {"ts": message["ts"], "action_id": menu["action_id"], "user_id": user, "option": option}
        return self._post_json("/api/slack/click", clicked)

    def command(self, text: str, user: str = ALICE) -> Answer:
        """Type /approvals and a text in Slack's channel."""
        return self._post_json("/api/slack/command", {"text": text, "user_id": user})

    def submit(self, values: dict[str, str], user: str = ALICE) -> Answer:
        """Fill in a user's open Slack dialog, by block ID, and submit it."""
        modal = self._first(
            lambda state: (seen for seen in state["slack"]["modals"] if seen["user_id"] == user),
            f"no dialog of {MEMBERS[user]}",
        )
        return self._post_json("/api/slack/submit", {"view_id": modal["id"], "values": values})

    def reject(self, message: Json, reason: str = "", user: str = ALICE) -> Answer:
        """Click Reject and submit the dialog that asks for the reason."""
        self.click(message, "reject", user)
        return self.submit({"comment": reason} if reason else {}, user)

    def open(self, url: str) -> Answer:
        """Open an address, following redirects."""
        return _fetch(urllib.request.Request(url))

    def confirm(self, page: Answer, comment: str = "", **filled_in: str) -> Answer:
        """Press the first button of a page; `filled_in` are fields of its form."""
        form = _Form()
        form.feed(page.text.partition("</form>")[0])
        fields = urllib.parse.urlencode({**form.fields, "comment": comment, **filled_in}).encode()
        return _fetch(urllib.request.Request(urllib.parse.urljoin(page.url, form.action), data=fields))

    def execution(self, name: str) -> Json:
        """Return an execution once it has entered a state."""
        return self._first(
            lambda state: (seen for seen in state["executions"] if seen["name"] == name and seen["states"]),
            f"no execution {name}",
        )

    def ended(self, name: str) -> Json:
        """Return an execution once it has ended."""
        return self._first(
            lambda state: (
                seen for seen in state["executions"] if seen["name"] == name and seen["status"] != "RUNNING"
            ),
            f"{name} did not end",
        )

    def mail(self, name: str, *, outcome: bool = False, to: str = "", seconds: float = _SECONDS) -> Json:
        """Return the email that requests an execution's approval, or tells its outcome."""
        return self._first(
            lambda state: (
                seen for seen in state["inbox"] if _is_about(seen, name, outcome=outcome) and to in seen["to"]
            ),
            f"no email about {name}",
            seconds,
        )

    def message(self, name: str, *, edited: bool = False, to: str = "") -> Json:
        """Return the Slack message about an execution, as posted or once it was edited; `to` a user, a direct one."""
        return self._first(
            lambda state: (
                seen
                for seen in state["slack"]["messages"]
                if name in json.dumps(seen["blocks"])
                and (seen["edited"] or not edited)
                and (not to or seen["channel"] == DIRECT_CHANNELS[to])
            ),
            f"no Slack message about {name}",
        )

    def ephemeral_text(self, user: str, since: str, about: str = "") -> str:
        """Return the text of an ephemeral message to a user, about something and newer than a message."""
        message = self._first(
            lambda state: (
                seen
                for seen in state["slack"]["messages"]
                if seen["ephemeral_to"] == user and seen["ts"] > since and about in seen["text"]
            ),
            f"no ephemeral message to {USERS[user]}",
        )
        return _DATE.sub(r"\1", str(message["text"]))

    def wait(
        self, look: Callable[[Json], Found | None], otherwise: str = "not seen", seconds: float = _SECONDS
    ) -> Found:
        """Look at the page until `look` returns something. Raise `NotSeenError` if it does not within the seconds."""
        deadline = time.monotonic() + seconds
        while True:
            found = look(self.state())
            if found is not None:
                return found
            check(time.monotonic() < deadline, f"{otherwise} within {seconds:.0f} s")
            time.sleep(0.1)

    def _first(self, look: Callable[[Json], Iterable[Json]], otherwise: str, seconds: float = _SECONDS) -> Json:
        return self.wait(lambda state: next(iter(look(state)), None), otherwise, seconds)

    def _post_json(self, path: str, body: object) -> Answer:
        headers = {"Content-Type": "application/json", PAGE_HEADER: "story"}
        return _fetch(urllib.request.Request(f"{self.url}{path}", json.dumps(body).encode(), headers))


def check(holds: bool, otherwise: str) -> None:  # noqa: FBT001 reads as an assertion
    """Raise `NotSeenError` unless something holds."""
    if not holds:
        raise NotSeenError(f"The check failed: {otherwise}.")


def links(mail: Json) -> dict[str, str]:
    """Return the links of an email by their action."""
    found = re.findall(r"^https?://\S+$", mail["text"], re.MULTILINE)
    return {urllib.parse.parse_qs(urllib.parse.urlsplit(link).query)["action"][0]: link for link in found}


def heading(page: Answer) -> str:
    """Return the page's first heading."""
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page.text, re.DOTALL)
    return found[1] if found else f"no heading, status {page.status}"


def _is_about(mail: Json, name: str, *, outcome: bool) -> bool:
    names_it = re.search(rf"Approval execution: +{re.escape(name)}$", mail["text"], re.MULTILINE)
    return bool(names_it) and outcome != bool(links(mail))


def _fetch(asked: urllib.request.Request) -> Answer:
    try:
        with urllib.request.urlopen(asked, timeout=_SECONDS) as answer:
            return Answer(answer.status, answer.url, answer.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.url, error.read().decode())


class _Form(HTMLParser):
    """The action and the hidden fields of a form."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = found["action"]
        elif tag == "input" and found.get("type") == "hidden":
            self.fields[found["name"]] = found["value"]
