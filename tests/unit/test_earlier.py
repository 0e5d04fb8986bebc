"""Records, links and buttons that earlier versions made, as the code of that commit wrote them."""

from __future__ import annotations

import json
from base64 import b64decode
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from boto3.dynamodb.types import TypeDeserializer

from approvals.links import query, verify
from approvals.model import Action, Approval, Approver, Channel, Status
from approvals.people import Reason
from approvals.records import approval_from_item, approval_to_item, changeable_to_item
from approvals.result import output
from approvals.rules import Expiry, Postponement, Verdict, judge
from bot.views.buttons import ACTION_IDS
from tests.builders import ALICE, BOB, NOW, a_response, an_approval

FOLDER = Path(__file__).parents[1] / "e2e/upgrade"
VERSIONS = {path.stem: json.loads(path.read_text()) for path in FOLDER.glob("*.json")}
JO = Approver(id="jo@example.com", name="jo@example.com", channel=Channel.EMAIL)


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> Any:
    return VERSIONS[request.param]


def plain(item: dict[str, Any]) -> dict[str, Any]:
    """An item as boto3 reads it. In the files, bytes are Base64."""
    item = {**item, "link_key": {"B": b64decode(item["link_key"]["B"])}}
    return {name: TypeDeserializer().deserialize(value) for name, value in item.items()}


def approval(item: dict[str, Any]) -> Approval:
    return approval_from_item(plain(item))


def test_there_are_versions_to_look_at() -> None:
    assert {"d301946", "adddf11"} <= set(VERSIONS)


def test_a_pending_record_says_what_was_asked(version: Any) -> None:
    found = approval(version["pending"])
    assert (found.status, found.version, found.deadline) == (Status.PENDING, 1, NOW + timedelta(hours=1))
    assert (found.title, found.request.details) == ("Deploy web 2.4.1", "Adds the new checkout.")
    assert (found.request.requested_by, found.request.context) == ("jo@example.com", {"Version": "2.4.1"})
    assert found.told


@pytest.mark.parametrize("approver", [ALICE, BOB])
@pytest.mark.parametrize("action", Action)
def test_a_pending_record_is_decided_by_whoever_was_asked(version: Any, approver: Approver, action: Action) -> None:
    judgement = judge(approval(version["pending"]), a_response(action, approver))
    assert (judgement.verdict, judgement.approval.status) == (Verdict.DECIDED, action.status)


def test_a_pending_record_expires(version: Any) -> None:
    judgement = judge(approval(version["pending"]), Expiry(NOW + timedelta(hours=1)))
    assert judgement.approval.status is Status.EXPIRED


def test_what_is_stored_of_an_old_record_is_read_again(version: Any) -> None:
    """An answer writes only what it may change: the rest of the record stays as the old version wrote it."""
    decided = judge(approval(version["pending"]), a_response(comment="Fine")).approval
    written = changeable_to_item(decided)
    again = approval_from_item({**plain(version["pending"]), **written})
    assert again == decided
    assert changeable_to_item(again) == written


def test_an_answer_that_an_old_version_recorded_is_delivered(version: Any) -> None:
    """Its function may have been replaced before it could."""
    found = approval(version["answered"])
    assert (found.status, found.resumed) == (Status.REJECTED, None)
    result = json.loads(output(found))
    assert (result["Decision"], result["DecidedBy"], result["Comment"]) == ("REJECTED", BOB.id, "Too early")
    [response] = found.standing
    assert response.person == BOB.id


@pytest.mark.parametrize("action", Action)
def test_a_link_that_was_mailed_is_still_good(version: Any, action: Action) -> None:
    found = approval(version["pending"])
    sent = urlsplit(version["links"][action.value])
    fields = {name: values[0] for name, values in parse_qs(sent.query).items()}
    assert (fields["id"], fields["to"], fields["action"]) == (found.id, ALICE.id, action.value)
    assert verify(found, ALICE.id, fields["sig"])
    assert sent.query == query(found, action, ALICE.id)
    assert sent.path.endswith("/execution")


def test_a_button_that_was_posted_is_still_one_of_ours(version: Any) -> None:
    found = approval(version["pending"])
    posted = {button["action_id"]: button.get("value") for button in version["buttons"]}
    assert {ACTION_IDS[action]: found.id for action in Action}.items() <= posted.items()


class TestBeforeTheRules:
    """In d301946 there were no rules yet on who may answer."""

    pending = VERSIONS["d301946"]["pending"]

    def test_who_asked_may_answer_as_when_it_was_asked(self) -> None:
        assert judge(approval(self.pending), a_response(approver=JO)).verdict is Verdict.DECIDED

    def test_nobody_was_promised_more_time(self) -> None:
        assert not judge(approval(self.pending), Postponement(ALICE, NOW)).changed

    def test_a_guest_of_a_shared_channel_may_not_answer(self) -> None:
        guest = Approver(id=BOB.id, name="bob", channel=Channel.SLACK, workspace="T0GUEST")
        judgement = judge(approval(self.pending), a_response(approver=guest))
        assert judgement.reason is Reason.OTHER_WORKSPACE


def test_a_record_of_today_whose_people_are_not_known_yet_is_not_taken_for_an_old_one() -> None:
    """Nobody may answer it; in an old one whoever was asked may."""
    unknown = an_approval(people=None)
    assert approval_from_item(approval_to_item(unknown)).people is None
