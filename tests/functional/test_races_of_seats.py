"""Races of people who fill seats: members of groups, delegates, and those who override, on every channel.

Each acts in a thread that stops before each call to the table. Hypothesis says who goes on.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mypy_boto3_dynamodb import DynamoDBClient

from approvals.domain.absences import Absence
from approvals.domain.judgement import ApprovalEvent, Withdrawal
from approvals.domain.model import Action, Approval, Json, Request, Response, Status
from approvals.domain.overrides import override_decision
from approvals.domain.people import Approver, People, Person
from approvals.requests.identities import identify
from approvals.requests.policy import parse_policy
from approvals.requests.policy_floor import parse_under
from approvals.services.respond import respond
from approvals.store.table import ApprovalTable
from tests.support.actors import Actor, RacedTable, empty, go_on_in
from tests.support.builders import NOW, WORKFLOW, WORKSPACE, an_approval
from tests.support.changing_policy import ChangingPolicy, a_scheduler
from tests.support.delegates import BO, EVE, a_delegation
from tests.support.fakes import Clock, FakeContext
from tests.support.floor_instances import Floor, Rule
from tests.support.floor_model import Workspace
from tests.support.group_requests import OTTO, PIA, SUE, one_of_each
from tests.support.iam_callers import SSO_ROLE, by_iam
from tests.support.overrides import BREAK_GLASS_ROLE, TODAY, an_override
from tests.support.tables import TABLE

PROVE = os.environ.get("PROVE") == "1"
EXAMPLES = 600 if PROVE else 60

GROUP_EVENTS = st.lists(
    st.tuples(st.sampled_from([SUE, OTTO, PIA, EVE]), st.sampled_from(["approve", "approve", "reject", "withdraw"])),
    min_size=3,
    max_size=6,
)
"""Who does what at the same time."""


@pytest.mark.timeout(600)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    GROUP_EVENTS,
    st.lists(st.integers(0, 5), max_size=30),
    st.sampled_from([{}, {"required_approvals": 1}, {"required_approvals": 3, "approvers": (EVE.id,)}]),
)
def test_members_of_groups_who_race_decide_once_and_never_without_each_group(
    dynamodb: DynamoDBClient, events: list[tuple[Person, str]], order: list[int], asked: dict[str, Any]
) -> None:
    """A member who saw the group open does not decide for one who withdraws meanwhile."""
    empty(dynamodb)
    saved: list[Approval] = []
    table = RacedTable(dynamodb, lambda _added: None, lambda approval, _known: saved.append(approval))
    approval = one_of_each(**asked)
    if "approvers" in asked and approval.people:
        approval = replace(approval, people=replace(approval.people, approvers=(*approval.people.approvers, EVE)))
    table.add(approval)

    def does(person: Person, what: str, second: int) -> None:
        by_email = Approver(id=person.id, name=person.name, channel="email")
        who = by_iam(person.id) if second % 2 else by_email
        at = approval.requested_at + timedelta(seconds=second)
        event = Withdrawal(who, at) if what == "withdraw" else Response(approver=who, action=Action(what), at=at)
        respond(table, table.get(approval.id), event)

    actors = [Actor(partial(does, person, what, second)) for second, (person, what) in enumerate(events)]
    go_on_in(order, actors)
    ended = ApprovalTable(dynamodb, TABLE).get(approval.id)
    assert sum(each.decision is not None for each in saved) == (ended.decision is not None)
    approved = {each.person for each in ended.standing if each.action is Action.APPROVE}
    rejected = {each.person for each in ended.standing if each.action is Action.REJECT}
    of_each = bool(approved & {SUE.id, PIA.id}) and bool(approved & {OTTO.id, PIA.id})
    enough = of_each and len(approved) >= approval.request.required_approvals
    assert (ended.status is Status.APPROVED) == (enough and not rejected)
    assert (ended.status is Status.REJECTED) == bool(rejected)
    assert EVE.id not in approved | rejected or "approvers" in asked


DELEGATE_EVENTS = st.lists(
    st.tuples(st.sampled_from([SUE, OTTO, EVE, EVE]), st.sampled_from(["approve", "approve", "reject", "withdraw"])),
    min_size=3,
    max_size=6,
)


@pytest.mark.timeout(600)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(DELEGATE_EVENTS, st.lists(st.integers(0, 5), max_size=30), st.integers(1, 2))
def test_a_delegate_who_races_those_who_are_away_fills_one_seat_and_none_twice(
    dynamodb: DynamoDBClient, events: list[tuple[Person, str]], order: list[int], required: int
) -> None:
    """Eve is the delegate of Sue and of Otto. In any order, each seat and each person has one response."""
    empty(dynamodb)
    saved: list[Approval] = []
    table = RacedTable(dynamodb, lambda _added: None, lambda approval, _known: saved.append(approval))
    approval = one_of_each(required_approvals=required)
    assert approval.people
    delegations = tuple(a_delegation(owner, EVE) for owner in (SUE, OTTO))
    table.add(replace(approval, people=replace(approval.people, delegations=delegations)))

    def does(person: Person, what: str, second: int) -> None:
        who = Approver(id=person.id, name=person.name, channel="email")
        at = approval.requested_at + timedelta(minutes=second)
        event = Withdrawal(who, at) if what == "withdraw" else Response(approver=who, action=Action(what), at=at)
        respond(table, table.get(approval.id), event)

    actors = [Actor(partial(does, person, what, second)) for second, (person, what) in enumerate(events)]
    go_on_in(order, actors)
    ended = ApprovalTable(dynamodb, TABLE).get(approval.id)
    assert sum(each.decision is not None for each in saved) == (ended.decision is not None)
    for each in (*saved, ended):
        seats, people = [found.seat for found in each.standing], [found.person for found in each.standing]
        assert len({*seats}) == len(seats)
        assert len({*people}) == len(people)
        assert {*seats} <= {SUE.id, OTTO.id}
    approved = {each.seat for each in ended.standing if each.action is Action.APPROVE}
    rejected = [each for each in ended.standing if each.action is Action.REJECT]
    assert (ended.status is Status.APPROVED) == (approved == {SUE.id, OTTO.id} and not rejected)
    assert (ended.status is Status.REJECTED) == bool(rejected)
    assert {each.person for each in ended.standing} != {EVE.id} or ended.status is not Status.APPROVED


RO, IVY = (Person(id=f"{name}@example.com", name=name) for name in ("ro", "ivy"))
GROUPS = {
    "security": {"Approvers": [SUE.id, PIA.id], "Delegates": [EVE.id, RO.id]},
    "ops": {"Approvers": [OTTO.id, PIA.id], "Delegates": [EVE.id, RO.id]},
}
POLICY = Floor(allowed=("@example.com",), document=Rule(groups=(("security", 1), ("ops", 1)), raises=True)).written | {
    "Groups": GROUPS,
    "PersonRoles": [{"Role": SSO_ROLE}, {"Role": BREAK_GLASS_ROLE}],
    "Override": {"Roles": [BREAK_GLASS_ROLE]},
}
AWAY = ((SUE, EVE), (OTTO, RO), (RO, EVE))
"""Who is away, and their delegates: also the requester, who gives no seat away, and stands in for nobody."""


def under_a_policy(needed: int) -> Approval:
    """Return Ro's request for Ro's and Bo's approval, to which the policy adds one of security and one of ops."""
    asked: dict[str, Json] = {"RequestedBy": RO.id, "Approvers": [RO.id, BO.id, PIA.id], "RequiredApprovals": needed}
    policy = parse_policy(json.dumps(POLICY), parameter=TODAY.parameter, version=TODAY.version)
    request = parse_under(policy, {"Approval": asked}, default_timeout=timedelta(hours=1), workflow=WORKFLOW)
    return an_approval(request=request, people=people_of(request))


