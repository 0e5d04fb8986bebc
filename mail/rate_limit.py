"""How many emails an address gets in a second: SNS suspends an email subscription that gets more than ten."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from approvals.store.dynamodb import serialize

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SLOT_PREFIX = "mails#"
"""Begins the id of the item that counts the emails to an address in a second. No approval has such an id."""

MAILS_A_SECOND = 4
"""Half of 8, where SNS allows 10: clocks differ, and SNS may count two neighboring seconds as one.

Source: https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html
"""

_RETENTION = timedelta(days=1)


class MailRateLimit:
    """Counts emails in the approvals table, which all functions that send emails share."""

    def __init__(self, dynamodb: DynamoDBClient, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name

    def take_slot(self, recipient: str, now: datetime) -> bool:
        """Count one more email to an address in this second. Return False, and count nothing, if none is left."""
        try:
            self._dynamodb.update_item(
                TableName=self._table_name,
                Key={"id": serialize(f"{SLOT_PREFIX}{recipient.casefold()}#{int(now.timestamp())}")},
                UpdateExpression="ADD mails :one SET expires_at = :expires",
                ConditionExpression="attribute_not_exists(mails) OR mails < :most",
                ExpressionAttributeValues={
                    ":one": serialize(1),
                    ":most": serialize(MAILS_A_SECOND),
                    ":expires": serialize(int((now + _RETENTION).timestamp())),
                },
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True
