"""Fuzzed requests at the two doors to the internet: whatever comes, nothing breaks, and only what is valid decides."""

from __future__ import annotations

import hmac
import json
import os
import re
from base64 import b32encode, b64decode, b64encode
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from hashlib import sha256
from io import StringIO
from random import Random
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from mypy_boto3_dynamodb import DynamoDBClient

from approvals.domain.characters import hidden_in
from approvals.domain.form_fields import FieldType, FormField
from approvals.domain.forms import MAX_COMMENT
from approvals.domain.model import Action, Approval, MoreTime, Presence, Severity, Status
from approvals.domain.people import People, Person
from approvals.domain.signed_links import approval_id, link, sign
from approvals.store.table import ApprovalTable
from bot.app import BotHandler, create_app
from bot.credentials import SecretSource, SlackSecret
from bot.directory import SlackUser
from bot.messenger import SlackMessenger
from bot.request_verification import RequestVerifier
from bot.views.buttons import ACTION_IDS
from demo.slack import Slack
from tests.support.builders import ALICE, BOB, WORKSPACE, an_approval
from tests.support.fakes import Clock
from tests.support.tables import TABLE, as_the_bot_has_it
from web.handler import CallbackHandler
from web.http import MAX_FIELDS, MAX_FORM

REQUESTS = 7_000 if os.environ.get("PROVE") == "1" else 150
"""To each door: the links' pages in each of their two modes, and the Slack app."""

SEED = int(os.environ.get("FUZZ_SEED", "20261123"))
FIRST = int(os.environ.get("FUZZ_FIRST", "0"))
"""A failure names both: set so, the request that failed is the first."""

APPROVAL = an_approval()
OTHER = an_approval(id=approval_id("another"), link_key=b"o" * 32)

CAROL, MALLORY = "carol@example.com", "mallory@example.com"
RICH = an_approval(
    id=approval_id("rich"),
    link_key=b"r" * 32,
    people=People(
        approvers=tuple(Person(id=email, name=email, identities={"email": email}) for email in (ALICE.id, CAROL))
    ),
    request=replace(
        APPROVAL.request,
        approvers=(ALICE.id, CAROL),
        required_approvals=2,
        severity=Severity.HIGH,
        comments={Action.APPROVE: Presence.OFF, Action.REJECT: Presence.REQUIRED},
        more_time=MoreTime(1, timedelta(minutes=30)),
        form=(
            FormField(name="Version", label="Version", type=FieldType.TEXT, required=True, max_length=20),
            FormField(name="Share", label="Share", type=FieldType.NUMBER, minimum=1, maximum=10),
            FormField(name="Ring", label="Ring", type=FieldType.CHOICE, choices=("inner", "outer")),
            FormField(name="Freeze", label="Freeze", type=FieldType.YES_NO, required=True),
            FormField(name="Day", label="Day", type=FieldType.DATE, minimum="2026-11-01", maximum="2026-12-31"),
        ),
    ),
)
"""Alice and carol must both approve, tick a box, and fill in a form; to reject they must say why."""

FILLED_IN = {
    "sure": "yes",
    "comment": "Because",
    "form.Version": "2.4.1",
    "form.Share": "2.5",
    "form.Ring": "outer",
    "form.Freeze": "no",
    "form.Day": "2026-11-24",
}

