"""How an approval changes: the tables of docs/rules.md, played row by row, and laws that hold for any history."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import reduce
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.domain.absences import Absence
from approvals.domain.eligibility import Reason, eligible, is_quorum, responder
from approvals.domain.email_address import canonical
from approvals.domain.facts import LABELS
from approvals.domain.form_changes import MAX_CHANGES, current_form, form_key, form_of, key_of, people_to_respond_again
from approvals.domain.form_fields import FieldType, FormField, FormValue
from approvals.domain.forms import COMMENT, Problem, parse
from approvals.domain.groups import Group
from approvals.domain.judgement import (
    ApprovalEvent,
    Cancellation,
    Expiry,
    ExtensionRequest,
    Judgement,
    Override,
    PolicyChange,
    ScheduledCheck,
    Verdict,
    Withdrawal,
)
from approvals.domain.limits import MAX_TIMEOUT_MINUTES
from approvals.domain.model import Action, Approval, Json, MoreTime, Presence, Request, Response, Status
from approvals.domain.people import Approver, People, Person
from approvals.domain.rules import MAX_REFUSALS, MAX_WITHDRAWALS, MAX_WITHDRAWALS_IN_ALL, can_extend, judge
from approvals.domain.schedule import next_due
from approvals.domain.seats import find_seat
from approvals.requests.decidability import demands_of
from approvals.requests.delegations import Delegates
from approvals.requests.identities import identify
from approvals.requests.parse import InvalidRequestError, parse_request
from approvals.requests.policy import parse_policy
from approvals.requests.policy_floor import parse_under
from approvals.requests.schema import load
from approvals.store.items import changeable_to_item
from demo.process import ROOT
from iam.resolver import RoleResolver
from tests.support.builders import (
    ALICE,
    BOB,
    CAROL,
    NOW,
    WORKFLOW,
    WORKSPACE,
    a_response,
    an_approval,
    cancelled,
    decided,
    expired,
)
from tests.support.iam_callers import ACCOUNT, SSO_ROLE, by_iam
from tests.support.overrides import BREAK_GLASS_ROLE, PINNED, REASON, an_override
from tests.support.policies import KnownPeople

HOUR, MINUTE, INSTANT = timedelta(hours=1), timedelta(minutes=1), timedelta(microseconds=1)
DEADLINE = an_approval().deadline

CANCELLATION = Cancellation(NOW + timedelta(minutes=2), "The execution was aborted.", error="ApprovalCancelled")

ANN = Person(id="ann@example.com", name="Ann", identities={"email": "ann@example.com", "slack": "U0ANN00001"})
BO = Person(id="bo@example.com", name="Bo", identities={"email": "bo@example.com"})
CY = Person(id="U0CY000003", name="Cy", identities={"slack": "U0CY000003"})
DAN = Person(id="dan@example.com", name="Dan", identities={"email": "dan@example.com"})
RO = Person(id="ro@example.com", name="Ro", identities={"email": "ro@example.com", "slack": "U0RO000005"})
EVE = Person(id="eve@example.com", name="Eve", identities={"email": "eve@example.com", "slack": "U0EVE00006"})
GUS = Person(id="U0GUS00007", name="Gus", identities={"slack": "U0GUS00007"})
GIL = Person(id="U0GIL00008", name="Gil", identities={"slack": "U0GIL00008"})
ZED = Person(id="U0ZED00009", name="Zed", identities={"slack": "U0ZED00009"})
MAILBOX = Person(id="approvals@example.com", name="Mailbox", identities={"email": "approvals@example.com"})
SUE, OTTO, PIA, IVY = (
    Person(id=f"{name.lower()}@example.com", name=name, identities={"email": f"{name.lower()}@example.com"})
    for name in ("Sue", "Otto", "Pia", "Ivy")
)
EVERYBODY = (ANN, BO, CY, DAN, RO, EVE, GUS, GIL, ZED, MAILBOX, SUE, OTTO, PIA, IVY)


def by_email(person: Person) -> Approver:
    return Approver(id=person.address, name=person.name, channel="email")


def in_slack(person: Person) -> Approver:
    workspace = "T0ELSEWHERE" if person is GUS else WORKSPACE
    approver = Approver(id=person.on("slack"), name=person.name, channel="slack", realm=workspace)
    return replace(approver, member=person is not GIL)


# The tables of docs/rules.md.

DOCUMENT = (ROOT / "docs/rules.md").read_text()

VERDICTS = {
    "decides": Verdict.DECIDED,
    "recorded": Verdict.COUNTED,
    "replaces": Verdict.COUNTED,
    "resets": Verdict.RESET,
    "outdated": Verdict.OUTDATED,
    "duplicate": Verdict.REPEATED,
    "withdraw first": Verdict.ANSWERED_OTHERWISE,
    "already decided": Verdict.OVERRULED,
    "too late": Verdict.TOO_LATE,
    "expires": Verdict.TOO_LATE,
    "rejects": Verdict.TOO_LATE,
    "cancelled": Verdict.CANCELLED,
    "not allowed": Verdict.NOT_ALLOWED,
    "incomplete": Verdict.INCOMPLETE,
    "already used": Verdict.ALREADY_USED,
    "withdrawn": Verdict.WITHDRAWN,
    "extended": Verdict.EXTENDED,
    "no effect": Verdict.NOT_DUE,
    "reminds": Verdict.MOVED_ON,
    "escalates": Verdict.MOVED_ON,
    "asks again": Verdict.ASKED_AGAIN,
}
STATUSES = {
    "open": Status.PENDING,
    "approved": Status.APPROVED,
    "rejected": Status.REJECTED,
    "expired": Status.EXPIRED,
    "cancelled": Status.CANCELLED,
}


OLD_PAGE = " on an older page"


@dataclass(frozen=True)
class Row:
    """A row of the document: what is added to its request, what happens, and what comes of it."""

    rule: str
    request: dict[str, Json]
    steps: list[str]
    verdicts: list[Verdict]
    status: Status | None
    """None for a request that is refused."""
    replaces: bool = False
    """Whether the response of an owner takes the place of their delegate's."""
    raised: bool = False
    """Whether the policy raises the request."""
    absences: tuple[Absence, ...] = ()
    policy: dict[str, Json] | None = None

    @classmethod
    def read(cls, line: str) -> Row:
        rule, request, steps, verdicts, status = (cell.strip() for cell in line.strip("|").split("|"))
        words, keys = _before_keys(request)
        policy = {**POLICY, **_taken(keys, OF_POLICY)} if "P" in words else None
        effects = [word for word in verdicts.split("; ") if word != "raised"]
        return cls(
            rule,
            {**GROUPS, **keys} if "G" in words else keys,
            steps.split("; "),
            [VERDICTS[word] for word in effects] if status else [],
            STATUSES.get(status),
            "replaces" in effects,
            "raised" in verdicts.split("; "),
            tuple(an_absence(word) for word in words if "→" in word),
            policy,
        )


