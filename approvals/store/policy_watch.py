"""What the scheduler notes of the operator's policy: which version open approvals were compared with, and how far."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from approvals.domain.model import Approval, Status
from approvals.domain.pinned_policy import PolicyVersion
from approvals.store.dynamodb import deserialize, serialize
from approvals.store.records import from_item, to_item
from approvals.store.table import DUE_INDEX
from approvals.store.writes import Writes

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import QueryInputTypeDef

POLICY = "policy"
"""The id of the item. No approval has this id."""

ATTRIBUTE = "policy_progress"
"""The attribute of it that holds the progress. The internet-facing functions can't write it."""

PAGE = 100
"""Approvals that are compared between two writes of the position."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyProgress:
    """How far the open approvals are compared with the policy that has this `sha256`, which was seen first at `since`.

    `shard` of the index of open work is next, from `position` (a key of the index as JSON, empty for its beginning).
    `failed` says that approvals of this pass failed, `done` that none has to be compared any more.
    """

    sha256: str
    since: datetime
    shard: int = 0
    position: str = ""
    failed: bool = False
    done: bool = False


class PolicyWatch:
    """Reads and writes the progress, and what each approval shows of a policy that it does not follow."""

    def __init__(self, dynamodb: DynamoDBClient, name: str, sleep: Callable[[float], None]) -> None:
        self._dynamodb = dynamodb
        self._name = name
        self._writes = Writes(dynamodb, sleep)

    def read(self) -> PolicyProgress | None:
        """Return the progress; None if there was none."""
        answer = self._dynamodb.get_item(
            TableName=self._name,
            Key={"id": {"S": POLICY}},
            ConsistentRead=True,
            ProjectionExpression="#progress",
            ExpressionAttributeNames={"#progress": ATTRIBUTE},
        )
        found = answer.get("Item", {}).get(ATTRIBUTE)
        return from_item(PolicyProgress, _whole_numbers(deserialize(found))) if found else None

    def store(self, progress: PolicyProgress) -> None:
        """Store the progress in the place of the one before."""
        self._writes.update(
            TableName=self._name,
            Key={"id": {"S": POLICY}},
            UpdateExpression="SET #progress = :progress",
            ExpressionAttributeNames={"#progress": ATTRIBUTE},
            ExpressionAttributeValues={":progress": serialize(to_item(progress))},
        )

    def page(self, shard: int, position: str) -> tuple[Sequence[str], str]:
        """Return the ids of open approvals from a position in a shard, and the next position; empty at its end.

        Due times only move later, but for approvals that were asked again: so none moves to a place that was passed
        before it was compared.
        """
        query: QueryInputTypeDef = {
            "TableName": self._name,
            "IndexName": DUE_INDEX,
            "KeyConditionExpression": "due_shard = :shard",
            "ExpressionAttributeValues": {":shard": {"S": str(shard)}},
            "Limit": PAGE,
        }
        if position:
            query["ExclusiveStartKey"] = json.loads(position)
        answer = self._dynamodb.query(**query)
        last = answer.get("LastEvaluatedKey")
        return [item["id"]["S"] for item in answer["Items"]], json.dumps(last) if last else ""

    def note(self, approval: Approval, now: PolicyVersion | None) -> None:
        """Store the version that the policy has now, which an open approval does not follow; None if it does.

        Nothing is stored if the approval is closed, or was asked again meanwhile.
        """
        policy = approval.request.policy
        if policy is None:
            return
        try:
            self._writes.update(
                TableName=self._name,
                Key={"id": {"S": approval.id}},
                UpdateExpression="SET #request.#policy.#noted = :noted",
                ConditionExpression="#status = :pending AND #request.#policy.#sha256 = :sha256",
                ExpressionAttributeNames={
                    f"#{name}": name for name in ("request", "policy", "noted", "status", "sha256")
                },
                ExpressionAttributeValues={
                    ":noted": serialize(to_item(now) if now else None),
                    ":pending": serialize(Status.PENDING.value),
                    ":sha256": serialize(policy.sha256),
                },
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return


def _whole_numbers(item: dict[str, Any]) -> dict[str, Any]:
    """Return the item with its number as Python counts: DynamoDB's is a `Decimal`."""
    return {**item, "shard": int(item["shard"])}
