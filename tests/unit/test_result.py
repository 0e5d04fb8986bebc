"""What the state machine gets back."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.model import Action, Approval, iso
from approvals.result import MAX_OUTPUT, output, result
from handlers.callback import MAX_COMMENT
from tests.builders import ALICE, BOB, TOKEN, an_approval, cancelled, decided, expired


def test_the_result_has_exactly_the_contracts_keys() -> None:
    assert result(decided(Action.APPROVE, BOB, comment="ship it")) == {
        "Status": "Approved! Task approved by bob",
        "Decision": "APPROVED",
        "ApprovalId": an_approval().id,
        "DecidedBy": "U0BOB00002",
        "DecidedAt": "2026-11-23T09:01:00.000Z",
        "Channel": "slack",
        "Comment": "ship it",
        "Responses": [
            {
                "By": "U0BOB00002",
                "Name": "bob",
                "Channel": "slack",
                "Response": "APPROVED",
                "At": "2026-11-23T09:01:00.000Z",
                "Comment": "ship it",
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
def test_what_no_person_decided_has_no_result(approval: Approval) -> None:
    with pytest.raises(ValueError, match="not decided by a person"):
        result(approval)


@given(st.text(), st.text(min_size=1))
def test_the_output_is_json_that_says_what_the_result_says(comment: str, name: str) -> None:
    approval = decided(approver=replace(BOB, name=name), comment=comment)
    assert json.loads(output(approval)) == result(approval)


def test_the_longest_comment_fits_many_times_over() -> None:
    approval = decided(comment="\U0001f4a5" * MAX_COMMENT)
    assert len(output(approval).encode()) < MAX_OUTPUT / 10


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
