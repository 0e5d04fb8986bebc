"""Fuzzed requests at the two doors to the internet: whatever comes, nothing breaks, and only what is valid decides."""

from __future__ import annotations

import hmac
import json
import os
from base64 import b32encode, b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from io import StringIO
from random import Random
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from aws_lambda_powertools import Logger
from mypy_boto3_dynamodb import DynamoDBClient

from approvals.links import approval_id, link, sign
from approvals.model import Action, Approval, Status
from approvals.table import ApprovalTable
from bot.app import BotHandler, create_app
from bot.guard import Guard
from bot.messenger import SlackMessenger
from bot.secret import SecretSource, SlackSecret
from bot.views.approval import ACTION_IDS
from handlers.callback import MAX_COMMENT, MAX_FORM, CallbackHandler
from local.slack import Slack
from tests.builders import ALICE, BOB, WORKSPACE, an_approval
from tests.functional.conftest import TABLE, Clock

REQUESTS = 7_000 if os.environ.get("PROVE") == "1" else 1_000
"""To each door: the links' pages in each of their two modes, and the Slack app."""

SEED = int(os.environ.get("FUZZ_SEED", "20261123"))
FIRST = int(os.environ.get("FUZZ_FIRST", "0"))
"""A failure names both: set so, the request that failed is the first."""

APPROVAL = an_approval()
OTHER = an_approval(id=approval_id("another"), task_token="another", link_key=b"o" * 32)

Fields = dict[str, str]
Event = dict[str, Any]


