"""Lists of approvals, against DynamoDB as moto has it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from approvals.listing import Listing
from approvals.model import Approval, Step
from approvals.rules import judge
from approvals.table import ApprovalTable
from tests.builders import NOW, a_response, an_approval
from tests.functional.conftest import TABLE

Add = Callable[..., Approval]


@pytest.fixture
def listing(dynamodb: DynamoDBClient) -> Listing:
    return Listing(dynamodb, TABLE)


@pytest.fixture
def add(table: ApprovalTable) -> Add:
    def add(number: int, at: datetime = NOW) -> Approval:
        approval = an_approval(id=f"{number:032d}", requested_at=at, deadline=at + timedelta(hours=1))
        assert table.add(approval)
        return replace(approval, link_key=b"")

    return add


def test_open_approvals_are_listed_by_their_deadline(listing: Listing, table: ApprovalTable, add: Add) -> None:
    """Decided ones are not open, even while their workflow has not heard of it."""
    asked = [add(number, NOW + timedelta(minutes=60 - number)) for number in range(30)]
    table.save(judge(asked[7], a_response()).approval)
    done = judge(asked[8], a_response()).approval
    table.save(done)
    table.mark(done, Step.RESUME, NOW)

    expected = [approval.id for approval in reversed(asked) if approval.id not in (asked[7].id, done.id)]
    assert [approval.id for approval in listing.open()] == expected
    assert [approval.id for approval in listing.open(3)] == expected[:3]


def test_a_period_is_listed_from_the_newest_whatever_became_of_the_requests(
    listing: Listing, table: ApprovalTable, add: Add
) -> None:
    """Over the ends of months and years, the beginning included, the end not."""
    moments = [datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC) + timedelta(days=day) for day in range(0, 70, 7)]
    asked = [add(number, moment) for number, moment in enumerate(moments)]
    decided = judge(asked[3], a_response()).approval
    table.save(decided)

    found = list(listing.requested(moments[1], moments[-1]))

    assert [approval.id for approval in found] == [approval.id for approval in reversed(asked[1:-1])]
    assert found[-3] == decided
    assert list(listing.requested(moments[1], moments[1])) == []


def test_more_records_than_one_call_returns_are_all_read(listing: Listing, add: Add, dynamodb: DynamoDBClient) -> None:
    """DynamoDB returns 100 records and 16 MB at most, and leaves some out when it is busy."""
    asked = [add(number, NOW + timedelta(seconds=number)) for number in range(130)]
    returned: list[dict[str, Any]] = []

    def busy(parsed: dict[str, Any], **_: Any) -> None:
        records = parsed["Responses"][TABLE]
        if len(returned) % 2 == 0 and len(records) > 1:
            left = records.pop()
            parsed["UnprocessedKeys"] = {TABLE: {"Keys": [{"id": left["id"]}]}}
        returned.append(parsed)

    dynamodb.meta.events.register("after-call.dynamodb.BatchGetItem", busy)
    found = listing.requested(NOW, NOW + timedelta(hours=1))
    assert next(found).id == asked[-1].id
    assert len(returned) == 2  # the records of one batch: the rest is read when it is used
    assert [approval.id for approval in found] == [approval.id for approval in reversed(asked[:-1])]
    assert len(returned) == 4


def test_a_record_that_is_gone_meanwhile_is_left_out(listing: Listing, add: Add, dynamodb: DynamoDBClient) -> None:
    asked = [add(number) for number in range(2)]

    def delete(**_: Any) -> None:
        dynamodb.delete_item(TableName=TABLE, Key={"id": {"S": asked[0].id}})

    dynamodb.meta.events.register("before-call.dynamodb.BatchGetItem", delete)
    assert listing.open() == [asked[1]]


def test_no_list_reads_a_secret(listing: Listing, add: Add, dynamodb: DynamoDBClient) -> None:
    add(1)
    calls: list[dict[str, Any]] = []
    dynamodb.meta.events.register("provide-client-params.dynamodb.*", lambda params, **_: calls.append(params))
    listing.open()
    list(listing.requested(NOW, NOW + timedelta(hours=1)))
    asked = [names for call in calls for names in _attributes(call)]
    assert len(asked) == 2
    assert not {"task_token", "link_key"} & {name for names in asked for name in names}


def _attributes(call: dict[str, Any]) -> list[list[str]]:
    return [list(table["ExpressionAttributeNames"].values()) for table in call.get("RequestItems", {}).values()]
