"""What a changed policy does to an approval: laws over any history, and what its record keeps."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.domain.judgement import ApprovalEvent, PolicyChange, Verdict, Withdrawal
from approvals.domain.model import Action, Approval, Json, Request, Response, Status
from approvals.domain.people import Approver, People, Person
from approvals.domain.policy_change_wording import again_notice, asked_again_sentence
from approvals.domain.policy_changes import voided
from approvals.domain.rules import judge
from approvals.requests.policy_floor import as_written, judge_again, parse_under
from approvals.store.items import approval_from_item, approval_to_item
from approvals.store.table import deserialized, serialized
from tests.support.builders import HOUR, NOW, WORKFLOW, an_approval
from tests.support.policies import a_policy

ANN, BO, CY = (
    Person(id=f"{name}@example.com", name=name, identities={"email": f"{name}@example.com"})
    for name in ("ann", "bo", "cy")
)
PEOPLE = People(approvers=(ANN, BO, CY))
WRITTEN: dict[str, Json] = {"Approvers": [ANN.id, BO.id, CY.id], "RequestedBy": "ro@example.com"}
BEFORE = a_policy(MinimumApprovals=2, Enforce="raise")
AFTER = replace(a_policy(MinimumApprovals=2, MaximumRejections=2, Enforce="raise"), version=8)


def asked(**keys: Json) -> Approval:
    request = parse_under(
        BEFORE, {"Approval": {**WRITTEN, **keys}, "Build": 7}, default_timeout=HOUR, workflow=WORKFLOW
    )
    return an_approval(request=request, people=PEOPLE, deliveries=())


def change(approval: Approval, at: datetime, **changes: Any) -> PolicyChange:
    judged = judge_again(AFTER, approval.request, WORKFLOW)
    assert not judged.problems
    return PolicyChange(at=at, policy=AFTER.identity, request=judged.request, **changes)


def says(person: Person, minute: int, action: Action = Action.APPROVE, **more: Any) -> Response:
    approver = Approver(id=person.id, name=person.name, channel="email")
    return Response(approver=approver, action=action, at=NOW + timedelta(minutes=minute), **more)


def play(approval: Approval, *events: ApprovalEvent) -> Approval:
    """Return the approval after events; identities are resolved at once."""
    for event in events:
        after = judge(approval, event).approval
        approval = replace(after, people=PEOPLE)
    return approval


steps = st.lists(
    st.tuples(st.sampled_from([ANN, BO, CY]), st.sampled_from(["approve", "reject", "withdraw", "change"])), max_size=12
)


@given(steps)
def test_no_response_counts_that_was_given_before_the_approval_was_asked_again(steps: list[tuple[Person, str]]) -> None:
    """Property 9 of the policy's specification: each decision has enough responses after the last change."""
    approval = asked()
    last, versions = NOW, 8
    for minute, (person, what) in enumerate(steps, 1):
        at = NOW + timedelta(minutes=minute)
        event: ApprovalEvent
        if what == "change":
            versions += 1
            event = change(approval, at)
            assert event.request
            assert event.request.policy
            version = replace(event.policy, version=versions, sha256=f"{versions:064}")
            pinned = replace(event.request.policy, version=versions, sha256=version.sha256)
            event = replace(event, policy=version, request=replace(event.request, policy=pinned))
        elif what == "withdraw":
            event = Withdrawal(says(person, minute).approver, at)
        else:
            event = says(person, minute, Action(what))
        judgement = judge(approval, event)
        if judgement.verdict is Verdict.ASKED_AGAIN:
            last = at
        approval = replace(judgement.approval, people=PEOPLE)
        assert all(response.at > last for response in approval.standing)
        assert all(response.is_void for response in approval.responses if response.withdrawn_at == last != NOW)
    if approval.status is Status.APPROVED:
        assert len({each.person for each in approval.standing if each.action is Action.APPROVE}) >= 2


def test_response_that_was_received_before_the_change_does_not_count_after_it() -> None:
    """Slack says only the second in which it was sent, here that of the change."""
    at = NOW + timedelta(minutes=2)
    again = play(asked(), change(asked(), at))
    early, late = (replace(says(ANN, 2), at=at + timedelta(milliseconds=each), sent_at=at) for each in (-1, 0))
    assert judge(again, early).verdict is Verdict.ALREADY_USED
    assert judge(again, late).verdict is Verdict.COUNTED
    assert judge(again, replace(late, is_outdated=True)).verdict is Verdict.ALREADY_USED


