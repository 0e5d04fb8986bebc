"""The Slack app, with signed requests through Bolt's own dispatch."""

from __future__ import annotations

import hmac
import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import EndpointConnectionError
from mypy_boto3_dynamodb import DynamoDBClient
from slack_sdk.signature import SignatureVerifier

from approvals.domain.eligibility import Reason
from approvals.domain.form_fields import FieldType, FormField
from approvals.domain.model import Action, Approval, MoreTime, Presence, Request, Severity, Status
from approvals.domain.people import People, Person
from approvals.domain.refusal_wording import TOO_EARLY, refusal_reply
from approvals.services.respond import respond
from approvals.store.table import ApprovalTable
from bot.app import BotHandler, RequestFailedError, create_app
from bot.credentials import SecretSource, SlackSecret
from bot.listeners.buttons import NOT_OPENED
from bot.listeners.modal import NOT_CONFIRMED
from bot.listeners.overflow_menu import NO_EXTENSION, NOTHING_TO_WITHDRAW, TOO_LATE, USED, WITHDRAWN
from bot.listeners.replies import GONE, NO_ROOM
from bot.messenger import SlackMessenger
from bot.request_verification import REFUSED, RequestVerifier
from bot.views.buttons import ACTION_IDS, EXTEND, MENU_ID, OPEN_EXECUTION_ID, WITHDRAW
from bot.words import NOT_A_MEMBER, NOT_OF_THE_WORKSPACE
from demo.slack import PEOPLE as SLACK_PEOPLE
from demo.slack import Slack, SlackError
from tests.support.broken_records import leave_no_room
from tests.support.builders import APPROVE, BOB, HOUR, NOW, REJECT, a_response, an_approval
from tests.support.fakes import Clock
from tests.support.slack_app import (
    ALICE,
    BOBS,
    CAROL,
    DAVE,
    GIL,
    GONE_USER,
    ID,
    INVITED,
    NOBODYS_COMMENT,
    ONE_TAP,
    PEOPLE,
    ROBOT,
    SLACKBOT,
    UMA,
    Workspace,
    a_bot,
    event,
)
from tests.support.tables import TABLE, as_the_bot_has_it

ABOUT = "\u201cDeploy web 2.4.1\u201d [bclqip]:"


@pytest.fixture
def one_tap(
    slack: Slack,
    table: ApprovalTable,
    messenger: SlackMessenger,
    dynamodb: DynamoDBClient,
    clock: Clock,
    logger: Logger,
    context: LambdaContext,
) -> Workspace:
    """A workspace with a request that one tap decides. The address of Slack's Web API leads nowhere."""
    table.add(ONE_TAP)
    ts = messenger.post_request(ONE_TAP).id
    return Workspace(slack, table, messenger, a_bot(table, slack, clock, logger), dynamodb, context, ts)


def payload_of(clicked: dict[str, Any]) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads(parse_qs(clicked["body"])["payload"][0])
    return payload


@pytest.mark.parametrize("action", Action)
def test_a_click_is_recorded_and_acknowledged(one_tap: Workspace, action: Action) -> None:
    answer = one_tap.send(one_tap.signed_click(ACTION_IDS[action]))
    assert (answer["statusCode"], answer["body"]) == (200, "")
    decision = one_tap.record.decision
    assert decision is not None
    assert decision.status is action.status
    assert decision.approver is not None
    assert (decision.approver.id, decision.approver.name) == ("U0BOB00002", "bob")


def test_a_click_calls_the_table_twice_and_nothing_else(one_tap: Workspace) -> None:
    """The app's API address leads nowhere, so a call to Slack would fail the click."""
    clicked = one_tap.signed_click(ACTION_IDS[APPROVE])
    calls: list[str] = []
    one_tap.dynamodb.meta.events.register("before-call.*.*", lambda model, **_: calls.append(model.name))
    assert one_tap.send(clicked)["statusCode"] == 200
    assert calls == ["GetItem", "UpdateItem"]


def test_a_click_that_cannot_be_recorded_is_not_acknowledged(one_tap: Workspace) -> None:
    """Slack shows the person a warning then, so that they click again."""
    clicked = one_tap.signed_click(ACTION_IDS[APPROVE])
    one_tap.dynamodb.delete_table(TableName=TABLE)
    with pytest.raises(RequestFailedError):
        one_tap.send(clicked)


def test_a_click_that_lost_leaves_a_note_that_says_who_decided(one_tap: Workspace) -> None:
    clicked = one_tap.signed_click(ACTION_IDS[APPROVE])
    respond(one_tap.table, ONE_TAP, a_response(REJECT))
    assert one_tap.send(clicked)["statusCode"] == 200
    assert one_tap.is_(Status.REJECTED)
    [note] = one_tap.notes
    outcome = "Rejected by alice@example.com by email on 23 Nov 2026, 09:01 UTC."
    assert note == f"{ABOUT} Your response was not recorded: the request is already decided. {outcome}"


def test_a_click_that_slack_repeats_is_one_note(one_tap: Workspace) -> None:
    clicked = one_tap.signed_click(ACTION_IDS[APPROVE])
    for _ in range(3):
        one_tap.send(clicked)
    [note] = one_tap.notes
    assert note.startswith(f"{ABOUT} Your response was already recorded. Approved by bob in Slack")


def test_thirty_clicks_of_a_person_who_may_not_respond_are_one_note_a_minute(
    workspace: Workspace, clock: Clock
) -> None:
    workspace.ask()
    said = []
    for _ in range(3):
        for number in range(30):
            workspace.click(ACTION_IDS[APPROVE if number % 2 else REJECT], CAROL)
        said.append(len(workspace.notes))
        clock.pass_(minutes=1)
    assert said == [1, 2, 3]
    assert set(workspace.notes) == {str(refusal_reply(workspace.record, Reason.OWN_REQUEST))}
    workspace.click(ACTION_IDS[APPROVE], DAVE)
    assert len(workspace.notes) == 4, "each person is told"


def test_each_withdrawal_is_told_though_it_is_the_second_in_a_minute(workspace: Workspace) -> None:
    workspace.ask(required_approvals=2)
    for count in (1, 2):
        workspace.click(ACTION_IDS[APPROVE])
        workspace.choose(WITHDRAW)
        assert workspace.notes == [f"{ABOUT} {WITHDRAWN}"] * count


