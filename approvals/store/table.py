"""The approvals table in DynamoDB: the one module that writes it. `listing` reads many records at once."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import ClientError

from approvals.domain.errors import ConflictError, TooManyConflictsError
from approvals.domain.model import Approval, People, SlackMessage, Step, iso
from approvals.domain.replies import DeferredReply
from approvals.store.dynamodb import deserialize, serialize
from approvals.store.items import (
    DUE_SHARDS,
    READABLE,
    Item,
    approval_to_item,
    changeable_to_item,
    people_to_item,
    slack_message_to_item,
)
from approvals.store.reading import read_approval

if TYPE_CHECKING:
    from typing import Unpack

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import (
        AttributeValueTypeDef,
        PutTypeDef,
        TransactWriteItemTypeDef,
        UpdateItemInputTypeDef,
        UpdateItemOutputTypeDef,
        UpdateTypeDef,
    )

    from approvals.store.replies import Replies

T = TypeVar("T")

DUE_INDEX = "due"
"""The sparse index of what the clock must look at next, and when: approvals that wait for somebody or something."""

WAITING_INDEX = "waiting"
"""The sparse index of pending approvals by their execution."""


PAUSES = (0.02, 0.05, 0.1, 0.2)
"""Seconds, at most, between tries to write what another transaction holds: it takes some 20 ms."""

_PASSING = frozenset({"None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
"""What DynamoDB says of the writes of a transaction that it may take at the next try."""


_TOO_LARGE = re.compile("item size .*exceeded", re.IGNORECASE)
"""What DynamoDB says of an item that is too large: there is no code for it."""


class NotFound(Exception):  # noqa: N818
    """There is no record with this id: never was, or its time is over."""


class RecordFullError(Exception):
    """Nothing was written: with it, the record would be larger than an item may be. Trying again is of no use."""


class ConditionsFailed(Exception):  # noqa: N818
    """Nothing was written. `places` has those of the transaction's writes, counted from 0, whose condition failed."""

    def __init__(self, places: frozenset[int]) -> None:
        super().__init__(f"the conditions at {sorted(places)} failed")
        self.places = places


