"""A function's surroundings in one process: DynamoDB and queues by moto, a Slack stand-in, and fakes that record."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from aws_lambda_powertools import Logger
from moto import mock_aws
from mypy_boto3_dynamodb import DynamoDBClient
from mypy_boto3_sqs import SQSClient
from slack_sdk import WebClient, WebhookClient
from slack_sdk.web import SlackResponse
from slack_sdk.webhook import WebhookResponse

from approvals.adapters.queues import RetryQueue
from approvals.adapters.step_functions import TaskGoneError
from approvals.domain.errors import DeliveryError
from approvals.domain.model import Approval
from approvals.store.items import LISTED
from approvals.store.queries import Listing
from approvals.store.replies import Replies
from approvals.store.table import ApprovalTable
from approvals.store.task_tokens import TaskTokens
from bot.client import ResponseUrls
from bot.ephemeral import ReplyDelivery, log_unreadable
from bot.messenger import SlackMessenger
from demo.slack import Slack
from mail.rate_limit import MailRateLimit
from mail.sns import Mail
from tests.builders import NOW, TOKEN
from tests.real_calls import noted
from tests.support.aws import client_of, serialize_quickly
from tests.unit.test_template import RESOURCES

if TYPE_CHECKING:
    from tests.functional.shell import Shell

TABLE, TOKENS, REPLIES = "approvals", "task-tokens", "slack-replies"
TABLES = {"ApprovalTable": TABLE, "TaskTokenTable": TOKENS, "SlackReplyTable": REPLIES}
"""The tables' names by their logical ids."""

CHANNEL = "C0APPROVALS"


@pytest.fixture(scope="session", autouse=True)
def noted_calls() -> Iterator[None]:
    """What the functions ask of DynamoDB is known to the test that judges the template's policies."""
    with noted({name: logical_id for logical_id, name in TABLES.items()}):
        yield


@dataclass
class Clock:
    """The injected time."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **delta: float) -> None:
        self.now += timedelta(**delta)


@dataclass
class FakeMailer:
    """Records mails; refuses them while `broken`; has as many slots as it is told, None for any number."""

    sent: list[Mail] = field(default_factory=list)
    broken: bool = False
    broken_for: str | None = None
    slots: int | None = None
    deferred: list[tuple[str, str]] = field(default_factory=list)
    take_table_slot: Callable[[str], bool] = lambda _: True

    def defer(self, approval_id: str, step: str) -> None:
        self.deferred.append((approval_id, step))

    def outbox(self, table: ApprovalTable, clock: Callable[[], datetime]) -> FakeMailer:
        """This mailer, which takes the table's slots from now on."""
        rate_limit = a_rate_limit(table)
        self.take_table_slot = lambda recipient: rate_limit.take_slot(recipient, clock())
        return self

    def take_slot(self, _recipient: str) -> bool:
        if self.slots == 0:
            return False
        self.slots = None if self.slots is None else self.slots - 1
        return True

    def send(self, mail: Mail) -> bool:
        if not (self.take_slot(mail.to) and self.take_table_slot(mail.to)):
            return False
        if self.broken or mail.to == self.broken_for:
            raise DeliveryError("SNS answered InternalError")
        self.sent.append(mail)
        return True


@dataclass
class FakeQueue:
    """A retry queue that records."""

    added: list[str] = field(default_factory=list)

    def add(self, item_id: str, _delay: int = 0) -> None:
        self.added.append(item_id)


def a_rate_limit(table: ApprovalTable) -> MailRateLimit:
    """What counts the mails, in the same table."""
    return MailRateLimit(table._dynamodb, table._name)


def a_queue() -> RetryQueue:
    """A queue that nobody looks at."""
    return cast("RetryQueue", FakeQueue())


@dataclass
class FakeSubscribers:
    """The addresses that confirmed their subscription."""

    addresses: list[str] = field(default_factory=lambda: ["alice@example.com", "carol@example.com"])
    broken: bool = False

    def confirmed(self) -> dict[str, str]:
        if self.broken:
            raise DeliveryError("SNS answered Throttling")
        return {address.casefold(): address for address in self.addresses}


@dataclass
class FakeWorkflows:
    """Records what was resumed and failed, as Step Functions does: a token is answered once."""

    resumed: list[Approval] = field(default_factory=list)
    failed: list[tuple[str, str, str]] = field(default_factory=list)
    gone: bool = False
    broken: bool = False

    def resume(self, approval: Approval, task_token: str) -> None:  # noqa: ARG002
        self._check()
        if approval.id in {before.id for before in self.resumed}:
            raise TaskGoneError("TaskTimedOut")
        self.resumed.append(approval)

    def reached(self, approval: Approval) -> bool:
        return approval.id in {before.id for before in self.resumed}

    def fail(self, task_token: str, error: str, cause: str) -> None:
        self._check()
        self.failed.append((task_token, error, cause))

    def _check(self) -> None:
        if self.broken:
            raise DeliveryError("Step Functions answered ThrottlingException")
        if self.gone:
            raise TaskGoneError("TaskTimedOut")