def _before_keys(request: str) -> tuple[list[str], dict[str, Json]]:
    """Return what stands before the keys of a row's request, and the keys."""
    before, _, keys = request.partition("`")
    return [word.strip() for word in before.split(",")], json.loads(f"{{{keys.rstrip('`')}}}")


def _taken(keys: dict[str, Json], names: set[str]) -> dict[str, Json]:
    return {name: keys.pop(name) for name in names & keys.keys()}


def an_absence(text: str) -> Absence:
    """Return the absence in words such as `Ann → Dan for 10 minutes`; it lasts a day if they do not say how long."""
    found = re.fullmatch(r"(\w+) → (\w+)(?: for (\d+) minutes)?", text)
    assert found, text
    owner, delegate = (next(person for person in EVERYBODY if person.name == name) for name in found.group(1, 2))
    lasts = int(found[3]) * MINUTE if found[3] else timedelta(days=1)
    return Absence(owner=owner.id, delegate=delegate.id, since=NOW - HOUR, until=NOW + lasts, set_by="U0ANN00001")


OF_POLICY = set(load("policy.schema.json")["properties"]) - set(load("request.schema.json")["properties"])
"""The keys that only a policy has."""

BASE, GROUPS, POLICY = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL))
"""The request of the rows, the keys that `G` stands for, and the policy that `P` stands for."""

LINES = [Row.read(line) for line in re.findall(r"^\| (?!Rule ).*$", DOCUMENT, re.MULTILINE)]
ROWS = [row for row in LINES if row.status]
REFUSED = [row for row in LINES if not row.status]


def the_documents_request(changes: dict[str, Json]) -> Request:
    return parse_request({"Approval": {**BASE, **changes}}, default_timeout=HOUR)


def people_of(request: Request) -> People:
    """Who is behind the names, as Slack would say."""

    def named(names: Sequence[str]) -> tuple[Person, ...]:
        meant = {canonical(name) for name in names}
        return tuple(
            person for person in EVERYBODY if {canonical(person.address), canonical(person.on("slack"))} & meant
        )

    def ids(names: Sequence[str]) -> tuple[str, ...]:
        return tuple(person.id for person in named(names))

    groups = [ids(group.approvers) for group in request.groups]
    at_first = [name for group in request.groups for name in group.approvers]
    return People(
        approvers=named([*request.approvers, *at_first, *request.silent]),
        silent=ids(request.silent),
        demands=demands_of(request, groups) if groups else (),
        escalation=named(request.escalate_to),
        requester=next(iter(named([request.requested_by or "nobody"])), None),
    )


class Directory(KnownPeople):
    """A channel that knows everybody."""

    channel = "slack"

    def understands(self, name: str) -> bool:
        return bool(name)

    def recognize(self, name: str) -> Person:
        found = (each for each in EVERYBODY if canonical(name) in map(canonical, (each.address, each.on("slack"))))
        return next(found, None) or super().recognize(name)


def asked(changes: dict[str, Json]) -> Approval:
    request = the_documents_request(changes)
    under_a_policy = replace(request, policy=PINNED)  # Without one, nobody can override; else it changes nothing here.
    return an_approval(request=under_a_policy, people=people_of(request), deadline=NOW + request.timeout)


def asked_in(row: Row) -> Approval:
    if not row.absences and not row.policy:
        return asked(row.request)
    written: dict[str, Json] = {"Approval": {**BASE, **row.request}}
    if row.policy:
        policy = parse_policy(json.dumps(row.policy), parameter="/approvals/policy", version=1)
        request = parse_under(policy, written, default_timeout=HOUR, workflow=WORKFLOW)
    else:
        request = parse_request(written, default_timeout=HOUR)
    people = identify(request, [RoleResolver(ACCOUNT), Directory()], shared=MAILBOX.address, absences=row.absences)
    return an_approval(request=request, people=people, deadline=NOW + request.timeout)


def event_after(before: Approval, step: str, approval: Approval, now: datetime) -> ApprovalEvent:
    """What a step says that may be about a page from `before` the last step."""
    happened = event(step.removesuffix(OLD_PAGE), approval, now)
    if step.endswith(OLD_PAGE) and isinstance(happened, Response):
        return replace(happened, seen=form_key(before))
    return happened


def event(step: str, approval: Approval, now: datetime) -> ApprovalEvent:  # noqa: PLR0911 one of many kinds
    """What a step of the document says. A person's takes a minute."""
    if step == "the deadline passes":
        return ScheduledCheck(approval.deadline)
    if found := re.fullmatch(r"(\d+) minutes pass", step):
        return ScheduledCheck(now + int(found[1]) * MINUTE)
    at = now + MINUTE
    if step == "the execution is stopped":
        return Cancellation(at, "The execution was aborted.", error="ApprovalCancelled")
    if step.startswith("the policy "):
        return policy_change(step, approval, at)
    if " overrides" in step:
        return override_of(step, at)
    found = re.fullmatch(r"(\w+) (approves|rejects|withdraws|extends the deadline)( in Slack)?(?: with (.+))?", step)
    assert found, step
    person = next(person for person in EVERYBODY if person.name == found[1])
    approver = in_slack(person) if found[3] else by_email(person)
    key = at.isoformat()
    match found[2]:
        case "withdraws":
            return Withdrawal(approver, at, key)
        case "extends the deadline":
            return ExtensionRequest(approver, at, key)
        case _:
            return replace(answer(found[2], approver, at, found[4] or "", approval), key=key)