class Fuzz:
    """Random requests. The same seed makes the same ones."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.chance, self.pick = random.random, random.choice

    def text(self) -> str:  # noqa: PLR0911 one of many kinds
        """Anything that can stand where a text is expected."""
        many = self.pick([0, 1, 3, 32, 32, 200, 5000])
        match self.random.randrange(10):
            case 0:
                return self.pick(
                    ["", " ", "\x00", "\ud800", "null", "../x", "%", "%00", "%ff", "%ED%A0%80", "=", "&", "+"]
                )
            case 1:
                return "".join(chr(self.random.randrange(0x110000)) for _ in range(min(many, 200)))
            case 2:
                return "".join(chr(self.random.randrange(256)) for _ in range(many))
            case 3:
                return "".join(self.pick("abcdefghijklmnopqrstuvwxyz234567") for _ in range(32))
            case 4:
                return self.pick(
                    ["<script>", "'\"><", "${jndi:ldap://x}", "note#" + "a" * 27, "{}", "[]", "1e999", "-1"]
                )
            case 5:
                return self.pick([APPROVAL.id, OTHER.id, sign(APPROVAL, ALICE.id), sign(OTHER, ALICE.id), ALICE.id])
            case 6:
                return "x" * 1_000_000 if self.chance() < 0.05 else "x" * many
            case 7:
                return self.pick(["approve", "reject", "Approve", "approve\x00", "APPROVED", "expire"])
            case 8:
                return self.pick(["\uff41", "\u0131", "\u202e", "\ufeff", "🦄", "é", "e\u0301"]) * min(many, 50)
            case _:
                return str(self.random.randrange(-(10**12), 10**12))

    def json(self, depth: int = 3) -> Any:  # noqa: PLR0911
        """Any JSON value."""
        match self.random.randrange(9 if depth else 6):
            case 0:
                return None
            case 1:
                return self.pick([True, False])
            case 2:
                return self.pick([0, -1, 1.5, 10**30, 1e308])
            case 6:
                return [self.json(depth - 1) for _ in range(self.random.randrange(4))]
            case 7:
                return {self._key(): self.json(depth - 1) for _ in range(self.random.randrange(4))}
            case 8:
                return {"id": self.json(depth - 1), "type": self.text()}
            case _:
                return self.text()

    def _key(self) -> str:
        return self.pick(["id", "team", "user", "type", "value", "enterprise_id", "actions", self.text()])

    def mutated_text(self, text: str) -> str:
        """The text with something changed, lost, doubled, or nothing left of it."""
        at = self.random.randrange(len(text) + 1)
        to = self.random.randrange(at, min(len(text), at + self.pick([1, 8, 5000])) + 1)
        match self.random.randrange(6):
            case 0:
                return text[:at]
            case 1:
                return text[:at] + text[to:]
            case 2:
                return text[:at] + self.text() + text[at:]
            case 3:
                return text[:at] + text[at:to] * self.pick([2, 3, 100]) + text[to:]
            case 4:
                return text[:at] + self.pick(["\x00", "\ud800", "%", "ü", "&", "=", "+", '"', "\\"]) + text[to:]
            case _:
                return text.swapcase()

    def mutated_fields(self, fields: Fields) -> Fields:
        """The fields with some of them missing, changed, swapped or new."""
        fields = dict(fields)
        for _ in range(self.pick([0, 1, 1, 1, 2, 3])):
            name = self.pick([*fields, "comment"])
            match self.random.randrange(6):
                case 0:
                    fields.pop(name, None)
                case 1:
                    fields[name] = self.text()
                case 2:
                    fields[name] = self.mutated_text(fields.get(name, ""))
                case 3:
                    other = self.pick([*fields, name])
                    fields[name], fields[other] = fields.get(other, ""), fields.get(name, "")
                case 4:
                    fields[self.text()[:5000]] = self.text()
                case _:
                    fields[name] = self.pick([OTHER.id, "mallory@example.com", sign(OTHER, ALICE.id), "reject"])
        return fields

    def mutated_json(self, value: Any) -> Any:
        """The value with a random JSON value at a random place, or without what was there."""
        if not isinstance(value, dict | list) or not value or self.chance() < 0.15:
            return self.json()
        places = list(value) if isinstance(value, dict) else list(range(len(value)))
        place = self.pick(places)
        changed: Any = dict(value) if isinstance(value, dict) else list(value)
        if self.chance() < 0.15:
            del changed[place]
        else:
            changed[place] = self.mutated_json(changed[place])
        return changed

    def headers(self, headers: Fields) -> Fields | None:
        """As API Gateway sends them: none, or texts."""
        match self.random.randrange(8):
            case 0:
                return None
            case 1:
                return {self.text(): self.text() for _ in range(3)}
            case 2 | 3:
                return {**headers, self.pick([*headers, "x"]): self.pick([self.text(), self.mutated_text("v0=1234")])}
            case 4:
                return {self.mutated_text(name): value for name, value in headers.items()}
            case _:
                return {self.pick([name, name.lower(), name.upper()]): value for name, value in headers.items()}

    def encoded(self, body: str | None) -> Event:  # noqa: PLR0911
        """A body as API Gateway sends it: as it is or in base64, and sometimes not what it says."""
        if body is None:
            return self.pick([{"body": None}, {}, {"body": None, "isBase64Encoded": True}])
        match self.random.randrange(10):
            case 0:
                return {
                    "body": b64encode(self.random.randbytes(self.random.randrange(300))).decode(),
                    "isBase64Encoded": True,
                }
            case 1:
                return {"body": body, "isBase64Encoded": True}
            case 2:
                coded = b64encode(body.encode(errors="surrogatepass")).decode()
                return {"body": self.mutated_text(coded), "isBase64Encoded": True}
            case 3 | 4:
                return {"body": b64encode(body.encode(errors="surrogatepass")).decode(), "isBase64Encoded": True}
            case 5:
                return {"body": body}
            case _:
                return {"body": body, "isBase64Encoded": False}


def mails_request(fuzz: Fuzz) -> Event:
    """A request to the pages behind the links: a link of one of two approvals, and what fuzz makes of it."""
    approval, action = fuzz.pick([APPROVAL, APPROVAL, APPROVAL, OTHER]), fuzz.pick(list(Action))
    fields = fuzz.mutated_fields(dict(parse_qsl(urlsplit(link(approval, action, ALICE.id, base_url="")).query)))
    method = fuzz.pick(["GET", "HEAD", "POST", "POST"])
    event: Event = {"httpMethod": method, "path": "/execution", "headers": fuzz.headers({"Accept": "text/html"})}
    if method == "POST":
        body: str | None = urlencode(fields, errors="surrogatepass")
        if fuzz.chance() < RARELY:
            body = fuzz.pick([None, fuzz.text(), fuzz.mutated_text(str(body)), json.dumps(fuzz.json()), f"{body}&" * 9])
        return event | {"queryStringParameters": fuzz.pick([None, fields])} | fuzz.encoded(body)
    query = fuzz.pick([None, {}, {fuzz.text(): fuzz.text()}]) if fuzz.chance() < RARELY else fields
    return event | fuzz.pick([{"queryStringParameters": query}, {"queryStringParameters": query, "body": None}])


class SlackRequests:
    """Requests to the Slack app: a click, and what fuzz makes of it before and after it is signed."""

    def __init__(self, slack: Slack, messenger: SlackMessenger) -> None:
        self._slack = slack
        message = messenger.post_request(APPROVAL)
        self._payloads = [
            json.loads(parse_qs(slack.click(message.ts, id_, BOB.id)[0].decode())["payload"][0])
            for id_ in ACTION_IDS.values()
        ]

    def __call__(self, fuzz: Fuzz) -> Event:
        payload = fuzz.pick(self._payloads)
        for _ in range(fuzz.pick([0, 1, 1, 1, 2, 3])):
            payload = fuzz.mutated_json(payload)
        if fuzz.chance() < RARELY:
            value = fuzz.pick(["", "note#" + "a" * 27, OTHER.id, fuzz.mutated_text(APPROVAL.id), fuzz.text()])
            payload = fuzz.pick(self._payloads)
            payload = {**payload, "actions": [{**payload["actions"][0], "value": value}]}
        text = json.dumps(payload)
        if fuzz.chance() < RARELY:
            depth = fuzz.pick([50, 990, 100_000])
            text = fuzz.pick([fuzz.mutated_text(text), "[" * depth, '{"user":' * depth + "1" + "}" * depth])
        body = urlencode({fuzz.pick(["payload"] * 9 + ["body", fuzz.text()]): text}, errors="surrogatepass")
        kind = FORM
        if fuzz.chance() < RARELY:
            body, kind = fuzz.pick([text, fuzz.text(), body]), fuzz.pick(["application/json", "", "text/plain", kind])
        headers = {"Content-Type": kind, **self._signed(body, fuzz)}
        if fuzz.chance() < RARELY:
            return {"headers": fuzz.headers(headers), **fuzz.encoded(fuzz.mutated_text(body))}
        if fuzz.chance() < RARELY:
            return {"headers": fuzz.headers(headers), **fuzz.encoded(body)}
        return {"headers": headers, "body": body, "isBase64Encoded": False}

    def _signed(self, body: str, fuzz: Fuzz) -> Fields:
        timestamp = str(int(self._slack.clock()) + fuzz.pick([0] * 9 + [299, 301, -301, 10**9]))
        return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": self.signature(timestamp, body)}

    def signature(self, timestamp: str, body: str) -> str:
        signed = f"v0:{timestamp}:{body}".encode(errors="surrogatepass")
        return f"v0={hmac.new(self._slack.signing_secret.encode(), signed, sha256).hexdigest()}"

    def is_signed(self, event: Event) -> bool:
        """Whether Slack could have sent it in the last five minutes: told without the product's own code."""
        headers = {name.lower(): value for name, value in (event["headers"] or {}).items()}
        timestamp, body = headers.get("x-slack-request-timestamp", ""), text_of(event)
        if body is None or not timestamp.isascii() or not timestamp.isdigit():
            return False
        fresh = abs(self._slack.clock() - int(timestamp)) <= 300
        return fresh and headers.get("x-slack-signature") == self.signature(timestamp, body)

    def is_whole(self, event: Event) -> bool:
        """Whether fuzz left the click as Slack would send it."""
        fields = dict(parse_qsl(text_of(event) or ""))
        kinds = [value for name, value in (event["headers"] or {}).items() if name.lower() == "content-type"]
        return kinds == [FORM] and fields.get("payload") in [json.dumps(payload) for payload in self._payloads]

    def may_decide(self, event: Event) -> tuple[Approval, Action] | None:
        """What a request that is signed may decide: a click on the approval's button by a member who has an id."""
        body = text_of(event) or ""
        try:
            payload = json.loads(dict(parse_qsl(body, keep_blank_values=True)).get("payload", body))
            user, button = payload["user"], payload["actions"][0]
            workspace = user.get("team_id") or payload["team"]["id"]
            whole = isinstance(user["id"], str) and user["id"] and workspace == WORKSPACE
            clicked = payload["type"] == "block_actions"
            approval = {APPROVAL.id: APPROVAL, OTHER.id: OTHER}[button["value"]]
            action = {name: action for action, name in ACTION_IDS.items()}[button["action_id"]]
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return None
        return (approval, action) if whole and clicked else None


