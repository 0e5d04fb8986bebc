"""The texts of mails, and SNS, which sends them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

from approvals.characters import hidden_in
from approvals.links import approval_id, link
from approvals.mail import (
    DEFAULT_SUBJECT,
    MAX_SUBJECT,
    Mail,
    Mailer,
    Subscribers,
    asked,
    digest_mail,
    escalation_mail,
    mail_for,
    notice_mail,
    outcome_mail,
    reminded,
    reminder_mail,
    request_mail,
    told,
)
from approvals.model import (
    Action,
    Approval,
    Approver,
    Channel,
    Extension,
    FieldType,
    FormField,
    OnTimeout,
    People,
    Person,
    Request,
    Severity,
    Step,
)
from approvals.rules import Expiry, judge
from approvals.steps import DeliveryFailed
from handlers.outbox import Outbox
from tests.builders import (
    BOB,
    MAX_DETAILS,
    MAX_REQUESTED_BY,
    MAX_TITLE,
    NOW,
    TOKEN,
    WORKFLOW,
    a_response,
    an_approval,
    cancelled,
    decided,
    expired,
)

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

TO = "alice@example.com"
BASE = "https://a1b2c3.execute-api.eu-west-1.amazonaws.com/states"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:approvals"
SUBJECT = re.compile(r"[A-Za-z][ -~]{0,98}")
"""What SNS takes: printable ASCII, fewer than 100 characters, a letter first."""

MAX_MESSAGE = 262_144
"""UTF-8 bytes. Source: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html"""

HOUR = timedelta(hours=1)

ENDS: tuple[Callable[..., Approval], ...] = (decided, expired, cancelled)

titles = st.none() | st.text(min_size=1, max_size=MAX_TITLE)
execution_names = st.from_regex(r"[A-Za-z0-9_-]{1,80}", fullmatch=True)


def titled(title: str | None) -> Request:
    return Request(title=title, timeout=HOUR)


REFERENCE = f" [{an_approval().id[:6]}]"
"""Ends the subject of every mail about `an_approval()`."""


def request_subject(title: str | None) -> str:
    """The subject without its reference."""
    subject = request_mail(an_approval(request=titled(title)), TO, base_url=BASE).subject
    assert subject.endswith(REFERENCE)
    return subject.removesuffix(REFERENCE)


@given(titles)
def test_the_subject_of_a_request_is_one_that_sns_takes(title: str | None) -> None:
    assert SUBJECT.fullmatch(request_subject(title) + REFERENCE)


@given(titles, execution_names, st.sampled_from(ENDS))
def test_the_subject_of_an_outcome_is_one_that_sns_takes(
    title: str | None, execution: str, end: Callable[..., Approval]
) -> None:
    workflow = replace(WORKFLOW, execution_name=execution)
    assert SUBJECT.fullmatch(outcome_mail(end(request=titled(title), workflow=workflow), TO).subject)


@pytest.mark.parametrize(
    "execution", ["release-\u00fc", "\u0432\u044b\u043f\u0443\u0441\u043a-7", "\u30ea\u30ea\u30fc\u30b9"]
)
@pytest.mark.parametrize("title", [None, "\u30ea\u30ea\u30fc\u30b9\u3092\u627f\u8a8d"])
def test_an_execution_name_beyond_ascii_makes_no_subject_that_sns_refuses(title: str | None, execution: str) -> None:
    """Step Functions allows such names."""
    workflow = replace(WORKFLOW, execution_name=execution)
    asked = an_approval(request=titled(title), workflow=workflow)
    assert SUBJECT.fullmatch(request_mail(asked, TO, base_url=BASE).subject)
    assert SUBJECT.fullmatch(outcome_mail(decided(request=titled(title), workflow=workflow), TO).subject)


@pytest.mark.parametrize(
    ("title", "subject"),
    [
        ("Deploy web 2.4.1", "Approve? Deploy web 2.4.1"),
        ("D\u00e9ployer \u00e0 No\u00ebl", "Approve? Deployer a Noel"),
        ("Deploy \U0001f680 now", "Approve? Deploy now"),
        ("a\r\nBcc: x@example.com\x00", "Approve? aBcc: x@example.com"),
        ("\u30ea\u30ea\u30fc\u30b9", "Approve? run-1"),
        ("\U0001f680\U0001f680", "Approve? run-1"),
        (None, DEFAULT_SUBJECT),
    ],
)
def test_the_subject_is_the_title_as_far_as_ascii_can_say_it(title: str | None, subject: str) -> None:
    assert request_subject(title) == subject


def test_without_a_title_the_subject_is_the_tutorials() -> None:
    assert request_subject(None) == "Required approval from AWS Step Functions"


@given(titles)
def test_only_a_request_without_a_title_has_the_tutorials_subject(title: str | None) -> None:
    assert (request_subject(title) == DEFAULT_SUBJECT) == (title is None)


@given(st.lists(st.tuples(titles, st.sampled_from((an_approval, *ENDS))), min_size=1, max_size=50))
def test_the_subject_of_a_digest_is_one_that_sns_takes_and_counts_every_approval(
    found: list[tuple[str | None, Callable[..., Approval]]],
) -> None:
    approvals = [make(request=titled(title)) for title, make in found]
    waiting = sum(approval.decision is None for approval in approvals)
    subject = digest_mail(approvals, TO, base_url=BASE, stack_email=TO).subject
    assert SUBJECT.fullmatch(subject)
    assert subject.startswith("Approve? ") == (waiting > 0)
    counts = {what: int(number) for number, what in re.findall(r"(\d+) (waiting|ended)", subject)}
    wanted = {"waiting": waiting, "ended": len(approvals) - waiting}
    assert counts == {what: number for what, number in wanted.items() if number}


@pytest.mark.parametrize(
    ("approvals", "subject"),
    [
        ([an_approval()] * 3, f"Approve? 3 waiting for you{REFERENCE}"),
        ([an_approval(), decided(), expired()], f"Approve? 1 waiting for you, 2 ended{REFERENCE}"),
        ([cancelled(), decided(Action.REJECT)], f"Approvals: 2 ended{REFERENCE}"),
    ],
)
def test_the_subject_of_a_digest_says_whether_anything_waits(approvals: list[Approval], subject: str) -> None:
    assert digest_mail(approvals, TO, base_url=BASE, stack_email=TO).subject == subject


def test_a_long_title_is_cut_with_an_ellipsis() -> None:
    subject = outcome_mail(decided(request=titled("x" * MAX_TITLE)), TO).subject
    assert len(subject) == MAX_SUBJECT
    assert subject.endswith(f"xx...{REFERENCE}")
    assert subject == f"Re: {request_subject('x' * MAX_TITLE)}{REFERENCE}", "cut alike, for they are one conversation"


def every_later_mail(approval: Approval, to: str = TO) -> list[Mail]:
    """One mail for each thing that can happen after the request."""
    extension = Extension(approver=BOB, at=NOW, deadline=NOW + HOUR)
    waiting = replace(approval, extensions=(extension,), people=People(escalation=(ANN,)))
    steps = [f"{kind}:{to}" for kind in ("reminder-1", "escalation", "extension-1")]
    mails = [mail_for(waiting, step, base_url=BASE) for step in steps]
    ends = [judge(approval, event).approval for event in (a_response(), Expiry(approval.deadline))]
    mails += [mail_for(end, f"outcome_email:{to}", base_url=BASE) for end in ends]
    assert all(mails)
    return [mail for mail in mails if mail]


@given(titles, execution_names, st.sampled_from(Severity))
def test_all_mails_about_a_request_are_one_conversation(title: str | None, execution: str, severity: Severity) -> None:
    """The same subject behind "Re: ", which is all that mail programs can go by."""
    request = Request(title=title, timeout=HOUR, severity=severity)
    approval = an_approval(request=request, workflow=replace(WORKFLOW, execution_name=execution))
    first = request_mail(approval, TO, base_url=BASE).subject
    assert {mail.subject for mail in every_later_mail(approval)} == {f"Re: {first}"}
    assert SUBJECT.fullmatch(f"Re: {first}")


def test_the_conversation_of_who_is_only_told_does_not_ask() -> None:
    first = notice_mail(an_approval(), TO)
    assert first.subject == f"For information: Deploy web 2.4.1{REFERENCE}"
    told = an_approval(steps={f"notice_email:{TO}": NOW})
    assert {mail.subject for mail in every_later_mail(told)} == {f"Re: {first.subject}"}
    assert all("http" not in mail.text for mail in every_later_mail(told) if "Reminder" not in mail.text)
    assert "The links in the earlier mail" not in every_later_mail(told)[-1].text
    asked_later = replace(told, steps={**told.steps, f"request_email:{TO}": NOW})
    asking = request_mail(an_approval(), TO, base_url=BASE).subject
    assert {mail.subject for mail in every_later_mail(asked_later)} == {f"Re: {asking}"}


@pytest.mark.parametrize("title", [None, "Deploy"])
def test_two_requests_of_the_same_words_are_two_conversations(title: str | None) -> None:
    one, two = (an_approval(request=titled(title), id=approval_id(token)) for token in ("one", "two"))
    assert request_mail(one, TO, base_url=BASE).subject != request_mail(two, TO, base_url=BASE).subject
    digests = [digest_mail([each], TO, base_url=BASE, stack_email=TO).subject for each in (one, two)]
    assert len(set(digests)) == 2


def test_the_first_line_of_each_mail_says_what_is_new_for_the_preview() -> None:
    starts = (
        "Reminder: ",
        "Escalated: ",
        "bob asked for more time: ",
        "Approved by alice@example.com by email on ",
        "Expired on ",
    )
    for mail, start in zip(every_later_mail(an_approval()), starts, strict=True):
        assert mail.text.startswith(start)
    first = request_mail(an_approval(), TO, base_url=BASE).text.splitlines()[0]
    assert first == "jo@example.com asks for your approval, by Mon 23 Nov 2026, 10:00 UTC."


def test_a_request_asks_shows_and_links() -> None:
    request = Request(
        title="Deploy",
        details="line 1\n**line** 2 of [the plan](https://plan.example/7)",
        requested_by="jo",
        timeout=HOUR,
        context={"Version": "2.4.1"},
        facts=(("Service", "web"), ("Risk", "low\nreally")),
        links=(("Diff", "https://git.example/diff"),),
        severity=Severity.HIGH,
    )
    approval = an_approval(request=request)
    text = request_mail(approval, TO, base_url=BASE).text
    assert text.split("\n\n") == [
        "jo asks for your approval, by Mon 23 Nov 2026, 10:00 UTC.",
        "Deploy",
        "Severity: HIGH. You will be asked to confirm your answer a second time.",
        (
            "  Answer by:   Mon 23 Nov 2026, 10:00 UTC\n  Workflow:    Deploy\n  Execution:   run-1\n"
            "  AWS account: 123456789012\n  AWS region:  eu-west-1"
        ),
        "Facts:",
        "  Service: web\n  Risk:    low\n    really",
        "Links:",
        "  Diff:\n    https://git.example/diff",
        "Details:",
        "  line 1\n  line 2 of the plan (https://plan.example/7)",
        "Input of the workflow:",
        "  Version: 2.4.1",
        "Approve:",
        link(approval, Action.APPROVE, TO, base_url=BASE, all_shown=True),
        "Reject:",
        link(approval, Action.REJECT, TO, base_url=BASE, all_shown=True),
        "Anybody who was asked may answer.",
        "The first answer decides. Without one by Mon 23 Nov 2026, 10:00 UTC it expires, unapproved.\n",
    ]


def test_a_request_that_names_nobody_and_says_nothing_more_leaves_no_gaps() -> None:
    text = request_mail(an_approval(request=titled(None)), TO, base_url=BASE).text
    assert "A workflow is waiting for your approval, by Mon 23 Nov 2026, 10:00 UTC.\n" in text
    assert "Details:" not in text
    assert "Input of the workflow:" not in text
    assert "\n\n\n" not in text


def test_each_link_stands_alone_on_its_line() -> None:
    lines = request_mail(an_approval(), TO, base_url=BASE).text.splitlines()
    assert [line for line in lines if "http" in line] == [
        link(an_approval(), action, TO, base_url=BASE, all_shown=True) for action in (Action.APPROVE, Action.REJECT)
    ]


def test_each_recipient_gets_links_of_their_own() -> None:
    mine, yours = (request_mail(an_approval(), to, base_url=BASE).text for to in (TO, "bob@example.com"))
    assert set(re.findall(r"http\S+", mine)).isdisjoint(re.findall(r"http\S+", yours))


def test_an_outcome_says_who_and_why_and_has_no_link_to_answer() -> None:
    text = outcome_mail(decided(Action.REJECT, BOB, comment="not on a Friday"), TO).text
    assert "Rejected by bob in Slack on Mon 23 Nov 2026, 09:01 UTC." in text
    assert "\n\nComment:\n\n  not on a Friday\n\n" in text
    assert "http" not in text


def test_an_outcome_without_a_comment_has_no_line_for_it() -> None:
    assert "Comment" not in outcome_mail(decided(), TO).text


def test_an_outcome_no_longer_says_until_when_to_answer() -> None:
    assert "Answer by" not in outcome_mail(decided(), TO).text


def test_an_open_request_has_no_outcome_to_mail() -> None:
    with pytest.raises(ValueError, match="is not decided"):
        outcome_mail(an_approval(), TO)


@pytest.mark.parametrize(
    "mail",
    [
        request_mail(an_approval(), TO, base_url=BASE),
        outcome_mail(decided(), TO),
        digest_mail([an_approval(), decided()], TO, base_url=BASE, stack_email=TO),
    ],
)
def test_a_mail_holds_no_task_token(mail: Mail) -> None:
    assert TOKEN[:20] not in mail.subject + mail.text


WIDE = "\U0001f4a5"


@pytest.mark.parametrize("character", [WIDE, "\n", "x", "\u202b", "*"])
def test_the_greatest_request_fits_in_a_mail_and_its_links_are_whole(character: str) -> None:
    people = tuple(Person(id=f"U{n}", name=character * 200, slack_id=f"U{n}") for n in range(100))
    request = Request(
        title=character * MAX_TITLE,
        details=character * MAX_DETAILS,
        requested_by=character * MAX_REQUESTED_BY,
        facts=tuple((character * 100, character * 2000) for _ in range(100)),
        links=tuple((character * 75, f"https://x/{'x' * 1990}") for _ in range(10)),
        form=(FormField(name="f", label="F", type=FieldType.TEXT),),
        approvers=("S0GROUP01",),
        timeout=HOUR,
        context={f"{number}{character * 200}": character * 2000 for number in range(60)},
    )
    approval = an_approval(request=request, people=People(approvers=people, escalation=people), escalated_at=NOW)
    for mail in (
        request_mail(approval, TO, base_url=BASE),
        reminder_mail(approval, TO, base_url=BASE),
        notice_mail(approval, TO),
        escalation_mail(approval, TO),
    ):
        assert len(mail.text.encode()) + len(mail.to) < MAX_MESSAGE
        assert mail.subject.isascii()
    lines = request_mail(approval, TO, base_url=BASE).text.splitlines()
    assert [line for line in lines if line.startswith("http")] == [
        link(approval, action, TO, base_url=BASE) for action in (Action.APPROVE, Action.REJECT)
    ]


def test_the_greatest_answer_fits_in_a_mail() -> None:
    form = tuple(FormField(name=f"f{n}", label=WIDE * 150, type=FieldType.TEXT) for n in range(20))
    response = replace(a_response(comment=WIDE * 1000), form={field.name: WIDE * 3000 for field in form})
    approval = judge(an_approval(request=Request(timeout=HOUR, form=form)), response).approval
    assert len(outcome_mail(approval, TO).text.encode()) < MAX_MESSAGE


def test_long_details_are_cut_and_say_where_the_rest_is() -> None:
    text = request_mail(an_approval(request=Request(timeout=HOUR, details="x" * 80_000)), TO, base_url=BASE).text
    [shown] = re.findall("x{9,}", text)
    rest = "The page behind the links below shows everything."
    assert f"Not shown in this email: {80_000 - len(shown):,} of 80,000 characters of the details. {rest}" in text
    assert len(shown) > 40_000


def test_a_link_is_marked_where_all_of_the_request_stands_beside_it() -> None:
    script = "echo harmless\n" * 80 + "rm -rf /prod"
    short, long = (
        request_mail(an_approval(request=Request(timeout=HOUR, context={"Script": text})), TO, base_url=BASE).text
        for text in (script, script * 99)
    )
    assert "rm -rf /prod" in short
    assert short.count("&all=1") == 2
    assert "&all=1" not in long


@pytest.mark.parametrize(("details", "marked"), [(None, 2), ("All of production.", 0)])
def test_the_links_of_a_digest_are_marked_where_there_is_no_more_than_a_title(details: str | None, marked: int) -> None:
    approval = an_approval(request=Request(title="Restart web", timeout=HOUR, details=details))
    assert digest_mail([approval], TO, base_url=BASE, stack_email=TO).text.count("&all=1") == marked


def test_who_is_told_may_not_answer_and_gets_no_link() -> None:
    text = notice_mail(an_approval(), TO).text
    assert "You are told because the request names you; you may not answer it." in text
    assert "http" not in text


def test_an_outcome_shows_what_was_filled_in() -> None:
    form = (
        FormField(name="window", label="When", type=FieldType.TEXT),
        FormField(name="fast", label="Fast", type=FieldType.YES_NO),
        FormField(name="note", label="Note", type=FieldType.TEXT),
    )
    response = replace(a_response(), form={"window": "tonight", "fast": True})
    approval = judge(an_approval(request=Request(timeout=HOUR, form=form)), response).approval
    assert "Filled in:\n\n  When: tonight\n  Fast: yes\n\n" in outcome_mail(approval, TO).text


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        (Request(timeout=HOUR), "The first answer decides. Without one by Mon 23 Nov 2026, 10:00 UTC it expires"),
        (Request(timeout=HOUR, required_approvals=2), "Without a decision by Mon 23 Nov 2026, 10:00 UTC it expires"),
        (Request(timeout=HOUR, required_approvals=2), "2 must approve; one rejection is enough."),
        (Request(timeout=HOUR, on_timeout=OnTimeout.REJECT), "10:00 UTC it counts as rejected."),
    ],
)
def test_a_request_says_what_decides(request_: Request, sentence: str) -> None:
    assert sentence in request_mail(an_approval(request=request_), TO, base_url=BASE).text


ANN, BEN = (
    Person(id=f"{name}@x.org", name=name, email=f"{name}@x.org", slack_id=f"U0{name}") for name in ("ann", "ben")
)


def who(**changes: object) -> tuple[list[str], list[str], list[str]]:
    """Who is asked, told and reminded; the stack's address is that of Alice."""
    people = changes.pop("people", People())
    request = Request(timeout=HOUR, **changes)  # type: ignore[arg-type]
    approval = an_approval(request=request, people=people)
    return asked(approval, TO), told(approval, TO), reminded(approval, TO)


