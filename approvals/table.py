"""The approvals table in DynamoDB: the one module that knows how a record looks there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast
from zlib import crc32

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from approvals.model import (
    Action,
    Approval,
    Approver,
    Channel,
    Decision,
    Json,
    Note,
    Request,
    Response,
    SlackMessage,
    Status,
    Step,
    Workflow,
    iso,
)
from approvals.respond import Conflict

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

RETENTION = timedelta(days=400)
"""How long a record is kept after its deadline: an auditor asks a year later."""

DUE_INDEX = "due"
"""The sparse index of what the clock must look at next, and when: approvals that wait for somebody or something."""

WAITING_INDEX = "waiting"
"""The sparse index of pending approvals by their execution."""

NOTIFY_GRACE = timedelta(minutes=5)
"""After this the clock makes sure that somebody was told of a request."""

RESUME_GRACE = timedelta(minutes=2)
"""After this the clock makes sure that a decision has reached the workflow, and again as often."""

DUE_SHARDS = 8
"""The index's partitions: one takes about 1,000 writes a second."""

READABLE = (
    "id",
    "status",
    "version",
    "link_key",
    "request",
    "workflow",
    "requested_at",
    "deadline",
    "responses",
    "decision",
    "steps",
    "slack_message",
)
"""What is read of a record: all but the task token. IAM lets the internet-facing functions read no more than this."""

NOTE_RETENTION = timedelta(days=1)

NOTE_PREFIX = "note#"
"""Begins the id of a note: notes are items of the same table, so that its stream delivers them."""

SLOT_PREFIX = "mails#"
"""Begins the id of the count of the mails published in one second."""

MAILS_A_SECOND = 4
"""Half of what is promised (8, SNS allows 10): clocks differ, and two neighbouring seconds may be one for SNS."""

# The stored shapes. `Any` ends here: everything that leaves this module is typed.
Item = dict[str, Any]

_to_dynamodb = TypeSerializer()
_from_dynamodb = TypeDeserializer()


class NotFound(Exception):  # noqa: N818
    """There is no record with this id: never was, or its time is over."""


