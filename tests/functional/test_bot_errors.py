"""Unexpected errors of the Slack app: one line of log with the approval's id, a failed invocation, and no secret."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from mypy_boto3_dynamodb import DynamoDBClient

from approvals.domain.model import MoreTime, Presence, Status
from approvals.store.table import ApprovalTable
from bot.app import BotHandler, RequestFailedError, create_app
from bot.credentials import SecretSource, SlackSecret, load_secret
from bot.request_verification import RequestVerifier
from bot.views.buttons import ACTION_IDS, EXTEND, MENU_ID, READ_ID, REFRESH_ID, WITHDRAW
from tests.support.builders import APPROVE, HOUR, REJECT, TOKEN
from tests.support.fakes import Clock
from tests.support.slack_app import BOBS, ID, Workspace, event

SECRET = "xoxb-a-secret-in-a-message"
ERRORS = {
    "DynamoDB is out of reach": EndpointConnectionError(endpoint_url=f"https://{SECRET}.example"),
    "DynamoDB refuses": ClientError({"Error": {"Code": "ThrottlingException", "Message": SECRET}}, "UpdateItem"),
    "a bug": ValueError(f"Invalid header value b'Bearer {SECRET}\\n'"),
    "a missing key": KeyError(SECRET),
    "too deep": RecursionError(SECRET),
}


@dataclass
class Down:
    """Lets the table's client raise, from a call on; `done` lets that first call through and then raises."""

    monkeypatch: pytest.MonkeyPatch
    dynamodb: DynamoDBClient
    calls: list[str] = field(default_factory=list)

    def fail(self, error: Exception, *, operation: str = "", done: bool = False) -> None:
        call: Callable[..., Any] = self.dynamodb._make_api_call  # type: ignore[attr-defined]

        def failing(name: str, parameters: Any) -> Any:
            self.calls.append(name)
            if operation not in ("", name):
                return call(name, parameters)
            if done:
                call(name, parameters)
            raise error

        self.monkeypatch.setattr(self.dynamodb, "_make_api_call", failing)

    def restore(self) -> None:
        self.monkeypatch.undo()


@pytest.fixture
def down(dynamodb: DynamoDBClient) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        yield Down(patch, dynamodb)


@pytest.fixture
def stream() -> StringIO:
    """The function's log."""
    return StringIO()


@pytest.fixture
def logger(stream: StringIO, request: pytest.FixtureRequest) -> Logger:
    return Logger(service=f"bot-{abs(hash(request.node.nodeid))}", level="DEBUG", stream=stream)


def errors(stream: StringIO) -> list[dict[str, Any]]:
    """Return the lines of errors. All of the log is JSON."""
    return [line for line in map(json.loads, stream.getvalue().splitlines()) if line["level"] == "ERROR"]


def signed(workspace: Workspace, kind: str) -> dict[str, Any]:
    """Return a signed request of one kind of listener."""
    match kind:
        case "button":
            body, headers = workspace.slack.click(workspace.ts, ACTION_IDS[APPROVE], BOBS)
        case "button with a dialog":
            body, headers = workspace.slack.click(workspace.ts, ACTION_IDS[REJECT], BOBS)
        case "menu: withdraw":
            workspace.offer_withdrawal()
            body, headers = workspace.slack.click(workspace.ts, MENU_ID, BOBS, f"{WITHDRAW}:{ID}")
        case "menu: more time":
            body, headers = workspace.slack.click(workspace.ts, MENU_ID, BOBS, f"{EXTEND}:{ID}")
        case "dialog":
            workspace.click(ACTION_IDS[REJECT])
            body, headers = workspace.slack.submit(workspace.modal().id, {"comment": "No."})
        case "command":
            body, headers = workspace.slack.command(BOBS, "list", "C0APPROVALS")
        case "home":
            body, headers = workspace.slack.open_home(BOBS)
        case "button to the page" | "refresh":
            body, _ = workspace.slack.click(workspace.ts, ACTION_IDS[APPROVE], BOBS)
            payload = json.loads(urllib.parse.parse_qs(body.decode())["payload"][0])
            action_id, value = (REFRESH_ID, "refresh") if kind == "refresh" else (READ_ID, ID)
            payload["actions"] = [{"action_id": action_id, "block_id": "b", "type": "button", "value": value}]
            body, headers = workspace.slack.sign(payload)
        case _:
            raise AssertionError(kind)
    return event(body, headers)


