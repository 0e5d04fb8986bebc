"""The version before reads what this one writes: its functions run during an upgrade, and again after a rollback."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from approvals.domain.form_changes import form_key, form_of
from approvals.domain.form_fields import FieldType, FormField
from approvals.domain.model import Action, Approval, Delivery, Response
from approvals.domain.people import Approver, People, Person
from approvals.domain.rules import judge
from approvals.store import legacy
from approvals.store.items import approval_from_item, approval_to_item
from tests.support import earlier_decoder
from tests.support.builders import ALICE, BOB, MESSAGE, NOW, WORKSPACE, a_response, an_approval
from tests.support.group_requests import one_of_each

ANN = Person(id=ALICE.id, name="Ann", identities={"email": ALICE.id, "slack": "U0ALICE01"})
BO = Person(id=BOB.id, name="bob", identities={"slack": BOB.id})
DIRECT = Delivery(channel="slack", place="D0BOB00002", id="1795424400.000200", to=BOB.id, realm=WORKSPACE)
PIGEON = Delivery(channel="pigeon", place="loft", id="7")


def of_today() -> Approval:
    """An approval with everything that this version writes in another way."""
    people = People(approvers=(ANN, BO), escalation=(BO,), requester=ANN)
    asked = an_approval(people=people, deliveries=(DIRECT, MESSAGE, PIGEON))
    asked = replace(asked, request=replace(asked.request, allow_self_approval=True))
    return judge(asked, a_response(Action.REJECT, BOB, comment="Too early")).approval


def test_the_version_before_finds_the_messages_that_it_must_edit() -> None:
    found = earlier_decoder.approval_from_item(approval_to_item(of_today()))
    assert found.slack_message == earlier_decoder.SlackMessage(
        channel=MESSAGE.place, ts=MESSAGE.id, workspace=WORKSPACE
    )
    [direct] = found.direct_messages
    assert (direct.channel, direct.ts, direct.workspace, direct.user) == (DIRECT.place, DIRECT.id, WORKSPACE, BOB.id)


def test_the_version_before_knows_people_by_their_addresses_and_slack_ids() -> None:
    people = earlier_decoder.approval_from_item(approval_to_item(of_today())).people
    assert people is not None
    known = [(person.id, person.email, person.slack_id) for person in (*people.approvers, *people.escalation)]
    assert known == [(ALICE.id, ALICE.id, "U0ALICE01"), (BOB.id, "", BOB.id), (BOB.id, "", BOB.id)]
    assert people.requester is not None
    assert people.requester.slack_id == "U0ALICE01"


def test_the_version_before_reads_who_responded() -> None:
    found = earlier_decoder.approval_from_item(approval_to_item(of_today()))
    [response] = found.responses
    assert (response.approver.id, response.approver.workspace, response.person) == (BOB.id, WORKSPACE, BOB.id)
    by_mail = judge(an_approval(), a_response()).approval
    [response] = earlier_decoder.approval_from_item(approval_to_item(by_mail)).responses
    assert response.approver.workspace == ""


def test_nothing_is_counted_twice_when_read_again() -> None:
    written = approval_to_item(of_today())
    assert {*approval_from_item(written).deliveries} == {DIRECT, MESSAGE, PIGEON}
    assert len(approval_from_item(written).deliveries) == 3


def test_what_the_version_before_adds_meanwhile_is_found() -> None:
    """Its functions may post while a new version is deployed, and mark what they posted in their own attributes."""
    item: dict[str, Any] = approval_to_item(an_approval(deliveries=()))
    item["slack_message"] = {"channel": MESSAGE.place, "ts": MESSAGE.id, "workspace": WORKSPACE}
    item["direct_messages"] = [{"channel": DIRECT.place, "ts": DIRECT.id, "workspace": WORKSPACE, "user": BOB.id}]
    assert approval_from_item(item).deliveries == (MESSAGE, DIRECT)


def test_people_whom_the_version_before_found_are_found() -> None:
    item: dict[str, Any] = approval_to_item(an_approval(people=People(approvers=(ANN, BO))))
    for person in item["people"]["approvers"]:
        del person["identities"]
    assert approval_from_item(item).people == People(approvers=(ANN, BO))


def test_an_approver_without_a_realm_is_stored_as_before() -> None:
    approver = Approver(id=ALICE.id, name=ALICE.id, channel="email")
    response = Response(approver=approver, action=Action.APPROVE, at=NOW)
    item: dict[str, Any] = approval_to_item(an_approval(responses=(response,)))
    assert item["responses"][0]["approver"]["workspace"] == ""
    assert approval_from_item(item).responses[0].approver == approver


def test_the_version_before_does_not_count_an_approval_that_was_reset() -> None:
    """It reads a reset approval as one that was withdrawn."""
    form = (FormField(name="Share", label="Share", type=FieldType.NUMBER),)
    asked = an_approval(people=People(approvers=(ANN, BO)))
    asked = replace(asked, request=replace(asked.request, required_approvals=2, form=form))
    first = judge(asked, replace(a_response(), form={"Share": 10})).approval
    changed = replace(a_response(approver=BOB, minutes=2), form={"Share": 20}, seen=form_key(first))
    item: dict[str, Any] = approval_to_item(judge(first, changed).approval)
    found = earlier_decoder.approval_from_item(item)
    assert [(each.person, bool(each.withdrawn_at)) for each in found.responses] == [(ANN.id, True), (BO.id, False)]
    again = approval_from_item(item)
    assert again.responses == judge(first, changed).approval.responses
    assert form_of(again, again.responses[0]) == {"Share": 10}


def test_a_response_of_the_version_before_changed_nothing_and_was_not_reset() -> None:
    item: dict[str, Any] = approval_to_item(judge(an_approval(), a_response()).approval)
    for name in ("replaced", "reset_by"):
        del item["responses"][0][name]
    [response] = approval_from_item(item).responses
    assert (response.replaced, response.reset_by) == (None, "")
    assert "seen" not in item["responses"][0]


def test_a_version_that_knows_no_groups_can_not_read_a_request_with_groups() -> None:
    """It would take one group's approval for enough. Without `asked`, it looks for the parts of version 0.1."""
    item: dict[str, Any] = approval_to_item(one_of_each(required_approvals=1))
    assert not {"asked", *legacy.ASKED} & set(item["request"])
    assert approval_from_item(item).request == one_of_each(required_approvals=1).request
    plain: dict[str, Any] = approval_to_item(an_approval())
    assert "asked" in plain["request"]
    assert legacy.ASKED_IN_GROUPS not in plain["request"]


@pytest.mark.parametrize("asked", [an_approval(), one_of_each(required_approvals=1)])
def test_a_version_that_knows_no_actions_can_not_read_a_request_with_one(asked: Approval) -> None:
    """It would ask people to approve what it does not show them."""
    asked = replace(asked, request=replace(asked.request, action={"Command": ["rm", "-rf", "/"]}))
    item: dict[str, Any] = approval_to_item(asked)
    assert not {"asked", legacy.ASKED_IN_GROUPS, *legacy.ASKED} & set(item["request"])
    assert approval_from_item(item).request == asked.request
