"""The pages behind the links, asked as API Gateway asks."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from dataclasses import dataclass, replace
from datetime import timedelta
from html import unescape
from io import StringIO
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from mypy_boto3_dynamodb import DynamoDBClient

from approvals.domain.eligibility import Reason
from approvals.domain.errors import ConflictError
from approvals.domain.form_fields import FieldType, FormField
from approvals.domain.forms import MAX_COMMENT
from approvals.domain.judgement import Cancellation, Expiry, Withdrawal
from approvals.domain.model import Action, Approval, MoreTime, OnTimeout, Presence, Request, Severity, Status
from approvals.domain.people import Approver, People, Person
from approvals.domain.refusal_wording import WHY
from approvals.domain.signed_links import link, sign, user_recipient
from approvals.domain.steps import Step
from approvals.services.respond import respond
from approvals.store.table import ApprovalTable
from tests.support.broken_records import leave_no_room
from tests.support.builders import ALICE, APPROVE, BOB, REJECT, a_response, an_approval, decided
from tests.support.changing_policy import ask_again
from tests.support.fakes import Clock
from tests.support.lambda_events import ask
from tests.support.tables import TABLE
from web.handler import UNEXPECTED, CallbackHandler
from web.html import HEADERS
from web.pages import MORE_TIME, WITHDRAW

SCRIPT = "echo harmless\n" * 80 + "rm -rf /prod"


@dataclass
class Site:
    """The approval pages of a stack, with one pending approval on record."""

    table: ApprovalTable
    handler: CallbackHandler
    context: LambdaContext

    def send(self, event: dict[str, Any]) -> dict[str, Any]:
        return self.handler(event, self.context)

    def ask(self, method: str, fields: dict[str, str] | None) -> dict[str, Any]:
        return self.send(ask(method, fields))

    def get(self, fields: dict[str, str] | None) -> dict[str, Any]:
        return self.ask("GET", fields)

    def post(self, fields: dict[str, str] | None) -> dict[str, Any]:
        return self.ask("POST", fields)

    def put(self, *, people: People | None = None, wait: bool = False, **asked: Any) -> Approval:
        """Store an approval with this request beside the one on record."""
        changed: dict[str, Any] = {"title": "Deploy", "timeout": timedelta(hours=1), "digest": "d" * 64, **asked}
        approval = an_approval(id="c" * 32, request=Request(**changed), people=None if wait else people or People())
        self.table.add(approval)
        return self.table.get(approval.id)

    def quorum(self, **asked: Any) -> Approval:
        """Store a request that two of alice and carol must approve."""
        return self.put(people=People(approvers=named(ALICE.id, CAROL)), required_approvals=2, **asked)

    @property
    def record(self) -> Approval:
        return self.table.get(an_approval().id)

    def status(self) -> Status:
        return self.record.status


@pytest.fixture
def site(table: ApprovalTable, clock: Clock, logger: Logger, context: LambdaContext) -> Site:
    table.add(an_approval())
    return Site(table, CallbackHandler(table=table, one_click=False, clock=clock, logger=logger), context)


@pytest.fixture
def one_click(table: ApprovalTable, clock: Clock, logger: Logger, context: LambdaContext) -> Site:
    table.add(an_approval())
    return Site(table, CallbackHandler(table=table, one_click=True, clock=clock, logger=logger), context)


def fields(action: Action = APPROVE, /, **changes: str | None) -> dict[str, str]:
    url = link(an_approval(), action, ALICE.id, base_url="https://x")
    changed = dict(parse_qsl(urlsplit(url).query)) | changes
    return {name: value for name, value in changed.items() if value is not None}


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
def test_looking_changes_nothing_whoever_looks(site: Site, method: str, action: Action) -> None:
    """And all are shown the same page: there is nothing to be gained by looking like somebody else."""
    shown = site.send(ask(method, fields(action)) | {"headers": PERSON})
    assert shown["statusCode"] == 200
    for headers in MACHINES * 5:
        assert site.send(ask(method, fields(action)) | {"headers": headers}) == shown
    assert site.record == an_approval()


def test_head_has_no_body(site: Site) -> None:
    assert site.ask("HEAD", fields())["body"] == ""
    assert site.ask("HEAD", fields(sig="x"))["body"] == ""


@pytest.mark.parametrize(("action", "ends"), [(APPROVE, "APPROVED"), (REJECT, "REJECTED")])
def test_a_post_decides_and_leads_back_to_the_link(site: Site, action: Action, ends: str) -> None:
    answer = site.post({**fields(action), "comment": " fine "})
    assert answer["statusCode"] == 303
    assert dict(parse_qsl(urlsplit(answer["headers"]["Location"]).query)) == fields(action)
    stored = site.record
    assert stored.status == ends
    assert stored.decision is not None
    assert (stored.decision.approver, stored.decision.comment) == (ALICE, "fine")
    page = site.get(fields(action))
    assert page["statusCode"] == 200
    assert f"You {ends.lower()} this request by email on 23 Nov 2026, 09:00 UTC." in page["body"]
    assert "console.aws.amazon.com/states/home?region=eu-west-1#/v2/executions/details/" in page["body"]


@pytest.mark.parametrize("recipient", ["alice+x@example.com", "o'neil@example.com"])
def test_a_link_works_whose_plus_a_gateway_decoded_to_a_blank(site: Site, recipient: str) -> None:
    """And every address works in every link: the page leads on with the address as it was signed."""
    page = site.get(fields(to=recipient.replace("+", " "), sig=sign(an_approval(), recipient)))
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page["body"])
    answer = site.post({unescape(name): unescape(value) for name, value in hidden})
    assert answer["statusCode"] == 303
    assert dict(parse_qsl(urlsplit(answer["headers"]["Location"]).query))["to"] == recipient
    decision = site.record.decision
    assert decision is not None
    assert decision.approver is not None
    assert decision.approver.id == recipient


def test_a_form_may_come_base64_encoded(site: Site) -> None:
    event = ask("POST", fields())
    event |= {"body": b64encode(event["body"].encode()).decode(), "isBase64Encoded": True}
    assert site.send(event)["statusCode"] == 303
    assert site.status() is Status.APPROVED


def test_the_same_answer_again_is_fine_and_changes_nothing(site: Site) -> None:
    site.post(fields())
    before = site.record
    assert site.post({**fields(), "comment": "again"})["statusCode"] == 303
    assert site.record == before


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_other_answer_says_who_decided_when_and_where(site: Site, method: str) -> None:
    respond(site.table, an_approval(), a_response(APPROVE, BOB))
    answer = site.ask(method, fields(REJECT))
    assert answer["statusCode"] == 409
    assert "By bob in Slack on 23 Nov 2026, 09:01 UTC." in answer["body"]
    assert site.status() is Status.APPROVED


def test_the_way_to_the_other_answer_only_looks_even_where_a_click_decides(one_click: Site) -> None:
    """`Reject instead` on a page must not reject: the button of the page that it leads to does."""
    page = one_click.get(fields(do="look"))["body"]
    [leading] = re.findall(r'href="execution\?([^"]+)">Reject instead', page)
    other = one_click.get(dict(parse_qsl(unescape(leading))))
    assert "Reject this request" in other["body"]
    assert one_click.status() is Status.PENDING
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]+)">', other["body"])
    assert one_click.post({unescape(name): unescape(value) for name, value in hidden})["statusCode"] == 303
    assert one_click.status() is Status.REJECTED


def test_nobody_is_sent_to_a_console_login_unless_one_click_decides(site: Site, one_click: Site) -> None:
    for answer in (site.get(fields()), site.post(fields())):
        assert "console.aws" not in answer["headers"].get("Location", "")
    assert site.status() is Status.APPROVED
    assert one_click.get(fields(do="look"))["statusCode"] == 200
    assert "console.aws" in one_click.get(fields(all="1"))["headers"]["Location"]


def test_an_answer_after_the_deadline_expires_the_approval(site: Site, clock: Clock) -> None:
    clock.pass_(minutes=60)
    assert site.get(fields())["statusCode"] == 410
    assert site.status() is Status.PENDING, "a look must not decide"
    answer = site.post(fields())
    assert answer["statusCode"] == 410
    assert "Expired" in answer["body"]
    assert site.status() is Status.EXPIRED


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_cancelled_approval_says_so(site: Site, clock: Clock, method: str) -> None:
    respond(site.table, an_approval(), Cancellation(clock(), "The execution was stopped."))
    answer = site.ask(method, fields())
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


@pytest.mark.parametrize(
    ("method", "changes", "code"),
    [
        pytest.param(method, changes, code, id=f"{what}-{method}")
        for what, changes, code in REFUSED
        for method in ("GET", "HEAD", "POST")
        if (what, method) != ("a lone surrogate", "POST")  # A form can't carry one.
    ],
)
def test_a_link_that_was_tampered_with_is_refused(
    site: Site, method: str, changes: dict[str, str | None], code: int
) -> None:
    assert site.ask(method, fields(**changes))["statusCode"] == code
    assert site.status() is Status.PENDING


@pytest.mark.parametrize(
    "body", [None, "", "\ud800", "%ff=%fe", "&".join(f"f{n}=1" for n in range(41)), "action=approve", "{}"]
)
def test_a_malformed_form_is_400(site: Site, body: str | None) -> None:
    event = {"httpMethod": "POST", "body": body, "queryStringParameters": fields()}
    assert site.send(event)["statusCode"] == 400
    assert site.status() is Status.PENDING


@pytest.mark.parametrize("body", ["not base64!", b64encode(b"\xff\xfe").decode()])
def test_a_malformed_encoding_is_400(site: Site, body: str) -> None:
    event = {"httpMethod": "POST", "body": body, "isBase64Encoded": True}
    assert site.send(event)["statusCode"] == 400


def test_a_form_of_a_megabyte_is_400_whatever_else_it_says(site: Site) -> None:
    answer = site.post({**fields(), "more": "x" * 2**20})
    assert answer["statusCode"] == 400
    assert site.status() is Status.PENDING


def test_a_comment_too_long_is_400_and_not_cut(site: Site) -> None:
    answer = site.post({**fields(), "comment": "x" * (MAX_COMMENT + 1)})
    assert answer["statusCode"] == 400
    assert "1,001 characters" in answer["body"]
    assert "x" * (MAX_COMMENT + 1) in answer["body"], "what was typed is kept"
    assert site.status() is Status.PENDING


def test_every_answer_carries_the_security_headers(site: Site) -> None:
    for event in (ask("GET", fields()), ask("POST", fields()), ask("GET", fields(sig="x")), ask("GET", None)):
        headers = site.send(event)["headers"]
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Robots-Tag"] == "noindex"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "script" not in headers["Content-Security-Policy"]


def test_in_one_click_mode_a_get_decides_and_leads_to_the_console(one_click: Site) -> None:
    for _ in range(2):
        answer = one_click.get(fields(all="1"))
        assert answer["statusCode"] == 302
        assert answer["headers"]["Location"].endswith(an_approval().workflow.execution_arn)
    assert one_click.status() is Status.APPROVED
    assert one_click.get(fields(REJECT, all="1"))["statusCode"] == 409


def test_in_one_click_mode_a_head_still_changes_nothing(one_click: Site) -> None:
    assert one_click.ask("HEAD", fields(all="1"))["statusCode"] == 200
    assert one_click.status() is Status.PENDING


def test_an_expired_approval_stays_expired(site: Site, clock: Clock) -> None:
    clock.pass_(hours=2)
    respond(site.table, an_approval(), Expiry(clock()))
    assert site.post(fields())["statusCode"] == 410
    assert site.status() is Status.EXPIRED


def test_a_superseded_request_leads_to_the_newer_one(site: Site, clock: Clock) -> None:
    newer = an_approval(id="b" * 32, link_key=b"n" * 32)
    site.table.add(newer)
    respond(site.table, an_approval(), Cancellation(clock(), "A newer one.", superseded_by=newer.id))
    page = site.get(fields())
    assert page["statusCode"] == 410
    found = re.search(r'href="execution\?([^"]+)">Open the newer request', page["body"])
    assert found is not None
    led = site.get(dict(parse_qsl(unescape(found[1]))))
    assert led["statusCode"] == 200
    assert "<form" in led["body"]


# Who decides, by which rules, and what they are asked. #

CAROL, MALLORY = "carol@example.com", "mallory@example.com"
SHARE = FormField(name="Share", label="Share of traffic", type=FieldType.NUMBER, required=True, minimum=1, maximum=10)
NOTE = FormField(name="Note", label="Note", type=FieldType.TEXT, default="as planned")


def named(*emails: str) -> tuple[Person, ...]:
    return tuple(Person(id=email, name=email, identities={"email": email}) for email in emails)


def of(approval: Approval, action: Action = APPROVE, to: str = ALICE.id, /, **more: str) -> dict[str, str]:
    """Return the fields of a link to it, with more beside them."""
    return dict(parse_qsl(urlsplit(link(approval, action, to, base_url="https://x")).query)) | more


def problem_at(page: str, name: str) -> str | None:
    found = re.search(rf'id="{re.escape(name)}-problem">([^<]*)<', page)
    return unescape(found[1]) if found else None


def test_an_answer_that_counts_leads_to_a_page_that_says_what_is_still_needed(site: Site) -> None:
    asked = site.quorum()
    answer = site.post(of(asked, comment="Go"))
    assert answer["statusCode"] == 303
    page = site.get(dict(parse_qsl(urlsplit(answer["headers"]["Location"]).query)))
    assert page["statusCode"] == 200
    for text in ("Your response is recorded", "1 of 2 approvals", "1 more approval needed", "carol@example.com", "Go"):
        assert text in page["body"]
    assert 'value="withdraw"' in page["body"]
    assert site.get(of(asked, APPROVE, CAROL))["body"].count("1 of 2 approvals") == 1
    assert site.post(of(asked, APPROVE, CAROL))["statusCode"] == 303
    assert site.table.get(asked.id).status is Status.APPROVED


@pytest.mark.parametrize("hidden", ["\u200b", "\x1b", "\u202e", "\u2800", "\U000e0041"])
def test_a_hidden_character_that_an_approver_typed_is_refused_with_its_place_and_shown(site: Site, hidden: str) -> None:
    form = (FormField(name="Version", label="Version", type=FieldType.TEXT),)
    asked = site.put(form=form)
    typed = {"comment": f"Go{hidden}", "form.Version": f"2{hidden}"}
    answer = site.post(of(asked, **typed))
    assert answer["statusCode"] == 400
    assert site.table.get(asked.id).status is Status.PENDING
    assert (problem_at(answer["body"], "comment") or "").endswith(" at character 3.")
    assert (problem_at(answer["body"], "form-Version") or "").endswith(" at character 2.")
    assert hidden not in answer["body"]
    assert "2\ufffd" in answer["body"]
    fixed = {"comment": "Go \u2764\ufe0f", "form.Version": "2"}
    assert site.post(of(asked, **fixed))["statusCode"] == 303
    assert site.table.get(asked.id).status is Status.APPROVED


def test_the_same_answer_again_while_the_request_waits_leads_to_the_same_page(site: Site) -> None:
    asked = site.quorum()
    site.post(of(asked))
    before = site.table.get(asked.id)
    assert site.post(of(asked))["statusCode"] == 303
    assert site.table.get(asked.id) == before


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_other_answer_must_wait_until_the_first_is_withdrawn(site: Site, method: str) -> None:
    asked = site.quorum()
    site.post(of(asked))
    answer = site.ask(method, of(asked, REJECT))
    assert answer["statusCode"] == 409
    assert "To reject this request, first withdraw your response." in answer["body"]
    assert 'value="withdraw"' in answer["body"]
    back = site.post(of(asked, REJECT, do="withdraw"))
    assert back["statusCode"] == 303
    assert dict(parse_qsl(urlsplit(back["headers"]["Location"]).query)) == of(asked, REJECT)
    assert site.table.get(asked.id).standing == ()
    shown = site.get(of(asked, REJECT))
    assert shown["statusCode"] == 200
    page = shown["body"]
    assert site.post(of(asked, REJECT) | seen(page))["statusCode"] == 303
    assert site.table.get(asked.id).status is Status.REJECTED


def test_the_page_says_that_the_response_was_withdrawn(site: Site, clock: Clock) -> None:
    """To the person who withdrew it, until they respond again."""
    asked = site.quorum()
    withdrawn = "You withdrew your response on 23 Nov 2026, 09:05 UTC. It no longer counts."
    first = of(asked) | seen(site.get(of(asked))["body"])
    site.post(first)
    clock.pass_(minutes=5)
    site.post(first | {"do": "withdraw"})
    page = site.get(of(asked))["body"]
    assert withdrawn in page
    assert withdrawn not in site.get(of(asked, APPROVE, CAROL))["body"]
    site.post(of(asked) | seen(page))
    assert withdrawn not in site.get(of(asked))["body"]


def seen(page: str) -> dict[str, str]:
    """Return the hidden fields in which a form keeps what its page showed."""
    return dict(re.findall(r'name="(seen|values)" value="([^"]*)"', page))


def opened(site: Site, approval: Approval, to: str) -> tuple[str, dict[str, str]]:
    """Return a person's page, and what its form sends back."""
    page = unescape(site.get(of(approval, APPROVE, to))["body"])
    return page, of(approval, APPROVE, to) | seen(page)