RARELY = 0.15
FORM = "application/x-www-form-urlencoded"


def text_of(event: Event) -> str | None:
    """The body as text, if it is any."""
    body = event.get("body") or ""
    try:
        text = b64decode(body, validate=True).decode() if event.get("isBase64Encoded") else str(body)
        text.encode()
    except ValueError:
        return None
    return text


def asked_by_link(event: Event, *, decides: bool) -> tuple[Approval, Action] | None:
    """What a request validly asks for, told without the product's own code; None when it is not valid."""
    fields = event.get("queryStringParameters") or {}
    if event["httpMethod"] == "POST":
        body = text_of(event)
        if body is None or body.count("&") >= 20 or len(event.get("body") or "") > MAX_FORM:
            return None
        fields = dict(parse_qsl(body, keep_blank_values=True))
    approval = {APPROVAL.id: APPROVAL, OTHER.id: OTHER}.get(fields.get("id", ""))
    to, comment = fields.get("to", ""), fields.get("comment", "").replace("\r\n", "\n").strip()
    try:
        "".join(fields.values()).encode()
    except UnicodeEncodeError:
        return None
    if approval is None or not to or (decides and len(comment) > MAX_COMMENT):
        return None
    digest = hmac.new(approval.link_key, f"{approval.id}:{to}".encode(), sha256).digest()
    if fields.get("sig") != b32encode(digest[:20]).decode().lower() or fields.get("action") not in list(Action):
        return None
    return approval, Action(fields["action"])