class ApprovalTable:
    """Reads and writes approvals. Every read is strongly consistent.

    `sleep` waits a number of seconds. `replies` has the deferred Slack replies of the one function that leaves them.
    `attributes` are read of a record: IAM may let a function read no others.
    """

    def __init__(
        self,
        dynamodb: DynamoDBClient,
        name: str,
        sleep: Callable[[float], None] = time.sleep,
        *,
        replies: Replies | None = None,
        attributes: tuple[str, ...] = READABLE,
    ) -> None:
        self._dynamodb = dynamodb
        self._name = name
        self._sleep = sleep
        self._replies = replies
        self._attributes = attributes

    def add(self, approval: Approval) -> bool:
        """Stores a new approval. Returns False, and changes nothing, when its id is there already."""
        try:
            self._patiently(
                partial(
                    self._dynamodb.put_item,
                    TableName=self._name,
                    Item=serialized(approval_to_item(approval)),
                    ConditionExpression="attribute_not_exists(id)",
                )
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def get(self, approval_id: str) -> Approval:
        """Returns the approval as it stands. Raises `NotFound`."""
        return read_approval(self._item(approval_id, self._attributes))

    def save(self, approval: Approval, reply: DeferredReply | None = None) -> None:
        """Stores what was answered, if the table holds the version just before; the reply is left exactly then.

        Raises `ConflictError` otherwise, `NotFound` when there is no such record any more, `RecordFullError` when it
        has no room, and `TooManyConflictsError` when others hold it all the time.
        """
        changed = changeable_to_item(approval)
        expression = f"SET {', '.join(f'#{name} = :{name}' for name in changed)}"
        if approval.decision:
            expression += " REMOVE waiting"
        answer = self._change(
            approval.id,
            expression,
            "#version = :before",
            {"before": approval.version - 1, **changed},
            {name: name for name in changed},
        )
        try:
            if reply:
                self._transact({"Update": answer}, {"Put": self._leaving(reply)})
            else:
                self._update(**answer)
        except (self._dynamodb.exceptions.ConditionalCheckFailedException, ConditionsFailed) as error:
            # Read again: DynamoDB would hand over the whole item with the failure.
            raise ConflictError(self.get(approval.id)) from error
        except self._called_off as error:
            if _is_too_large(error):
                raise RecordFullError(f"approval {approval.id} has no room left") from error
            if not _passes(error):
                raise
            raise TooManyConflictsError(f"approval {approval.id}: others kept writing it") from error
        except ClientError as error:
            if not _is_too_large(error):
                raise
            raise RecordFullError(f"approval {approval.id} has no room left") from error

    def identify(self, approval: Approval, people: People) -> Approval:
        """Stores who is who: from now on they may answer. The first to find out all of it counts.

        Returns the approval as it stands now. Raises `NotFound`.
        """
        unknown = "attribute_type(people, :unknown) OR people.complete = :no"
        values = {"people": people_to_item(people), "unknown": "NULL", "no": False}
        return self._update_if(approval.id, "SET people = :people", unknown, values) or self.get(approval.id)

    def announced(self, approval: Approval) -> bool:
        """Notes that everybody knows the approval as it stood here. Returns False when it has changed since."""
        values = {"no": "no", "version": approval.version}
        return self._update_if(approval.id, "SET news = :no", "version = :version", values) is not None

    def mark(
        self,
        approval: Approval,
        step: str,
        at: datetime,
        *,
        delivery: SlackMessage | None = None,
        parts: Sequence[str] = (),
    ) -> Approval:
        """Mark a step as done, with the message that it left, and remove the marks of its parts.

        Return the approval as it is now: whoever marks goes on with that. Raise `NotFound`.
        """
        put = ["steps.#step = :at"]
        values: Item = {"at": iso(at)}
        removed = {f"part{number}": part for number, part in enumerate(parts)}
        taken = [f"steps.#{name}" for name in removed]
        if step in (Step.RESUME, Step.WORKFLOW_GONE):
            taken += ["due_shard", "due_at"]
        if delivery and not delivery.user:
            put.append("slack_message = :message")
            values["message"] = slack_message_to_item(delivery)
        elif delivery:
            # Records of earlier versions have no list yet.
            put.append("direct_messages = list_append(if_not_exists(direct_messages, :none), :direct)")
            values |= {"none": [], "direct": [slack_message_to_item(delivery)]}
        expression = f"SET {', '.join(put)}" + (f" REMOVE {', '.join(taken)}" if taken else "")
        return self._update_existing(approval.id, expression, values, {"step": step, **removed})

    def published(self, approval: Approval, marks: frozenset[str]) -> Approval:
        """Notes which events are published, at least one. Returns the approval as it stands now.

        Raises `NotFound` when there is no such record any more.
        """
        return self._update_existing(approval.id, "ADD published :marks", {"marks": marks})

    def due(self, now: datetime) -> Iterator[str]:
        """The ids of approvals that the clock must look at, the longest overdue of each shard first.

        Costs one read a shard and a page more for each 1 MB of what is due, however many approvals are open.
        """
        pages = self._dynamodb.get_paginator("query")
        for shard in range(DUE_SHARDS):
            for page in pages.paginate(
                TableName=self._name,
                IndexName=DUE_INDEX,
                KeyConditionExpression="due_shard = :shard AND due_at <= :now",
                ExpressionAttributeValues=serialized({":shard": str(shard), ":now": iso(now)}),
            ):
                yield from (item["id"]["S"] for item in page["Items"])

    def postpone(self, approval: Approval, until: datetime) -> None:
        """Lets the clock look at the approval again at a later time, if it is still in the index by then."""
        # Settled meanwhile: it has left the index.
        there = "version = :version AND attribute_exists(due_at)"
        values = {"until": iso(until), "version": approval.version}
        self._update_if(approval.id, "SET due_at = :until", there, values)

    def set_aside(self, approval_id: str, now: datetime, until: datetime) -> bool:
        """Let the scheduler pass over a record until a later time. Return False if it was not due anyway."""
        values = {"until": iso(until), "now": iso(now)}
        change = self._change(approval_id, "SET due_at = :until", "due_at <= :now", values, {})
        try:
            self._update(**change)
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def waiting(self, execution_arn: str) -> Iterator[str]:
        """The ids of pending approvals of an execution. Eventually consistent: the newest may be missing."""
        for page in self._dynamodb.get_paginator("query").paginate(
            TableName=self._name,
            IndexName=WAITING_INDEX,
            KeyConditionExpression="waiting = :execution",
            ExpressionAttributeValues=serialized({":execution": execution_arn}),
        ):
            yield from (item["id"]["S"] for item in page["Items"])

    def leave_reply(self, reply: DeferredReply) -> None:
        """Leaves a reply, which says when, for the backend to deliver. The same reply left twice is one."""
        self._patiently(partial(self._dynamodb.put_item, **self._leaving(reply)))

    def _leaving(self, reply: DeferredReply) -> PutTypeDef:
        if self._replies is None:
            raise ValueError("this function leaves no replies")
        return self._replies.leaving(reply)

    def _update_existing(
        self, approval_id: str, update: str, values: Item, names: Mapping[str, str] | None = None
    ) -> Approval:
        """Update a record that exists. Return the approval as it is then. Raise `NotFound`."""
        if approval := self._update_if(approval_id, update, "attribute_exists(id)", values, names):
            return approval
        raise NotFound(approval_id)

    def _update_if(
        self, approval_id: str, update: str, condition: str, values: Item, names: Mapping[str, str] | None = None
    ) -> Approval | None:
        """Update a record if a condition holds. Return the approval as it is then, None if the condition fails."""
        change = self._change(approval_id, update, condition, values, names or {})
        try:
            answer = self._update(**change, ReturnValues="ALL_NEW")
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return None
        return read_approval(answer["Attributes"])

    def _change(
        self, approval_id: str, update: str, condition: str, values: Item, names: Mapping[str, str]
    ) -> UpdateTypeDef:
        """Return a conditional update. `values` and `names` are without their colons and number signs."""
        change: UpdateTypeDef = {
            "TableName": self._name,
            "Key": {"id": {"S": approval_id}},
            "UpdateExpression": update,
            "ConditionExpression": condition,
            "ExpressionAttributeValues": serialized({f":{name}": value for name, value in values.items()}),
        }
        if names:
            change["ExpressionAttributeNames"] = {f"#{name}": attribute for name, attribute in names.items()}
        return change

    def _update(self, **update: Unpack[UpdateItemInputTypeDef]) -> UpdateItemOutputTypeDef:
        return self._patiently(partial(self._dynamodb.update_item, **update))

    def _transact(self, *writes: TransactWriteItemTypeDef) -> None:
        """Writes several items in one call: all of them or none. Raises `ConditionsFailed`."""
        try:
            self._patiently(partial(self._dynamodb.transact_write_items, TransactItems=writes))
        except self._dynamodb.exceptions.TransactionCanceledException as error:
            reasons = _reasons(error)
            failed = frozenset(n for n, reason in enumerate(reasons) if reason == "ConditionalCheckFailed")
            if not failed:
                raise
            raise ConditionsFailed(failed) from error

    @property
    def _called_off(self) -> tuple[type[ClientError], ...]:
        """What DynamoDB raises for a write, and for a transaction, that met another."""
        exceptions = self._dynamodb.exceptions
        return exceptions.TransactionConflictException, exceptions.TransactionCanceledException

    def _patiently(self, write: Callable[[], T]) -> T:
        """Writes; and again while a transaction of somebody else holds an item: then nothing was written.

        botocore does not do that. Each try of a transaction is one of its own, with a new token.
        Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-conflict-handling
        """
        for pause in PAUSES:
            try:
                return write()
            except self._called_off as error:
                if not _passes(error):
                    raise
                self._sleep(pause * random.uniform(0.5, 1))  # noqa: S311 those who wait for one another part
        return write()

    def _item(self, item_id: str, attributes: tuple[str, ...]) -> Mapping[str, AttributeValueTypeDef]:
        answer = self._dynamodb.get_item(
            TableName=self._name,
            Key={"id": {"S": item_id}},
            ConsistentRead=True,
            # Placeholders: some of the names are words of DynamoDB's own.
            ProjectionExpression=", ".join(f"#{name}" for name in attributes),
            ExpressionAttributeNames={f"#{name}": name for name in attributes},
        )
        if "Item" not in answer:
            raise NotFound(item_id)
        return answer["Item"]


def serialized(values: Item) -> dict[str, AttributeValueTypeDef]:
    """The values as DynamoDB takes them."""
    return {name: serialize(value) for name, value in values.items()}


def deserialized(values: Mapping[str, AttributeValueTypeDef]) -> Item:
    """The values of what DynamoDB returned."""
    return {name: deserialize(value) for name, value in values.items()}


def _passes(error: ClientError) -> bool:
    """Whether a write that was called off may be taken at the next try."""
    return _PASSING.issuperset(_reasons(error))


def _is_too_large(error: ClientError) -> bool:
    """Return True if an item would be larger than 400 KB."""
    said = [error.response["Error"], *error.response.get("CancellationReasons", ())]
    return any(_TOO_LARGE.search(str(each.get("Message", ""))) for each in said)


def _reasons(error: ClientError) -> list[str]:
    """Why a transaction was called off, for each of its writes: "None" for those that were fine by themselves.

    Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
    """
    return [str(reason["Code"]) for reason in error.response.get("CancellationReasons", ())]
