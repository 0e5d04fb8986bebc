"""The Slack app, with signed requests through Bolt's own dispatch."""

from __future__ import annotations

import hmac
import json
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl

import pytest
from aws_lambda_powertools import Logger
from botocore.exceptions import EndpointConnectionError
from mypy_boto3_dynamodb import DynamoDBClient
from slack_sdk.signature import SignatureVerifier

from approvals.domain import wording
from approvals.domain.eligibility import Reason
from approvals.domain.form_fields import FieldType, FormField
from approvals.domain.model import Action, Approval, MoreTime, People, Person, Presence, Request, Severity, Status
from approvals.services.respond import respond
from approvals.store.table import ApprovalTable
from bot.app import BotHandler, RequestFailedError, create_app
from bot.credentials import SecretSource, SlackSecret
from bot.listeners.buttons import NOT_OPENED
from bot.listeners.modal import NOT_CONFIRMED
from bot.listeners.overflow_menu import NO_EXTENSION, NOTHING_TO_WITHDRAW, USED, WITHDRAWN
from bot.listeners.replies import GONE, NO_ROOM
from bot.messenger import SlackMessenger
from bot.request_verification import REFUSED, RequestVerifier
from bot.views.approval import request_blocks
from bot.views.buttons import ACTION_IDS, EXTEND, MENU_ID, OPEN_EXECUTION_ID, WITHDRAW
from bot.words import NOT_A_MEMBER, NOT_OF_THE_WORKSPACE
from demo.slack import MEMBERS, Modal, Slack, SlackError
from demo.slack import PEOPLE as SLACK_PEOPLE
from tests.broken import leave_no_room
from tests.builders import BOB, NOW, a_response, an_approval
from tests.functional.conftest import (
    REPLIES,
    TABLE,
    Clock,
    as_the_bot_has_it,
)

APPROVE, REJECT = Action
ID = an_approval().id
ABOUT = "\u201cDeploy web 2.4.1\u201d (run-1):"


NOBODYS_COMMENT = dict.fromkeys(Action, Presence.OFF)
"""Then both answers take one tap."""

ALL_MEMBERS = People(
    approvers=tuple(
        Person(id=id_, name=name, identities={"email": f"{name}@example.com", "slack": id_})
        for id_, name in MEMBERS.items()
    )
)
ONE_TAP = an_approval(request=replace(an_approval().request, comments=NOBODYS_COMMENT), people=ALL_MEMBERS)


@pytest.fixture
def handler(table: ApprovalTable, slack: Slack, clock: Clock, logger: Logger) -> BotHandler:
    table.add(ONE_TAP)
    return a_bot(table, slack, clock, logger)


def a_bot(
    table: ApprovalTable, slack: Slack, clock: Clock, logger: Logger, api_url: str = "http://127.0.0.1:1/"
) -> BotHandler:
    """The app with the workspace's secret. The address of its Web API leads nowhere: a call to Slack would fail."""
    secret = SecretSource(lambda: SlackSecret(slack.bot_token, slack.signing_secret), clock)
    app = create_app(table=as_the_bot_has_it(table), secret=secret, api_url=api_url, clock=clock, logger=logger)
    return BotHandler(app, RequestVerifier(secret, clock), logger)


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
    message = messenger.post_request(ONE_TAP)
    return event(*slack.click(message.id, action_id, user))


def payload_of(clicked: dict[str, Any]) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads(parse_qs(clicked["body"])["payload"][0])
    return payload


def notes(dynamodb: DynamoDBClient) -> list[str]:
    return [item["text"]["S"] for item in dynamodb.scan(TableName=REPLIES)["Items"]]


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
    with pytest.raises(RequestFailedError):
        handler(clicked, context)


def test_a_click_that_lost_leaves_a_note_that_says_who_decided(
    handler: BotHandler,
    table: ApprovalTable,
    slack: Slack,
    messenger: SlackMessenger,
    dynamodb: DynamoDBClient,
    context: Any,
) -> None:
    clicked = click(slack, messenger, ACTION_IDS[APPROVE])
    respond(table, ONE_TAP, a_response(REJECT))
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


def test_thirty_clicks_of_somebody_who_may_not_answer_are_one_note_a_minute(scene: Scene, clock: Clock) -> None:
    scene.ask()
    said = []
    for _ in range(3):
        for number in range(30):
            scene.click(ACTION_IDS[APPROVE if number % 2 else REJECT], CAROL)
        said.append(len(scene.notes))
        clock.pass_(minutes=1)
    assert said == [1, 2, 3]
    assert set(scene.notes) == {str(wording.refusal_reply(scene.record, Reason.OWN_REQUEST))}
    scene.click(ACTION_IDS[APPROVE], "U0DAVE0006")
    assert len(scene.notes) == 4, "each person is told"


def test_each_withdrawal_is_told_though_it_is_the_second_in_a_minute(scene: Scene) -> None:
    scene.ask(required_approvals=2)
    for count in (1, 2):
        scene.click(ACTION_IDS[APPROVE])
        scene.choose(WITHDRAW)
        assert scene.notes == [f"{ABOUT} {WITHDRAWN}"] * count


def test_thirty_withdrawals_of_one_response_are_told_twice_in_a_minute_at_most(scene: Scene) -> None:
    scene.ask(required_approvals=2)
    scene.click(ACTION_IDS[APPROVE])
    for _ in range(30):
        scene.choose(WITHDRAW)
    assert scene.notes == [f"{ABOUT} {WITHDRAWN}"] * 2


def test_a_click_that_is_delivered_again_after_the_withdrawal_does_not_approve_again(
    scene: Scene, clock: Clock
) -> None:
    scene.ask(required_approvals=2)
    approve = event(*scene.slack.click(scene.ts, ACTION_IDS[APPROVE], BOBS))
    scene.handler(approve, scene.context)
    scene.offer_withdrawal()
    withdraw = event(*scene.slack.click(scene.ts, MENU_ID, BOBS, f"{WITHDRAW}:{ID}"))
    scene.handler(withdraw, scene.context)
    clock.pass_(minutes=4)
    before = scene.record
    assert scene.handler(approve, scene.context)["statusCode"] == 200
    assert scene.record == before
    assert before.standing == ()
    assert any("You withdrew this response after you sent it" in note for note in scene.notes)
    scene.click(ACTION_IDS[APPROVE])
    stands = scene.record
    assert len(stands.standing) == 1, "a new click counts"
    scene.handler(withdraw, scene.context)
    assert scene.record == stands, "nor is it withdrawn again"
    assert f"{ABOUT} {USED}" in scene.notes