def test_a_later_approver_sees_who_filled_in_the_form_and_confirms_or_changes_it(site: Site, clock: Clock) -> None:
    asked = site.quorum(form=(SHARE, NOTE))
    site.post(of(asked, APPROVE, **{"form.Share": "2.5", "form.Note": "Slowly"}))
    clock.pass_(minutes=1)
    page, form = opened(site, asked, CAROL)
    assert "alice@example.com filled in this form. Confirm the values, or change them:" in page
    assert 'value="2.5"' in page
    assert page.count("Slowly") == 3, "in words, in the input, and in the activity"
    recorded = site.post(form | {"form.Share": "3"})
    assert recorded["statusCode"] == 303
    [alice, carol] = site.table.get(asked.id).responses
    assert (alice.reset_by, carol.form) == (CAROL, {"Share": 3})
    assert "alice@example.com must approve again, since the form was changed." in opened(site, asked, CAROL)[0]
    clock.pass_(minutes=1)
    page, form = opened(site, asked, ALICE.id)
    assert "carol@example.com changed the form after you approved, so your approval no longer counts." in page
    assert "Share of traffic: 3 (before: 2.5)\nNote: no answer (before: Slowly)" in page
    assert "You withdrew" not in page
    site.post(form | {"form.Share": "3"})
    decided = site.table.get(asked.id)
    assert decided.status is Status.APPROVED
    assert [said.form for said in decided.standing] == [{"Share": 3}, {"Share": 3}]
    outcome = opened(site, asked, CAROL)[0]
    assert "By you and alice@example.com by email on 23 Nov 2026, 09:02 UTC." in outcome