class Records:
    """Both approvals, pending; put back whenever one was decided."""

    def __init__(self, table: ApprovalTable, dynamodb: DynamoDBClient) -> None:
        self._table, self._dynamodb = table, dynamodb
        self.decisions = 0
        for approval in (APPROVAL, OTHER):
            table.add(approval)

    def decided(self) -> tuple[Approval, Action] | None:
        """What the last request decided."""
        found = None
        for asked in (APPROVAL, OTHER):
            approval = self._table.get_with_token(asked.id)
            if approval == asked:
                continue
            assert approval.status is not Status.PENDING, "a record changed that is not decided"
            assert found is None, "one request, two decisions"
            found = asked, next(action for action in Action if action.status is approval.status)
            self.decisions += 1
            self._dynamodb.delete_item(TableName=TABLE, Key={"id": {"S": asked.id}})
            self._table.add(asked)
        return found


class Nowhere(StringIO):
    """Where the log goes: it is formatted, and nobody reads it."""

    def write(self, text: str) -> int:
        return len(text)


@pytest.fixture
def records(table: ApprovalTable, dynamodb: DynamoDBClient) -> Records:
    return Records(table, dynamodb)


@pytest.fixture
def quiet() -> Logger:
    return Logger(service="fuzz", level="DEBUG", stream=Nowhere())


def fuzzed(make: Callable[[Fuzz], Event]) -> Iterator[tuple[str, Event]]:
    """The requests and how to make each again: every one has a seed of its own."""
    for number in range(FIRST, FIRST + REQUESTS):
        event = make(Fuzz(Random(f"{SEED}:{number}")))  # noqa: S311 to be repeatable
        shown = repr(event)
        yield f"FUZZ_SEED={SEED} FUZZ_FIRST={number}: {shown[:3000]}{'...' if len(shown) > 3000 else ''}", event


def status(handler: Callable[[Event, Any], Mapping[str, Any]], event: Event, context: Any, again: str) -> int:
    try:
        answer = handler(event, context)
    except Exception as error:
        raise AssertionError(f"raised {error!r}. {again}") from error
    assert isinstance(answer.get("body", ""), str), again
    json.dumps(answer)
    return int(answer["statusCode"])


@pytest.mark.timeout(900)
@pytest.mark.parametrize("one_click", [False, True])
def test_no_request_to_the_links_pages_is_a_server_error_and_only_a_valid_one_decides(
    table: ApprovalTable, records: Records, clock: Clock, quiet: Logger, context: Any, *, one_click: bool
) -> None:
    handler = CallbackHandler(table=table, one_click=one_click, clock=clock, logger=quiet)
    valid = 0
    for again, event in fuzzed(mails_request):
        code = status(handler, event, context, again)
        decides = event["httpMethod"] == "POST" or (one_click and event["httpMethod"] == "GET")
        asked = asked_by_link(event, decides=decides)
        assert records.decided() == (asked if decides else None), again
        if asked is None:
            assert 400 <= code < 500, f"{code}. {again}"
        else:
            valid += 1
            assert code == ((302 if one_click else 303) if decides else 200), f"{code}. {again}"
    mode = "one-click" if one_click else "confirm"
    print(f"\nLinks ({mode}): {REQUESTS:,} requests, {valid:,} valid, {records.decisions:,} decided, 0 server errors")


@pytest.mark.timeout(900)
def test_no_request_to_the_slack_app_is_a_server_error_and_only_a_valid_one_decides(
    table: ApprovalTable,
    records: Records,
    slack: Slack,
    messenger: SlackMessenger,
    clock: Clock,
    quiet: Logger,
    context: Any,
) -> None:
    secret = SecretSource(lambda: SlackSecret(slack.bot_token, slack.signing_secret), clock)
    app = create_app(table=table, secret=secret, api_url="http://127.0.0.1:1/", clock=clock, logger=quiet)
    handler, requests = BotHandler(app, Guard(secret, clock), quiet), SlackRequests(slack, messenger)
    signed = 0
    for again, event in fuzzed(requests):
        code = status(handler, event, context, again)
        decided = records.decided()
        if requests.is_signed(event):
            signed += 1
            assert decided in (None, requests.may_decide(event)), f"{decided}. {again}"
            assert decided or not requests.is_whole(event), again
            assert code == 200 or (400 <= code < 500 and not decided), f"{code}. {again}"
        else:
            assert (code, decided) == (401, None), again
    print(f"\nSlack: {REQUESTS:,} requests, {signed:,} signed, {records.decisions:,} decided, 0 server errors")
