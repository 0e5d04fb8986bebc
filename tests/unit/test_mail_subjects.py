"""The subjects of emails: what SNS takes, what mail programs put together, and what a title can't pose as."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.domain.form_fields import FieldType, FormField
from approvals.domain.judgement import Expiry
from approvals.domain.model import Action, Approval, Extension, Request, Severity
from approvals.domain.people import People, Person
from approvals.domain.rules import judge
from approvals.domain.signed_links import approval_id
from mail.digest_message import digest_mail
from mail.messages import Links, mail_for, notice_mail, outcome_mail, request_mail
from mail.sns import Mail
from mail.subjects import DEFAULT_SUBJECT, MAX_SUBJECT
from tests.support.builders import (
    BOB,
    HOUR,
    MAX_TITLE,
    NOW,
    WORKFLOW,
    a_response,
    an_approval,
    cancelled,
    decided,
    expired,
)

TO = "alice@example.com"
LINKS = Links("https://a1b2c3.execute-api.eu-west-1.amazonaws.com/states", one_click=False)
SUBJECT = re.compile(r"[A-Za-z][ -~]{0,98}")
"""What SNS takes: printable ASCII, fewer than 100 characters, a letter first."""


ENDS: tuple[Callable[..., Approval], ...] = (decided, expired, cancelled)

titles = st.none() | st.text(min_size=1, max_size=MAX_TITLE)
execution_names = st.from_regex(r"[A-Za-z0-9_-]{1,80}", fullmatch=True)


def titled(title: str | None) -> Request:
    return Request(title=title, timeout=HOUR)


REFERENCE = f" [{an_approval().id[:6]}]"
"""Ends the subject of every mail about `an_approval()`."""


def request_subject(title: str | None) -> str:
    """Return the subject without its reference."""
    subject = request_mail(an_approval(request=titled(title)), TO, LINKS).subject
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
    assert SUBJECT.fullmatch(request_mail(asked, TO, LINKS).subject)
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
    subject = digest_mail(approvals, TO, LINKS, stack_email=TO).subject
    assert SUBJECT.fullmatch(subject)
    counts = {what: int(number) for number, what in re.findall(r"(\d+) (waiting|closed)", subject)}
    wanted = {"waiting": waiting, "closed": len(approvals) - waiting}
    assert counts == {what: number for what, number in wanted.items() if number}


@pytest.mark.parametrize(
    ("approvals", "subject"),
    [
        ([an_approval()] * 3, f"Approvals: 3 waiting for you{REFERENCE}"),
        ([an_approval(), decided(), expired()], f"Approvals: 1 waiting for you, 2 closed{REFERENCE}"),
        ([cancelled(), decided(Action.REJECT)], f"Approvals: 2 closed{REFERENCE}"),
    ],
)
def test_the_subject_of_a_digest_says_whether_anything_waits(approvals: list[Approval], subject: str) -> None:
    assert digest_mail(approvals, TO, LINKS, stack_email=TO).subject == subject


def test_a_long_title_is_cut_with_an_ellipsis() -> None:
    subject = outcome_mail(decided(request=titled("x" * MAX_TITLE)), TO).subject
    assert len(subject) == MAX_SUBJECT
    assert subject.endswith(f"xx...{REFERENCE}")
    assert subject == f"Re: {request_subject('x' * MAX_TITLE)}{REFERENCE}", "cut alike, for they are one conversation"


def every_later_mail(approval: Approval, to: str = TO) -> list[Mail]:
    """One mail for each thing that can happen after the request."""
    extension = Extension(approver=BOB, at=NOW, deadline=NOW + HOUR)
    waiting = replace(
        approval,
        extensions=(extension,),
        people=People(escalation=(Person(id="ben@x.org", name="ben", identities={"email": "ben@x.org"}),)),
    )
    steps = [f"{kind}:{to}" for kind in ("reminder-1", "escalation", "extension-1")]
    mails = [mail_for(waiting, step, LINKS) for step in steps]
    ends = [judge(approval, event).approval for event in (a_response(), Expiry(approval.deadline))]
    mails += [mail_for(end, f"outcome_email:{to}", LINKS) for end in ends]
    assert all(mails)
    return [mail for mail in mails if mail]


@given(titles, execution_names, st.sampled_from(Severity))
def test_all_emails_about_a_request_are_one_conversation(title: str | None, execution: str, severity: Severity) -> None:
    """The same subject behind "Re: ", which is all that mail programs can go by."""
    request = Request(title=title, timeout=HOUR, severity=severity)
    approval = an_approval(request=request, workflow=replace(WORKFLOW, execution_name=execution))
    first = request_mail(approval, TO, LINKS).subject
    assert {mail.subject for mail in every_later_mail(approval)} == {f"Re: {first}"}
    assert SUBJECT.fullmatch(f"Re: {first}")


def test_the_conversation_of_who_is_only_told_does_not_ask() -> None:
    first = notice_mail(an_approval(), TO)
    assert first.subject == f"For information: Deploy web 2.4.1{REFERENCE}"
    told = an_approval(steps={f"notice_email:{TO}": NOW})
    assert {mail.subject for mail in every_later_mail(told)} == {f"Re: {first.subject}"}
    assert all("http" not in mail.text for mail in every_later_mail(told) if "Reminder" not in mail.text)
    assert "Your links in the earlier email" not in every_later_mail(told)[-1].text
    asked_later = replace(told, steps={**told.steps, f"request_email:{TO}": NOW})
    asking = request_mail(an_approval(), TO, LINKS).subject
    assert {mail.subject for mail in every_later_mail(asked_later)} == {f"Re: {asking}"}


@pytest.mark.parametrize("title", [None, "Deploy"])
def test_two_requests_of_the_same_words_are_two_conversations(title: str | None) -> None:
    one, two = (an_approval(request=titled(title), id=approval_id(token)) for token in ("one", "two"))
    assert request_mail(one, TO, LINKS).subject != request_mail(two, TO, LINKS).subject
    digests = [digest_mail([each], TO, LINKS, stack_email=TO).subject for each in (one, two)]
    assert len(set(digests)) == 2


def test_high_severity_is_in_the_subject() -> None:
    request = Request(title="Deploy", timeout=HOUR, severity=Severity.HIGH)
    mail = request_mail(an_approval(request=request), TO, LINKS)
    assert mail.subject == f"HIGH: Approve? Deploy{REFERENCE}"
    folded = digest_mail([an_approval(), an_approval(request=request)], TO, LINKS, stack_email=TO)
    assert folded.subject == f"HIGH: Approvals: 2 waiting for you{REFERENCE}"


@pytest.mark.parametrize(
    "title",
    [
        "Re: Approve? Deploy [abcdef]",
        "RE: x",
        "Fwd: x",
        "HIGH: Deploy",
        "Required approval from AWS Step Functions",
        "For information: Deploy",
        "Approvals: 3 waiting for you",
        "Reminder: respond now [bclqip]",
        "\u2800\u2800Re: x",
        "\u200bHIGH: x",
        "\nRe: x",
        "\r\nBcc: everybody@example.com",
        "\uff32\uff45\uff1a x",
        "x" * 300,
        "[bclqip] " * 40,
    ],
)
@pytest.mark.parametrize("form", [(), (FormField(name="p", label="P", type=FieldType.NUMBER),)])
@pytest.mark.parametrize("severity", Severity)
def test_a_title_poses_neither_as_a_reply_nor_as_a_subject_of_ours(
    title: str, form: tuple[FormField, ...], severity: Severity
) -> None:
    approval = an_approval(request=Request(title=title, timeout=HOUR, form=form, severity=severity))
    told = an_approval(request=approval.request, steps={f"notice_email:{TO}": NOW})
    high = "HIGH: " if severity is Severity.HIGH else ""
    asks = f"{high}{'Answer needed:' if form else 'Approve?'} "
    tells = f"{high}For information: "
    subjects = {
        asks: request_mail(approval, TO, LINKS).subject,
        f"Re: {asks}": every_later_mail(approval)[0].subject,
        tells: notice_mail(told, TO).subject,
        f"Re: {tells}": every_later_mail(told)[1].subject,
        f"{high}Approvals: 2 waiting for you": digest_mail([approval] * 2, TO, LINKS, stack_email=TO).subject,
    }
    for prefix, subject in subjects.items():
        assert subject.startswith(prefix)
        assert subject.endswith(REFERENCE)
        assert SUBJECT.fullmatch(subject)


def test_a_request_with_a_form_says_that_answers_are_needed() -> None:
    form = (FormField(name="p", label="P", type=FieldType.NUMBER),)
    mail = request_mail(an_approval(request=Request(title="Deploy", timeout=HOUR, form=form)), TO, LINKS)
    assert mail.subject == f"Answer needed: Deploy{REFERENCE}"