def test_without_approvers_the_stacks_address_is_asked() -> None:
    assert who() == ([TO], [], [TO])


def test_approvers_who_are_named_by_address_are_asked_and_nobody_else() -> None:
    people = People(approvers=(ANN, BEN))
    assert who(approvers=("ANN@x.org", "U0BEN"), people=people) == ([ANN.email], [], [ANN.email])


def test_who_is_to_be_told_is_told_once_and_not_when_asked() -> None:
    people = People(approvers=(ANN,))
    found = who(approvers=("ann@x.org",), notify=("Ann@x.org", "ben@x.org", "U0BEN"), people=people)
    assert found == ([ANN.email], ["ben@x.org"], [ANN.email])


def test_who_asks_is_not_asked() -> None:
    people = People(approvers=(ANN, BEN), requester=ANN)
    assert who(approvers=("ann@x.org", "ben@x.org"), requested_by="ann@x.org", people=people)[0] == [BEN.email]
    own = People(requester=Person(id=TO, name=TO, email=TO))
    assert who(requested_by=TO, people=own)[:2] == ([], [TO])
    assert who(requested_by=TO, people=own, allow_self_approval=True)[:2] == ([TO], [])


def test_who_has_answered_is_not_reminded() -> None:
    request = Request(timeout=HOUR, required_approvals=2, approvers=("ann@x.org", "ben@x.org"))
    approval = an_approval(request=request, people=People(approvers=(ANN, BEN)))
    by_slack = Approver(id="U0ann", name="ann", channel=Channel.SLACK, workspace="T0APPROVAL")
    answered = judge(approval, a_response(approver=by_slack)).approval
    assert reminded(answered, TO) == [BEN.email]
    anybody = an_approval(request=Request(timeout=HOUR, required_approvals=2))
    assert reminded(judge(anybody, a_response()).approval, TO) == []