Fields = dict[str, str]
Effect = tuple[Approval, str]
"""Which approval a request changed, and how: approve, reject (it is decided), counted, extended, withdrawn, refused."""

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
        """Return any JSON value."""
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
        """Return the text with something changed, lost, doubled, or nothing left of it."""
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
        """Return the fields with some of them missing, changed, swapped or new."""
        fields = dict(fields)
        for _ in range(self.pick([0, 1, 1, 1, 2, 3])):
            name = self.pick([*fields, "comment", "do"])
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

    def filled_in(self, name: str, value: str) -> str:
        """Return text for an input, mostly fitting."""
        if self.chance() > RARELY:
            return value
        near = {
            "form.Share": ["1", "10", "10.01", "0.99", "1e1", "-5", "nan", "inf", "2,5", " 3 ", "1_0", "9" * 5000],
            "form.Day": [
                "2026-11-01",
                "2026-12-31",
                "2027-01-01",
                "2026-10-31",
                "2026-11-31",
                "2026-W48-1",
                "20261124",
            ],
            "form.Version": ["", " ", "x" * 20, "x" * 21, f"{' ' * 30}x", "a\x00b", "a\u202eb", "a\u200bb", "a\r\nb"],
            "form.Ring": ["inner", "Outer", "", "middle"],
            "form.Freeze": ["yes", "true", "", "NO"],
            "sure": ["", "on", "Yes", "yes "],
            "comment": ["", " \r\n", "a\u2800b", "x" * MAX_COMMENT, "x" * (MAX_COMMENT + 1)],
        }
        return self.pick([*near[name], self.text()])

    def mutated_json(self, value: Any) -> Any:
        """Return the value with a random JSON value at a random place, or without what was there."""
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
        """Return a body as API Gateway sends it: as it is or in base64, and sometimes not what it says."""
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
    """Return a request to the pages behind the links: a link of one of three approvals, and what fuzz makes of it."""
    approval, action = fuzz.pick([APPROVAL, APPROVAL, OTHER, RICH, RICH, RICH]), fuzz.pick(list(Action))
    to = fuzz.pick([ALICE.id, ALICE.id, ALICE.id, CAROL, MALLORY]) if approval is RICH else ALICE.id
    all_shown = fuzz.pick([True, True, False])
    fields = dict(parse_qsl(urlsplit(link(approval, action, to, base_url="", all_shown=all_shown)).query))
    if approval is RICH or fuzz.chance() < RARELY:
        fields |= {name: fuzz.filled_in(name, value) for name, value in FILLED_IN.items()}
        if fuzz.chance() < 2 * RARELY:
            fields["do"] = fuzz.pick(["more-time", "more-time", "withdraw", "look", fuzz.text()])
    if approval is not RICH or fuzz.chance() < HALF:
        fields = fuzz.mutated_fields(fields)
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
            json.loads(parse_qs(slack.click(message.id, id_, BOB.id)[0].decode())["payload"][0])
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
        """Return True if Slack could have sent it in the last five minutes: told without the product's own code."""
        headers = {name.lower(): value for name, value in (event["headers"] or {}).items()}
        timestamp, body = headers.get("x-slack-request-timestamp", ""), text_of(event)
        if body is None or not timestamp.isascii() or not timestamp.isdigit():
            return False
        fresh = abs(self._slack.clock() - int(timestamp)) <= 300
        return fresh and headers.get("x-slack-signature") == self.signature(timestamp, body)

    def is_whole(self, event: Event) -> bool:
        """Return True if fuzz left a click on Approve as Slack would send it: one on Reject asks for a reason first."""
        fields = dict(parse_qsl(text_of(event) or ""))
        kinds = [value for name, value in (event["headers"] or {}).items() if name.lower() == "content-type"]
        approve = ACTION_IDS[Action.APPROVE]
        approvals = [payload for payload in self._payloads if payload["actions"][0]["action_id"] == approve]
        return kinds == [FORM] and fields.get("payload") in [json.dumps(payload) for payload in approvals]

    def may_decide(self, event: Event) -> tuple[Approval, Action] | None:
        """What a request that is signed may decide: a click on the approval's button by a member who has an id."""
        body = text_of(event) or ""
        try:
            payload = json.loads(dict(parse_qsl(body, keep_blank_values=True)).get("payload", body))
            user, button = payload["user"], payload["actions"][0]
            whole = isinstance(user["id"], str) and user["id"] and user.get("team_id") == WORKSPACE
            clicked = payload["type"] == "block_actions"
            approval = {APPROVAL.id: APPROVAL, OTHER.id: OTHER}[button["value"]]
            action = {name: action for action, name in ACTION_IDS.items()}[button["action_id"]]
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return None
        return (approval, action) if whole and clicked else None


RARELY, HALF = 0.15, 0.5
FORM = "application/x-www-form-urlencoded"


def text_of(event: Event) -> str | None:
    """Return the body as text, if it is any."""
    body = event.get("body") or ""
    try:
        text = b64decode(body, validate=True).decode() if event.get("isBase64Encoded") else str(body)
        text.encode()
    except ValueError:
        return None
    return text