def test_thirty_withdrawals_of_one_response_are_told_twice_in_a_minute_at_most(workspace: Workspace) -> None:
    workspace.ask(required_approvals=2)
    workspace.click(ACTION_IDS[APPROVE])
    for _ in range(30):
        workspace.choose(WITHDRAW)
    assert workspace.notes == [f"{ABOUT} {WITHDRAWN}"] * 2


def test_a_click_that_is_delivered_again_after_the_withdrawal_does_not_approve_again(
    workspace: Workspace, clock: Clock
) -> None:
    workspace.ask(required_approvals=2)
    approve = workspace.signed_click(ACTION_IDS[APPROVE], BOBS)
    workspace.send(approve)
    workspace.offer_withdrawal()
    withdraw = workspace.signed_click(MENU_ID, BOBS, f"{WITHDRAW}:{ID}")
    workspace.send(withdraw)
    clock.pass_(minutes=4)
    before = workspace.record
    assert workspace.send(approve)["statusCode"] == 200
    assert workspace.record == before
    assert before.standing == ()
    assert any("You withdrew this response after you sent it" in note for note in workspace.notes)
    workspace.click(ACTION_IDS[APPROVE])
    stands = workspace.record
    assert len(stands.standing) == 1, "a new click counts"
    workspace.send(withdraw)
    assert workspace.record == stands, "nor is it withdrawn again"
    assert f"{ABOUT} {USED}" in workspace.notes


def test_click_that_changed_nothing_does_not_count_after_the_withdrawal(workspace: Workspace, clock: Clock) -> None:
    workspace.ask(required_approvals=2)
    workspace.click(ACTION_IDS[APPROVE])
    repeated = workspace.signed_click(ACTION_IDS[APPROVE], BOBS)
    workspace.send(repeated)
    clock.pass_(seconds=1)
    workspace.choose(WITHDRAW)
    clock.pass_(minutes=4)
    before = workspace.record
    assert workspace.send(repeated)["statusCode"] == 200
    assert workspace.record == before
    assert before.standing == ()
    assert any("You withdrew this response after you sent it" in note for note in workspace.notes)
    workspace.click(ACTION_IDS[APPROVE])
    assert len(workspace.record.standing) == 1, "a new click counts"


def test_dialog_that_changed_nothing_does_not_count_after_the_withdrawal(workspace: Workspace, clock: Clock) -> None:
    workspace.ask(required_rejections=2)
    for _ in range(2):
        workspace.click(ACTION_IDS[REJECT])
    first, second = (event(*workspace.slack.submit(modal.id, {"comment": "no"})) for modal in workspace.slack.modals())
    for sent in (first, second):
        workspace.send(sent)
    clock.pass_(seconds=1)
    workspace.choose(WITHDRAW)
    before = workspace.record
    assert before.standing == ()
    answer = workspace.send(second)
    assert "nothing changed" in answer["body"]
    assert workspace.record == before


def test_withdrawal_that_changed_nothing_does_not_undo_a_later_response(workspace: Workspace, clock: Clock) -> None:
    workspace.ask(required_approvals=3)
    workspace.click(ACTION_IDS[APPROVE], ALICE)
    workspace.offer_withdrawal()
    withdraw = workspace.signed_click(MENU_ID, BOBS, f"{WITHDRAW}:{ID}")
    workspace.send(withdraw)
    clock.pass_(minutes=1)
    workspace.click(ACTION_IDS[APPROVE])
    workspace.send(withdraw)
    assert len(workspace.record.standing) == 2
    assert f"{ABOUT} {USED}" in workspace.notes


def test_double_click_on_the_extension_extends_once_when_it_is_sent_again(workspace: Workspace, clock: Clock) -> None:
    workspace.ask(more_time=MoreTime(3, HOUR))
    workspace.choose(EXTEND)
    clock.pass_(seconds=-1)
    second = workspace.signed_click(MENU_ID, BOBS, f"{EXTEND}:{ID}")
    clock.pass_(minutes=4)
    workspace.send(second)
    assert workspace.record.deadline == NOW + 2 * HOUR


def test_a_dialog_that_is_delivered_again_after_the_withdrawal_does_not_reject_again(workspace: Workspace) -> None:
    workspace.ask(required_rejections=2)
    workspace.click(ACTION_IDS[REJECT])
    sent = event(*workspace.slack.submit(workspace.modal().id, {"comment": "no"}))
    workspace.send(sent)
    workspace.choose(WITHDRAW)
    before = workspace.record
    answer = workspace.send(sent)
    assert "nothing changed" in answer["body"]
    assert workspace.record == before
    assert before.standing == ()


def test_more_time_that_is_delivered_again_moves_the_deadline_once(workspace: Workspace, clock: Clock) -> None:
    workspace.ask(more_time=MoreTime(3, HOUR))
    asks = workspace.signed_click(MENU_ID, BOBS, f"{EXTEND}:{ID}")
    workspace.send(asks)
    clock.pass_(minutes=4)
    workspace.send(asks)
    assert workspace.record.deadline == NOW + 2 * HOUR


def test_a_click_on_a_record_that_is_gone_says_so(one_tap: Workspace) -> None:
    one_tap.dynamodb.delete_item(TableName=TABLE, Key={"id": {"S": ID}})
    assert one_tap.send(one_tap.signed_click(ACTION_IDS[APPROVE]))["statusCode"] == 200
    assert one_tap.notes == [GONE]


def test_a_click_on_the_link_is_acknowledged(one_tap: Workspace) -> None:
    assert one_tap.send(one_tap.signed_click(OPEN_EXECUTION_ID))["statusCode"] == 200
    assert one_tap.is_(Status.PENDING)


def test_a_late_click_expires_the_approval(one_tap: Workspace, clock: Clock) -> None:
    clock.pass_(hours=1)
    one_tap.send(one_tap.signed_click(ACTION_IDS[APPROVE]))
    assert one_tap.is_(Status.EXPIRED)
    [note] = one_tap.notes
    assert note.startswith(f"{ABOUT} Your response came too late. Expired on ")
    assert "Nobody responded before the deadline" in note