def test_a_page_from_before_does_not_override_what_others_filled_in(site: Site) -> None:
    asked = site.quorum(form=(SHARE, NOTE), severity=Severity.HIGH)
    _, early = opened(site, asked, CAROL)
    site.post(of(asked, APPROVE, **{"form.Share": "2.5", "sure": "yes"}))
    typed = {"form.Share": "3", "form.Note": "Mine", "sure": "yes"}
    answer = site.post(early | typed)
    page = unescape(answer["body"])
    assert answer["statusCode"] == 409
    assert "alice@example.com approved other values meanwhile, so your response was not recorded." in page
    assert problem_at(answer["body"], "form-Share") == (
        "alice@example.com approved \u201c2.5\u201d. Keep your answer only to replace it."
    )
    assert 'value="3"' in page
    assert len(site.table.get(asked.id).responses) == 1
    not_ticked = site.post(of(asked, APPROVE, CAROL) | seen(page) | typed | {"sure": ""})
    assert not_ticked["statusCode"] == 400
    assert "alice@example.com filled in this form." in unescape(not_ticked["body"])
    changed = site.post(of(asked, APPROVE, CAROL) | seen(not_ticked["body"]) | typed)
    assert changed["statusCode"] == 303
    assert [said.form for said in site.table.get(asked.id).standing] == [{"Share": 3, "Note": "Mine"}]