def policy_change(step: str, approval: Approval, at: datetime) -> PolicyChange:
    """A change of the policy: to one with other people, one that requires or allows so much, or one that refuses."""
    before = approval.request.policy
    assert before
    after = replace(before, version=before.version + 1, sha256=f"{before.version + 1}" * 64)
    request: Request | None = replace(approval.request, policy=after)
    if found := re.fullmatch(r"the policy changes to require (\d) approvals", step):
        request = replace(approval.request, policy=after, required_approvals=int(found[1]))
    elif found := re.fullmatch(r"the policy changes to allow (\d+) minutes", step):
        request = replace(approval.request, policy=after, timeout=int(found[1]) * MINUTE)
    elif step == "the policy refuses the request":
        request = None
    else:
        assert step == "the policy changes", step
    return PolicyChange(at=at, policy=after.identity, request=request, problems=() if request else ("Too little.",))


def override_of(step: str, at: datetime) -> Override:
    found = re.fullmatch(r"(\w+) overrides( to reject)?( with a reason)?", step)
    assert found, step
    approver = by_iam(f"{found[1].lower()}@example.com", BREAK_GLASS_ROLE if found[1] in ("Ivy", "Ro") else SSO_ROLE)
    action = Action.REJECT if found[2] else Action.APPROVE
    return an_override(action, approver, at, reason=REASON if found[3] else " ")


def answer(verb: str, approver: Approver, at: datetime, more: str, approval: Approval) -> Response:
    comment = {"a comment": "Since the tests fail.", "an empty comment": " \n"}.get(more)
    sent = dict([more.split(" ")]) if more and comment is None else {}
    values, problems = parse(approval.request.form, sent)
    del problems  # The rules must find them by themselves.
    shown = form_key(approval)
    return Response(approver=approver, action=Action(verb[:-1]), at=at, comment=comment, form=values, seen=shown)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: re.sub(r"\W+", "-", row.rule)[:60])
def test_every_row_of_the_document_holds(row: Row) -> None:
    approval, now = asked_in(row), NOW
    if row.policy and approval.request.policy:
        assert row.raised == any(rule.raised for rule in approval.request.policy.rules)
    before, verdicts, events = approval, [], list[ApprovalEvent]()
    for step in row.steps:
        if found := re.fullmatch(r"the (first|second) step is delivered again", step):
            again = events[("first", "second").index(found[1])]
            happened: ApprovalEvent = replace(again, at=now + MINUTE)
        else:
            happened = event_after(before, step, approval, now)
        events.append(happened)
        judgement = judge(approval, happened)
        before, approval, now = approval, judgement.approval, happened.at
        if approval.people is None:  # after a change of the policy
            approval = replace(approval, people=people_of(approval.request))
        verdicts.append(judgement.verdict)
    assert (verdicts, approval.status) == (row.verdicts, row.status)
    assert not row.replaces or any(response.withdrawn_by for response in approval.responses)


def test_the_document_has_a_row_for_every_verdict_and_every_key_that_is_a_rule() -> None:
    assert len(ROWS) >= 50
    assert {verdict for row in ROWS for verdict in row.verdicts} == set(Verdict)
    shown = {"Title", "Details", "Links", "Action", "Notify", "Channel", "Grant"}
    shown |= {name.title().replace("_", "") for name in LABELS}
    used = {key for row in LINES for key in row.request} | {"TimeoutMinutes"}
    assert used == set(load("request.schema.json")["properties"]) - shown


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: re.sub(r"\W+", "-", row.rule)[:60])
def test_every_row_that_says_refused_is_refused(row: Row) -> None:
    with pytest.raises(InvalidRequestError):
        asked_in(row)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"RequiredApprovals": 4}, id="too-few-approvers"),
        pytest.param({"RequiredApprovals": 2, "RequiredRejections": 3}, id="all-could-answer-without-a-decision"),
        pytest.param({"Approvers": ["ro@example.com"]}, id="the-only-approver-is-the-requester"),
        pytest.param(
            {"RequiredApprovals": 4, "EscalateTo": ["dan@example.com"], "EscalateAfterMinutes": 5}, id="escalation"
        ),
    ],
)
def test_requests_that_the_document_excludes_are_refused(changes: dict[str, Json]) -> None:
    with pytest.raises(InvalidRequestError):
        the_documents_request(changes)


# Laws: whatever happens, in whatever order.

late = [DEADLINE, DEADLINE - INSTANT, DEADLINE + INSTANT, NOW + 2 * HOUR]
# One late event ends a history, so most are in time.
moments = st.sampled_from([NOW + minute * MINUTE for minute in range(-5, 60)] + late)
identities = st.sampled_from(
    # Those who may answer come up most: else few histories would get far.
    [by_email(ANN), in_slack(ANN), by_email(BO), in_slack(CY), by_email(RO), in_slack(RO)] * 3
    + [by_iam(ANN.address), by_iam(RO.address), by_iam(DAN.address)]
    + [by_email(DAN), by_email(EVE), in_slack(EVE), in_slack(GUS), in_slack(GIL), by_email(MAILBOX)]
    + [replace(in_slack(CY), member=None)]
)
SHARES: list[dict[str, FormValue]] = [{}, {"Share": 1}, {"Share": 1.0}, {"Share": 2}]
responses = st.builds(
    lambda at, action, approver, comment, form, seen: Response(
        approver=approver, action=action, at=at, comment=comment, form=form, seen=seen
    ),
    moments,
    st.sampled_from(Action),
    identities,
    st.none() | st.text(max_size=5),
    st.sampled_from(SHARES),
    st.sampled_from(["", *map(key_of, SHARES)]),
)
overrides = st.builds(
    lambda at, action, person, role, reason, form: an_override(
        action, by_iam(person.address, role), at, reason=reason, form=form
    ),
    moments,
    st.sampled_from(Action),
    st.sampled_from([IVY, ANN, RO]),
    st.sampled_from([BREAK_GLASS_ROLE, SSO_ROLE]),
    st.sampled_from([REASON, None]),
    st.sampled_from(SHARES),
)
others: list[st.SearchStrategy[ApprovalEvent]] = [
    overrides,
    st.builds(Withdrawal, identities, moments),
    st.builds(ExtensionRequest, identities, moments),
    st.builds(Expiry, moments),
    st.builds(ScheduledCheck, moments),
    st.builds(Cancellation, moments, st.just("aborted"), st.just("ApprovalCancelled")),
]
histories = st.lists(
    # Most of what happens is answers. (`one_of` would take five of the same for one.)
    st.sampled_from([*[responses] * 10, *others]).flatmap(lambda strategy: strategy),
    max_size=12,
)


