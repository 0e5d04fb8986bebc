"""The story of `verify-deployment` on the real pages: it holds, and each planted fault fails the proof of that name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import boto3
import pytest
from aws_lambda_powertools import Logger

from approvals.domain.judgement import ApprovalEvent, Cancellation, Expiry
from approvals.domain.model import Approval, Request
from approvals.domain.people import People, Person
from approvals.domain.result import result
from approvals.services.respond import respond
from approvals.store.queries import Listing
from approvals.store.table import ApprovalTable
from cli.context import Context
from cli.verify.cleanup import CleanUp
from cli.verify.mailbox import Email, Mailbox
from cli.verify.proofs import Proof, Verdict, tell
from cli.verify.requests import PURPOSE, Requests, Started
from cli.verify.story import Story
from mail.messages import Links, outcome_mail, request_mail
from tests.support.builders import NOW, a_response, an_approval
from tests.support.fakes import Clock, FakeContext
from tests.support.lambda_events import ask
from tests.support.tables import TABLE
from web.handler import CallbackHandler

ADDRESS = "approvals-verify-1f@queue.invalid"
URL = "https://approvals.example.com/states"
EXECUTION = an_approval().workflow.execution_name
TOPIC = "arn:aws:sns:eu-west-1:123456789012:approvals"

Response = dict[str, Any]
Send = Callable[[str, dict[str, str]], Response]


@dataclass
class World:
    """A stack with one pending request: its pages are real, its emails and its workflow follow the record at once.

    A test plants a fault in one of its parts. Time passes in sleeps.
    """

    table: ApprovalTable
    clock: Clock
    handler: CallbackHandler
    approval_id: str = an_approval().id
    unsigned_status: int = 401
    emails: Callable[[list[Email]], list[Email]] = lambda emails: emails
    answer: Callable[[str, Send, dict[str, str]], Response] = lambda method, send, fields: send(method, fields)
    output: Callable[[dict[str, Any]], dict[str, Any]] = lambda output: output
    execution: dict[str, Any] = field(default_factory=dict)
    then: Callable[[], None] = lambda: None

    def request(self, method: str, url: str, *, body: str | None = None, **_more: Any) -> SimpleNamespace:
        """Answer as the stack's API does."""
        if url.endswith("/slack/events"):
            return SimpleNamespace(status=self.unsigned_status)
        fields = dict(parse_qsl(urlsplit(url).query if body is None else body))
        got = self.answer(method, self._send, fields)
        return SimpleNamespace(status=got["statusCode"], headers=got["headers"], data=got["body"].encode())

    def _send(self, method: str, fields: dict[str, str]) -> Response:
        return self.handler(ask(method, fields), FakeContext())

    @property
    def record(self) -> Approval:
        return self.table.get(self.approval_id)

    def happens(self, event: ApprovalEvent) -> None:
        respond(self.table, self.record, event)

    def received(self) -> list[Email]:
        links = Links(URL, one_click=False)
        mails = [request_mail(self.record, ADDRESS, links)]
        if self.record.decision:
            mails.append(outcome_mail(self.record, ADDRESS))
        return self.emails([Email(mail.to, mail.subject, mail.text) for mail in mails])

    def described(self) -> dict[str, Any] | None:
        """Return the execution once it has ended."""
        if not self.record.decision:
            return None
        if self.execution:
            return self.execution
        output = {PURPOSE: "respond", "Approval": {"Result": result(self.record)}}
        return {"status": "SUCCEEDED", "output": json.dumps(self.output(output))}


@pytest.fixture
def world(table: ApprovalTable, clock: Clock) -> World:
    approver = Person(id=ADDRESS, name=ADDRESS, identities={"email": ADDRESS})
    asked = Request(title="Test", timeout=timedelta(minutes=10), approvers=(ADDRESS,))
    approval = an_approval(request=asked, people=People(approvers=(approver,)), deadline=NOW + timedelta(minutes=10))
    assert table.add(approval)
    handler = CallbackHandler(table=table, one_click=False, clock=clock, logger=Logger())
    return World(table, clock, handler)


@dataclass(frozen=True, slots=True)
class FakeRequests(Requests):
    """The request of the world in the place of executions."""

    world: World

    def accepted(self, _started: Started, _name: str) -> Approval:
        return self.world.record

    def execution(self, _started: Started) -> Any:
        return self.world.described()

    def email(self, approval_id: str, *, outcome: bool = False) -> Email | None:
        about = (each for each in self.world.received() if approval_id in each.text)
        return next((each for each in about if outcome is not bool(each.links)), None)


