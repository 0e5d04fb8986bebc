"""The pages behind the links, asked as API Gateway asks."""

from __future__ import annotations

import re
from base64 import b64encode
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from aws_lambda_powertools import Logger

from approvals.links import link
from approvals.model import Action, Status
from approvals.respond import respond
from approvals.rules import Cancellation, Expiry
from approvals.table import ApprovalTable
from handlers.callback import MAX_COMMENT, CallbackHandler
from tests.builders import ALICE, BOB, a_response, an_approval
from tests.functional.conftest import Clock

APPROVE, REJECT = Action


@pytest.fixture
def handler(table: ApprovalTable, clock: Clock, logger: Logger) -> CallbackHandler:
    table.add(an_approval())
    return CallbackHandler(table=table, one_click=False, clock=clock, logger=logger)


@pytest.fixture
def one_click(table: ApprovalTable, clock: Clock, logger: Logger) -> CallbackHandler:
    table.add(an_approval())
    return CallbackHandler(table=table, one_click=True, clock=clock, logger=logger)


def fields(action: Action = APPROVE, /, **changes: str | None) -> dict[str, str]:
    url = link(an_approval(), action, ALICE.id, base_url="https://x")
    changed = dict(parse_qsl(urlsplit(url).query)) | changes
    return {name: value for name, value in changed.items() if value is not None}


def ask(method: str, fields: dict[str, str] | None) -> dict[str, Any]:
    """The event for a request with these fields: in the query, or in a POST's body."""
    body = urlencode(fields or {}) if method == "POST" else None
    query = None if method == "POST" else fields
    return {"httpMethod": method, "queryStringParameters": query, "body": body, "isBase64Encoded": False}


def status(table: ApprovalTable) -> Status:
    return table.get(an_approval().id).status