def test_a_base64_encoded_click_counts(one_tap: Workspace) -> None:
    clicked = one_tap.signed_click(ACTION_IDS[APPROVE])
    clicked |= {"body": b64encode(clicked["body"].encode()).decode(), "isBase64Encoded": True}
    assert one_tap.send(clicked)["statusCode"] == 200
    assert one_tap.is_(Status.APPROVED)


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
def test_a_click_counts_whatever_else_the_event_says(one_tap: Workspace, changes: dict[str, Any]) -> None:
    """On each of these Bolt's adapter raises, or answers 404."""
    assert one_tap.send({**one_tap.signed_click(ACTION_IDS[APPROVE]), **changes})["statusCode"] == 200
    assert one_tap.is_(Status.APPROVED)


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
def test_a_click_counts_whatever_headers_are_added(one_tap: Workspace, header: dict[str, Any]) -> None:
    """Slack's signature covers no headers, and Bolt's own turn a click into one that no listener gets."""
    clicked = one_tap.signed_click(ACTION_IDS[APPROVE])
    clicked["headers"] |= header
    before = json.dumps(clicked)
    assert one_tap.send(clicked)["statusCode"] == 200
    assert one_tap.is_(Status.APPROVED)
    assert json.dumps(clicked) == before, "the adapter writes into its event"


@pytest.mark.parametrize("body", ["{", "payload=[]", f"payload={'[' * 100_000}", '{"authorizations": [null]}'])
def test_an_unreadable_request_does_not_look_like_a_wrong_signing_secret(
    one_tap: Workspace, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    logged: list[str] = []
    monkeypatch.setattr(one_tap.handler._logger, "warning", lambda message, extra: logged.append(message))  # noqa: ARG005
    timestamp = str(int(one_tap.slack.clock()))
    signed = SignatureVerifier(one_tap.slack.signing_secret).generate_signature(timestamp=timestamp, body=body)
    headers = {"X-Slack-Signature": signed or "", "X-Slack-Request-Timestamp": timestamp}
    assert one_tap.send(event(body, headers))["statusCode"] == 401
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
def test_requests_that_slack_did_not_sign_get_401(one_tap: Workspace, what: str, changes: dict[str, Any]) -> None:
    forged = {**one_tap.signed_click(ACTION_IDS[APPROVE]), **changes}
    assert one_tap.send(forged)["statusCode"] == 401
    assert one_tap.is_(Status.PENDING)


@pytest.mark.parametrize(
    ("changes", "signed"), [({"headers": {}}, False), ({"headers": None}, False), ({"body": "payload=%7B%7D"}, True)]
)
def test_the_log_tells_a_wrong_signature_from_none(
    one_tap: Workspace, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], signed: bool
) -> None:
    """Many wrong ones mean that the signing secret is wrong: `approvals doctor` looks for them."""
    logged: list[tuple[str, object]] = []
    monkeypatch.setattr(one_tap.handler._logger, "warning", lambda message, extra: logged.append((message, extra)))
    one_tap.send({**one_tap.signed_click(ACTION_IDS[APPROVE]), **changes})
    assert logged == [(REFUSED, {"signed": signed})]


@pytest.mark.parametrize("name", ["X-Slack-Signature", "X-Slack-Request-Timestamp"])
@pytest.mark.parametrize("value", ["", "v0=00", "soon", "-1", "1e9", "ü", "9" * 400])
def test_a_malformed_header_gets_401(one_tap: Workspace, name: str, value: str) -> None:
    clicked = one_tap.signed_click(ACTION_IDS[APPROVE])
    clicked["headers"][name] = value
    assert one_tap.send(clicked)["statusCode"] == 401


@pytest.mark.parametrize(
    "check",
    [
        {"httpMethod": "POST", "body": "ssl_check=1"},
        {"httpMethod": "POST", "body": "token=x&ssl_check=1&team_id=T0"},
        {"httpMethod": "POST", "body": b64encode(b"ssl_check=1").decode(), "isBase64Encoded": True},
        {"httpMethod": "GET", "body": None, "queryStringParameters": {"ssl_check": "1", "token": "x"}},
    ],
)
def test_check_of_the_certificate_gets_200_unsigned(one_tap: Workspace, check: dict[str, Any]) -> None:
    assert one_tap.send({"headers": {}, **check}) == {"statusCode": 200, "body": ""}


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
def test_what_only_looks_like_a_check_gets_401(one_tap: Workspace, other: dict[str, Any]) -> None:
    assert one_tap.send({"headers": {}, **other})["statusCode"] == 401


def test_a_body_longer_than_any_dialog_gets_401_though_it_is_signed(one_tap: Workspace) -> None:
    clicked = one_tap.signed_click(ACTION_IDS[APPROVE])
    payload = payload_of(clicked)
    body, headers = one_tap.slack.sign({**payload, "more": "x" * 2**22})
    assert one_tap.send(event(body, headers))["statusCode"] == 401


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_replayed_or_postdated_click_gets_401(one_tap: Workspace, clock: Clock, minutes: int) -> None:
    clicked = one_tap.signed_click(ACTION_IDS[APPROVE])
    clock.pass_(minutes=minutes)
    assert one_tap.send(clicked)["statusCode"] == 401
    assert one_tap.is_(Status.PENDING)


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
def test_a_signed_request_that_makes_no_sense_is_no_server_error(one_tap: Workspace, body: str) -> None:
    timestamp = str(int(one_tap.slack.clock()))
    signed = SignatureVerifier(one_tap.slack.signing_secret).generate_signature(timestamp=timestamp, body=body)
    headers = {"X-Slack-Signature": signed or "", "X-Slack-Request-Timestamp": timestamp}
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    assert 400 <= one_tap.send(event(body, headers))["statusCode"] < 500


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
def test_a_signed_click_with_parts_missing_decides_nothing_it_should_not(one_tap: Workspace, damage: Any) -> None:
    payload = payload_of(one_tap.signed_click(ACTION_IDS[APPROVE]))
    damage(payload)
    assert one_tap.send(event(*one_tap.slack.sign(payload)))["statusCode"] < 500


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
    one_tap: Workspace, action: Action, damage: Any
) -> None:
    """It fits in no dialog, or in no record."""
    payload = payload_of(one_tap.signed_click(ACTION_IDS[action]))
    damage(payload)
    assert one_tap.send(event(*one_tap.slack.sign(payload)))["statusCode"] == 401
    assert one_tap.record.version == 1