def test_a_step_says_which_mail_it_owes_to_whom() -> None:
    extension = Extension(approver=BOB, at=NOW, deadline=NOW + HOUR)
    approval = an_approval(extensions=(extension,), people=People(escalation=(ANN,)))
    kinds = {
        "request_email": "Approve? ",
        "notice_email": "For information: ",
        "reminder-2": "Re: Approve? ",
        "escalation": "Re: Approve? ",
        "extension-1": "Re: Approve? ",
    }
    for kind, prefix in kinds.items():
        mail = mail_for(approval, f"{kind}:{TO}", base_url=BASE)
        assert mail
        assert (mail.to, mail.subject) == (TO, f"{prefix}Deploy web 2.4.1{REFERENCE}")
        assert bool(re.search(r"^http", mail.text, re.MULTILINE)) == (kind in ("request_email", "reminder-2"))
        assert mail_for(decided(), f"{kind}:{TO}", base_url=BASE) is None
    outcome = mail_for(decided(), f"outcome_email:{TO}", base_url=BASE)
    assert outcome
    assert outcome.subject == f"Re: Approve? Deploy web 2.4.1{REFERENCE}"
    assert mail_for(approval, f"outcome_email:{TO}", base_url=BASE) is None
    with pytest.raises(KeyError):
        mail_for(approval, f"resume:{TO}", base_url=BASE)


