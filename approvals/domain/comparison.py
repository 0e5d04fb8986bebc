"""Compare a request with the last approved request of its subject. Pure.

The subject is the author's word, and so is no reason to trust an earlier approval: it must have been given under the
same policy, by a person who can respond to the new request, and who made neither of the two.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from hashlib import sha256
from unicodedata import normalize

from approvals.domain import facts, wording
from approvals.domain.characters import one_line, reveal
from approvals.domain.delegate_wording import active
from approvals.domain.differences import MISSING, Change, Content, Value, diff, pointer
from approvals.domain.eligibility import eligible
from approvals.domain.email_address import canonical, is_same
from approvals.domain.form_fields import FormField
from approvals.domain.model import Action, Approval, Json, Request, Response, Status, shorten
from approvals.domain.people import Approver, Person
from approvals.domain.pinned_policy import is_allowed
from approvals.domain.previous import ComparedPart, Comparison, NamedChange, Part, Previous
from approvals.domain.steps import REQUEST, recipient_of

MAX_CHANGES = 20
"""Changes that are kept with their values. The others are counted."""

MAX_TEXT = 100
"""Characters of a name or a value that are kept."""

MAX_NAMES = 3
"""Names of people who approved the earlier request. The others are counted."""

_TAIL = 40
"""Characters at the end of a long name that are kept: a path ends in the key that was changed."""

_LEAD = 20
"""Characters before the first difference of two long values that are kept."""

NOTHING = "(none)"
"""Stands for a value that is not there."""

ARROW = "\N{RIGHTWARDS ARROW}"

PARTS: Mapping[Part, str] = {
    Part.FACTS: "facts",
    Part.ACTION: "action",
    Part.FORM: "form",
    Part.CONTEXT: "workflow input",
}
"""The parts in words."""


def subject_key(subject: str) -> str:
    """Return the SHA-256 (64 hex digits) of a subject: letter case and the width of blanks make no other subject."""
    folded = normalize("NFKC", normalize("NFKC", subject).casefold())
    return sha256(" ".join(folded.split()).encode()).hexdigest()


def comparable_key(approval: Approval) -> str | None:
    """Return the subject's key if later requests may be compared with this approval, else None."""
    subject = approval.request.subject
    return subject_key(subject) if subject and _approvals(approval) else None


def may_compare(earlier: Approval, current: Approval) -> bool:
    """Return True if an earlier approval is one to compare with.

    An override does not make it one: no approver stood behind it. Nor does the approval of one of the two requesters.
    """
    subjects = [each.request.subject for each in (earlier, current)]
    if None in subjects or len({subject_key(each or "") for each in subjects}) > 1 or earlier.id == current.id:
        return False
    policies = {each.request.policy.sha256 if each.request.policy else None for each in (earlier, current)}
    return len(policies) == 1 and any(_may_respond(current, earlier, each) for each in _approvals(earlier))


def compare(earlier: Approval, current: Approval, *, ignored: int = 0) -> Previous:
    """Return the comparison with an earlier approval. `ignored` newer ones were passed over."""
    before, after = content(earlier.request), content(current.request)
    changes = diff(before, after)
    by_part = {part: [change for change in changes if change.part is part] for part in Part}
    names = wording.decider_names(earlier)
    more = [f"{len(names) - MAX_NAMES} more people"] if len(names) > MAX_NAMES + 1 else []
    decision = wording.decision_of(earlier)
    return Previous(
        comparison=Comparison.COMPARED,
        approval_id=earlier.id,
        approved_by=(*(names[:MAX_NAMES] if more else names), *more),
        approved_at=decision.at,
        parts=tuple(
            ComparedPart(part=part, changes=len(by_part[part]))
            for part in Part
            if _has(before, part) or _has(after, part)
        ),
        changes=tuple(_named(change) for change in _share([*by_part.values()])),
        viewers=tuple(sorted(_viewers(earlier, current))),
        places=tuple(sorted({delivery.place for delivery in earlier.deliveries if not delivery.to})),
        ignored=ignored,
    )