@st.composite
def approvals(draw: st.DrawFn) -> Approval:
    """Return any rules, with Ann, Bo and Cy as approvers or nobody named, and Dan to escalate to."""
    names_approvers = draw(st.booleans())
    request = Request(
        timeout=HOUR,
        approvers=(ANN.address, BO.address, CY.on("slack")) if names_approvers else (),
        requested_by=draw(st.sampled_from([None, RO.address, ANN.address])),
        required_approvals=draw(st.integers(1, 3)),
        required_rejections=draw(st.integers(1, 2)),
        allow_self_approval=draw(st.booleans()),
        reminders=tuple(sorted(draw(st.sets(st.integers(1, 59).map(lambda each: each * MINUTE), max_size=3)))),
        more_time=MoreTime(draw(st.integers(0, 3)), draw(st.sampled_from([MINUTE, HOUR, timedelta(days=300)]))),
        form=draw(st.sampled_from([(), (FormField(name="Share", label="Share", type=FieldType.NUMBER),)])),
        policy=draw(st.sampled_from([None, PINNED])),
    )
    has_groups = draw(st.booleans())
    if request.approvers and has_groups:
        members = st.lists(st.sampled_from(request.approvers), min_size=1, max_size=3, unique=True)
        chosen = [draw(members) for _ in range(1 + draw(st.booleans()))]
        groups = tuple(Group(name=f"g{number}", approvers=tuple(each)) for number, each in enumerate(chosen))
        request = replace(request, groups=groups)
    escalates = draw(st.booleans())
    if request.approvers and escalates:
        request = replace(request, escalate_to=(DAN.address,), escalate_after=draw(st.integers(1, 59)) * MINUTE)
    people = people_of(request)
    away = draw(st.lists(absences, max_size=3)) if request.approvers else []
    return an_approval(request=request, people=with_delegates(request, people, away), deadline=NOW + HOUR)


absences = st.builds(
    lambda owner, delegate, until: Absence(
        owner=owner.id, delegate=delegate.id, since=NOW - HOUR, until=until, set_by="U0ANN00001"
    ),
    st.sampled_from([ANN, BO, CY, DAN, RO]),
    st.sampled_from([DAN, EVE, DAN, EVE, BO, RO]),
    st.sampled_from([NOW + 5 * HOUR, NOW + 30 * MINUTE]),
)


def with_delegates(request: Request, people: People, away: Sequence[Absence]) -> People:
    """Return the people with a delegation for each absence of one of them."""
    delegates = Delegates(request=request, people=people, members=lambda _name: [])
    return replace(
        people,
        delegations=tuple(
            delegates.delegation(owner, absence, next(each for each in EVERYBODY if each.id == absence.delegate))
            for owner in (*people.approvers, *people.escalation)
            for absence in away
            if absence.is_of(owner)
        ),
    )


def judged(approval: Approval, events: Sequence[ApprovalEvent]) -> list[Judgement]:
    """The judgements of events that arrive one after the other."""
    judgements: list[Judgement] = []
    for each in events:
        judgements.append(judge(judgements[-1].approval if judgements else approval, each))
    return judgements


def after(approval: Approval, events: Sequence[ApprovalEvent]) -> Approval:
    return reduce(lambda current, each: judge(current, each).approval, events, approval)


@given(approvals(), histories)
def test_nothing_changes_after_the_decision(approval: Approval, events: list[ApprovalEvent]) -> None:
    stood = [judgement.approval for judgement in judged(approval, events)]
    closed = [each for each in stood if each.status is not Status.PENDING]
    assert all(each == closed[0] for each in closed)
    assert stood[len(stood) - len(closed) :] == closed, "an approval was opened again"


@given(approvals(), histories)
def test_a_change_is_reported_exactly_when_there_is_one(approval: Approval, events: list[ApprovalEvent]) -> None:
    before = approval
    for judgement in judged(approval, events):
        assert judgement.changed == (judgement.approval != before)
        assert judgement.approval.version == before.version + judgement.changed
        before = judgement.approval


@given(approvals(), histories)
def test_nothing_is_approved_or_rejected_by_a_person_at_or_after_the_deadline(
    approval: Approval, events: list[ApprovalEvent]
) -> None:
    decision = (ended := after(approval, events)).decision
    if decision and decision.approver:
        assert decision.at < ended.deadline


def human_of(approver: Approver) -> Person:
    return next(person for person in EVERYBODY if approver.id in (person.address, person.on("slack")))


@given(approvals(), histories)
def test_nothing_is_approved_without_as_many_eligible_people_as_required(
    approval: Approval, events: list[ApprovalEvent]
) -> None:
    ended = after(approval, events)
    if ended.status is not Status.APPROVED or ended.is_overridden:
        return
    approved = [response for response in ended.standing if response.action is Action.APPROVE]
    humans = {human_of(response.approver).id for response in approved}
    # Nobody but those whom the request names, and Slack says who is who of them: so a stranger may seem to be two.
    named = {person.id for person in eligible(ended)}
    if named:
        assert len(humans) == len(approved), "one person fills one seat"
        assert {response.seat for response in approved} <= named
        assert len({response.seat for response in approved}) == len(approved), "one seat counts once"
        assert all(is_of_the_seat(ended, response) for response in approved)
    assert len({response.person for response in approved}) >= ended.request.required_approvals
    if not named and is_quorum(ended.request):
        assert all(response.approver.member for response in approved), "members in Slack alone"
    owners = {person for person in EVERYBODY if person.id in {response.seat for response in approved}}
    assert not named or not lacking_groups(ended.request, owners)
    sent = [each for each in events if isinstance(each, Response)]
    if not ended.request.form:
        sent = [replace(each, form={}) for each in sent]
    assert all(response in sent for response in map(as_sent, approved)), "an answer that nobody gave"


def is_of_the_seat(approval: Approval, response: Response) -> bool:
    """Return True if the response is its owner's, or of a person whom they chose to stand in for them at the time."""
    human = human_of(response.approver)
    if response.seat == human.id:
        return True
    delegations = approval.people.delegations if approval.people else ()
    return any(
        (each.owner, each.delegate) == (response.seat, human) and each.since <= response.at < each.until
        for each in delegations
    )


def lacking_groups(request: Request, approved: set[Person]) -> list[str]:
    """Return the groups of which too few approved, by the names in the request."""
    names = {name for person in approved for name in (person.address, person.on("slack"))}
    return [group.name for group in request.groups if len(names & set(group.approvers)) < group.required]