Asked = tuple[Approval, Action, Fields]


def asked_by_link(event: Event) -> Asked | None:
    """Which link a request has, and with which fields, told without the product's own code; None when it has none."""
    fields = event.get("queryStringParameters") or {}
    if event["httpMethod"] == "POST":
        body = text_of(event)
        if body is None or body.count("&") >= MAX_FIELDS or len(event.get("body") or "") > MAX_FORM:
            return None
        fields = dict(parse_qsl(body, keep_blank_values=True))
    approval = {asked.id: asked for asked in (APPROVAL, OTHER, RICH)}.get(fields.get("id", ""))
    to = fields.get("to", "")
    try:
        "".join(fields.values()).encode()
    except UnicodeEncodeError:
        return None
    if approval is None or not to:
        return None
    digest = hmac.new(approval.link_key, f"{approval.id}:{to}".encode(), sha256).digest()
    if fields.get("sig") != b32encode(digest[:20]).decode().lower() or fields.get("action") not in list(Action):
        return None
    return approval, Action(fields["action"]), fields


def expected(  # noqa: PLR0911 one of many
    asked: Asked, method: str, *, one_click: bool
) -> tuple[str | None, int]:
    """Return what a request with a valid link does and the status it gets, told without the product's own code."""
    approval, action, fields = asked
    may = approval is not RICH or fields["to"].lower() in (ALICE.id, CAROL)
    do = fields.get("do", "")
    if method == "GET" and one_click and fields.get("all") and approval is not RICH and do != "look":
        return action.value, 302
    if method != "POST":
        return None, 200 if may else 403
    if do not in ("", "withdraw", "more-time"):
        return None, 400
    if not may:
        return "refused" if do == "" else None, 403
    if do:
        return "extended" if do == "more-time" and approval is RICH else None, 303
    if not is_complete(approval, action, fields):
        return None, 400
    return "counted" if approval is RICH and action is Action.APPROVE else action.value, 303


def is_complete(approval: Approval, action: Action, fields: Fields) -> bool:
    """Return True if all required input is there and right."""
    sent = {name: value.replace("\r\n", "\n").strip() for name, value in fields.items()}
    comment = sent.get("comment", "")
    seen = hidden_in(comment) is None
    if approval is not RICH:
        return seen and len(comment) <= MAX_COMMENT
    if fields.get("sure") != "yes":
        return False
    if action is Action.REJECT:
        return seen and 1 <= len(comment) <= MAX_COMMENT
    return all(fits(sent.get(f"form.{name}", "")) for name, fits in FITS.items())


def is_version(text: str) -> bool:
    return 1 <= len(text) <= 20 and hidden_in(text) is None


def is_share(text: str) -> bool:
    # Python's own reader takes 1_0 and other digits, too.
    plain = re.fullmatch(r"[-+0-9.eE]*", text) is not None
    try:
        return text == "" or (plain and 1 <= float(text) <= 10)
    except ValueError:
        return False


def is_day(text: str) -> bool:
    found = re.fullmatch("([0-9]{4})-([0-9]{2})-([0-9]{2})", text)
    try:
        return text == "" or (found is not None and FIRST_DAY <= date(*map(int, found.groups())) <= LAST_DAY)
    except ValueError:
        return False


FIRST_DAY, LAST_DAY = date(2026, 11, 1), date(2026, 12, 31)
FITS: dict[str, Callable[[str], bool]] = {
    "Version": is_version,
    "Share": is_share,
    "Ring": lambda text: text in ("", "inner", "outer"),
    "Freeze": lambda text: text in ("yes", "no"),
    "Day": is_day,
}


class Records:
    """All approvals, pending; put back whenever one was changed."""

    def __init__(self, table: ApprovalTable, dynamodb: DynamoDBClient) -> None:
        self._table, self._dynamodb = table, dynamodb
        self.effects: Counter[str] = Counter()
        for approval in (APPROVAL, OTHER, RICH):
            table.add(approval)

    def effect(self) -> Effect | None:
        """Return the change of the last request."""
        found = None
        for asked in (APPROVAL, OTHER, RICH):
            approval = self._table.get(asked.id)
            if approval == asked:
                continue
            assert found is None, "one request, two changes"
            found = asked, _effect(asked, approval)
            self.effects[found[1]] += 1
            self._dynamodb.delete_item(TableName=TABLE, Key={"id": {"S": asked.id}})
            self._table.add(asked)
        return found

    @property
    def summary(self) -> str:
        """How many of each effect."""
        return ", ".join(f"{count:,} {effect}" for effect, count in sorted(self.effects.items()))


