"""What scripts/cost.py says that an approval uses, counted; and the page that it writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from urllib.parse import parse_qsl, urlsplit

import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from mypy_boto3_dynamodb import DynamoDBClient

from approvals.domain.model import Action
from approvals.domain.signed_links import approval_id
from approvals.services.conclude import Resumer
from approvals.services.notify import Notifier
from approvals.services.request import RequestHandler
from approvals.store.table import ApprovalTable
from approvals.store.task_tokens import TaskTokens
from bot.messenger import SlackMessenger
from bot.views.buttons import ACTION_IDS
from demo.person import links
from demo.slack import Slack
from mail.messages import Links
from scripts import cost
from tests.support.builders import TOKEN, a_call
from tests.support.channels import the_channels, the_identities
from tests.support.fakes import Clock, FakeMailer, FakeSubscribers, FakeWorkflows
from tests.support.services import a_notifier, a_request_handler, a_resumer
from tests.support.slack_app import a_bot, event
from tests.support.tables import TABLE, TOKENS
from tests.support.template import FUNCTIONS, GLOBALS, RESOURCES, of_type
from web.handler import CallbackHandler

STANDING = (*cost.STANDING, *cost.UNDER_POLICY, *cost.IN_USE, *cost.FULL, *cost.OWN_KEY)
EMAIL = "alice@example.com"


@pytest.fixture
def calls(dynamodb: DynamoDBClient) -> Counter[str]:
    """DynamoDB's calls by name."""
    counted: Counter[str] = Counter()
    dynamodb.meta.events.register("before-call.dynamodb.*", lambda model, **_: counted.update([model.name]))
    return counted


@pytest.fixture
def asked(
    table: ApprovalTable, workflows: FakeWorkflows, clock: Clock, logger: Logger, context: LambdaContext
) -> RequestHandler:
    handler = a_request_handler(table, TaskTokens(table._dynamodb, TOKENS, TABLE), workflows, clock, logger)
    handler(a_call({"Approval": {"Title": "Deploy web 2.4.1"}}), context)
    return handler


def tell_and_settle(
    table: ApprovalTable, mailer: FakeMailer, messenger: SlackMessenger | None, clock: Clock, logger: Logger
) -> tuple[Notifier, Resumer]:
    outbox = mailer.outbox(table, clock)
    notifier = a_notifier(
        table,
        the_channels(outbox, messenger, logger, email=EMAIL, links=Links("https://x", one_click=False)),
        the_identities(messenger, FakeSubscribers(), email=EMAIL),
        clock,
        logger,
    )
    resumer = a_resumer(
        table,
        the_channels(outbox, messenger, logger, email=EMAIL),
        clock,
        logger,
        tokens=TaskTokens(table._dynamodb, TOKENS, TABLE),
    )
    return notifier, resumer


def test_an_approval_by_email_uses_what_the_page_says(
    calls: Counter[str],
    asked: RequestHandler,
    table: ApprovalTable,
    mailer: FakeMailer,
    clock: Clock,
    logger: Logger,
    context: LambdaContext,
) -> None:
    notifier, resumer = tell_and_settle(table, mailer, None, clock, logger)
    notifier(approval_id(TOKEN), last=False)
    callback = CallbackHandler(table=table, one_click=False, clock=clock, logger=logger)
    query = dict(parse_qsl(urlsplit(links({"text": mailer.sent[0].text})["approve"]).query))
    visit = {"httpMethod": "GET", "queryStringParameters": query}
    scanners = [callback(visit, context), callback(visit, context)]
    person = callback(visit, context)
    form = "&".join(f"{name}={value}" for name, value in query.items())
    answer = callback({"httpMethod": "POST", "body": form, "queryStringParameters": None}, context)
    outcome = callback(visit, context)
    resumer(approval_id(TOKEN), last=False)
    assert [found["statusCode"] for found in (*scanners, person, answer, outcome)] == [200, 200, 200, 303, 200]
    assert len(mailer.sent) == used("sns_email", "by_mail")
    assert calls["PutItem"] == 1 + cost.TOKENS
    assert calls["UpdateItem"] == cost.UPDATES["by_mail"]
    assert calls["TransactWriteItems"] == 0
    assert calls["GetItem"] + 2 * calls["BatchGetItem"] == cost.READS["by_mail"]


def test_an_approval_in_slack_uses_what_the_page_says(
    calls: Counter[str],
    asked: RequestHandler,
    table: ApprovalTable,
    mailer: FakeMailer,
    messenger: SlackMessenger,
    slack: Slack,
    clock: Clock,
    logger: Logger,
    web_api: str,
    context: LambdaContext,
) -> None:
    notifier, resumer = tell_and_settle(table, mailer, messenger, clock, logger)
    notifier(approval_id(TOKEN), last=False)
    click = event(*slack.click(slack.messages()[0].ts, ACTION_IDS[Action.APPROVE], "U0BOB00002"))
    assert a_bot(table, slack, clock, logger, web_api)(click, context)["statusCode"] == 200
    resumer(approval_id(TOKEN), last=False)
    assert len(mailer.sent) == used("sns_email", "in_slack")
    assert calls["PutItem"] == 1 + cost.TOKENS
    assert calls["UpdateItem"] == cost.UPDATES["in_slack"]
    assert calls["TransactWriteItems"] == 0
    assert calls["GetItem"] + 2 * calls["BatchGetItem"] == cost.READS["in_slack"]


def used(price: str, how: str) -> float:
    [amount] = [getattr(use, how) for use in cost.USES if use.price == price]
    return float(amount)


def test_the_page_is_what_the_prices_make_of_it() -> None:
    """Else run `python -m scripts.cost`."""
    assert cost.PAGE.read_text() == cost.page()


def test_the_memory_is_the_templates() -> None:
    used = {
        name: FUNCTIONS[f"{name.capitalize()}Function"].get("MemorySize", GLOBALS["MemorySize"]) for name in cost.MEMORY
    }
    assert used == {name: 1024 * gigabytes for name, gigabytes in cost.MEMORY.items()}


def test_every_price_is_used_and_every_use_has_a_price() -> None:
    assert {use.price for use in (*cost.USES, *STANDING, *cost.OPTIONS)} == set(cost.PRICES["prices"])


def test_a_stack_that_nobody_asks_costs_less_than_two_dollars_a_month() -> None:
    assert cost.total(cost.STANDING) < 2


def test_the_alarms_and_the_dashboard_are_the_templates() -> None:
    alarms = set(of_type("AWS::CloudWatch::Alarm"))
    optional = {name for name in alarms if RESOURCES[name].get("Condition") == "FullMonitoring"}
    with_a_policy = {name for name in alarms if RESOURCES[name].get("Condition") == "HasPolicy"}
    assert amount(cost.STANDING, "alarm_month") == len(alarms - optional - with_a_policy)
    assert amount(cost.UNDER_POLICY, "alarm_month") == len(with_a_policy)
    assert amount(cost.FULL, "alarm_month") == len(optional)
    assert amount(cost.FULL, "dashboard_month") == len(of_type("AWS::CloudWatch::Dashboard"))


def amount(uses: Iterable[cost.Standing], price: str) -> float:
    [found] = [use.amount for use in uses if use.price == price]
    return found


def test_a_price_is_for_its_unit() -> None:
    assert cost.usd("states_transition", 1000) == pytest.approx(0.025)
    assert cost.usd("sns_email", 100_000) == pytest.approx(2)
