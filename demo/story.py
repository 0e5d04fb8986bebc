"""The whole story, unattended: what a person would do on the page, done over the page's own address."""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any, TypeVar

from demo.closed import PAGE_HEADER
from demo.slack import MEMBERS, USERS

TUTORIAL_INPUT: dict[str, Any] = {"Comment": "Testing the human approval tutorial."}
DEPLOYMENT: dict[str, Any] = {
    "Approval": {"Title": "Deploy web 2.4.1 to production", "RequestedBy": "jo@example.com", "TimeoutMinutes": 30},
    "Version": "2.4.1",
}
ALL_AT_ONCE: dict[str, Any] = {"Approval": {**DEPLOYMENT["Approval"], "Comment": {"Reject": "off"}}, "Version": "2.4.1"}
"""Without a dialog for the reason: each click is an answer."""

REFUND: dict[str, Any] = {
    "Approval": {
        "Title": "Give Northwind a refund",
        "Approvers": ["alice@example.com", "bob@example.com", "carol@example.com"],
        "RequiredApprovals": 2,
        "Form": [{"Name": "Amount", "Type": "number", "Minimum": 1, "Maximum": 500, "Required": True}],
    }
}
DELETION: dict[str, Any] = {"Approval": {"Title": "Delete the old production database", "Severity": "high"}}
RENEWAL: dict[str, Any] = {
    "Approval": {
        "Title": "Renew the certificate",
        "Approvers": ["alice@example.com"],
        "Reminders": [1],
        "EscalateTo": ["bob@example.com"],
        "EscalateAfterMinutes": 1,
        "TimeoutMinutes": 10,
    }
}
_ALICE, _BOB = USERS
_SECONDS = 60
_MINUTES = 200
"""Seconds for what the clock does: it ticks each minute."""
_BUTTON = {"approve": "approval:approve", "reject": "approval:reject"}

_DATE = re.compile(r"<!date\^[^|>]*\|([^>]*)>")
"""A moment in Slack's mrkdwn; what clients show that can't tell the reader's zone stands behind the bar."""

Found = TypeVar("Found")


class NotSeen(Exception):  # noqa: N818
    """The story did not go on as it should."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a browser would show: the status of the last page, its address and its text."""

    status: int
    url: str
    text: str