def test_a_new_signing_secret_is_taken_up_by_a_warm_function(one_tap: Workspace, clock: Clock) -> None:
    one_tap.slack.signing_secret = "another" * 4
    assert one_tap.send(one_tap.signed_click(ACTION_IDS[APPROVE]))["statusCode"] == 401, "read a moment ago"
    clock.pass_(minutes=1)
    assert one_tap.send(one_tap.signed_click(ACTION_IDS[APPROVE]))["statusCode"] == 200
    assert one_tap.is_(Status.APPROVED)


def test_while_slack_is_not_configured_nobody_can_sign(one_tap: Workspace, clock: Clock, logger: Logger) -> None:
    """Not even with the empty secret."""
    clicked = one_tap.signed_click(ACTION_IDS[APPROVE])
    one_tap.slack.signing_secret = ""
    one_tap.handler = a_bot(one_tap.table, one_tap.slack, clock, logger)
    signed = f"v0:{clicked['headers']['X-Slack-Request-Timestamp']}:{clicked['body']}"
    clicked["headers"]["X-Slack-Signature"] = f"v0={hmac.new(b'', signed.encode(), 'sha256').hexdigest()}"
    assert one_tap.send(clicked)["statusCode"] == 401
    assert one_tap.is_(Status.PENDING)