def test_a_page_from_before_a_reset_does_nothing_and_says_why(site: Site) -> None:
    asked = site.quorum(form=(SHARE, NOTE))
    first = opened(site, asked, ALICE.id)[1] | {"form.Share": "2.5"}
    site.post(first)
    site.post(opened(site, asked, CAROL)[1] | {"form.Share": "3"})
    again = site.post(first)
    assert again["statusCode"] == 409
    assert "carol@example.com changed the form after you approved" in unescape(again["body"])
    assert [said.person for said in site.table.get(asked.id).standing] == [CAROL]


@pytest.mark.parametrize("has_responded", [False, True])
def test_a_page_from_before_the_policy_changed_does_nothing_and_says_why(
    site: Site, clock: Clock, has_responded: bool
) -> None:
    asked = site.quorum()
    form = of(asked) | seen(site.get(of(asked))["body"])
    if has_responded:
        site.post(form)
    clock.pass_(minutes=5)
    ask_again(site.table, asked, clock())
    again = site.post(form)
    assert again["statusCode"] == 409
    assert "The request was made without an approval policy, and version 2 applies now" in unescape(again["body"])
    assert site.table.get(asked.id).standing == ()
    assert site.post(of(asked) | seen(again["body"]))["statusCode"] == 303
    assert len(site.table.get(asked.id).standing) == 1


@pytest.mark.parametrize("one_click", [False, True])
def test_a_form_that_is_sent_again_after_the_withdrawal_does_nothing_until_it_is_pressed_on_the_new_page(
    site: Site, clock: Clock, logger: Logger, one_click: bool
) -> None:
    """A browser may send a form again by itself; a link that decides by itself is opened again by scanners."""
    site.handler = CallbackHandler(table=site.table, one_click=one_click, clock=clock, logger=logger)
    asked = site.quorum()
    form = of(asked) | {"all": "1"} if one_click else of(asked) | seen(site.get(of(asked))["body"])
    method = "GET" if one_click else "POST"
    site.ask(method, form)
    person = site.table.get(asked.id).standing[0].person
    respond(site.table, site.table.get(asked.id), Withdrawal(ALICE, clock()))
    again = site.ask(method, form)
    assert again["statusCode"] == 409
    assert "you withdrew a response after this page was opened." in again["body"]
    assert site.table.get(asked.id).standing == ()
    assert site.post(of(asked) | seen(again["body"]))["statusCode"] == 303
    assert [said.person for said in site.table.get(asked.id).standing] == [person]


def test_a_withdrawal_and_an_extension_that_are_sent_again_do_nothing(site: Site, clock: Clock) -> None:
    asked = site.quorum(more_time=MoreTime(3, timedelta(hours=1)))
    first = of(asked) | seen(site.get(of(asked))["body"])
    site.post(first)
    site.post(first | {"do": "withdraw"})
    site.post(first | {"do": "more-time"})
    clock.pass_(minutes=5)
    fresh = of(asked) | seen(site.get(of(asked))["body"])
    site.post(fresh)
    before = site.table.get(asked.id)
    assert len(before.standing) == len(before.extensions) == 1
    for do in ("withdraw", "more-time"):
        assert site.post(first | {"do": do})["statusCode"] == 303
        assert site.table.get(asked.id) == before
    site.post(fresh | {"do": "withdraw"})
    site.post(fresh | {"do": "more-time"})
    after = site.table.get(asked.id)
    assert (len(after.standing), len(after.extensions)) == (0, 2)


def test_the_shared_address_of_a_quorum_is_told_that_it_does_not_count(site: Site) -> None:
    """Links of earlier versions may still be in its mailbox."""
    asked = site.put(people=People(), required_approvals=2)
    for method in ("GET", "POST"):
        answer = site.ask(method, of(asked))
        assert answer["statusCode"] == 403
        assert unescape(answer["body"]).count(WHY[Reason.SHARED_ADDRESS]) == 1
        assert "<form" not in answer["body"]
    assert [refusal.reason for refusal in site.table.get(asked.id).refusals] == [Reason.SHARED_ADDRESS]


@pytest.mark.parametrize("do", ["withdraw", "more-time"])
def test_a_button_with_nothing_to_do_leads_back_and_changes_nothing(site: Site, do: str) -> None:
    assert site.post({**fields(), "do": do})["statusCode"] == 303
    assert site.record == an_approval()


def test_more_time_moves_the_deadline_and_the_page_says_so(site: Site) -> None:
    asked = site.put(more_time=MoreTime(1, timedelta(minutes=30)))
    assert 'value="more-time"' in site.get(of(asked))["body"]
    for _ in range(2):
        answer = site.post(of(asked, do="more-time"))
        assert answer["statusCode"] == 303
        assert dict(parse_qsl(urlsplit(answer["headers"]["Location"]).query)) == of(asked)
    assert site.table.get(asked.id).deadline == asked.deadline + timedelta(minutes=30)
    page = site.get(of(asked))["body"]
    assert "23 Nov 2026, 10:30 UTC" in page
    assert "extended the deadline" in page
    assert 'value="more-time"' not in page


@pytest.mark.parametrize(
    ("do", "what"),
    [
        ("withdraw", "You can no longer withdraw your response"),
        ("more-time", "You can no longer extend the deadline"),
    ],
)
def test_after_the_decision_nothing_is_withdrawn_and_no_time_added(site: Site, do: str, what: str) -> None:
    site.post(fields())
    before = site.record
    answer = site.post({**fields(), "do": do})
    assert answer["statusCode"] == 409
    assert what in answer["body"]
    assert site.record == before