def test_click_that_changed_nothing_does_not_count_after_the_withdrawal(scene: Scene, clock: Clock) -> None:
    scene.ask(required_approvals=2)
    scene.click(ACTION_IDS[APPROVE])
    repeated = event(*scene.slack.click(scene.ts, ACTION_IDS[APPROVE], BOBS))
    scene.handler(repeated, scene.context)
    clock.pass_(seconds=1)
    scene.choose(WITHDRAW)
    clock.pass_(minutes=4)
    before = scene.record
    assert scene.handler(repeated, scene.context)["statusCode"] == 200
    assert scene.record == before
    assert before.standing == ()
    assert any("You withdrew this response after you sent it" in note for note in scene.notes)
    scene.click(ACTION_IDS[APPROVE])
    assert len(scene.record.standing) == 1, "a new click counts"


def test_dialog_that_changed_nothing_does_not_count_after_the_withdrawal(scene: Scene, clock: Clock) -> None:
    scene.ask(required_rejections=2)
    for _ in range(2):
        scene.click(ACTION_IDS[REJECT])
    first, second = (event(*scene.slack.submit(modal.id, {"comment": "no"})) for modal in scene.slack.modals())
    for sent in (first, second):
        scene.handler(sent, scene.context)
    clock.pass_(seconds=1)
    scene.choose(WITHDRAW)
    before = scene.record
    assert before.standing == ()
    answer = scene.handler(second, scene.context)
    assert "nothing was changed" in answer["body"]
    assert scene.record == before


def test_withdrawal_that_changed_nothing_does_not_undo_a_later_response(scene: Scene, clock: Clock) -> None:
    scene.ask(required_approvals=3)
    scene.click(ACTION_IDS[APPROVE], ALICE)
    scene.offer_withdrawal()
    withdraw = event(*scene.slack.click(scene.ts, MENU_ID, BOBS, f"{WITHDRAW}:{ID}"))
    scene.handler(withdraw, scene.context)
    clock.pass_(minutes=1)
    scene.click(ACTION_IDS[APPROVE])
    scene.handler(withdraw, scene.context)
    assert len(scene.record.standing) == 2
    assert f"{ABOUT} {USED}" in scene.notes


def test_double_click_on_the_extension_extends_once_when_it_is_sent_again(scene: Scene, clock: Clock) -> None:
    scene.ask(more_time=MoreTime(3, HOUR))
    scene.choose(EXTEND)
    clock.pass_(seconds=-1)
    second = event(*scene.slack.click(scene.ts, MENU_ID, BOBS, f"{EXTEND}:{ID}"))
    clock.pass_(minutes=4)
    scene.handler(second, scene.context)
    assert scene.record.deadline == NOW + 2 * HOUR


def test_a_dialog_that_is_delivered_again_after_the_withdrawal_does_not_reject_again(scene: Scene) -> None:
    scene.ask(required_rejections=2)
    scene.click(ACTION_IDS[REJECT])
    sent = event(*scene.slack.submit(scene.modal().id, {"comment": "no"}))
    scene.handler(sent, scene.context)
    scene.choose(WITHDRAW)
    before = scene.record
    answer = scene.handler(sent, scene.context)
    assert "nothing was changed" in answer["body"]
    assert scene.record == before
    assert before.standing == ()


def test_more_time_that_is_delivered_again_moves_the_deadline_once(scene: Scene, clock: Clock) -> None:
    scene.ask(more_time=MoreTime(3, HOUR))
    asks = event(*scene.slack.click(scene.ts, MENU_ID, BOBS, f"{EXTEND}:{ID}"))
    scene.handler(asks, scene.context)
    clock.pass_(minutes=4)
    scene.handler(asks, scene.context)
    assert scene.record.deadline == NOW + 2 * HOUR


def test_a_click_on_a_record_that_is_gone_says_so(
    handler: BotHandler, slack: Slack, messenger: SlackMessenger, dynamodb: DynamoDBClient, context: Any
) -> None:
    dynamodb.delete_item(TableName=TABLE, Key={"id": {"S": ID}})
    assert handler(click(slack, messenger, ACTION_IDS[APPROVE]), context)["statusCode"] == 200
    assert notes(dynamodb) == [GONE]


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


@pytest.mark.parametrize(
    "changes",
    [
        {"requestContext": None},
        {"requestContext": {"http": {"method": "GET"}}},
        {"multiValueHeaders": None},
        {"queryStringParameters": {"code": None, "state": "x"}},
        {"isBase64Encoded": None},
        {"cookies": [None]},
    ],
    ids=str,
)
def test_a_click_counts_whatever_else_the_event_says(
    handler: BotHandler,
    table: ApprovalTable,
    slack: Slack,
    messenger: SlackMessenger,
    changes: dict[str, Any],
    context: Any,
) -> None:
    """On each of these Bolt's adapter raises, or answers 404."""
    assert handler({**click(slack, messenger, ACTION_IDS[APPROVE]), **changes}, context)["statusCode"] == 200
    assert table.get(ID).status is Status.APPROVED


@pytest.mark.parametrize(
    "header",
    [
        {"X-Slack-Bolt-Lazy-Only": "1"},
        {"x-slack-bolt-lazy-only": "1", "x-slack-bolt-lazy-function-name": "respond_with"},
        {"X-SLACK-BOLT-LAZY-FUNCTION-NAME": "respond_with"},
        {"Cookie": None},
        {"X-Forwarded-For": 7},
    ],
    ids=str,
)
def test_a_click_counts_whatever_headers_are_added(
    handler: BotHandler,
    table: ApprovalTable,
    slack: Slack,
    messenger: SlackMessenger,
    header: dict[str, Any],
    context: Any,
) -> None:
    """Slack's signature covers no headers, and Bolt's own turn a click into one that no listener gets."""
    clicked = click(slack, messenger, ACTION_IDS[APPROVE])
    clicked["headers"] |= header
    before = json.dumps(clicked)
    assert handler(clicked, context)["statusCode"] == 200
    assert table.get(ID).status is Status.APPROVED
    assert json.dumps(clicked) == before, "the adapter writes into its event"