class ApprovalTable:
    """Reads and writes approvals and notes. Every read is strongly consistent."""

    def __init__(self, dynamodb: DynamoDBClient, name: str) -> None:
        self._dynamodb = dynamodb
        self._name = name

    def add(self, approval: Approval) -> bool:
        """Stores a new approval. Returns False, and changes nothing, when its id is there already."""
        try:
            self._dynamodb.put_item(
                TableName=self._name,
                Item=_serialized(_approval_to_item(approval)),
                ConditionExpression="attribute_not_exists(id)",
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def get(self, approval_id: str) -> Approval:
        """Returns the approval as it stands, without its task token. Raises `NotFound`."""
        return _approval_from_item(self._item(approval_id, READABLE))

    def get_with_token(self, approval_id: str) -> Approval:
        """Returns the approval as it stands, with the token that resumes its workflow. Raises `NotFound`."""
        item = self._item(approval_id, (*READABLE, "task_token"))
        return replace(_approval_from_item(item), task_token=item["task_token"])

    def save(self, approval: Approval) -> None:
        """Stores what was answered, if the table holds the version just before.

        Raises `Conflict` otherwise, and `NotFound` when there is no such record any more.
        """
        values = {
            ":status": approval.status.value,
            ":version": approval.version,
            ":before": approval.version - 1,
            ":responses": [_response_to_item(response) for response in approval.responses],
            ":decision": _decision_to_item(approval.decision) if approval.decision else None,
        }
        if approval.decision:
            values[":due"] = iso(approval.decision.at + RESUME_GRACE)
        try:
            self._dynamodb.update_item(
                TableName=self._name,
                Key={"id": {"S": approval.id}},
                UpdateExpression=(
                    "SET #status = :status, version = :version, responses = :responses, decision = :decision"
                    + (", due_at = :due REMOVE waiting" if approval.decision else "")
                ),
                ConditionExpression="version = :before",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues=_serialized(values),
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException as error:
            # Read again: DynamoDB would hand over the whole item with the failure, its task token included.
            raise Conflict(self.get(approval.id)) from error

    def mark(
        self, approval: Approval, step: Step, at: datetime, *, slack_message: SlackMessage | None = None
    ) -> Approval:
        """Marks a step as done, and where the Slack message stands. Returns the approval as it stands now.

        Raises `NotFound` when there is no such record any more.
        """
        expression = "SET steps.#step = :at"
        values: Item = {":at": iso(at)}
        remove = ""
        if step in (Step.RESUME, Step.WORKFLOW_GONE):
            remove = " REMOVE due_shard, due_at"
        if slack_message:
            expression += ", slack_message = :message"
            values[":message"] = _slack_message_to_item(slack_message)
        try:
            answer = self._dynamodb.update_item(
                TableName=self._name,
                Key={"id": {"S": approval.id}},
                UpdateExpression=expression + remove,
                ConditionExpression="attribute_exists(id)",
                ExpressionAttributeNames={"#step": step.value},
                ExpressionAttributeValues=_serialized(values),
                ReturnValues="ALL_NEW",
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException as error:
            raise NotFound(approval.id) from error
        return _approval_from_item(_deserialized(answer["Attributes"]))

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
                ExpressionAttributeValues=_serialized({":shard": str(shard), ":now": iso(now)}),
            ):
                yield from (item["id"]["S"] for item in page["Items"])

    def postpone(self, approval: Approval, until: datetime) -> None:
        """Lets the clock look at the approval again at a later time, if it is still in the index by then."""
        with suppress(self._dynamodb.exceptions.ConditionalCheckFailedException):  # Settled meanwhile.
            self._dynamodb.update_item(
                TableName=self._name,
                Key={"id": {"S": approval.id}},
                UpdateExpression="SET due_at = :until",
                ConditionExpression="version = :version AND attribute_exists(due_at)",
                ExpressionAttributeValues=_serialized({":until": iso(until), ":version": approval.version}),
            )

    def waiting(self, execution_arn: str) -> Iterator[str]:
        """The ids of pending approvals of an execution. Eventually consistent: the newest may be missing."""
        for page in self._dynamodb.get_paginator("query").paginate(
            TableName=self._name,
            IndexName=WAITING_INDEX,
            KeyConditionExpression="waiting = :execution",
            ExpressionAttributeValues=_serialized({":execution": execution_arn}),
        ):
            yield from (item["id"]["S"] for item in page["Items"])

    def take_mail_slot(self, now: datetime) -> bool:
        """Takes one of the mails that may be published in this second; returns whether there was one left.

        SNS suspends an email subscription that gets more than 10 messages in a second.
        Source: https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html
        """
        try:
            self._dynamodb.update_item(
                TableName=self._name,
                Key={"id": {"S": f"{SLOT_PREFIX}{int(now.timestamp())}"}},
                UpdateExpression="ADD mails :one SET expires_at = :expires",
                ConditionExpression="attribute_not_exists(mails) OR mails < :most",
                ExpressionAttributeValues=_serialized(
                    {":one": 1, ":most": MAILS_A_SECOND, ":expires": int((now + NOTE_RETENTION).timestamp())}
                ),
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def leave_note(self, note: Note, at: datetime) -> None:
        """Leaves a private message for the backend to deliver. The same note left twice is one."""
        # An update, not a put: the functions that face the internet may not put items.
        self._dynamodb.update_item(
            TableName=self._name,
            Key={"id": {"S": f"{NOTE_PREFIX}{note.id}"}},
            UpdateExpression="SET channel = :channel, #user = :user, #text = :text, expires_at = :expires",
            ExpressionAttributeNames={"#user": "user", "#text": "text"},
            ExpressionAttributeValues=_serialized(
                {
                    ":channel": note.channel,
                    ":user": note.user,
                    ":text": note.text,
                    ":expires": int((at + NOTE_RETENTION).timestamp()),
                }
            ),
        )

    def get_note(self, item_id: str) -> Note:
        """Returns a note by the id of its item, which begins with `NOTE_PREFIX`. Raises `NotFound`."""
        item = self._item(item_id, ("channel", "user", "text"))
        return Note(
            id=item_id.removeprefix(NOTE_PREFIX),
            channel=item["channel"],
            user=item["user"],
            text=item["text"],
        )

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
        return _deserialized(answer["Item"])


def _serialized(values: Item) -> dict[str, AttributeValueTypeDef]:
    return {name: _to_dynamodb.serialize(value) for name, value in values.items()}


def _deserialized(values: Mapping[str, AttributeValueTypeDef]) -> Item:
    return {name: _from_dynamodb.deserialize(value) for name, value in values.items()}


def _approval_to_item(approval: Approval) -> Item:
    return {
        "id": approval.id,
        "status": approval.status.value,
        "version": approval.version,
        "task_token": approval.task_token,
        "link_key": approval.link_key,
        "request": _request_to_item(approval.request),
        "workflow": {
            "execution_arn": approval.workflow.execution_arn,
            "execution_name": approval.workflow.execution_name,
            "state_machine_name": approval.workflow.state_machine_name,
            "state_name": approval.workflow.state_name,
            "entered_at": approval.workflow.entered_at,
            "attempt": approval.workflow.attempt,
        },
        "requested_at": iso(approval.requested_at),
        "deadline": iso(approval.deadline),
        "responses": [_response_to_item(response) for response in approval.responses],
        "steps": {step.value: iso(at) for step, at in approval.steps.items()},
        **({"slack_message": _slack_message_to_item(approval.slack_message)} if approval.slack_message else {}),
        "due_shard": str(crc32(approval.id.encode()) % DUE_SHARDS),
        "due_at": iso(min(approval.deadline, approval.requested_at + NOTIFY_GRACE)),
        "waiting": approval.workflow.execution_arn,
        "expires_at": int((approval.deadline + RETENTION).timestamp()),
    }


def _approval_from_item(item: Item) -> Approval:
    message = item.get("slack_message")
    decision = item.get("decision")
    return Approval(
        id=item["id"],
        status=Status(item["status"]),
        version=int(item["version"]),
        link_key=bytes(item["link_key"]),
        request=_request_from_item(item["request"]),
        workflow=_workflow_from_item(item["workflow"]),
        requested_at=_moment(item["requested_at"]),
        deadline=_moment(item["deadline"]),
        responses=tuple(_response_from_item(response) for response in item["responses"]),
        decision=_decision_from_item(decision) if decision else None,
        steps={Step(step): _moment(at) for step, at in item["steps"].items()},
        slack_message=SlackMessage(**message) if message else None,
    )


def _workflow_from_item(item: Item) -> Workflow:
    return Workflow(**{**item, "attempt": int(item["attempt"])})


def _request_to_item(request: Request) -> Item:
    return {
        "title": request.title,
        "details": request.details,
        "requested_by": request.requested_by,
        "timeout_minutes": int(request.timeout.total_seconds() // 60),
        # JSON text: DynamoDB's numbers would change 1.0 to 1, and refuse what JSON allows.
        "context": json.dumps(dict(request.context), ensure_ascii=False),
    }


def _request_from_item(item: Item) -> Request:
    return Request(
        title=item["title"],
        details=item["details"],
        requested_by=item["requested_by"],
        timeout=timedelta(minutes=int(item["timeout_minutes"])),
        context=cast("dict[str, Json]", json.loads(item["context"])),
    )


def _response_to_item(response: Response) -> Item:
    return {
        "approver": _approver_to_item(response.approver),
        "action": response.action.value,
        "at": iso(response.at),
        "comment": response.comment,
    }


def _response_from_item(item: Item) -> Response:
    return Response(
        approver=_approver_from_item(item["approver"]),
        action=Action(item["action"]),
        at=_moment(item["at"]),
        comment=item["comment"],
    )


def _decision_to_item(decision: Decision) -> Item:
    return {
        "status": decision.status.value,
        "at": iso(decision.at),
        "channel": decision.channel.value,
        "approver": _approver_to_item(decision.approver) if decision.approver else None,
        "comment": decision.comment,
        "error": decision.error,
        "cause": decision.cause,
        "superseded_by": decision.superseded_by,
    }


def _decision_from_item(item: Item) -> Decision:
    decision = Decision(
        status=Status(item["status"]),
        at=_moment(item["at"]),
        channel=Channel(item["channel"]),
        comment=item["comment"],
        error=item["error"],
        cause=item["cause"],
        superseded_by=item["superseded_by"],
    )
    return replace(decision, approver=_approver_from_item(item["approver"])) if item["approver"] else decision


def _approver_to_item(approver: Approver) -> Item:
    return {
        "id": approver.id,
        "name": approver.name,
        "channel": approver.channel.value,
        "workspace": approver.workspace,
    }


def _approver_from_item(item: Item) -> Approver:
    return Approver(id=item["id"], name=item["name"], channel=Channel(item["channel"]), workspace=item["workspace"])


def _slack_message_to_item(message: SlackMessage) -> Item:
    return {"channel": message.channel, "ts": message.ts, "workspace": message.workspace}


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
