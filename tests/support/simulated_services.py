"""Step Functions and SQS by an injected clock, and a count of outside calls of which one breaks."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from tests.support.builders import WORKFLOW
from tests.support.fakes import Clock
from tests.support.simulated_parameters import ATTEMPTS
from tests.support.template import RESOURCES

T = TypeVar("T")
SENDS = ("Publish", "chat.postMessage", "chat.postEphemeral")
WRITES = ("UpdateItem", "TransactWriteItems")
READS = (
    "GetItem",
    "BatchGetItem",
    "Query",
    "ListExecutions",
    "ListSubscriptionsByTopic",
    "users.lookupByEmail",
    "auth.test",
    "GetExecutionHistory",
    "GetSecretValue",
    "GetParameter",
)


class Fault(StrEnum):
    """What happens at one call. A killed function cannot catch it."""

    FAILS = "fails before the call"
    ANSWER_LOST = "fails after the call"
    KILLED_BEFORE = "is killed before the call"
    KILLED_AFTER = "is killed after the call"

    @property
    def after(self) -> bool:
        return self in (Fault.ANSWER_LOST, Fault.KILLED_AFTER)

    @property
    def kills(self) -> bool:
        return self in (Fault.KILLED_BEFORE, Fault.KILLED_AFTER)


class Unreachable(BotoCoreError, OSError):  # noqa: N818
    """What both boto3 and slack_sdk raise when the network fails."""


class Killed(BaseException):
    """The end of a function's process: out of memory, out of time."""


class FunctionFailed(Exception):  # noqa: N818
    """What the caller of a Lambda function sees of an exception, and of its death."""


@dataclass
class Calls:
    """The outside calls of all functions, in order; one of them breaks."""

    broken: int | None = None
    fault: Fault = Fault.FAILS
    names: list[str] = field(default_factory=list)
    places: dict[tuple[str, int, object], int] = field(default_factory=dict)
    """The first call of each that a function made at the same place of its code in the same world."""
    nth: int = 0
    """The place within the function's run."""
    run: list[str] = field(default_factory=list)
    """The operations of the run that broke, to the call that did."""

    def worth_breaking(self, fault: Fault) -> list[int]:
        """Return the calls at which a fault can have an effect of its own.

        A read leaves nothing behind, so a fault after it is one before it; and where the same call was made before in
        the same world, only the clock has moved.
        """
        return [n for n in self.places.values() if not (fault.after and self.names[n].split()[1] in READS)]

    def make(self, name: str, world: object, call: Callable[[], T]) -> T:
        breaks = len(self.names) == self.broken
        self.places.setdefault((name, self.nth, world), len(self.names))
        self.names.append(name)
        self.nth += 1
        if breaks:
            self.run = [each.split()[1] for each in self.names[-self.nth :]]
        if breaks and self.fault is Fault.FAILS:
            raise Unreachable
        if breaks and self.fault is Fault.KILLED_BEFORE:
            raise Killed
        try:
            return call()
        finally:
            if breaks and self.fault is Fault.ANSWER_LOST:
                raise Unreachable
            if breaks and self.fault is Fault.KILLED_AFTER:
                raise Killed

    def sent_and_not_noted(self) -> int:
        """Return how many messages were sent and not marked, one at most: it is sent again.

        The call right after a send marks it. What is sent again broke itself, or was not marked by that call.
        """
        *_, before, broken = ["", "", *self.run]
        sent = broken in SENDS and self.fault.after
        not_marked = before in SENDS and broken in WRITES and not self.fault.after
        return int(sent or not_marked)


@dataclass
class PolicyParameter:
    """The SSM parameter with the operator's policy, and since when it has its current version."""

    clock: Clock
    document: Mapping[str, Any] = field(default_factory=dict)
    version: int = 0
    changed_at: datetime | None = None

    def set(self, document: Mapping[str, Any]) -> None:
        """Store another version."""
        self.document, self.version, self.changed_at = document, self.version + 1, self.clock()

    def call(self, _operation: str, _parameters: object) -> dict[str, Any]:
        """Answer `GetParameter`."""
        return {"Parameter": {"Value": json.dumps(self.document), "Version": self.version}}