@pytest.mark.parametrize("body", ["{", "payload=[]", f"payload={'[' * 100_000}", '{"authorizations": [null]}'])
def test_an_unreadable_request_does_not_look_like_a_wrong_signing_secret(
    handler: BotHandler, slack: Slack, monkeypatch: pytest.MonkeyPatch, body: str, context: Any
) -> None:
    logged: list[str] = []
    monkeypatch.setattr(handler._logger, "warning", lambda message, extra: logged.append(message))  # noqa: ARG005
    timestamp = str(int(slack.clock()))
    signed = SignatureVerifier(slack.signing_secret).generate_signature(timestamp=timestamp, body=body)
    headers = {"X-Slack-Signature": signed or "", "X-Slack-Request-Timestamp": timestamp}
    assert handler(event(body, headers), context)["statusCode"] == 401
    assert logged == ["refused a signed request that Bolt can't read"]


FORGED: list[tuple[str, dict[str, Any]]] = [
    ("unsigned", {"headers": {}}),
    ("null headers", {"headers": None}),
    ("an empty body", {"body": ""}),
    ("no body", {"body": None}),
    ("a changed body", {"body": "payload=%7B%7D"}),
    ("a body that is not base64", {"body": "%%%", "isBase64Encoded": True}),
    ("a body that is not UTF-8", {"body": b64encode(b"\xff\xfe").decode(), "isBase64Encoded": True}),
    ("a lone surrogate", {"body": "\ud800"}),
    ("a body that is no text", {"body": {"payload": "{}"}}),
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


@pytest.mark.parametrize(
    ("changes", "signed"), [({"headers": {}}, False), ({"headers": None}, False), ({"body": "payload=%7B%7D"}, True)]
)
def test_the_log_tells_a_wrong_signature_from_none(
    handler: BotHandler,
    slack: Slack,
    messenger: SlackMessenger,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, Any],
    signed: bool,
    context: Any,
) -> None:
    """Many wrong ones mean that the signing secret is wrong: `approvals doctor` looks for them."""
    logged: list[tuple[str, object]] = []
    monkeypatch.setattr(handler._logger, "warning", lambda message, extra: logged.append((message, extra)))
    handler({**click(slack, messenger, ACTION_IDS[APPROVE]), **changes}, context)
    assert logged == [(REFUSED, {"signed": signed})]


@pytest.mark.parametrize("name", ["X-Slack-Signature", "X-Slack-Request-Timestamp"])
@pytest.mark.parametrize("value", ["", "v0=00", "soon", "-1", "1e9", "ü", "9" * 400])
def test_a_malformed_header_gets_401(
    handler: BotHandler, slack: Slack, messenger: SlackMessenger, name: str, value: str, context: Any
) -> None:
    clicked = click(slack, messenger, ACTION_IDS[APPROVE])
    clicked["headers"][name] = value
    assert handler(clicked, context)["statusCode"] == 401


@pytest.mark.parametrize(
    "check",
    [
        {"httpMethod": "POST", "body": "ssl_check=1"},
        {"httpMethod": "POST", "body": "token=x&ssl_check=1&team_id=T0"},
        {"httpMethod": "POST", "body": b64encode(b"ssl_check=1").decode(), "isBase64Encoded": True},
        {"httpMethod": "GET", "body": None, "queryStringParameters": {"ssl_check": "1", "token": "x"}},
    ],
)
def test_check_of_the_certificate_gets_200_unsigned(handler: BotHandler, context: Any, check: dict[str, Any]) -> None:
    assert handler({"headers": {}, **check}, context) == {"statusCode": 200, "body": ""}


@pytest.mark.parametrize(
    "other",
    [
        {"httpMethod": "POST", "body": "ssl_check=0"},
        {"httpMethod": "POST", "body": "text=ssl_check%3D1"},
        {"httpMethod": "POST", "body": "ssl_check=1" + "&a=1" * 1000},
        {"httpMethod": "GET", "body": None, "queryStringParameters": None},
        {"httpMethod": "GET", "body": "ssl_check=1", "queryStringParameters": {"ssl_check": "yes"}},
    ],
)
def test_what_only_looks_like_a_check_gets_401(handler: BotHandler, context: Any, other: dict[str, Any]) -> None:
    assert handler({"headers": {}, **other}, context)["statusCode"] == 401


def test_what_is_longer_than_any_dialog_gets_401_though_it_is_signed(
    handler: BotHandler, slack: Slack, messenger: SlackMessenger, context: Any
) -> None:
    clicked = click(slack, messenger, ACTION_IDS[APPROVE])
    payload = payload_of(clicked)
    body, headers = slack.sign({**payload, "more": "x" * 2**22})
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


@pytest.mark.parametrize(
    "body",
    [
        "payload=",
        "payload=%7B",
        "payload=[]",
        "{",
        "",
        "payload=%7B%7D",
        "a=b",
        "payload=%7B%22type%22:%22view_submission%22%7D",
        "payload=%7B%22type%22:%22other%22,%22view%22:[]%7D",
        "payload=%7B%22type%22:%22event_callback%22,%22event%22:[]%7D",
    ],
)
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


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize(
    "damage",
    [
        lambda payload: payload["container"].update(channel_id="ü" * 256),
        lambda payload: payload["user"].update(id="U" * 256),
        lambda payload: payload["user"].update(name="x" * 500_000),
        lambda payload: payload.update(trigger_id="1" * 4000),
    ],
)
def test_a_signed_click_with_a_part_that_is_too_long_gets_401_and_records_nothing(
    handler: BotHandler,
    table: ApprovalTable,
    slack: Slack,
    messenger: SlackMessenger,
    action: Action,
    damage: Any,
    context: Any,
) -> None:
    """It fits in no dialog, or in no record."""
    payload = payload_of(click(slack, messenger, ACTION_IDS[action]))
    damage(payload)
    assert handler(event(*slack.sign(payload)), context)["statusCode"] == 401
    assert table.get(ID).version == 1


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
    table.add(ONE_TAP)
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
    app = create_app(
        table=as_the_bot_has_it(table), secret=secret, api_url="http://127.0.0.1:1/", clock=clock, logger=logger
    )
    clock.pass_(minutes=2)
    assert BotHandler(app, RequestVerifier(secret, clock), logger)(event("x", {}), context)["statusCode"] == 401


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
    assert handler(event(*slack.sign(payload)), context)["statusCode"] == 200
    assert table.get(ID).status is Status.PENDING
    assert notes(dynamodb) == [str(wording.refusal_reply(ONE_TAP, Reason.OTHER_WORKSPACE))]
    [attempt] = table.get(ID).refusals
    assert (attempt.approver.id, attempt.action, attempt.reason) == ("U0BOB00002", APPROVE, Reason.OTHER_WORKSPACE)


