"""The approvals table in DynamoDB: the one module that writes it. `listing` reads many records at once."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from botocore.exceptions import ClientError

from approvals.attributes import deserialize, serialize
from approvals.model import Approval, Note, People, SlackMessage, Step, iso
from approvals.records import (
    DUE_SHARDS,
    READABLE,
    Item,
    approval_from_item,
    approval_to_item,
    changeable_to_item,
    people_to_item,
    slack_message_to_item,
)
from approvals.respond import Conflict, TooManyConflicts

if TYPE_CHECKING:
    from typing import Unpack

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import (
        AttributeValueTypeDef,
        ConditionCheckTypeDef,
        PutTypeDef,
        TransactWriteItemTypeDef,
        UpdateItemInputTypeDef,
        UpdateItemOutputTypeDef,
        UpdateTypeDef,
    )

    from approvals.replies import Replies

T = TypeVar("T")

DUE_INDEX = "due"
"""The sparse index of what the clock must look at next, and when: approvals that wait for somebody or something."""

WAITING_INDEX = "waiting"
"""The sparse index of pending approvals by their execution."""

SLOT_PREFIX = "mails#"
"""Begins the id of the count of the mails published to one address in one second."""

SLOT_RETENTION = timedelta(days=1)

MAILS_A_SECOND = 4
"""Half of what is promised (8, SNS allows 10): clocks differ, and two neighbouring seconds may be one for SNS."""

ROUNDS = 5
"""How often somebody else may mark something while a mail's slot is taken, before the mail waits."""

PAUSES = (0.02, 0.05, 0.1, 0.2)
"""Seconds, at most, between tries to write what another transaction holds: it takes some 20 ms."""

