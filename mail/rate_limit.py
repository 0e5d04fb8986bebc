"""How many emails one address gets in a second: SNS suspends an email subscription that gets more than ten."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from approvals.store.dynamodb import serialize

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SLOT_PREFIX = "mails#"
"""Begins the id of the count of the emails published to one address in one second. It is no approval's id."""

MAILS_A_SECOND = 4
"""Half of what is promised (8, SNS allows 10): clocks differ, and two neighboring seconds may be one for SNS.

Source: https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html
"""

_RETENTION = timedelta(days=1)


class MailRateLimit:
    """Counts emails in the approvals table, which all functions that send some share."""

    def __init__(self, dynamodb: DynamoDBClient, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name

    def take_slot(self, recipient: str, now: datetime) -> bool:
        """Count one more email to an address in this second. Return False, and count nothing, when none is left."""
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