def people_of(request: Request) -> People:
    """Return the people of a request, with those who are away."""
    since, until = NOW - timedelta(hours=1), NOW + timedelta(days=1)
    absences = [
        Absence(owner=owner.id, delegate=delegate.id, since=since, until=until, set_by=owner.id)
        for owner, delegate in AWAY
    ]
    return identify(request, [Workspace()], shared="stack@example.com", absences=absences)


def on(channel: str, person: Person, *, override: bool = False) -> Approver:
    if channel == "slack":
        return Approver(id=f"U0{person.id}", name=person.name, channel="slack", realm=WORKSPACE, member=True)
    if channel == "iam":
        return by_iam(person.id, BREAK_GLASS_ROLE if override else SSO_ROLE)
    return Approver(id=person.id, name=person.name, channel="email")


def event_of(person: Person, what: str, channel: str, at: datetime, *, key: str = "") -> ApprovalEvent:
    if what.startswith("override"):
        return an_override(Action(what.split()[1]), on("iam", person, override=True), at)
    who = on(channel, person)
    return Withdrawal(who, at) if what == "withdraw" else Response(approver=who, action=Action(what), at=at, key=key)


def responses_of(*people: Person) -> st.SearchStrategy[tuple[Person, str, str]]:
    """Return what people do at the same time, each on one of the channels. Approvals are the most likely."""
    return st.tuples(
        st.sampled_from(people),
        st.sampled_from(["approve", "approve", "approve", "reject", "withdraw"]),
        st.sampled_from(["email", "slack", "iam"]),
    )