def as_sent(response: Response) -> Response:
    return replace(response, person="", on_behalf_of="", replaced=None)


@given(approvals(), histories)
def test_all_approvals_that_count_have_the_same_values(approval: Approval, events: list[ApprovalEvent]) -> None:
    for judgement in judged(approval, events):
        approved = [each for each in judgement.approval.standing if each.action is Action.APPROVE]
        assert all(each.form == approved[0].form for each in approved)
        assert sum(each.replaced is not None for each in judgement.approval.responses) <= MAX_CHANGES


@given(approvals(), histories)
def test_only_who_has_seen_the_values_of_others_resets_them(approval: Approval, events: list[ApprovalEvent]) -> None:
    before = approval
    for happened, judgement in zip(events, judged(approval, events), strict=True):
        now = judgement.approval
        reset = [each for each in now.responses if each.reset_by]
        if len(reset) > sum(bool(each.reset_by) for each in before.responses):
            assert judgement.verdict in (Verdict.RESET, Verdict.DECIDED)
            assert isinstance(happened, Response)
            assert happened.seen == form_key(before)
            assert now.standing[-1].replaced == current_form(before)
        before = now


@given(approvals(), histories)
def test_what_was_reset_keeps_its_values_and_its_person_may_respond_again(
    approval: Approval, events: list[ApprovalEvent]
) -> None:
    ended = after(approval, events)
    for response in ended.responses:
        if response.reset_by:
            assert replace(response, form=form_of(ended, response), withdrawn_at=None, reset_by="") in [
                replace(each.approval.responses[-1]) for each in judged(approval, events) if each.approval.responses
            ]
    again = {person.id for person in people_to_respond_again(ended)}
    assert not again & {response.person for response in ended.standing}


@given(approvals(), st.none() | st.just(NOW))
def test_the_people_who_may_respond_are_those_whom_surfaces_name(
    approval: Approval, escalated_at: datetime | None
) -> None:
    """`eligible` names them, `responder` judges them: someone new must be in both."""
    now = replace(approval, escalated_at=escalated_at)
    if now.request.approvers:
        may = {person for person in EVERYBODY if is_admitted(now, approver_for(person))}
        owners = {person.id for person in eligible(now)}
        delegations = now.people.delegations if now.people else ()
        theirs = {each.delegate for each in delegations if each.left_out is None and each.owner in owners}
        assert may == {*eligible(now), *theirs}


def is_admitted(approval: Approval, approver: Approver) -> bool:
    """Return True if a response of this user would fill a seat."""
    person = responder(approval, approver)
    return isinstance(person, Person) and isinstance(find_seat(approval, person, approver, NOW), Person)


def approver_for(person: Person) -> Approver:
    return by_email(person) if person.address else in_slack(person)


@given(approvals(), histories)
def test_the_requester_never_counts_unless_the_request_allows_it(
    approval: Approval, events: list[ApprovalEvent]
) -> None:
    people, request = approval.people, approval.request
    assert people is not None
    if people.requester is None or request.allow_self_approval:
        return
    assert all(human_of(each.approver) != people.requester for each in after(approval, events).responses)


@given(approvals(), histories)
def test_only_a_person_of_a_named_role_overrides_with_a_reason_and_never_their_own_request(
    approval: Approval, events: list[ApprovalEvent]
) -> None:
    """Self-approval makes no difference."""
    ended = after(approval, events)
    if not ended.is_overridden or not ended.decision:
        return
    approver = ended.decision.approver
    assert approver
    assert (approver.role, ended.decision.comment) == (BREAK_GLASS_ROLE, REASON)
    assert approver.id != approval.request.requested_by
    assert approval.request.policy
    assert approver not in [response.approver for response in ended.responses]


@given(approvals(), overrides, histories)
def test_an_override_decides_whatever_was_answered_before(
    approval: Approval, override: Override, events: list[ApprovalEvent]
) -> None:
    """Responses neither help nor hinder: it decides an open request or not, whatever they are."""
    answers = [each for each in events if isinstance(each, Response)]
    now = after(approval, answers)
    if now.status is Status.PENDING:
        fresh, later = judge(approval, override), judge(now, override)
        assert (later.verdict, later.reason) == (fresh.verdict, fresh.reason)
        assert later.approval.responses == now.responses


@given(approvals(), histories)
def test_one_person_has_at_most_one_standing_response(approval: Approval, events: list[ApprovalEvent]) -> None:
    people = [response.person for response in after(approval, events).standing]
    assert len(people) == len(set(people))


@given(approvals(), histories)
def test_a_guest_and_a_stranger_to_the_approvers_never_count(approval: Approval, events: list[ApprovalEvent]) -> None:
    ended = after(approval, events)
    counted = {human_of(response.approver) for response in ended.responses}
    assert not {GUS, GIL} & counted
    if approval.request.approvers:
        owners = {ANN.id, BO.id, CY.id, *([DAN.id] if ended.escalated_at else [])}
        assert all(each.seat in owners and is_of_the_seat(ended, each) for each in ended.responses)


@given(approvals(), histories)
def test_nobody_responds_in_the_seat_of_the_requester_nor_the_requester_in_another(
    approval: Approval, events: list[ApprovalEvent]
) -> None:
    people, request = approval.people, approval.request
    if people is None or people.requester is None or request.allow_self_approval:
        return
    for response in after(approval, events).responses:
        assert people.requester.id not in (response.seat, response.person)
        assert human_of(response.approver) != people.requester


@given(approvals(), histories)
def test_at_any_moment_each_person_and_each_seat_has_one_standing_response(
    approval: Approval, events: list[ApprovalEvent]
) -> None:
    for judgement in judged(approval, events):
        standing = judgement.approval.standing
        assert len({each.person for each in standing}) == len(standing)
        assert len({each.seat for each in standing}) == len(standing)


votes = st.dictionaries(st.sampled_from([ANN, BO, CY]), st.sampled_from(Action), min_size=1)