def content(request: Request) -> Content:
    """Return the parts of a request that are compared.

    Of the caller's execution, only the state machine: each execution has a name of its own.
    """
    context = dict(request.whole_context)
    if facts.claimed_workflow(request):
        context[facts.STARTED_BY] = str(context[facts.STARTED_BY]).rpartition(":")[0]
    return Content(
        facts=facts.author_facts(replace(request, subject=None)),
        action=MISSING if request.action is None else request.action,
        form=tuple((field.name, _field(field)) for field in request.form),
        context=context,
    )


def sees_values(approval: Approval, reader: Approver, *, in_place: bool = True) -> bool:
    """Return True if a person may see the earlier values: they could respond to the earlier request, or made it.

    A request that names nobody is for all who read its place, as was the earlier one that it is compared with.
    `in_place` says that a user of a channel reads it. Who requested the new one, or is notified of it, may not.
    """
    previous = approval.previous
    if previous is None:
        return False
    posted = (each for each in approval.deliveries if each.channel == reader.channel and not each.to)
    reads_place = in_place and approval.request.is_open and reader.realm is not None
    in_same_place = reads_place and any(each.place in previous.places for each in posted)
    return in_same_place or _name(reader.id) in previous.viewers


def place_sees_values(approval: Approval, place: str) -> bool:
    """Return True if all who read a place may see the earlier values: the earlier request was posted there."""
    return approval.previous is not None and place in approval.previous.places


def _approvals(approval: Approval) -> list[Response]:
    """Return the responses that stand behind an approval: neither the requester's own, nor any of an override."""
    if approval.status is not Status.APPROVED or approval.is_overridden:
        return []
    return [
        each
        for each in approval.standing
        if each.action is Action.APPROVE and each.person and not _made(approval, each)
    ]


def _made(approval: Approval, response: Response) -> bool:
    """Return True if the person who responded is the requester of an approval."""
    names = (response.person, response.approver.id)
    requester = approval.people.requester if approval.people else None
    if requester and (requester.id in names or requester.is_(response.approver)):
        return True
    return any(is_same(approval.request.requested_by or "", name) for name in names)


def _may_respond(current: Approval, earlier: Approval, response: Response) -> bool:
    """Return True if the person who approved the earlier request can respond to the current one."""
    people = current.people
    if people is None or _made(current, response):
        return False
    if people.approvers or not current.request.is_open:
        persons = (*eligible(current), *(each.delegate for each in active(current)))
        return any(_is(person, response) for person in persons)
    alike = earlier.request.is_open and earlier.request.channel == current.request.channel
    return alike and is_allowed([response.person, response.approver.id], people.allowed)


def _is(person: Person, response: Response) -> bool:
    approver = response.approver
    return person.id == response.person or person.is_(approver) or person.admits(approver)


def _viewers(earlier: Approval, current: Approval) -> set[str]:
    """Return the names of all who could respond to the earlier request or made it, if the current one concerns them."""
    people = earlier.people
    persons = [*eligible(earlier), *(each.delegate for each in active(earlier))]
    persons += [people.requester] if people and people.requester else []
    found = [_names(person) for person in persons]
    found += [{_name(each.person), _name(each.approver.id)} for each in earlier.responses]
    found += [{_name(recipient_of(step))} for step in earlier.steps if step.startswith(REQUEST) and recipient_of(step)]
    found += [{_name(earlier.request.requested_by)}] if earlier.request.requested_by else []
    concerned = _concerned(current)
    return set().union(*(names for names in found if current.request.is_open or names & concerned)) - {""}