def test_a_click_before_the_message_is_noted_is_asked_for_again(
    table: ApprovalTable,
    slack: Slack,
    messenger: SlackMessenger,
    clock: Clock,
    logger: Logger,
    dynamodb: DynamoDBClient,
    context: Any,
) -> None:
    table.add(replace(ONE_TAP, deliveries=()))
    handler = a_bot(table, slack, clock, logger)
    assert handler(click(slack, messenger, ACTION_IDS[APPROVE]), context)["statusCode"] == 200
    assert table.get(ID).status is Status.PENDING
    assert notes(dynamodb) == [f"{ABOUT} {wording.TOO_EARLY}"]


# ---------------------------------------------------------------- what needs Slack's own answer: dialogs


@pytest.fixture
def web_api(slack: Slack) -> Iterator[str]:
    """The stand-in behind a real address, as the app's own client calls it."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            is_json = "json" in self.headers["Content-Type"]
            parameters = json.loads(body) if is_json else dict(parse_qsl(body))
            status = slack.fail_with or 200
            method = self.path.removeprefix("/")
            answer = slack.call(method, self.headers["Authorization"], parameters) if status == 200 else {"ok": False}
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


ALICE, BOBS, CAROL, _DAVE = MEMBERS
PEOPLE = People(
    approvers=(
        Person(id="alice@example.com", name="alice", identities={"email": "alice@example.com", "slack": ALICE}),
        Person(id="bob@example.com", name="bob", identities={"email": "bob@example.com", "slack": BOBS}),
    ),
    requester=Person(id="carol@example.com", name="carol", identities={"email": "carol@example.com", "slack": CAROL}),
)
HOUR = timedelta(hours=1)
BY_BOB = "Approved by bob in Slack on Mon 23 Nov 2026, 09:00 UTC"


@dataclass
class Scene:
    """A request in Slack, and people at it."""

    slack: Slack
    table: ApprovalTable
    messenger: SlackMessenger
    handler: BotHandler
    dynamodb: DynamoDBClient
    context: Any
    ts: str = ""
    asked: Approval = ONE_TAP

    def ask(self, *, people: People | None = None, **changes: Any) -> None:
        """Puts a request to alice and bob, or to others, on record, and its message into the channel."""
        request = Request(title="Deploy web 2.4.1", timeout=HOUR, **changes)
        self.asked = an_approval(request=request, people=people or PEOPLE)
        self.ts = self.messenger.post_request(self.asked).id
        self.table.add(self.asked)

    def click(self, action_id: str, user: str = BOBS, option: str | None = None) -> dict[str, Any]:
        answer = self.handler(event(*self.slack.click(self.ts, action_id, user, option)), self.context)
        assert (answer["statusCode"], answer["body"]) == (200, "")
        return answer

    def offer_withdrawal(self) -> None:
        """Edit the message as `notify` does after a response: then its menu offers to withdraw."""
        shown = request_blocks(replace(self.asked, responses=(a_response(),)))
        messages = self.slack._messages
        messages[self.ts] = replace(messages[self.ts], blocks=tuple(block.to_dict() for block in shown))

    def choose(self, word: str, user: str = BOBS) -> None:
        self.offer_withdrawal()
        self.click(MENU_ID, user, f"{word}:{ID}")

    def modal(self) -> Modal:
        [modal] = self.slack.modals()
        return modal

    def submit(self, *, checked: bool = True, **values: str) -> None:
        """Sends the dialog off with what is filled in already and these values, and does what the app answers."""
        modal = self.modal()
        named = {name.replace("form_", "form."): value for name, value in values.items()}
        body, headers = self.slack.submit(modal.id, {**modal.initial(), **named}, checked=checked)
        answer = self.handler(event(body, headers), self.context)
        assert answer["statusCode"] == 200
        self.slack.answered(modal.id, answer["body"])

    @property
    def record(self) -> Approval:
        return self.table.get(ID)

    def is_(self, status: Status) -> bool:
        return self.record.status is status

    @property
    def notes(self) -> list[str]:
        return notes(self.dynamodb)


@pytest.fixture
def scene(
    slack: Slack,
    table: ApprovalTable,
    messenger: SlackMessenger,
    dynamodb: DynamoDBClient,
    clock: Clock,
    logger: Logger,
    web_api: str,
    context: Any,
) -> Scene:
    return Scene(slack, table, messenger, a_bot(table, slack, clock, logger, web_api), dynamodb, context)


@pytest.mark.parametrize("alone", [True, False])
def test_a_dialog_opened_from_a_message_that_they_alone_see_leads_to_a_note(scene: Scene, alone: bool) -> None:
    """Nothing edits that message when the answer counts."""
    scene.ask()
    if alone:
        scene.slack._messages[scene.ts] = replace(scene.slack.messages()[0], ephemeral_to=BOBS)
    scene.click(ACTION_IDS[REJECT])
    scene.submit(comment="Not before Monday")
    assert scene.is_(Status.REJECTED)
    assert [note.startswith(f"{ABOUT} Rejected by bob in Slack") for note in scene.notes] == [True] * alone


def test_approve_takes_one_tap_and_reject_asks_why(scene: Scene) -> None:
    scene.ask()
    scene.click(ACTION_IDS[REJECT])
    assert scene.is_(Status.PENDING)
    assert list(scene.modal().inputs()) == ["comment"]
    scene.submit(comment="  Not before Monday\r\nnor after  ")
    assert scene.slack.modals() == []
    decision = scene.record.decision
    assert decision is not None
    assert (decision.status, decision.comment) == (Status.REJECTED, "Not before Monday\nnor after")
    assert scene.notes == []


def test_a_rejection_needs_no_reason_where_none_is_required(scene: Scene) -> None:
    scene.ask()
    scene.click(ACTION_IDS[REJECT])
    scene.submit()
    assert scene.is_(Status.REJECTED)


def test_a_required_reason_is_asked_for_at_its_field_and_what_was_typed_stays(scene: Scene) -> None:
    scene.ask(comments=dict.fromkeys(Action, Presence.REQUIRED))
    scene.click(ACTION_IDS[APPROVE])
    with pytest.raises(SlackError, match="comment"):
        scene.submit()
    scene.submit(checked=False, comment="  ")
    assert scene.modal().errors == {"comment": "Please say why."}
    assert scene.is_(Status.PENDING)
    scene.submit(comment="Tested")
    decision = scene.record.decision
    assert decision is not None
    assert (decision.status, decision.comment) == (Status.APPROVED, "Tested")


@pytest.mark.parametrize("comment", ["Fine\u200b", "Fi\x1bne", "\u202eFine", "Fine\u2800"])
def test_a_comment_with_a_hidden_character_is_refused_at_its_field(scene: Scene, comment: str) -> None:
    scene.ask(comments=dict.fromkeys(Action, Presence.REQUIRED))
    scene.click(ACTION_IDS[APPROVE])
    scene.submit(comment=comment)
    assert scene.modal().errors["comment"].startswith("Please remove the hidden character U+")
    assert scene.is_(Status.PENDING)
    scene.submit(comment="Fine \U0001f469\u200d\U0001f4bb")
    assert scene.is_(Status.APPROVED)


def test_a_comment_longer_than_the_page_takes_is_refused_at_its_field(scene: Scene) -> None:
    scene.ask()
    scene.click(ACTION_IDS[REJECT])
    scene.submit(checked=False, comment="x" * 1001)
    assert scene.modal().errors == {"comment": "It has 1,001 characters; at most 1,000 fit. Please shorten it."}
    assert scene.is_(Status.PENDING)


FORM = (
    FormField(name="Amount", label="Amount", type=FieldType.NUMBER, default=120, minimum=1, maximum=500, required=True),
    FormField(name="Reason", label="Reason", type=FieldType.CHOICE, choices=("Lost", "Late"), default="Lost"),
    FormField(name="Many", label="Many", type=FieldType.CHOICE, choices=tuple("abcdefghijklm")),
    FormField(name="Insured", label="Insured", type=FieldType.YES_NO, default=False),
    FormField(name="Day", label="Day", type=FieldType.DATE, minimum="2026-11-01"),
    FormField(name="Words", label="Words", type=FieldType.TEXT, max_length=10),
)


def test_a_form_is_filled_in_with_its_defaults_and_changed(scene: Scene) -> None:
    scene.ask(form=FORM)
    scene.click(ACTION_IDS[APPROVE])
    scene.submit(form_Amount="99.5", form_Many="m", form_Insured="yes", form_Day="2026-12-24", form_Words="two words")
    [response] = scene.record.responses
    assert response.form == {
        "Amount": 99.5,
        "Reason": "Lost",
        "Many": "m",
        "Insured": True,
        "Day": "2026-12-24",
        "Words": "two words",
    }
    assert scene.is_(Status.APPROVED)


def test_what_is_wrong_in_a_form_is_said_at_each_field(scene: Scene) -> None:
    scene.ask(form=FORM)
    scene.click(ACTION_IDS[APPROVE])
    wrong = {"Amount": "501", "Reason": "Stolen", "Insured": "maybe", "Day": "2026-10-31", "Words": "x" * 11}
    scene.submit(checked=False, **{f"form_{name}": value for name, value in wrong.items()})
    assert scene.modal().errors.keys() == {f"form.{name}" for name in wrong}
    assert scene.modal().errors["form.Amount"] == "Please give a number from 1 to 500."
    scene.submit(checked=False, form_Amount="")
    assert scene.modal().errors == {"form.Amount": "Please fill this in."}
    assert scene.record.responses == ()


def test_a_rejection_asks_for_no_form(scene: Scene) -> None:
    scene.ask(form=FORM)
    scene.click(ACTION_IDS[REJECT])
    scene.submit(comment="no")
    [response] = scene.record.responses
    assert response.form == {}


def test_an_answer_of_high_severity_needs_its_box_ticked(scene: Scene) -> None:
    scene.ask(severity=Severity.HIGH)
    scene.click(ACTION_IDS[REJECT])
    scene.submit(checked=False, comment="no")
    assert scene.modal().errors == {"sure": NOT_CONFIRMED}
    assert scene.is_(Status.PENDING)
    scene.submit(comment="no", sure="yes")
    assert scene.is_(Status.REJECTED)


def test_a_stranger_gets_a_note_in_the_place_of_a_dialog_and_the_attempt_is_kept(scene: Scene) -> None:
    scene.ask()
    for action in (REJECT, APPROVE):
        scene.click(ACTION_IDS[action], CAROL)
    assert scene.slack.modals() == []
    assert set(scene.notes) == {str(wording.refusal_reply(scene.record, Reason.OWN_REQUEST))}
    [attempt] = scene.record.refusals
    assert (attempt.approver.id, attempt.action) == (CAROL, REJECT)
    assert scene.is_(Status.PENDING)


def without_a_workspace(payload: dict[str, Any]) -> None:
    payload["user"].pop("team_id")


def on_a_grid(payload: dict[str, Any]) -> None:
    """An organization's payload: https://github.com/slackapi/bolt-js/issues/1875."""
    payload["user"].pop("team_id")
    payload |= {"team": None, "enterprise": {"id": "E0ORG00001"}, "is_enterprise_install": True}