@given(approvals(), votes, st.randoms(use_true_random=False))
def test_the_order_of_responses_does_not_matter(approval: Approval, said: dict[Person, Action], random: Random) -> None:
    """Save where both numbers are reached: then the first to be reached decides, by the rules."""
    request = approval.request
    counting = {
        person: action
        for person, action in said.items()
        if request.allow_self_approval or person != (approval.people or People()).requester
    }
    enough_to_approve = list(counting.values()).count(Action.APPROVE) >= request.required_approvals
    enough_to_approve = enough_to_approve and not lacking_groups(
        request, {person for person, action in counting.items() if action is Action.APPROVE}
    )
    enough_to_reject = list(counting.values()).count(Action.REJECT) >= request.required_rejections
    if enough_to_approve and enough_to_reject:
        return
    in_order = list(said.items())
    shuffled = in_order.copy()
    random.shuffle(shuffled)
    named = bool(request.approvers)
    votes = [[vote(*each, named=named) for each in order] for order in (in_order, shuffled)]
    statuses = {after(approval, each).status for each in votes}
    expected = Status.APPROVED if enough_to_approve else Status.REJECTED if enough_to_reject else Status.PENDING
    assert statuses == {expected}


def vote(person: Person, action: Action, *, named: bool) -> Response:
    """By email where their own address is asked, else in Slack."""
    in_slack_too = replace(person, identities={"slack": "U0BO000002", **person.identities})
    return a_response(action, by_email(person) if named and person.address else in_slack(in_slack_too))


@given(approvals(), histories)
def test_the_scheduler_is_never_due_after_the_deadline_and_the_deadline_never_moves_back(
    approval: Approval, events: list[ApprovalEvent]
) -> None:
    before = approval
    for judgement in judged(approval, events):
        now = judgement.approval
        assert next_due(now) <= now.deadline
        assert before.deadline <= now.deadline <= NOW + MAX_TIMEOUT_MINUTES * MINUTE
        assert len(now.extensions) <= now.request.more_time.times
        before = now


@given(approvals(), st.lists(st.builds(ExtensionRequest, identities, moments), max_size=3))
def test_a_scheduler_that_runs_whenever_something_is_due_ends_every_request(
    approval: Approval, extensions: list[ApprovalEvent]
) -> None:
    """And it never comes in vain."""
    current = after(approval, extensions)
    for _ in range(10):
        if current.status is not Status.PENDING:
            break
        judgement = judge(current, ScheduledCheck(next_due(current)))
        assert judgement.verdict in (Verdict.MOVED_ON, Verdict.TOO_LATE)
        current = judgement.approval
    assert current.status is Status.EXPIRED


@given(approvals(), histories)
def test_status_and_decision_say_the_same(approval: Approval, events: list[ApprovalEvent]) -> None:
    ended = after(approval, events)
    if ended.decision is None:
        assert ended.status is Status.PENDING
    else:
        assert ended.status is ended.decision.status
        assert (ended.decision.error is None) == (ended.decision.approver is not None)


@given(approvals(), histories)
def test_before_it_is_known_who_is_who_nobody_answers(approval: Approval, events: list[ApprovalEvent]) -> None:
    ended = after(replace(approval, people=None), events)
    assert ended.responses == ()
    assert ended.status in (Status.PENDING, Status.EXPIRED, Status.CANCELLED)


# What a judgement holds.


@pytest.mark.parametrize(("action", "status"), [(Action.APPROVE, Status.APPROVED), (Action.REJECT, Status.REJECTED)])
@pytest.mark.parametrize("approver", [ALICE, BOB])
def test_an_answer_in_time_decides_with_all_that_was_said(action: Action, status: Status, approver: Approver) -> None:
    response = a_response(action, approver, comment="fine by me")
    judgement = judge(an_approval(), response)
    decision = judgement.approval.decision
    assert judgement.verdict is Verdict.DECIDED
    assert decision is not None
    assert (decision.status, decision.approver, decision.at) == (status, approver, response.at)
    assert (decision.channel, decision.comment) == (approver.channel, "fine by me")
    assert judgement.approval.responses == (replace(response, person=approver.id),)


@pytest.mark.parametrize("late", [timedelta(0), INSTANT, timedelta(days=30)])
@pytest.mark.parametrize("action", list(Action))
def test_a_late_answer_expires_the_approval_and_is_not_kept(action: Action, late: timedelta) -> None:
    judgement = judge(an_approval(), replace(a_response(action), at=DEADLINE + late))
    assert judgement.verdict is Verdict.TOO_LATE
    assert judgement.approval.status is Status.EXPIRED
    assert judgement.approval.responses == ()


def test_the_last_instant_before_the_deadline_still_counts() -> None:
    last = replace(a_response(), at=DEADLINE - INSTANT)
    assert judge(an_approval(), last).verdict is Verdict.DECIDED


@pytest.mark.parametrize(
    ("at", "verdict", "status"),
    [
        (DEADLINE - INSTANT, Verdict.NOT_DUE, Status.PENDING),
        (DEADLINE, Verdict.TOO_LATE, Status.EXPIRED),
        (DEADLINE + timedelta(hours=5), Verdict.TOO_LATE, Status.EXPIRED),
    ],
)
@pytest.mark.parametrize("clock", [Expiry, ScheduledCheck])
def test_the_scheduler_expires_an_approval_from_its_deadline_on(
    clock: type[Expiry | ScheduledCheck], at: datetime, verdict: Verdict, status: Status
) -> None:
    judgement = judge(an_approval(), clock(at))
    assert (judgement.verdict, judgement.approval.status) == (verdict, status)


def test_expiry_tells_the_workflow_the_contracts_error() -> None:
    decision = expired().decision
    assert decision is not None
    assert (decision.error, decision.channel, decision.approver) == ("ApprovalExpired", "system", None)
    assert decision.cause


def test_a_rejection_by_silence_is_a_result_and_no_error() -> None:
    decision = judge(asked({"OnTimeout": "reject"}), ScheduledCheck(DEADLINE)).approval.decision
    assert decision is not None
    assert (decision.status, decision.error, decision.approver) == (Status.REJECTED, None, None)
    assert decision.cause


def test_a_cancellation_tells_the_workflow_its_error_and_cause() -> None:
    judgement = judge(an_approval(), CANCELLATION)
    decision = judgement.approval.decision
    assert judgement.verdict is Verdict.CANCELLED
    assert decision is not None
    assert (decision.status, decision.at) == (Status.CANCELLED, CANCELLATION.at)
    assert (decision.error, decision.cause) == (CANCELLATION.error, CANCELLATION.cause)
    assert (decision.channel, decision.approver) == ("system", None)