def _concerned(approval: Approval) -> set[str]:
    """Return the names of all whom the request concerns: the record keeps no others."""
    people, request = approval.people, approval.request
    if people is None:
        return set()
    persons = [*people.approvers, *people.escalation, *(each.delegate for each in people.delegations)]
    persons += [people.requester] if people.requester else []
    named = {_name(each) for each in (*request.names, *request.notify, request.requested_by or "")}
    return named.union(*map(_names, persons))


def _names(person: Person) -> set[str]:
    return {_name(each) for each in (person.id, *person.identities.values())}


def _name(name: str) -> str:
    return canonical(name) if "@" in name else name


def _field(field: FormField) -> Json:
    """Return a field as its author writes it, without the keys that are left out."""
    values = {each.name.title().replace("_", ""): getattr(field, each.name) for each in fields(field)}
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in values.items()
        if key != "Name" and value not in (None, ())
    }


def _has(content: Content, part: Part) -> bool:
    values = {
        Part.FACTS: content.facts,
        Part.ACTION: content.action is not MISSING,
        Part.FORM: content.form,
        Part.CONTEXT: content.context,
    }
    return bool(values[part])


def _share(parts: Sequence[Sequence[Change]]) -> Iterable[Change]:
    """Return as many changes as are kept, in order. Each part has a share, so that none can hide another."""
    left, room = MAX_CHANGES, [0] * len(parts)
    smallest_first = sorted(range(len(parts)), key=lambda number: len(parts[number]))
    for waiting, number in zip(range(len(parts), 0, -1), smallest_first, strict=True):
        room[number] = min(len(parts[number]), left // waiting)
        left -= room[number]
    return (change for number, part in enumerate(parts) for change in part[: room[number]])


def _named(change: Change) -> NamedChange:
    before, after = _shown(change.before, change.after)
    return NamedChange(name=_short_name(_label(change)), before=before, after=after)


def _label(change: Change) -> str:
    if change.is_order:
        return f"Order of the {PARTS[change.part]}"
    if change.part is Part.ACTION:
        return f"Action {pointer(change.path)}"
    if change.part is Part.CONTEXT:
        return f"Workflow input {pointer(change.path)}"
    label, number, *inside = change.path
    again = f" ({int(number) + 1})" if number else ""
    where = f", {pointer(tuple(inside)).removeprefix('/')}" if inside else ""
    return f"{'Form field ' if change.part is Part.FORM else ''}{label}{again}{where}"


def _short_name(name: str) -> str:
    line = one_line(name, len(name))
    return line if len(line) <= MAX_TEXT else f"{line[: MAX_TEXT - _TAIL - 1]}\N{HORIZONTAL ELLIPSIS}{line[-_TAIL:]}"


def _shown(before: Value, after: Value) -> tuple[str | None, str | None]:
    """Return two values as people read them, cut where they differ. They never look the same."""
    texts = _plain(before), _plain(after)
    # An accent that is a character of its own looks like one that is not.
    if normalize("NFC", texts[0] or "") == normalize("NFC", texts[1] or ""):
        texts = _exact(before), _exact(after)
    start = _start(texts[0] or "", texts[1] or "")
    shown = tuple(None if text is None else shorten(_from(text, start), MAX_TEXT) for text in texts)
    return shown[0], shown[1]


def _start(one: str, other: str) -> int:
    """Return where to begin with two texts, so that the first difference is in sight."""
    same = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return same - _LEAD if max(len(one), len(other)) > MAX_TEXT and same > MAX_TEXT // 2 else 0


def _from(text: str, start: int) -> str:
    return f"\N{HORIZONTAL ELLIPSIS}{text[start:]}" if start else text


def _plain(value: Value) -> str | None:
    """Return a value on one line. A text that could be misread is in quotes."""
    if value is MISSING:
        return None
    line = reveal(" ".join(facts.as_text(value).split()))
    return _exact(value) if not line or line == NOTHING or ARROW in line else line


def _exact(value: Value) -> str | None:
    return None if value is MISSING else json.dumps(value)
