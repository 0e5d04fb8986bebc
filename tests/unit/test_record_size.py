"""How large a record is, and how large it can become."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from approvals.domain import rules
from approvals.domain.comparison import MAX_CHANGES as MAX_CHANGES_KEPT
from approvals.domain.comparison import MAX_NAMES, MAX_TEXT, compare, subject_key
from approvals.domain.eligibility import eligible
from approvals.domain.events import events
from approvals.domain.form_changes import MAX_CHANGES, form_key
from approvals.domain.form_fields import FieldType, FormField, FormValue
from approvals.domain.forms import MAX_COMMENT
from approvals.domain.groups import Group
from approvals.domain.judgement import ExtensionRequest, ScheduledCheck, Verdict, Withdrawal
from approvals.domain.model import Action, Approval, Decision, MoreTime, Presence, Request, Response, Status, iso
from approvals.domain.people import Approver, People, Person
from approvals.domain.previous import ComparedPart, NamedChange, Part, Previous
from approvals.domain.repeats import REPEAT_WINDOW
from approvals.domain.result import most_approvals
from approvals.domain.rules import judge
from approvals.domain.steps import Step, step_for
from approvals.requests.decidability import demands_of
from approvals.requests.parse import InvalidRequestError
from approvals.store.items import approval_to_item, previous_to_item
from approvals.store.record_size import MAX_RECORD, check_size, greatest_size, item_size
from bot.channel import MAX_DIRECT
from iam.sessions import MAX_ADDRESS
from mail.recipients import asked, told
from tests.support.builders import MESSAGE, NOW, WORKSPACE, an_approval

EMAIL = "approver@example.com"
WIDE = "\U0001f600"


@pytest.mark.parametrize(
    ("item", "size"),
    [
        ({}, 0),
        ({"id": "x"}, 3),
        ({"ü": "\U0001f600"}, 6),
        ({"b": b"\0" * 32}, 33),
        ({"n": 1234}, 1 + 4),
        ({"t": True, "0": None}, 4),
        ({"l": ["a", "b"]}, 1 + 3 + 2 + 2),
        ({"m": {"k": "v"}}, 1 + 3 + 1 + 2),
        ({"s": frozenset({"a", "bc"})}, 1 + 3),
    ],
)
def test_an_item_is_as_large_as_dynamodb_says(item: dict[str, Any], size: int) -> None:
    assert item_size(item) == size


presence = st.sampled_from(list(Presence))
fields = st.one_of(
    st.integers(1, 3000).map(lambda most: FormField(name="t", label="T", type=FieldType.TEXT, max_length=most)),
    st.just(FormField(name="n", label="N", type=FieldType.NUMBER)),
    st.integers(1, 75).map(lambda n: FormField(name="c", label="C", type=FieldType.CHOICE, choices=(WIDE * n, "x"))),
)


@st.composite
def approvals(draw: st.DrawFn) -> Approval:
    """Return a new approval, of people who are asked by mail and in Slack."""
    size = draw(st.sampled_from([0, 20, 200]))
    people = tuple(_person(number, size) for number in range(draw(st.integers(0, 60))))
    half = len(people) // 2 if draw(st.booleans()) else len(people)
    needed = draw(st.integers(1, max(1, half)))
    request = Request(
        title="Deploy",
        timeout=timedelta(hours=100),
        approvers=tuple(map(_name, people[:half])),
        escalate_to=tuple(map(_name, people[half:])),
        escalate_after=timedelta(hours=1) if people[half:] else None,
        required_approvals=needed,
        required_rejections=draw(st.integers(1, max(1, half - needed + 1))),
        notify=tuple(f"told{number}{'x' * size}@example.com" for number in range(draw(st.integers(0, 50)))),
        comments={action: draw(presence) for action in Action},
        form=tuple(replace(each, name=f"f{n}") for n, each in enumerate(draw(st.lists(fields, max_size=5)))),
        reminders=tuple(timedelta(minutes=minutes) for minutes in range(1, draw(st.integers(1, 11)))),
        more_time=MoreTime(draw(st.integers(0, 10)), timedelta(hours=1)),
        context={"k": "x" * draw(st.integers(0, 100_000))},
        subject=draw(st.sampled_from([None, "deploy web"])),
    )
    found = People(approvers=people[:half], escalation=people[half:])
    if half > 1 and draw(st.booleans()):
        # The last one alone is a group: until they respond, all others may have.
        groups = [
            Group(name=name, approvers=names)
            for name, names in (("a", request.approvers[:-1]), ("b", request.approvers[-1:]))
        ]
        request = replace(request, groups=tuple(groups))
        ids = [person.id for person in people[:half]]
        found = replace(found, demands=demands_of(request, [ids[:-1], ids[-1:]]), silent=tuple(ids[:1]))
    return an_approval(request=request, people=found, deliveries=(), deadline=NOW + request.timeout)


def _name(person: Person) -> str:
    return person.address or person.on("slack") or person.on("iam")


def _person(number: int, size: int) -> Person:
    slack_id = f"U{number:09}"
    if number % 7 == 6:
        role = f"arn:aws-us-gov:iam::123456789012:role/{number:064}"
        return Person(id=role, name=f"role {number:064}", identities={"iam": role})
    if number % 3 == 0:
        return Person(id=slack_id, name=WIDE * 80, identities={"slack": slack_id})
    address = f"ann{number}{'x' * size}@example.com"
    return Person(id=address, name=address, identities={"email": address, "slack": slack_id if number % 3 == 1 else ""})


def _approver(person: Person) -> Approver:
    if role := person.on("iam"):
        return Approver(id=f"{role[-64:]:x>{MAX_ADDRESS - 12}}@example.com", name="s" * 64, channel="iam", role=role)
    if person.address and not person.on("slack"):
        return Approver(id=person.address, name=person.address, channel="email")
    return Approver(id=person.on("slack"), name=WIDE * 80, channel="slack", realm=WORKSPACE, member=True)


def _stranger(number: int) -> Approver:
    return Approver(id=f"U{number:010}", name=WIDE * 80, channel="slack", realm=WORKSPACE, member=True)


def grown(approval: Approval) -> Approval:
    """Return the approval with all that people and functions can add to it."""
    request, now = approval.request, NOW + timedelta(minutes=30)
    approval = replace(approval, deliveries=(MESSAGE,), previous=_previous(approval) if request.subject else None)
    approval = judge(approval, ScheduledCheck(NOW + timedelta(hours=2))).approval
    people = approval.people
    assert people is not None
    able = [_approver(person) for person in (*people.approvers, *people.escalation)]
    able = able or [_stranger(900 + number) for number in range(12)]
    for number in range(2 * rules.MAX_REFUSALS):
        approval = judge(approval, Response(approver=_stranger(5000 + number), action=Action.REJECT, at=now)).approval
    for number in range(request.more_time.times):
        approval = judge(approval, ExtensionRequest(able[number % len(able)], now + number * REPEAT_WINDOW)).approval
    for turn in range(rules.MAX_WITHDRAWALS + 1):
        for each in able:
            at = now + turn * timedelta(minutes=10)
            response = Response(
                approver=each, action=Action.APPROVE, at=at, comment="x", form=_filled(request), key=f"{turn:016}"
            )
            judgement = judge(approval, response)
            if judgement.verdict is Verdict.COUNTED:
                approval = judge(judgement.approval, Withdrawal(each, at, f"w{turn:015}")).approval
    for action, most in ((Action.REJECT, request.required_rejections - 1), (Action.APPROVE, 60)):
        if action is Action.APPROVE:
            approval = _changed_often(approval, able, now + timedelta(hours=2))
        for each in able[:most] if action is Action.REJECT else able:
            at = now + timedelta(hours=3)
            said = Response(approver=each, action=action, at=at, comment=WIDE * MAX_COMMENT, form=_filled(request))
            said = replace(said, key="x" * 16, seen=form_key(approval))
            approval = judge(approval, said).approval
    return _marked(approval)


def _previous(approval: Approval) -> Previous:
    """Compare the request with an approval of all its people, with the longest names and changes."""
    decision = Decision(status=Status.APPROVED, at=NOW, channel="email")
    change = NamedChange(name=WIDE * MAX_TEXT, before=WIDE * MAX_TEXT, after=WIDE * MAX_TEXT)
    return replace(
        compare(replace(approval, decision=decision, deliveries=(MESSAGE,)), approval),
        approved_by=(f"{WIDE * 80} for {WIDE * 80}",) * (MAX_NAMES + 1),
        approved_at=NOW,
        parts=tuple(ComparedPart(part=part, changes=10**6) for part in Part),
        changes=(change,) * MAX_CHANGES_KEPT,
    )


def _changed_often(approval: Approval, able: list[Approver], at: datetime) -> Approval:
    """As many approve as do not decide, then the next changes the form and others confirm it, and so on."""
    most = most_approvals(approval.request, approval.people) - 1
    for turn in range(MAX_CHANGES + 1):
        form = {name: _other(value, turn) for name, value in _filled(approval.request).items()}
        for number, each in enumerate(able):
            approved = [said for said in approval.standing if said.action is Action.APPROVE]
            if len(approved) >= most and all(said.form == form for said in approved):
                break
            key = f"{turn}{number:015}"
            said = Response(approver=each, action=Action.APPROVE, at=at, comment=WIDE * MAX_COMMENT, form=form, key=key)
            approval = judge(approval, replace(said, seen=form_key(approval))).approval
    return approval


def _other(value: FormValue, turn: int) -> FormValue:
    """Another value that takes as much room."""
    if isinstance(value, float):
        return float(str(value).replace("e-300", f"e-30{turn}"))
    is_text = isinstance(value, str) and set(value) == {WIDE}
    return "\U0001f601" * len(str(value)) if is_text and turn % 2 else value


def _filled(request: Request) -> dict[str, Any]:
    return {field.name: _value(field) for field in request.form}


def _value(field: FormField) -> FormValue:
    match field.type:
        case FieldType.TEXT:
            return WIDE * field.max_length
        case FieldType.NUMBER:
            return -1.2345678901234567e-300
        case _:
            return field.choices[0]


def _marked(approval: Approval) -> Approval:
    recipients = {*asked(approval, EMAIL), *told(approval, EMAIL)}
    topics = [f"reminder-{number}" for number in range(1, len(approval.request.reminders) + 1)]
    topics += [f"extension-{number}" for number in range(1, len(approval.extensions) + 1)]
    topics += ["escalation"] * bool(approval.request.escalate_to)
    topics += [
        f"reset-{number}" for number in range(1, len([each for each in approval.responses if each.replaced]) + 1)
    ]
    steps = [*Step, *topics, "direct_slack", "direct_slack-escalation"]
    steps += [step_for(kind, to) for to in recipients for kind in ("request_email", "outcome_email", *topics)]
    steps += [f"request_iam:{person.on('iam')}" for person in eligible(approval) if person.on("iam")]
    slack_ids = [f"U{number:010}" for number in range(MAX_DIRECT)]
    steps += [f"request_slack:{user}" for user in slack_ids]
    steps += [
        f"{topic}:slack-direct-{user}"
        for topic in topics
        if topic.startswith(("reminder", "reset"))
        for user in slack_ids
    ]
    messages = tuple(replace(MESSAGE, to=user) for user in slack_ids)
    approval = replace(approval, steps=dict.fromkeys(steps, NOW), deliveries=(*approval.deliveries, *messages))
    return replace(approval, published=frozenset(event.mark for event in events(approval, "stack")))


@settings(deadline=None, max_examples=60)
@given(approvals())
def test_no_record_grows_beyond_what_was_reckoned_when_it_was_asked(approval: Approval) -> None:
    largest = grown(approval)
    assert largest.decision or largest.standing
    item = approval_to_item(largest) | {"published": largest.published}
    if approval.request.subject:
        item |= {"approved_subject": subject_key(approval.request.subject), "approved_at": item["requested_at"]}
    assert item_size(item) <= greatest_size(approval)


@given(approvals())
def test_the_comparison_with_an_earlier_approval_has_room_of_its_own(approval: Approval) -> None:
    named = replace(approval, request=replace(approval.request, subject="deploy web"))
    without = replace(approval, request=replace(approval.request, subject=None))
    added = {"previous": previous_to_item(_previous(named)), "approved_subject": "a" * 64, "approved_at": iso(NOW)}
    assert item_size(added) <= greatest_size(named) - greatest_size(without)


def test_requests_whose_greatest_result_fits_are_accepted_and_no_larger_ones() -> None:
    room = MAX_RECORD - greatest_size(
        an_approval(request=Request(title="x", timeout=timedelta(hours=1), context={"k": ""}))
    )
    for more, refused in ((room, False), (room + 1, True)):
        request = Request(title="x", timeout=timedelta(hours=1), context={"k": "x" * more})
        approval = an_approval(request=request)
        if refused:
            with pytest.raises(InvalidRequestError, match="Shorten the input"):
                check_size(approval)
        else:
            check_size(approval)
