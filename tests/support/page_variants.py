"""Every page that an approver can see, for the tests that read them and for those that look at them in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from approvals.domain.form_changes import form_key
from approvals.domain.form_fields import FieldType, FormField
from approvals.domain.grants import GrantTerms, Spend
from approvals.domain.judgement import Cancellation, Expiry, ScheduledCheck, Withdrawal
from approvals.domain.model import (
    Action,
    Approval,
    Extension,
    Json,
    MoreTime,
    OnTimeout,
    Presence,
    Refusal,
    Request,
    RequestKind,
    Severity,
)
from approvals.domain.people import People, Person
from approvals.domain.pinned_policy import AppliedRule, AskedAgain, PinnedPolicy, PolicyVersion
from approvals.domain.previous import ComparedPart, Comparison, NamedChange, Part, Previous
from approvals.domain.rules import judge
from approvals.domain.steps import Step
from tests.support.builders import ALICE, BOB, HOUR, NOW, a_response, an_approval, cancelled, decided, expired
from tests.support.delegates import DAN, a_delegation
from web import pages
from web.form_inputs import Typed

FIELDS = {
    "action": "approve",
    "ex": "run-1",
    "sm": "Deploy",
    "id": "a" * 32,
    "to": "alice@example.com",
    "sig": "b" * 32,
}

LATER = NOW + timedelta(minutes=35)
"""When the pages are looked at: 25 minutes before the deadline."""

FORM = (
    FormField(
        name="Version", label="Version to deploy", type=FieldType.TEXT, default="2.4.1", required=True, max_length=20
    ),
    FormField(name="Notes", label="Notes", type=FieldType.TEXT, default="a\nb"),
    FormField(name="Share", label="Share", type=FieldType.NUMBER, default=10, minimum=1, maximum=99.5, required=True),
    FormField(
        name="Ring", label="Ring", type=FieldType.CHOICE, choices=("inner", "outer"), default="outer", required=True
    ),
    FormField(name="Zone", label="Zone", type=FieldType.CHOICE, choices=("a", "b", "c", "d", "e"), default="c"),
    FormField(name="Freeze", label="Freeze?", type=FieldType.YES_NO, default=False),
    FormField(name="Day", label="Day", type=FieldType.DATE, default="2026-11-24", minimum="2026-11-23"),
)

WRONG = Typed(
    {"form.Share": "many", "comment": "\nwhy"},
    {
        "form.Version": "Enter text.",
        "form.Share": "Enter a number.",
        "form.Ring": "Choose an option.",
        "form.Zone": "Choose one of the 5 options.",
        "comment": "The comment has 1,001 characters. Use at most 1,000.",
        "sure": "Tick the box to confirm that you want to approve this request.",
    },
)

CAROL = replace(ALICE, id="carol@example.com", name="carol@example.com")


def asking(**changes: Any) -> Approval:
    """Return an approval whose request has the given keys and little else."""
    defaults: dict[str, Any] = {"title": "Deploy", "timeout": HOUR}
    return an_approval(request=Request(**defaults | changes))


def typical(**changes: Any) -> Approval:
    """Return an ordinary request: a title, its requester, three facts, two lines of details."""
    return asking(
        **{
            "title": "Deploy web 2.4.1 to production",
            "requested_by": "jo@example.com",
            "facts": (("Cost", "12 EUR"), ("Downtime", "none"), ("Tests", "1,204 passed")),
            "details": "Adds the new checkout.\nRolls back by redeploying 2.4.0.",
        }
        | changes
    )


def long(**changes: Any) -> Approval:
    """Return a request of many screens."""
    return typical(
        **{
            "details": "# Plan\n" + "\n\n".join(f"- **step {number}** with `code`" for number in range(60)),
            "links": (("Plan", "https://ci.example.com/plan"), ("Dashboard", "https://example.com/" + "x" * 300)),
            "context": {f"Key{number}": {"a": [number] * 9} for number in range(20)},
        }
        | changes
    )


def waiting(**changes: Any) -> Approval:
    """Return a request for two approvals; alice has given hers."""
    names = ("alice", "carol", "dave")
    people = People(
        approvers=tuple(Person(id=f"{n}@example.com", name=n, identities={"email": f"{n}@example.com"}) for n in names)
    )
    request = Request(title="Deploy", timeout=HOUR, required_approvals=2, **changes)
    asked = an_approval(request=request, people=people)
    return judge(asked, a_response(Action.APPROVE, comment="Looks good")).approval


def eventful() -> Approval:
    """Return an approved request with every kind of event in its history."""
    people = People(
        approvers=tuple(
            Person(id=f"{n}@example.com", name=n, identities={"email": f"{n}@example.com"}) for n in ("alice", "carol")
        ),
        escalation=(Person(id="dave@example.com", name="dave", identities={"email": "dave@example.com"}),),
    )
    people = replace(people, delegations=(a_delegation(people.approvers[1], DAN),))
    request = replace(
        typical().request,
        required_approvals=2,
        approvers=("alice@example.com", "carol@example.com"),
        reminders=(timedelta(minutes=10),),
        escalate_to=("dave@example.com",),
        escalate_after=timedelta(minutes=20),
        more_time=MoreTime(1, HOUR),
        form=FORM[:2],
        action={"Command": ["deploy", "2.4.2"]},
        grant=GrantTerms(uses=1, valid=HOUR),
    )
    steps = {
        "request_email:alice@example.com": NOW + timedelta(seconds=2),
        "request_email:carol@example.com": NOW + timedelta(seconds=2),
        "notice_email:erin@example.com": NOW + timedelta(seconds=3),
        "request_slack": NOW + timedelta(seconds=3),
        "reminder-1": NOW + timedelta(minutes=11),
        Step.RESUME.value: NOW + timedelta(minutes=31),
    }
    approval = an_approval(request=request, people=people, steps=steps)
    filled_in = replace(a_response(comment="First look: fine"), form={"Version": "2.4.1", "Notes": "slowly"})
    for event in (
        filled_in,
        replace(filled_in, approver=BOB, at=NOW + timedelta(minutes=2)),
        Withdrawal(ALICE, NOW + timedelta(minutes=3)),
        ScheduledCheck(NOW + timedelta(minutes=21)),
        replace(filled_in, at=NOW + timedelta(minutes=22), comment="Now it is good"),
    ):
        approval = judge(approval, event).approval
    extension = Extension(approver=CAROL, at=NOW + timedelta(minutes=25), deadline=NOW + 2 * HOUR)
    approval = replace(approval, extensions=(extension,), deadline=extension.deadline)
    dave = replace(ALICE, id="dave@example.com", name="dave")
    changed = replace(filled_in, form={"Version": "2.4.2", "Notes": "slowly"}, seen=form_key(approval))
    for response in (
        replace(changed, approver=dave, at=NOW + timedelta(minutes=26), comment="With the fix"),
        replace(changed, approver=CAROL, at=NOW + timedelta(minutes=30), comment="Go <b>now</b>"),
    ):
        approval = judge(approval, response).approval
    spend = Spend(use=1, by="arn:aws:iam::123456789012:role/Deployer", at=NOW + timedelta(minutes=32))
    return replace(approval, spends={"key": spend})


def confirm(approval: Approval, action: Action = Action.APPROVE, typed: Typed | None = None) -> str:
    """Return the page that asks to confirm."""
    fields = {**FIELDS, "action": action.value}
    return pages.confirm(approval, action, fields, now=LATER, typed=typed or Typed())


def recorded(note: str = "", **changes: Any) -> str:
    """Return the page for alice, whose response counts."""
    approval = waiting(**changes)
    return pages.recorded(approval, approval.responses[0], FIELDS, now=LATER, note=note)


def _variants() -> Iterator[tuple[str, str]]:
    reason_needed = {Action.APPROVE: Presence.OFF, Action.REJECT: Presence.REQUIRED}
    grave = {"form": FORM, "severity": Severity.HIGH, "more_time": MoreTime(1, HOUR)}
    refusal = Refusal(approver=BOB, action=Action.REJECT, at=NOW + timedelta(minutes=2), reason="NOT_AN_APPROVER")
    gone = Cancellation(
        NOW + timedelta(minutes=1), "The workflow retried. A newer request replaces this one.", superseded_by="b" * 32
    )
    yield "approve", confirm(typical())
    yield "reject", confirm(typical(), Action.REJECT)
    yield "little", confirm(asking(title=None))
    yield "long", confirm(long())
    yield "reason", confirm(typical(comments=reason_needed), Action.REJECT)
    yield "no-comment", confirm(typical(comments=reason_needed))
    yield "form", confirm(typical(form=FORM))
    yield "question", confirm(typical(form=FORM[2:4], kind=RequestKind.QUESTION))
    yield "high", confirm(typical(severity=Severity.HIGH, on_timeout=OnTimeout.REJECT))
    yield "high-form", confirm(typical(**grave))
    yield "mistakes", confirm(typical(**grave), typed=WRONG)
    yield (
        "mistake",
        confirm(
            typical(severity=Severity.HIGH),
            typed=Typed({}, {"sure": "Tick the box to confirm that you want to approve this request."}),
        ),
    )
    yield "changed", confirm(_changed())
    yield "asked-again", confirm(_asked_again())
    yield "so-far", confirm(replace(waiting(), refusals=(refusal,)))
    yield "withdrawn", confirm(judge(waiting(), Withdrawal(ALICE, NOW + timedelta(minutes=3))).approval)
    yield "recorded", recorded()
    yield "recorded-note", recorded("To reject this request, first withdraw your response.")
    yield (
        "not-allowed",
        pages.not_allowed(typical(), "Only ann can respond. The request is still open.", too_early=False, now=LATER),
    )
    yield (
        "too-early",
        pages.not_allowed(
            typical(),
            "The approvers are still being looked up. Open the link again in a moment.",
            too_early=True,
            now=LATER,
        ),
    )
    yield "approved", pages.outcome(decided(comment="fine"), Action.APPROVE)
    yield "rejected", pages.outcome(decided(Action.REJECT, BOB), Action.APPROVE)
    yield (
        "expired",
        pages.outcome(expired(), Action.APPROVE, note="You can no longer extend the deadline: the request is closed."),
    )
    yield "cancelled", pages.outcome(cancelled(), Action.APPROVE)
    yield "superseded", pages.outcome(judge(typical(), gone).approval, Action.APPROVE, newer="execution?id=b")
    yield "silent", pages.outcome(_silent(), Action.REJECT)
    yield "eventful", pages.outcome(eventful(), Action.APPROVE)
    yield (
        "error",
        pages.error(
            "Part of the link is missing. Open the link from the email or from Slack again, or copy the complete link."
        ),
    )
    yield "error-heading", pages.error("Go back and shorten it.", "Nothing was recorded")


def _changed() -> Approval:
    """Return a request for an exact action, of a subject that was approved before."""
    previous = Previous(
        comparison=Comparison.COMPARED,
        approval_id="b" * 32,
        approved_by=("Ann",),
        approved_at=NOW - timedelta(days=23),
        parts=(ComparedPart(part=Part.FACTS, changes=1), ComparedPart(part=Part.ACTION, changes=1)),
        changes=(
            NamedChange(name="Replicas", before="3", after="300"),
            NamedChange(name="Action /Command/2", before="web=3", after="web=300"),
        ),
        viewers=("alice@example.com",),
    )
    action: dict[str, Json] = {"Command": ["scale", "--replicas", "web=300"], "Directory": "/srv/web"}
    facts = (("Replicas", "300"),)
    asked = typical(subject="Scale web", facts=facts, action=action, grant=GrantTerms(uses=1, valid=HOUR))
    return replace(asked, previous=previous)


def _asked_again() -> Approval:
    """Return a request whose first approval became void when the policy changed."""
    before, after = (PolicyVersion(parameter="/approvals/policy", version=n, sha256=f"{n}" * 64) for n in (7, 9))
    at = NOW + timedelta(minutes=2)
    policy = PinnedPolicy(
        parameter=after.parameter,
        version=after.version,
        sha256=after.sha256,
        rules=(AppliedRule(name="prod", required=("RequiredApprovals: 2",), raised=("RequiredApprovals: 1 to 2",)),),
        asked_again=(AskedAgain(at=at, before=before, after=after),),
    )
    asked = waiting(policy=policy)
    return replace(asked, responses=tuple(replace(each, withdrawn_at=at, is_void=True) for each in asked.responses))


def _silent() -> Approval:
    approval = typical(on_timeout=OnTimeout.REJECT)
    return judge(approval, Expiry(approval.deadline)).approval


VARIANTS: dict[str, str] = dict(_variants())
"""Each page as HTML, by a name for it."""
