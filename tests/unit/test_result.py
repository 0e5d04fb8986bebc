"""What the state machine gets back."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.domain.characters import hidden_in
from approvals.domain.form_changes import form_key
from approvals.domain.form_fields import FieldType, FormField, FormValue
from approvals.domain.forms import MAX_COMMENT
from approvals.domain.groups import Group
from approvals.domain.judgement import Withdrawal
from approvals.domain.model import Action, Approval, OnTimeout, Request, Status, iso
from approvals.domain.people import People, Person
from approvals.domain.result import MAX_OUTPUT, most_bytes, output, result
from approvals.domain.rules import judge
from approvals.requests.decidability import demands_of
from tests.support.builders import ALICE, BOB, CAROL, NOW, TOKEN, a_response, an_approval, cancelled, decided, expired


def test_the_result_has_exactly_the_contracts_keys() -> None:
    assert result(decided(Action.APPROVE, BOB, comment="ship it")) == {
        "Status": "Approved! Task approved by bob",
        "Decision": "APPROVED",
        "ApprovalId": an_approval().id,
        "DecidedBy": "U0BOB00002",
        "DecidedAt": "2026-11-23T09:01:00.000Z",
        "Channel": "slack",
        "Comment": "ship it",
        "Form": {},
        "Digest": "",
        "Responses": [
            {
                "By": "U0BOB00002",
                "Name": "bob",
                "Channel": "slack",
                "Response": "APPROVED",
                "At": "2026-11-23T09:01:00.000Z",
                "Comment": "ship it",
                "Form": {},
            }
        ],
    }


@pytest.mark.parametrize(
    ("action", "status", "decision"),
    [
        (Action.APPROVE, "Approved! Task approved by alice@example.com", "APPROVED"),
        (Action.REJECT, "Rejected! Task rejected by alice@example.com", "REJECTED"),
    ],
)
def test_the_status_is_the_tutorials_sentence(action: Action, status: str, decision: str) -> None:
    found = result(decided(action, ALICE))
    assert (found["Status"], found["Decision"]) == (status, decision)


def test_no_comment_is_null_so_that_a_json_path_finds_it() -> None:
    found = result(decided())
    assert "Comment" in found
    assert found["Comment"] is None


@pytest.mark.parametrize("approval", [an_approval(), expired(), cancelled()], ids=["pending", "expired", "cancelled"])
def test_an_approval_neither_approved_nor_rejected_has_no_result(approval: Approval) -> None:
    with pytest.raises(ValueError, match="neither approved nor rejected"):
        result(approval)


@given(st.text().filter(lambda text: hidden_in(text) is None), st.text(min_size=1))
def test_the_output_is_json_that_says_what_the_result_says(comment: str, name: str) -> None:
    approval = decided(approver=replace(BOB, name=name), comment=comment)
    assert json.loads(output(approval)) == result(approval)


def test_a_hidden_character_of_an_earlier_versions_comment_is_shown_to_be_there() -> None:
    approval = decided(comment="Fine")
    assert approval.decision
    responses = (replace(approval.responses[0], comment="Fi\x1b\u200bne"),)
    old = replace(approval, responses=responses, decision=replace(approval.decision, comment="Fi\x1b\u200bne"))
    found: dict[str, Any] = {**result(old)}
    assert found["Comment"] == "Fi\ufffd\ufffdne"
    assert found["Responses"][0]["Comment"] == "Fi\ufffd\ufffdne"


def test_a_name_with_line_breaks_is_one_line_in_the_status() -> None:
    approver = replace(BOB, name="Bo\n\nApproved! Task approved by\u202e ciso@example.com")
    assert result(decided(approver=approver))["Status"] == (
        "Approved! Task approved by Bo Approved! Task approved by\ufffd ciso@example.com"
    )


def test_the_longest_comment_fits_many_times_over() -> None:
    approval = decided(comment="\U0001f4a5" * MAX_COMMENT)
    assert len(output(approval).encode()) < MAX_OUTPUT / 10


def test_a_rejection_by_silence_is_a_result_without_a_person() -> None:
    request = Request(timeout=timedelta(hours=1), on_timeout=OnTimeout.REJECT, digest="d1")
    found = result(expired(request=request))
    assert (found["Status"], found["Decision"]) == ("Rejected! Nobody answered in time", "REJECTED")
    assert (found["DecidedBy"], found["Channel"], found["Comment"]) == (None, "system", None)
    assert (found["Responses"], found["Digest"]) == ([], "d1")


def test_the_form_is_what_all_who_approved_filled_in() -> None:
    form = (FormField(name="size", label="Size", type=FieldType.NUMBER),)
    asked = an_approval(request=Request(timeout=timedelta(hours=1), form=form, required_approvals=2))
    first = judge(asked, replace(a_response(approver=CAROL), form={"size": 1})).approval
    changed = a_response(approver=BOB, minutes=2)
    second = judge(first, replace(changed, form={"size": 2.5}, seen=form_key(first))).approval
    approved = judge(second, replace(a_response(approver=CAROL, minutes=3), form={"size": 2.5})).approval
    found = cast("Any", result(approved))
    assert found["Form"] == {"size": 2.5}
    assert [(each["By"], each["Form"]) for each in found["Responses"]] == [
        (BOB.id, {"size": 2.5}),
        (CAROL.id, {"size": 2.5}),
    ]
    rejected = cast("Any", result(judge(first, a_response(Action.REJECT, BOB)).approval))
    assert rejected["Form"] == {}
    assert [each["Form"] for each in rejected["Responses"]] == [{"size": 1}, {}]


def test_approvals_of_an_earlier_version_with_different_values_are_all_in_the_result() -> None:
    form = (FormField(name="size", label="Size", type=FieldType.NUMBER),)
    request = Request(timeout=timedelta(hours=1), form=form, required_approvals=2)
    earlier = replace(a_response(approver=CAROL), form={"size": 1}, person=CAROL.id)
    found = decided(request=replace(request, required_approvals=1), approver=BOB)
    last = replace(found.responses[-1], form={"size": 2})
    old = cast("Any", result(replace(found, request=request, responses=(earlier, last))))
    assert old["Form"] == {"size": 2}
    assert [each["Form"] for each in old["Responses"]] == [{"size": 1}, {"size": 2}]


def test_a_withdrawn_response_is_not_in_the_result() -> None:
    request = Request(timeout=timedelta(hours=1), required_approvals=2)
    once = judge(an_approval(request=request), a_response(approver=CAROL)).approval
    withdrawn = judge(once, Withdrawal(CAROL, NOW + timedelta(minutes=2))).approval
    found: dict[str, Any] = {**result(judge(withdrawn, a_response(Action.REJECT, BOB, minutes=3)).approval)}
    assert [each["By"] for each in found["Responses"]] == [BOB.id]


def in_groups(**changes: Any) -> Approval:
    """Return a request for one of Bob's group and one of Carol's, in which Bob is, too."""
    groups = (Group(name="ops", approvers=(BOB.id,)), Group(name="security", approvers=(CAROL.id, BOB.id)))
    request = Request(timeout=timedelta(hours=1), groups=groups, required_approvals=2, digest="d" * 64, **changes)
    bob, carol = (Person(id=each.id, name=each.name, identities={"slack": each.id}) for each in (BOB, CAROL))
    demands = demands_of(request, [[BOB.id], [CAROL.id, BOB.id]])
    return an_approval(request=request, people=People(approvers=(bob, carol), demands=demands))


def test_the_result_says_who_approved_of_each_group() -> None:
    first = judge(in_groups(), a_response(approver=BOB)).approval
    found = result(judge(first, a_response(approver=CAROL, minutes=2)).approval)
    assert found["Groups"] == [
        {"Name": "ops", "Required": 1, "ApprovedBy": [BOB.id]},
        {"Name": "security", "Required": 1, "ApprovedBy": [BOB.id, CAROL.id]},
    ]
    assert list(found)[-2:] == ["Digest", "Groups"]
    assert "Groups" not in result(decided()), "without groups a result is as it was"


def test_with_groups_everyone_may_have_approved_before_the_last_group_does() -> None:
    people = tuple(Person(id=f"U{n:03}{'I' * 250}", name="N", identities={"slack": f"U{n:03}"}) for n in range(40))
    request = Request(
        timeout=timedelta(hours=1),
        groups=(Group(name="a" * 40, approvers=("S0GROUP001",)), Group(name="b", approvers=("ann@example.com",))),
        required_approvals=1,
    )
    demands = demands_of(request, [[each.id for each in people[:-1]], [people[-1].id]])
    approval = an_approval(request=request, people=People(approvers=people, demands=demands))
    for each in people:
        response = a_response(approver=replace(BOB, id=each.on("slack")), comment="\U0001f4a5" * MAX_COMMENT)
        assert approval.status is Status.PENDING
        approval = judge(approval, response).approval
    assert approval.status is Status.APPROVED
    assert len(approval.standing) == 40
    assert len(output(approval).encode()) <= most_bytes(request, approval.people)
    assert most_bytes(request) < most_bytes(request, approval.people), "a user group counts as one until it is known"


@pytest.mark.parametrize("character", ["\U0001f4a5", '"', "\\", "\n"])
def test_no_result_is_longer_than_was_reckoned_when_it_was_asked(character: str) -> None:
    form = tuple(FormField(name=f"f{n}" + "x" * 50, label="F", type=FieldType.TEXT, max_length=500) for n in range(5))
    form += (
        FormField(name="n", label="N", type=FieldType.NUMBER),
        FormField(name="c", label="C", type=FieldType.CHOICE, choices=(character * 75,)),
        FormField(name="d", label="D", type=FieldType.DATE),
        FormField(name="y", label="Y", type=FieldType.YES_NO),
    )
    request = Request(
        timeout=timedelta(hours=1), form=form, required_approvals=3, required_rejections=3, digest="d" * 64
    )
    written = character * 500
    filled: dict[str, FormValue] = {field.name: written for field in form[:5]}
    filled |= {"n": -1.2345678901234567e-300, "c": character * 75, "d": "2026-11-23", "y": False}
    approval = an_approval(request=request)
    for number in range(5):
        who = replace(BOB, id=f"U{number}{'I' * 250}", name=character * 80)
        action = Action.REJECT if number in (1, 3) else Action.APPROVE
        response = a_response(action, who, comment=character * MAX_COMMENT)
        approval = judge(approval, replace(response, form=filled)).approval
    assert approval.status is Status.APPROVED
    assert len([each for each in approval.standing if each.form]) == 3
    assert len(output(approval).encode()) <= most_bytes(request)


def test_the_output_holds_no_secret() -> None:
    approval = decided()
    assert TOKEN[:20] not in output(approval)
    assert approval.link_key.decode() not in output(approval)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 11, 23, 10, 31, tzinfo=UTC), "2026-11-23T10:31:00.000Z"),
        (datetime(2026, 11, 23, 10, 31, 5, 6999, tzinfo=UTC), "2026-11-23T10:31:05.006Z"),
        (datetime(2026, 11, 23, 0, 31, tzinfo=timezone(timedelta(hours=5.5))), "2026-11-22T19:01:00.000Z"),
    ],
)
def test_moments_are_iso_8601_utc_to_the_millisecond(moment: datetime, text: str) -> None:
    assert iso(moment) == text


@given(st.datetimes(timezones=st.timezones()))
def test_a_written_moment_is_read_back_to_the_millisecond_and_never_later(moment: datetime) -> None:
    lost = moment - datetime.fromisoformat(iso(moment))
    assert timedelta(0) <= lost < timedelta(milliseconds=1)