@dataclass(slots=True)
class Person:
    """Somebody at the page: starts executions, reads mails, opens links, clicks buttons."""

    url: str

    def state(self) -> dict[str, Any]:
        """What the page shows now."""
        state: dict[str, Any] = json.loads(self.open(f"{self.url}/api/state").text)
        return state

    def start(self, name: str, execution_input: object) -> str:
        """Starts an execution; returns its name."""
        answer = self._post_json("/api/executions", {"name": name, "input": execution_input})
        _see(answer.status == 201, f"the execution did not start: {answer.text}")  # noqa: PLR2004
        return str(json.loads(answer.text)["name"])

    def click(self, message: dict[str, Any], action: str, user: str = _ALICE) -> Answer:
        """Clicks a button of a Slack message. It may open a dialog: `submit` that."""
        clicked = {"ts": message["ts"], "action_id": _BUTTON[action], "user_id": user}
        return self._post_json("/api/slack/click", clicked)

    def choose(self, message: dict[str, Any], choice: str, user: str = _ALICE) -> Answer:
        """Chooses from a Slack message's menu: `withdraw` or `more-time`."""
        menus = [
            element for block in message["blocks"] for element in block.get("elements", ()) if "options" in element
        ]
        option = next(each["value"] for each in menus[0]["options"] if each["value"].startswith(f"{choice}:"))
        clicked = {"ts": message["ts"], "action_id": menus[0]["action_id"], "user_id": user, "option": option}
        return self._post_json("/api/slack/click", clicked)

    def submit(self, values: dict[str, str], user: str = _ALICE) -> Answer:
        """Fills in a user's open Slack dialog, by block id, and sends it off."""
        modal = self.wait(
            lambda state: next((seen for seen in state["slack"]["modals"] if seen["user_id"] == user), None),
            f"no dialog of {MEMBERS[user]}",
        )
        return self._post_json("/api/slack/submit", {"view_id": modal["id"], "values": values})

    def reject(self, message: dict[str, Any], reason: str = "", user: str = _ALICE) -> Answer:
        """Clicks Reject and sends off the dialog that asks for the reason."""
        self.click(message, "reject", user)
        return self.submit({"comment": reason} if reason else {}, user)

    def open(self, url: str) -> Answer:
        """Opens an address, follows redirects."""
        return _fetch(urllib.request.Request(url))

    def confirm(self, page: Answer, comment: str = "", **filled_in: str) -> Answer:
        """Presses the first button of a page; `filled_in` are fields of its form."""
        form = _Form()
        form.feed(page.text)
        fields = urllib.parse.urlencode({**form.fields, "comment": comment, **filled_in}).encode()
        return _fetch(urllib.request.Request(urllib.parse.urljoin(page.url, form.action), data=fields))

    def execution(self, name: str) -> dict[str, Any]:
        """The execution with this name, once it is on the page and has entered a state."""
        return self.wait(
            lambda state: next((seen for seen in state["executions"] if seen["name"] == name and seen["states"]), None)
        )

    def ended(self, name: str) -> dict[str, Any]:
        """The execution with this name, once it has ended."""
        return self.wait(
            lambda state: next((seen for seen in state["executions"] if _has_ended(seen, name)), None),
            f"{name} did not end",
        )

    def mail(self, name: str, *, outcome: bool = False, to: str = "", seconds: float = _SECONDS) -> dict[str, Any]:
        """The mail that asks about an execution, or the one that tells its outcome, once it has arrived."""
        return self.wait(
            lambda state: next(
                (seen for seen in state["inbox"] if _is_about(seen, name, outcome=outcome) and to in seen["to"]), None
            ),
            f"no mail about {name}",
            seconds,
        )

    def message(self, name: str, *, edited: bool = False) -> dict[str, Any]:
        """The Slack message about an execution, as it was posted or once it was edited."""
        return self.wait(
            lambda state: next(
                (
                    seen
                    for seen in state["slack"]["messages"]
                    if name in json.dumps(seen["blocks"]) and (seen["edited"] or not edited)
                ),
                None,
            ),
            f"no Slack message about {name}",
        )

    def whispered(self, user: str, since: str, about: str = "") -> str:
        """The text of a private note to a user that is newer than a message, and about something."""
        note = self.wait(
            lambda state: next(
                (
                    seen
                    for seen in state["slack"]["messages"]
                    if seen["ephemeral_to"] == user and seen["ts"] > since and about in seen["text"]
                ),
                None,
            ),
            f"no private note to {USERS[user]}",
        )
        return _DATE.sub(r"\1", str(note["text"]))

    def wait(
        self, look: Callable[[dict[str, Any]], Found | None], otherwise: str = "not seen", seconds: float = _SECONDS
    ) -> Found:
        """Looks at the page until something is there. Raises `NotSeen` when it is not within the seconds."""
        deadline = time.monotonic() + seconds
        while True:
            found = look(self.state())
            if found is not None:
                return found
            _see(time.monotonic() < deadline, f"{otherwise} within {seconds:.0f} s")
            time.sleep(0.1)

    def _post_json(self, path: str, body: object) -> Answer:
        headers = {"Content-Type": "application/json", PAGE_HEADER: "story"}
        return _fetch(urllib.request.Request(f"{self.url}{path}", json.dumps(body).encode(), headers))


def links(mail: dict[str, Any]) -> dict[str, str]:
    """The links of a mail by their action."""
    found = re.findall(r"^https?://\S+$", mail["text"], re.MULTILINE)
    return {urllib.parse.parse_qs(urllib.parse.urlsplit(link).query)["action"][0]: link for link in found}


def play(url: str) -> None:
    """Plays every part and prints what it saw. Raises `NotSeen` when a part does not go as it should."""
    person = Person(url)
    started = time.monotonic()
    renewal = person.start("renewal", RENEWAL)  # its minute passes meanwhile
    for action, state in (("approve", "ApprovedPassState"), ("reject", "RejectedPassState")):
        _by_email(person, action, state)
        _by_slack(person, action, state)
    _both_at_once(person)
    _clicked_again(person)
    _two_of_three_with_a_form(person)
    _high_severity(person)
    _reminded_and_escalated(person, renewal)
    print(f"\nEvery step held, in {time.monotonic() - started:.0f} s.")


def _by_email(person: Person, action: str, state: str) -> None:
    _part(f"Email: {action}")
    name = person.start(f"email-{action}", TUTORIAL_INPUT)
    waiting = person.execution(name)["states"][0]
    _saw(f"{name} waits in {waiting['name']}")
    mail = person.mail(name)
    _saw(f'a mail arrived: "{mail["subject"]}"')
    page = person.open(links(mail)[action])
    _see(page.status == 200 and "<form" in page.text, "the link shows no button")  # noqa: PLR2004
    _see(person.execution(name)["status"] == "RUNNING", "opening a link decided")
    _saw("its link opened a page with a button, and decided nothing")
    page = person.confirm(page, comment="Looks good" if action == "approve" else "Not today")
    _saw(f"pressed the button: {heading(page)}")
    agree(person, name, state, "email")


