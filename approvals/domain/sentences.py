"""What emails and pages say in our own words about a request and its outcome. Standard library only."""

from __future__ import annotations

from datetime import timedelta

from approvals.domain import forms, wording
from approvals.domain.characters import one_line
from approvals.domain.eligibility import eligible, is_quorum
from approvals.domain.model import (
    Action,
    Approval,
    FieldType,
    FormField,
    OnTimeout,
    Person,
    Presence,
    Severity,
    Status,
    readable,
)
from approvals.domain.signed_links import approver_of

MAX_NAMES = 20
"""People who are named in one sentence; the others are counted."""

MAX_CHOICES = 4
"""Choices of a field that are named before it is filled in; more are counted."""

_SILENCE = {
    OnTimeout.EXPIRE: "the request expires and the workflow is not approved",
    OnTimeout.REJECT: "the request is rejected",
}


def asks(approval: Approval) -> str:
    """Return the first sentence of a request: who needs what, and by when."""
    who = wording.requester(approval) or "A workflow"
    what = "needs your answers and your approval" if approval.request.form else "requests your approval"
    return f"{who} {what} by {readable(approval.deadline)}."


def responders(approval: Approval, recipient: str, *, begins: bool = False) -> list[str]:
    """Return who can respond, the recipient of a link first: `you`, `bo@example.com`, `Cy Young (cy@example.com)`.

    `begins` says that the first begins a sentence.
    """
    reader = approver_of(approval, recipient)
    you, anyone = ("You", "Anyone") if begins else ("you", "anyone")
    if approval.people is None:
        return [f"{anyone} whom the request names (the approvers are still being looked up)"]
    named = eligible(approval)
    if named:
        first = [you for person in named if person.is_(reader)]
        return some([*first, *(with_address(person) for person in named if not person.is_(reader))])
    requester = approval.people.requester
    where = " in Slack" if is_quorum(approval.request) else ""  # The stack's own address is told, not asked.
    but = f", except {with_address(requester)}" if requester and not approval.request.allow_self_approval else ""
    return [f"{anyone} who receives this request{where}{but}"]


def with_address(person: Person) -> str:
    """Return a person's name with their email address, where both are known and differ."""
    name = wording.display_name(person)
    return f"{name} ({person.email})" if person.email and name != person.email else name


def some(names: list[str]) -> list[str]:
    """Return names as they are; of many, the last ones counted."""
    if len(names) <= MAX_NAMES:
        return names
    return [*names[: MAX_NAMES - 1], f"{len(names) - MAX_NAMES + 1} more people"]


def enumerated(names: list[str]) -> str:
    """Return names as part of a sentence: `a, b and c`."""
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1] if names else "") if part)


def needs(approval: Approval) -> str:
    """Return how many responses decide."""
    approvals, rejections = approval.request.required_approvals, approval.request.required_rejections
    if approvals == rejections == 1:
        return "The first response decides."
    return f"Needs {counted(approvals, 'approval')}; {counted(rejections, 'rejection')} {_verb(rejections)} it."


def progress(approval: Approval) -> tuple[list[str], list[str]]:
    """Return the counts (`1 of 2 approvals`) and a line for each response; of many responses only the latest.

    Both are empty where one response decides.
    """
    found = wording.progress(approval)
    number = max(len(found) - len(approval.standing), 0)
    counts, lines = found[:number], found[number:]
    if len(lines) > MAX_NAMES:
        lines = [f"({len(lines) - MAX_NAMES} earlier responses)", *lines[-MAX_NAMES:]]
    return counts, lines


def silence(approval: Approval) -> str:
    """Return what happens at the deadline without a decision."""
    request = approval.request
    without = "Without a decision by the deadline" if is_quorum(request) else "If nobody responds by the deadline"
    return f"{without}, {_SILENCE[request.on_timeout]}."


def wants(approval: Approval) -> tuple[str, list[str]]:
    """Return what a response takes beside a click, in our words; and the author's fields, one a line."""
    request = approval.request
    reasons = [
        f"To {action}, you give a {'reason' if action is Action.REJECT else 'comment'}."
        for action in Action
        if request.comments[action] is Presence.REQUIRED
    ]
    fields = [f"{one_line(field.label, 150)} ({hint(field)})" for field in request.form]
    return " ".join(reasons), fields


def hint(field: FormField) -> str:
    """Return what a field of a form takes: `number from 1 to 100, required`."""
    match field.type:
        case FieldType.TEXT:
            what = f"text, up to {field.max_length:,} characters"
        case FieldType.CHOICE if len(field.choices) <= MAX_CHOICES:
            what = f"choose {' or '.join(one_line(choice) for choice in field.choices)}"
        case FieldType.CHOICE:
            what = f"choose 1 of {len(field.choices)}"
        case FieldType.YES_NO:
            what = "yes or no"
        case _:
            what = f"{field.type.value}{forms.limits(field)}"
    return f"{what}, {'required' if field.required else 'optional'}"


def source(approval: Approval) -> list[tuple[str, str]]:
    """Return where a request comes from, as labels and values: once it is decided, also from whom."""
    requester = [(wording.REQUESTER, wording.requester(approval))] if approval.decision else []
    return [(label, value) for label, value in (*requester, *wording.source(approval)) if value]


def is_high(approval: Approval) -> bool:
    """Return True if a response takes a second confirmation."""
    return approval.request.severity is Severity.HIGH


def outcome(approval: Approval) -> str:
    """Return how the approval ended, by whom, where and when, as in `Approved by Bo Kim in Slack on {time}.`."""
    return f"{wording.headline(approval)} {decided_by(approval)}"


def decided_by(approval: Approval) -> str:
    """Return who decided, where and when, behind the outcome; or why nobody did, where that is our own word."""
    decision = wording.decided(approval)
    when = readable(decision.at)
    if decision.approver:
        return f"by {wording.display_name(decision.approver)} {wording.where(decision.channel)} on {when}."
    cause = "" if decision.status is Status.CANCELLED else decision.cause or ""
    return f"on {when}. {cause}".strip()


def cause(approval: Approval) -> str:
    """Return why the approval was cancelled: words of whoever stopped the execution. Empty for other outcomes."""
    decision = wording.decided(approval)
    return (decision.cause or "").strip() if decision.status is Status.CANCELLED else ""


def duration(time: timedelta) -> str:
    """Return a duration in its greatest whole unit: `90 minutes`, `1 hour`."""
    minutes = time // timedelta(minutes=1)
    for size, word in ((24 * 60, "day"), (60, "hour")):
        if minutes % size == 0:
            return counted(minutes // size, word)
    return counted(minutes, "minute")


def counted(number: int, what: str) -> str:
    """Return a number with its noun: `1 approval`, `2 approvals`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _verb(number: int) -> str:
    return "rejects" if number == 1 else "reject"
