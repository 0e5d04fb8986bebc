"""Slack's surfaces on the deployed stack: the app's Home, /approvals, direct messages, the thread."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from approvals.domain.references import short
from demo.person import Person
from demo.slack import ELSEWHERE_CHANNEL
from demo.stack import LocalStack
from scripts import screenshots
from tests.support.chromium import SIZES, chromium
from tests.support.polling import seen

ALICE, BOB, CAROL, DAVE = "U0ALICE01", "U0BOB00002", "U0CAROL003", "U0DAVE0006"
TO_DAVE = f"D{DAVE[1:]}"
ONE_TAP = {"Comment": {"Approve": "off", "Reject": "off"}}


@pytest.fixture(scope="module")
def workspace(quiet: LocalStack) -> LocalStack:
    """Not the stack of most tests: a Home shows what is due the soonest, which would be their many requests."""
    return quiet


@pytest.fixture
def person(workspace: LocalStack) -> Person:
    return Person(workspace.url)


def asked(title: str, **more: Any) -> dict[str, Any]:
    return {"Approval": {"Title": title, "RequestedBy": "carol@example.com", **ONE_TAP, **more}}


def messages(person: Person, channel: str, about: str) -> list[dict[str, Any]]:
    """Return the messages in a channel about an execution or a title."""
    return [
        message
        for message in person.state()["slack"]["messages"]
        if message["channel"] == channel and about in json.dumps([message["blocks"], message["text"]])
    ]


def home(person: Person, user: str, wanted: str) -> str:
    """Return the app's Home as a user sees it, once something is in it."""

    def look() -> str | None:
        text = json.dumps(person.state()["slack"]["homes"].get(user))
        return text if wanted in text else None

    return seen(look, f"{wanted} in the home")


def post(person: Person, path: str, **body: str) -> None:
    assert person._post_json(path, body).status == 200


def test_the_home_shows_what_waits_and_takes_the_answer(workspace: LocalStack, person: Person) -> None:
    name = person.start("home-request", asked("Shown in the home"))
    person.message(name)
    post(person, "/api/slack/home", user_id=ALICE)
    shown = home(person, ALICE, "Shown in the home")
    approval_id = _id_of(person, name)
    assert f'"value": "{approval_id}"' in shown
    post(person, "/api/slack/home/click", user_id=ALICE, action_id="approval:approve", value=approval_id)
    assert person.ended(name)["output"]["Approval"]["Result"]["DecidedBy"] == ALICE
    home(person, ALICE, f"[{short(approval_id)}]: Approved by alice in Slack")


def _id_of(person: Person, name: str) -> str:
    [button] = [
        element
        for block in person.message(name)["blocks"]
        for element in block.get("elements", ())
        if element.get("action_id") == "approval:approve"
    ]
    return str(button["value"])


def test_a_command_is_answered_to_one_person_in_any_channel(workspace: LocalStack, person: Person) -> None:
    name = person.start("command-request", asked("Found by a command"))
    person.message(name)
    post(person, "/api/slack/command", user_id=BOB, text="search found command", channel=ELSEWHERE_CHANNEL)
    [answer] = seen(lambda: messages(person, ELSEWHERE_CHANNEL, "Found by a command"), "the command's answer")
    assert answer["ephemeral_to"] == BOB
    post(person, "/api/slack/command", user_id=DAVE, text=f"show {name}", channel=ELSEWHERE_CHANNEL)
    [nothing] = seen(lambda: messages(person, ELSEWHERE_CHANNEL, "No request that you can see"), "what dave is told")
    assert nothing["ephemeral_to"] == DAVE


def test_an_approver_outside_the_channel_answers_a_direct_message(workspace: LocalStack, person: Person) -> None:
    name = person.start("direct-request", asked("Directly", Approvers=[ALICE, DAVE], RequiredApprovals=2))
    [direct] = seen(lambda: messages(person, TO_DAVE, name), "the direct message")
    person.click(person.message(name), "approve", ALICE)
    seen(lambda: "1 of 2 approvals" in json.dumps(messages(person, TO_DAVE, name)), "progress shown directly")
    person.click(direct, "approve", DAVE)
    assert person.ended(name)["output"]["Approval"]["Result"]["Decision"] == "APPROVED"
    outcome = [approved(person, channel, name) for channel in (workspace.slack.channel, TO_DAVE)]
    assert outcome[0]["blocks"] == outcome[1]["blocks"]


def approved(person: Person, channel: str, name: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        return next((seen for seen in messages(person, channel, name) if seen["text"].startswith("Approved")), None)

    return seen(look, f"the outcome in {channel}")


def test_the_requester_is_told_in_the_thread(workspace: LocalStack, person: Person) -> None:
    name = person.start("thread-request", asked("Told in the thread", Approvers=[BOB]))
    message = person.message(name)
    approval_id = _id_of(person, name)
    person.click(message, "approve", BOB)
    [reply] = seen(
        lambda: [m for m in person.state()["slack"]["messages"] if m["thread_ts"] == message["ts"]] or None, "the reply"
    )
    named = f"<@{CAROL}> \u201cTold in the thread\u201d [{short(approval_id)}]:"
    assert reply["text"].startswith(f"{named} Approved by bob in Slack <!date^")


@pytest.fixture(params=SIZES)
def page(request: pytest.FixtureRequest) -> Iterator[Page]:
    width, height = SIZES[request.param]
    with chromium() as browser:
        yield browser.new_page(viewport={"width": width, "height": height})


@pytest.mark.browser
def test_the_pictures_of_the_docs_can_be_taken(workspace: LocalStack, page: Page, tmp_path: Path) -> None:
    """Besides them: a command typed, and the direct messages of somebody else, at phone and desktop width."""
    width = page.viewport_size["width"] if page.viewport_size else 0
    screenshots.play(workspace.url, f"-{width}")
    taken = screenshots.take(page, workspace.url, tmp_path)
    assert all(path.stat().st_size > 10_000 for path in taken)
    page.locator("#tab-channel").click()
    page.locator("#said").fill("/approvals help")
    page.locator("#composer button").click()
    page.locator("#messages", has_text="/approvals search TEXT").wait_for(timeout=60_000)
    page.locator("#users label", has_text="Dave").click()
    page.locator("#tab-direct").click()
    page.locator("#messages article", has_text="Give Northwind a refund").first.wait_for(timeout=60_000)
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow == 0, "the page scrolls sideways"


@pytest.mark.parametrize("body", [None, b"ssl_check=1&token=x"], ids=["GET", "POST"])
def test_check_of_the_certificate_gets_200_unsigned(workspace: LocalStack, body: bytes | None) -> None:
    url = f"{workspace.api_url}/slack/events"
    asked = urllib.request.Request(url, data=body) if body else urllib.request.Request(f"{url}?ssl_check=1")
    with urllib.request.urlopen(asked, timeout=30) as answer:
        assert (answer.status, answer.read()) == (200, b"")