def test_a_digest_has_links_for_who_is_asked_alone() -> None:
    other = an_approval(request=Request(timeout=HOUR, approvers=("ann@x.org",)), people=People(approvers=(ANN,)))
    mail = digest_mail([other, other], TO, base_url=BASE, stack_email=TO)
    assert mail.subject == f"Approvals: 2 waiting for others{REFERENCE}"
    assert "http" not in mail.text
    assert "http" in digest_mail([other, other], ANN.email, base_url=BASE, stack_email=TO).text


def test_high_severity_is_in_the_subject() -> None:
    request = Request(title="Deploy", timeout=HOUR, severity=Severity.HIGH)
    mail = request_mail(an_approval(request=request), TO, base_url=BASE)
    assert mail.subject == f"HIGH: Approve? Deploy{REFERENCE}"
    folded = digest_mail([an_approval(), an_approval(request=request)], TO, base_url=BASE, stack_email=TO)
    assert folded.subject == f"HIGH: Approve? 2 waiting for you{REFERENCE}"


def test_only_a_confirmed_email_subscription_reaches_somebody(sns: SNSClient, stub: Stubber) -> None:
    found = [
        {"Protocol": "email", "Endpoint": "Ann@X.org", "SubscriptionArn": f"{TOPIC}:1"},
        {"Protocol": "email", "Endpoint": "ben@x.org", "SubscriptionArn": "PendingConfirmation"},
        {"Protocol": "email", "Endpoint": "gone@x.org", "SubscriptionArn": "Deleted"},
        {"Protocol": "sqs", "Endpoint": "arn:queue", "SubscriptionArn": f"{TOPIC}:2"},
    ]
    for number, token in ((0, {"NextToken": "more"}), (2, {})):
        stub.add_response("list_subscriptions_by_topic", {"Subscriptions": found[number : number + 2], **token})
    assert Subscribers(lambda: sns, TOPIC).confirmed() == {"ann@x.org": "Ann@X.org"}


