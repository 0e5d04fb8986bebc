"""Lists approvals: what is open, and what was requested in a period. Reads only, and never the key of a link."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING

from approvals.model import Approval, Status, iso
from approvals.records import DUE_SHARDS, LISTED, LISTED_SHARDS, approval_from_item, month
from approvals.table import DUE_INDEX, deserialized, serialized

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, QueryInputPaginateTypeDef

REQUESTED_INDEX = "requested"
"""The index of all approvals by the month and the time of their request."""

MAX_OPEN = 1000
"""Open approvals that a list shows at most: those that something is due for the soonest."""

_BATCH = 100
"""Records of one BatchGetItem.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
"""

_Key = tuple[str, str]
"""What an index sorts by, and an approval's id."""


class Listing:
    """Reads many approvals. The indexes are eventually consistent: what was asked a moment ago may be missing."""

    def __init__(self, dynamodb: DynamoDBClient, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._name = table_name

    def open(self, most: int = MAX_OPEN) -> list[Approval]:
        """The pending approvals, those with the nearest deadline first. Costs a query for each shard, and the reads."""
        pending = islice((each for each in self.each(self.due_ids()) if each.status is Status.PENDING), most)
        return sorted(pending, key=lambda each: each.deadline)

    def requested(self, since: datetime, until: datetime) -> Iterator[Approval]:
        """Approvals requested from `since` (inclusive) to `until` (exclusive), the newest first, read as they are used.

        Costs a query for each shard of each month.
        """
        return self.each(self.requested_ids(since, until))

    def each(self, ids: Iterable[str]) -> Iterator[Approval]:
        """The approvals with these ids, in their order, read as they are used. One that is gone is left out."""
        ids = iter(ids)
        while batch := list(islice(ids, _BATCH)):
            found = {approval.id: approval for approval in self._batch(batch)}
            yield from (found[approval_id] for approval_id in batch if approval_id in found)

    def due_ids(self) -> Iterator[str]:
        """The ids of approvals that something is due for, the soonest first: all that are pending, and a few more."""
        shards = [self._keys(DUE_INDEX, "due_shard", str(shard), "due_at") for shard in range(DUE_SHARDS)]
        return (approval_id for _, approval_id in merge(*shards))

    def requested_ids(self, since: datetime, until: datetime) -> Iterator[str]:
        """The ids of what `requested` returns."""
        between = (iso(since), iso(until - timedelta(milliseconds=1)))
        for name in _months(since, until):
            shards = [
                self._keys(REQUESTED_INDEX, "requested_shard", f"{name}#{shard}", "requested_at", between=between)
                for shard in range(LISTED_SHARDS)
            ]
            yield from (approval_id for _, approval_id in merge(*shards, reverse=True))

    def _keys(
        self,
        index: str,
        shard_attribute: str,
        shard: str,
        sort_attribute: str,
        *,
        between: tuple[str, str] | None = None,
    ) -> Iterator[_Key]:
        """Keys of one shard: ascending, or of a period and then descending."""
        query: QueryInputPaginateTypeDef = {
            "TableName": self._name,
            "IndexName": index,
            "KeyConditionExpression": f"{shard_attribute} = :shard",
            "ExpressionAttributeValues": serialized({":shard": shard}),
            "ScanIndexForward": between is None,
            "PaginationConfig": {"PageSize": _BATCH},
        }
        if between is not None:
            query["KeyConditionExpression"] = f"{shard_attribute} = :shard AND {sort_attribute} BETWEEN :from AND :to"
            query["ExpressionAttributeValues"] = serialized({":shard": shard, ":from": between[0], ":to": between[1]})
        for page in self._dynamodb.get_paginator("query").paginate(**query):
            yield from ((_text(item[sort_attribute]), _text(item["id"])) for item in page["Items"])

    def _batch(self, ids: Sequence[str]) -> Iterator[Approval]:
        wanted: list[dict[str, AttributeValueTypeDef]] = [{"id": {"S": approval_id}} for approval_id in ids]
        while wanted:
            answer = self._dynamodb.batch_get_item(
                RequestItems={
                    self._name: {
                        "Keys": wanted,
                        "ConsistentRead": True,
                        "ProjectionExpression": ", ".join(f"#{name}" for name in LISTED),
                        "ExpressionAttributeNames": {f"#{name}": name for name in LISTED},
                    }
                }
            )
            yield from (approval_from_item(deserialized(item)) for item in answer["Responses"][self._name])
            # DynamoDB returns 16 MB at most, and less when it is busy: the rest is asked for again.
            left = answer["UnprocessedKeys"].get(self._name)
            wanted = [dict(key) for key in left["Keys"]] if left else []


def _months(since: datetime, until: datetime) -> Iterator[str]:
    """The months of a period, the newest first."""
    if until <= since:
        return
    moment = until - timedelta(milliseconds=1)
    while month(moment) >= month(since):
        yield month(moment)
        moment = moment.replace(day=1) - timedelta(days=1)


def _text(value: AttributeValueTypeDef) -> str:
    return str(deserialized({"text": value})["text"])
