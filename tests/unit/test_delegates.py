"""Delegates on the surfaces: who is asked, what they read before they respond, and what the record says after."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from approvals.domain.delegate_wording import seat_sentence
from approvals.domain.history import history
from approvals.domain.model import Action, Approval, Request
from approvals.domain.people import LeftOut, People, Person
from approvals.domain.result import result
from approvals.domain.rules import judge
from approvals.domain.seats import awaited, informed
from approvals.domain.wording import outcome, responders, rules_sentence
from approvals.store.items import approval_from_item, approval_to_item
from bot.views.approval import request_blocks
from bot.visibility import Viewer, is_awaited, is_involved
from mail.messages import Links, request_mail
from mail.recipients import asked, reminded
from tests.support.builders import NOW, WORKSPACE, a_response, an_approval
from tests.support.delegates import ANN, BO, DAN, EVE, a_delegation, by_email
from web import pages

MINUTE = timedelta(minutes=1)
STACK = "stack@example.com"
UNTIL = "until 24 Nov 2026, 09:00 UTC"


def away(*delegates: Person, required: int = 1, **changes: object) -> Approval:
    """Return a request to Ann and Bo. The first delegate is Ann's, the second one Bo's."""
    pairs = zip((ANN, BO), delegates, strict=False)
    delegations = tuple(a_delegation(owner, delegate, **changes) for owner, delegate in pairs)
    request = Request(timeout=timedelta(hours=1), approvers=(ANN.id, BO.id), required_approvals=required)
    return an_approval(request=request, people=People(approvers=(ANN, BO), delegations=delegations), deliveries=())


def after(approval: Approval, *people: Person, action: Action = Action.APPROVE) -> Approval:
    for minutes, person in enumerate(people, len(approval.responses) + 1):
        approval = judge(approval, a_response(action, by_email(person), minutes=minutes)).approval
    return approval


def test_delegates_are_asked_and_reminded_like_those_who_are_away() -> None:
    approval = away(DAN, EVE, required=2)
    assert asked(approval, STACK) == [ANN.id, BO.id, DAN.id, EVE.id]
    responded = after(approval, DAN)
    assert awaited(responded) == (BO, EVE)
    assert reminded(responded, STACK) == [BO.id, EVE.id]
    assert informed(responded) == (ANN, BO, DAN, EVE), "all learn of the outcome"


def test_one_delegate_of_several_people_is_asked_once_and_still_awaited_by_nobody_after_a_response() -> None:
    approval = away(DAN, DAN, required=2)
    assert asked(approval, STACK) == [ANN.id, BO.id, DAN.id]
    assert awaited(after(approval, DAN)) == (BO,)


@pytest.mark.parametrize("why", LeftOut)
def test_a_delegate_who_is_left_out_is_not_asked_and_the_request_says_so(why: LeftOut) -> None:
    approval = away(DAN, left_out=why)
    assert asked(approval, STACK) == [ANN.id, BO.id]
    assert f"{DAN.id} can't respond for {ANN.id}: " in str(rules_sentence(approval))


def test_a_delegate_whose_time_is_over_is_not_reminded() -> None:
    approval = away(DAN, until=NOW + 5 * MINUTE)
    request = replace(approval.request, reminders=(10 * MINUTE,))
    assert DAN in awaited(approval)
    assert DAN not in awaited(replace(approval, request=request, reminded=1))


def test_every_surface_names_the_delegate_before_anyone_responds() -> None:
    approval = away(DAN)
    clause = f"Only {ANN.id} and {BO.id} can respond, and {DAN.id} for {ANN.id} {UNTIL}."
    assert str(rules_sentence(approval)).startswith(clause)
    assert in_slack(approval).startswith(
        f"Who can respond: {ANN.id} and {BO.id}, and {DAN.id} for {ANN.id} {UNTIL}. The first"
    )
    assert responders(approval, DAN.id) == [f"you (for {ANN.id})", ANN.id, BO.id]
    assert responders(approval, ANN.id) == ["you", BO.id, f"{DAN.id} (for you)"]
    assert responders(approval, BO.id) == ["you", ANN.id, f"{DAN.id} (for {ANN.id})"]
    text = request_mail(approval, DAN.id, Links("https://example.com", one_click=False)).text
    assert f"you (for {ANN.id})" in " ".join(text.split())


def test_slack_mentions_the_delegate_and_who_is_away_and_counts_the_fourth() -> None:
    people = [Person(id=f"p{number}@example.com", name=f"p{number}") for number in range(5)]
    ann, *others = [replace(person, identities={"slack": f"U0PERSON0{place}"}) for place, person in enumerate(people)]
    delegations = tuple(a_delegation(ann, each) for each in others)
    request = Request(timeout=timedelta(hours=1), approvers=(ann.id,))
    approval = an_approval(request=request, people=People(approvers=(ann,), delegations=delegations))
    named = [f"<U0PERSON0{place}> for <U0PERSON00> {UNTIL}" for place in (1, 2, 3)]
    assert f"<U0PERSON00>, and {'; '.join(named)}; 1 more delegate. The first" in in_slack(approval)


def in_slack(approval: Approval) -> str:
    """Return who can respond, as the Slack message says it, with mentions in angle brackets."""
    _, _, rules, *_ = [block.to_dict() for block in request_blocks(approval)]
    parts = rules["elements"][0]["elements"]
    return "".join(each.get("text") or each.get("fallback") or f"<{each['user_id']}>" for each in parts)


def test_the_page_says_for_whom_a_delegate_responds() -> None:
    approval = away(DAN, DAN, required=2)
    assert seat_sentence(approval, by_email(DAN), NOW) == f"You respond for {ANN.id}."
    assert seat_sentence(after(approval, ANN), by_email(DAN), NOW) == f"You respond for {BO.id}."
    assert seat_sentence(after(approval, ANN, BO), by_email(DAN), NOW) == ""
    assert seat_sentence(approval, by_email(ANN), NOW) == ""
    assert seat_sentence(approval, by_email(EVE), NOW) == ""
    replaces = f"{DAN.id} responded for you. Your response replaces that one."
    assert seat_sentence(after(approval, DAN), by_email(ANN), NOW) == replaces
    assert seat_sentence(after(approval, DAN), by_email(BO), NOW) == ""
    page = pages.confirm(approval, Action.APPROVE, {"to": DAN.id}, now=NOW)
    assert f"You respond for {ANN.id}." in page
    assert "You respond for" not in pages.confirm(approval, Action.APPROVE, {"to": ANN.id}, now=NOW)


def test_the_page_says_for_whom_a_delegate_responded() -> None:
    approval = after(away(DAN, required=2), DAN)
    recorded = pages.recorded(approval, approval.responses[0], {"to": DAN.id}, now=NOW)
    assert f"You approved this request for {ANN.id} on 23 Nov 2026" in recorded
    decided = pages.outcome(after(away(DAN), DAN), Action.APPROVE, DAN.id)
    assert f"You approved this request for {ANN.id} by email on 23 Nov 2026" in decided


def test_a_direct_message_to_a_delegate_is_on_record_by_name() -> None:
    dan = replace(DAN, name="Dan", identities={"slack": "U0DAN00004"})
    approval = replace(away(dan), steps={"request_slack:U0DAN00004": NOW})
    assert "Sent to Dan in a direct message in Slack." in [entry.text for entry in history(approval)]


def test_the_outcome_and_the_result_name_both() -> None:
    approval = after(away(DAN), DAN)
    assert f"by {DAN.id} for {ANN.id} by email" in str(outcome(approval))
    assert [(each["By"], each["For"]) for each in responses(approval)] == [(DAN.id, ANN.id)]
    assert all("For" not in each for each in responses(after(away(DAN), ANN)))


def responses(approval: Approval) -> list[dict[str, Any]]:
    found: Any = result(approval)["Responses"]
    return list(found)


def test_the_record_keeps_who_stands_in_for_whom_and_who_said_so() -> None:
    approval = after(away(DAN, EVE, required=2, left_out=None), DAN, ANN)
    assert approval_from_item(approval_to_item(approval)) == approval
    left_out = away(DAN, left_out=LeftOut.GROUP)
    assert approval_from_item(approval_to_item(left_out)) == left_out


def test_a_record_without_delegates_is_as_before() -> None:
    item = approval_to_item(after(away(required=2), ANN))
    assert "delegations" not in item["people"]
    assert not {"on_behalf_of", "withdrawn_by"} & item["responses"][0].keys()


def test_slack_lists_a_request_for_a_delegate_while_a_seat_is_empty() -> None:
    dan = replace(DAN, identities={"slack": "U0DAN00004", **DAN.identities})
    approval = away(dan, required=2)
    approval = replace(approval, deliveries=an_approval().deliveries)
    viewer = Viewer(id="U0DAN00004", name="Dan", workspace=WORKSPACE, member=True)
    assert is_awaited(approval, viewer)
    assert is_involved(approval, viewer)
    assert not is_awaited(after(replace(approval, deliveries=()), ANN), viewer)