def test_an_outage_of_sns_says_nothing_about_who_is_subscribed(sns: SNSClient, stub: Stubber) -> None:
    stub.add_client_error("list_subscriptions_by_topic", service_error_code="Throttling")
    with pytest.raises(DeliveryFailed, match="SNS answered Throttling"):
        Subscribers(lambda: sns, TOPIC).confirmed()


@pytest.fixture
def sns() -> SNSClient:
    return boto3.client("sns", region_name="eu-west-1", aws_access_key_id="testing", aws_secret_access_key="testing")


@pytest.fixture
def stub(sns: SNSClient) -> Iterator[Stubber]:
    with Stubber(sns) as stubber:
        yield stubber


def a_mailer(sns: SNSClient) -> Mailer:
    return Mailer(sns, TOPIC)


def test_a_mail_is_published_for_its_recipient_alone(sns: SNSClient, stub: Stubber) -> None:
    recipient = {"recipient": {"DataType": "String", "StringValue": TO}}
    sent = {"TopicArn": TOPIC, "Subject": "Approved: x", "Message": "text", "MessageAttributes": recipient}
    stub.add_response("publish", {"MessageId": "1"}, sent)
    a_mailer(sns).send(Mail(TO, "Approved: x", "text"))
    stub.assert_no_pending_responses()


