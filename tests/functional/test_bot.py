"""The Slack app, with signed requests through Bolt's own dispatch."""

from __future__ import annotations

import hmac
import json
from base64 import b64encode
from typing import Any
from urllib.parse import parse_qs

import pytest
from aws_lambda_powertools import Logger
from botocore.exceptions import EndpointConnectionError
from mypy_boto3_dynamodb import DynamoDBClient
from slack_sdk.signature import SignatureVerifier

from approvals import present
from approvals.model import Action, Status
from approvals.respond import respond
from approvals.table import NOTE_PREFIX, ApprovalTable
from bot.app import BotHandler, create_app
from bot.guard import Guard
from bot.messenger import SlackMessenger
from bot.secret import SecretSource, SlackSecret
from bot.views.approval import ACTION_IDS, OPEN_EXECUTION_ID
from local.slack import Slack
from tests.builders import a_response, an_approval
from tests.functional.conftest import TABLE, Clock

APPROVE, REJECT = Action
ID = an_approval().id
ABOUT = "\u201cDeploy web 2.4.1\u201d (run-1):"


@pytest.fixture
def handler(table: ApprovalTable, slack: Slack, clock: Clock, logger: Logger) -> BotHandler:
    table.add(an_approval())
    return a_bot(table, slack, clock, logger)


def a_bot(table: ApprovalTable, slack: Slack, clock: Clock, logger: Logger) -> BotHandler:
    """The app with the workspace's secret. The address of its Web API leads nowhere: a call to Slack would fail."""
    secret = SecretSource(lambda: SlackSecret(slack.bot_token, slack.signing_secret), clock)
    app = create_app(table=table, secret=secret, api_url="http://127.0.0.1:1/", clock=clock, logger=logger)
    return BotHandler(app, Guard(secret, clock), logger)


def event(body: bytes | str, headers: dict[str, str], **changes: Any) -> dict[str, Any]:
    text = body.decode() if isinstance(body, bytes) else body
    return {
        "httpMethod": "POST",
        "path": "/slack/events",
        "requestContext": {"httpMethod": "POST"},
        "headers": headers,
        "body": text,
        **changes,
    }


def click(slack: Slack, messenger: SlackMessenger, action_id: str, user: str = "U0BOB00002") -> dict[str, Any]:
    message = messenger.post_request(an_approval())
    return event(*slack.click(message.ts, action_id, user))


def payload_of(clicked: dict[str, Any]) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads(parse_qs(clicked["body"])["payload"][0])
    return payload


def notes(dynamodb: DynamoDBClient) -> list[str]:
    items = dynamodb.scan(TableName=TABLE)["Items"]
    return [item["text"]["S"] for item in items if item["id"]["S"].startswith(NOTE_PREFIX)]


@pytest.mark.parametrize("action", Action)
def test_a_click_is_recorded_and_acknowledged(
    handler: BotHandler, table: ApprovalTable, slack: Slack, messenger: SlackMessenger, action: Action, context: Any
) -> None:
    answer = handler(click(slack, messenger, ACTION_IDS[action]), context)
    assert (answer["statusCode"], answer["body"]) == (200, "")
    decision = table.get(ID).decision
    assert decision is not None
    assert decision.status is action.status
    assert decision.approver is not None
    assert (decision.approver.id, decision.approver.name) == ("U0BOB00002", "bob")


def test_a_click_calls_the_table_twice_and_nothing_else(
    handler: BotHandler, slack: Slack, messenger: SlackMessenger, dynamodb: DynamoDBClient, context: Any
) -> None:
    """The app's API address leads nowhere, so a call to Slack would fail the click."""
    clicked = click(slack, messenger, ACTION_IDS[APPROVE])
    calls: list[str] = []
    dynamodb.meta.events.register("before-call.*.*", lambda model, **_: calls.append(model.name))
    assert handler(clicked, context)["statusCode"] == 200
    assert calls == ["GetItem", "UpdateItem"]


def test_what_can_not_be_recorded_is_not_acknowledged(
    handler: BotHandler, slack: Slack, messenger: SlackMessenger, dynamodb: DynamoDBClient, context: Any
) -> None:
    """Slack shows the person a warning then, so that they click again."""
    clicked = click(slack, messenger, ACTION_IDS[APPROVE])
    dynamodb.delete_table(TableName=TABLE)
    assert handler(clicked, context)["statusCode"] == 500


def test_a_click_that_lost_leaves_a_note_that_says_who_decided(
    handler: BotHandler,
    table: ApprovalTable,
    slack: Slack,
    messenger: SlackMessenger,
    dynamodb: DynamoDBClient,
    context: Any,
) -> None:
    clicked = click(slack, messenger, ACTION_IDS[APPROVE])
    respond(table, an_approval(), a_response(REJECT))
    assert handler(clicked, context)["statusCode"] == 200
    assert table.get(ID).status is Status.REJECTED
    [note] = notes(dynamodb)
    outcome = "Rejected by alice@example.com by email on Mon 23 Nov 2026, 09:01 UTC."
    assert note == f"{ABOUT} Somebody was faster. {outcome}"