def with_an_empty_workspace(payload: dict[str, Any]) -> None:
    payload["user"]["team_id"] = ""


def with_null_for_a_workspace(payload: dict[str, Any]) -> None:
    payload["user"]["team_id"] = None


@pytest.mark.parametrize("damage", [without_a_workspace, with_an_empty_workspace, with_null_for_a_workspace, on_a_grid])
@pytest.mark.parametrize("what", ["click", "menu", "dialog"])
def test_without_the_users_own_workspace_nobody_is_a_member(
    scene: Scene, damage: Callable[[dict[str, Any]], None], what: str
) -> None:
    """Not even where the payload's own team is the right one: guests from elsewhere click there, too."""
    if what == "dialog":
        payload = submission(scene)
    else:
        scene.ask(required_approvals=2)
        scene.offer_withdrawal()
        clicked = (ACTION_IDS[APPROVE], BOBS) if what == "click" else (MENU_ID, BOBS, f"{WITHDRAW}:{ID}")
        payload = payload_of(event(*scene.slack.click(scene.ts, *clicked)))
    damage(payload)
    answer = scene.handler(event(*scene.slack.sign(payload)), scene.context)
    assert answer["statusCode"] == 200
    assert scene.record.responses == ()
    said = [answer["body"]] if what == "dialog" else scene.notes
    assert NOT_OF_THE_WORKSPACE in said[0]