class Post:
    """An outbox with a slot or without, and all that it did, in order."""

    def __init__(self, sns: SNSClient, stub: Stubber, *, slot: bool = True) -> None:
        self.seen: list[object] = []
        self._slot = slot
        sns.meta.events.register("before-parameter-build.sns.Publish", lambda **_: self.seen.append("publish"))
        stub.add_response("publish", {"MessageId": "1"})
        self.outbox = Outbox(a_mailer(sns), self._take_slot, self._defer)

    def _take_slot(self, recipient: str) -> bool:
        self.seen.append(("slot", recipient))
        return self._slot

    def _defer(self, approval_id: str, step: str) -> None:
        self.seen.append(("deferred", approval_id, step))


STEPS = [f"{Step.REQUEST_EMAIL}:{TO}", f"{Step.OUTCOME_EMAIL}:{TO}"]


@pytest.mark.parametrize("step", STEPS)
def test_a_mail_takes_a_slot_before_it_is_published(sns: SNSClient, stub: Stubber, step: str) -> None:
    post = Post(sns, stub)
    assert post.outbox.send(an_approval().id, step, Mail(TO, "s", "t"))
    assert post.seen == [("slot", TO), "publish"]


@pytest.mark.parametrize("step", STEPS)
def test_a_mail_without_a_slot_is_left_by_its_approvals_id_and_step(sns: SNSClient, stub: Stubber, step: str) -> None:
    """SNS suspends an address that gets too many mails in a second."""
    post = Post(sns, stub, slot=False)
    assert not post.outbox.send(an_approval().id, step, Mail(TO, "s", "t"))
    assert post.seen == [("slot", TO), ("deferred", an_approval().id, step)]