def test_a_click_that_slack_repeats_is_one_note(
    handler: BotHandler, slack: Slack, messenger: SlackMessenger, dynamodb: DynamoDBClient, context: Any
) -> None:
    clicked = click(slack, messenger, ACTION_IDS[APPROVE])
    for _ in range(3):
        handler(clicked, context)
    [note] = notes(dynamodb)
    assert note.startswith(f"{ABOUT} Your answer was recorded already. Approved by bob in Slack")


def test_a_click_on_a_record_that_is_gone_says_so(
    handler: BotHandler, slack: Slack, messenger: SlackMessenger, dynamodb: DynamoDBClient, context: Any
) -> None:
    dynamodb.delete_item(TableName=TABLE, Key={"id": {"S": ID}})
    assert handler(click(slack, messenger, ACTION_IDS[APPROVE]), context)["statusCode"] == 200
    assert notes(dynamodb) == ["This request is no longer on record, so your answer could not be taken."]


def test_a_click_on_the_link_is_acknowledged(
    handler: BotHandler, table: ApprovalTable, slack: Slack, messenger: SlackMessenger, context: Any
) -> None:
    assert handler(click(slack, messenger, OPEN_EXECUTION_ID), context)["statusCode"] == 200
    assert table.get(ID).status is Status.PENDING


def test_a_late_click_expires_the_approval(
    handler: BotHandler,
    table: ApprovalTable,
    slack: Slack,
    messenger: SlackMessenger,
    clock: Clock,
    dynamodb: DynamoDBClient,
    context: Any,
) -> None:
    clock.pass_(hours=1)
    handler(click(slack, messenger, ACTION_IDS[APPROVE]), context)
    assert table.get(ID).status is Status.EXPIRED
    [note] = notes(dynamodb)
    assert note.startswith(f"{ABOUT} Your answer came too late. Expired on ")
    assert "Nobody answered before the deadline" in note


def test_a_base64_encoded_click_counts(
    handler: BotHandler, table: ApprovalTable, slack: Slack, messenger: SlackMessenger, context: Any
) -> None:
    clicked = click(slack, messenger, ACTION_IDS[APPROVE])
    clicked |= {"body": b64encode(clicked["body"].encode()).decode(), "isBase64Encoded": True}
    assert handler(clicked, context)["statusCode"] == 200
    assert table.get(ID).status is Status.APPROVED


FORGED: list[tuple[str, dict[str, Any]]] = [
    ("unsigned", {"headers": {}}),
    ("null headers", {"headers": None}),
    ("an empty body", {"body": ""}),
    ("no body", {"body": None}),
    ("a changed body", {"body": "payload=%7B%7D"}),
    ("a body that is not base64", {"body": "%%%", "isBase64Encoded": True}),
    ("a body that is not UTF-8", {"body": b64encode(b"\xff\xfe").decode(), "isBase64Encoded": True}),
    ("a lone surrogate", {"body": "\ud800"}),
]


@pytest.mark.parametrize(("what", "changes"), FORGED, ids=[case[0] for case in FORGED])
def test_what_slack_did_not_sign_gets_401(
    handler: BotHandler,
    table: ApprovalTable,
    slack: Slack,
    messenger: SlackMessenger,
    what: str,
    changes: dict[str, Any],
    context: Any,
) -> None:
    forged = {**click(slack, messenger, ACTION_IDS[APPROVE]), **changes}
    assert handler(forged, context)["statusCode"] == 401
    assert table.get(ID).status is Status.PENDING


@pytest.mark.parametrize("name", ["X-Slack-Signature", "X-Slack-Request-Timestamp"])
@pytest.mark.parametrize("value", ["", "v0=00", "soon", "-1", "1e9", "ü", "9" * 400])
def test_a_malformed_header_gets_401(
    handler: BotHandler, slack: Slack, messenger: SlackMessenger, name: str, value: str, context: Any
) -> None:
    clicked = click(slack, messenger, ACTION_IDS[APPROVE])
    clicked["headers"][name] = value
    assert handler(clicked, context)["statusCode"] == 401


def test_a_signed_megabyte_gets_401(handler: BotHandler, slack: Slack, messenger: SlackMessenger, context: Any) -> None:
    clicked = click(slack, messenger, ACTION_IDS[APPROVE])
    payload = payload_of(clicked)
    body, headers = slack.sign({**payload, "more": "x" * 2**20})
    assert handler(event(body, headers), context)["statusCode"] == 401


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_replayed_or_postdated_click_gets_401(
    handler: BotHandler,
    table: ApprovalTable,
    slack: Slack,
    messenger: SlackMessenger,
    clock: Clock,
    minutes: int,
    context: Any,
) -> None:
    clicked = click(slack, messenger, ACTION_IDS[APPROVE])
    clock.pass_(minutes=minutes)
    assert handler(clicked, context)["statusCode"] == 401
    assert table.get(ID).status is Status.PENDING