ABOUT_AN_APPROVAL = [
    "button",
    "button with a dialog",
    "button to the page",
    "menu: withdraw",
    "menu: more time",
    "dialog",
]
KINDS = [*ABOUT_AN_APPROVAL, "command", "home", "refresh"]


@pytest.mark.parametrize("what", ERRORS)
@pytest.mark.parametrize("kind", KINDS)
def test_an_unexpected_error_fails_the_invocation_with_one_line_of_log(
    workspace: Workspace, down: Down, stream: StringIO, kind: str, what: str
) -> None:
    """Lambda counts a failed invocation, on which the function's alarm is."""
    workspace.ask(more_time=MoreTime(1, HOUR), required_approvals=2)
    request = signed(workspace, kind)
    down.fail(ERRORS[what])
    with pytest.raises(RequestFailedError) as failed:
        workspace.handler(request, workspace.context)
    assert down.calls
    assert (failed.value.args, failed.value.__suppress_context__) == ((type(ERRORS[what]).__name__,), True)
    [line] = errors(stream)
    assert line["error"] == type(ERRORS[what]).__name__
    assert any("bot/listeners/" in frame for frame in line["stack"])
    assert line.get("approval_id") == (ID if kind in ABOUT_AN_APPROVAL else None)
    for secret in (SECRET, TOKEN, workspace.slack.bot_token, workspace.slack.signing_secret):
        assert secret not in json.dumps(line)


def test_an_answer_of_aws_is_named_by_its_code_and_operation(
    workspace: Workspace, down: Down, stream: StringIO
) -> None:
    workspace.ask()
    request = signed(workspace, "button")
    down.fail(ERRORS["DynamoDB refuses"], operation="UpdateItem")
    with pytest.raises(RequestFailedError):
        workspace.handler(request, workspace.context)
    [line] = errors(stream)
    assert (line["code"], line["operation"]) == ("ThrottlingException", "UpdateItem")


@pytest.mark.parametrize("kind", ["button", "dialog"])
@pytest.mark.parametrize("done", [False, True], ids=["nothing was written", "the write was done"])
def test_a_click_that_failed_counts_once_when_it_is_sent_again(
    workspace: Workspace, down: Down, kind: str, done: bool
) -> None:
    workspace.ask(
        comments={APPROVE: Presence.OFF, REJECT: Presence.OPTIONAL}, required_approvals=2, required_rejections=2
    )
    request = signed(workspace, kind)
    down.fail(ReadTimeoutError(endpoint_url="https://x.example"), operation="UpdateItem", done=done)
    with pytest.raises(RequestFailedError):
        workspace.handler(request, workspace.context)
    down.restore()
    for _ in range(2):
        assert workspace.handler(request, workspace.context)["statusCode"] == 200
    assert [response.approver.id for response in workspace.record.responses] == [BOBS]
    assert workspace.is_(Status.PENDING)


def test_a_line_names_no_approval_of_an_earlier_click(workspace: Workspace, down: Down, stream: StringIO) -> None:
    """A warm function keeps its logger."""
    workspace.ask()
    assert workspace.handler(signed(workspace, "button with a dialog"), workspace.context)["statusCode"] == 200
    request = signed(workspace, "home")
    down.fail(ERRORS["a bug"])
    with pytest.raises(RequestFailedError):
        workspace.handler(request, workspace.context)
    [line] = errors(stream)
    assert "approval_id" not in line


class Secrets:
    """Secrets Manager with one secret."""

    def __init__(self, token: str) -> None:
        self._token = token

    def get_secret_value(self, **_: str) -> dict[str, str]:
        return {"SecretString": json.dumps({"bot_token": self._token, "signing_secret": "0123456789abcdef "})}


def test_blanks_around_a_pasted_secret_are_dropped() -> None:
    secrets: Any = Secrets(f" {SECRET}\n")
    assert load_secret(secrets, "arn") == SlackSecret(SECRET, "0123456789abcdef")


