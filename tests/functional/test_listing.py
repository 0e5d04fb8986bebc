"""Lists of approvals, against DynamoDB as moto has it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from approvals.domain import facts
from approvals.domain.model import Approval, ContextNotReadError, Request
from approvals.domain.rules import judge
from approvals.domain.steps import Step
from approvals.store.items import approval_to_item
from approvals.store.queries import Listing
from approvals.store.reading import UnreadableError
from approvals.store.table import ApprovalTable, NotFoundError
from bot.views.approval import request_blocks
from cli.document import document
from mail.messages import Links, mail_for
from tests.support.broken_records import BROKEN, break_record
from tests.support.builders import NOW, a_response, an_approval
from tests.support.tables import TABLE
from web import sections

Add = Callable[..., Approval]


@pytest.fixture
def listing(dynamodb: DynamoDBClient) -> Listing:
    return Listing(dynamodb, TABLE, lambda error: pytest.fail(str(error)))


@pytest.fixture
def add(table: ApprovalTable) -> Add:
    def add(number: int, at: datetime = NOW) -> Approval:
        approval = an_approval(id=f"{number:032d}", requested_at=at, deadline=at + timedelta(hours=1))
        assert table.add(approval)
        return replace(approval, link_key=b"", request=replace(approval.request, context=None))

    return add


def test_open_approvals_are_listed_the_soonest_due_first(listing: Listing, table: ApprovalTable, add: Add) -> None:
    """Decided ones are not open, even while their workflow has not heard of it."""
    asked = [add(number, NOW + timedelta(minutes=60 - number)) for number in range(30)]
    table.save(judge(asked[7], a_response()).approval)
    done = judge(asked[8], a_response()).approval
    table.save(done)
    table.mark(done, Step.RESUME, NOW)

    expected = [approval.id for approval in reversed(asked) if approval.id not in (asked[7].id, done.id)]
    assert [approval.id for approval in listing.pending()] == expected
    assert [approval.id for approval in listing.pending(3)] == expected[:3]


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
    assert len(returned) == 26


def test_a_record_that_is_gone_meanwhile_is_left_out(listing: Listing, add: Add, dynamodb: DynamoDBClient) -> None:
    asked = [add(number) for number in range(2)]

    def delete(**_: Any) -> None:
        dynamodb.delete_item(TableName=TABLE, Key={"id": {"S": asked[0].id}})

    dynamodb.meta.events.register("before-call.dynamodb.BatchGetItem", delete)
    assert list(listing.pending()) == [asked[1]]


def test_no_list_reads_a_secret(listing: Listing, add: Add, dynamodb: DynamoDBClient) -> None:
    add(1)
    calls: list[dict[str, Any]] = []
    dynamodb.meta.events.register("provide-client-params.dynamodb.*", lambda params, **_: calls.append(params))
    list(listing.pending())
    listing.get(f"{1:032d}")
    list(listing.requested(NOW, NOW + timedelta(hours=1)))
    asked = [names for call in calls for names in _attributes(call)]
    assert len(asked) == 3
    assert not {"task_token", "link_key"} & {name for names in asked for name in names}


def _attributes(call: dict[str, Any]) -> list[list[str]]:
    return [list(table["ExpressionAttributeNames"].values()) for table in call.get("RequestItems", {}).values()]


@pytest.mark.parametrize("how", BROKEN)
def test_a_record_that_cannot_be_read_is_left_out_and_named(dynamodb: DynamoDBClient, add: Add, how: str) -> None:
    asked = [add(number) for number in range(3)]
    break_record(dynamodb, TABLE, asked[1].id, how)
    named: list[UnreadableError] = []
    listing = Listing(dynamodb, TABLE, named.append)
    assert sorted(approval.id for approval in listing.pending()) == [asked[0].id, asked[2].id]
    assert [error.approval_id for error in named] == [asked[1].id]
    assert len(list(listing.requested(NOW, NOW + timedelta(hours=1)))) == 2
    with pytest.raises(UnreadableError):
        listing.get(asked[1].id)


def test_a_list_reads_no_context_and_says_so(listing: Listing, dynamodb: DynamoDBClient, table: ApprovalTable) -> None:
    """Not even one that can't be read. What was not read does not pass for an empty context."""
    context = {"secret plan": "x" * 1000}
    approval = an_approval(request=Request(title="Deploy", timeout=timedelta(hours=1), context=context))
    table.add(approval)
    texts: list[str] = []
    dynamodb.meta.events.register(
        "after-call.dynamodb.BatchGetItem", lambda parsed, **_: texts.append(str(parsed["Responses"]))
    )
    [listed] = listing.pending()
    assert listed.request.title == "Deploy"
    assert listed.request.context is None
    assert "secret plan" not in texts[0]
    surfaces: list[Callable[[Approval], object]] = [
        facts.context,
        request_blocks,
        document,
        approval_to_item,
        lambda listed: sections.request(listed, "", NOW),
        lambda listed: mail_for(listed, "request_email:alice@example.com", Links("https://x", one_click=False)),
    ]
    for show in surfaces:
        with pytest.raises(ContextNotReadError):
            show(listed)
    assert listing.get(approval.id).request.context == context


@pytest.mark.parametrize("version", ["d301946", "adddf11"])
def test_requests_of_earlier_versions_are_listed_without_their_context(
    listing: Listing, dynamodb: DynamoDBClient, version: str
) -> None:
    item = json.loads((Path(__file__).parents[1] / f"e2e/upgrade/{version}.json").read_text())["pending"]
    dynamodb.put_item(TableName=TABLE, Item={**item, "link_key": {"B": b"k" * 32}})
    [listed] = listing.each([item["id"]["S"]])
    assert (listed.title, listed.request.details) == ("Deploy web 2.4.1", "Adds the new checkout.")
    assert listed.request.context is None
    assert listing.get(listed.id).request.context == {"Version": "2.4.1"}


def test_one_approval_is_read_in_full_or_said_to_be_gone(listing: Listing, add: Add) -> None:
    assert listing.get(add(1).id).request.context == {}
    with pytest.raises(NotFoundError):
        listing.get("0" * 32)
