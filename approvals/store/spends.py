"""The uses of grants, in the records of their approvals."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from approvals.domain.errors import ConflictError
from approvals.domain.grants import Spend
from approvals.domain.model import Approval
from approvals.store.dynamodb import serialize
from approvals.store.items import SPENDABLE, parity
from approvals.store.records import to_item
from approvals.store.table import ApprovalTable
from approvals.store.writes import Writes, explained

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Spends:
    """Reads approvals with the digests of their grants, and stores uses. `sleep` waits a number of seconds."""

    def __init__(self, dynamodb: DynamoDBClient, name: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._dynamodb = dynamodb
        self._name = name
        self._writes = Writes(dynamodb, sleep)
        self._table = ApprovalTable(dynamodb, name, sleep, attributes=SPENDABLE)

    def get(self, approval_id: str) -> Approval:
        """Return the current approval, without its link key. Raise `NotFoundError`."""
        return self._table.get(approval_id)

    def add(self, approval: Approval, key_hash: str, spend: Spend) -> None:
        """Store a use if the grant has been spent as often as in `approval`, and not by this key.

        Raise `ConflictError` otherwise, `NotFoundError` if the record is gone, and `TooManyConflictsError` if other
        writes hold it all the time.
        """
        try:
            self._writes.update(
                TableName=self._name,
                Key={"id": {"S": approval.id}},
                UpdateExpression="SET spends.#key = :spend, spend_parity = :parity",
                # The size of a map is its number of keys.
                ConditionExpression=(
                    "attribute_exists(spends) AND attribute_not_exists(spends.#key) AND size(spends) = :before"
                ),
                ExpressionAttributeNames={"#key": key_hash},
                ExpressionAttributeValues={
                    ":spend": serialize(to_item(spend)),
                    ":parity": serialize(parity(len(approval.spends) + 1)),
                    ":before": serialize(len(approval.spends)),
                },
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException as error:
            raise ConflictError(self.get(approval.id)) from error
        except ClientError as error:
            if problem := explained(error, approval.id):
                raise problem from error
            raise
