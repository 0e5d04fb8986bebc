"""Records, links and buttons that earlier versions made, as the code of that commit wrote them."""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from boto3.dynamodb.types import TypeDeserializer

from approvals.domain.eligibility import Reason
from approvals.domain.events import owed
from approvals.domain.form_changes import current_form, form_key, people_to_respond_again
from approvals.domain.judgement import Expiry, ExtensionRequest, Verdict
from approvals.domain.model import Action, Approval, Status
from approvals.domain.people import Approver
from approvals.domain.result import output
from approvals.domain.rules import judge
from approvals.domain.seats import unanswered
from approvals.domain.signed_links import query, verify
from approvals.store.items import approval_from_item, approval_to_item, changeable_to_item
from bot.views.buttons import ACTION_IDS
from tests.support.builders import ALICE, BOB, NOW, WORKSPACE, a_response, an_approval

FOLDER = Path(__file__).parents[1] / "e2e/upgrade"
VERSIONS = {path.stem: json.loads(path.read_text()) for path in FOLDER.glob("*.json")}
JO = Approver(id="jo@example.com", name="jo@example.com", channel="email")
ALICE_IN_SLACK = Approver(id="U0ALICE01", name="alice", channel="slack", realm=WORKSPACE)
DAVE = Approver(id="U0DAVE0006", name="dave", channel="slack", realm=WORKSPACE)


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> Any:
    return VERSIONS[request.param]


def plain(item: dict[str, Any]) -> dict[str, Any]:
    """Return an item as boto3 reads it. In the files, bytes are Base64."""
    item = {**item, "link_key": {"B": b64decode(item["link_key"]["B"])}}
    return {name: TypeDeserializer().deserialize(value) for name, value in item.items()}


def approval(item: dict[str, Any]) -> Approval:
    return approval_from_item(plain(item))


def test_there_are_versions_to_look_at() -> None:
    assert {"d301946", "adddf11", "80e4baa"} <= set(VERSIONS)


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


def test_a_stored_old_record_is_read_again(version: Any) -> None:
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
        assert not judge(approval(self.pending), ExtensionRequest(ALICE, NOW)).changed

    def test_a_guest_of_a_shared_channel_may_not_answer(self) -> None:
        guest = Approver(id=BOB.id, name="bob", channel="slack", realm="T0GUEST")
        judgement = judge(approval(self.pending), a_response(approver=guest))
        assert judgement.reason is Reason.OTHER_WORKSPACE


class TestQuorum:
    """In 80e4baa somebody is named by address and known in Slack, too, and somebody has a direct message.

    Two must approve. Bob did, after he had taken a first answer back. The second reminder failed for carol alone.
    """

    version = VERSIONS["80e4baa"]

    def waiting(self) -> Approval:
        return approval(self.version["half_approved"])

    @pytest.mark.parametrize("approver", [ALICE, ALICE_IN_SLACK, DAVE])
    def test_a_second_person_decides_by_any_identity(self, approver: Approver) -> None:
        confirms = replace(a_response(approver=approver, minutes=62), form=current_form(self.waiting()) or {})
        judgement = judge(self.waiting(), confirms)
        assert (judgement.verdict, judgement.approval.status) == (Verdict.DECIDED, Status.APPROVED)

    def test_a_second_person_changes_what_bob_filled_in(self) -> None:
        """A page of that version does not say what it showed: it changes nothing."""
        changes = replace(a_response(minutes=62), form={"Amount": 130})
        assert judge(self.waiting(), changes).verdict is Verdict.OUTDATED
        judgement = judge(self.waiting(), replace(changes, seen=form_key(self.waiting())))
        assert judgement.verdict is Verdict.RESET
        assert [person.id for person in people_to_respond_again(judgement.approval)] == ["bob@example.com"]

    def test_one_person_on_two_channels_is_one_person(self) -> None:
        decided = approval(self.version["approved"])
        by_mail, in_slack = (a_response(approver=approver, minutes=63) for approver in (ALICE, ALICE_IN_SLACK))
        assert judge(decided, by_mail).verdict is judge(decided, in_slack).verdict is Verdict.REPEATED

    def test_bob_has_answered_and_the_others_have_not(self) -> None:
        again = replace(a_response(approver=BOB, minutes=62), form=current_form(self.waiting()) or {})
        assert judge(self.waiting(), again).verdict is Verdict.REPEATED
        assert [person.id for person in unanswered(self.waiting())] == [
            "alice@example.com",
            "dave@example.com",
            "carol@example.com",
        ]

    def test_the_deadline_moved_once_and_may_move_again(self) -> None:
        waiting = self.waiting()
        assert (len(waiting.extensions), waiting.deadline) == (1, NOW + timedelta(minutes=90))
        assert judge(waiting, ExtensionRequest(DAVE, NOW + timedelta(minutes=62))).changed

    def test_both_messages_are_found(self) -> None:
        assert [(message.place, message.to) for message in self.waiting().deliveries] == [
            ("C0APPROVALS", ""),
            ("D0DAVE0006", DAVE.id),
        ]

    def test_a_topic_that_is_half_told_has_the_marks_of_its_parts(self) -> None:
        steps = [step for step in self.waiting().steps if step.startswith("reminder-")]
        to = ("alice@example.com", "slack", "slack-direct", f"slack-direct-{DAVE.id}")
        assert steps == ["reminder-1", *(f"reminder-2:{each}" for each in to)]

    def test_the_result_has_everybodys_answer(self) -> None:
        approved = approval(self.version["approved"])
        assert [(each.approver.id, each.form) for each in approved.standing] == [
            (BOB.id, {"Amount": 120}),
            (ALICE.id, {"Amount": 130}),
        ]
        result = json.loads(output(approved))
        assert (result["DecidedBy"], result["Form"]) == (ALICE.id, {"Amount": 130})
        assert len(result["Responses"]) == 2

    def test_what_was_published_is_not_published_again(self) -> None:
        assert owed(approval(self.version["half_approved"]), "human-approval") == ()
        concluded = approval(self.version["concluded"])
        assert owed(concluded, "human-approval") == ()
        assert concluded.resumed
        assert concluded.steps.keys() >= {"outcome_slack", "outcome_thread", "outcome_email:alice@example.com"}


def test_a_record_of_today_whose_people_are_not_known_yet_is_not_taken_for_an_old_one() -> None:
    """Nobody may answer it; in an old one whoever was asked may."""
    unknown = an_approval(people=None)
    assert approval_from_item(approval_to_item(unknown)).people is None