@pytest.mark.parametrize("wrong", [7, [], {}, True, "T" * 256])
def test_a_workspace_that_is_no_text_gets_401(scene: Scene, wrong: object) -> None:
    scene.ask()
    payload = payload_of(event(*scene.slack.click(scene.ts, ACTION_IDS[APPROVE], BOBS)))
    payload["user"]["team_id"] = wrong
    status = scene.handler(event(*scene.slack.sign(payload)), scene.context)["statusCode"]
    assert (status, scene.record.responses) == (401 if wrong else 200, ())


GIL, UMA, ROBOT, SLACKBOT, GONE_USER = "U0GIL00007", "U0UMA00008", "U0APPBOT00", "USLACKBOT", "U0GONE0005"
INVITED = "U0INA00009"


def ask_anybody(scene: Scene, **changes: Any) -> None:
    scene.ask(**{"comments": NOBODYS_COMMENT, **changes}, people=People(requester=PEOPLE.requester))


@pytest.mark.parametrize("user", [GIL, UMA, ROBOT, SLACKBOT, GONE_USER, INVITED])
def test_guests_of_the_workspace_and_bots_may_not_answer_what_names_nobody(scene: Scene, user: str) -> None:
    """Nor who was deactivated and still has a click under way. Bots can't click, unless Slack lets them one day."""
    ask_anybody(scene, more_time=MoreTime(1, HOUR))
    scene.click(ACTION_IDS[APPROVE], user)
    scene.choose(EXTEND, user)
    assert scene.is_(Status.PENDING)
    assert (scene.record.responses, scene.record.extensions) == ((), ())
    assert set(scene.notes) == {str(wording.refusal_reply(scene.record, Reason.NOT_A_MEMBER))}
    assert [refusal.reason for refusal in scene.record.refusals] == [Reason.NOT_A_MEMBER]


def test_a_guest_who_sends_a_dialog_off_is_refused_in_it(scene: Scene) -> None:
    ask_anybody(scene, comments=dict.fromkeys(Action, Presence.OPTIONAL))
    scene.click(ACTION_IDS[REJECT], GIL)
    scene.submit(comment="no")
    assert NOT_A_MEMBER in json.dumps(scene.modal().view["blocks"])
    assert scene.record.responses == ()


def test_a_guest_whom_the_request_names_may_answer_and_slack_is_not_asked(scene: Scene) -> None:
    named = People(approvers=(Person(id=GIL, name="gil", identities={"slack": GIL}),))
    scene.ask(comments=NOBODYS_COMMENT, people=named)
    scene.slack._calls.clear()
    scene.click(ACTION_IDS[APPROVE], GIL)
    assert scene.is_(Status.APPROVED)
    assert scene.slack.calls() == []


def test_a_member_answers_what_names_nobody_after_one_look_at_slack(scene: Scene) -> None:
    ask_anybody(scene, required_approvals=2)
    scene.slack._calls.clear()
    for _ in range(2):
        scene.click(ACTION_IDS[APPROVE])
        scene.choose(WITHDRAW)
    scene.click(ACTION_IDS[APPROVE])
    assert [json.loads(call)["method"] for call in scene.slack.calls()] == ["users.info"]
    scene.click(ACTION_IDS[APPROVE], ALICE)
    assert scene.is_(Status.APPROVED)


@pytest.mark.parametrize("status", [500, 429])
def test_while_slack_does_not_say_who_is_a_member_nothing_is_recorded_and_they_may_try_again(
    scene: Scene, status: int, clock: Clock
) -> None:
    ask_anybody(scene)
    scene.slack.fail_with = status
    scene.click(ACTION_IDS[APPROVE])
    assert scene.record.version == 1
    assert scene.notes == [str(wording.refusal_reply(scene.record, Reason.UNCHECKED))]
    scene.slack.fail_with = None
    scene.click(ACTION_IDS[APPROVE])
    assert scene.is_(Status.APPROVED)


def test_who_responded_may_withdraw_while_slack_does_not_answer(scene: Scene) -> None:
    ask_anybody(scene, required_approvals=2)
    scene.click(ACTION_IDS[APPROVE])
    scene.slack.fail_with = 500
    scene.choose(WITHDRAW)
    assert scene.record.standing == ()


def test_a_new_token_is_taken_up_where_slack_is_asked_who_is_a_member(scene: Scene, clock: Clock) -> None:
    ask_anybody(scene)
    scene.slack.bot_token = "xoxb-another-0123456789"
    clock.pass_(minutes=1)
    scene.click(ACTION_IDS[APPROVE])
    assert scene.is_(Status.PENDING)
    scene.click(ACTION_IDS[APPROVE])
    assert scene.is_(Status.APPROVED)


