"""The parts of `verify-deployment` by themselves: the browser, the mailbox, the clean-up and the proofs."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.stub import ANY, Stubber
from urllib3.connection import HTTPConnection
from urllib3.exceptions import NewConnectionError

from approvals.domain.model import Action
from approvals.domain.signed_links import link
from cli.context import CommandError, Context
from cli.doctor.findings import Check, Finding, Level
from cli.verify import browser
from cli.verify.browser import Page
from cli.verify.cleanup import CleanUp, interruptible
from cli.verify.mailbox import Mailbox, open_mailbox
from cli.verify.proofs import NotProvenError, Proof, Verdict, exit_code, failed, ok, proof_of, tell
from mail.sns import RECIPIENT, filter_policy
from tests.support.builders import an_approval

TOPIC = "arn:aws:sns:eu-west-1:123456789012:approvals"
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:approvals-verify-1f"
URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/approvals-verify-1f"
ADDRESS = "approvals-verify-1f@queue.invalid"
LINK = link(an_approval(), Action.APPROVE, ADDRESS, base_url="https://x/states", all_shown=True)


@pytest.fixture
def context() -> Context:
    context = Context(region="eu-west-1")
    context.session = boto3.Session("test", "test", region_name="eu-west-1")
    context.outputs = {"ApprovalTopicArn": TOPIC}
    return context


def refused(code: str = "AccessDenied", message: str = "not authorized to perform: sqs:DeleteQueue") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "DeleteQueue")


# The browser.


def test_a_forged_link_differs_in_its_signature_alone() -> None:
    ours, forged = (parse_qs(urlsplit(each).query) for each in (LINK, browser.forged_link(LINK)))
    assert len(ours["sig"][0]) == len(forged["sig"][0])
    assert ours.pop("sig") != forged.pop("sig")
    assert ours == forged


def test_a_page_link_asks_first_even_where_one_click_decides() -> None:
    fields = parse_qs(urlsplit(LINK).query)
    assert fields.pop("all") == ["1"]
    assert parse_qs(urlsplit(browser.page_link(LINK)).query) == fields


def test_only_a_form_that_can_respond_is_one() -> None:
    form = '<form action="execution"><input type="hidden" name="{}" value="x"></form>'
    assert browser.has_form(Page(200, LINK, form.format("sig"), ""))
    assert not browser.has_form(Page(200, LINK, form.format("action"), ""))
    assert not browser.has_form(Page(200, LINK, "<h1>Approved</h1>", ""))


def test_a_link_of_the_api_keeps_its_query_on_the_emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    reached = Context().api_url("https://abc.execute-api.eu-west-1.amazonaws.com/states/execution?action=approve&id=x")
    assert reached == "http://127.0.0.1:4566/_aws/execute-api/abc/states/execution?action=approve&id=x"


# The mailbox.


def opened(context: Context, clean_up: CleanUp) -> Mailbox:
    """Open a mailbox as AWS answers it."""
    with Stubber(context.client("sqs")) as sqs, Stubber(context.client("sns")) as sns:
        sqs.add_response("create_queue", {"QueueUrl": URL}, {"QueueName": "approvals-verify-1f", "Attributes": ANY})
        asked = {
            "TopicArn": TOPIC,
            "Protocol": "sqs",
            "Endpoint": QUEUE,
            "Attributes": {"FilterPolicy": filter_policy(ADDRESS)},
            "ReturnSubscriptionArn": True,
        }
        sns.add_response("subscribe", {"SubscriptionArn": f"{TOPIC}:1"}, asked)
        return open_mailbox(context, clean_up, "1f")


def test_only_the_topic_can_send_to_the_queue(context: Context) -> None:
    made: list[dict[str, str]] = []
    context.client("sqs").meta.events.register(
        "provide-client-params.sqs.CreateQueue", lambda params, **_: made.append(params["Attributes"])
    )
    opened(context, CleanUp())
    [statement] = json.loads(made[0]["Policy"])["Statement"]
    assert statement["Resource"] == QUEUE
    assert statement["Principal"] == {"Service": "sns.amazonaws.com"}
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": TOPIC}}
    assert int(made[0]["MessageRetentionPeriod"]) <= 3600


def test_other_peoples_emails_are_not_looked_at(context: Context) -> None:
    """A new filter policy takes up to 15 minutes on AWS; on the emulator it takes none."""
    mailbox = opened(context, CleanUp())

    def sent(to: str) -> dict[str, str]:
        attributes = {RECIPIENT: {"Type": "String", "Value": to}}
        return {"Body": json.dumps({"Subject": "s", "Message": f"APPROVE\n{LINK}\n", "MessageAttributes": attributes})}

    with Stubber(context.client("sqs")) as sqs:
        asked = {"QueueUrl": URL, "MaxNumberOfMessages": 10, "WaitTimeSeconds": ANY}
        sqs.add_response("receive_message", {"Messages": [sent("ann@example.com"), sent(ADDRESS)]}, asked)
        sqs.add_response("receive_message", {}, asked)
        [email] = mailbox.receive()
        assert mailbox.receive() == [email], "an empty answer forgets nothing"
    assert (email.to, email.links) == (ADDRESS, {"approve": LINK})


def test_a_subscription_counts_once_sns_lists_it(context: Context) -> None:
    mailbox = opened(context, CleanUp())
    with Stubber(context.client("sns")) as sns:
        listed = {"Protocol": "sqs", "Endpoint": QUEUE, "SubscriptionArn": f"{TOPIC}:1"}
        sns.add_response("list_subscriptions_by_topic", {"Subscriptions": []})
        sns.add_response("list_subscriptions_by_topic", {"Subscriptions": [listed]})
        assert [mailbox.is_listed(), mailbox.is_listed()] == [False, True]


def test_a_queue_without_a_subscription_is_removed_too(context: Context) -> None:
    clean_up = CleanUp()
    with Stubber(context.client("sqs")) as sqs, Stubber(context.client("sns")) as sns:
        sqs.add_response("create_queue", {"QueueUrl": URL})
        sns.add_client_error("subscribe", "AuthorizationError", http_status_code=403)
        with pytest.raises(ClientError):
            open_mailbox(context, clean_up, "1f")
        sqs.add_response("delete_queue", {}, {"QueueUrl": URL})
        [proof] = clean_up.run()
        sqs.assert_no_pending_responses()
    assert proof == ok("clean-up", "stopped or removed: the queue approvals-verify-1f")


# The clean-up.


def made(clean_up: CleanUp, what: str, remove: Callable[[], object], make: Callable[[], object] = object) -> None:
    clean_up.make(what, make, lambda _: (remove, f"aws remove {what}"))


def test_what_was_made_is_removed_the_newest_first() -> None:
    clean_up, removed = CleanUp(), list[str]()
    for name in ("queue", "subscription", "execution"):
        made(clean_up, name, lambda name=name: removed.append(name))  # type: ignore[misc]
    assert clean_up.run() == [ok("clean-up", "stopped or removed: execution, subscription, queue")]
    assert removed == ["execution", "subscription", "queue"]
    assert clean_up.run() == [], "once"


@pytest.mark.parametrize("error", [refused(), EndpointConnectionError(endpoint_url="https://sqs")])
def test_what_cannot_be_removed_is_named_with_its_command_and_the_rest_is_removed(error: Exception) -> None:
    clean_up, removed = CleanUp(), list[str]()

    def fail() -> None:
        raise error

    made(clean_up, "queue", lambda: removed.append("queue"))
    made(clean_up, "subscription", fail)
    first, second = clean_up.run()
    assert (first.verdict, first.next_step) == (Verdict.FAILED, "aws remove subscription")
    assert first.text.startswith("subscription could not be removed: ")
    assert second == ok("clean-up", "stopped or removed: queue")
    assert removed == ["queue"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_while_something_is_made_does_not_leave_it(number: signal.Signals) -> None:
    clean_up, removed = CleanUp(), list[str]()
    with pytest.raises(KeyboardInterrupt), interruptible():
        made(clean_up, "queue", lambda: removed.append("queue"), lambda: os.kill(os.getpid(), number))
    clean_up.run()
    assert removed == ["queue"]


def test_an_impatient_interrupt_does_not_cut_the_clean_up_short() -> None:
    clean_up, removed = CleanUp(), list[str]()
    made(clean_up, "queue", lambda: removed.append("queue"))
    made(clean_up, "subscription", lambda: os.kill(os.getpid(), signal.SIGINT))
    clean_up.run()
    assert removed == ["queue"]


def test_signals_are_as_they_were_afterwards() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    clean_up = CleanUp()
    with interruptible():
        made(clean_up, "queue", object)
        clean_up.run()
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


# The proofs.


@pytest.mark.parametrize(
    ("level", "verdict"),
    [
        (Level.OK, Verdict.OK),
        (Level.WARNING, Verdict.WARNING),
        (Level.FAULT, Verdict.FAILED),
        (Level.UNKNOWN, Verdict.FAILED),
    ],
)
def test_what_the_doctor_could_not_check_is_not_proven(level: Level, verdict: Verdict) -> None:
    assert proof_of(Finding(Check.EMAIL, level, "text", "fix")) == Proof("email", verdict, "text", "fix")


def test_only_a_failure_gives_1() -> None:
    held = [ok("a", ""), Proof("b", Verdict.WARNING, "")]
    assert exit_code(held) == 0
    assert exit_code([*held, failed("c", "", "")]) == 1


def test_the_next_step_stands_below_a_failure() -> None:
    assert failed("email", "none came", "look\nagain").lines() == [
        "FAILED   email: none came",
        "         > look",
        "         > again",
    ]
    assert ok("email", "came").lines() == ["ok       email: came"]


@pytest.mark.parametrize(
    ("error", "text", "next_step"),
    [
        (NotProvenError("late", "text", "next"), "text", "next"),
        (refused(), "AWS denied sqs:DeleteQueue", "docs/operate.md"),
        (refused("Throttling"), "throttling or unavailable", "approvals --region eu-west-1 verify-deployment"),
        (NewConnectionError(HTTPConnection("h", 1), "?"), "can't be reached", "again in a minute"),
        (CommandError("no output"), "no output", "again in a minute"),
    ],
)
def test_an_error_ends_a_chapter_as_a_failed_proof(
    context: Context, error: Exception, text: str, next_step: str
) -> None:
    def chapter() -> Iterator[Proof]:
        yield ok("first", "")
        raise error

    told: list[Proof] = []
    tell(context, told.append, "chapter", chapter)
    first, proof = told
    assert first == ok("first", "")
    assert proof.name == ("late" if isinstance(error, NotProvenError) else "chapter")
    assert proof.verdict is Verdict.FAILED
    assert text in proof.text
    assert next_step in proof.next_step