@pytest.mark.parametrize("do", ["withdraw", "more-time"])
def test_after_the_deadline_every_button_expires_the_request(site: Site, clock: Clock, do: str) -> None:
    clock.pass_(hours=1)
    assert site.post({**fields(), "do": do})["statusCode"] == 410
    assert site.status() is Status.EXPIRED


def test_an_action_that_no_button_has_is_400(site: Site) -> None:
    for do in ("look", "Withdraw", "x" * 5000, " "):
        assert site.post({**fields(), "do": do})["statusCode"] == 400
    assert site.status() is Status.PENDING


NOT_ALLOWED = [
    ("a stranger", {"people": People(approvers=named(ALICE.id))}, MALLORY, "Only alice@example.com can respond."),
    (
        "the requester",
        {"people": People(requester=named(ALICE.id)[0]), "requested_by": ALICE.id},
        "Alice@Example.com",
        "This is your own request, so another person must respond.",
    ),
    (
        "who may answer later",
        {
            "people": People(approvers=named(ALICE.id), escalation=named(CAROL)),
            "escalate_to": (CAROL,),
            "escalate_after": timedelta(minutes=10),
        },
        CAROL,
        "Only alice@example.com can respond.",
    ),
]


@pytest.mark.parametrize(("who", "asked", "to", "why"), NOT_ALLOWED, ids=[case[0] for case in NOT_ALLOWED])
def test_people_who_may_not_respond_get_403_with_the_reason_and_the_request_waits(
    site: Site, who: str, asked: dict[str, Any], to: str, why: str
) -> None:
    approval = site.put(**asked)
    for method in ("GET", "HEAD"):
        look = site.ask(method, of(approval, APPROVE, to))
        assert look["statusCode"] == 403
        assert (why in unescape(look["body"])) == (method == "GET")
        assert "<form" not in look["body"]
    assert site.table.get(approval.id) == approval, "a look is not noted"
    for do in ({}, {"do": "withdraw"}, {"do": "more-time"}):
        answer = site.post(of(approval, APPROVE, to, **do))
        assert answer["statusCode"] == 403
        assert why in unescape(answer["body"])
        assert "The request is still open." in answer["body"]
    stored = site.table.get(approval.id)
    assert stored.status is Status.PENDING
    assert [refusal.approver.id for refusal in stored.refusals] == [to], "the attempt is noted, once"


def test_an_attempt_is_noted_whatever_is_missing_in_it(site: Site) -> None:
    approval = site.put(people=People(approvers=named(ALICE.id)), severity=Severity.HIGH, form=(SHARE,))
    assert site.post(of(approval, APPROVE, MALLORY))["statusCode"] == 403
    assert len(site.table.get(approval.id).refusals) == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_before_it_is_known_who_may_answer_it_is_409_and_try_again(site: Site, method: str) -> None:
    approval = site.put(wait=True)
    answer = site.ask(method, of(approval))
    assert answer["statusCode"] == 409
    assert "Try again in a moment" in answer["body"]
    assert site.table.get(approval.id) == approval


@pytest.mark.parametrize("action", Action)
def test_high_severity_needs_the_box_ticked(site: Site, action: Action) -> None:
    approval = site.put(severity=Severity.HIGH)
    for sure in ({}, {"sure": ""}, {"sure": "no"}, {"sure": "on"}):
        answer = site.post(of(approval, action, comment="Typed", **sure))
        assert answer["statusCode"] == 400
        assert problem_at(answer["body"], "sure") == f"Tick the box to confirm that you want to {action} this request."
        assert "Typed" in answer["body"]
    assert site.table.get(approval.id) == approval
    assert site.post(of(approval, action, sure="yes"))["statusCode"] == 303
    assert site.table.get(approval.id).status is action.status


@pytest.mark.parametrize("action", Action)
def test_a_required_comment_is_asked_for_again(site: Site, action: Action) -> None:
    approval = site.put(comments=dict.fromkeys(Action, Presence.REQUIRED))
    for comment in ("", " \r\n "):
        answer = site.post(of(approval, action, comment=comment))
        assert answer["statusCode"] == 400
        assert problem_at(answer["body"], "comment") == f"Enter a {'comment' if action is APPROVE else 'reason'}."
    assert site.table.get(approval.id) == approval
    assert site.post(of(approval, action, comment="Because"))["statusCode"] == 303
    assert site.table.get(approval.id).responses[0].comment == "Because"


def test_a_comment_that_the_request_has_no_field_for_is_dropped(site: Site) -> None:
    approval = site.put(comments=dict.fromkeys(Action, Presence.OFF))
    assert "textarea" not in site.get(of(approval))["body"].partition("<body>")[2]
    assert site.post(of(approval, comment="x" * 2000))["statusCode"] == 303
    assert site.table.get(approval.id).responses[0].comment is None


def test_the_values_of_a_form_are_recorded_and_shown(site: Site) -> None:
    approval = site.put(form=(SHARE, NOTE))
    sent = {"form.Share": " 2.5 ", "form.Note": "two\r\nlines", "form.Other": "x"}
    assert site.post(of(approval, APPROVE, **sent))["statusCode"] == 303
    assert site.table.get(approval.id).responses[0].form == {"Share": 2.5, "Note": "two\nlines"}
    page = site.get(of(approval))["body"]
    assert "Share of traffic" in page
    assert "two\nlines" in page


@pytest.mark.parametrize(
    ("share", "problem"),
    [
        ("", "Enter a number."),
        ("many", "Enter a number from 1 to 10."),
        ("11", "Enter a number from 1 to 10."),
        ("nan", "Enter a number from 1 to 10."),
        ("9" * 5000, "Enter a number from 1 to 10."),
    ],
)
def test_a_form_with_a_mistake_comes_back_with_all_that_was_typed(site: Site, share: str, problem: str) -> None:
    approval = site.put(form=(SHARE, NOTE), severity=Severity.HIGH)
    typed = {"form.Share": share, "form.Note": "<b>mine</b>", "comment": "Kept", "sure": "yes"}
    answer = site.post(of(approval, APPROVE, **typed))
    assert answer["statusCode"] == 400
    assert problem_at(answer["body"], "form-Share") == problem
    assert f'value="{share}"' in answer["body"]
    assert "&lt;b&gt;mine&lt;/b&gt;" in answer["body"]
    assert "Kept" in answer["body"]
    assert 'value="yes" required checked' in answer["body"].replace('=""', "")
    assert site.table.get(approval.id) == approval