def test_the_requester_is_known_by_slack_id_whatever_their_address_is_now(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is who is looked up when the request is sent."""
    ask_anybody(scene)
    monkeypatch.setitem(SLACK_PEOPLE, CAROL, replace(SLACK_PEOPLE[CAROL], email="somebody.else@example.com"))
    scene.click(ACTION_IDS[APPROVE], CAROL)
    assert scene.is_(Status.PENDING)
    assert scene.notes == [str(wording.refusal_reply(scene.record, Reason.OWN_REQUEST))]


def test_a_guest_from_another_workspace_gets_no_dialog(scene: Scene) -> None:
    scene.ask()
    scene.click(ACTION_IDS[REJECT], "U0GUEST004")
    assert scene.slack.modals() == []
    assert scene.notes == [str(wording.refusal_reply(scene.record, Reason.OTHER_WORKSPACE))]


def test_nobody_answers_before_it_is_known_who_may(scene: Scene) -> None:
    scene.ask()
    scene.dynamodb.delete_item(TableName=TABLE, Key={"id": {"S": ID}})
    scene.table.add(an_approval(people=None, request=Request(timeout=HOUR)))
    for action in Action:
        scene.click(ACTION_IDS[action])
    assert scene.slack.modals() == []
    assert set(scene.notes) == {str(wording.refusal_reply(scene.record, Reason.TOO_EARLY))}
    assert scene.record.version == 1


def test_a_dialog_that_was_open_too_long_says_who_was_faster(scene: Scene) -> None:
    scene.ask()
    scene.click(ACTION_IDS[REJECT])
    scene.click(ACTION_IDS[APPROVE], ALICE)
    scene.submit(comment="no")
    assert scene.is_(Status.APPROVED)
    shown = json.dumps(scene.modal().view["blocks"])
    assert "Somebody was faster. Approved by alice in Slack" in shown
    assert "submit" not in scene.modal().view


def test_a_dialog_sent_after_the_deadline_expires_the_request_and_says_so(scene: Scene, clock: Clock) -> None:
    scene.ask()
    scene.click(ACTION_IDS[REJECT])
    clock.pass_(hours=1)
    scene.submit(comment="no")
    assert scene.is_(Status.EXPIRED)
    assert "Your answer came too late. Expired on" in json.dumps(scene.modal().view["blocks"])


def test_a_dialog_about_a_record_that_is_gone_says_so(scene: Scene) -> None:
    scene.ask()
    scene.click(ACTION_IDS[REJECT])
    scene.dynamodb.delete_item(TableName=TABLE, Key={"id": {"S": ID}})
    scene.submit(comment="no")
    assert GONE in json.dumps(scene.modal().view["blocks"])


def test_no_dialog_opens_once_it_is_decided_or_too_late(scene: Scene, clock: Clock) -> None:
    scene.ask()
    clock.pass_(hours=1)
    scene.click(ACTION_IDS[REJECT])
    scene.click(ACTION_IDS[REJECT], ALICE)
    assert scene.slack.modals() == []
    assert scene.is_(Status.EXPIRED)
    assert all("Your answer came too late." in note for note in scene.notes)
    assert len(scene.notes) == 2


@pytest.mark.parametrize("outage", ["slack", "trigger", "token"])
def test_a_dialog_that_slack_does_not_open_leaves_a_note_and_records_nothing(
    scene: Scene, clock: Clock, outage: str
) -> None:
    scene.ask()
    signed = scene.slack.click(scene.ts, ACTION_IDS[REJECT], BOBS)
    if outage == "slack":
        scene.slack.fail_with = 500
    elif outage == "trigger":
        clock.pass_(seconds=4)
    else:
        scene.slack.bot_token = "xoxb-another-0123456789"
    assert scene.handler(event(*signed), scene.context)["statusCode"] == 200
    assert scene.notes == [NOT_OPENED]
    assert scene.record.version == 1


def test_a_new_token_is_taken_up_after_slack_refused_the_old_one(scene: Scene, clock: Clock) -> None:
    scene.ask()
    scene.slack.bot_token = "xoxb-another-0123456789"
    clock.pass_(minutes=1)
    scene.click(ACTION_IDS[REJECT])
    assert scene.slack.modals() == []
    scene.click(ACTION_IDS[REJECT])
    assert scene.modal().user_id == BOBS


def test_one_of_two_approvals_counts_without_a_note(scene: Scene) -> None:
    scene.ask(required_approvals=2)
    scene.click(ACTION_IDS[APPROVE])
    assert scene.notes == []
    assert [response.person for response in scene.record.standing] == ["bob@example.com"]
    assert scene.is_(Status.PENDING)
    scene.click(ACTION_IDS[APPROVE])
    assert scene.notes == [f"{ABOUT} Your answer was recorded already. 1 of 2 approvals. {BY_BOB}."]
    scene.click(ACTION_IDS[APPROVE], ALICE)
    assert scene.is_(Status.APPROVED)


def test_who_answered_must_take_it_back_before_answering_otherwise(scene: Scene) -> None:
    scene.ask(required_approvals=2)
    scene.click(ACTION_IDS[APPROVE])
    scene.click(ACTION_IDS[REJECT])
    assert scene.slack.modals() == []
    assert scene.notes == [f"{ABOUT} You answered otherwise before. Take that answer back first."]
    scene.choose(WITHDRAW)
    assert f"{ABOUT} {WITHDRAWN}" in scene.notes
    assert scene.record.standing == ()
    scene.click(ACTION_IDS[REJECT])
    scene.submit(comment="no")
    assert scene.is_(Status.REJECTED)


def test_there_is_nothing_to_take_back_before_an_answer(scene: Scene) -> None:
    scene.ask(required_approvals=2)
    scene.choose(WITHDRAW)
    assert scene.notes == [f"{ABOUT} {NOTHING_TO_WITHDRAW}"]
    assert scene.record.version == 1


def test_more_time_moves_the_deadline_as_often_as_the_request_allows(scene: Scene) -> None:
    scene.ask(more_time=MoreTime(1, HOUR))
    scene.choose(EXTEND)
    assert scene.record.deadline == NOW + 2 * HOUR
    assert scene.notes == []
    scene.choose(EXTEND, ALICE)
    assert scene.notes == [f"{ABOUT} {NO_EXTENSION}"]
    assert scene.record.deadline == NOW + 2 * HOUR


@pytest.mark.parametrize("word", [WITHDRAW, EXTEND])
def test_a_stranger_can_use_no_choice_of_the_menu(scene: Scene, word: str) -> None:
    scene.ask(required_approvals=2, more_time=MoreTime(1, HOUR))
    scene.choose(word, CAROL)
    assert scene.notes == [str(wording.refusal_reply(scene.record, Reason.OWN_REQUEST))]
    assert scene.record.version == 1


@pytest.mark.parametrize("word", [WITHDRAW, EXTEND])
def test_after_the_decision_the_menu_changes_nothing(scene: Scene, word: str) -> None:
    scene.ask(required_approvals=2, more_time=MoreTime(1, HOUR))
    for user in (BOBS, ALICE):
        scene.click(ACTION_IDS[APPROVE], user)
    before = scene.record
    scene.choose(word)
    assert scene.record == before
    [note] = scene.notes
    assert "too late for that: nothing was changed. Approved by alice in Slack" in note


def test_the_menu_on_a_record_that_is_gone_says_so(scene: Scene) -> None:
    scene.ask(required_approvals=2)
    scene.dynamodb.delete_item(TableName=TABLE, Key={"id": {"S": ID}})
    scene.choose(WITHDRAW)
    assert scene.notes == [GONE]


def submission(scene: Scene) -> dict[str, Any]:
    """A dialog sent off, as its payload."""
    scene.ask()
    scene.click(ACTION_IDS[REJECT])
    return payload_of(event(*scene.slack.submit(scene.modal().id, {"comment": "no"})))


def change(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    def damage(payload: dict[str, Any]) -> None:
        *parents, last = path.split("/")
        for parent in parents:
            payload = payload[parent]
        payload[last] = value

    return damage


DAMAGES = {
    "no view": change("view", None),
    "a view that is a list": change("view", []),
    "no callback id": change("view/callback_id", None),
    "no metadata": change("view/private_metadata", None),
    "metadata that is no JSON": change("view/private_metadata", "{"),
    "metadata that is a list": change("view/private_metadata", "[]"),
    "metadata nested deeply": change("view/private_metadata", "[" * 100_000),
    "another id": change("view/private_metadata", '{"approval": "../x", "action": "reject", "channel": "C"}'),
    "an id that is a list": change("view/private_metadata", '{"approval": [], "action": "reject", "channel": "C"}'),
    "another action": change("view/private_metadata", f'{{"approval": "{ID}", "action": "x", "channel": "C"}}'),
    "an action that is a list": change(
        "view/private_metadata", f'{{"approval": "{ID}", "action": [], "channel": "C"}}'
    ),
    "a channel that is half a surrogate pair": change(
        "view/private_metadata", f'{{"approval": "{ID}", "action": "reject", "channel": "\\ud800"}}'
    ),
    "an id of its own that is half a surrogate pair": change("view/id", "\ud800"),
    "an id of its own that is too long": change("view/id", "V" * 256),
    "no state": change("view/state", None),
    "values that are a list": change("view/state/values", [1]),
    "an input that is a text": change("view/state/values/comment", "x"),
    "an input without a value": change("view/state/values/comment", {}),
    "a value that is a number": change("view/state/values/comment/value", {"value": 7}),
    "a choice that is a text": change("view/state/values/comment/value", {"selected_option": "x"}),
    "choices that are an object": change("view/state/values/comment/value", {"selected_options": {"a": 1}}),
    "half a surrogate pair": change("view/state/values/comment/value", {"value": "\ud800"}),
    "no user": change("user", None),
    "a user without an id": change("user", {}),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_a_signed_dialog_that_makes_no_sense_gets_401_and_records_nothing(scene: Scene, what: str) -> None:
    payload = submission(scene)
    DAMAGES[what](payload)
    assert scene.handler(event(*scene.slack.sign(payload)), scene.context)["statusCode"] == 401
    assert scene.record.version == 1


@pytest.mark.parametrize("value", ["", "x", f"escalate:{ID}", f"withdraw:{'a' * 5}", ID, f":{ID}", None, 7, []])
def test_a_choice_that_the_menu_does_not_have_gets_401(scene: Scene, value: object) -> None:
    scene.ask(required_approvals=2)
    scene.offer_withdrawal()
    payload = payload_of(event(*scene.slack.click(scene.ts, MENU_ID, BOBS, f"{WITHDRAW}:{ID}")))
    payload["actions"][0]["selected_option"]["value"] = value
    assert scene.handler(event(*scene.slack.sign(payload)), scene.context)["statusCode"] == 401


def test_a_dialog_that_slack_did_not_sign_gets_401(scene: Scene) -> None:
    payload = submission(scene)
    body, headers = scene.slack.sign(payload)
    forged = {**headers, "X-Slack-Signature": f"v0={'0' * 64}"}
    assert scene.handler(event(body, forged), scene.context)["statusCode"] == 401
    assert scene.record.version == 1


def test_an_escalation_between_look_and_click_opens_the_dialog_and_takes_no_bare_answer(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal meets a newer version, by which the person may answer: they must be asked why all the same."""
    scene.ask()
    looked = replace(scene.record, people=replace(PEOPLE, approvers=PEOPLE.approvers[:1]))
    respond(scene.table, scene.record, replace(a_response(REJECT), approver=replace(BOB, id="U0NOBODY99")))
    monkeypatch.setattr(scene.table, "get", iter_then(scene.table.get, looked))
    scene.click(ACTION_IDS[REJECT])
    assert scene.modal().user_id == BOBS
    assert scene.record.responses == ()


def iter_then(get: Callable[[str], Approval], first: Approval) -> Callable[[str], Approval]:
    """Returns one approval first, then what `get` does."""
    answers = [first]
    return lambda id_: answers.pop() if answers else get(id_)


def test_a_tap_that_the_record_has_no_room_for_is_told_and_not_repeated(scene: Scene) -> None:
    scene.ask(comments=NOBODYS_COMMENT, more_time=MoreTime(1, HOUR))
    leave_no_room(scene.dynamodb)
    scene.click(ACTION_IDS[APPROVE])
    scene.choose(EXTEND)
    assert [NO_ROOM in note for note in scene.notes] == [True], "the same words, once a minute"
    assert scene.is_(Status.PENDING)


def test_a_dialog_that_the_record_has_no_room_for_says_so(scene: Scene) -> None:
    scene.ask()
    scene.click(ACTION_IDS[REJECT])
    leave_no_room(scene.dynamodb)
    scene.submit(comment="x" * 1000)
    assert NO_ROOM in json.dumps(scene.modal().view)
    assert scene.is_(Status.PENDING)
