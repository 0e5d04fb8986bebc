"""What people are told of a request with groups: what each needs, how far it is, and who is still asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from approvals.domain.group_wording import MAX_MEMBERS, group_counts, group_needs, group_shortfall
from approvals.domain.model import Action, Approval, Status
from approvals.domain.people import Person
from approvals.domain.response_wording import response_reply
from approvals.domain.rules import judge
from approvals.domain.seats import awaited
from approvals.domain.summary import summarize
from approvals.domain.wording import quorum_sentence
from bot.views.approval import request_blocks
from bot.views.home import home_view
from bot.visibility import Overview
from cli.document import document, lines
from mail.messages import Links, outcome_mail, request_mail
from mail.recipients import reminded
from tests.support.builders import NOW, a_response, an_approval
from tests.support.group_requests import OTTO, PIA, SUE, of_groups, one_of_each, said_by
from web import pages

LINKS = Links("https://example.com", one_click=False)
CROWD = tuple(Person(id=f"u{n}@example.com", name=f"U{n}", identities={"email": f"u{n}@example.com"}) for n in range(9))

SURFACES: dict[str, Callable[[Approval], str]] = {
    "the page": lambda approval: pages.confirm(approval, Action.APPROVE, {}, now=NOW),
    "the page after a response": lambda approval: pages.recorded(approval, approval.responses[0], {}, now=NOW),
    "the email": lambda approval: request_mail(approval, OTTO.id, LINKS).text,
    "the message": lambda approval: str([block.to_dict() for block in request_blocks(approval)]),
    "a row of Home": lambda approval: str(
        home_view(Overview(waiting=[summarize(approval)]), [approval], lambda found: found.id, now=NOW).to_dict()
    ),
    "show": lambda approval: "\n".join(lines(approval, NOW)),
}


@pytest.mark.parametrize("surface", SURFACES)
def test_every_surface_shows_how_far_each_group_is(surface: str) -> None:
    assert "security: 1 of 1, ops: 0 of 1" in SURFACES[surface](said_by(one_of_each(), SUE))


@pytest.mark.parametrize("surface", ["the page", "the email", "the message", "show"])
def test_surfaces_that_say_who_may_respond_say_what_each_group_needs(surface: str) -> None:
    assert "Needs 1 approval from security (Sue, Pia) and 1 from ops (Otto, Pia)" in SURFACES[surface](one_of_each())


def test_the_outcome_says_of_each_group_who_approved() -> None:
    decided = said_by(said_by(one_of_each(), SUE), OTTO, minutes=2)
    assert decided.status is Status.APPROVED
    assert "security: 1 of 1, ops: 1 of 1" in outcome_mail(decided, PIA.id).text
    assert "security: 1 of 1, ops: 1 of 1" in pages.outcome(decided, Action.APPROVE, PIA.id)
    assert document(decided)["Groups"] == [
        {"Name": "security", "Required": 1, "ApprovedBy": [SUE.id]},
        {"Name": "ops", "Required": 1, "ApprovedBy": [OTTO.id]},
    ]


def test_a_reply_says_how_far_each_group_is() -> None:
    judgement = judge(one_of_each(), a_response(approver=said_by(one_of_each(), SUE).responses[0].approver))
    reply = str(response_reply(judgement, judgement.approval.responses[0]))
    assert "1 of 2 approvals (security: 1 of 1, ops: 0 of 1)" in reply


@pytest.mark.parametrize(
    ("approval", "needs"),
    [
        (one_of_each(), "1 approval from security (Sue, Pia) and 1 from ops (Otto, Pia), from 2 different people"),
        (
            one_of_each(required_approvals=1),
            (
                "1 approval from security (Sue, Pia) and 1 from ops (Otto, Pia), "
                "where one person counts in each of their groups"
            ),
        ),
        (
            of_groups({"security": (1, (SUE, PIA)), "ops": (1, (OTTO,))}, required_approvals=3),
            "1 approval from security (Sue, Pia) and 1 from ops (Otto), 3 in all",
        ),
        (
            of_groups({"security": (2, (SUE, PIA)), "ops": (1, (OTTO,))}),
            "2 approvals from security (Sue, Pia) and 1 from ops (Otto)",
        ),
        (of_groups({"all": (2, CROWD)}), "2 approvals from all (U0, U1, U2, U3, U4, 4 more)"),
        (of_groups({"all": (2, CROWD[: MAX_MEMBERS + 1])}), "2 approvals from all (U0, U1, U2, U3, U4, U5)"),
        (an_approval(), ""),
    ],
)
def test_what_is_needed_is_one_sentence(approval: Approval, needs: str) -> None:
    assert group_needs(approval) == needs
    if needs:
        assert quorum_sentence(approval) == f"Needs {needs}; 1 rejection rejects it."


def test_before_the_members_are_known_the_groups_are_named() -> None:
    unknown = replace(one_of_each(), people=None)
    assert group_needs(unknown) == "1 approval from security and 1 from ops"
    assert group_counts(unknown) == "security: 0 of 1, ops: 0 of 1"


@pytest.mark.parametrize(
    ("approval", "missing"),
    [
        (one_of_each(), "1 more approval from security and 1 from ops"),
        (said_by(one_of_each(), SUE), "1 more approval from ops"),
        (said_by(one_of_each(), PIA), "1 more approval"),
        (said_by(one_of_each(required_approvals=3), SUE), "2 more approvals, 1 of them from ops"),
        (an_approval(), ""),
    ],
)
def test_what_is_missing_names_the_groups_that_miss_it(approval: Approval, missing: str) -> None:
    assert group_shortfall(approval) == missing


def test_only_people_whose_approval_is_needed_are_reminded_and_waited_for() -> None:
    half = said_by(of_groups({"security": (1, (SUE, PIA)), "ops": (1, (OTTO,))}), SUE)
    assert [person.id for person in awaited(half)] == [PIA.id, OTTO.id], "one more in all: anyone's counts"
    alone = said_by(of_groups({"security": (1, (SUE, PIA)), "ops": (1, (OTTO,))}, required_approvals=1), SUE)
    assert [person.id for person in awaited(alone)] == [OTTO.id]
    assert reminded(alone, "stack@example.com") == [OTTO.id]
    assert "Waiting for Otto" in pages.recorded(alone, alone.responses[0], {}, now=NOW)
