"""A channel that the core has never heard of: what it delivered and who responded there is shown everywhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from approvals.domain import wording
from approvals.domain.eligibility import Reason, responder
from approvals.domain.events import events
from approvals.domain.history import history
from approvals.domain.model import Action, Approval, Delivery, Request
from approvals.domain.people import Approver, People, Person
from approvals.domain.profiles import channel_of, is_group, profile_of
from approvals.domain.result import output
from approvals.domain.rules import judge
from approvals.domain.signed_links import approver_of
from approvals.domain.summary import summarize
from approvals.store.items import approval_from_item, approval_to_item
from bot.views.approval import outcome_blocks, outcome_reply, request_blocks
from bot.views.home import home_view
from bot.visibility import Overview
from cli.document import document, lines
from cli.export_columns import row
from mail.messages import Links, outcome_mail, reminder_mail
from tests.support.builders import ALICE, MESSAGE, NOW, a_response, an_approval
from web import pages

HOUR = timedelta(hours=1)
CAY = Person(id="CAY-7", name="Cay", identities={"pigeon": "CAY-7"})
IN_LOFT = Approver(id="CAY-7", name="Cay", channel="pigeon", realm="loft", member=True)
LOFT = Delivery(channel="pigeon", place="tower", id="7", realm="loft")
LINKS = Links("https://approvals.example.com/states", one_click=False)


def asked(**changes: object) -> Approval:
    request = Request(title="Deploy", timeout=HOUR, approvers=(ALICE.id, "CAY-7"), required_approvals=2)
    people = People(approvers=(Person(id=ALICE.id, name=ALICE.id, identities={"email": ALICE.id}), CAY))
    approval = an_approval(request=request, people=people, deliveries=(MESSAGE, LOFT))
    steps = {"request_pigeon": NOW, "request_pigeon:CAY-7": NOW, "notice_pigeon:CAY-7": NOW}
    return replace(approval, steps=steps, **changes)  # type: ignore[arg-type]


WAITING = judge(asked(), a_response(approver=IN_LOFT)).approval
DECIDED = judge(judge(asked(), a_response()).approval, a_response(approver=IN_LOFT, minutes=2, comment="Fine")).approval


def at_home(approval: Approval) -> str:
    overview = Overview(waiting=[summarize(approval)], decided=[summarize(approval)])
    return json.dumps(home_view(overview, [approval], lambda found: found.id, now=NOW).to_dict())


WHILE_OPEN: dict[str, Callable[[Approval], str]] = {
    "the Slack message": lambda found: json.dumps([block.to_dict() for block in request_blocks(found)]),
    "the page": lambda found: pages.confirm(found, Action.APPROVE, {}, now=NOW),
    "the email": lambda found: reminder_mail(found, ALICE.id, LINKS).text,
    "the command line": lambda found: json.dumps(document(found)),
    "its lines": lambda found: "\n".join(lines(found, NOW)),
    "the history": lambda found: "\n".join(entry.text for entry in history(found)),
    "the events": lambda found: json.dumps([event.detail for event in events(found, "stack")]),
}
ONCE_DECIDED: dict[str, Callable[[Approval], str]] = {
    "the Slack message": lambda found: json.dumps([block.to_dict() for block in outcome_blocks(found)]),
    "the thread": outcome_reply,
    "the page": lambda found: pages.outcome(found, Action.APPROVE),
    "the email": lambda found: outcome_mail(found, ALICE.id).text,
    "the command line": lambda found: json.dumps(document(found)),
    "its lines": lambda found: "\n".join(lines(found, NOW)),
    "the result": output,
    "the sentence": lambda found: str(wording.outcome(found)),
}


@pytest.mark.parametrize("surface", WHILE_OPEN)
def test_a_response_there_is_shown_while_the_request_is_open(surface: str) -> None:
    assert "pigeon" in WHILE_OPEN[surface](WAITING)


@pytest.mark.parametrize("surface", ONCE_DECIDED)
def test_a_decision_there_is_shown(surface: str) -> None:
    assert "pigeon" in ONCE_DECIDED[surface](DECIDED)


@pytest.mark.parametrize("approval", [WAITING, DECIDED])
def test_home_and_exports_show_it(approval: Approval) -> None:
    assert "Deploy" in at_home(approval)
    assert "pigeon" in json.dumps(row(approval))


def test_what_it_delivered_is_kept() -> None:
    assert approval_from_item(approval_to_item(WAITING)) == WAITING


def test_its_users_are_refused_like_those_of_any_channel_with_realms() -> None:
    assert responder(asked(), IN_LOFT) == CAY
    assert responder(asked(), replace(IN_LOFT, realm="elsewhere")) is Reason.OTHER_WORKSPACE
    assert responder(asked(), replace(IN_LOFT, realm="")) is Reason.OTHER_WORKSPACE
    assert responder(asked(), replace(IN_LOFT, realm=None)) is Reason.OTHER_WORKSPACE, "its deliveries have one"
    assert responder(asked(deliveries=(MESSAGE,)), IN_LOFT) is Reason.TOO_EARLY, "Slack's delivery is not its own"
    assert responder(asked(deliveries=()), replace(IN_LOFT, realm="")) is Reason.TOO_EARLY


def test_the_same_id_on_another_channel_is_another_person() -> None:
    assert responder(asked(), replace(IN_LOFT, channel="slack", realm=MESSAGE.realm)) is Reason.NOT_AN_APPROVER


def test_a_channel_without_a_profile_has_plain_words_and_no_names_of_its_own() -> None:
    assert profile_of("pigeon").where == "by pigeon"
    assert channel_of("CAY-7") is None
    assert not is_group("CAY-7")
    assert approver_of(asked(), "CAY-7").channel not in ("email", "slack")