def test_secrets_manager_failing_makes_no_server_error_of_a_forged_request(
    table: ApprovalTable, slack: Slack, clock: Clock, logger: Logger, context: LambdaContext
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
def test_a_guest_from_another_workspace_cannot_decide(one_tap: Workspace, workspace: str | None) -> None:
    """A shared channel shows its buttons to both sides; the request waits on, and a note says why."""
    payload = payload_of(one_tap.signed_click(ACTION_IDS[APPROVE]))
    payload["user"]["team_id"] = workspace
    assert one_tap.send(event(*one_tap.slack.sign(payload)))["statusCode"] == 200
    assert one_tap.is_(Status.PENDING)
    assert one_tap.notes == [str(refusal_reply(ONE_TAP, Reason.OTHER_WORKSPACE))]
    [attempt] = one_tap.record.refusals
    assert (attempt.approver.id, attempt.action, attempt.reason) == ("U0BOB00002", APPROVE, Reason.OTHER_WORKSPACE)


def test_a_click_before_the_message_is_noted_is_asked_for_again(one_tap: Workspace) -> None:
    one_tap.dynamodb.delete_item(TableName=TABLE, Key={"id": {"S": ID}})
    one_tap.table.add(replace(ONE_TAP, deliveries=()))
    assert one_tap.send(one_tap.signed_click(ACTION_IDS[APPROVE]))["statusCode"] == 200
    assert one_tap.is_(Status.PENDING)
    assert one_tap.notes == [f"{ABOUT} {TOO_EARLY}"]


# ---------------------------------------------------------------- what needs Slack's own answer: dialogs


BY_BOB = "Approved by bob in Slack on 23 Nov 2026, 09:00 UTC"


@pytest.mark.parametrize("alone", [True, False])
def test_a_dialog_opened_from_a_message_that_they_alone_see_leads_to_a_note(workspace: Workspace, alone: bool) -> None:
    """Nothing edits that message when the answer counts."""
    workspace.ask()
    if alone:
        workspace.slack._messages[workspace.ts] = replace(workspace.slack.messages()[0], ephemeral_to=BOBS)
    workspace.click(ACTION_IDS[REJECT])
    workspace.submit(comment="Not before Monday")
    assert workspace.is_(Status.REJECTED)
    assert [note.startswith(f"{ABOUT} Rejected by bob in Slack") for note in workspace.notes] == [True] * alone


def test_approve_takes_one_tap_and_reject_asks_why(workspace: Workspace) -> None:
    workspace.ask()
    workspace.click(ACTION_IDS[REJECT])
    assert workspace.is_(Status.PENDING)
    assert list(workspace.modal().inputs()) == ["comment"]
    workspace.submit(comment="  Not before Monday\r\nnor after  ")
    assert workspace.slack.modals() == []
    decision = workspace.record.decision
    assert decision is not None
    assert (decision.status, decision.comment) == (Status.REJECTED, "Not before Monday\nnor after")
    assert workspace.notes == []


def test_a_rejection_needs_no_reason_where_none_is_required(workspace: Workspace) -> None:
    workspace.ask()
    workspace.click(ACTION_IDS[REJECT])
    workspace.submit()
    assert workspace.is_(Status.REJECTED)


def test_a_required_reason_is_asked_for_at_its_field_and_what_was_typed_stays(workspace: Workspace) -> None:
    workspace.ask(comments=dict.fromkeys(Action, Presence.REQUIRED))
    workspace.click(ACTION_IDS[APPROVE])
    with pytest.raises(SlackError, match="comment"):
        workspace.submit()
    workspace.submit(checked=False, comment="  ")
    assert workspace.modal().errors == {"comment": "Enter a comment."}
    assert workspace.is_(Status.PENDING)
    workspace.submit(comment="Tested")
    decision = workspace.record.decision
    assert decision is not None
    assert (decision.status, decision.comment) == (Status.APPROVED, "Tested")


@pytest.mark.parametrize("comment", ["Fine\u200b", "Fi\x1bne", "\u202eFine", "Fine\u2800"])
def test_a_comment_with_a_hidden_character_is_refused_at_its_field(workspace: Workspace, comment: str) -> None:
    workspace.ask(comments=dict.fromkeys(Action, Presence.REQUIRED))
    workspace.click(ACTION_IDS[APPROVE])
    workspace.submit(comment=comment)
    assert workspace.modal().errors["comment"].startswith("Remove the hidden character U+")
    assert workspace.is_(Status.PENDING)
    workspace.submit(comment="Fine \U0001f469\u200d\U0001f4bb")
    assert workspace.is_(Status.APPROVED)


def test_a_comment_longer_than_the_page_takes_is_refused_at_its_field(workspace: Workspace) -> None:
    workspace.ask()
    workspace.click(ACTION_IDS[REJECT])
    workspace.submit(checked=False, comment="x" * 1001)
    assert workspace.modal().errors == {"comment": "The reason has 1,001 characters. Use at most 1,000."}
    assert workspace.is_(Status.PENDING)


FORM = (
    FormField(name="Amount", label="Amount", type=FieldType.NUMBER, default=120, minimum=1, maximum=500, required=True),
    FormField(name="Reason", label="Reason", type=FieldType.CHOICE, choices=("Lost", "Late"), default="Lost"),
    FormField(name="Many", label="Many", type=FieldType.CHOICE, choices=tuple("abcdefghijklm")),
    FormField(name="Insured", label="Insured", type=FieldType.YES_NO, default=False),
    FormField(name="Day", label="Day", type=FieldType.DATE, minimum="2026-11-01"),
    FormField(name="Words", label="Words", type=FieldType.TEXT, max_length=10),
)


def test_a_form_is_filled_in_with_its_defaults_and_changed(workspace: Workspace) -> None:
    workspace.ask(form=FORM)
    workspace.click(ACTION_IDS[APPROVE])
    workspace.submit(
        form_Amount="99.5", form_Many="m", form_Insured="yes", form_Day="2026-12-24", form_Words="two words"
    )
    [response] = workspace.record.responses
    assert response.form == {
        "Amount": 99.5,
        "Reason": "Lost",
        "Many": "m",
        "Insured": True,
        "Day": "2026-12-24",
        "Words": "two words",
    }
    assert workspace.is_(Status.APPROVED)


def test_form_errors_are_said_at_each_field(workspace: Workspace) -> None:
    workspace.ask(form=FORM)
    workspace.click(ACTION_IDS[APPROVE])
    wrong = {"Amount": "501", "Reason": "Stolen", "Insured": "maybe", "Day": "2026-10-31", "Words": "x" * 11}
    workspace.submit(checked=False, **{f"form_{name}": value for name, value in wrong.items()})
    assert workspace.modal().errors.keys() == {f"form.{name}" for name in wrong}
    assert workspace.modal().errors["form.Amount"] == "Enter a number from 1 to 500."
    workspace.submit(checked=False, form_Amount="")
    assert workspace.modal().errors == {"form.Amount": "Enter a number."}
    assert workspace.record.responses == ()


AMOUNT = FORM[:1]


def test_a_later_approvers_dialog_holds_what_others_filled_in_and_says_who_did(workspace: Workspace) -> None:
    workspace.ask(form=AMOUNT, required_approvals=2)
    workspace.click(ACTION_IDS[APPROVE], ALICE)
    workspace.submit(form_Amount="200")
    workspace.click(ACTION_IDS[APPROVE], BOBS)
    assert workspace.modal().initial()["form.Amount"] == "200"
    shown = json.dumps(workspace.modal().view)
    assert "alice filled in this form. Confirm the values, or change them: then alice must approve again." in shown
    assert "Amount: 200" in shown
    workspace.submit()
    assert [response.form for response in workspace.record.standing] == [{"Amount": 200}, {"Amount": 200}]
    assert workspace.is_(Status.APPROVED)


def test_who_changes_the_form_in_slack_is_told_who_must_approve_again_and_they_see_why(workspace: Workspace) -> None:
    workspace.ask(form=AMOUNT, required_approvals=2)
    workspace.click(ACTION_IDS[APPROVE], ALICE)
    workspace.submit(form_Amount="200")
    workspace.click(ACTION_IDS[APPROVE], BOBS)
    workspace.submit(form_Amount="300")
    told = json.dumps(workspace.modal().view)
    assert "Recorded" in told
    assert "Your response is recorded: 1 of 2 approvals. alice must approve again, since the form was changed." in told
    workspace.slack._modals.clear()
    [alice, bob] = workspace.record.responses
    assert (alice.reset_by, bob.replaced) == ("bob@example.com", {"Amount": 200})
    workspace.click(ACTION_IDS[APPROVE], ALICE)
    assert workspace.modal().initial()["form.Amount"] == "300"
    assert "bob changed the form after you approved, so your approval no longer counts." in json.dumps(
        workspace.modal().view
    )
    workspace.submit()
    assert workspace.is_(Status.APPROVED)


def test_a_dialog_from_before_does_not_override_what_others_filled_in(workspace: Workspace) -> None:
    workspace.ask(form=AMOUNT, required_approvals=2)
    workspace.click(ACTION_IDS[APPROVE], BOBS)
    opened = workspace.modal()
    workspace.slack._modals.clear()
    workspace.click(ACTION_IDS[APPROVE], ALICE)
    workspace.submit(form_Amount="200")
    workspace.slack._modals[opened.id] = opened
    workspace.submit(form_Amount="300")
    assert [response.approver.id for response in workspace.record.responses] == [ALICE]
    again = json.dumps(workspace.modal().view)
    assert "alice approved other values meanwhile, so your response was not recorded." in again
    assert "Amount: 200" in again
    assert workspace.modal().initial()["form.Amount"] == "300", "what was typed stays"
    workspace.submit()
    assert [response.form for response in workspace.record.standing] == [{"Amount": 300}]


def test_who_has_approved_a_form_is_not_asked_to_fill_it_in_again(workspace: Workspace) -> None:
    workspace.ask(form=AMOUNT, required_approvals=2)
    for _ in range(2):
        workspace.click(ACTION_IDS[APPROVE], ALICE)
        if workspace.slack.modals():
            workspace.submit(form_Amount="200")
    assert workspace.slack.modals() == []
    assert [f"{ABOUT} Your response was already recorded: 1 of 2 approvals." in note for note in workspace.notes] == [
        True
    ]


def test_a_rejection_asks_for_no_form(workspace: Workspace) -> None:
    workspace.ask(form=FORM)
    workspace.click(ACTION_IDS[REJECT])
    workspace.submit(comment="no")
    [response] = workspace.record.responses
    assert response.form == {}


def test_an_answer_of_high_severity_needs_its_box_ticked(workspace: Workspace) -> None:
    workspace.ask(severity=Severity.HIGH)
    workspace.click(ACTION_IDS[REJECT])
    workspace.submit(checked=False, comment="no")
    assert workspace.modal().errors == {"sure": NOT_CONFIRMED}
    assert workspace.is_(Status.PENDING)
    workspace.submit(comment="no", sure="yes")
    assert workspace.is_(Status.REJECTED)


def test_a_stranger_gets_a_note_in_the_place_of_a_dialog_and_the_attempt_is_kept(workspace: Workspace) -> None:
    workspace.ask()
    for action in (REJECT, APPROVE):
        workspace.click(ACTION_IDS[action], CAROL)
    assert workspace.slack.modals() == []
    assert set(workspace.notes) == {str(refusal_reply(workspace.record, Reason.OWN_REQUEST))}
    [attempt] = workspace.record.refusals
    assert (attempt.approver.id, attempt.action) == (CAROL, REJECT)
    assert workspace.is_(Status.PENDING)


def without_a_workspace(payload: dict[str, Any]) -> None:
    payload["user"].pop("team_id")


def with_an_empty_workspace(payload: dict[str, Any]) -> None:
    payload["user"]["team_id"] = ""


def with_null_for_a_workspace(payload: dict[str, Any]) -> None:
    payload["user"]["team_id"] = None


@pytest.mark.parametrize("damage", [without_a_workspace, with_an_empty_workspace, with_null_for_a_workspace])
@pytest.mark.parametrize("what", ["click", "menu", "dialog"])
def test_without_the_users_own_workspace_nobody_is_a_member(
    workspace: Workspace, damage: Callable[[dict[str, Any]], None], what: str
) -> None:
    """Not even where the payload's own team is the right one: guests from elsewhere click there, too."""
    if what == "dialog":
        payload = submission(workspace)
    else:
        workspace.ask(required_approvals=2)
        workspace.offer_withdrawal()
        clicked = (ACTION_IDS[APPROVE], BOBS) if what == "click" else (MENU_ID, BOBS, f"{WITHDRAW}:{ID}")
        payload = payload_of(workspace.signed_click(*clicked))
    damage(payload)
    answer = workspace.send(event(*workspace.slack.sign(payload)))
    assert answer["statusCode"] == 200
    assert workspace.record.responses == ()
    said = [answer["body"]] if what == "dialog" else workspace.notes
    assert NOT_OF_THE_WORKSPACE in said[0]


@pytest.mark.parametrize("wrong", [7, [], {}, True, "T" * 256])
def test_a_workspace_that_is_no_text_gets_401(workspace: Workspace, wrong: object) -> None:
    workspace.ask()
    payload = payload_of(workspace.signed_click(ACTION_IDS[APPROVE], BOBS))
    payload["user"]["team_id"] = wrong
    status = workspace.send(event(*workspace.slack.sign(payload)))["statusCode"]
    assert (status, workspace.record.responses) == (401 if wrong else 200, ())


def ask_anybody(workspace: Workspace, **changes: Any) -> None:
    workspace.ask(**{"comments": NOBODYS_COMMENT, **changes}, people=People(requester=PEOPLE.requester))


@pytest.mark.parametrize("user", [GIL, UMA, ROBOT, SLACKBOT, GONE_USER, INVITED])
def test_guests_of_the_workspace_and_bots_may_not_answer_what_names_nobody(workspace: Workspace, user: str) -> None:
    """Nor who was deactivated and still has a click under way. Bots can't click, unless Slack lets them one day."""
    ask_anybody(workspace, more_time=MoreTime(1, HOUR))
    workspace.click(ACTION_IDS[APPROVE], user)
    workspace.choose(EXTEND, user)
    assert workspace.is_(Status.PENDING)
    assert (workspace.record.responses, workspace.record.extensions) == ((), ())
    assert set(workspace.notes) == {str(refusal_reply(workspace.record, Reason.NOT_A_MEMBER))}
    assert [refusal.reason for refusal in workspace.record.refusals] == [Reason.NOT_A_MEMBER]


def test_a_guest_who_sends_a_dialog_off_is_refused_in_it(workspace: Workspace) -> None:
    ask_anybody(workspace, comments=dict.fromkeys(Action, Presence.OPTIONAL))
    workspace.click(ACTION_IDS[REJECT], GIL)
    workspace.submit(comment="no")
    assert NOT_A_MEMBER in json.dumps(workspace.modal().view["blocks"])
    assert workspace.record.responses == ()


def test_a_guest_whom_the_request_names_may_answer_and_slack_is_not_asked(workspace: Workspace) -> None:
    named = People(approvers=(Person(id=GIL, name="gil", identities={"slack": GIL}),))
    workspace.ask(comments=NOBODYS_COMMENT, people=named)
    workspace.slack._calls.clear()
    workspace.click(ACTION_IDS[APPROVE], GIL)
    assert workspace.is_(Status.APPROVED)
    assert workspace.slack.calls() == []


def test_a_member_answers_what_names_nobody_after_one_look_at_slack(workspace: Workspace) -> None:
    ask_anybody(workspace, required_approvals=2)
    workspace.slack._calls.clear()
    for _ in range(2):
        workspace.click(ACTION_IDS[APPROVE])
        workspace.choose(WITHDRAW)
    workspace.click(ACTION_IDS[APPROVE])
    assert [json.loads(call)["method"] for call in workspace.slack.calls()] == ["users.info"]
    workspace.click(ACTION_IDS[APPROVE], ALICE)
    assert workspace.is_(Status.APPROVED)


@pytest.mark.parametrize("status", [500, 429])
def test_while_slack_does_not_say_who_is_a_member_nothing_is_recorded_and_they_may_try_again(
    workspace: Workspace, status: int, clock: Clock
) -> None:
    ask_anybody(workspace)
    workspace.slack.fail_with = status
    workspace.click(ACTION_IDS[APPROVE])
    assert workspace.record.version == 1
    assert workspace.notes == [str(refusal_reply(workspace.record, Reason.UNCHECKED))]
    workspace.slack.fail_with = None
    workspace.click(ACTION_IDS[APPROVE])
    assert workspace.is_(Status.APPROVED)


def test_approvers_may_withdraw_while_slack_does_not_answer(workspace: Workspace) -> None:
    ask_anybody(workspace, required_approvals=2)
    workspace.click(ACTION_IDS[APPROVE])
    workspace.slack.fail_with = 500
    workspace.choose(WITHDRAW)
    assert workspace.record.standing == ()


def test_a_new_token_is_taken_up_where_slack_is_asked_who_is_a_member(workspace: Workspace, clock: Clock) -> None:
    ask_anybody(workspace)
    workspace.slack.bot_token = "xoxb-another-0123456789"
    clock.pass_(minutes=1)
    workspace.click(ACTION_IDS[APPROVE])
    assert workspace.is_(Status.PENDING)
    workspace.click(ACTION_IDS[APPROVE])
    assert workspace.is_(Status.APPROVED)


def test_the_requester_is_known_by_slack_id_whatever_their_address_is_now(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is who is looked up when the request is sent."""
    ask_anybody(workspace)
    monkeypatch.setitem(SLACK_PEOPLE, CAROL, replace(SLACK_PEOPLE[CAROL], email="somebody.else@example.com"))
    workspace.click(ACTION_IDS[APPROVE], CAROL)
    assert workspace.is_(Status.PENDING)
    assert workspace.notes == [str(refusal_reply(workspace.record, Reason.OWN_REQUEST))]


def test_a_guest_from_another_workspace_gets_no_dialog(workspace: Workspace) -> None:
    workspace.ask()
    workspace.click(ACTION_IDS[REJECT], "U0GUEST004")
    assert workspace.slack.modals() == []
    assert workspace.notes == [str(refusal_reply(workspace.record, Reason.OTHER_WORKSPACE))]


def test_clicks_before_approvers_are_known_are_refused(workspace: Workspace) -> None:
    workspace.ask()
    workspace.dynamodb.delete_item(TableName=TABLE, Key={"id": {"S": ID}})
    workspace.table.add(an_approval(people=None, request=Request(timeout=HOUR)))
    for action in Action:
        workspace.click(ACTION_IDS[action])
    assert workspace.slack.modals() == []
    assert set(workspace.notes) == {str(refusal_reply(workspace.record, Reason.TOO_EARLY))}
    assert workspace.record.version == 1


def test_a_dialog_that_was_open_too_long_says_who_was_faster(workspace: Workspace) -> None:
    workspace.ask()
    workspace.click(ACTION_IDS[REJECT])
    workspace.click(ACTION_IDS[APPROVE], ALICE)
    workspace.submit(comment="no")
    assert workspace.is_(Status.APPROVED)
    shown = json.dumps(workspace.modal().view["blocks"])
    assert "Your response was not recorded: the request is already decided. Approved by alice in Slack" in shown
    assert "submit" not in workspace.modal().view


def test_a_dialog_sent_after_the_deadline_expires_the_request_and_says_so(workspace: Workspace, clock: Clock) -> None:
    workspace.ask()
    workspace.click(ACTION_IDS[REJECT])
    clock.pass_(hours=1)
    workspace.submit(comment="no")
    assert workspace.is_(Status.EXPIRED)
    assert "Your response came too late. Expired on" in json.dumps(workspace.modal().view["blocks"])


def test_a_dialog_about_a_record_that_is_gone_says_so(workspace: Workspace) -> None:
    workspace.ask()
    workspace.click(ACTION_IDS[REJECT])
    workspace.dynamodb.delete_item(TableName=TABLE, Key={"id": {"S": ID}})
    workspace.submit(comment="no")
    assert GONE in json.dumps(workspace.modal().view["blocks"])


def test_no_dialog_opens_once_it_is_decided_or_too_late(workspace: Workspace, clock: Clock) -> None:
    workspace.ask()
    clock.pass_(hours=1)
    workspace.click(ACTION_IDS[REJECT])
    workspace.click(ACTION_IDS[REJECT], ALICE)
    assert workspace.slack.modals() == []
    assert workspace.is_(Status.EXPIRED)
    assert all("Your response came too late." in note for note in workspace.notes)
    assert len(workspace.notes) == 2


@pytest.mark.parametrize("outage", ["slack", "trigger", "token"])
def test_a_dialog_that_slack_does_not_open_leaves_a_note_and_records_nothing(
    workspace: Workspace, clock: Clock, outage: str
) -> None:
    workspace.ask()
    signed = workspace.slack.click(workspace.ts, ACTION_IDS[REJECT], BOBS)
    if outage == "slack":
        workspace.slack.fail_with = 500
    elif outage == "trigger":
        clock.pass_(seconds=4)
    else:
        workspace.slack.bot_token = "xoxb-another-0123456789"
    assert workspace.send(event(*signed))["statusCode"] == 200
    assert workspace.notes == [NOT_OPENED]
    assert workspace.record.version == 1


def test_a_new_token_is_taken_up_after_slack_refused_the_old_one(workspace: Workspace, clock: Clock) -> None:
    workspace.ask()
    workspace.slack.bot_token = "xoxb-another-0123456789"
    clock.pass_(minutes=1)
    workspace.click(ACTION_IDS[REJECT])
    assert workspace.slack.modals() == []
    workspace.click(ACTION_IDS[REJECT])
    assert workspace.modal().user_id == BOBS


def test_one_of_two_approvals_counts_without_a_note(workspace: Workspace) -> None:
    workspace.ask(required_approvals=2)
    workspace.click(ACTION_IDS[APPROVE])
    assert workspace.notes == []
    assert [response.person for response in workspace.record.standing] == ["bob@example.com"]
    assert workspace.is_(Status.PENDING)
    workspace.click(ACTION_IDS[APPROVE])
    assert workspace.notes == [f"{ABOUT} Your response was already recorded: 1 of 2 approvals."]
    workspace.click(ACTION_IDS[APPROVE], ALICE)
    assert workspace.is_(Status.APPROVED)


def test_approvers_must_withdraw_before_they_respond_otherwise(workspace: Workspace) -> None:
    workspace.ask(required_approvals=2)
    workspace.click(ACTION_IDS[APPROVE])
    workspace.click(ACTION_IDS[REJECT])
    assert workspace.slack.modals() == []
    assert workspace.notes == [f"{ABOUT} You already responded differently. Withdraw that response first."]
    workspace.choose(WITHDRAW)
    assert f"{ABOUT} {WITHDRAWN}" in workspace.notes
    assert workspace.record.standing == ()
    workspace.click(ACTION_IDS[REJECT])
    workspace.submit(comment="no")
    assert workspace.is_(Status.REJECTED)


def test_there_is_nothing_to_withdraw_before_a_response(workspace: Workspace) -> None:
    workspace.ask(required_approvals=2)
    workspace.choose(WITHDRAW)
    assert workspace.notes == [f"{ABOUT} {NOTHING_TO_WITHDRAW}"]
    assert workspace.record.version == 1


def test_more_time_moves_the_deadline_as_often_as_the_request_allows(workspace: Workspace) -> None:
    workspace.ask(more_time=MoreTime(1, HOUR))
    workspace.choose(EXTEND)
    assert workspace.record.deadline == NOW + 2 * HOUR
    assert workspace.notes == []
    workspace.choose(EXTEND, ALICE)
    assert workspace.notes == [f"{ABOUT} {NO_EXTENSION}"]
    assert workspace.record.deadline == NOW + 2 * HOUR


@pytest.mark.parametrize("word", [WITHDRAW, EXTEND])
def test_a_stranger_can_use_no_choice_of_the_menu(workspace: Workspace, word: str) -> None:
    workspace.ask(required_approvals=2, more_time=MoreTime(1, HOUR))
    workspace.choose(word, CAROL)
    assert workspace.notes == [str(refusal_reply(workspace.record, Reason.OWN_REQUEST))]
    assert workspace.record.version == 1


@pytest.mark.parametrize("word", [WITHDRAW, EXTEND])
def test_after_the_decision_the_menu_changes_nothing(workspace: Workspace, word: str) -> None:
    workspace.ask(required_approvals=2, more_time=MoreTime(1, HOUR))
    for user in (BOBS, ALICE):
        workspace.click(ACTION_IDS[APPROVE], user)
    before = workspace.record
    workspace.choose(word)
    assert workspace.record == before
    [note] = workspace.notes
    assert f"{TOO_LATE} Approved by bob and alice in Slack on" in note


def test_the_menu_on_a_record_that_is_gone_says_so(workspace: Workspace) -> None:
    workspace.ask(required_approvals=2)
    workspace.dynamodb.delete_item(TableName=TABLE, Key={"id": {"S": ID}})
    workspace.choose(WITHDRAW)
    assert workspace.notes == [GONE]


def submission(workspace: Workspace) -> dict[str, Any]:
    """Return the payload of a submitted dialog."""
    workspace.ask()
    workspace.click(ACTION_IDS[REJECT])
    return payload_of(event(*workspace.slack.submit(workspace.modal().id, {"comment": "no"})))


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
def test_a_signed_dialog_that_makes_no_sense_gets_401_and_records_nothing(workspace: Workspace, what: str) -> None:
    payload = submission(workspace)
    DAMAGES[what](payload)
    assert workspace.send(event(*workspace.slack.sign(payload)))["statusCode"] == 401
    assert workspace.record.version == 1


@pytest.mark.parametrize("value", ["", "x", f"escalate:{ID}", f"withdraw:{'a' * 5}", ID, f":{ID}", None, 7, []])
def test_a_choice_that_the_menu_does_not_have_gets_401(workspace: Workspace, value: object) -> None:
    workspace.ask(required_approvals=2)
    workspace.offer_withdrawal()
    payload = payload_of(workspace.signed_click(MENU_ID, BOBS, f"{WITHDRAW}:{ID}"))
    payload["actions"][0]["selected_option"]["value"] = value
    assert workspace.send(event(*workspace.slack.sign(payload)))["statusCode"] == 401


def test_a_dialog_that_slack_did_not_sign_gets_401(workspace: Workspace) -> None:
    payload = submission(workspace)
    body, headers = workspace.slack.sign(payload)
    forged = {**headers, "X-Slack-Signature": f"v0={'0' * 64}"}
    assert workspace.send(event(body, forged))["statusCode"] == 401
    assert workspace.record.version == 1


def test_an_escalation_between_look_and_click_opens_the_dialog_and_takes_no_bare_answer(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal meets a newer version, by which the person may answer: they must be asked why all the same."""
    workspace.ask()
    looked = replace(workspace.record, people=replace(PEOPLE, approvers=PEOPLE.approvers[:1]))
    respond(workspace.table, workspace.record, replace(a_response(REJECT), approver=replace(BOB, id="U0NOBODY99")))
    monkeypatch.setattr(workspace.table, "get", iter_then(workspace.table.get, looked))
    workspace.click(ACTION_IDS[REJECT])
    assert workspace.modal().user_id == BOBS
    assert workspace.record.responses == ()


def iter_then(get: Callable[[str], Approval], first: Approval) -> Callable[[str], Approval]:
    """Return one approval first, then what `get` does."""
    answers = [first]
    return lambda id_: answers.pop() if answers else get(id_)


def test_a_tap_that_the_record_has_no_room_for_is_told_and_not_repeated(workspace: Workspace) -> None:
    workspace.ask(comments=NOBODYS_COMMENT, more_time=MoreTime(1, HOUR))
    leave_no_room(workspace.dynamodb)
    workspace.click(ACTION_IDS[APPROVE])
    workspace.choose(EXTEND)
    assert [NO_ROOM in note for note in workspace.notes] == [True], "the same words, once a minute"
    assert workspace.is_(Status.PENDING)


def test_a_dialog_that_the_record_has_no_room_for_says_so(workspace: Workspace) -> None:
    workspace.ask()
    workspace.click(ACTION_IDS[REJECT])
    leave_no_room(workspace.dynamodb)
    workspace.submit(comment="x" * 1000)
    assert NO_ROOM in json.dumps(workspace.modal().view)
    assert workspace.is_(Status.PENDING)
