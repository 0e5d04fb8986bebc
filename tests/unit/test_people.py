"""Who may answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from approvals.domain.eligibility import Reason, eligible, needs_lookup, responder, unknown_requester
from approvals.domain.model import Approval, Request
from approvals.domain.people import Approver, People, Person
from approvals.domain.seats import unanswered
from tests.support.builders import HOUR, MESSAGE, NOW, WORKSPACE, a_response, an_approval

ANN = Person(id="ann@example.com", name="Ann", identities={"email": "Ann@example.com", "slack": "U0ANN00001"})
BO = Person(id="bo@example.com", name="Bo", identities={"email": "bo@example.com"})
CY = Person(id="U0CY000003", name="Cy", identities={"slack": "U0CY000003"})
DAN = Person(id="dan@example.com", name="Dan", identities={"email": "dan@example.com"})


def by_email(address: str) -> Approver:
    return Approver(id=address, name=address, channel="email")


def in_slack(slack_id: str, workspace: str = WORKSPACE) -> Approver:
    return Approver(id=slack_id, name="name", channel="slack", realm=workspace, member=True)


def of(people: People | None, **changes: Any) -> Approval:
    allow = changes.pop("allow_self_approval", False)
    return an_approval(people=people, request=Request(timeout=HOUR, allow_self_approval=allow), **changes)


NAMED = of(People(approvers=(ANN, BO, CY), escalation=(DAN,)))


@pytest.mark.parametrize(
    ("changes", "matters"),
    [
        ({}, False),
        ({"approvers": ("ann@example.com",)}, True),
        ({"required_approvals": 2}, True),
        ({"required_rejections": 2}, True),
        ({"requested_by": "ann@example.com"}, True),
        ({"requested_by": "ann@example.com", "allow_self_approval": True}, False),
        ({"notify": ("ann@example.com",), "channel": "C0123456"}, False),
    ],
)
def test_identities_matter_for_named_people_and_those_who_could_count_twice(
    changes: dict[str, Any], matters: bool
) -> None:
    assert needs_lookup(Request(timeout=HOUR, **changes)) is matters


@pytest.mark.parametrize(
    ("approver", "person"),
    [
        (by_email("Ann@example.com"), ANN),
        (by_email("ann@EXAMPLE.com"), ANN),
        (by_email("ann+ops@example.com"), ANN),
        (by_email("ann@example.com."), ANN),
        (in_slack("U0ANN00001"), ANN),
        (by_email("bo@example.com"), BO),
        (in_slack("U0CY000003"), CY),
    ],
)
def test_an_approver_is_the_same_person_on_every_channel_and_in_every_case(approver: Approver, person: Person) -> None:
    assert responder(NAMED, approver) == person


@pytest.mark.parametrize(
    "approver",
    [
        by_email("eve@example.com"),
        by_email(""),
        by_email("U0CY000003"),
        in_slack("U0EVE00006"),
        in_slack(""),
        in_slack("bo@example.com"),
        in_slack("u0ann00001"),
        by_email("dan@example.com"),
    ],
)
def test_nobody_else_is_taken_for_an_approver(approver: Approver) -> None:
    assert responder(NAMED, approver) is Reason.NOT_AN_APPROVER


def test_without_named_approvers_a_stranger_is_a_person_of_their_own() -> None:
    assert responder(of(People()), by_email("Eve@example.com")) == Person(
        id="eve@example.com", name="Eve@example.com", identities={"email": "Eve@example.com"}
    )
    assert responder(of(People()), in_slack("U0EVE00006")) == Person(
        id="U0EVE00006", name="name", identities={"slack": "U0EVE00006"}
    )


@pytest.mark.parametrize("changes", [{"required_approvals": 2}, {"required_rejections": 2}])
def test_a_shared_address_never_counts_in_a_quorum(changes: dict[str, Any]) -> None:
    """The stack's own mailbox is the only address that is asked where nobody is named: one human could be two."""
    request = Request(timeout=HOUR, **changes)
    approval = an_approval(people=People(), request=request)
    assert responder(approval, by_email("approvals@example.com")) is Reason.SHARED_ADDRESS
    assert isinstance(responder(approval, in_slack("U0EVE00006")), Person)
    named = People(approvers=(replace(BO, identities={"email": "approvals@example.com"}),))
    assert isinstance(responder(replace(approval, people=named), by_email("Approvals@example.com")), Person)


def test_a_shared_address_counts_where_one_response_is_enough_even_if_the_requester_may_read_it() -> None:
    assert isinstance(responder(of(People(requester=ANN)), by_email("approvals@example.com")), Person)


@pytest.mark.parametrize(("member", "expected"), [(True, None), (False, Reason.NOT_A_MEMBER), (None, Reason.UNCHECKED)])
def test_only_members_may_answer_what_names_nobody(member: bool | None, expected: Reason | None) -> None:
    who = replace(in_slack("U0EVE00006"), member=member)
    assert isinstance(responder(NAMED, replace(who, id="U0CY000003")), Person), "named: nobody asks"
    found = responder(of(People()), who)
    assert found is expected if expected else isinstance(found, Person)