def test_a_cancellation_after_the_deadline_is_an_expiry() -> None:
    judgement = judge(an_approval(), replace(CANCELLATION, at=DEADLINE))
    assert (judgement.verdict, judgement.approval.status) == (Verdict.TOO_LATE, Status.EXPIRED)


AFTERWARDS = [
    pytest.param(decided(Action.APPROVE), a_response(Action.APPROVE, BOB, minutes=2), Verdict.REPEATED, id="agrees"),
    pytest.param(decided(Action.APPROVE), a_response(Action.REJECT, BOB, minutes=2), Verdict.OVERRULED, id="differs"),
    pytest.param(decided(Action.REJECT), a_response(Action.REJECT, minutes=2), Verdict.REPEATED, id="same-again"),
    pytest.param(decided(Action.REJECT), a_response(Action.APPROVE, minutes=2), Verdict.OVERRULED, id="second-thought"),
    pytest.param(decided(Action.APPROVE), a_response(Action.APPROVE, minutes=90), Verdict.REPEATED, id="agrees-late"),
    pytest.param(decided(Action.APPROVE), Expiry(DEADLINE), Verdict.OVERRULED, id="clock-after-approval"),
    pytest.param(decided(Action.APPROVE), CANCELLATION, Verdict.OVERRULED, id="cancelled-after-approval"),
    pytest.param(expired(), a_response(Action.APPROVE, minutes=61), Verdict.TOO_LATE, id="approved-after-expiry"),
    pytest.param(expired(), Expiry(DEADLINE), Verdict.TOO_LATE, id="clock-twice"),
    pytest.param(expired(), CANCELLATION, Verdict.TOO_LATE, id="cancelled-after-expiry"),
    pytest.param(cancelled(), a_response(Action.APPROVE, minutes=2), Verdict.CANCELLED, id="approved-after-cancel"),
    pytest.param(cancelled(), Expiry(DEADLINE), Verdict.CANCELLED, id="clock-after-cancel"),
    pytest.param(cancelled(), CANCELLATION, Verdict.CANCELLED, id="cancelled-twice"),
]


@pytest.mark.parametrize(("approval", "happened", "verdict"), AFTERWARDS)
def test_after_the_decision_events_are_told_apart_and_change_nothing(
    approval: Approval, happened: ApprovalEvent, verdict: Verdict
) -> None:
    assert judge(approval, happened) == Judgement(verdict, approval, changed=False)


@pytest.mark.parametrize(
    ("approval", "approver", "reason"),
    [
        (asked({}), by_email(EVE), Reason.NOT_AN_APPROVER),
        (asked({}), in_slack(GUS), Reason.OTHER_WORKSPACE),
        (asked({}), in_slack(RO), Reason.OWN_REQUEST),
        (replace(asked({}), people=None), by_email(BO), Reason.TOO_EARLY),
        (replace(asked({}), deliveries=()), in_slack(ANN), Reason.TOO_EARLY),
    ],
)
def test_people_who_may_not_respond_are_told_why(approval: Approval, approver: Approver, reason: Reason) -> None:
    judgement = judge(approval, a_response(approver=approver))
    assert (judgement.verdict, judgement.reason) == (Verdict.NOT_ALLOWED, reason)
    assert judgement.approval.responses == ()


def test_an_attempt_is_kept_once_for_each_person_and_reason() -> None:
    eves = [a_response(action, by_email(EVE), minutes=minute) for minute, action in enumerate(Action, 1)]
    approval = after(asked({}), [*eves, a_response(approver=in_slack(GUS), minutes=3)])
    [first, second] = approval.refusals
    assert (first.approver, first.action, first.at) == (by_email(EVE), eves[0].action, eves[0].at)
    assert (first.reason, second.reason) == (Reason.NOT_AN_APPROVER, Reason.OTHER_WORKSPACE)


def test_an_answer_that_came_too_early_is_no_attempt_to_keep() -> None:
    judgement = judge(replace(asked({}), people=None), a_response(approver=by_email(BO)))
    assert (judgement.changed, judgement.approval.refusals) == (False, ())


def test_many_attempts_do_not_fill_the_record() -> None:
    strangers = [replace(by_email(EVE), id=f"{number}@example.com") for number in range(MAX_REFUSALS + 5)]
    approval = after(asked({}), [a_response(approver=stranger) for stranger in strangers])
    assert len(approval.refusals) == MAX_REFUSALS


def test_everything_that_is_missing_is_said_at_once() -> None:
    approval = asked(
        {"Comment": {"Approve": "required"}, "Form": [{"Name": "Version", "Type": "text", "Required": True}]}
    )
    judgement = judge(approval, a_response(approver=by_email(BO)))
    assert judgement.problems == (Problem(COMMENT, "Enter a comment."), Problem("Version", "Enter text."))


def test_input_that_the_request_does_not_ask_for_is_not_kept() -> None:
    approval = asked({"Comment": {"Reject": "off"}, "Form": [{"Name": "Version", "Type": "text"}]})
    said = replace(a_response(Action.REJECT, by_email(BO), comment="no"), form={"Version": "2.4.1"})
    [kept] = judge(approval, said).approval.responses
    assert (kept.comment, kept.form) == (None, {})


def test_withdrawn_responses_stay_in_the_record() -> None:
    approval = after(
        asked({"RequiredApprovals": 2}),
        [a_response(approver=by_email(ANN)), Withdrawal(in_slack(ANN), NOW + 2 * MINUTE)],
    )
    [response] = approval.responses
    assert (response.withdrawn_at, approval.standing) == (NOW + 2 * MINUTE, ())


def test_more_time_ends_an_hour_before_an_execution_may_not_live_longer() -> None:
    approval = asked({"TimeoutMinutes": MAX_TIMEOUT_MINUTES - 5, "MoreTime": {"Times": 10, "Minutes": 60}})
    first = judge(approval, ExtensionRequest(by_email(BO), NOW)).approval
    assert first.deadline == NOW + MAX_TIMEOUT_MINUTES * MINUTE
    assert not can_extend(first)
    assert judge(first, ExtensionRequest(by_email(BO), NOW + HOUR)).verdict is Verdict.NOT_DUE


def test_an_extension_says_who_asked_when_and_for_how_long() -> None:
    [extension] = judge(asked({}), ExtensionRequest(in_slack(ANN), NOW + MINUTE)).approval.extensions
    assert (extension.approver, extension.at, extension.deadline) == (in_slack(ANN), NOW + MINUTE, NOW + 2 * HOUR)