@dataclass
class Execution:
    """One execution, as Step Functions keeps it: its task's token is answered once, and the history says by whom."""

    clock: Clock
    token: str | None = None
    status: str = "RUNNING"
    answers: list[str] = field(default_factory=list)
    """How its tasks were closed by SendTask*: a decision or an error's name."""
    history: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    stopped: datetime | None = None

    def call(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        match operation:
            case "GetExecutionHistory":
                return {"events": self.history[::-1]}
            case "ListExecutions":
                ended = self.status == parameters["statusFilter"]
                found = {"executionArn": WORKFLOW.execution_arn, "stopDate": self.stopped}
                return {"executions": [found] if ended else []}
            case "DescribeExecution":
                return {"status": self.status}
        if parameters["taskToken"] != self.token:
            raise ClientError({"Error": {"Code": "TaskTimedOut", "Message": ""}}, operation)
        if operation == "SendTaskSuccess":
            self.answers.append(json.loads(parameters["output"])["Decision"])
            self.end("SUCCEEDED", {"taskSucceededEventDetails": {"output": parameters["output"]}})
        else:
            self.answers.append(parameters["error"])
            self.end("FAILED", {"taskFailedEventDetails": {"cause": parameters["cause"]}})
        return {}

    def end(self, status: str, event: dict[str, Any]) -> None:
        if self.stopped:
            return
        self.token, self.status, self.stopped = None, status, self.clock()
        self.history.append(event)
        if status != "SUCCEEDED":
            stopped = self.stopped.timestamp() * 1000
            detail = {"executionArn": WORKFLOW.execution_arn, "status": status, "stopDate": stopped}
            self.events.append({"source": "aws.states", "detail": detail})


@dataclass
class QueueMessage:
    id: str
    body: str
    visible_at: datetime
    receives: int = 0

    def record(self) -> dict[str, Any]:
        attributes = {"ApproximateReceiveCount": str(self.receives)}
        handle = {"messageId": self.id, "receiptHandle": self.id}
        return {"eventSource": "aws:sqs", **handle, "body": self.body, "attributes": attributes}


class Queues:
    """SQS by the injected clock: delays, visibility, and the dead-letter queue after too many receives."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sent = 0
        self.dead: list[str] = []
        self.messages: dict[str, list[QueueMessage]] = {
            name: [] for name, queue in RESOURCES.items() if queue["Type"] == "AWS::SQS::Queue"
        }

    def call(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        messages = self.messages[parameters["QueueUrl"]]
        if operation == "SendMessage":
            self._sent += 1
            visible_at = self._clock() + timedelta(seconds=parameters.get("DelaySeconds", 0))
            messages.append(QueueMessage(str(self._sent), parameters["MessageBody"], visible_at))
        else:
            [message] = (message for message in messages if message.id == parameters["ReceiptHandle"])
            message.visible_at = self._clock() + timedelta(seconds=parameters["VisibilityTimeout"])
        return {}

    def receive(self, name: str, most: int) -> list[QueueMessage]:
        received = [message for message in self.messages[name] if message.visible_at <= self._clock()][:most]
        for message in received:
            message.receives += 1
            message.visible_at = self._clock() + timedelta(seconds=RESOURCES[name]["Properties"]["VisibilityTimeout"])
        spent = [message for message in received if message.receives > ATTEMPTS]
        self.dead += [message.body for message in spent]
        self.delete(name, spent)
        return [message for message in received if message not in spent]

    def delete(self, name: str, messages: list[QueueMessage]) -> None:
        self.messages[name] = [message for message in self.messages[name] if message not in messages]

    def next_visible(self) -> datetime | None:
        return min((message.visible_at for messages in self.messages.values() for message in messages), default=None)