@pytest.mark.parametrize(
    ("people", "allow", "expected"),
    [
        (People(requester=BO), False, BO),
        (People(requester=ANN), False, None),
        (People(requester=BO), True, None),
        (People(requester=BO, approvers=(ANN,)), False, None),
        (People(requester=BO, complete=False), False, None),
        (People(), False, None),
        (None, False, None),
    ],
)
def test_a_requester_is_unknown_where_slack_does_not_know_them_and_nobody_is_named(
    people: People | None, allow: bool, expected: Person | None
) -> None:
    assert unknown_requester(of(people, allow_self_approval=allow)) == expected


@pytest.mark.parametrize("people", [People(requester=ANN), People(requester=ANN, approvers=(ANN, BO))])
@pytest.mark.parametrize("approver", [by_email("ann@example.com"), in_slack("U0ANN00001")])
def test_the_requester_may_not_respond_on_any_channel_unless_allowed(people: People, approver: Approver) -> None:
    assert responder(of(people), approver) is Reason.OWN_REQUEST
    assert responder(of(people, allow_self_approval=True), approver) == ANN


def test_that_the_request_allows_it_makes_nobody_an_approver() -> None:
    approval = of(People(requester=ANN, approvers=(BO,)), allow_self_approval=True)
    assert responder(approval, in_slack("U0ANN00001")) is Reason.NOT_AN_APPROVER


def test_a_slack_user_of_another_workspace_may_not_answer_whoever_they_seem_to_be() -> None:
    assert responder(NAMED, in_slack("U0ANN00001", "T0ELSEWHERE")) is Reason.OTHER_WORKSPACE
    assert responder(NAMED, in_slack("U0ANN00001", "")) is Reason.OTHER_WORKSPACE
    nowhere = replace(NAMED, deliveries=(replace(MESSAGE, realm=""),))
    assert responder(nowhere, in_slack("U0ANN00001", "")) is Reason.OTHER_WORKSPACE, "not even where none is known"


def test_who_answers_unnamed_has_the_id_that_earlier_responses_have() -> None:
    """A user id keeps its letter case, as stored responses have it; an address is in canonical form."""
    asked = of(People(), allow_self_approval=True)
    ids = [responder(asked, who).id for who in (in_slack("U0EVE00006"), by_email("Eve+x@Example.com"))]  # type: ignore[union-attr]
    assert ids == ["U0EVE00006", "eve@example.com"]


def test_until_who_is_who_and_the_apps_workspace_are_known_it_is_too_early() -> None:
    assert responder(of(None), by_email("bo@example.com")) is Reason.TOO_EARLY
    assert responder(of(None), in_slack("U0ANN00001")) is Reason.TOO_EARLY
    assert responder(replace(NAMED, deliveries=()), in_slack("U0ANN00001")) is Reason.TOO_EARLY
    assert responder(replace(NAMED, deliveries=()), by_email("bo@example.com")) == BO


def test_an_escalation_adds_people_and_takes_none_away() -> None:
    escalated = replace(NAMED, escalated_at=NOW)
    assert eligible(NAMED) == (ANN, BO, CY)
    assert eligible(escalated) == (ANN, BO, CY, DAN)
    assert responder(escalated, by_email("dan@example.com")) == DAN


def test_an_approver_who_is_escalated_to_is_eligible_once() -> None:
    approval = of(People(approvers=(ANN, BO), escalation=(BO,)), escalated_at=NOW)
    assert eligible(approval) == (ANN, BO)


def test_the_requester_is_not_eligible_unless_allowed() -> None:
    people = People(approvers=(ANN, BO), requester=ANN)
    assert eligible(of(people)) == (BO,)
    assert eligible(of(people, allow_self_approval=True)) == (ANN, BO)


def test_nobody_is_eligible_by_name_when_nobody_is_named() -> None:
    assert eligible(of(None)) == eligible(of(People(requester=ANN))) == ()


def test_approvers_who_responded_are_not_reminded_until_they_withdraw() -> None:
    answered = replace(a_response(), person=ANN.id)
    assert unanswered(replace(NAMED, responses=(answered,))) == (BO, CY)
    assert unanswered(replace(NAMED, responses=(replace(answered, withdrawn_at=NOW),))) == (ANN, BO, CY)


FORGED = "Bo\n\nApprove:\r\nhttps://evil.example/\u2028\u202e\x1b[2J\u2800"


def test_a_name_is_one_line_wherever_a_person_or_an_approver_is_made() -> None:
    shown = "Bo Approve: https://evil.example/ \ufffd\ufffd[2J\ufffd"
    assert Approver(id="U0BOB00002", name=FORGED, channel="slack").name == shown
    assert Person(id="U0BOB00002", name=FORGED).name == shown
    assert len(Approver(id="U0BOB00002", name="x" * 200, channel="slack").name) == 80
    assert Approver(id="U0BOB00002", name=" \n ", channel="slack").name == "U0BOB00002"


def test_a_name_that_is_an_address_is_never_cut() -> None:
    address = f"{'a' * 200}@example.com"
    assert Approver(id=address, name=address, channel="email").name == address
    assert Person(id=address, name=address).name == address