@pytest.fixture
def story(world: World, monkeypatch: pytest.MonkeyPatch) -> Story:
    def sleep(seconds: float) -> None:
        world.clock.pass_(seconds=seconds)
        world.then()

    monkeypatch.setattr("cli.verify.requests._INTERVAL", 20)  # a look is a read and the making of emails
    context = Context(region="eu-west-1", clock=world.clock, sleep=sleep)
    context.session = boto3.Session("test", "test", region_name="eu-west-1")
    context.outputs = {"SlackRequestUrl": f"{URL}/slack/events", "ApprovalTopicArn": TOPIC}
    context.parameters = {"SlackChannel": "C0123456789"}
    context.resources = ()
    context.http = world  # type: ignore[assignment]  # answers as the stack does
    context.listing = Listing(boto3.client("dynamodb"), TABLE, context.unreadable.append)
    monkeypatch.setattr("cli.verify.story.cancel_execution", lambda *_: world.happens(Cancellation(NOW, "stopped")))
    mailbox = Mailbox(context, "approvals-verify-1f", "https://queue", f"{TOPIC}:1")
    return Story(context, FakeRequests(context, CleanUp(), mailbox, "1f", "", world))


STARTED = Started("arn:aws:states:eu-west-1:123456789012:execution:Approval:verify-1f", EXECUTION, NOW, NOW)


def told(story: Story, chapter: Callable[[], Iterator[Proof]]) -> list[Proof]:
    proofs: list[Proof] = []
    tell(story.context, proofs.append, "chapter", chapter)
    return proofs


def test_a_response_is_proven_from_the_email_to_the_outcome(story: Story, world: World) -> None:
    proofs = told(story, partial(story.response, STARTED))
    assert {proof.verdict for proof in proofs} == {Verdict.OK}, proofs
    names = "request email page signature response workflow second_response outcome_email"
    assert [proof.name.replace(" ", "_") for proof in proofs] == names.split()
    assert world.record.decision


def test_one_click_stacks_are_asked_on_the_page_as_well(story: Story, world: World) -> None:
    world.handler = CallbackHandler(table=world.table, one_click=True, clock=world.clock, logger=Logger())
    assert {proof.verdict for proof in told(story, partial(story.response, STARTED))} == {Verdict.OK}


def no_emails(_emails: list[Email]) -> list[Email]:
    return []


def request_alone(emails: list[Email]) -> list[Email]:
    return emails[:1]


def one_link(emails: list[Email]) -> list[Email]:
    return [replace(email, text=email.text.replace("action=reject", "")) for email in emails]


def another_outcome(emails: list[Email]) -> list[Email]:
    return [*emails[:1], *(replace(email, text=f"Rejected {email.text}") for email in emails[1:])]


def opening_decides(method: str, send: Send, fields: dict[str, str]) -> Response:
    """A scanner that opens the link would decide."""
    if method == "GET" and fields["action"] == "approve":
        send("POST", fields)
    return send(method, fields)


def broken_page(_method: str, _send: Send, _fields: dict[str, str]) -> Response:
    return {"statusCode": 502, "headers": {}, "body": "Bad gateway"}


def no_head(method: str, send: Send, fields: dict[str, str]) -> Response:
    return {"statusCode": 404, "headers": {}, "body": ""} if method == "HEAD" else send(method, fields)


def any_signature(method: str, send: Send, fields: dict[str, str]) -> Response:
    answer = send(method, fields)
    return answer | {"statusCode": 200} if answer["statusCode"] == 403 else answer


def forms_with_any_signature(method: str, send: Send, fields: dict[str, str]) -> Response:
    answer = send(method, fields)
    return answer | {"statusCode": 303} if (method, answer["statusCode"]) == ("POST", 403) else answer


def no_posts(method: str, send: Send, fields: dict[str, str]) -> Response:
    answer = send(method, fields)
    return answer | {"statusCode": 500, "headers": {}} if (method, answer["statusCode"]) == ("POST", 303) else answer


def late_responses_pass(method: str, send: Send, fields: dict[str, str]) -> Response:
    answer = send(method, fields)
    return answer | {"statusCode": 303} if (method, answer["statusCode"]) == ("POST", 409) else answer


def another_decider(output: dict[str, Any]) -> dict[str, Any]:
    output["Approval"]["Result"]["DecidedBy"] = "ann@example.com"
    return output


def no_context(output: dict[str, Any]) -> dict[str, Any]:
    return {"Approval": output["Approval"]}


