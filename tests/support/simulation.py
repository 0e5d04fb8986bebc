"""The deployed stack in one process, with the real functions and doubles that keep the rules of the real services."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from aws_lambda_powertools.utilities.typing import LambdaContext
from mypy_boto3_dynamodb import DynamoDBClient
from slack_sdk.web import SlackResponse

from approvals.domain.absences import Absence
from approvals.domain.errors import POLICY_UNAVAILABLE
from approvals.domain.model import Action, Approval
from approvals.domain.signed_links import link
from approvals.store.absences import AbsenceTable
from approvals.store.policy_watch import ATTRIBUTE
from approvals.store.table import ApprovalTable
from bot.views.buttons import ACTION_IDS
from demo.slack import Message, Slack
from tests.support.builders import a_call, transported
from tests.support.fakes import Clock
from tests.support.functions import start
from tests.support.iam_callers import a_body, a_signed_call
from tests.support.simulated_parameters import ATTEMPTS, PARAMETERS, environment, event_sources, matches, resolved
from tests.support.simulated_services import Calls, Execution, FunctionFailed, Killed, PolicyParameter, Queues, T
from tests.support.slack_clients import CHANNEL, DirectWebClient, has_buttons
from tests.support.tables import TABLE, TABLES, TOKENS
from tests.support.template import FUNCTIONS


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

    def __init__(
        self, dynamodb: DynamoDBClient, context: LambdaContext, calls: Calls, *, stream_repeats: bool = False
    ) -> None:
        self.calls = calls
        self.clock = Clock()
        self.execution = Execution(self.clock)
        self.queues = Queues(self.clock)
        self.slack = Slack(CHANNEL, "xoxb-tests-0123456789", "8f742231b10e8888", clock=lambda: self.clock().timestamp())
        self.mails: list[dict[str, str]] = []
        self.published: list[str] = []
        self.request_failed = False
        self.policy = PolicyParameter(self.clock)
        self.clicks = 0
        self.spent: list[str] = []
        self._dynamodb = dynamodb
        self._context = context
        self._images: dict[str, Any] = {}
        self._tokens: set[str] = set()
        self._streams: dict[tuple[str, str], list[dict[str, Any]]] = {
            (function, resolved(source["Stream"])): [] for function, source in event_sources("DynamoDB")
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
        """Run a function, from a cold start if it never ran or died. Raise `FunctionFailed`."""
        self._running, self.calls.nth = function.removesuffix("Function"), 0
        try:
            if function not in self._functions:
                module = FUNCTIONS[function]["Handler"].removesuffix(".handler")
                first = len(self.calls.names)
                self._functions[function] = start(module, environment(function))
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
        """Answer a call of boto3."""
        call: Callable[..., dict[str, Any]] = {
            "dynamodb": self._call_dynamodb,
            "sns": self._call_sns,
            "sqs": self.queues.call,
            "stepfunctions": self.execution.call,
            "secretsmanager": self._call_secrets_manager,
            "events": self._call_events,
            "ssm": self.policy.call,
        }[service]
        return self.outside(operation, partial(call, operation, parameters))

    def _world(self) -> object:
        """Return all that a function can find, except the time."""
        messages = [message for messages in self.queues.messages.values() for message in messages]
        return (
            tuple(
                (
                    *(str(item.get(name)) for name in ("status", "version", "news", ATTRIBUTE)),
                    "M" in item.get("people", {}),
                    "previous" in item,
                    *item.get("steps", {}).get("M", ()),
                    *sorted(item.get("published", {}).get("SS", ())),
                    *item.get("spends", {}).get("M", ()),
                )
                for item in self._images.values()
            ),
            tuple(sorted(self._tokens)),
            tuple((message.body, message.receives >= ATTEMPTS) for message in messages),
            (self.execution.status, len(self.mails), len(self.slack.messages()), self.policy.version),
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
        for function, source in event_sources("DynamoDB"):
            filters = [json.loads(each["Pattern"]) for each in source["FilterCriteria"]["Filters"]]
            of = resolved(source["Stream"])
            if of == table and any(matches(each, record) for each in filters):
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
        """Deliver all that can be delivered now."""
        while self._deliver_stream() or self._deliver_queues() or self.execution.events:
            while self.execution.events:
                self._look_after(self.execution.events.pop())

    def rest(self) -> None:
        """Let time pass until nothing is left to do."""
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
        for function, source in event_sources("SQS"):
            name = resolved(source["Queue"])
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
        """Call the request function with a new token, as the state machine does. Its errors are not retried."""
        if self.execution.stopped:
            return
        self.execution.token = f"token-{attempt}"
        asked = {"Approval": {"Title": "Deploy"}} if request is None else request
        try:
            self.invoke("RequestFunction", a_call(asked, self.execution.token, attempt=attempt))
        except FunctionFailed as failed:
            self.request_failed = True
            self.execution.end("FAILED", {"taskFailedEventDetails": {"cause": str(failed)}})
        self.request_failed |= POLICY_UNAVAILABLE in self.execution.answers

    def away(self, owner: str, delegate: str) -> None:
        """Let an operator name a delegate for a day."""
        now = self.clock()
        absence = Absence(owner=owner, delegate=delegate, since=now, until=now + timedelta(days=1), set_by="operator")
        AbsenceTable(self._dynamodb, TABLE).replace((), (absence,))

    def answer_by_mail(self, action: Action) -> None:
        """Open the newest link, press its button and look at the outcome; after an error, again."""
        links = re.findall(rf"https://\S+action={action}\S+", "\n".join(mail["Message"] for mail in self.mails))
        if not links:
            assert self.request_failed, "nobody was asked"
            return
        fields = dict(parse_qsl(urlsplit(links[-1]).query))
        form = {"httpMethod": "POST", "body": urlencode(fields)}
        look = {"httpMethod": "GET", "queryStringParameters": fields}
        for event in (look, form, look):
            self._until_answered("CallbackFunction", partial(dict, event))

    def fill_in(self, recipient: str, **answers: str) -> None:
        """Open a person's page, fill in its form and approve; after an error, again."""
        approvals = self.approvals()
        if not approvals or approvals[0].people is None:
            assert self.request_failed, "nobody was asked"
            return
        url = link(approvals[0], Action.APPROVE, recipient, base_url="https://x")
        fields = dict(parse_qsl(urlsplit(url).query))
        look = {"httpMethod": "GET", "queryStringParameters": fields}
        page = self._until_answered("CallbackFunction", partial(dict, look))
        shown = dict(re.findall(r'name="(seen|values)" value="([^"]*)"', page["body"]))
        filled_in = {f"form.{name}": answer for name, answer in answers.items()}
        form = {"httpMethod": "POST", "body": urlencode({**fields, **shown, **filled_in})}
        self._until_answered("CallbackFunction", partial(dict, form))

    def click(self, action: Action, user: str = "U0BOB00002") -> None:
        """Click a button of the newest message that has one, as bob or another user; after an error, again."""
        messages = [message for message in self.messages() if has_buttons(message)]
        if not messages:
            assert self.request_failed, "nobody was asked"
            return

        def clicked() -> dict[str, Any]:
            self.clicks += 1
            body, headers = self.slack.click(messages[-1].ts, ACTION_IDS[action], user)
            return {"httpMethod": "POST", "headers": headers, "body": body.decode()}

        self._until_answered("BotFunction", clicked)

    def sign(self, action: str, caller: dict[str, Any], **more: Any) -> None:
        """Respond by IAM, as this caller; after an error, again."""
        approvals = self.approvals()
        if not approvals or approvals[0].people is None:
            assert self.request_failed, "nobody was asked"
            return
        event = a_signed_call(a_body(approvals[0], action, **more), caller)
        self._until_answered("AnswerFunction", partial(dict, event))

    def _until_answered(self, function: str, event: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        for _ in range(5):
            try:
                answer: dict[str, Any] = self.invoke(function, event())
            except FunctionFailed as failed:
                answer = {"statusCode": 502, "body": str(failed)}
            if answer["statusCode"] < 500:
                return answer
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
