"""The texts of emails: what they say, and that nobody's words can be taken for ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.domain.characters import hidden_in
from approvals.domain.form_changes import form_key
from approvals.domain.form_fields import FieldType, FormField
from approvals.domain.form_wording import reset_notice
from approvals.domain.judgement import Cancellation
from approvals.domain.model import (
    Action,
    Approval,
    Decision,
    Extension,
    MoreTime,
    OnTimeout,
    Presence,
    Request,
    Severity,
    Status,
    readable,
)
from approvals.domain.parts import display_name
from approvals.domain.people import People, Person
from approvals.domain.rules import judge
from approvals.domain.signed_links import link
from approvals.domain.steps import Step
from approvals.domain.wording import request_sentence
from mail.digest_message import digest_mail
from mail.messages import (
    AT_ONCE,
    CONFIRMED,
    Links,
    escalation_mail,
    extension_mail,
    mail_for,
    notice_mail,
    outcome_mail,
    reminder_mail,
    request_mail,
    whose_links,
)
from mail.sns import Mail
from mail.text import BAR, MAX_OCTETS, WIDTH, wrapped
from tests.support.builders import (
    ALICE,
    BOB,
    HOUR,
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

TO = ALICE.id
BASE = "https://a1b2c3.execute-api.eu-west-1.amazonaws.com/states"
LINKS = Links(BASE, one_click=False)
ONE_CLICK = Links(BASE, one_click=True)
MAX_MESSAGE = 262_144
"""UTF-8 bytes. Source: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html"""

HEADING = "--- FROM THE REQUEST: written by its author, not checked by us ---"
ANN = Person(id="ann@x.org", name="ann", identities={"email": "ann@x.org", "slack": "U0ann"})
RO = Person(id="ro@example.com", name="Ro Smith", identities={"email": "ro@example.com", "slack": "U0ROB00009"})
SOURCE = (
    "Approval execution: run-1\nAWS account:        123456789012\nAWS region:         eu-west-1\n"
    "State machine:      Deploy\nApproval ID:        "
)


def asking(**changes: Any) -> Approval:
    """Return a request with the given keys and little else."""
    people = changes.pop("people", People())
    given: dict[str, Any] = {"title": "Deploy", "timeout": HOUR} | changes
    return an_approval(request=Request(**given), people=people)


def paragraphs(mail: Mail) -> list[str]:
    assert mail.text.endswith("\n")
    return mail.text[:-1].split("\n\n")


def test_a_request_says_who_and_when_then_links_then_rules_then_the_authors_words() -> None:
    approval = an_approval(
        request=Request(
            title="Deploy web 2.4.1 to production",
            requested_by="U0ROB00009",
            approvers=(TO, "ann@x.org"),
            details="Adds the **new** [checkout](https://plan.example/7).\n\nSecond paragraph.",
            timeout=HOUR,
            severity=Severity.HIGH,
            required_approvals=2,
            comments={Action.APPROVE: Presence.OPTIONAL, Action.REJECT: Presence.REQUIRED},
            form=(FormField(name="p", label="Percent", type=FieldType.NUMBER, minimum=1, maximum=100, required=True),),
            facts=(("Version", "2.4.1"), ("Risk", "low\nreally")),
            links=(("Diff", "https://git.example/diff"),),
            context={"Region": "eu-west-1"},
            more_time=MoreTime(1, HOUR),
        ),
        people=People(approvers=(Person(id=TO, name=TO, identities={"email": TO}), ANN), requester=RO),
    )
    mail = request_mail(approval, TO, LINKS)
    approve, reject = (link(approval, action, TO, base_url=BASE) for action in Action)
    assert paragraphs(mail) == [
        "Ro Smith (ro@example.com) needs your answers and your approval by 23 Nov 2026, 10:00 UTC.",
        "| Deploy web 2.4.1 to production",
        f"APPROVE\n{approve}",
        f"REJECT\n{reject}",
        (
            "Nothing is recorded until you press the button on the page that opens.\n"
            "The links are yours alone: do not forward this email."
        ),
        (
            "High severity: the page asks you to confirm your response.\n"
            "To approve, you fill in:\n"
            "| Percent (number from 1 to 100, required)\n"
            "To reject, you give a reason."
        ),
        (
            "Who can respond: you and ann (ann@x.org).\n"
            "Needs 2 approvals; 1 rejection rejects it. So far: 0 of 2 approvals.\n"
            "Without a decision by the deadline, the request expires and the workflow is not approved.\n"
            "Need more time? On the page, you can extend the deadline by 1 hour for all approvers."
        ),
        f"{SOURCE}{approval.id}",
        "AWS adds an unsubscribe link at the end. It stops all approval emails to this address.",
        (
            f"{HEADING}\n"
            "| Facts\n|   Version: 2.4.1\n|   Risk:    low\n|       really\n"
            "| Details\n|   Adds the new checkout (https://plan.example/7).\n| \n|   Second paragraph.\n"
            "| Links\n|   Diff: https://git.example/diff\n"
            "| Workflow input\n|   Region: eu-west-1"
        ),
    ]


def test_a_request_that_names_nobody_and_says_nothing_more_leaves_no_gaps() -> None:
    text = request_mail(asking(), TO, LINKS).text
    assert text.startswith("A workflow requests your approval by 23 Nov 2026, 10:00 UTC.\n\n| Deploy\n\n")
    assert HEADING not in text
    assert "\n\n\n" not in text


@pytest.mark.parametrize(
    ("field", "says"),
    [
        (FormField(name="f", label="F", type=FieldType.TEXT, max_length=20), "text, up to 20 characters, optional"),
        (FormField(name="f", label="F", type=FieldType.TEXT), "text, up to 3,000 characters, optional"),
        (FormField(name="f", label="F", type=FieldType.NUMBER, required=True), "number, required"),
        (FormField(name="f", label="F", type=FieldType.NUMBER, minimum=1, maximum=9), "number from 1 to 9, optional"),
        (FormField(name="f", label="F", type=FieldType.YES_NO), "yes or no, optional"),
        (FormField(name="f", label="F", type=FieldType.DATE, minimum="2026-11-23"), "date, not before 2026-11-23, opt"),
        (FormField(name="f", label="F", type=FieldType.CHOICE, choices=("a", "b")), "choose a or b, optional"),
        (FormField(name="f", label="F", type=FieldType.CHOICE, choices=tuple("abcde")), "choose 1 of 5, optional"),
    ],
)
def test_a_form_is_announced_with_what_each_field_takes(field: FormField, says: str) -> None:
    assert f"To approve, you fill in:\n| F ({says}" in request_mail(asking(form=(field,)), TO, LINKS).text


def test_each_link_stands_alone_on_its_line() -> None:
    lines = request_mail(an_approval(), TO, LINKS).text.splitlines()
    assert [line for line in lines if "http" in line] == [
        link(an_approval(), action, TO, base_url=BASE, all_shown=True) for action in (Action.APPROVE, Action.REJECT)
    ]


def test_each_recipient_gets_links_of_their_own() -> None:
    mine, yours = (request_mail(an_approval(), to, LINKS).text for to in (TO, "bob@example.com"))
    assert set(re.findall(r"http\S+", mine)).isdisjoint(re.findall(r"http\S+", yours))


def test_a_link_is_too_short_to_be_folded_whatever_the_executions_name() -> None:
    workflow = replace(WORKFLOW, execution_name="\U0001d4d0" * 80, state_machine_name="\U0001d4d0" * 80)
    text = request_mail(replace(an_approval(), workflow=workflow), "a" * 64 + "@example.com", LINKS).text
    links = re.findall(r"^https.*$", text, re.MULTILINE)
    assert len(links) == 2
    assert all(len(line) < MAX_OCTETS for line in links)
    assert all("&id=" in line and "&sig=" in line for line in links)


@pytest.mark.parametrize(
    ("links", "details", "promise"),
    [
        (LINKS, None, CONFIRMED),
        (LINKS, "x" * 90_000, CONFIRMED),
        (ONE_CLICK, None, AT_ONCE),
        (ONE_CLICK, "x" * 90_000, CONFIRMED),
    ],
)
def test_an_email_promises_that_nothing_is_recorded_only_where_that_is_true(
    links: Links, details: str | None, promise: str
) -> None:
    approval = asking(details=details, more_time=MoreTime(1, HOUR))
    for mail in (request_mail(approval, TO, links), reminder_mail(approval, TO, links)):
        assert [said for said in (CONFIRMED, AT_ONCE) if said in mail.text] == [promise]
        # Only a link that leads to the page can offer what is on the page.
        assert ("On the page, you can extend" in mail.text) == (promise == CONFIRMED)
    digest = digest_mail([approval, approval], TO, links, stack_email=TO)
    assert [said for said in (CONFIRMED, AT_ONCE) if said in digest.text] == [promise]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "The first response decides.\nIf nobody responds by the deadline, the request expires and the workflow"),
        ({"required_approvals": 2}, "Needs 2 approvals; 1 rejection rejects it. So far: 0 of 2 approvals.\nWithout a"),
        ({"required_rejections": 2}, "Needs 1 approval; 2 rejections reject it. So far: 0 of 1 approval, 0 of 2 rej"),
        ({"on_timeout": OnTimeout.REJECT}, "If nobody responds by the deadline, the request is rejected."),
        ({"on_timeout": OnTimeout.REJECT, "required_approvals": 2}, "Without a decision by the deadline, the request"),
        ({"people": None}, "Who can respond: anyone whom the request names (the approvers are still being looked up)."),
        ({}, "Who can respond: anyone who receives this request."),
        ({"people": People(requester=RO)}, "anyone who receives this request, except Ro Smith (ro@example.com)."),
        ({"people": People(requester=RO), "allow_self_approval": True}, "anyone who receives this request."),
        ({"people": People(approvers=(Person(id=TO, name=TO, identities={"email": TO}),))}, "Only you can respond."),
        ({"people": People(approvers=(ANN, RO))}, "Who can respond: ann (ann@x.org) and Ro Smith (ro@example.com)."),
    ],
)
def test_a_request_says_what_decides_and_who_can_respond(changes: dict[str, Any], sentence: str) -> None:
    assert sentence in request_mail(asking(**changes), TO, LINKS).text


def test_twenty_of_many_approvers_are_named_and_the_others_counted() -> None:
    people = People(approvers=tuple(Person(id=f"p{n}", name=f"Person {n}") for n in range(60)))
    text = " ".join(notice_mail(asking(people=people), TO).text.split())
    assert "Who can respond: - Person 0 - Person 1 -" in text
    assert "- Person 18 - 41 more people Needs" in text or "- Person 18 - 41 more people The first" in text


def test_a_reminder_and_an_information_say_so_first() -> None:
    approval = asking(requested_by="ro@example.com", people=People(requester=RO), severity=Severity.HIGH)
    reminder = request_mail(approval, TO, LINKS).text.split("\n\n")[1:]
    lead = "Reminder: Ro Smith (ro@example.com) still needs your response by 23 Nov 2026, 10:00 UTC."
    assert reminder_mail(approval, TO, LINKS).text.split("\n\n") == [lead, *reminder]
    assert paragraphs(notice_mail(approval, TO))[:3] == [
        "For information only: Ro Smith (ro@example.com) requests an approval. You can't respond.",
        "| Deploy",
        "High severity.",
    ]


def test_people_who_are_only_told_get_no_link_and_no_promise_of_one() -> None:
    text = notice_mail(an_approval(), TO).text
    assert not [word for word in ("http", "APPROVE", "confirm", "links", "unsubscribe") if word in text]


def test_an_escalation_and_an_extension_say_what_is_new_and_from_whom() -> None:
    approval = an_approval(people=People(escalation=(ANN,)), escalated_at=NOW)
    lead, title, links, rules, source = paragraphs(escalation_mail(approval, TO))
    assert lead.startswith("Escalated: ")
    assert lead.endswith(" can respond as well: ann (ann@x.org).")
    assert (title, source) == ("| Deploy web 2.4.1", f"{SOURCE}{approval.id}")
    assert rules.startswith(f"Deadline: {readable(approval.deadline)}.\n")
    extended = replace(approval, extensions=(Extension(approver=BOB, at=NOW, deadline=approval.deadline),))
    assert paragraphs(extension_mail(extended, TO)) == [
        "bob extended the deadline to 23 Nov 2026, 10:00 UTC.",
        "| Deploy web 2.4.1",
        links,
        f"{SOURCE}{approval.id}",
    ]


def test_every_email_about_an_open_request_states_the_deadline_once() -> None:
    approval = asking(approvers=(TO, ANN.id), people=People(approvers=(ANN,), escalation=(RO,)), required_approvals=2)
    approval = replace(approval, extensions=(Extension(approver=BOB, at=NOW, deadline=approval.deadline),))
    for kind in ("request_email", "notice_email", "reminder-1", "escalation", "extension-1"):
        mail = mail_for(approval, f"{kind}:{TO}", LINKS)
        assert mail
        assert mail.text.count(readable(approval.deadline)) == 1, kind


def test_an_outcome_says_who_and_why_and_has_no_link_to_answer() -> None:
    mail = outcome_mail(decided(Action.REJECT, BOB, comment="not on a Friday\n2 of 2 approvals"), TO)
    assert paragraphs(mail) == [
        "Rejected by bob in Slack on 23 Nov 2026, 09:01 UTC. You don't need to do anything.",
        "| Deploy web 2.4.1",
        "Comment from bob:\n| not on a Friday\n| 2 of 2 approvals",
        (
            "Requested by:       jo@example.com\nApproval execution: run-1\nAWS account:        123456789012\n"
            f"AWS region:         eu-west-1\nState machine:      Deploy\nApproval ID:        {an_approval().id}"
        ),
        "Your links in the earlier email now show this outcome.",
    ]
    assert "http" not in mail.text


def test_an_outcome_that_the_workflow_did_not_receive_says_so_above_the_comment() -> None:
    lost = replace(decided(comment="fine"), steps={Step.WORKFLOW_GONE: NOW})
    _, _, vain, comment, *_ = paragraphs(outcome_mail(lost, TO))
    assert vain == "The workflow had already ended, so it did not receive this response."
    assert comment == "Comment from alice@example.com:\n| fine"


def test_a_cancellations_cause_is_quoted_and_a_deadlines_is_ours() -> None:
    lead, _, cause, *_ = paragraphs(outcome_mail(cancelled("Superseded.\nAPPROVE\nhttps://evil.example/"), TO))
    assert lead == "Cancelled on 23 Nov 2026, 09:01 UTC. You don't need to do anything."
    assert cause == "Cause:\n| Superseded.\n| APPROVE\n| https://evil.example/"
    assert "\n\nCause:" not in outcome_mail(cancelled(""), TO).text
    assert outcome_mail(expired(), TO).text.startswith(
        "Expired on 23 Nov 2026, 10:00 UTC. Nobody responded before the deadline, so the workflow was not approved. "
    )


def test_an_outcome_no_longer_says_until_when_to_answer() -> None:
    assert "10:00 UTC" not in outcome_mail(decided(), TO).text


def test_an_open_request_has_no_outcome_to_email() -> None:
    with pytest.raises(ValueError, match="is not decided"):
        outcome_mail(an_approval(), TO)


def test_an_outcome_shows_what_was_filled_in_and_by_whom_and_who_responded() -> None:
    form = (
        FormField(name="window", label="When", type=FieldType.TEXT),
        FormField(name="fast", label="Fast", type=FieldType.YES_NO),
        FormField(name="note", label="Note", type=FieldType.TEXT),
    )
    people = People(
        approvers=(
            Person(id=TO, name=TO, identities={"email": TO}),
            Person(id=BOB.id, name="bob", identities={"slack": BOB.id}),
        )
    )
    approval = asking(form=form, required_approvals=2, people=people)
    for response in (a_response(approver=BOB), a_response(minutes=2)):
        approval = judge(approval, replace(response, form={"window": "tonight", "fast": True})).approval
    text = outcome_mail(approval, TO).text
    assert "\n\nForm, filled in by bob, confirmed by alice@example.com:\n|   When: tonight\n|   Fast: yes\n\n" in text
    assert (
        "\n\n2 of 2 approvals:\n  Approved by bob in Slack on 23 Nov 2026, 09:01 UTC\n"
        "  Approved by alice@example.com by email on 23 Nov 2026, 09:02 UTC\n\n"
    ) in text


SHARE = (FormField(name="share", label="Percent of users", type=FieldType.NUMBER, required=True),)
TWO = People(
    approvers=(
        Person(id=TO, name=TO, identities={"email": TO}),
        Person(id=BOB.id, name="bob", identities={"slack": BOB.id}),
    )
)


def filled_in_twice() -> tuple[Approval, Approval]:
    """A request that Alice approved with 10 percent, before and after Bob changed it to 20."""
    asked = asking(form=SHARE, required_approvals=2, approvers=(TO, BOB.id), people=TWO)
    first = judge(asked, replace(a_response(), form={"share": 10})).approval
    changed = replace(a_response(approver=BOB, minutes=2), form={"share": 20}, seen=form_key(first))
    return first, judge(first, changed).approval


def test_a_request_that_others_have_filled_in_says_who_did_and_what() -> None:
    first, _ = filled_in_twice()
    text = request_mail(first, "cy@x.org", LINKS).text
    values = "|   Percent of users: 10"
    assert f"To approve, you confirm or change the form, filled in by alice@example.com:\n{values}\n\n" in text


def test_who_was_reset_reads_who_changed_what_and_gets_their_links() -> None:
    _, reset = filled_in_twice()
    mail = mail_for(reset, f"reset-1:{TO}", LINKS)
    assert mail
    lead, title, changed, approve, reject, *rest = paragraphs(mail)
    assert lead == (f"{reset_notice(reset, ALICE)} Respond again by {readable(reset.deadline)}.")
    assert (title, changed) == ("| Deploy", "What was changed:\n| Percent of users: 20 (before: 10)")
    assert approve.startswith("APPROVE\nhttps://")
    assert reject.startswith("REJECT\nhttps://")
    assert "\n".join(rest).count("filled in by bob:\n|   Percent of users: 20") == 1
    assert mail.subject.startswith("Re: Answer needed: Deploy")
    digest = digest_mail([reset], TO, LINKS, stack_email=TO).text
    assert reset_notice(reset, ALICE) in digest


def test_who_has_responded_since_is_told_of_no_reset() -> None:
    _, reset = filled_in_twice()
    rejected = replace(reset.request, required_rejections=2)
    answered = judge(replace(reset, request=rejected), a_response(Action.REJECT, minutes=3)).approval
    assert mail_for(answered, f"reset-1:{TO}", LINKS) is None
    assert mail_for(reset, "reset-1:cy@x.org", LINKS) is None


def test_links_to_an_address_that_several_people_may_read_are_nobodys_own() -> None:
    shared, own = an_approval(), asking(approvers=("ann@x.org",), people=People(approvers=(ANN,)))
    anyone, alone = "Anyone who has these links can respond", "The links are yours alone"
    for mail, said, not_said in (
        (request_mail(shared, TO, LINKS), anyone, alone),
        (request_mail(own, "ann@x.org", LINKS), alone, anyone),
        (digest_mail([own, shared], "ann@x.org", LINKS, stack_email="ann@x.org"), anyone, alone),
        (digest_mail([own, own], "ann@x.org", LINKS, stack_email="ann@x.org"), alone, anyone),
    ):
        assert said in mail.text
        assert not_said not in mail.text


@pytest.mark.parametrize(
    "mail",
    [
        request_mail(an_approval(), TO, LINKS),
        outcome_mail(decided(), TO),
        digest_mail([an_approval(), decided()], TO, LINKS, stack_email=TO),
    ],
)
def test_a_email_holds_no_task_token(mail: Mail) -> None:
    assert TOKEN[:20] not in mail.subject + mail.text


def test_a_digest_says_what_waits_for_whom_and_what_is_closed() -> None:
    mine = an_approval(request=Request(title="Mine", timeout=HOUR, requested_by="jo@example.com", details="x"))
    high = asking(title="Mine, too", severity=Severity.HIGH)
    other = asking(title="Theirs", approvers=("ann@x.org",), people=People(approvers=(ANN,)))
    mail = digest_mail([mine, high, other, decided(), cancelled("Not now.")], TO, LINKS, stack_email=TO)
    source = SOURCE.removesuffix("\nApproval ID:        ")
    found = paragraphs(mail)
    ref = f"[{mine.id[:6]}]"
    assert found[0] == "Waiting for you (2)"
    assert CONFIRMED in found[1].splitlines()
    assert whose_links([mine]) in found[1].splitlines()
    approve, reject = (link(mine, action, TO, base_url=BASE) for action in Action)
    assert found[2:6] == [
        f"1. {ref} {request_sentence(mine)}\n| Mine",
        f"APPROVE\n{approve}",
        f"REJECT\n{reject}",
        source,
    ]
    assert found[6:8] == [
        f"2. {ref} {request_sentence(high)}\n| Mine, too",
        "High severity: the page asks you to confirm your response.",
    ]
    at, by = readable(NOW + timedelta(minutes=1)), readable(NOW + HOUR)
    assert found[11:] == [
        "Waiting for others (1). For information only: you can't respond.",
        f"- {ref} Deadline: {by}.\n| Theirs",
        "Closed (2). You don't need to do anything.",
        f"- {ref} Approved by alice@example.com by email on {at}.\n| Deploy web 2.4.1",
        f"- {ref} Cancelled on {at}.\n| Deploy web 2.4.1",
        "Cause:\n| Not now.",
    ]


def test_the_reason_of_a_cancellation_takes_the_place_of_its_cause() -> None:
    event = Cancellation(NOW, "The execution was stopped.", error="ApprovalCancelled", reason="Superseded by 2.4.2.")
    gone = judge(an_approval(), event).approval
    for text in (outcome_mail(gone, TO).text, digest_mail([gone], TO, LINKS, stack_email=TO).text):
        assert "\n\nReason given:\n| Superseded by 2.4.2.\n" in text
        assert "Cause:" not in text


def test_a_digest_has_links_for_who_is_asked_alone() -> None:
    other = asking(approvers=("ann@x.org",), people=People(approvers=(ANN,)))
    mail = digest_mail([other, other], TO, LINKS, stack_email=TO)
    assert mail.subject.startswith("Approvals: 2 waiting for others [")
    assert "http" not in mail.text
    assert "http" in digest_mail([other, other], ANN.address, LINKS, stack_email=TO).text


def test_a_step_says_which_email_it_owes_to_whom() -> None:
    extension = Extension(approver=BOB, at=NOW, deadline=NOW + HOUR)
    approval = an_approval(extensions=(extension,), people=People(escalation=(ANN,)))
    reference = f" [{approval.id[:6]}]"
    kinds = {
        "request_email": "Approve? ",
        "notice_email": "For information: ",
        "reminder-2": "Re: Approve? ",
        "escalation": "Re: Approve? ",
        "extension-1": "Re: Approve? ",
    }
    for kind, prefix in kinds.items():
        mail = mail_for(approval, f"{kind}:{TO}", LINKS)
        assert mail
        assert (mail.to, mail.subject) == (TO, f"{prefix}Deploy web 2.4.1{reference}")
        assert bool(re.search(r"^http", mail.text, re.MULTILINE)) == (kind in ("request_email", "reminder-2"))
        assert mail_for(decided(), f"{kind}:{TO}", LINKS) is None
    outcome = mail_for(decided(), f"outcome_email:{TO}", LINKS)
    assert outcome
    assert outcome.subject == f"Re: Approve? Deploy web 2.4.1{reference}"
    assert mail_for(approval, f"outcome_email:{TO}", LINKS) is None
    with pytest.raises(KeyError):
        mail_for(approval, f"resume:{TO}", LINKS)


# What is left out.


def test_omissions_of_an_email_are_named_above_the_authors_words_with_where_to_read_them() -> None:
    approval = asking(details="x" * 80_000, form=(FormField(name="f", label="F", type=FieldType.TEXT),))
    text = request_mail(approval, TO, LINKS).text
    shown = text[text.index(HEADING) :].count("x")
    left_out = f"Not shown in this email: {80_000 - shown:,} of 80,000 characters of the details."
    assert f"{left_out} Open a link to read all of it.\n" in text[: text.index(HEADING)]
    assert shown > 40_000
    assert f"{left_out} The execution's input has all of it.\n" in notice_mail(approval, TO).text
    assert "Not shown in this email" not in request_mail(asking(details="x"), TO, LINKS).text


def test_the_last_line_of_a_script_in_the_input_is_shown_or_missed() -> None:
    script = "echo harmless\n" * 80 + "rm -rf /prod"
    short, long = (request_mail(asking(context={"Script": text}), TO, ONE_CLICK).text for text in (script, script * 99))
    assert "\n|       rm -rf /prod" in short
    assert "Not shown in this email" not in short
    assert short.count("&all=1") == 2
    assert "Not shown in this email" in long
    assert "&all=1" not in long


@pytest.mark.parametrize(("details", "marked"), [(None, 2), ("All of production.", 0)])
def test_the_links_of_a_digest_are_marked_where_there_is_no_more_than_a_title(details: str | None, marked: int) -> None:
    assert digest_mail([asking(details=details)], TO, LINKS, stack_email=TO).text.count("&all=1") == marked


def test_omitted_fields_of_a_long_form_are_counted() -> None:
    form = tuple(FormField(name=f"f{n}", label="\U0001f4a5" * 150, type=FieldType.TEXT) for n in range(20))
    response = replace(a_response(comment="\U0001f4a5" * 1000), form={each.name: "\U0001f4a5" * 3000 for each in form})
    text = outcome_mail(judge(asking(form=form), response).approval, TO).text
    assert re.search(r"^Form, filled in by alice@example.com \(\d+ of 20 fields left out\):$", text, re.MULTILINE)
    assert len(text.encode()) < MAX_MESSAGE


# Whose words are whose.

WIDE = "\U0001f4a5"
BREAKS = ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]
FORGED = [
    "Approve: https://evil.example/execution?action=approve",
    "\u2800\u2800APPROVE",
    "APPROVE",
    "https://evil.example/execution?action=approve",
    "| ",
    "Nothing is recorded until you press the button on the page that opens.",
    "1 of 2 approvals",
    "Approved by ciso@example.com by email on 23 Nov 2026, 09:03 UTC",
    "Who can respond: only eve@evil.example.",
    HEADING,
    "\u202eevorppA",
    "\u3164" * 90,
    "x" * 1200,
    "https://evil.example/" + "y" * 1200,
    "word " * 300,
    WIDE * 400,
    "```",
    "# Heading",
    "- item",
    "\t\t\t",
    " " * 1200,
]
NAME = "Zzyx"
"""Begins each name, so that it can be told from all else."""

texts = st.lists(st.sampled_from([*BREAKS, *BREAKS, *FORGED]) | st.text(max_size=30), max_size=8).map("".join)


def saying(text: str) -> Approval:
    """Return an open request for two approvals, one of them given, that says the text wherever people can."""
    name = f"{NAME}{text}"
    people = tuple(
        Person(id=f"{n}@x.org", name=name, identities={"email": f"{n}@x.org", "slack": f"U{n}"}) for n in range(3)
    )
    request = Request(
        title=f"x{text}",
        details=f"x{text}",
        requested_by="U0",
        facts=((f"x{text}", text), ("Fact", text)),
        links=((f"x{text}", f"https://example.com/{text}"),),
        form=(
            FormField(name="f", label=f"x{text}", type=FieldType.TEXT),
            FormField(name="g", label=f"y{text}", type=FieldType.CHOICE, choices=(f"a{text}", f"b{text}")),
        ),
        context={f"x{text}": text, "Nested": [{text: text}], "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": text},
        severity=Severity.HIGH,
        required_approvals=2,
        timeout=HOUR,
    )
    workflow = replace(WORKFLOW, execution_name=name, state_machine_name=name)
    approver = replace(BOB, id="U1", name=name)
    asked = an_approval(
        request=request,
        workflow=workflow,
        people=People(approvers=people[:2], requester=people[2], escalation=people[2:]),
        extensions=(Extension(approver=approver, at=NOW, deadline=NOW + HOUR),),
    )
    # Not judged: the rules refuse hidden characters in comments and forms, which records of earlier versions may have.
    return replace(asked, responses=(a_response(approver=approver, comment=f"x{text}"),))


def every_mail(text: str) -> Iterator[Mail]:
    """Return each kind of email about a request that says the text everywhere."""
    approval = saying(text)
    for links in (LINKS, ONE_CLICK):
        yield request_mail(approval, "0@x.org", links)
        yield reminder_mail(approval, "0@x.org", links)
    yield notice_mail(approval, TO)
    yield escalation_mail(approval, "0@x.org")
    yield extension_mail(approval, "0@x.org")
    by = replace(BOB, id="U0", name=f"{NAME}{text}")
    last = replace(a_response(approver=by, comment=f"x{text}", minutes=2), form={"f": f"x{text}"})
    decision = Decision(status=Status.APPROVED, at=last.at, channel="slack", approver=by, comment=last.comment)
    responses = (*approval.responses, last)
    approved = replace(approval, responses=responses, decision=decision, status=Status.APPROVED)
    gone = cancelled(f"x{text}", request=approval.request, workflow=approval.workflow, people=approval.people)
    yield outcome_mail(replace(approved, steps={Step.WORKFLOW_GONE: NOW}), "0@x.org")
    yield outcome_mail(gone, "0@x.org")
    yield digest_mail([approval, approved, gone], "0@x.org", LINKS, stack_email=TO)
    yield digest_mail([approval, approved, gone], "2@x.org", LINKS, stack_email=TO)


def ours(mail: Mail, names: set[str]) -> list[str]:
    """What an email says beside quoted lines: wrapped lines joined again, names and what a name changes left out."""
    lines: list[str] = []
    for line in mail.text.splitlines():
        if line.startswith(BAR):
            continue
        if line.startswith("  - "):
            lines[-1] += f" {line.removeprefix('  - ')}"
        else:
            lines.append(line)
    for name in sorted(names, key=len, reverse=True):
        lines = [line.replace(name, "NAME") for line in lines]
    lines = [re.sub(r"&(?:ex|sm)=[^&]*|&all=1|&sig=\w+", "", line) for line in lines]
    # A few short names are a sentence, others a list.
    lines = [re.sub(r" and |[.]$", " ", line).strip() if "respond" in line else line for line in lines]
    # Longer texts leave more out, and then a link leads to the page: both are said in our own words.
    return [
        line.replace(AT_ONCE, CONFIRMED) for line in lines if line and not line.startswith("Not shown in this email: ")
    ]


def names_in(mails: list[Mail], text: str) -> set[str]:
    """Return how emails show the names that say a text."""
    people = saying(text).people
    assert people
    found = (
        re.findall(rf"^(?:\w+|Approval execution|State machine): +({NAME}.*)$", mail.text, re.MULTILINE)
        for mail in mails
    )
    return {display_name(person) for person in people.approvers}.union(*found)


NEUTRAL = list(every_mail("neutral"))
OURS = [ours(mail, names_in(NEUTRAL, "neutral")) for mail in NEUTRAL]


@given(texts)
def test_every_line_without_a_bar_is_made_of_our_words(text: str) -> None:
    mails = list(every_mail(text))
    names = names_in(mails, text)
    for mail, expected in zip(mails, OURS, strict=True):
        assert ours(mail, names) == expected
        assert all(len(line.encode()) <= MAX_OCTETS for line in mail.text.splitlines())
        assert len(mail.text.encode()) < MAX_MESSAGE


@given(texts)
def test_nothing_of_ours_follows_the_authors_block(text: str) -> None:
    for mail in every_mail(text):
        before, heading, block = mail.text.partition(f"\n{HEADING}\n")
        assert all(line.startswith(BAR) for line in block.splitlines())
        assert HEADING not in [line.strip() for line in before.splitlines()]
        assert bool(heading) == any(line == HEADING for line in mail.text.splitlines())


@pytest.mark.parametrize("line_break", BREAKS)
@pytest.mark.parametrize("forged", ["https://evil.example/", "Approve: https://evil.example/", "\u2800Approve:"])
def test_no_line_of_others_begins_at_the_left_edge(line_break: str, forged: str) -> None:
    text = line_break.join(["fine", "", "APPROVE", forged, ""])
    for mail in every_mail(text):
        lines = [line for line in mail.text.splitlines() if not line.startswith(BAR)]
        assert not [line for line in lines if "evil.example/" in line]
        assert not [line for line in lines if line.strip().startswith("Approve:")]
        assert sum(line == "APPROVE" for line in lines) == len(
            re.findall(r"^https://a1b2c3.*=approve", mail.text, re.MULTILINE)
        )


@given(texts)
def test_quoted_lines_are_short_addresses_whole_and_no_word_is_lost(text: str) -> None:
    lines = list(wrapped(text))
    for line in lines:
        assert len(line) <= WIDTH or "://" in text  # a word with an address is folded at MAX_OCTETS alone
        assert len(f"{BAR}{line}".encode()) <= MAX_OCTETS
        assert len(f"{BAR}{line}".splitlines()) == 1
    joined = "".join("".join(lines).split())
    assert len(joined) == len("".join("".join(text.splitlines()).split())) or "\ufffd" in joined
    address = f"https://example.com/{'a' * 800}"
    assert address in "\n".join(wrapped(f"see {address} and {'b ' * 40}"))


@pytest.mark.parametrize("character", [WIDE, "\n", "x", "\u202b", "*", "a\n", "- a\n"])
def test_the_greatest_request_fits_in_a_email_and_its_links_are_whole(character: str) -> None:
    people = tuple(Person(id=f"U{n}", name=character * 200, identities={"slack": f"U{n}"}) for n in range(100))
    request = Request(
        title=(character * MAX_TITLE)[:MAX_TITLE],
        details=(character * MAX_DETAILS)[:MAX_DETAILS],
        requested_by=(character * MAX_REQUESTED_BY)[:MAX_REQUESTED_BY],
        facts=tuple(((character * 100)[:100], (character * 2000)[:2000]) for _ in range(100)),
        links=tuple(((character * 75)[:75], f"https://x/{'x' * 1990}") for _ in range(10)),
        form=tuple(
            FormField(name=f"f{n}", label=WIDE * 150, type=FieldType.CHOICE, choices=(WIDE * 75,) * 4)
            for n in range(20)
        ),
        approvers=("S0GROUP01",),
        required_approvals=50,
        timeout=HOUR,
        context={f"{number}{character * 200}": character * 2000 for number in range(60)},
    )
    responses = tuple(
        a_response(approver=replace(BOB, id=person.id, name=person.name), minutes=1) for person in people[:49]
    )
    approval = an_approval(
        request=request, people=People(approvers=people, escalation=people), escalated_at=NOW, responses=responses
    )
    for mail in (
        request_mail(approval, TO, LINKS),
        reminder_mail(approval, TO, LINKS),
        notice_mail(approval, TO),
        escalation_mail(approval, TO),
        digest_mail([approval] * 25, TO, LINKS, stack_email=TO),
        digest_mail([replace(approval, request=replace(request, approvers=()))] * 25, TO, LINKS, stack_email=TO),
    ):
        assert len(mail.text.encode()) + len(mail.to) < MAX_MESSAGE
        assert all(len(line.encode()) <= MAX_OCTETS for line in mail.text.splitlines())
        assert mail.subject.isascii()
    lines = request_mail(approval, TO, LINKS).text.splitlines()
    assert [line for line in lines if line.startswith("http")] == [
        link(approval, action, TO, base_url=BASE) for action in (Action.APPROVE, Action.REJECT)
    ]


def test_a_email_about_an_earlier_versions_record_hides_nothing() -> None:
    text = "a\x1b\u200b\u202e\u2800\u3164\U000e0041\xadb"
    for mail in every_mail(text):
        assert hidden_in(mail.text) is None
        assert mail.subject.isascii()
        assert mail.subject.isprintable()


def test_a_link_in_a_email_is_followed_by_the_address_that_it_leads_to() -> None:
    lie = "https://github.com/acme/pull/7"
    mail = request_mail(
        asking(details=f"[{lie}](https://evil.example/x)", links=((lie, "https://evil.example/y"),)), TO, LINKS
    )
    assert f"{lie} (https://evil.example/x)" in mail.text
    assert f"{lie}: https://evil.example/y\n" in mail.text
