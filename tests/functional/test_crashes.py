"""Whatever breaks, the system converges: a fault before and after every outside call of every function, one at a time.

The functions are the real ones, built by their own composition roots and wired as template.yaml says. Around them stand
DynamoDB (moto) with its stream, SQS, Step Functions, SNS and Slack as fakes that keep the rules of the real ones.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from itertools import count
from types import SimpleNamespace
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

import boto3
import pytest
from botocore.exceptions import BotoCoreError, ClientError
from moto import mock_aws
from mypy_boto3_dynamodb import DynamoDBClient
from slack_sdk.web import SlackResponse

from approvals.domain.history import history
from approvals.domain.model import (
    Action,
    Approval,
    Status,
)
from approvals.store.table import ApprovalTable
from bot.directory import SlackUser
from bot.views.buttons import ACTION_IDS
from demo.slack import Message, Slack
from tests.builders import WORKFLOW, a_call, transported
from tests.functional.conftest import CHANNEL, TABLE, TABLES, TOKENS, Clock, DirectWebClient, create_tables
from tests.support.functions import start
from tests.unit.test_template import FUNCTIONS, GLOBALS, RESOURCES, TEMPLATE

APPROVE, REJECT = Action

PROVE = os.environ.get("PROVE") == "1"
T = TypeVar("T")
PARAMETERS = {
    **TABLES,
    "Email": "alice@example.com",
    "EmailLinkMode": "confirm",
    "ApprovalTimeoutMinutes": "6",
    "PublicUrl": "https://approvals.example.com",
    "SlackChannel": CHANNEL,
    "SlackApiUrl": "https://slack.com/api/",
    "EventBusName": "",
}
ATTEMPTS = int(TEMPLATE["Mappings"]["Retries"]["Attempts"]["Maximum"])
SENDS = ("Publish", "chat.postMessage", "chat.postEphemeral")
WRITES = ("UpdateItem", "TransactWriteItems")
READS = (
    "GetItem",
    "Query",
    "ListExecutions",
    "ListSubscriptionsByTopic",
    "users.lookupByEmail",
    "auth.test",
    "GetExecutionHistory",
    "GetSecretValue",
)


class Fault(StrEnum):
    """What happens at one call. A killed function can't catch it."""

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
        """The calls at which a fault can do something that it does at no other.

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
        """How many things were sent that the fault kept from being noted, one at most: it is sent again.

        The call right after a send marks it. What is sent again broke itself, or was not marked by that call.
        """
        *_, before, broken = ["", "", *self.run]
        sent = broken in SENDS and self.fault.after
        not_marked = before in SENDS and broken in WRITES and not self.fault.after
        return int(sent or not_marked)


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


class BreakableSlack(DirectWebClient):
    """Slack's client, whose calls count among the outside calls."""

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation.slack)
        self._simulation = simulation

    def api_call(self, api_method: str, **arguments: Any) -> SlackResponse:
        call = partial(super().api_call, api_method, **arguments)
        return self._simulation.outside(api_method, call)


