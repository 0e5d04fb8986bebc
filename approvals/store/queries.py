"""List approvals: the open ones, and those requested in a period. Nothing is written, and no link's key is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING

from approvals.domain.model import Approval, Status, iso
from approvals.store.items import DUE_SHARDS, LISTED, LISTED_SHARDS, REQUEST_WITHOUT_CONTEXT, month
from approvals.store.reading import UnreadableError, read_approval
from approvals.store.table import DUE_INDEX, NotFoundError, deserialized, serialized

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, QueryInputPaginateTypeDef

REQUESTED_INDEX = "requested"
"""The index of all approvals by the month and the time of their request."""

MAX_OPEN = 1000
"""Open approvals that a list shows at most: those with the next due time first."""

_KEYS = 100
"""Keys of one page of an index."""

_RECORDS = 10
"""Records of one BatchGetItem. It takes 100, but an answer with 10 of the greatest records has 4 MB, of which botocore
holds several copies at once: with 100, a list would take more memory than it may (128 MB)."""

_WITHOUT_CONTEXT = (
    *(name for name in LISTED if name not in ("request", "previous")),
    *(f"request.{name}" for name in REQUEST_WITHOUT_CONTEXT),
)

_Key = tuple[str, str]
"""What an index sorts by, and an approval's id."""


class Listing:
    """Reads many approvals, without their contexts, a few at a time: keep of each only what you show.

    The indexes are eventually consistent: the newest requests may be missing. A record that can't be read is left out,
    and reported to `unreadable`.
    """

    def __init__(
        self, dynamodb: DynamoDBClient, table_name: str, unreadable: Callable[[UnreadableError], None]
    ) -> None:
        self._dynamodb = dynamodb
        self._name = table_name
        self._unreadable = unreadable

    def get(self, approval_id: str) -> Approval:
        """Return one approval in full, with its context. Raises `NotFoundError` and `UnreadableError`."""
        for attributes in self._batch([approval_id], LISTED):
            return read_approval(attributes)
        raise NotFoundError(approval_id)

    def pending(self, most: int = MAX_OPEN) -> Iterator[Approval]:
        """Yield the pending approvals, the next due ones first. Costs a query for each shard, and the reads."""
        return islice((each for each in self.each(self.due_ids()) if each.status is Status.PENDING), most)

    def requested(self, since: datetime, until: datetime) -> Iterator[Approval]:
        """Yield the approvals requested from `since` (inclusive) to `until` (exclusive), the newest first.

        Costs a query for each shard of each month.
        """
        return self.each(self.requested_ids(since, until))

    def each(self, ids: Iterable[str]) -> Iterator[Approval]:
        """Yield the approvals with these ids, in their order, read as they are used. One that is gone is left out."""
        ids = iter(ids)
        while batch := list(islice(ids, _RECORDS)):
            found = dict(self._readable(batch))
            yield from (found.pop(approval_id) for approval_id in batch if approval_id in found)

    def _readable(self, ids: Sequence[str]) -> Iterator[tuple[str, Approval]]:
        for attributes in self._batch(ids, _WITHOUT_CONTEXT):
            try:
                approval = read_approval(attributes, listed=True)
            except UnreadableError as error:
                self._unreadable(error)
            else:
                yield approval.id, approval

    def due_ids(self) -> Iterator[str]:
        """Return the ids of approvals with a due time, the next one first: all that are pending, and a few more."""
        shards = [self._keys(DUE_INDEX, "due_shard", str(shard), "due_at") for shard in range(DUE_SHARDS)]
        return (approval_id for _, approval_id in merge(*shards))

    def requested_ids(self, since: datetime, until: datetime) -> Iterator[str]:
        """Yield the ids of what `requested` yields."""
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
        """Yield the keys of one shard: ascending, or of a period and then descending."""
        query: QueryInputPaginateTypeDef = {
            "TableName": self._name,
            "IndexName": index,
            "KeyConditionExpression": f"{shard_attribute} = :shard",
            "ExpressionAttributeValues": serialized({":shard": shard}),
            "ScanIndexForward": between is None,
            "PaginationConfig": {"PageSize": _KEYS},
        }
        if between is not None:
            query["KeyConditionExpression"] = f"{shard_attribute} = :shard AND {sort_attribute} BETWEEN :from AND :to"
            query["ExpressionAttributeValues"] = serialized({":shard": shard, ":from": between[0], ":to": between[1]})
        for page in self._dynamodb.get_paginator("query").paginate(**query):
            yield from ((_text(item[sort_attribute]), _text(item["id"])) for item in page["Items"])

    def _batch(self, ids: Sequence[str], paths: Sequence[str]) -> Iterator[dict[str, AttributeValueTypeDef]]:
        names = {f"#{name}": name for path in paths for name in path.split(".")}
        wanted: list[dict[str, AttributeValueTypeDef]] = [{"id": {"S": approval_id}} for approval_id in ids]
        while wanted:
            answer = self._dynamodb.batch_get_item(
                RequestItems={
                    self._name: {
                        "Keys": wanted,
                        "ConsistentRead": True,
                        "ProjectionExpression": ", ".join(f"#{path.replace('.', '.#')}" for path in paths),
                        "ExpressionAttributeNames": names,
                    }
                }
            )
            yield from answer["Responses"][self._name]
            # DynamoDB returns 16 MB at most, and less when it is busy: the rest is asked for again.
            left = answer["UnprocessedKeys"].get(self._name)
            wanted = [dict(key) for key in left["Keys"]] if left else []


def _months(since: datetime, until: datetime) -> Iterator[str]:
    """Yield the months of a period, the newest first."""
    if until <= since:
        return
    moment = until - timedelta(milliseconds=1)
    while month(moment) >= month(since):
        yield month(moment)
        moment = moment.replace(day=1) - timedelta(days=1)


def _text(value: AttributeValueTypeDef) -> str:
    return str(deserialized({"text": value})["text"])