PERSON = {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"}
MACHINES = [
    {},
    None,
    {"User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0 Safari/537.36"},
    {"User-Agent": "Microsoft Office/16.0 (Microsoft Outlook Mail 16.0.19330; Pro)"},
    {"User-Agent": "GoogleImageProxy", "Via": "1.1 google"},
    {"User-Agent": "Barracuda Sentinel (EE)", "X-Forwarded-For": "64.235.144.1"},
    {"User-Agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"},
    {"User-Agent": "curl/8.16.0", "Accept": "*/*"},
    {"Purpose": "prefetch", "Sec-Purpose": "prefetch;prerender", "X-Moz": "prefetch", "X-Purpose": "preview"},
    {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-User": "?1", "Sec-Fetch-Dest": "document"},
]
"""What scanners, link previews and browsers that look ahead send; the last is what a person's click sends."""


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("action", Action)
def test_looking_changes_nothing_whoever_looks(
    handler: CallbackHandler, table: ApprovalTable, method: str, action: Action, context: Any
) -> None:
    """And all are shown the same page: there is nothing to be gained by looking like somebody else."""
    shown = handler(ask(method, fields(action)) | {"headers": PERSON}, context)
    assert shown["statusCode"] == 200
    for headers in MACHINES * 5:
        assert handler(ask(method, fields(action)) | {"headers": headers}, context) == shown
    assert table.get_with_token(an_approval().id) == an_approval()


def test_head_has_no_body(handler: CallbackHandler, context: Any) -> None:
    assert handler(ask("HEAD", fields()), context)["body"] == ""
    assert handler(ask("HEAD", fields(sig="x")), context)["body"] == ""


@pytest.mark.parametrize(("action", "ends"), [(APPROVE, "APPROVED"), (REJECT, "REJECTED")])
def test_a_post_decides_and_leads_back_to_the_link(
    handler: CallbackHandler, table: ApprovalTable, action: Action, ends: str, context: Any
) -> None:
    answer = handler(ask("POST", {**fields(action), "comment": " fine "}), context)
    assert answer["statusCode"] == 303
    assert dict(parse_qsl(urlsplit(answer["headers"]["Location"]).query)) == fields(action)
    stored = table.get(an_approval().id)
    assert stored.status == ends
    assert stored.decision is not None
    assert (stored.decision.approver, stored.decision.comment) == (ALICE, "fine")
    page = handler(ask("GET", fields(action)), context)
    assert page["statusCode"] == 200
    assert f"{ends.capitalize()} by alice@example.com by email on Mon 23 Nov 2026, 09:00 UTC." in page["body"]
    assert "console.aws.amazon.com/states/home?region=eu-west-1#/v2/executions/details/" in page["body"]


def test_a_form_may_come_base64_encoded(handler: CallbackHandler, table: ApprovalTable, context: Any) -> None:
    event = ask("POST", fields())
    event |= {"body": b64encode(event["body"].encode()).decode(), "isBase64Encoded": True}
    assert handler(event, context)["statusCode"] == 303
    assert status(table) is Status.APPROVED


def test_the_same_answer_again_is_fine_and_changes_nothing(
    handler: CallbackHandler, table: ApprovalTable, context: Any
) -> None:
    handler(ask("POST", fields()), context)
    before = table.get(an_approval().id)
    assert handler(ask("POST", {**fields(), "comment": "again"}), context)["statusCode"] == 303
    assert table.get(an_approval().id) == before


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_other_answer_says_who_decided_when_and_where(
    handler: CallbackHandler, table: ApprovalTable, method: str, context: Any
) -> None:
    respond(table, an_approval(), a_response(APPROVE, BOB))
    answer = handler(ask(method, fields(REJECT)), context)
    assert answer["statusCode"] == 409
    assert "Approved by bob in Slack on Mon 23 Nov 2026, 09:01 UTC." in answer["body"]
    assert status(table) is Status.APPROVED


def test_an_answer_after_the_deadline_expires_the_approval(
    handler: CallbackHandler, table: ApprovalTable, clock: Clock, context: Any
) -> None:
    clock.pass_(minutes=60)
    assert handler(ask("GET", fields()), context)["statusCode"] == 410
    assert status(table) is Status.PENDING, "a look must not decide"
    answer = handler(ask("POST", fields()), context)
    assert answer["statusCode"] == 410
    assert "Expired" in answer["body"]
    assert status(table) is Status.EXPIRED


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_cancelled_approval_says_so(
    handler: CallbackHandler, table: ApprovalTable, clock: Clock, method: str, context: Any
) -> None:
    respond(table, an_approval(), Cancellation(clock(), "The execution was stopped."))
    answer = handler(ask(method, fields()), context)
    assert answer["statusCode"] == 410
    assert "The execution was stopped." in answer["body"]


OTHER = "a" * 32
REFUSED = [
    ("no fields at all", dict.fromkeys(fields()), 400),
    ("no action", {"action": None}, 400),
    ("an unknown action", {"action": "Approve"}, 400),
    ("no id", {"id": None}, 400),
    ("an empty signature", {"sig": ""}, 400),
    ("no recipient", {"to": None}, 400),
    ("a lone surrogate", {"to": "\ud800"}, 400),
    ("an unknown id", {"id": OTHER}, 404),
    ("an id of another shape", {"id": "../x"}, 404),
    ("a note's id", {"id": "note#" + "a" * 27}, 404),
    ("a huge id", {"id": "a" * 5000}, 404),
    ("a wrong signature", {"sig": OTHER}, 403),
    ("a signature that is not ASCII", {"sig": "ü"}, 403),
    ("another recipient", {"to": "mallory@example.com"}, 403),
]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize(("what", "changes", "code"), REFUSED, ids=[case[0] for case in REFUSED])
def test_a_link_that_was_tampered_with_is_refused(
    handler: CallbackHandler,
    table: ApprovalTable,
    method: str,
    what: str,
    changes: dict[str, str | None],
    code: int,
    context: Any,
) -> None:
    if what == "a lone surrogate" and method == "POST":
        pytest.skip("a form can't carry one")
    assert handler(ask(method, fields(**changes)), context)["statusCode"] == code
    assert status(table) is Status.PENDING


@pytest.mark.parametrize(
    "body", [None, "", "\ud800", "%ff=%fe", "&".join(f"f{n}=1" for n in range(21)), "action=approve", "{}"]
)
def test_a_malformed_form_is_400(
    handler: CallbackHandler, table: ApprovalTable, body: str | None, context: Any
) -> None:
    event = {"httpMethod": "POST", "body": body, "queryStringParameters": fields()}
    assert handler(event, context)["statusCode"] == 400
    assert status(table) is Status.PENDING


@pytest.mark.parametrize("body", ["not base64!", b64encode(b"\xff\xfe").decode()])
def test_a_malformed_encoding_is_400(handler: CallbackHandler, body: str, context: Any) -> None:
    event = {"httpMethod": "POST", "body": body, "isBase64Encoded": True}
    assert handler(event, context)["statusCode"] == 400


def test_a_form_of_a_megabyte_is_400_whatever_else_it_says(
    handler: CallbackHandler, table: ApprovalTable, context: Any
) -> None:
    answer = handler(ask("POST", {**fields(), "more": "x" * 2**20}), context)
    assert answer["statusCode"] == 400
    assert status(table) is Status.PENDING


def test_a_comment_too_long_is_400_and_not_cut(handler: CallbackHandler, table: ApprovalTable, context: Any) -> None:
    answer = handler(ask("POST", {**fields(), "comment": "x" * (MAX_COMMENT + 1)}), context)
    assert answer["statusCode"] == 400
    assert "1,001 characters" in answer["body"]
    assert status(table) is Status.PENDING


def test_every_answer_carries_the_security_headers(handler: CallbackHandler, context: Any) -> None:
    for event in (ask("GET", fields()), ask("POST", fields()), ask("GET", fields(sig="x")), ask("GET", None)):
        headers = handler(event, context)["headers"]
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Robots-Tag"] == "noindex"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "script" not in headers["Content-Security-Policy"]


def test_in_one_click_mode_a_get_decides_and_leads_to_the_console(
    one_click: CallbackHandler, table: ApprovalTable, context: Any
) -> None:
    for _ in range(2):
        answer = one_click(ask("GET", fields()), context)
        assert answer["statusCode"] == 302
        assert answer["headers"]["Location"].endswith(an_approval().workflow.execution_arn)
    assert status(table) is Status.APPROVED
    assert one_click(ask("GET", fields(REJECT)), context)["statusCode"] == 409


def test_in_one_click_mode_a_head_still_changes_nothing(
    one_click: CallbackHandler, table: ApprovalTable, context: Any
) -> None:
    assert one_click(ask("HEAD", fields()), context)["statusCode"] == 200
    assert status(table) is Status.PENDING


def test_an_expired_approval_stays_expired(
    handler: CallbackHandler, table: ApprovalTable, clock: Clock, context: Any
) -> None:
    clock.pass_(hours=2)
    respond(table, an_approval(), Expiry(clock()))
    assert handler(ask("POST", fields()), context)["statusCode"] == 410
    assert status(table) is Status.EXPIRED


def test_a_superseded_request_leads_to_the_newer_one(
    handler: CallbackHandler, table: ApprovalTable, clock: Clock, context: Any
) -> None:
    newer = an_approval(id="b" * 32, link_key=b"n" * 32)
    table.add(newer)
    respond(table, an_approval(), Cancellation(clock(), "A newer one.", superseded_by=newer.id))
    page = handler(ask("GET", fields()), context)
    assert page["statusCode"] == 410
    found = re.search(r'href="execution\?([^"]+)">Open the newer request', page["body"])
    assert found is not None
    led = handler(ask("GET", dict(parse_qsl(unescape(found[1])))), context)
    assert led["statusCode"] == 200
    assert "<form" in led["body"]