LONG_RACES = settings(
    max_examples=EXAMPLES // (1 if PROVE else 2),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
"""Half as many examples in the gate, as each takes long."""

OVERRIDE_EVENTS = st.lists(
    st.one_of(
        responses_of(SUE, OTTO, PIA, BO, EVE, RO),
        st.tuples(
            st.sampled_from([IVY, IVY, RO]), st.sampled_from(["override approve", "override reject"]), st.just("iam")
        ),
    ),
    min_size=3,
    max_size=7,
)


@pytest.mark.timeout(900)
@LONG_RACES
@given(OVERRIDE_EVENTS, st.lists(st.integers(0, 6), max_size=30), st.integers(1, 2))
def test_an_override_that_races_responses_on_each_channel_decides_once_and_the_requester_never(
    dynamodb: DynamoDBClient, events: list[tuple[Person, str, str]], order: list[int], needed: int
) -> None:
    """The requester has a part in nothing: not on any channel, nor with a delegate, as one, or by an override."""
    empty(dynamodb)
    saved: list[Approval] = []
    table = RacedTable(dynamodb, lambda _added: None, lambda approval, _known: saved.append(approval))
    asked = under_a_policy(needed)
    table.add(asked)

    def does(number: int, event: tuple[Person, str, str]) -> None:
        respond(table, table.get(asked.id), event_of(*event, asked.requested_at + timedelta(minutes=number)))

    go_on_in(order, [Actor(partial(does, number, event)) for number, event in enumerate(events, 1)])
    ended = ApprovalTable(dynamodb, TABLE).get(asked.id)
    assert sum(each.decision is not None for each in saved) == (ended.decision is not None)
    for each in (*saved, ended):
        parts = [place for said in each.responses for place in (said.person, said.seat, said.on_behalf_of)]
        assert RO.id not in parts
        assert not each.decision or (each.decision.approver and RO.id not in each.decision.approver.id)
        assert len({said.seat for said in each.standing}) == len(each.standing)
        assert len({said.person for said in each.standing}) == len(each.standing)
    overridden = any(person is IVY and what.startswith("override") for person, what, _ in events)
    assert ended.decision or not overridden, "an override got lost"
    if ended.decision and ended.is_overridden:
        action = Action.APPROVE if ended.status is Status.APPROVED else Action.REJECT
        assert ended.decision == override_decision(
            an_override(action, on("iam", IVY, override=True), ended.decision.at)
        )
        return
    approved = {each.seat for each in ended.standing if each.action is Action.APPROVE}
    of_each = bool(approved & {SUE.id, PIA.id}) and bool(approved & {OTTO.id, PIA.id})
    rejected = any(each.action is Action.REJECT for each in ended.standing)
    named = len(approved & {BO.id, PIA.id}) >= needed
    assert (ended.status is Status.APPROVED) == (of_each and named and len(approved) > 1 and not rejected)
    assert (ended.status is Status.REJECTED) == rejected


ANSWERS = st.lists(responses_of(SUE, OTTO, PIA, BO, EVE), min_size=3, max_size=7)


@pytest.mark.timeout(900)
@LONG_RACES
@given(ANSWERS, st.lists(st.integers(0, 11), max_size=40), st.integers(1, 2))
def test_no_response_from_before_a_change_of_the_policy_decides_after_it(
    dynamodb: DynamoDBClient,
    logger: Logger,
    events: list[tuple[Person, str, str]],
    order: list[int],
    changes: int,
) -> None:
    """The scheduler asks again while people respond on each channel, and `notify` looks them up."""
    empty(dynamodb)
    saved: list[Approval] = []
    table = RacedTable(dynamodb, lambda _added: None, lambda approval, _known: saved.append(approval))
    clock = Clock()
    asked = under_a_policy(1)
    table.add(asked)
    read_after: dict[str, int] = {}
    policy = ChangingPolicy(version=TODAY.version, document=POLICY)
    scheduler = a_scheduler(table, policy, clock, logger)

    def does(number: int, event: tuple[Person, str, str]) -> None:
        clock.pass_(seconds=1)
        given = event_of(*event, clock(), key=str(number))
        read = table.get(asked.id)
        read_after[str(number)] = len(read.asked_again)
        respond(table, read, given)

    def change(number: int) -> None:
        clock.pass_(seconds=1)
        policy.version += 1
        policy.document = {**POLICY, "OpenOnChange": "ask-again", "LongestMinutes": 60 - number}
        scheduler({}, FakeContext())

    def look_up() -> None:
        while (read := table.get(asked.id)).people is None and read.decision is None:
            table.identify(read, people_of(read.request))

    actors = [Actor(partial(does, number, event)) for number, event in enumerate(events)]
    actors += [Actor(partial(change, number)) for number in range(changes)]
    actors += [Actor(look_up) for _ in range(changes + 1)]
    go_on_in(order, actors)
    ended = ApprovalTable(dynamodb, TABLE).get(asked.id)
    assert sum(each.decision is not None for each in saved) == (ended.decision is not None)
    assert ended.decision or ended.asked_again, "a change got lost"
    for each in (*saved, ended):
        for said in each.standing:
            assert read_after[said.key] == len(each.asked_again), "given to the rules before"
            assert said.at >= each.last_asked
    if ended.decision:
        approved = {each.seat for each in ended.standing if each.action is Action.APPROVE}
        assert ended.status is Status.REJECTED or (len(approved) > 1 and approved & {SUE.id, PIA.id})