_PASSING = frozenset({"None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
"""What DynamoDB says of the writes of a transaction that it may take at the next try."""


class NotFound(Exception):  # noqa: N818
    """There is no record with this id: never was, or its time is over."""


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
        return approval_from_item(self._item(approval_id, self._attributes))

    def earlier_task_token(self, approval_id: str) -> str | None:
        """Return the task token in the record of an approval that a version before 0.2 asked for. Raises `NotFound`.

        It goes 400 days after the last such version: then none of its approvals can be open.
        """
        return cast("str | None", self._item(approval_id, ("id", "task_token")).get("task_token"))

    def save(self, approval: Approval, note: Note | None = None) -> None:
        """Stores what was answered, if the table holds the version just before; a note is left exactly then.

        Raises `Conflict` otherwise, `NotFound` when there is no such record any more, and `TooManyConflicts` when
        others hold it all the time.
        """
        values = changeable_to_item(approval)
        expression = f"SET {', '.join(f'#{name} = :{name}' for name in values)}"
        if approval.decision:
            expression += " REMOVE waiting"
        answer: UpdateTypeDef = {
            "TableName": self._name,
            "Key": {"id": {"S": approval.id}},
            "UpdateExpression": expression,
            "ConditionExpression": "#version = :before",
            "ExpressionAttributeNames": {f"#{name}": name for name in values},
            "ExpressionAttributeValues": serialized(
                {":before": approval.version - 1, **{f":{name}": value for name, value in values.items()}}
            ),
        }
        try:
            if note:
                self._transact({"Update": answer}, {"Put": self._leaving(note)})
            else:
                self._update(**answer)
        except (self._dynamodb.exceptions.ConditionalCheckFailedException, ConditionsFailed) as error:
            # Read again: DynamoDB would hand over the whole item with the failure.
            raise Conflict(self.get(approval.id)) from error
        except self._called_off as error:
            if not _passes(error):
                raise
            raise TooManyConflicts(f"approval {approval.id}: others kept writing it") from error

    def identify(self, approval: Approval, people: People) -> Approval:
        """Stores who is who: from now on they may answer. The first to find out all of it counts.

        Returns the approval as it stands now. Raises `NotFound`.
        """
        try:
            answer = self._update(
                TableName=self._name,
                Key={"id": {"S": approval.id}},
                UpdateExpression="SET people = :people",
                ConditionExpression="attribute_type(people, :unknown) OR people.complete = :no",
                ExpressionAttributeValues=serialized(
                    {":people": people_to_item(people), ":unknown": "NULL", ":no": False}
                ),
                ReturnValues="ALL_NEW",
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return approval.onto(self.get(approval.id))  # Somebody else was first.
        return approval.onto(approval_from_item(deserialized(answer["Attributes"])))

    def announced(self, approval: Approval) -> bool:
        """Notes that everybody knows the approval as it stood here. Returns False when it has changed since."""
        try:
            self._update(
                TableName=self._name,
                Key={"id": {"S": approval.id}},
                UpdateExpression="SET news = :no",
                ConditionExpression="version = :version",
                ExpressionAttributeValues=serialized({":no": "no", ":version": approval.version}),
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def mark(
        self,
        approval: Approval,
        step: str,
        at: datetime,
        *,
        slack_message: SlackMessage | None = None,
        direct_message: SlackMessage | None = None,
        parts: Sequence[str] = (),
    ) -> Approval:
        """Marks a step as done with all that is unwritten, and where a Slack message stands that it posted.

        The marks of `parts` are taken out. Returns the approval as it stands now. Raises `NotFound` when there is no
        such record any more.
        """
        done = approval.done(step, at)
        return self.write(done, slack_message=slack_message, direct_message=direct_message, parts=parts)

    def write(
        self,
        approval: Approval,
        *,
        slack_message: SlackMessage | None = None,
        direct_message: SlackMessage | None = None,
        parts: Sequence[str] = (),
    ) -> Approval:
        """Writes what is unwritten, at least one step, and more as `mark` does. Raises `NotFound`."""
        done = _Done.of(approval, without=parts)
        put, taken, values = [*done.put], [*done.taken], done.values
        taken += [f"steps.#part{number}" for number in range(len(parts))]
        if slack_message:
            put.append("slack_message = :message")
            values[":message"] = slack_message_to_item(slack_message)
        if direct_message:
            # Records of earlier versions have no list yet.
            put.append("direct_messages = list_append(if_not_exists(direct_messages, :none), :direct)")
            values |= {":none": [], ":direct": [slack_message_to_item(direct_message)]}
        try:
            answer = self._update(
                TableName=self._name,
                Key={"id": {"S": approval.id}},
                UpdateExpression=_expression(put, taken),
                ConditionExpression="attribute_exists(id)",
                ExpressionAttributeNames=done.names | {f"#part{number}": part for number, part in enumerate(parts)},
                ExpressionAttributeValues=serialized(values),
                ReturnValues="ALL_NEW",
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException as error:
            raise NotFound(approval.id) from error
        return approval_from_item(deserialized(answer["Attributes"]))

    def published(self, approval: Approval, marks: frozenset[str]) -> Approval:
        """Notes which events are published, at least one. Returns the approval as it stands now.

        Raises `NotFound` when there is no such record any more.
        """
        try:
            answer = self._update(
                TableName=self._name,
                Key={"id": {"S": approval.id}},
                UpdateExpression="ADD published :marks",
                ConditionExpression="attribute_exists(id)",
                ExpressionAttributeValues=serialized({":marks": marks}),
                ReturnValues="ALL_NEW",
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException as error:
            raise NotFound(approval.id) from error
        return approval.onto(approval_from_item(deserialized(answer["Attributes"])))

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
        with suppress(self._dynamodb.exceptions.ConditionalCheckFailedException):  # Settled meanwhile.
            self._update(
                TableName=self._name,
                Key={"id": {"S": approval.id}},
                UpdateExpression="SET due_at = :until",
                ConditionExpression="version = :version AND attribute_exists(due_at)",
                ExpressionAttributeValues=serialized({":until": iso(until), ":version": approval.version}),
            )

    def waiting(self, execution_arn: str) -> Iterator[str]:
        """The ids of pending approvals of an execution. Eventually consistent: the newest may be missing."""
        for page in self._dynamodb.get_paginator("query").paginate(
            TableName=self._name,
            IndexName=WAITING_INDEX,
            KeyConditionExpression="waiting = :execution",
            ExpressionAttributeValues=serialized({":execution": execution_arn}),
        ):
            yield from (item["id"]["S"] for item in page["Items"])

    def take_mail_slot(self, now: datetime, recipient: str) -> bool:
        """Takes one of the mails that may be published to an address in this second; returns whether one was left.

        SNS suspends an email subscription that gets more than 10 messages in a second.
        Source: https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html
        """
        try:
            self._update(**self._slot(now, recipient))
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def take_mail_slot_for(self, approval: Approval, step: str, recipient: str, now: datetime) -> Approval | None:
        """Takes a mail slot for a step that is not done yet, and writes what is unwritten; None where no slot is left.

        One call, which needs no read before it: it proves that the record has no other marks than were seen. Returns
        the approval as it stands now. Raises `Conflict` when the step is done, or the status is another by now. Then,
        and where no slot is left, nothing is written. Raises `NotFound`.
        """
        for _ in range(ROUNDS):
            try:
                self._transact(_noting(self._name, approval, step), {"Update": self._slot(now, recipient)})
            except ConditionsFailed as failed:
                if 0 not in failed.places:
                    return None
            except self._called_off as error:
                if not _passes(error):
                    raise
                # Many want a slot for this address at once: as good as none left.
                return None
            else:
                return replace(approval, unwritten=frozenset())
            current = self.get(approval.id)
            if step in current.steps or current.status is not approval.status:
                raise Conflict(current)
            approval = approval.onto(current)
        return None

    def _slot(self, now: datetime, recipient: str) -> UpdateTypeDef:
        return {
            "TableName": self._name,
            "Key": {"id": {"S": f"{SLOT_PREFIX}{recipient.casefold()}#{int(now.timestamp())}"}},
            "UpdateExpression": "ADD mails :one SET expires_at = :expires",
            "ConditionExpression": "attribute_not_exists(mails) OR mails < :most",
            "ExpressionAttributeValues": serialized(
                {":one": 1, ":most": MAILS_A_SECOND, ":expires": int((now + SLOT_RETENTION).timestamp())}
            ),
        }

    def leave_note(self, note: Note) -> None:
        """Leaves a reply, which says when, for the backend to deliver. The same reply left twice is one."""
        self._patiently(partial(self._dynamodb.put_item, **self._leaving(note)))

    def _leaving(self, note: Note) -> PutTypeDef:
        if self._replies is None:
            raise ValueError("this function leaves no replies")
        return self._replies.leaving(note)

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

    def _item(self, item_id: str, attributes: tuple[str, ...]) -> Item:
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
        return deserialized(answer["Item"])


@dataclass(frozen=True, slots=True)
class _Done:
    """An update's part that marks steps as done, with the names and values that it needs."""

    put: tuple[str, ...]
    taken: tuple[str, ...]
    names: dict[str, str]
    values: Item

    @classmethod
    def of(cls, approval: Approval, *, without: Sequence[str] = ()) -> _Done:
        """Of what is unwritten."""
        steps = sorted(approval.unwritten.difference(without))
        settled = {Step.RESUME, Step.WORKFLOW_GONE}.intersection(steps)
        return cls(
            put=tuple(f"steps.#done{number} = :done{number}" for number in range(len(steps))),
            taken=("due_shard", "due_at") if settled else (),
            names={f"#done{number}": step for number, step in enumerate(steps)},
            values={f":done{number}": iso(approval.steps[step]) for number, step in enumerate(steps)},
        )


def _noting(table: str, approval: Approval, step: str) -> TransactWriteItemTypeDef:
    """A write of what is unwritten, or a look where nothing is; if the record is as it was seen, without the step."""
    done = _Done.of(approval)
    seen = len(approval.steps) - len(approval.unwritten)
    condition: dict[str, Any] = {
        "TableName": table,
        "Key": {"id": {"S": approval.id}},
        # As many marks are the same ones: they are added alone, but where one takes the place of a topic's parts.
        "ConditionExpression": "#status = :status AND attribute_not_exists(steps.#step) AND size(steps) = :seen",
        "ExpressionAttributeNames": {**done.names, "#status": "status", "#step": step},
        "ExpressionAttributeValues": serialized({**done.values, ":status": approval.status.value, ":seen": seen}),
    }
    if not approval.unwritten:
        return {"ConditionCheck": cast("ConditionCheckTypeDef", condition)}
    update = {**condition, "UpdateExpression": _expression(done.put, done.taken)}
    return {"Update": cast("UpdateTypeDef", update)}


def _expression(put: Sequence[str], taken: Sequence[str]) -> str:
    remove = f" REMOVE {', '.join(taken)}" if taken else ""
    return f"SET {', '.join(put)}{remove}"


def serialized(values: Item) -> dict[str, AttributeValueTypeDef]:
    """The values as DynamoDB takes them."""
    return {name: serialize(value) for name, value in values.items()}


def deserialized(values: Mapping[str, AttributeValueTypeDef]) -> Item:
    """The values of what DynamoDB returned."""
    return {name: deserialize(value) for name, value in values.items()}


def _passes(error: ClientError) -> bool:
    """Whether a write that was called off may be taken at the next try."""
    return _PASSING.issuperset(_reasons(error))


def _reasons(error: ClientError) -> list[str]:
    """Why a transaction was called off, for each of its writes: "None" for those that were fine by themselves.

    Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
    """
    return [str(reason["Code"]) for reason in error.response.get("CancellationReasons", ())]


def approval_from_image(image: Mapping[str, Any]) -> Approval:
    """The approval in its record's image, as the table's stream has it."""
    return approval_from_item(deserialized(image))