def test_reminders_that_were_missed_are_one() -> None:
    """The clock may have stood still."""
    approval = judge(asked({"Reminders": [10, 20, 30]}), ScheduledCheck(NOW + 25 * MINUTE)).approval
    assert (approval.reminded, next_due(approval)) == (2, NOW + 30 * MINUTE)


def test_every_comment_is_optional_unless_the_request_says_otherwise() -> None:
    assert asked({}).request.comments == dict.fromkeys(Action, Presence.OPTIONAL)


def test_judging_leaves_the_given_approval_alone() -> None:
    approval = an_approval()
    judge(approval, a_response())
    assert approval == an_approval()


def waiting_for_two(**changes: Any) -> Approval:
    request = Request(timeout=timedelta(hours=1), required_approvals=2, more_time=MoreTime(3, timedelta(hours=1)))
    return an_approval(request=request, people=People(), **changes)


def test_asking_for_more_time_twice_in_a_moment_is_asking_once() -> None:
    """A double tap, a click that Slack repeats, a write that is judged again because its answer was lost."""
    event = ExtensionRequest(BOB, NOW + timedelta(minutes=1))
    extended = judge(waiting_for_two(), event).approval
    for again in (event, ExtensionRequest(BOB, event.at + timedelta(seconds=59))):
        repeated = judge(extended, again)
        assert (repeated.verdict, repeated.changed) == (Verdict.EXTENDED, False)
    later = judge(extended, ExtensionRequest(BOB, event.at + timedelta(seconds=61)))
    assert len(later.approval.extensions) == 2


def test_taking_back_twice_in_a_moment_is_taking_back_once() -> None:
    answered = judge(waiting_for_two(), a_response(approver=BOB)).approval
    event = Withdrawal(BOB, NOW + timedelta(minutes=2))
    again = judge(judge(answered, event).approval, event)
    assert (again.verdict, again.changed) == (Verdict.WITHDRAWN, False)


def test_an_approver_does_not_use_up_the_withdrawals_of_others() -> None:
    request = Request(timeout=timedelta(hours=9), required_approvals=3)
    asked = an_approval(request=request, people=People(), deadline=NOW + timedelta(hours=9))
    approval = judge(asked, a_response(approver=BOB)).approval
    for hour in range(MAX_WITHDRAWALS + 1):
        approval = judge(approval, a_response(approver=CAROL, minutes=60 * hour + 2)).approval
        approval = judge(approval, Withdrawal(CAROL, NOW + timedelta(minutes=60 * hour + 30))).approval
    assert judge(approval, Withdrawal(BOB, NOW + timedelta(hours=8))).verdict is Verdict.WITHDRAWN


def test_fifty_withdrawals_of_ten_people_take_nothing_from_the_eleventh() -> None:
    request = Request(timeout=timedelta(hours=90), required_approvals=3)
    approval = an_approval(request=request, people=People(), deadline=NOW + request.timeout)
    for person in range(10):
        somebody = replace(BOB, id=f"U0TEN{person:05}")
        approval = flapping(approval, somebody, MAX_WITHDRAWALS)
    eleventh = flapping(approval, CAROL, 1)
    assert [bool(said.withdrawn_at) for said in eleventh.responses if said.person == CAROL.id] == [True]
    assert not eleventh.standing


def test_no_number_of_people_uses_up_the_first_withdrawal_of_another() -> None:
    request = Request(timeout=timedelta(hours=900), required_approvals=50)
    approval = an_approval(request=request, people=People(), deadline=NOW + request.timeout)
    for person in range(MAX_WITHDRAWALS_IN_ALL // MAX_WITHDRAWALS):
        approval = flapping(approval, replace(BOB, id=f"U0MANY{person:04}"), MAX_WITHDRAWALS)
    late = flapping(approval, CAROL, 2)
    assert [bool(said.withdrawn_at) for said in late.responses if said.person == CAROL.id] == [True, False]


def test_withdrawals_of_a_hundred_approvers_leave_room_in_a_record() -> None:
    """Of 400 KB, 256 are for the input and all responses. Each of these has keys, and the ids that Slack has today."""
    request = Request(timeout=timedelta(hours=900), required_approvals=50)
    approval = an_approval(request=request, people=People(), deadline=NOW + request.timeout)
    for person in range(100):
        somebody = replace(BOB, id=f"U0MANY{person:05}", name="n" * 80)
        approval = flapping(approval, somebody, MAX_WITHDRAWALS)
    item = changeable_to_item(replace(approval, responses=tuple(with_keys(each) for each in approval.responses)))
    size = sum(len(json.dumps(each)) for each in item["responses"])
    assert len(approval.responses) > MAX_WITHDRAWALS_IN_ALL
    assert size < 130 * 1024


def with_keys(response: Response) -> Response:
    return replace(response, key="k" * 16, withdrawal_key="k" * 16)


def flapping(approval: Approval, approver: Approver, times: int) -> Approval:
    """Somebody responds and withdraws so often, a few minutes apart."""
    for _ in range(times):
        at = max([NOW, *(said.withdrawn_at or said.at for said in approval.responses)]) + 2 * MINUTE
        for happened in (Response(approver=approver, action=Action.APPROVE, at=at), Withdrawal(approver, at + MINUTE)):
            approval = judge(approval, happened).approval
    return approval


def test_a_person_takes_back_so_many_answers_and_no_more() -> None:
    request = Request(timeout=timedelta(hours=9), required_approvals=2)
    approval = an_approval(request=request, people=People(), deadline=NOW + timedelta(hours=9))
    for hour in range(MAX_WITHDRAWALS):
        approval = judge(approval, a_response(approver=BOB, minutes=60 * hour)).approval
        approval = judge(approval, Withdrawal(BOB, NOW + timedelta(minutes=60 * hour + 30))).approval
    approval = judge(approval, a_response(approver=BOB, minutes=60 * MAX_WITHDRAWALS)).approval
    refused = judge(approval, Withdrawal(BOB, NOW + timedelta(minutes=60 * MAX_WITHDRAWALS + 30)))
    assert (refused.verdict, len(refused.approval.standing)) == (Verdict.NOT_DUE, 1)
    assert all(response.comment is None for response in approval.responses if response.withdrawn_at)