@pytest.mark.parametrize("token", [f"{SECRET}\nx", f"{SECRET} x", f"{SECRET}\u200b", f"{SECRET}\x00"])
def test_a_token_that_no_header_takes_is_refused_and_not_quoted(token: str) -> None:
    """The HTTP client would quote it, in an error that Slack's client and the functions log."""
    secrets: Any = Secrets(token)
    with pytest.raises(ValueError, match="characters that no token has") as refused:
        load_secret(secrets, "arn")
    assert SECRET not in repr(refused.value)


def test_a_secret_that_became_unreadable_does_not_let_unsigned_requests_raise_the_alarm(
    table: ApprovalTable, clock: Clock, logger: Logger, stream: StringIO, context: LambdaContext
) -> None:
    first = [SlackSecret("xoxb-1", "0123456789abcdef0123456789abcdef")]
    damaged: Any = Secrets("\x00")
    secret = SecretSource(lambda: first.pop() if first else load_secret(damaged, "arn"), clock)
    app = create_app(table=table, secret=secret, api_url="http://127.0.0.1:1/", clock=clock, logger=logger)
    clock.pass_(minutes=2)
    assert BotHandler(app, RequestVerifier(secret, clock), logger)(event("x", {}), context)["statusCode"] == 401
    assert errors(stream) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda payload: payload.update(actions=[]),
        lambda payload: payload.update(actions=[{}]),
        lambda payload: payload.update(actions=None),
        lambda payload: payload.update(actions={"action_id": "approval:approve"}),
        lambda payload: payload.update(authorizations={}),
        lambda payload: payload.update(authorizations=[None]),
        lambda payload: payload.update(authorizations="x"),
        lambda payload: payload.update(team=[]),
        lambda payload: payload.update(user=None),
        lambda payload: payload.update(user=[]),
        lambda payload: payload.update(container=None),
        lambda payload: payload.update(enterprise=[1]),
        lambda payload: payload.update(channel=[]),
        lambda payload: payload.update(view=None),
        lambda payload: payload.update(event=None),
        lambda payload: payload.update(type=None),
        lambda payload: payload.update(type=[]),
        lambda payload: payload.update(type="view_submission"),
        lambda payload: payload.update(type="event_callback", event={"type": []}),
        lambda payload: payload.update(type="event_callback", event={"type": "app_home_opened"}),
        lambda payload: payload.update(type="event_callback", event={"type": "app_home_opened", "user": {"id": []}}),
        lambda payload: payload.update(function_data="x"),
        lambda payload: payload.update(bot_access_token=[], function_data={"execution_id": []}),
        lambda payload: payload["actions"][0].update(action_id=7),
        lambda payload: payload["actions"][0].update(selected_option="x"),
        lambda payload: payload["actions"][0].update(block_id=[]),
        lambda payload: payload["actions"][0].update(type=[]),
        lambda payload: payload["user"].update(id=["x"]),
        lambda payload: payload["user"].update(name="\ud800"),
    ],
)
def test_a_malformed_signed_request_gets_401_and_raises_no_alarm(
    workspace: Workspace, stream: StringIO, damage: Callable[[dict[str, Any]], None]
) -> None:
    workspace.ask()
    body, _ = workspace.slack.click(workspace.ts, ACTION_IDS[APPROVE], BOBS)
    payload = json.loads(urllib.parse.parse_qs(body.decode())["payload"][0])
    damage(payload)
    answer = workspace.handler(event(*workspace.slack.sign(payload)), workspace.context)
    assert answer["statusCode"] in (200, 401, 404)
    assert errors(stream) == []


def test_bolt_writes_json_and_no_bodies_whatever_level_the_function_has(workspace: Workspace, stream: StringIO) -> None:
    """At DEBUG Bolt writes whole requests. What nobody listens to is a warning."""
    workspace.ask()
    body, _ = workspace.slack.click(workspace.ts, ACTION_IDS[APPROVE], BOBS)
    payload = json.loads(urllib.parse.parse_qs(body.decode())["payload"][0])
    payload["actions"][0] |= {"action_id": "of-another-app", "value": "a text of the body"}
    assert workspace.handler(event(*workspace.slack.sign(payload)), workspace.context)["statusCode"] == 404
    written = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [each["level"] for each in written if "Unhandled request" in each["message"]] == ["WARNING"]
    assert "a text of the body" not in stream.getvalue()
    assert not [each for each in written if each["level"] == "DEBUG"]