class Simulation:
    """The deployed stack in one process: time passes when it is told to, and everything is delivered at least once."""

    def __init__(self, dynamodb: DynamoDBClient, context: Any, calls: Calls, *, stream_repeats: bool = False) -> None:
        self.calls = calls
        self.clock = Clock()
        self.execution = Execution(self.clock)
        self.queues = Queues(self.clock)
        self.slack = Slack(CHANNEL, "xoxb-tests-0123456789", "8f742231b10e8888", clock=lambda: self.clock().timestamp())
        self.mails: list[dict[str, str]] = []
        self.published: list[str] = []
        self.request_failed = False
        self.clicks = 0
        self._dynamodb = dynamodb
        self._context = context
        self._images: dict[str, Any] = {}
        self._tokens: set[str] = set()
        self._streams: dict[tuple[str, str], list[dict[str, Any]]] = {
            (function, _resolved(source["Stream"])): [] for function, source in _event_sources("DynamoDB")
        }
        """What waits for a function in a table's stream."""
        self._sequence = count()
        self.stream_repeats = stream_repeats
        self._functions: dict[str, Callable[[Any, Any], Any]] = {}
        self._running = ""
        self.at_start: set[int] = set()
        """Which of the calls a function made when it started, before any event."""
        for name in TABLES.values():
            for item in dynamodb.scan(TableName=name, ProjectionExpression="id")["Items"]:
                dynamodb.delete_item(TableName=name, Key=item)

    # Functions, and what they call.

    def invoke(self, function: str, event: Any) -> Any:
        """Runs a function, from a cold start if it never ran or died. Raises `FunctionFailed`."""
        self._running, self.calls.nth = function.removesuffix("Function"), 0
        try:
            if function not in self._functions:
                module = FUNCTIONS[function]["Handler"].removesuffix(".handler")
                first = len(self.calls.names)
                self._functions[function] = start(module, _environment(function))
                self.at_start.update(range(first, len(self.calls.names)))
            return self._functions[function](event, self._context)
        except Killed:
            self._functions.pop(function, None)
            raise FunctionFailed("killed") from None
        except Exception as error:
            raise FunctionFailed(repr(error)) from error

    def outside(self, operation: str, call: Callable[[], T]) -> T:
        return self.calls.make(f"{self._running} {operation}", self._world(), call)

    def aws(self, service: str, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """A call of boto3."""
        call: Callable[..., dict[str, Any]] = {
            "dynamodb": self._call_dynamodb,
            "sns": self._call_sns,
            "sqs": self.queues.call,
            "stepfunctions": self.execution.call,
            "secretsmanager": self._call_secrets_manager,
            "events": self._call_events,
        }[service]
        return self.outside(operation, partial(call, operation, parameters))

    def _world(self) -> object:
        """All that a function can find, but the time."""
        messages = [message for messages in self.queues.messages.values() for message in messages]
        return (
            tuple(
                (
                    *(str(item.get(name)) for name in ("status", "version", "news")),
                    "M" in item.get("people", {}),
                    *item.get("steps", {}).get("M", ()),
                    *sorted(item.get("published", {}).get("SS", ())),
                )
                for item in self._images.values()
            ),
            tuple(sorted(self._tokens)),
            tuple((message.body, message.receives >= ATTEMPTS) for message in messages),
            (self.execution.status, len(self.mails), len(self.slack.messages())),
        )

    def _call_dynamodb(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        if operation == "UpdateItem":
            parameters |= {"ReturnValues": "ALL_NEW"}
        answer: dict[str, Any] = self._dynamodb._make_api_call(operation, parameters)  # type: ignore[attr-defined]
        if operation in ("PutItem", "UpdateItem"):
            item = parameters["Item"] if operation == "PutItem" else answer["Attributes"]
            self._changed(parameters["TableName"], item)
        elif operation == "TransactWriteItems":
            # The stream promises no order among the items of a transaction.
            for item in reversed(parameters["TransactItems"]):
                if put := item.get("Put"):
                    self._changed(put["TableName"], put["Item"])
                elif update := item.get("Update"):
                    self._changed(TABLE, self._dynamodb.get_item(TableName=TABLE, Key=update["Key"])["Item"])
        return answer

    def _changed(self, table: str, new: dict[str, Any]) -> None:
        new = transported(new)
        if table == TOKENS:
            self._tokens.add(new["id"]["S"])
            return
        old = self._images.get(new["id"]["S"])
        self._images[new["id"]["S"]] = new
        change = {"Keys": {"id": new["id"]}, "SequenceNumber": str(next(self._sequence))}
        if table == TABLE:  # The other stream has the keys alone.
            change |= {"NewImage": new} | ({"OldImage": old} if old else {})
        record = {"eventSource": "aws:dynamodb", "eventName": "MODIFY" if old else "INSERT", "dynamodb": change}
        for function, source in _event_sources("DynamoDB"):
            filters = [json.loads(each["Pattern"]) for each in source["FilterCriteria"]["Filters"]]
            of = _resolved(source["Stream"])
            if of == table and any(_matches(each, record) for each in filters):
                self._streams[function, of].append(record)

    def _call_sns(self, operation: str, parameters: dict[str, str]) -> dict[str, Any]:
        if operation == "ListSubscriptionsByTopic":
            found = {"Protocol": "email", "Endpoint": PARAMETERS["Email"], "SubscriptionArn": "arn:of:it"}
            return {"Subscriptions": [found]}
        self.mails.append(parameters)
        return {}

    def _call_events(self, _operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        self.published += [json.loads(entry["Detail"])["Id"] for entry in parameters["Entries"]]
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "it"} for _ in parameters["Entries"]]}

    def _call_secrets_manager(self, _operation: str, _parameters: object) -> dict[str, Any]:
        secret = {"bot_token": self.slack.bot_token, "signing_secret": self.slack.signing_secret}
        return {"SecretString": json.dumps(secret)}

    # Time, and what AWS does in it.

    def pass_minutes(self, minutes: int) -> None:
        for _ in range(minutes):
            self.settle()
            end = self.clock() + timedelta(minutes=1)
            while (due := self.queues.next_visible()) and due <= end:
                self.clock.now = max(due, self.clock.now)
                self.settle()
            self.clock.now = end
            self._look_after({"source": "aws.events"})
            self.settle()

    def settle(self) -> None:
        """Delivers all that can be delivered now."""
        while self._deliver_stream() or self._deliver_queues() or self.execution.events:
            while self.execution.events:
                self._look_after(self.execution.events.pop())

    def rest(self) -> None:
        """Lets time pass until nothing is left to do, and a little longer."""
        for _ in range(90):
            self.pass_minutes(1)
            if not any("due_at" in item for item in self._images.values()) and not self.queues.next_visible():
                return
        raise AssertionError("does not come to rest")

    def _look_after(self, event: dict[str, Any]) -> None:
        with suppress(FunctionFailed):  # MaximumRetryAttempts is 0: the next minute is the retry.
            self.invoke("LifecycleFunction", event)

    def _deliver_stream(self) -> bool:
        worked = False
        for (function, _), records in self._streams.items():
            for _ in range(100):
                if not records:
                    break
                worked = True
                batch = records[:10]
                try:
                    answer = self.invoke(function, {"Records": batch})
                    if self.stream_repeats:
                        answer = self.invoke(function, {"Records": batch})
                except FunctionFailed:
                    continue
                failed = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
                done = (n for n, record in enumerate(batch) if record["dynamodb"]["SequenceNumber"] in failed)
                del records[: next(done, len(batch))]
            else:
                raise AssertionError(f"the stream of {function} is stuck")
        return worked

    def _deliver_queues(self) -> bool:
        worked = False
        for function, source in _event_sources("SQS"):
            name = _resolved(source["Queue"])
            while batch := self.queues.receive(name, source.get("BatchSize", 10)):
                worked = True
                try:
                    answer = self.invoke(function, {"Records": [message.record() for message in batch]}) or {}
                except FunctionFailed:
                    continue
                failed = {each["itemIdentifier"] for each in answer.get("batchItemFailures", ())}
                self.queues.delete(name, [message for message in batch if message.id not in failed])
        return worked

    # What people and other systems do.

    def ask(self, request: Mapping[str, Any] | None = None, *, attempt: int = 0) -> None:
        """The state machine calls the request function with a new token. Its errors are not retried."""
        if self.execution.stopped:
            return
        self.execution.token = f"token-{attempt}"
        asked = {"Approval": {"Title": "Deploy"}} if request is None else request
        try:
            self.invoke("RequestFunction", a_call(asked, self.execution.token, attempt=attempt))
        except FunctionFailed as failed:
            self.request_failed = True
            self.execution.end("FAILED", {"taskFailedEventDetails": {"cause": str(failed)}})

    def answer_by_mail(self, action: Action) -> None:
        """Opens the newest link, presses its button and looks at the outcome; after an error, again."""
        links = re.findall(rf"https://\S+action={action}\S+", "\n".join(mail["Message"] for mail in self.mails))
        if not links:
            assert self.request_failed, "nobody was asked"
            return
        fields = dict(parse_qsl(urlsplit(links[-1]).query))
        form = {"httpMethod": "POST", "body": urlencode(fields)}
        look = {"httpMethod": "GET", "queryStringParameters": fields}
        for event in (look, form, look):
            self._until_answered("CallbackFunction", partial(dict, event))

    def click(self, action: Action, user: str = "U0BOB00002") -> None:
        """Bob, or another, clicks a button of the newest message that has any; after an error, again."""
        messages = [message for message in self.messages() if _buttons(message)]
        if not messages:
            assert self.request_failed, "nobody was asked"
            return

        def clicked() -> dict[str, Any]:
            self.clicks += 1
            body, headers = self.slack.click(messages[-1].ts, ACTION_IDS[action], user)
            return {"httpMethod": "POST", "headers": headers, "body": body.decode()}

        self._until_answered("BotFunction", clicked)

    def _until_answered(self, function: str, event: Callable[[], dict[str, Any]]) -> None:
        for _ in range(5):
            try:
                answer = self.invoke(function, event())
            except FunctionFailed as failed:
                answer = {"statusCode": 502, "body": str(failed)}
            if answer["statusCode"] < 500:
                return
        raise AssertionError(f"{function} never answers: {answer}")

    # What there is to see.

    def approvals(self) -> list[Approval]:
        table = ApprovalTable(self._dynamodb, TABLE)
        return [table.get(item_id) for item_id, item in self._images.items() if "status" in item]

    def messages(self) -> list[Message]:
        return [each for each in self.slack.messages() if each.ephemeral_to is None and each.thread_ts is None]

    def replies(self) -> list[Message]:
        return [each for each in self.slack.messages() if each.thread_ts]

    def notes(self) -> list[Message]:
        return [message for message in self.slack.messages() if message.ephemeral_to]