def _by_slack(person: Person, action: str, state: str) -> None:
    _part(f"Slack: {action}")
    name = person.start(f"slack-{action}", DEPLOYMENT)
    message = person.message(name)
    _saw(f'a message with buttons was posted: "{message["text"]}"')
    answer = person.click(message, action) if action == "approve" else person.reject(message, "Not on a Friday")
    _see(answer.status == 200, "the click was refused")  # noqa: PLR2004
    _saw(f"alice clicked {action.capitalize()}{' and gave a reason' if action == 'reject' else ''}")
    agree(person, name, state, "slack")


def _both_at_once(person: Person) -> None:
    _part("Both channels at once: 8 clicks, both actions")
    name = person.start("both-at-once", ALL_AT_ONCE)
    mail, message = person.mail(name), person.message(name)
    pages = {action: person.open(link) for action, link in links(mail).items()}
    clicks: list[Callable[[], Answer]] = []
    for _ in range(2):
        for action in _BUTTON:
            clicks.append(lambda action=action: person.confirm(pages[action]))  # type: ignore[misc]
            clicks.append(lambda action=action: person.click(message, action, _BOB))  # type: ignore[misc]
    with ThreadPoolExecutor(len(clicks)) as pool:
        answers = list(pool.map(lambda click: click(), clicks))
    _see(all(answer.status < 500 for answer in answers), "a click got a server error")  # noqa: PLR2004
    result = person.ended(name)["output"]["Approval"]["Result"]
    state = "ApprovedPassState" if result["Decision"] == "APPROVED" else "RejectedPassState"
    agree(person, name, state, result["Channel"])
    _see(len(result["Responses"]) == 1, f"{len(result['Responses'])} answers were taken")
    _saw(f"1 of 8 clicks decided: {result['Status']}")


def _clicked_again(person: Person) -> None:
    _part("Clicked again, and clicked too late, in both channels")
    name = person.start("clicked-again", DEPLOYMENT)
    mail, message = person.mail(name), person.message(name)
    pages = {action: person.open(link) for action, link in links(mail).items()}
    # Both clicks are on their way before the message can lose its buttons.
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda user: person.click(message, "approve", user), (_ALICE, _BOB)))
    winner = person.ended(name)["output"]["Approval"]["Result"]["DecidedBy"]
    note = person.whispered(_BOB if winner == _ALICE else _ALICE, message["ts"])
    _saw(f"two clicked Approve in Slack, one got a private note: {note}")
    late = person.confirm(pages["reject"])
    _see(late.status == 409, f"a late answer by mail got {late.status}")  # noqa: PLR2004
    _saw(f"Reject by mail, too late: page {late.status}, {heading(late)}")
    again = person.confirm(pages["approve"])
    _see(again.status == 200, f"the same answer again got {again.status}")  # noqa: PLR2004
    edited = person.message(name, edited=True)
    _see(all(block["type"] != "actions" for block in edited["blocks"]), "the message still has buttons")
    agree(person, name, "ApprovedPassState", "slack")


def _two_of_three_with_a_form(person: Person) -> None:
    _part("Two of three approvers, and a form")
    name = person.start("refund", REFUND)
    mail, message = person.mail(name, to="alice@"), person.message(name)
    page = person.open(links(mail)["approve"])
    wrong = person.confirm(page, **{"form.Amount": "501"})
    _see(wrong.status == 400 and "from 1 to 500" in wrong.text, "the page took a wrong amount")  # noqa: PLR2004
    _saw("alice's page refused an amount of 501, and said why")
    page = person.confirm(page, **{"form.Amount": "120"})
    _see("1 of 2 approvals" in page.text, "the page shows no progress")
    _see(person.execution(name)["status"] == "RUNNING", "one of two decided")
    _saw("alice approved by mail: 1 of 2 approvals, and the workflow waits on")
    person.click(message, "approve", _BOB)
    _see(person.submit({"form.Amount": "130"}, _BOB).status == 200, "the dialog was refused")  # noqa: PLR2004
    result = person.ended(name)["output"]["Approval"]["Result"]
    _see(result["Form"] == {"Amount": 130}, f"the result has the form {result['Form']}")
    _see(len(result["Responses"]) == 2, "not both answers are in the result")  # noqa: PLR2004
    _saw(f"bob approved in Slack's dialog: {result['Status']}, with the amount 130")


