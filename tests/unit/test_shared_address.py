"""The stack's own address, which several people may read, and a requester whom Slack does not know: what is shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from typing import Any

import pytest

from approvals.domain.model import Action, Approval, Request
from approvals.domain.people import People, Person
from approvals.domain.summary import summarize
from bot.views import approval as message
from bot.views import home
from bot.visibility import Overview
from cli import document
from mail.digest_message import digest_mail
from mail.messages import SHARED_ADDRESS, Links, notice_mail, reminder_mail, request_mail
from mail.recipients import asked, reminded, told
from tests.support.builders import HOUR, NOW, an_approval
from web import pages

STACK = "approvals@example.com"
LINKS = Links("https://api.example.com/states", one_click=False)
RO = Person(id="ro@example.com", name="ro@example.com", identities={"email": "ro@example.com"})
UNKNOWN = "Slack can't identify ro@example.com, who could approve their own request there."


def of(requester: Person | None = RO, **changes: Any) -> Approval:
    request = Request(title="Deploy", timeout=HOUR, requested_by="ro@example.com", **changes)
    return an_approval(request=request, people=People(requester=requester))


def plain(text: str) -> str:
    return " ".join(unescape(text).split())


def at_home(approval: Approval) -> str:
    view = home.home_view(Overview(waiting=[summarize(approval)]), [approval], lambda found: found.id, now=NOW)
    return json.dumps(view.to_dict(), ensure_ascii=False)


SURFACES: dict[str, Callable[[Approval], str]] = {
    "the email": lambda found: request_mail(found, STACK, LINKS).text,
    "the reminder": lambda found: reminder_mail(found, STACK, LINKS).text,
    "the digest": lambda found: digest_mail([found], STACK, LINKS, stack_email=STACK).text,
    "the page": lambda found: pages.confirm(found, Action.APPROVE, {}, now=NOW),
    "the message": lambda found: json.dumps([block.to_dict() for block in message.request_blocks(found)]),
    "the Home": at_home,
    "the terminal": lambda found: "\n".join(document.lines(found, NOW)),
    "JSON": lambda found: json.dumps(document.document(found)),
}


@pytest.mark.parametrize("surface", SURFACES)
def test_a_requester_whom_slack_does_not_know_is_named_as_such(surface: str) -> None:
    assert UNKNOWN in plain(SURFACES[surface](of()))
    assert "Slack can't identify" not in SURFACES[surface](
        of(replace(RO, identities={**RO.identities, "slack": "U0RO000005"}))
    )


@pytest.mark.parametrize("changes", [{"required_approvals": 2}, {"required_rejections": 2}])
def test_the_shared_address_of_a_quorum_is_told_and_gets_no_links(changes: dict[str, Any]) -> None:
    approval = of(**changes)
    assert asked(approval, STACK) == reminded(approval, STACK) == []
    assert told(approval, STACK) == [STACK]
    mail = notice_mail(approval, STACK)
    assert SHARED_ADDRESS in mail.text
    assert "https://" not in mail.text
    assert "Who can respond: anyone who receives this request in Slack, except ro@example.com." in plain(mail.text)


def test_people_that_the_request_notifies_are_told_why() -> None:
    approval = of(required_approvals=2, notify=(STACK, "eve@example.com"))
    for address in (STACK, "eve@example.com"):
        text = notice_mail(approval, address).text
        assert "You can't respond." in text
        assert SHARED_ADDRESS not in text, "they are told because the request names them"


def test_the_shared_address_is_asked_where_one_response_is_enough() -> None:
    assert (asked(of(), STACK), told(of(), STACK)) == ([STACK], [])


@pytest.mark.parametrize("own", ["approvals@example.com", "Approvals+ops@Example.com"])
def test_the_shared_address_is_not_asked_about_its_own_request(own: str) -> None:
    approval = of(Person(id=STACK, name=own, identities={"email": own}))
    assert (asked(approval, STACK), told(approval, STACK)) == ([], [STACK])