def _event_sources(kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The functions that template.yaml feeds from a kind of source, each with the source's properties."""
    for name, function in FUNCTIONS.items():
        for event in function.get("Events", {}).values():
            if event["Type"] == kind:
                yield name, event["Properties"]


def _environment(function: str) -> dict[str, str]:
    variables = {
        **GLOBALS["Environment"]["Variables"],
        **FUNCTIONS[function].get("Environment", {}).get("Variables", {}),
    }
    return {name: _resolved(value) for name, value in variables.items()}


def _resolved(value: Any) -> str:
    """A value of the template. A resource of our own is its logical name."""
    match value:
        case {"Ref": name}:
            return PARAMETERS.get(str(name), str(name))
        case {"Fn::GetAtt": [name, _]}:
            return TABLES.get(str(name), str(name))
        case {"Fn::FindInMap": [name, *keys]}:
            return str(TEMPLATE["Mappings"][name][keys[0]][keys[1]])
        case {"Fn::If": [_, then, _]}:
            return _resolved(then)
    return str(value)


def _matches(pattern: Any, value: Any) -> bool:
    """Whether Lambda's event filter lets a value through."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(_matches(each, value.get(key)) for key, each in pattern.items())
    prefixes = tuple(each["prefix"] for each in pattern if isinstance(each, dict))
    return value in pattern or (isinstance(value, str) and value.startswith(prefixes))


def _buttons(message: Message) -> bool:
    return any(block["type"] == "actions" for block in message.blocks)


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What people and the clock do, and what there is to see of it in the end."""

    play: Callable[[Simulation], None]
    statuses: tuple[Status, ...]
    """How the approvals end, oldest first."""
    answers: tuple[str, ...]
    """How the workflow was resumed: a decision or an error's name."""
    mails: tuple[str, ...]
    messages: tuple[str, ...]
    replies: int = 1
    """Messages in the thread below the request: the outcome, and reminders."""
    notes: int = 0
    """How often somebody who clicked is told that it changed nothing."""
    dead: bool = False
    """Whether there is something that could not be done in all the tries."""


def approve_by_mail(simulation: Simulation) -> None:
    simulation.ask()
    simulation.pass_minutes(1)
    simulation.answer_by_mail(APPROVE)


def reject_by_mail(simulation: Simulation) -> None:
    simulation.ask()
    simulation.pass_minutes(1)
    simulation.answer_by_mail(REJECT)


def approve_in_slack(simulation: Simulation) -> None:
    simulation.ask()
    simulation.pass_minutes(1)
    simulation.click(APPROVE)


def click_too_late(simulation: Simulation) -> None:
    approve_by_mail(simulation)
    simulation.click(REJECT)


def click_from_elsewhere(simulation: Simulation) -> None:
    """A guest in the channel is refused, which goes on record."""
    simulation.ask()
    simulation.pass_minutes(1)
    simulation.click(APPROVE, "U0GUEST004")
    simulation.pass_minutes(1)
    simulation.answer_by_mail(REJECT)


def stay_silent(simulation: Simulation) -> None:
    simulation.ask()


def abort(simulation: Simulation) -> None:
    simulation.ask()
    simulation.pass_minutes(1)
    simulation.execution.end("ABORTED", {"executionAbortedEventDetails": {}})


def abort_unnoticed(simulation: Simulation) -> None:
    abort(simulation)
    simulation.answer_by_mail(APPROVE)


def answer_while_slack_is_down(simulation: Simulation) -> None:
    simulation.slack.fail_with = 500
    approve_by_mail(simulation)


def answer_after_slack_was_given_up(simulation: Simulation) -> None:
    simulation.slack.fail_with = 500
    simulation.ask({"Approval": {"Title": "Deploy", "TimeoutMinutes": 60}})
    simulation.pass_minutes(33)  # All tries take 26 minutes, with a killed one 32.
    simulation.answer_by_mail(APPROVE)


def reach_a_quorum(simulation: Simulation) -> None:
    """Both are reminded, then both approve: one by mail, one in Slack."""
    asked = {"Title": "Deploy", "Approvers": [PARAMETERS["Email"], "U0BOB00002"], "RequiredApprovals": 2}
    simulation.ask({"Approval": {**asked, "Reminders": [2]}})
    simulation.pass_minutes(3)
    simulation.answer_by_mail(APPROVE)
    simulation.pass_minutes(1)
    simulation.click(APPROVE)


def name_who_can_not_be_asked(simulation: Simulation) -> None:
    simulation.ask({"Approval": {"Title": "Deploy", "Approvers": ["alice@example.com", "nobody@example.com"]}})


def ask_for_nonsense(simulation: Simulation) -> None:
    simulation.ask({"Approval": {"Titel": "Deploy"}})


def retry_the_state(simulation: Simulation) -> None:
    """Lambda's own answer was lost: Step Functions calls again, with a new token."""
    simulation.ask()
    simulation.pass_minutes(1)
    simulation.ask(attempt=1)
    simulation.pass_minutes(1)
    simulation.answer_by_mail(APPROVE)


SCENARIOS = {
    "approved by mail": Scenario(
        play=approve_by_mail,
        statuses=(Status.APPROVED,),
        answers=("APPROVED",),
        mails=("Asked", "Approved"),
        messages=("Approved",),
    ),
    "rejected by mail": Scenario(
        play=reject_by_mail,
        statuses=(Status.REJECTED,),
        answers=("REJECTED",),
        mails=("Asked", "Rejected"),
        messages=("Rejected",),
    ),
    "approved in Slack": Scenario(
        play=approve_in_slack,
        statuses=(Status.APPROVED,),
        answers=("APPROVED",),
        mails=("Asked", "Approved"),
        messages=("Approved",),
    ),
    "a click that loses": Scenario(
        play=click_too_late,
        statuses=(Status.APPROVED,),
        answers=("APPROVED",),
        mails=("Asked", "Approved"),
        messages=("Approved",),
        notes=1,
    ),
    "a click that is refused": Scenario(
        play=click_from_elsewhere,
        statuses=(Status.REJECTED,),
        answers=("REJECTED",),
        mails=("Asked", "Rejected"),
        messages=("Rejected",),
        notes=1,
    ),
    "nobody answers": Scenario(
        play=stay_silent,
        statuses=(Status.EXPIRED,),
        answers=("ApprovalExpired",),
        mails=("Asked", "Expired"),
        messages=("Expired",),
    ),
    "aborted": Scenario(
        play=abort,
        statuses=(Status.CANCELLED,),
        answers=(),
        mails=("Asked", "Cancelled"),
        messages=("Cancelled",),
    ),
    "answered in vain": Scenario(
        play=abort_unnoticed,
        statuses=(Status.APPROVED,),
        answers=(),
        mails=("Asked", "Approved"),
        messages=("Approved",),
    ),
    "Slack is down": Scenario(
        play=answer_while_slack_is_down,
        statuses=(Status.APPROVED,),
        answers=("APPROVED",),
        mails=("Asked", "Approved"),
        messages=(),
        replies=0,
    ),
    "Slack is given up": Scenario(
        play=answer_after_slack_was_given_up,
        statuses=(Status.APPROVED,),
        answers=("APPROVED",),
        mails=("Asked", "Approved"),
        messages=(),
        replies=0,
        dead=True,
    ),
    "two must approve": Scenario(
        play=reach_a_quorum,
        statuses=(Status.APPROVED,),
        answers=("APPROVED",),
        mails=("Asked", "Reminder:", "Approved"),
        messages=("Approved",),
        replies=2,
    ),
    "an approver who can't be asked": Scenario(
        play=name_who_can_not_be_asked,
        statuses=(Status.CANCELLED,),
        answers=("InvalidApprovalRequest",),
        mails=(),
        messages=(),
        replies=0,
    ),
    "an invalid request": Scenario(
        play=ask_for_nonsense, statuses=(), answers=("InvalidApprovalRequest",), mails=(), messages=(), replies=0
    ),
    "the state is retried": Scenario(
        play=retry_the_state,
        statuses=(Status.CANCELLED, Status.APPROVED),
        answers=("APPROVED",),
        mails=("Asked", "Asked", "Approved"),
        messages=("Cancelled", "Approved"),
    ),
}


@pytest.fixture(scope="module")
def clients() -> Iterator[dict[str, Any]]:
    """Clients of boto3, and the table as template.yaml makes it: set up once, since that takes longer than a run."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
            patch.delenv(name, raising=False)
        patch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        patch.setenv("POWERTOOLS_LOG_LEVEL", "CRITICAL")
        services = ("dynamodb", "events", "sns", "sqs", "stepfunctions", "secretsmanager")
        made: dict[str, Any] = {name: boto3.client(name) for name in services}  # type: ignore[call-overload]
        made["the table"] = boto3.client("dynamodb")
        create_tables(made["the table"])
        session = SimpleNamespace(client=lambda service, **_: made.get(service))
        patch.setattr("approvals.adapters.clients.session", lambda: session)
        for module in ("table", "items"):
            patch.setattr(f"approvals.store.{module}.DUE_SHARDS", 2)  # As good as eight, and a tick costs less.
        yield made


@pytest.fixture
def simulate(clients: dict[str, Any], context: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Simulation]:
    """Plays a scenario to its rest. The functions' own clients, clocks and Slack lead into the simulation."""

    def run(scenario: Scenario, calls: Calls, **options: bool) -> Simulation:
        simulation = Simulation(clients["the table"], context, calls, **options)
        for service in clients.keys() - {"the table"}:
            clients[service]._make_api_call = partial(simulation.aws, service)
        monkeypatch.setattr("bot.messenger.WebClient", lambda **_: BreakableSlack(simulation))
        # That Slack does not say who is a member is tried in test_bot: they are told, and click again.
        bob = SlackUser(
            id="U0BOB00002", name="bob", email="bob@example.com", workspaces=frozenset({"T0APPROVAL"}), deleted=False
        )
        monkeypatch.setattr("bot.app.SlackDirectory", lambda _: SimpleNamespace(user=lambda _: bob))
        monkeypatch.setattr("handlers.wiring.now", simulation.clock)
        scenario.play(simulation)
        simulation.rest()
        return simulation

    return run


def check(simulation: Simulation, scenario: Scenario) -> None:
    """The workflow, the record, people and queues: each as if there had been no fault."""
    assert all(not messages for messages in simulation.queues.messages.values())
    if simulation.request_failed:
        check_called_off(simulation)
    else:
        check_decided(simulation, scenario)
        check_shown(simulation, scenario)
        assert bool(simulation.queues.dead) == scenario.dead


def check_called_off(simulation: Simulation) -> None:
    """The request could not be made: the task failed, and whoever was asked was told that it is over."""
    assert simulation.execution.status == "FAILED"
    assert not simulation.queues.dead
    approvals = simulation.approvals()
    assert all((each.status, each.resumed) == (Status.CANCELLED, False) for each in approvals)
    asked = [each for each in approvals if each.told and each.decision and not each.decision.superseded_by]
    assert Counter(mails(simulation))["Cancelled"] == len(asked)
    assert not [message for message in simulation.messages() if _buttons(message)]


def check_decided(simulation: Simulation, scenario: Scenario) -> None:
    approvals = simulation.approvals()
    assert tuple(each.status for each in approvals) == scenario.statuses
    assert tuple(simulation.execution.answers) == scenario.answers
    if approvals:
        assert [each.resumed for each in approvals[:-1]] == [False] * (len(approvals) - 1)
        assert approvals[-1].resumed is bool(scenario.answers)


def check_shown(simulation: Simulation, scenario: Scenario) -> None:
    """Everybody heard of it. Only what a fault kept from being noted was sent again."""
    again = [*repeated(mails(simulation), scenario.mails)]
    closed = {each.deliveries[0].id for each in simulation.approvals() if each.deliveries}
    shown = [message for message in simulation.messages() if message.ts in closed]
    assert not [message for message in shown if _buttons(message)], "a decided message has buttons"
    assert Counter(message.text.split(":")[0] for message in shown) == Counter(scenario.messages)
    again += [message.text for message in simulation.messages() if message not in shown]
    replies = [message.text for message in simulation.replies()]
    assert len(replies) >= scenario.replies, "somebody was not told in the thread"
    again += replies[scenario.replies :]
    assert len(simulation.notes()) >= scenario.notes, "somebody was not told that their click changed nothing"
    # A note is no step of an approval: that it was shown is not marked. A killed function gets its whole batch again.
    if not simulation.stream_repeats:
        again += [note.text for note in simulation.notes()[simulation.clicks + simulation.calls.fault.kills :]]
    assert len(again) <= simulation.calls.sent_and_not_noted(), f"sent again: {again}"


def mails(simulation: Simulation) -> list[str]:
    """What each mail is: a later one says so in its first word."""
    return [mail["Message"].split()[0] if mail["Subject"].startswith("Re: ") else "Asked" for mail in simulation.mails]


def repeated(seen: list[str], expected: tuple[str, ...]) -> Iterator[str]:
    assert not Counter(expected) - Counter(seen), f"some were not told: {seen}"
    return (Counter(seen) - Counter(expected)).elements()


# All scenarios and faults run in `make prove`; the gate takes those that cover every function in little time.
QUICK = ("approved by mail", "approved in Slack", "aborted", "the state is retried", "two must approve")


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("name", SCENARIOS if PROVE else [n for n in SCENARIOS if n in QUICK])
def test_whatever_call_breaks_everything_converges(
    name: str, fault: Fault, simulate: Callable[..., Simulation]
) -> None:
    scenario = SCENARIOS[name]
    whole = simulate(scenario, Calls()).calls
    problems = []
    # Every fifth in the gate, beginning elsewhere for each fault and scenario: they overlap. `make prove`: all.
    calls = list(whole.worth_breaking(fault))
    first = ([*Fault].index(fault) + [*SCENARIOS].index(name)) % 5
    for broken in calls if PROVE else calls[first::5]:
        try:
            check(simulate(scenario, Calls(broken, fault)), scenario)
        except AssertionError as error:
            problems.append(f"call {broken} ({whole.names[broken]}) {fault}: {str(error).splitlines()[0]}")
    assert not problems, "\n".join(["", *problems])


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("name", SCENARIOS if PROVE else ["two must approve"])
def test_whatever_call_breaks_every_event_is_published(
    name: str, fault: Fault, simulate: Callable[..., Simulation], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And events change nothing for people and the workflow. Only what a fault kept from being noted is repeated."""
    monkeypatch.setitem(PARAMETERS, "EventBusName", "ours")
    scenario = SCENARIOS[name]
    whole = simulate(scenario, Calls()).calls
    about_events = [n for n in whole.worth_breaking(fault) if "PutEvents" in "".join(whole.names[n - 1 : n + 1])]
    assert about_events or not scenario.statuses
    for broken in [*about_events, None]:
        simulation = simulate(scenario, Calls(broken, fault))
        check(simulation, scenario)
        happened = [f"{each.id}/{entry.key}" for each in simulation.approvals() for entry in history(each)]
        assert set(simulation.published) == set(happened)
        assert bool(happened) == bool(simulation.approvals())
        if broken is None:
            assert len(simulation.published) == len(happened)


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("stream_repeats", [False, True])
def test_without_a_fault_everything_is_as_expected(
    name: str, simulate: Callable[..., Simulation], *, stream_repeats: bool
) -> None:
    check(simulate(SCENARIOS[name], Calls(), stream_repeats=stream_repeats), SCENARIOS[name])