def _high_severity(person: Person) -> None:
    _part("High severity asks twice")
    name = person.start("deletion", DELETION)
    page = person.open(links(person.mail(name))["approve"])
    _see(person.confirm(page).status == 400, "it was approved without a second thought")  # noqa: PLR2004
    _saw("the page did not take the answer without its box ticked")
    person.confirm(page, sure="yes")
    agree(person, name, "ApprovedPassState", "email")


def _reminded_and_escalated(person: Person, name: str) -> None:
    _part("A reminder, then somebody else is asked (the clock ticks each minute)")
    message = person.message(name)
    person.wait(lambda state: _reply(state, message["ts"], "A reminder"), "no reminder in the thread", _MINUTES)
    _saw("alice did not answer: she was reminded in the thread and by mail")
    mail = person.mail(name, to="bob@", seconds=_MINUTES)
    _saw(f'bob was asked, too: "{mail["subject"]}"')
    person.confirm(person.open(links(mail)["reject"]), comment="Renewed already")
    result = person.ended(name)["output"]["Approval"]["Result"]
    _see((result["Decision"], result["DecidedBy"]) == ("REJECTED", "bob@example.com"), f"the result is {result}")
    _saw(f"{name} ended: {result['Status']}")


def _reply(state: dict[str, Any], thread: str, text: str) -> bool | None:
    replies = [seen["text"] for seen in state["slack"]["messages"] if seen["thread_ts"] == thread]
    return True if any(text in reply for reply in replies) else None


def agree(person: Person, name: str, state: str, channel: str) -> None:
    """Checks that the workflow's branch, its result, the Slack message, the mail and the page say the same."""
    execution = person.ended(name)
    result = execution["output"]["Approval"]["Result"]
    _see(execution["states"][-1]["name"] == state, f"{name} ended in {execution['states'][-1]['name']}, not {state}")
    _see(result["Channel"] == channel, f"the result names the channel {result['Channel']}")
    word = "Approved" if state == "ApprovedPassState" else "Rejected"
    message = person.message(name, edited=True)
    _see(message["text"].startswith(word), f"the Slack message says: {message['text']}")
    mail = person.mail(name, outcome=True)
    _see(mail["text"].startswith(word), f"the outcome mail says: {mail['text']}")
    asking = person.mail(name)
    _see(mail["subject"] == f"Re: {asking['subject']}", f"the outcome mail is called {mail['subject']}")
    link = links(asking)["approve" if word == "Approved" else "reject"]
    page = person.open(link)
    _see(page.status == 200 and heading(page) == word, f"the link's page says: {heading(page)}")  # noqa: PLR2004
    _saw(f"{name} ended in {state}: {result['Status']}")
    _saw("the Slack message, the outcome mail and the link's page say the same")


def _has_ended(execution: dict[str, Any], name: str) -> bool:
    return bool(execution["name"] == name and execution["status"] != "RUNNING")


def _is_about(mail: dict[str, Any], name: str, *, outcome: bool) -> bool:
    names_it = re.search(rf"Execution: +{re.escape(name)}$", mail["text"], re.MULTILINE)
    return bool(names_it) and outcome != bool(links(mail))


def heading(page: Answer) -> str:
    """The page's first heading."""
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page.text, re.DOTALL)
    return found[1] if found else f"no heading, status {page.status}"


def _fetch(asked: urllib.request.Request) -> Answer:
    try:
        with urllib.request.urlopen(asked, timeout=_SECONDS) as answer:
            return Answer(answer.status, answer.url, answer.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.url, error.read().decode())


def _see(holds: bool, otherwise: str) -> None:  # noqa: FBT001 reads as an assertion
    if not holds:
        raise NotSeen(f"It did not hold: {otherwise}.")


def _part(title: str) -> None:
    print(f"\n{title}", flush=True)


def _saw(what: str) -> None:
    print(f"  ok  {what}", flush=True)


class _Form(HTMLParser):
    """The action and the hidden fields of a page's first form."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self._over = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if self._over:
            return
        if tag == "form":
            self.action = found["action"]
        elif tag == "input" and found.get("type") == "hidden":
            self.fields[found["name"]] = found["value"]

    def handle_endtag(self, tag: str) -> None:
        self._over = self._over or tag == "form"