class DirectWebClient(WebClient):
    """Slack's own client, with the stand-in at the place of the network."""

    def __init__(self, slack: Slack) -> None:
        super().__init__(token=slack.bot_token)
        self._slack = slack

    def api_call(self, api_method: str, **arguments: Any) -> SlackResponse:
        parameters = arguments.get("json") or arguments.get("params") or {}
        status = self._slack.fail_with or 200
        data = {"ok": False, "error": "internal_error"}
        if status == 200:
            data = self._slack.call(api_method, f"Bearer {self.token}", parameters)
        answer = SlackResponse(
            client=self,
            http_verb="POST",
            api_url=api_method,
            req_args={},
            data=data,
            headers={"Retry-After": "7"},
            status_code=status,
        )
        answer.validate()  # type: ignore[no-untyped-call]
        return answer


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        yield


@pytest.fixture(scope="session", autouse=True)
def quick_moto() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        serialize_quickly(patch)
        yield


@pytest.fixture
def dynamodb(aws: None) -> Iterator[DynamoDBClient]:
    with client_of("dynamodb") as client:
        create_tables(client)
        yield client


def create_tables(dynamodb: DynamoDBClient) -> None:
    """Creates the tables as the template has them."""
    schema = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    for logical_id, name in TABLES.items():
        properties = RESOURCES[logical_id]["Properties"]
        dynamodb.create_table(TableName=name, **{each: properties[each] for each in schema if each in properties})


@pytest.fixture
def calls(dynamodb: DynamoDBClient) -> list[str]:
    """DynamoDB's calls by name, in order."""
    made: list[str] = []
    dynamodb.meta.events.register("before-call.dynamodb.*", lambda model, **_: made.append(model.name))
    return made


@pytest.fixture
def table(dynamodb: DynamoDBClient) -> ApprovalTable:
    return ApprovalTable(dynamodb, TABLE, replies=Replies(dynamodb, REPLIES))


@pytest.fixture
def replies(dynamodb: DynamoDBClient) -> Replies:
    return Replies(dynamodb, REPLIES)


@pytest.fixture
def tokens(dynamodb: DynamoDBClient) -> TaskTokens:
    return TaskTokens(dynamodb, TOKENS, TABLE)


def some_tokens() -> TaskTokens:
    """The tokens of approvals that were put on record by hand: all the same one."""
    return cast("TaskTokens", SimpleNamespace(get=lambda _id: TOKEN))


def as_the_bot_has_it(table: ApprovalTable) -> ApprovalTable:
    """The table as the Slack app may read and write it."""
    bots = copy(table)
    bots._attributes = LISTED
    return bots


@pytest.fixture
def sqs(aws: None) -> Iterator[SQSClient]:
    with client_of("sqs") as client:
        yield client


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shell(table: ApprovalTable, clock: Clock) -> Shell:
    """The command line and a stack."""
    from tests.functional.shell import Shell, deploy  # it uses this module

    return Shell(table, clock, deploy())


@pytest.fixture
def mailer() -> FakeMailer:
    return FakeMailer()


@pytest.fixture
def subscribers() -> FakeSubscribers:
    return FakeSubscribers()


@pytest.fixture
def workflows() -> FakeWorkflows:
    return FakeWorkflows()


@pytest.fixture
def slack(clock: Clock) -> Slack:
    secret = "8f742231b10e8888abcd99yyyzzz85a5"
    return Slack(CHANNEL, "xoxb-tests-0123456789", secret, clock=lambda: clock().timestamp())


class DirectHookClient(WebhookClient):
    """Slack's own client for a command's answer, with the stand-in at the place of the network."""

    def __init__(self, slack: Slack, url: str) -> None:
        super().__init__(url)
        self._slack = slack

    def _perform_http_request(self, *, body: dict[str, Any], **_headers: Any) -> WebhookResponse:
        if self._slack.fail_with:
            return WebhookResponse(url=self.url, status_code=self._slack.fail_with, body="", headers={})
        status, said = self._slack.respond(self.url.removeprefix(self._slack.hooks_url), json.loads(json.dumps(body)))
        return WebhookResponse(url=self.url, status_code=status, body=said, headers={})


def a_hook(slack: Slack) -> ResponseUrls:
    return ResponseUrls("https://slack.com/api/", lambda url: DirectHookClient(slack, url))


BASE_URL = "https://approvals.example.com"


def a_delivery(
    table: ApprovalTable, messenger: SlackMessenger, clock: Callable[[], datetime], logger: Logger
) -> ReplyDelivery:
    """What delivers the replies in a table."""
    return ReplyDelivery(
        table=table,
        replies=Replies(table._dynamodb, REPLIES),
        listing=Listing(table._dynamodb, table._name, partial(log_unreadable, logger)),
        messenger=messenger,
        base_url=BASE_URL,
        clock=clock,
        logger=logger,
    )


@pytest.fixture
def messenger(slack: Slack) -> SlackMessenger:
    return SlackMessenger(lambda: DirectWebClient(slack), CHANNEL, a_hook(slack))


@pytest.fixture
def logger() -> Logger:
    return Logger(service="tests", level="DEBUG")


@pytest.fixture
def context() -> Any:
    return SimpleNamespace(
        function_name="f",
        invoked_function_arn="arn:aws:lambda:eu-west-1:123456789012:function:f",
        aws_request_id="r",
        get_remaining_time_in_millis=lambda: 60_000,
    )
