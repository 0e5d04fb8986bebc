"""A function's surroundings in one process: DynamoDB and queues by moto, a Slack stand-in, and fakes that record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from moto import mock_aws
from mypy_boto3_dynamodb import DynamoDBClient
from mypy_boto3_sqs import SQSClient

from approvals.store.replies import Replies
from approvals.store.table import ApprovalTable
from approvals.store.task_tokens import TaskTokens
from bot.directory import SlackUser
from bot.messenger import SlackMessenger
from demo.slack import Slack
from tests.support.aws import any_client, client_of, serialize_quickly
from tests.support.crash_scenarios import Scenario
from tests.support.fakes import Clock, FakeContext, FakeMailer, FakeSubscribers, FakeWorkflows
from tests.support.real_calls import noted
from tests.support.shell import Shell, deploy
from tests.support.simulated_parameters import PARAMETERS
from tests.support.simulated_services import Calls
from tests.support.simulation import BreakableSlack, Simulation
from tests.support.slack_app import Workspace, a_bot, web_api_of
from tests.support.slack_clients import CHANNEL, DirectWebClient, a_hook
from tests.support.tables import REPLIES, TABLE, TABLES, TOKENS, create_tables


@pytest.fixture(scope="session", autouse=True)
def noted_calls() -> Iterator[None]:
    """Record the functions' calls of DynamoDB for the test that judges the template's policies."""
    with noted({name: logical_id for logical_id, name in TABLES.items()}):
        yield


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


@pytest.fixture
def calls(dynamodb: DynamoDBClient) -> list[str]:
    """The calls of DynamoDB by name, in order."""
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


@pytest.fixture
def sqs(aws: None) -> Iterator[SQSClient]:
    with client_of("sqs") as client:
        yield client


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shell(table: ApprovalTable, clock: Clock) -> Shell:
    """The command line, with a stack."""
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


@pytest.fixture
def messenger(slack: Slack) -> SlackMessenger:
    return SlackMessenger(lambda: DirectWebClient(slack), CHANNEL, a_hook(slack))


@pytest.fixture
def logger() -> Logger:
    return Logger(service="tests", level="DEBUG")


@pytest.fixture
def context() -> LambdaContext:
    return FakeContext()


@pytest.fixture(scope="module")
def simulated_clients() -> Iterator[dict[str, Any]]:
    """Clients of boto3, and the table as template.yaml makes it: set up once, since that takes longer than a run."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
            patch.delenv(name, raising=False)
        patch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        patch.setenv("POWERTOOLS_LOG_LEVEL", "CRITICAL")
        services = ("dynamodb", "events", "sns", "sqs", "stepfunctions", "secretsmanager", "ssm")
        made: dict[str, Any] = {name: any_client(name) for name in services}
        made["the table"] = boto3.client("dynamodb")
        create_tables(made["the table"])
        session = SimpleNamespace(client=lambda service, **_: made.get(service))
        patch.setattr("approvals.adapters.clients.session", lambda: session)
        for module in ("table", "items"):
            patch.setattr(f"approvals.store.{module}.DUE_SHARDS", 2)  # As good as eight, and a tick costs less.
        yield made


@pytest.fixture
def simulate(
    simulated_clients: dict[str, Any], context: LambdaContext, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Simulation]:
    """Play a scenario to its end. The functions' clients, clock and Slack lead into the simulation."""

    def run(scenario: Scenario, calls: Calls, **options: bool) -> Simulation:
        simulation = Simulation(simulated_clients["the table"], context, calls, **options)
        for service in simulated_clients.keys() - {"the table"}:
            simulated_clients[service]._make_api_call = partial(simulation.aws, service)
        monkeypatch.setattr("bot.messenger.WebClient", lambda **_: BreakableSlack(simulation))
        # That Slack does not say who is a member is tried in test_bot: they are told, and click again.
        here = frozenset({"T0APPROVAL"})
        bob = SlackUser(id="U0BOB00002", name="bob", email="bob@example.com", workspaces=here, deleted=False)
        monkeypatch.setattr("bot.app.SlackDirectory", lambda _: SimpleNamespace(user=lambda _: bob))
        monkeypatch.setattr("handlers.wiring.now", simulation.clock)
        monkeypatch.setitem(PARAMETERS, "PolicyParameter", "/approvals/policy" if scenario.policy else "")
        simulation.policy.set(scenario.policy)
        scenario.play(simulation)
        simulation.rest()
        return simulation

    return run


@pytest.fixture
def web_api(slack: Slack) -> Iterator[str]:
    with web_api_of(slack) as url:
        yield url


@pytest.fixture
def workspace(
    slack: Slack,
    table: ApprovalTable,
    messenger: SlackMessenger,
    dynamodb: DynamoDBClient,
    clock: Clock,
    logger: Logger,
    web_api: str,
    context: LambdaContext,
) -> Workspace:
    return Workspace(slack, table, messenger, a_bot(table, slack, clock, logger, web_api), dynamodb, context)
