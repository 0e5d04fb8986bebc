"""Which approvals somebody sees in Slack, and what waits for them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.domain.model import Action, Approval, Request, Response, Status
from approvals.domain.people import Approver, People, Person
from approvals.domain.rules import judge
from bot.subcommands import Subcommand, parse_command
from bot.visibility import Viewer, can_see, is_awaited, is_involved, is_requester, overview
from tests.support.builders import ALICE, BOB, HOUR, MESSAGE, NOW, WORKSPACE, a_response, an_approval, expired

BOBS = Viewer(
    id=BOB.id,
    name=BOB.name,
    workspace=WORKSPACE,
    member=True,
    email="bob@example.com",
    channels=frozenset({MESSAGE.place}),
)
OUTSIDE = replace(BOBS, channels=frozenset())
ME = Person(id="bob@example.com", name="bob", identities={"email": "bob@example.com", "slack": BOB.id})
ANN = Person(id="ann@example.com", name="ann", identities={"email": "ann@example.com"})
TAGGED = Person(id="bob@example.com", name="bob", identities={"email": "Bob+ops@example.com"})
FORMER = Person(id="bob@example.com", name="bob", identities={"email": "bob@example.com", "slack": "U0FORMER01"})
"""Somebody who had Bob's address when the request was sent."""


def asked(people: People | None, viewer: Viewer = BOBS, **request: Any) -> tuple[bool, bool]:
    """Return True if a request waits for the viewer, and whether they see it at all."""
    approval = an_approval(request=Request(timeout=HOUR, **request), people=people)
    return is_awaited(approval, viewer), can_see(approval, viewer)


@pytest.mark.parametrize(
    ("what", "people", "viewer", "expected"),
    [
        ("for whoever is asked, in my channel", People(), BOBS, (True, True)),
        ("for whoever is asked, elsewhere", People(), OUTSIDE, (False, False)),
        ("for me, elsewhere", People(approvers=(ME,)), OUTSIDE, (True, True)),
        (
            "for me by my address",
            People(approvers=(replace(ME, identities={**ME.identities, "slack": ""}),)),
            OUTSIDE,
            (False, True),
        ),
        ("for others, in my channel", People(approvers=(ANN,)), BOBS, (False, True)),
        ("for others, elsewhere", People(approvers=(ANN,)), OUTSIDE, (False, False)),
        ("of mine", People(requester=ME), OUTSIDE, (False, True)),
        ("of mine, in my channel", People(requester=ME), BOBS, (False, True)),
        ("escalated to me later", People(approvers=(ANN,), escalation=(ME,)), OUTSIDE, (False, False)),
        ("nobody knows yet for whom", None, BOBS, (False, True)),
        ("for whoever is asked, in my channel, as a guest", People(), replace(BOBS, member=False), (False, True)),
        ("for me by name, as a guest", People(approvers=(ME,)), replace(OUTSIDE, member=False), (True, True)),
        ("for me by an address with a tag", People(approvers=(TAGGED,)), OUTSIDE, (False, True)),
        ("for somebody whose address is mine now", People(approvers=(FORMER,)), OUTSIDE, (False, False)),
        ("for me, of another workspace", People(approvers=(ME,)), replace(OUTSIDE, workspace="T0X"), (False, True)),
    ],
)
def test_a_viewer_sees_their_requests_and_those_that_wait_for_them(
    what: str, people: People | None, viewer: Viewer, expected: tuple[bool, bool]
) -> None:
    assert asked(people, viewer) == expected


def test_people_escalated_to_see_the_request_from_then_on() -> None:
    people = People(approvers=(ANN,), escalation=(ME,))
    escalated = an_approval(people=people, escalated_at=NOW)
    assert (is_awaited(escalated, OUTSIDE), can_see(escalated, OUTSIDE)) == (True, True)


def test_requests_that_i_responded_to_wait_for_me_no_more_and_stay_in_sight() -> None:
    request = Request(timeout=HOUR, required_approvals=2)
    approval = judge(
        an_approval(request=request, people=People(approvers=(ANN, ME))), a_response(approver=BOB)
    ).approval
    assert approval.status is Status.PENDING
    assert (is_awaited(approval, OUTSIDE), can_see(approval, OUTSIDE)) == (False, True)


def test_people_told_of_a_request_see_it() -> None:
    for name in (BOB.id, "Bob@Example.com"):
        assert asked(People(approvers=(ANN,)), OUTSIDE, notify=(name,)) == (False, True)


def test_people_without_an_address_in_slack_are_not_taken_for_each_other() -> None:
    nameless = replace(OUTSIDE, email="")
    slack_only = Person(id="U0X0000001", name="x", identities={"slack": "U0X0000001"})
    assert asked(People(approvers=(slack_only,)), nameless) == (False, False)
    assert not is_requester(an_approval(request=Request(timeout=HOUR), people=People()), nameless)


