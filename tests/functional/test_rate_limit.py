"""The count of emails to one address in a second, against DynamoDB as moto has it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from approvals.store.table import ApprovalTable
from mail.rate_limit import MAILS_A_SECOND, MailRateLimit
from tests.support.builders import ALICE, NOW
from tests.support.fakes import a_rate_limit
from tests.support.tables import TABLE


@pytest.fixture
def rate_limit(table: ApprovalTable) -> MailRateLimit:
    return a_rate_limit(table)


def test_a_second_has_as_many_slots_as_are_promised(rate_limit: MailRateLimit) -> None:
    taken = [rate_limit.take_slot(ALICE.id, NOW) for _ in range(MAILS_A_SECOND + 2)]
    assert taken == [True] * MAILS_A_SECOND + [False] * 2
    assert rate_limit.take_slot(ALICE.id, NOW + timedelta(seconds=1))
    assert not rate_limit.take_slot("Alice@Example.com", NOW)
    assert rate_limit.take_slot("carol@example.com", NOW), "SNS counts each address by itself"
    assert 2 * MAILS_A_SECOND <= 8, "in no second, wherever it begins, more than 8"


def test_a_slot_is_one_write_whose_item_goes_by_itself(
    rate_limit: MailRateLimit, dynamodb: DynamoDBClient, calls: list[str]
) -> None:
    rate_limit.take_slot(ALICE.id, NOW)
    assert calls == ["UpdateItem"]
    [item] = dynamodb.scan(TableName=TABLE)["Items"]
    assert int(item["expires_at"]["N"]) > NOW.timestamp()
    assert item.keys() == {"id", "mails", "expires_at"}