def test_a_rejection_needs_no_form(site: Site) -> None:
    approval = site.put(form=(SHARE,))
    assert site.post(of(approval, REJECT, **{"form.Share": "many"}))["statusCode"] == 303
    assert site.table.get(approval.id).responses[0].form == {}


def test_a_flawed_answer_is_not_taken_even_if_everything_changes_meanwhile(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between reading and writing, carol becomes somebody who may answer: her box is not ticked all the same."""
    approval = site.put(people=People(approvers=named(ALICE.id)), severity=Severity.HIGH)

    def conflict(_changed: Approval) -> None:
        raise ConflictError(replace(approval, people=People(), version=approval.version + 1))

    monkeypatch.setattr(site.table, "save", conflict)
    answer = site.post(of(approval, APPROVE, CAROL))
    assert answer["statusCode"] == 409
    assert "Open the link again." in answer["body"]


@pytest.mark.parametrize(("action", "code"), [(APPROVE, 409), (REJECT, 200)])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_silence_that_rejects_is_a_rejection_for_every_link(
    site: Site, clock: Clock, method: str, action: Action, code: int
) -> None:
    approval = site.put(on_timeout=OnTimeout.REJECT)
    clock.pass_(hours=1)
    answer = site.ask(method, of(approval, action))
    assert answer["statusCode"] == code
    assert "There was no decision before the deadline, so the request was rejected." in answer["body"]
    assert site.table.get(approval.id).status is (Status.REJECTED if method == "POST" else Status.PENDING)


def test_a_huge_request_is_on_the_page_whole(site: Site) -> None:
    words = "\U0001f680 \u05e9\u05dc\u05d5\u05dd <script>alert(1)</script> <!channel> & "
    facts = tuple((f"{number} {words}", words.strip()) for number in range(100))
    approval = site.put(title=(words * 9)[:300].strip(), details=("x" + words * 5000)[:150_000].strip(), facts=facts)
    answer = site.get(of(approval))
    assert answer["statusCode"] == 200
    shown = unescape(answer["body"])
    request = approval.request
    for text in (request.title, request.details, *(text for fact in facts for text in fact)):
        assert str(text).strip() in shown
    assert "<script" not in answer["body"]


NEEDS_MORE: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    ("high severity", {"severity": Severity.HIGH}, {"sure": "yes"}),
    ("a required comment", {"comments": dict.fromkeys(Action, Presence.REQUIRED)}, {"comment": "x"}),
    ("a required field", {"form": (SHARE,)}, {"form.Share": "2"}),
]


@pytest.mark.parametrize(("what", "asked", "more"), NEEDS_MORE, ids=[case[0] for case in NEEDS_MORE])
def test_in_one_click_mode_a_get_asks_when_something_must_be_filled_in(
    one_click: Site, what: str, asked: dict[str, Any], more: dict[str, str]
) -> None:
    approval = one_click.put(**asked)
    page = one_click.get(of(approval, APPROVE, all="1", **more))
    assert page["statusCode"] == 200
    assert "<form" in page["body"]
    assert one_click.table.get(approval.id) == approval
    answer = one_click.post(of(approval, APPROVE, **more))
    assert answer["statusCode"] == 303, "the pages' policy lets no form end elsewhere"
    shown = one_click.get(dict(parse_qsl(urlsplit(answer["headers"]["Location"]).query)))
    assert (shown["statusCode"], "Open the execution" in shown["body"]) == (200, True)
    assert one_click.table.get(approval.id).status is Status.APPROVED


def test_in_one_click_mode_a_form_that_no_email_shows_is_shown_first(one_click: Site) -> None:
    """Its defaults would be the approver's answers, unseen."""
    approval = one_click.put(form=(NOTE,))
    page = one_click.get(of(approval, all="1"))
    assert (page["statusCode"], "as planned" in page["body"]) == (200, True)
    assert one_click.table.get(approval.id) == approval


@pytest.mark.parametrize("action", Action)
def test_in_one_click_mode_a_link_beside_which_not_all_was_shown_opens_the_page(
    one_click: Site, action: Action
) -> None:
    """So do links that an earlier version sent, which cut values at 1,000 characters, and those of digests."""
    approval = one_click.put(context={"Script": SCRIPT})
    page = one_click.get(of(approval, action))
    assert (page["statusCode"], "rm -rf /prod" in page["body"]) == (200, True)
    assert one_click.table.get(approval.id) == approval


def test_in_one_click_mode_an_answer_that_was_withdrawn_stays_so(one_click: Site) -> None:
    """The page it leads to answers nothing, however often it is loaded."""
    approval = one_click.quorum()
    for _ in range(2):
        page = one_click.get(of(approval, all="1"))
        assert (page["statusCode"], "Your response is recorded" in page["body"]) == (200, True)
    answer = one_click.post(of(approval, do="withdraw"))
    assert answer["statusCode"] == 303
    after = dict(parse_qsl(urlsplit(answer["headers"]["Location"]).query))
    for _ in range(2):
        assert "<form" in one_click.get(after)["body"]
    assert one_click.table.get(approval.id).standing == ()


def test_in_one_click_mode_an_attempt_of_who_may_not_answer_is_403(one_click: Site) -> None:
    approval = one_click.put(people=People(approvers=named(ALICE.id)))
    assert one_click.get(of(approval, APPROVE, MALLORY, all="1"))["statusCode"] == 403
    assert one_click.table.get(approval.id).refusals[0].approver.id == MALLORY


def test_one_person_counts_once_in_slack_and_by_email(site: Site) -> None:
    alice = replace(named(ALICE.id)[0], identities={"email": ALICE.id, "slack": BOB.id})
    approval = site.put(people=People(approvers=(alice, *named(CAROL))), required_approvals=2)
    approval = site.table.mark(approval, "request_slack", approval.requested_at, delivery=an_approval().deliveries[0])
    respond(site.table, approval, a_response(APPROVE, BOB, minutes=0))
    page = site.get(of(approval))
    assert (page["statusCode"], "Your response is recorded" in page["body"]) == (200, True)
    assert site.post(of(approval))["statusCode"] == 303
    assert site.table.get(approval.id).status is Status.PENDING


def test_an_address_is_the_same_person_in_any_case(site: Site) -> None:
    approval = site.quorum()
    for to in (ALICE.id, ALICE.id.upper()):
        assert site.post(of(approval, APPROVE, to))["statusCode"] == 303
    assert [response.approver for response in site.table.get(approval.id).standing] == [
        Approver(id=ALICE.id, name=ALICE.id, channel=ALICE.channel)
    ]


def test_a_crowd_that_keeps_answering_first_is_no_server_error(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def others_first(*_: object) -> None:
        raise ConflictError(an_approval())

    monkeypatch.setattr(site.table, "save", others_first)
    answer = site.post(fields())
    assert (answer["statusCode"], "Try again" in answer["body"]) == (409, True)


def test_each_request_of_a_browser_reads_the_record_once_and_an_answer_writes_once(
    site: Site, calls: list[str]
) -> None:
    calls.clear()
    for method, code in (("GET", 200), ("POST", 303), ("GET", 200)):
        page = site.ask(method, fields())
        assert page["statusCode"] == code
    assert "You approved this request by email" in page["body"]
    assert calls == ["GetItem", "GetItem", "UpdateItem", "GetItem"]


def test_the_outcome_shows_what_happened_since_the_answer(site: Site, clock: Clock) -> None:
    """Such as that the workflow no longer waited."""
    site.post(fields())
    site.table.mark(site.record, Step.WORKFLOW_GONE, clock())
    assert "The workflow had already ended" in site.get(fields())["body"]


@pytest.mark.parametrize("action", Action)
def test_an_answer_to_a_page_that_another_overtook_is_judged_by_the_record(site: Site, action: Action) -> None:
    site.get(fields(action))
    respond(site.table, site.record, a_response(REJECT, BOB))
    answer = site.post(fields(action))
    assert answer["statusCode"] == (303 if action is REJECT else 409)
    assert site.record.decision == decided(REJECT, BOB).decision
    assert site.get(fields(action))["statusCode"] == (200 if action is REJECT else 409)


def test_an_answer_that_changes_nothing_is_judged_by_the_record(site: Site) -> None:
    """What is remembered says that they answered; meanwhile that was taken back."""
    approval = site.quorum()
    site.post(of(approval))
    respond(site.table, site.table.get(approval.id), Withdrawal(ALICE, approval.requested_at + timedelta(minutes=1)))
    assert site.post(of(approval, seen="1.0"))["statusCode"] == 303
    assert len(site.table.get(approval.id).standing) == 1


def test_a_page_opened_before_approvers_were_known_can_be_sent_once_they_are(site: Site) -> None:
    """That becomes known without a new version of the record."""
    approval = an_approval(id="c" * 32, people=People(complete=False))
    site.table.add(approval)
    mine = dict(parse_qsl(urlsplit(link(approval, APPROVE, ALICE.id, base_url="https://x")).query))
    site.get(mine)
    site.table.identify(approval, People())
    assert site.post(mine)["statusCode"] == 303
    assert site.table.get(approval.id).status is Status.APPROVED


def test_a_form_with_a_mistake_is_judged_by_the_record(site: Site) -> None:
    site.get(fields())
    respond(site.table, site.record, a_response(REJECT, BOB))
    late = site.post({**fields(), "comment": "x" * (MAX_COMMENT + 1)})
    assert late["statusCode"] == 409


def test_a_record_that_is_gone_since_its_page_was_opened_is_404(site: Site, dynamodb: DynamoDBClient) -> None:
    site.get(fields())
    dynamodb.delete_item(TableName=TABLE, Key={"id": {"S": an_approval().id}})
    assert site.post(fields())["statusCode"] == 404


def test_the_log_says_that_a_page_was_opened(table: ApprovalTable, clock: Clock, context: LambdaContext) -> None:
    """An operator who is asked why nobody answers sees whether anybody looked."""
    table.add(an_approval())
    lines = StringIO()
    logger = Logger(service="callback", level="INFO", stream=lines)
    CallbackHandler(table=table, one_click=False, clock=clock, logger=logger)(ask("GET", fields()), context)
    line = json.loads(lines.getvalue())
    assert (line["message"], line["approval_id"]) == ("page opened", an_approval().id)


def test_a_record_that_others_hold_is_no_server_error(
    site: Site, dynamodb: DynamoDBClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A click in Slack that leaves a note is a transaction with the record."""

    def held(**_: object) -> None:
        error: Any = {"Error": {"Code": "TransactionConflictException", "Message": ""}}
        raise dynamodb.exceptions.TransactionConflictException(error, "UpdateItem")

    monkeypatch.setattr(site.table._writes, "_sleep", lambda _: None)
    monkeypatch.setattr(dynamodb, "update_item", held)
    answer = site.post(fields())
    assert (answer["statusCode"], "Try again" in answer["body"]) == (409, True)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_an_unexpected_error_is_a_page_with_a_reference_and_a_log_line_that_raises_the_alarm(
    site: Site, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("request")

    monkeypatch.setattr(site.table, "get", broken)
    event = {**ask(method, fields()), "requestContext": {"requestId": "a1b2-c3d4"}}
    logged: list[dict[str, Any]] = []
    monkeypatch.setattr(
        site.handler._logger, "error", lambda message, extra: logged.append({"message": message, **extra})
    )
    answer = site.send(event)
    assert answer["statusCode"] == 500
    assert answer["headers"] == HEADERS
    shown = [an_approval().id[:6], "a1b2-c3d4", "Something went wrong"]
    assert [text in answer["body"] for text in shown] == [method != "HEAD"] * 3
    assert fields()["sig"] not in answer["body"]
    [line] = logged
    named = {"message": UNEXPECTED, "approval_id": an_approval().id, "request_id": "a1b2-c3d4", "error": "KeyError"}
    assert line.items() >= named.items()
    assert "broken" in line["stack"][-1]


@pytest.mark.parametrize(
    "event",
    [
        {"httpMethod": "GET"},
        {"httpMethod": "GET", "queryStringParameters": {"id": "<script>"}, "requestContext": None},
        {"httpMethod": "POST", "body": "x" * 900_000},
        {"httpMethod": "POST", "body": "%ff", "isBase64Encoded": True},
    ],
)
def test_an_unexpected_error_is_a_page_whatever_was_sent(
    site: Site, monkeypatch: pytest.MonkeyPatch, event: dict[str, Any], context: LambdaContext
) -> None:
    def broken(_event: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(site.handler, "_response", broken)
    answer = site.send(event)
    assert (answer["statusCode"], "Something went wrong" in answer["body"]) == (500, True)
    assert "<script>" not in answer["body"]
    assert context.aws_request_id in answer["body"]


@pytest.mark.parametrize("do", ["", WITHDRAW, MORE_TIME])
def test_a_response_that_the_record_has_no_room_for_is_a_page_that_says_so(
    site: Site, dynamodb: DynamoDBClient, do: str
) -> None:
    """And no server error: whoever made the request can make a shorter one."""
    people = People(approvers=(Person(id=ALICE.id, name=ALICE.name, identities={"email": ALICE.id}),))
    request = replace(an_approval().request, required_approvals=2, more_time=MoreTime(1, timedelta(hours=1)))
    dynamodb.delete_item(TableName=TABLE, Key={"id": {"S": an_approval().id}})
    site.table.add(an_approval(request=request, people=people))
    if do == WITHDRAW:
        respond(site.table, site.record, a_response())
    leave_no_room(dynamodb)
    answer = site.post(fields(do=do or None, comment="x" * 1000))
    assert answer["statusCode"] == 413
    assert "Your response is not recorded" in answer["body"]
    assert "is full" in answer["body"]
    assert site.status() is Status.PENDING


def slack_fields(approval: Approval, user: Approver = BOB, **more: str) -> dict[str, str]:
    """Return the fields of the link that was handed to a Slack user."""
    return of(approval, APPROVE, user_recipient(user.id, user.name, member=True)) | more


def test_a_link_that_was_handed_to_a_slack_user_shows_everything_and_answers_as_them(site: Site) -> None:
    approval = site.put(context={"Script": SCRIPT * 90})
    page = site.get(slack_fields(approval))
    assert (page["statusCode"], page["body"].count("rm -rf /prod")) == (200, 90)
    assert site.post(slack_fields(approval, comment="Seen"))["statusCode"] == 303
    [response] = site.table.get(approval.id).responses
    assert (response.approver, response.comment) == (BOB, "Seen")
    shown = site.get(slack_fields(approval))["body"]
    assert "You approved this request in Slack on 23 Nov 2026, 09:00 UTC." in shown


def test_a_link_of_a_slack_user_answers_for_the_human_behind_it(site: Site) -> None:
    """One human is one approval, by email and in Slack."""
    bob = Person(id="bob@example.com", name="Bob", identities={"email": "bob@example.com", "slack": BOB.id})
    approval = site.put(people=People(approvers=(bob, *named(CAROL))), required_approvals=2)
    assert site.post(of(approval, APPROVE, "bob@example.com"))["statusCode"] == 303
    assert site.post(slack_fields(approval))["statusCode"] == 303
    assert [response.person for response in site.table.get(approval.id).responses] == ["bob@example.com"]


@pytest.mark.parametrize(
    "people",
    [
        pytest.param(People(approvers=named(ALICE.id)), id="not-named"),
        pytest.param(People(requester=Person(id=BOB.id, name="Bob", identities={"slack": BOB.id})), id="own-request"),
    ],
)
def test_a_link_of_a_slack_user_who_may_not_answer_is_403(site: Site, people: People) -> None:
    approval = site.put(people=people)
    assert site.post(slack_fields(approval))["statusCode"] == 403
    assert site.table.get(approval.id).responses == ()


@pytest.mark.parametrize(
    ("people", "status"),
    [(People(), 403), (People(approvers=(Person(id=BOB.id, name="Bob", identities={"slack": BOB.id}),)), 303)],
)
def test_a_link_of_a_guest_responds_only_where_the_request_names_them(site: Site, people: People, status: int) -> None:
    approval = site.put(people=people, context={"Script": SCRIPT})
    guest = of(approval, APPROVE, user_recipient(BOB.id, BOB.name, member=False))
    assert "rm -rf /prod" in site.get(guest)["body"]
    assert site.post(guest)["statusCode"] == status


@pytest.mark.parametrize(
    "recipient", ["U0MALLORY1 bob", "U0BOB00002/guest bob", "U0BOB00002 mallory", "U0BOB00002", "bob", ""]
)
def test_a_link_of_a_slack_user_is_good_for_nobody_else(site: Site, recipient: str) -> None:
    changed = slack_fields(site.put()) | {"to": recipient}
    assert site.post(changed)["statusCode"] in {400, 403}


def test_in_one_click_mode_a_link_of_a_slack_user_only_shows(one_click: Site) -> None:
    """Slack looks at addresses to show a preview."""
    approval = one_click.put()
    assert one_click.get(slack_fields(approval, all="1"))["statusCode"] == 200
    assert one_click.table.get(approval.id) == approval


@pytest.mark.parametrize("one_click", [False, True])
def test_a_page_made_before_a_withdrawal_in_slack_does_not_respond_again(
    site: Site, clock: Clock, logger: Logger, one_click: bool
) -> None:
    """Its form did nothing at first, as the response in Slack stood: sent again, it must do nothing either."""
    site.handler = CallbackHandler(table=site.table, one_click=one_click, clock=clock, logger=logger)
    ann = Person(id="alice@example.com", name="Alice", identities={"email": "alice@example.com", "slack": BOB.id})
    asked = site.put(
        people=People(approvers=(ann, *named(CAROL))),
        required_approvals=2,
    )
    form = of(asked) | {"all": "1"} if one_click else of(asked) | seen(site.get(of(asked))["body"])
    method = "GET" if one_click else "POST"
    respond(site.table, site.table.get(asked.id), a_response(APPROVE, BOB))
    assert site.ask(method, form)["statusCode"] in (200, 303)
    respond(site.table, site.table.get(asked.id), Withdrawal(BOB, clock()))
    for _ in range(2):
        again = site.ask(method, form)
        assert again["statusCode"] == 409
        assert "you withdrew a response after this page was opened." in again["body"]
        assert site.table.get(asked.id).standing == ()
    assert site.post(of(asked) | seen(again["body"]))["statusCode"] == 303
    assert len(site.table.get(asked.id).standing) == 1


@pytest.mark.parametrize(
    "said", ["\U0001f600" * 20, "1" * 20, "0.0\n", "-1.0", "1e9.0", "\u0661.0", "0", ".", "9999.0"]
)
def test_a_page_stores_input_in_its_own_form_alone(site: Site, said: str) -> None:
    """The greatest size of the record is reckoned when it is requested."""
    asked = site.quorum(more_time=MoreTime(1, timedelta(hours=1)))
    for do in ({}, {"do": "withdraw"}, {"do": "more-time"}):
        assert site.post(of(asked) | {"seen": said} | do)["statusCode"] == 303
    stored = site.table.get(asked.id)
    assert [(each.key, each.withdrawal_key) for each in stored.responses] == [("respond:0", "withdraw:0")]
    assert [each.key for each in stored.extensions] == ["extend:0"]
