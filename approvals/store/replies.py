"""Deferred replies to users: one function leaves them and can't read them, `notify` delivers them and can't write."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from approvals.domain.replies import DeferredReply
from approvals.store.items import reply_from_item, reply_to_item
from approvals.store.table import NotFoundError, deserialized, serialized

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import PutTypeDef

REPLY_PREFIX = "reply#"
"""Begins the id of a reply: it tells replies from approvals in the retry queue that both share."""

EARLIER_PREFIX = "note#"
"""Begins the ids of replies that versions before 0.2 left in the approvals table. Nothing delivers them any more."""

RETENTION = timedelta(days=1)


class Replies:
    """Reads and writes replies. A reply's key names its user: nothing that is written later can change who sees it."""

    def __init__(self, dynamodb: DynamoDBClient, name: str) -> None:
        self._dynamodb = dynamodb
        self._name = name

    def leaving(self, reply: DeferredReply) -> PutTypeDef:
        """Return the write that leaves a reply, which says when. The same reply left twice is one."""
        if reply.left_at is None:
            raise ValueError("a reply says when it is left")
        expires_at = int((reply.left_at + RETENTION).timestamp())
        item = {**reply_to_item(reply, reply.left_at), "id": reply_id(reply), "expires_at": expires_at}
        return {"TableName": self._name, "Item": serialized(item)}

    def get(self, item_id: str) -> DeferredReply:
        """Return a reply by the id of its item. Raises `NotFoundError`."""
        answer = self._dynamodb.get_item(TableName=self._name, Key={"id": {"S": item_id}}, ConsistentRead=True)
        if "Item" not in answer:
            raise NotFoundError(item_id)
        user, _, id_ = item_id.removeprefix(REPLY_PREFIX).partition("#")
        return reply_from_item(id_, user, deserialized(answer["Item"]))


def reply_id(reply: DeferredReply) -> str:
    """Return the id of a reply's item."""
    return f"{REPLY_PREFIX}{reply.user}#{reply.id}"
