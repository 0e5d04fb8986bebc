"""The approvals table in DynamoDB: the one module that writes it. `queries` reads many records at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from approvals.domain.absences import Absence
from approvals.domain.errors import ConflictError
from approvals.domain.model import Approval, Delivery, Status, iso
from approvals.domain.people import People
from approvals.domain.previous import Previous
from approvals.domain.replies import DeferredReply
from approvals.domain.steps import Step
from approvals.store import legacy
from approvals.store.absences import ABSENCES, read_absences
from approvals.store.dynamodb import deserialize, serialize
from approvals.store.items import (
    DUE_SHARDS,
    READABLE,
    Item,
    approval_to_item,
    asked_again_to_item,
    changeable_to_item,
    delivery_to_item,
    people_to_item,
    previous_to_item,
)
from approvals.store.reading import read_approval
from approvals.store.writes import ConditionsFailedError, Writes, explained

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import (
        AttributeValueTypeDef,
        PutTypeDef,
        UpdateTypeDef,
    )

    from approvals.store.replies import Replies

DUE_INDEX = "due"
"""The sparse index of open work: the approvals that the scheduler must look at, and when."""

WAITING_INDEX = "waiting"
"""The sparse index of pending approvals by their execution."""


class NotFoundError(Exception):
    """There is no record with this id, or no longer."""


class ApprovalTable:
    """Reads and writes approvals. Every read is strongly consistent.

    `sleep` waits a number of seconds. `replies` has the deferred replies of the one function that leaves them.
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
        self._writes = Writes(dynamodb, sleep)
        self._replies = replies
        self._attributes = attributes

    def add(self, approval: Approval) -> bool:
        """Store a new approval. Return False, and change nothing, if there is one with its id."""
        try:
            self._writes.put(
                TableName=self._name,
                Item=serialized(approval_to_item(approval)),
                ConditionExpression="attribute_not_exists(id)",
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def get(self, approval_id: str) -> Approval:
        """Return the current approval. Raise `NotFoundError`."""
        return read_approval(self._item(approval_id, self._attributes))

    def get_with_absences(self, approval_id: str) -> tuple[Approval, tuple[Absence, ...]]:
        """Return the current approval and all absences, in one call. Raise `NotFoundError`."""
        found = {item["id"]["S"]: item for item in self._items([approval_id, ABSENCES])}
        if approval_id not in found:
            raise NotFoundError(approval_id)
        return read_approval(found[approval_id]), read_absences(found.get(ABSENCES, {}))

    def save(self, approval: Approval, reply: DeferredReply | None = None, *, asked_again: bool = False) -> None:
        """Store the approval, and the reply with it, if its version is the next one.

        Its rules and people are stored only if it was `asked_again`.

        Raise `ConflictError` otherwise, `NotFoundError` if the record is gone, `RecordFullError` if it has no room, and
        `TooManyConflictsError` if other writes hold it all the time.
        """
        changed = asked_again_to_item(approval) if asked_again else changeable_to_item(approval)
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
                self._writes.transact({"Update": answer}, {"Put": self._leaving(reply)})
            else:
                self._writes.update(**answer)
        except (self._dynamodb.exceptions.ConditionalCheckFailedException, ConditionsFailedError) as error:
            # Read again: DynamoDB would hand over the whole item with the failure.
            raise ConflictError(self.get(approval.id)) from error
        except ClientError as error:
            if problem := explained(error, approval.id):
                raise problem from error
            raise

    def identify(self, approval: Approval, people: People) -> Approval:
        """Store the identities: from now on these people may respond. The first complete ones count.

        They count only for the rules for which they were looked up: the approval may have been asked again since.
        Return the current approval. Raise `NotFoundError`.
        """
        policy = approval.request.policy
        same = "#request.#policy.sha256 = :sha256" if policy else "attribute_not_exists(#request.#policy)"
        unknown = f"(attribute_type(people, :unknown) OR people.complete = :no) AND {same}"
        values = {"people": people_to_item(people), "unknown": "NULL", "no": False}
        if policy:
            values["sha256"] = policy.sha256
        names = {"request": "request", "policy": "policy"}
        return self._update_if(approval.id, "SET people = :people", unknown, values, names) or self.get(approval.id)

    def delegate(self, approval: Approval, people: People) -> Approval | None:
        """Store delegates or people on call of an open approval, to be told. Return None if it has changed."""
        values = {"people": people_to_item(people), "before": approval.version, "next": approval.version + 1}
        return self._update_if(
            approval.id,
            "SET people = :people, version = :next, news = :yes",
            "version = :before AND #status = :pending",
            {**values, "yes": "yes", "pending": Status.PENDING.value},
            {"status": "status"},
        )

    def call_again(self, approval_id: str) -> bool:
        """Have `notify` look at an open approval again. Return False if it is closed or gone."""
        update = "SET version = version + :one, news = :yes"
        values = {"one": 1, "yes": "yes", "pending": Status.PENDING.value}
        change = self._change(approval_id, update, "#status = :pending", values, {"status": "status"})
        try:
            self._writes.update(**change)
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def keep_previous(self, approval: Approval, previous: Previous) -> Approval:
        """Store the comparison with an earlier request, once. Return the current approval. Raise `NotFoundError`."""
        new = "attribute_exists(id) AND attribute_not_exists(previous)"
        values = {"previous": previous_to_item(previous)}
        return self._update_if(approval.id, "SET previous = :previous", new, values) or self.get(approval.id)

    def announced(self, approval: Approval) -> bool:
        """Store that everyone knows this version. Return False if it has changed since."""
        values = {"no": "no", "version": approval.version}
        return self._update_if(approval.id, "SET news = :no", "version = :version", values) is not None

    def mark(
        self,
        approval: Approval,
        step: str,
        at: datetime,
        *,
        delivery: Delivery | None = None,
        parts: Sequence[str] = (),
        subject: str | None = None,
    ) -> Approval:
        """Mark a step as done, with the message that it left, and remove the marks of its parts.

        With the key of its `subject`, the approval is found by later requests from then on.

        Return the current approval, for the caller to go on with. Raise `NotFoundError`.
        """
        put = ["steps.#step = :at"]
        values: Item = {"at": iso(at)}
        removed = {f"part{number}": part for number, part in enumerate(parts)}
        taken = [f"steps.#{name}" for name in removed]
        if step in (Step.RESUME, Step.WORKFLOW_GONE):
            taken += ["due_shard", "due_at"]
        if subject:
            put += ["approved_subject = :subject", "approved_at = :at"]
            values["subject"] = subject
        if delivery:
            beside, more = legacy.delivery_beside(delivery)
            # Records of earlier versions have no list yet.
            put += ["deliveries = list_append(if_not_exists(deliveries, :none), :delivery)", *beside]
            values |= {"none": [], "delivery": [delivery_to_item(delivery)], **more}
        expression = f"SET {', '.join(put)}" + (f" REMOVE {', '.join(taken)}" if taken else "")
        return self._update_existing(approval.id, expression, values, {"step": step, **removed})

    def published(self, approval: Approval, marks: frozenset[str]) -> Approval:
        """Mark events as published, at least one. Return the current approval. Raise `NotFoundError`."""
        return self._update_existing(approval.id, "ADD published :marks", {"marks": marks})

    def due(self, now: datetime) -> Iterator[str]:
        """Yield the ids of approvals that the scheduler must look at, the longest overdue of each shard first.

        Costs one read for each shard, and one more for each 1 MB of due keys, however many approvals are open.
        """
        for shard in range(DUE_SHARDS):
            values = {":shard": str(shard), ":now": iso(now)}
            yield from self._ids(DUE_INDEX, "due_shard = :shard AND due_at <= :now", values)

    def postpone(self, approval: Approval, until: datetime) -> None:
        """Let the scheduler look at the approval again later, unless it is settled by then and has left the index."""
        there = "version = :version AND attribute_exists(due_at)"
        values = {"until": iso(until), "version": approval.version}
        self._update_if(approval.id, "SET due_at = :until", there, values)

    def set_aside(self, approval_id: str, now: datetime, until: datetime) -> bool:
        """Let the scheduler pass over a record until a later time. Return False if it was not due anyway."""
        values = {"until": iso(until), "now": iso(now)}
        change = self._change(approval_id, "SET due_at = :until", "due_at <= :now", values, {})
        try:
            self._writes.update(**change)
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def waiting(self, execution_arn: str) -> Iterator[str]:
        """Return the ids of an execution's pending approvals. Eventually consistent: the newest may be missing."""
        return self._ids(WAITING_INDEX, "waiting = :execution", {":execution": execution_arn})

    def leave_reply(self, reply: DeferredReply) -> None:
        """Leave a reply, which says when, for the backend to deliver. The same reply left twice is one."""
        self._writes.put(**self._leaving(reply))

    def _leaving(self, reply: DeferredReply) -> PutTypeDef:
        if self._replies is None:
            raise ValueError("this function leaves no replies")
        return self._replies.leaving(reply)

    def _update_existing(
        self, approval_id: str, update: str, values: Item, names: Mapping[str, str] | None = None
    ) -> Approval:
        """Update a record that exists. Return the approval as it is then. Raise `NotFoundError`."""
        if approval := self._update_if(approval_id, update, "attribute_exists(id)", values, names):
            return approval
        raise NotFoundError(approval_id)

    def _update_if(
        self, approval_id: str, update: str, condition: str, values: Item, names: Mapping[str, str] | None = None
    ) -> Approval | None:
        """Update a record if a condition holds. Return the approval as it is then, None if the condition fails."""
        change = self._change(approval_id, update, condition, values, names or {})
        try:
            answer = self._writes.update(**change, ReturnValues="ALL_NEW")
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

    def _ids(self, index: str, condition: str, values: Item) -> Iterator[str]:
        for page in self._dynamodb.get_paginator("query").paginate(
            TableName=self._name,
            IndexName=index,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=serialized(values),
        ):
            yield from (item["id"]["S"] for item in page["Items"])

    def _items(self, ids: Sequence[str]) -> Iterator[Mapping[str, AttributeValueTypeDef]]:
        """Yield the items that exist. DynamoDB leaves some out when it is busy: they are asked for again."""
        wanted: Sequence[Mapping[str, Any]] = [{"id": {"S": item_id}} for item_id in ids]
        names = {f"#{name}": name for name in (*self._attributes, ABSENCES)}
        while wanted:
            answer = self._dynamodb.batch_get_item(
                RequestItems={
                    self._name: {
                        "Keys": wanted,
                        "ConsistentRead": True,
                        "ProjectionExpression": ", ".join(names),
                        "ExpressionAttributeNames": names,
                    }
                }
            )
            yield from answer["Responses"][self._name]
            left = answer["UnprocessedKeys"].get(self._name)
            wanted = left["Keys"] if left else ()

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
            raise NotFoundError(item_id)
        return answer["Item"]


def serialized(values: Item) -> dict[str, AttributeValueTypeDef]:
    """Return the values as DynamoDB takes them."""
    return {name: serialize(value) for name, value in values.items()}


def deserialized(values: Mapping[str, AttributeValueTypeDef]) -> Item:
    """Return the values of what DynamoDB returned."""
    return {name: deserialize(value) for name, value in values.items()}
