"""On call: people who joined the groups of an open request are added to it, and nobody is taken away."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from approvals.domain.events import events
from approvals.domain.history import Kind, history
from approvals.domain.model import Json, Request
from approvals.domain.people import OnCall, People, Person
from approvals.requests.identities import identify
from approvals.requests.on_call import add_on_call
from approvals.requests.parse import parse_request
from approvals.requests.policy_floor import parse_under
from approvals.store.items import approval_from_item, approval_to_item
from approvals.store.table import deserialized, serialized
from tests.support.builders import HOUR, NOW, WORKFLOW, an_approval
from tests.support.policies import a_policy
from tests.support.rota import Rota

LATER = NOW + timedelta(minutes=30)
ROTA, SECURITY = "S0ONCALL01", "S0SECURITY"


def found(request: Request, rota: Rota) -> People:
    return identify(request, [rota], shared="ops@example.com")


def asked(**keys: Json) -> Request:
    return parse_request({"Approval": {"RequestedBy": "ro@example.com", **keys}}, default_timeout=HOUR)


def ids(people: tuple[Person, ...]) -> list[str]:
    return [person.id.partition("@")[0] for person in people]


def test_people_who_join_are_added_and_nobody_is_removed() -> None:
    rota = Rota(S0ONCALL01=["ann", "bo"])
    request = asked(Approvers=[ROTA, "cy@example.com"])
    before = found(request, rota)
    rota.set(ROTA, "dan", "cy")
    after = add_on_call(request, before, [rota], LATER)
    assert ids(after.approvers) == ["ann", "bo", "cy", "dan"]
    assert after.on_call == (OnCall(person="dan@example.com", group=ROTA, at=LATER),)
    assert add_on_call(request, after, [rota], LATER + HOUR) == after, "once"
    rota.set(ROTA)
    assert add_on_call(request, after, [rota], LATER) == after, "an empty group takes nobody away"


def test_who_joins_a_group_counts_in_it() -> None:
    rota = Rota(S0SECURITY=["sue"], S0ONCALL01=["otto"])
    request = asked(Groups=[{"Name": "security", "Approvers": [SECURITY]}, {"Name": "ops", "Approvers": [ROTA]}])
    before = found(request, rota)
    rota.set(SECURITY, "pia", "otto")
    after = add_on_call(request, before, [rota], LATER)
    assert [demand.people for demand in after.demands] == [
        None,
        ("sue@example.com", "pia@example.com", "otto@example.com"),
        ("otto@example.com",),
    ]
    assert ids(after.approvers) == ["sue", "otto", "pia"]
    assert [each.person for each in after.on_call] == ["pia@example.com", "otto@example.com"]


def test_requester_never_gets_a_seat_by_it() -> None:
    rota = Rota(S0ONCALL01=["ann"])
    for self_approval in (False, True):
        request = asked(Approvers=[ROTA], AllowSelfApproval=self_approval)
        before = found(request, rota)
        rota.set(ROTA, "ro", "ann")
        assert add_on_call(request, before, [rota], LATER) == before
        rota.set(ROTA, "ann")


def test_escalation_and_silent_people_join_where_they_are_named() -> None:
    rota = Rota(S0ONCALL01=["lead"], S0SECURITY=["sue"])
    request = asked(Approvers=["ann@example.com"], Silent=[SECURITY], EscalateTo=[ROTA], EscalateAfterMinutes=5)
    before = found(request, rota)
    rota.set(ROTA, "boss")
    rota.set(SECURITY, "pia")
    after = add_on_call(request, before, [rota], LATER)
    assert ids(after.approvers) == ["ann", "sue", "pia"]
    assert ids(after.escalation) == ["lead", "boss"]
    assert after.silent == ("sue@example.com", "pia@example.com")


@pytest.mark.parametrize("group", [ROTA, "security"])
def test_only_people_whom_the_pinned_policy_allows_join(group: str) -> None:
    keys: dict[str, Any] = {"Groups": {"security": {"Approvers": [SECURITY]}}, "Approvers": ["@example.com"]}
    rota = Rota(S0SECURITY=["sue"], S0ONCALL01=["sue"])
    named: dict[str, Json] = {"Groups": [{"Name": "security"}]} if group == "security" else {"Approvers": [ROTA]}
    written: Json = {"Approval": {"RequestedBy": "ro@example.com", **named}}
    request = parse_under(a_policy(**keys), written, default_timeout=HOUR, workflow=WORKFLOW)
    before = found(request, rota)
    for each in (ROTA, SECURITY):
        rota.set(each, "eve@elsewhere.org", "pia")
    assert ids(add_on_call(request, before, [rota], LATER).approvers) == ["sue", "pia"]


def test_narrowed_group_of_the_policy_stays_within_it() -> None:
    keys: dict[str, Any] = {"Groups": {"security": {"Approvers": [SECURITY]}}, "Approvers": ["@example.com"]}
    rota = Rota(S0SECURITY=["sue", "pia"], S0ONCALL01=["sue"])
    written: Json = {
        "Approval": {"RequestedBy": "ro@example.com", "Groups": [{"Name": "security", "Approvers": [ROTA]}]}
    }
    request = parse_under(a_policy(**keys), written, default_timeout=HOUR, workflow=WORKFLOW)
    before = found(request, rota)
    rota.set(ROTA, "dan", "pia")
    after = add_on_call(request, before, [rota], LATER)
    assert ids(after.approvers) == ["sue", "pia"]
    assert after.demands[1].people == ("sue@example.com", "pia@example.com")


def test_request_without_groups_asks_no_channel() -> None:
    request = asked(Approvers=["ann@example.com"])
    people = found(request, Rota())
    assert add_on_call(request, people, [], LATER) is people


def test_record_history_and_events_have_who_joined() -> None:
    rota = Rota(S0ONCALL01=["ann"])
    request = asked(Approvers=[ROTA])
    before = found(request, rota)
    rota.set(ROTA, "dan")
    approval = an_approval(request=request, people=add_on_call(request, before, [rota], LATER))
    assert approval_from_item(deserialized(serialized(approval_to_item(approval)))) == approval
    [entry] = [entry for entry in history(approval) if entry.kind is Kind.ADDED]
    assert (entry.at, entry.text) == (LATER, f"dan@example.com can respond as well, since they joined {ROTA}.")
    [event] = [event for event in events(approval, "prod") if event.kind is Kind.ADDED]
    assert event.detail["Approver"] == "dan@example.com"
    assert json.dumps(dict(event.detail))
