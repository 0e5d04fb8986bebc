"""Parts of a record as attributes: what an earlier or a later version wrote is read, another shape is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from approvals.domain.demands import Demand
from approvals.domain.model import Decision, Response
from approvals.domain.people import People
from approvals.store.records import from_item, to_item
from tests.support.builders import BOB, NOW, a_response, decided


def test_written_values_are_read_the_same() -> None:
    response = replace(a_response(approver=BOB), form={"Share": 1.0, "Ring": "inner"}, withdrawn_at=NOW)
    assert from_item(Response, to_item(response)) == response
    decision = decided(approver=BOB).decision
    assert from_item(Decision, to_item(decision)) == decision


def test_what_is_new_in_a_record_is_stored_only_where_it_is_used() -> None:
    """Without groups, silent people and delegates, a record is as the version before wrote it."""
    names = {"silent", "demands", "on_behalf_of"}
    assert not names & {*to_item(People()), *to_item(a_response())}
    people = People(silent=("ann@example.com",), demands=(Demand(required=2), Demand(name="ops", people=("bo",))))
    assert from_item(People, {**to_item(people), "later": 1}) == people
    response = replace(a_response(), on_behalf_of="bo@example.com")
    assert from_item(Response, to_item(response)) == response


def test_facts_known_only_during_a_response_are_not_stored() -> None:
    assert "member" not in to_item(BOB)


def test_a_field_of_a_later_version_is_left_alone_and_one_that_is_missing_has_its_default() -> None:
    item = to_item(a_response())
    del item["key"]
    assert from_item(Response, item | {"color": "red"}) == a_response()


@pytest.mark.parametrize(
    "changes", [{"at": None}, {"at": "2026-11-23T10:00:00"}, {"action": "maybe"}, {"approver": None}, {"form": None}]
)
def test_another_shape_is_not_read(changes: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError, AttributeError)):
        from_item(Response, to_item(a_response()) | changes)


def test_a_missing_part_is_not_made_up() -> None:
    item = to_item(a_response())
    del item["action"]
    with pytest.raises(TypeError):
        from_item(Response, item)