def test_record_is_the_same_after_it_was_stored_and_read() -> None:
    approval = play(asked(), says(ANN, 1, comment="Go"), change(asked(), NOW + timedelta(minutes=2)))
    assert approval.request.policy
    assert approval.request.policy.asked_again
    noted = replace(approval.request.policy, noted=BEFORE.identity)
    approval = replace(approval, request=replace(approval.request, policy=noted))
    assert approval_from_item(deserialized(serialized(approval_to_item(approval)))) == approval


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"TimeoutMinutes": 30, "Reminders": [5, 20]},
        {"Groups": [{"Name": "security"}]},
        {"Approvers": None, "Groups": [{"Name": "ops", "Approvers": ["pia@example.com"]}], "Severity": "high"},
        {"Comment": {"Reject": "required"}, "RequiredApprovals": 3},
    ],
    ids=str,
)
def test_request_is_on_record_as_it_was_written(keys: dict[str, Json]) -> None:
    policy = a_policy(
        MinimumApprovals=2,
        RequiredGroups={"security": 1},
        Severity="high",
        LongestMinutes=20,
        Comment={"Approve": "required"},
        Enforce="raise",
    )
    written: Json = {"Approval": {**WRITTEN, **keys}, "Build": 7}
    raised = parse_under(policy, written, default_timeout=HOUR, workflow=WORKFLOW)
    plain = parse_under(a_policy(), written, default_timeout=HOUR, workflow=WORKFLOW)
    stored = approval_from_item(deserialized(serialized(approval_to_item(an_approval(request=raised))))).request
    assert replace(as_written(stored), policy=None) == as_written(plain)
    again = judge_again(a_policy(), stored, WORKFLOW)
    assert not again.problems
    assert replace(again.request, policy=None) == replace(plain, policy=None), "what an easier version makes of it"


def test_stacks_own_default_gives_way_to_a_later_version_too() -> None:
    short = a_policy(LongestMinutes=30)
    by_default = parse_under(BEFORE, {"Approval": WRITTEN}, default_timeout=HOUR, workflow=WORKFLOW)
    own = parse_under(BEFORE, {"Approval": {**WRITTEN, "TimeoutMinutes": 60}}, default_timeout=HOUR, workflow=WORKFLOW)
    assert judge_again(short, replace(by_default, required_approvals=1), WORKFLOW).problems == ()
    assert judge_again(short, own, WORKFLOW).problems == (
        "Approval.TimeoutMinutes: 60 is longer than the 30 that the policy allows. Ask for at most 30.",
    )


def test_void_responses_keep_their_words_only_where_there_is_room() -> None:
    approval = judge(asked(), says(ANN, 1, comment="Go")).approval
    at = NOW + timedelta(minutes=2)
    for has_room, comment in ((True, "Go"), (False, None)):
        again = judge(approval, change(approval, at, has_room=has_room)).approval
        assert [(each.is_void, each.comment) for each in again.responses] == [(True, comment)]


def test_person_reads_why_the_last_response_does_not_count() -> None:
    approval = play(asked(), says(ANN, 1), change(asked(), NOW + timedelta(minutes=2)))
    ann, bo = (says(person, 1).approver for person in (ANN, BO))
    assert again_notice(approval, ann) == (
        "The approval policy changed from version 7 to 8 after you approved, so your response no longer counts. "
        "Respond again."
    )
    assert again_notice(approval, bo) == ""
    assert asked_again_sentence(approval) == (
        "The approval policy changed from version 7 to 8, so everyone is asked again. 1 earlier response no longer "
        "counts: ann."
    )
    again = play(approval, says(ANN, 3))
    assert again_notice(again, ann) == ""
    decided = play(again, says(BO, 4))
    assert (decided.status, asked_again_sentence(decided)) == (Status.APPROVED, "")


def test_sentence_names_few_people() -> None:
    many = tuple(replace(says(ANN, 1).approver, id=f"p{n}@example.com", name=f"P{n}") for n in range(9))
    at = NOW + timedelta(minutes=2)
    responses = tuple(replace(says(ANN, 1), approver=each, person=each.id) for each in many)
    approval = judge(replace(asked(), responses=responses), change(asked(), at)).approval
    assert approval.request.policy
    [entry] = approval.request.policy.asked_again
    assert len(voided(approval, entry)) == 9
    assert asked_again_sentence(approval).endswith("count: P0, P1, P2, P3 and 5 more people.")


def test_approval_that_was_asked_without_a_policy_is_asked_again_under_the_first_one() -> None:
    request = Request(timeout=HOUR, approvers=(ANN.id, BO.id, CY.id), requested_by="ro@example.com")
    approval = judge(an_approval(request=request, people=PEOPLE), says(ANN, 1)).approval
    assert approval.status is Status.APPROVED
    approval = an_approval(request=replace(request, required_approvals=2), people=PEOPLE)
    again = judge(approval, change(approval, NOW + timedelta(minutes=1))).approval
    assert asked_again_sentence(again).startswith(
        "The request was made without an approval policy, and version 8 applies now, so everyone is asked again."
    )