def test_the_requester_is_known_before_slack_was_called() -> None:
    assert is_requester(an_approval(request=Request(timeout=HOUR, requested_by=BOB.id), people=None), OUTSIDE)


def test_an_overview_has_each_approval_once() -> None:
    mine = an_approval(id="m" * 32, people=People(requester=ME))
    mine_done = expired(id="n" * 32, people=People(requester=ME))
    done = judge(an_approval(id="d" * 32, people=People(approvers=(ME,))), a_response(approver=BOB)).approval
    later = judge(
        an_approval(id="e" * 32, people=People(approvers=(ME,))), a_response(Action.REJECT, BOB, minutes=9)
    ).approval
    waiting = an_approval(id="w" * 32)
    seen = overview(BOBS, [waiting, mine], [mine, done, later, mine_done, waiting])
    assert [each.id[0] for each in (*seen.waiting, *seen.requested, *seen.decided)] == list("wmned")


people = st.sampled_from([ME, ANN, replace(ANN, id="x", identities={"email": "x@example.com", "slack": "U0X0000001"})])
approvals = st.builds(
    lambda named, escalation, requester, escalated, answered: _answered(
        an_approval(
            people=People(approvers=named, escalation=escalation, requester=requester),
            escalated_at=NOW if escalated else None,
        ),
        answered,
    ),
    st.lists(people, max_size=2, unique=True).map(tuple),
    st.lists(people, max_size=1).map(tuple),
    st.none() | people,
    st.booleans(),
    st.sampled_from([None, ALICE, BOB]),
)


def _answered(approval: Approval, by: Approver | None) -> Approval:
    return judge(approval, a_response(approver=by)).approval if by else approval


@given(approvals, st.sampled_from([BOBS, OUTSIDE]))
def test_viewers_may_respond_to_and_see_requests_that_wait_for_them(approval: Approval, viewer: Viewer) -> None:
    if is_awaited(approval, viewer):
        assert can_see(approval, viewer)
        assert judge(approval, Response(approver=BOB, action=Action.APPROVE, at=NOW)).approval.status is Status.APPROVED
    if is_requester(approval, viewer):
        assert is_involved(approval, viewer)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("", (Subcommand.LIST, "")),
        ("  List ", (Subcommand.LIST, "")),
        ("mine", (Subcommand.MINE, "")),
        ("search  two words ", (Subcommand.SEARCH, "two words")),
        ("show abc123", (Subcommand.SHOW, "abc123")),
        ("search", (Subcommand.HELP, "\u201csearch\u201d needs a text.")),
        ("mine too", (Subcommand.HELP, "\u201cmine\u201d takes no text.")),
        ("delete all", (Subcommand.HELP, "Unknown command \u201cdelete\u201d.")),
        ("help", (Subcommand.HELP, "")),
        ("help me", (Subcommand.HELP, "")),
    ],
)
def test_command_is_understood_or_answered_with_help(said: str, expected: tuple[Subcommand, str]) -> None:
    assert parse_command(said) == expected


def test_request_to_one_user_waits_for_them_alone() -> None:
    posted = replace(MESSAGE, place="D0BOB00002")
    request = Request(timeout=HOUR, channel=BOB.id)
    approval = an_approval(request=request, people=People(), deliveries=(posted,))
    assert (is_awaited(approval, OUTSIDE), can_see(approval, OUTSIDE)) == (True, True)
    other = replace(OUTSIDE, id="U0CAROL003", email="carol@example.com")
    assert (is_awaited(approval, other), can_see(approval, other)) == (False, False)
    assert overview(OUTSIDE, [approval], []).waiting


@pytest.mark.parametrize(
    "pasted",
    [
        "show\u00a0abc123",
        "\u00a0show abc123\u00a0",
        "show\tabc123\n",
        "show\u2003abc123",
        "SHOW abc123",
        "`show abc123`",
        "`show` `abc123`",
        "show `abc123`",
        "show [abc123]",
        "show <abc123>",
        "show (abc123)",
        "show \u201cabc123\u201d",
        "\u2018show abc123\u2019",
        "show 'abc123'",
        "show \u200babc123\u200b",
        "\ufeffshow abc\u200d123",
        "/approvals show abc123",
        "`/approvals show abc123`",
    ],
)
def test_pasted_command_is_understood_as_typed(pasted: str) -> None:
    assert parse_command(pasted) == (Subcommand.SHOW, "abc123")


def test_pasted_words_are_searched_without_their_quotes() -> None:
    assert parse_command("search \u201cdeploy\u00a0web\u201d") == (Subcommand.SEARCH, "deploy web")
    assert parse_command("search o\u2019neil") == (Subcommand.SEARCH, "o\u2019neil")


def test_long_unknown_command_is_cut() -> None:
    assert parse_command("x" * 400) == (Subcommand.HELP, f"Unknown command \u201c{'x' * 50}\u201d.")


@given(st.text())
def test_no_command_is_an_error(said: str) -> None:
    assert parse_command(said)[0] in Subcommand