@pytest.mark.parametrize("code", ["Throttling", "InvalidParameter", "AuthorizationError"])
def test_a_refusal_by_sns_is_a_failed_delivery_that_names_the_code_alone(
    sns: SNSClient, stub: Stubber, code: str
) -> None:
    stub.add_client_error("publish", service_error_code=code, service_message="the text of the mail")
    with pytest.raises(DeliveryFailed) as caught:
        a_mailer(sns).send(Mail(TO, "s", "t"))
    assert str(caught.value) == f"SNS answered {code}"


def test_an_unreachable_sns_is_a_failed_delivery(sns: SNSClient) -> None:
    def unreachable(**_: object) -> None:
        raise EndpointConnectionError(endpoint_url="https://sns.example")

    sns.meta.events.register("before-call.sns.Publish", unreachable)
    with pytest.raises(DeliveryFailed, match=r"^SNS can't be reached: EndpointConnectionError$"):
        a_mailer(sns).send(Mail(TO, "s", "t"))


@pytest.mark.parametrize("line_break", ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"])
def test_neither_a_key_nor_a_value_of_the_input_begins_a_line(line_break: str) -> None:
    forged = line_break.join(["x", "Approve:", "https://evil.example/"])
    approval = an_approval(request=Request(timeout=HOUR, details=forged, context={forged: forged, "k": forged}))
    mail = request_mail(approval, "alice@example.com", base_url="https://x")
    flush_left = [line for line in mail.text.splitlines() if line and not line.startswith(" ")]
    assert not any("evil.example" in line for line in flush_left)
    assert flush_left.count("Approve:") == 1


def test_a_mail_about_an_earlier_versions_record_hides_nothing() -> None:
    text = "a\x1b\u200b\u202e\u2800\u3164\U000e0041\xadb"
    workflow = replace(WORKFLOW, execution_name=text, state_machine_name=text)
    request = Request(
        title=text,
        details=text,
        facts=((text, text),),
        links=((text, "https://x.io/"),),
        requested_by=text,
        timeout=HOUR,
        context={text: text},
    )
    asked = an_approval(request=request, workflow=workflow)
    answered = decided(request=request, workflow=workflow, comment=text)
    for mail in (
        request_mail(asked, TO, base_url=BASE),
        notice_mail(asked, TO),
        outcome_mail(answered, TO),
        outcome_mail(cancelled(text), TO),
        digest_mail([asked, answered], TO, base_url=BASE, stack_email=TO),
    ):
        assert hidden_in(mail.text) is None
        assert mail.subject.isascii()
        assert mail.subject.isprintable()


def test_a_name_with_line_breaks_forges_no_links_in_a_mail() -> None:
    name = "Bo\n\nApprove:\n\nhttps://evil.example/\n\nReject:\n\nhttps://evil.example/r"
    people = People(approvers=(Person(id="u0bob00002", name=name, slack_id="U0BOB00002"),))
    mail = request_mail(an_approval(people=people), TO, base_url=BASE)
    assert not [line for line in mail.text.splitlines() if line.startswith("https://evil.example")]
    outcome = outcome_mail(decided(approver=replace(BOB, name=name)), TO)
    assert not [line for line in outcome.text.splitlines() if line.startswith("https://evil.example")]


def test_a_link_in_a_mail_is_followed_by_the_address_that_it_leads_to() -> None:
    lie = "https://github.com/acme/pull/7"
    links = ((lie, "https://evil.example/y"),)
    request = Request(details=f"[{lie}](https://evil.example/x)", links=links, timeout=HOUR)
    mail = request_mail(an_approval(request=request), TO, base_url=BASE)
    assert f"{lie} (https://evil.example/x)" in mail.text
    assert re.search(rf"{re.escape(lie)}:\s+https://evil\.example/y\n", mail.text)


def test_no_line_of_the_requesters_looks_like_one_of_ours() -> None:
    """A false link under a false heading stays indented, where no mail program takes it for ours."""
    forged = "fine\n\nInput of the workflow:\n\nDetails:\n\nApprove:\n\nhttps://evil.example/"
    approval = an_approval(request=Request(details=forged, timeout=HOUR, context={"Note": forged}))
    mail = request_mail(approval, "alice@example.com", base_url="https://x")
    assert mail.text.count("evil.example") == 2
    flush_left = [line for line in mail.text.splitlines() if line and not line.startswith("  ")]
    assert not any("evil.example" in line for line in flush_left)
    assert [flush_left.count(ours) for ours in ("Details:", "Input of the workflow:", "Approve:")] == [1, 1, 1]


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r", "\v", "\x85", "\u2028"])
def test_no_line_of_a_comment_looks_like_one_of_ours(line_break: str) -> None:
    forged = line_break.join(["fine", "", "Comment:", "", "Approve:", "https://evil.example/"])
    lines = outcome_mail(decided(comment=forged), TO).text.splitlines()
    assert [line for line in lines if "evil.example" in line] == ["  https://evil.example/"]
    flush_left = [line for line in lines if line and not line.startswith("  ")]
    assert flush_left == [
        "Approved by alice@example.com by email on Mon 23 Nov 2026, 09:01 UTC.",
        "Deploy web 2.4.1",
        "Comment:",
        "There is nothing left for you to do. The links in the earlier mail show this outcome.",
    ]