@pytest.mark.parametrize("body", ["payload=", "payload=%7B", "payload=[]", "{", "", "payload=%7B%7D", "a=b"])
def test_a_signed_request_that_makes_no_sense_is_no_server_error(
    handler: BotHandler, slack: Slack, body: str, context: Any
) -> None:
    timestamp = str(int(slack.clock()))
    signed = SignatureVerifier(slack.signing_secret).generate_signature(timestamp=timestamp, body=body)
    headers = {"X-Slack-Signature": signed or "", "X-Slack-Request-Timestamp": timestamp}
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    assert 400 <= handler(event(body, headers), context)["statusCode"] < 500


@pytest.mark.parametrize(
    "damage",
    [
        lambda payload: payload.pop("user"),
        lambda payload: payload.pop("container"),
        lambda payload: payload["actions"][0].pop("value"),
        lambda payload: payload["actions"][0].update(value="../x"),
        lambda payload: payload["actions"][0].update(value=""),
        lambda payload: payload["user"].pop("name"),
        lambda payload: (payload["user"].pop("team_id"), payload.pop("team")),
    ],
)
def test_a_signed_click_with_parts_missing_decides_nothing_it_should_not(
    handler: BotHandler, table: ApprovalTable, slack: Slack, messenger: SlackMessenger, damage: Any, context: Any
) -> None:
    payload = payload_of(click(slack, messenger, ACTION_IDS[APPROVE]))
    damage(payload)
    assert handler(event(*slack.sign(payload)), context)["statusCode"] < 500


def test_a_new_signing_secret_is_taken_up_by_a_warm_function(
    handler: BotHandler,
    table: ApprovalTable,
    slack: Slack,
    messenger: SlackMessenger,
    clock: Clock,
    context: Any,
) -> None:
    slack.signing_secret = "another" * 4
    assert handler(click(slack, messenger, ACTION_IDS[APPROVE]), context)["statusCode"] == 401, "read a moment ago"
    clock.pass_(minutes=1)
    assert handler(click(slack, messenger, ACTION_IDS[APPROVE]), context)["statusCode"] == 200
    assert table.get(ID).status is Status.APPROVED


def test_while_slack_is_not_configured_nobody_can_sign(
    table: ApprovalTable, slack: Slack, messenger: SlackMessenger, clock: Clock, logger: Logger, context: Any
) -> None:
    """Not even with the empty secret."""
    table.add(an_approval())
    clicked = click(slack, messenger, ACTION_IDS[APPROVE])
    slack.signing_secret = ""
    handler = a_bot(table, slack, clock, logger)
    signed = f"v0:{clicked['headers']['X-Slack-Request-Timestamp']}:{clicked['body']}"
    clicked["headers"]["X-Slack-Signature"] = f"v0={hmac.new(b'', signed.encode(), 'sha256').hexdigest()}"
    assert handler(clicked, context)["statusCode"] == 401
    assert table.get(ID).status is Status.PENDING


def test_secrets_manager_failing_makes_no_server_error_of_a_forged_request(
    table: ApprovalTable, slack: Slack, clock: Clock, logger: Logger, context: Any
) -> None:
    answers = [SlackSecret(slack.bot_token, slack.signing_secret)]

    def load() -> SlackSecret:
        if not answers:
            raise EndpointConnectionError(endpoint_url="https://secretsmanager")
        return answers.pop()

    secret = SecretSource(load, clock)
    app = create_app(table=table, secret=secret, api_url="http://127.0.0.1:1/", clock=clock, logger=logger)
    clock.pass_(minutes=2)
    assert BotHandler(app, Guard(secret, clock), logger)(event("x", {}), context)["statusCode"] == 401


@pytest.mark.parametrize("workspace", ["T0ELSEWHERE", "", None])
def test_a_guest_from_another_workspace_can_not_decide(
    handler: BotHandler,
    table: ApprovalTable,
    slack: Slack,
    messenger: SlackMessenger,
    dynamodb: DynamoDBClient,
    workspace: str | None,
    context: Any,
) -> None:
    """A shared channel shows its buttons to both sides; the request waits on, and a note says why."""
    payload = payload_of(click(slack, messenger, ACTION_IDS[APPROVE]))
    payload["user"]["team_id"] = workspace
    payload["team"]["id"] = workspace or "T0ELSEWHERE"
    assert handler(event(*slack.sign(payload)), context)["statusCode"] == 200
    assert table.get(ID).status is Status.PENDING
    assert notes(dynamodb) == [f"{ABOUT} {present.NOT_OF_THE_WORKSPACE}"]


def test_a_click_before_the_message_is_noted_is_asked_for_again(
    table: ApprovalTable,
    slack: Slack,
    messenger: SlackMessenger,
    clock: Clock,
    logger: Logger,
    dynamodb: DynamoDBClient,
    context: Any,
) -> None:
    table.add(an_approval(slack_message=None))
    handler = a_bot(table, slack, clock, logger)
    assert handler(click(slack, messenger, ACTION_IDS[APPROVE]), context)["statusCode"] == 200
    assert table.get(ID).status is Status.PENDING
    assert notes(dynamodb) == [f"{ABOUT} {present.TOO_EARLY}"]