@pytest.mark.parametrize(
    ("part", "fault", "name"),
    [
        ("emails", no_emails, "email"),
        ("emails", one_link, "email"),
        ("answer", opening_decides, "page"),
        ("answer", broken_page, "page"),
        ("answer", no_head, "page"),
        ("answer", any_signature, "signature"),
        ("answer", forms_with_any_signature, "signature"),
        ("answer", no_posts, "response"),
        ("execution", {"status": "FAILED"}, "workflow"),
        ("output", another_decider, "workflow"),
        ("output", no_context, "workflow"),
        ("answer", late_responses_pass, "second response"),
        ("emails", request_alone, "outcome email"),
        ("emails", another_outcome, "outcome email"),
    ],
)
def test_a_fault_on_the_way_of_a_response_is_named(
    story: Story, world: World, part: str, fault: Any, name: str
) -> None:
    setattr(world, part, fault)
    *held, last = told(story, partial(story.response, STARTED))
    assert (last.name, last.verdict) == (name, Verdict.FAILED), last
    assert last.next_step
    assert {proof.verdict for proof in held} <= {Verdict.OK}


def test_a_workflow_that_waits_on_is_named(story: Story, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(World, "described", lambda _: None)
    last = told(story, partial(story.response, STARTED))[-1]
    assert (last.name, last.verdict) == ("workflow", Verdict.FAILED)
    assert world.clock() - NOW >= timedelta(minutes=2)


def test_a_lost_email_is_waited_for_once_and_not_by_every_chapter(story: Story, world: World) -> None:
    world.emails = no_emails
    for chapter in (story.response, story.cancellation, story.expiry):
        assert told(story, partial(chapter, STARTED))[-1].name == "email"
    assert world.clock() - NOW < timedelta(minutes=3)


def test_a_cancelled_request_is_proven(story: Story) -> None:
    [proof] = told(story, partial(story.cancellation, STARTED))
    assert (proof.name, proof.verdict) == ("cancel", Verdict.OK)


def test_a_request_that_outlives_its_execution_is_named(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.verify.story.cancel_execution", lambda *_: None)
    [proof] = told(story, partial(story.cancellation, STARTED))
    assert (proof.name, proof.verdict) == ("cancel", Verdict.FAILED)
    assert "stays open" in proof.text


def test_a_cancelled_request_whose_link_still_works_is_named(story: Story, world: World) -> None:
    world.answer = lambda method, send, fields: send(method, fields) | {"statusCode": 200}
    [proof] = told(story, partial(story.cancellation, STARTED))
    assert (proof.name, proof.verdict) == ("cancel", Verdict.FAILED)
    assert "its link gets 200" in proof.text


def expires(world: World) -> None:
    if world.clock() >= world.record.deadline:
        world.happens(Expiry(world.clock()))


@pytest.mark.parametrize(
    ("execution", "verdict"),
    [
        ({"status": "FAILED", "error": "ApprovalExpired"}, Verdict.OK),
        ({"status": "FAILED", "error": "NotificationFailed"}, Verdict.FAILED),
        ({"status": "SUCCEEDED", "output": "{}"}, Verdict.FAILED),
    ],
)
def test_silence_ends_in_an_expiry_and_in_nothing_else(
    story: Story, world: World, execution: dict[str, str], verdict: Verdict
) -> None:
    world.execution, world.then = execution, partial(expires, world)
    [proof] = told(story, partial(story.expiry, STARTED))
    assert (proof.name, proof.verdict) == ("expiry", verdict), proof


def test_a_request_that_never_expires_is_named(story: Story, world: World) -> None:
    [proof] = told(story, partial(story.expiry, STARTED))
    assert (proof.name, proof.verdict) == ("expiry", Verdict.FAILED)
    assert world.clock() >= world.record.deadline + timedelta(minutes=2)


@pytest.mark.parametrize(("status", "verdict"), [(401, Verdict.OK), (200, Verdict.FAILED), (500, Verdict.FAILED)])
def test_an_unsigned_call_must_be_refused(story: Story, world: World, status: int, verdict: Verdict) -> None:
    world.unsigned_status = status
    [proof] = told(story, story.unsigned_calls)
    assert (proof.name, proof.verdict) == ("unsigned calls", verdict)


def test_without_slack_nothing_is_called(story: Story, world: World) -> None:
    story.context.parameters = {"SlackChannel": ""}
    world.unsigned_status = 200
    [proof] = told(story, story.unsigned_calls)
    assert (proof.verdict, "not connected" in proof.text) == (Verdict.OK, True)


def test_an_answer_by_somebody_else_is_no_proof(story: Story, world: World) -> None:
    """A request that was decided before the test responds fails at its page."""
    world.happens(a_response(approver=replace(a_response().approver, id=ADDRESS, name=ADDRESS)))
    last = told(story, partial(story.response, STARTED))[-1]
    assert (last.name, last.verdict) == ("page", Verdict.FAILED)