def _effect(asked: Approval, approval: Approval) -> str:
    """Return the one thing that changed, besides the version."""
    if approval.status is not Status.PENDING:
        return next(action.value for action in Action if action.status is approval.status)
    changes = {"responses": "counted", "refusals": "refused", "extensions": "extended"}
    changed = [effect for field, effect in changes.items() if getattr(approval, field) != getattr(asked, field)]
    assert len(changed) == 1, f"a record changed in {changed}"
    return changed[0]


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
    """Return the requests and how to make each again: every one has a seed of its own."""
    for number in range(FIRST, FIRST + REQUESTS):
        event = make(Fuzz(Random(f"{SEED}:{number}")))  # noqa: S311 to be repeatable
        shown = repr(event)
        yield f"FUZZ_SEED={SEED} FUZZ_FIRST={number}: {shown[:3000]}{'...' if len(shown) > 3000 else ''}", event


def status(handler: Callable[[Event, Any], Mapping[str, Any]], event: Event, context: LambdaContext, again: str) -> int:
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
    table: ApprovalTable, records: Records, clock: Clock, quiet: Logger, context: LambdaContext, *, one_click: bool
) -> None:
    handler, valid = CallbackHandler(table=table, one_click=one_click, clock=clock, logger=quiet), 0
    for again, event in fuzzed(mails_request):
        code = status(handler, event, context, again)
        effect = records.effect()
        asked = asked_by_link(event)
        if asked is None:
            assert (effect, 400 <= code < 500) == (None, True), f"{code}. {again}"
            continue
        valid += 1
        does, expected_code = expected(asked, event["httpMethod"], one_click=one_click)
        assert (effect, code) == ((asked[0], does) if does else None, expected_code), f"{code}. {again}"
    if not FIRST:
        assert {"approve", "reject", "counted", "extended", "refused"} <= set(records.effects), "too tame"
    mode = "one-click" if one_click else "confirm"
    print(f"\nLinks ({mode}): {REQUESTS:,} requests, {valid:,} valid, {records.summary}, 0 server errors, seed {SEED}")


@pytest.mark.timeout(900)
def test_no_request_to_the_slack_app_is_a_server_error_and_only_a_valid_one_decides(
    table: ApprovalTable,
    records: Records,
    slack: Slack,
    messenger: SlackMessenger,
    clock: Clock,
    quiet: Logger,
    context: LambdaContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    member = SlackUser(id="U0BOB00002", name="bob", email="", workspaces=frozenset({WORKSPACE}), deleted=False)
    monkeypatch.setattr("bot.app.SlackDirectory", lambda _: SimpleNamespace(user=lambda _: member))
    secret = SecretSource(lambda: SlackSecret(slack.bot_token, slack.signing_secret), clock)
    as_bot = as_the_bot_has_it(table)
    app = create_app(table=as_bot, secret=secret, api_url="http://127.0.0.1:1/", clock=clock, logger=quiet)
    handler, requests = BotHandler(app, RequestVerifier(secret, clock), quiet), SlackRequests(slack, messenger)
    signed = 0
    for again, event in fuzzed(requests):
        code = status(handler, event, context, again)
        effect = records.effect()
        decided = (effect[0], Action(effect[1])) if effect and effect[1] in list(Action) else None
        if requests.is_signed(event):
            signed += 1
            assert decided in (None, requests.may_decide(event)), f"{decided}. {again}"
            assert decided or not requests.is_whole(event), again
            assert code == 200 or (400 <= code < 500 and not decided), f"{code}. {again}"
        else:
            assert (code, effect) == (401, None), again
    print(f"\nSlack: {REQUESTS:,} requests, {signed:,} signed, {records.summary}, 0 server errors, seed {SEED}")
