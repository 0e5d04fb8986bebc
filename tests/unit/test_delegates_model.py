"""Every small request with every small set of absences, played to its end: each approval is justified.

The checker `justified` shares no code with the rules: it looks for a one-to-one assignment of the people who approved
to themselves or to people who chose them. Each mutant of the rules must let something through.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from itertools import combinations, product
from typing import Any

import pytest

import approvals.domain.delegates
import approvals.domain.eligibility
import approvals.domain.people
import approvals.domain.rules
import approvals.domain.seats
import approvals.requests.delegations
import approvals.requests.identities
from approvals.domain.absences import Absence
from approvals.domain.groups import Group
from approvals.domain.judgement import ApprovalEvent, Judgement, ScheduledCheck, Withdrawal
from approvals.domain.model import Action, Approval, Request, Response, Status
from approvals.domain.people import Approver, People
from approvals.domain.pinned_policy import PinnedPolicy, PolicyGroup
from approvals.requests.parse import InvalidRequestError
from tests.support.builders import NOW, an_approval
from tests.support.mutants import Change, mutate
from tests.support.policies import KnownPeople

PROVE = "PROVE" in os.environ
SAMPLE = None if PROVE else 1_000
"""Instances that are played: all of them in `make prove`."""

R, A, B, D = (f"{name}@example.com" for name in "rabd")
EVERYBODY = (R, A, B, D)
PAIRS = ((A, D), (B, D), (A, B), (R, D), (A, R), (D, B))
MINUTE = timedelta(minutes=1)

Judge = Callable[[Approval, ApprovalEvent], Judgement]
Identify = Callable[..., People]
Standing = frozenset[tuple[str, str, Action]]
"""The standing responses: who responded, in whose seat, and how."""


@dataclass(frozen=True)
class Instance:
    """A request, the policy that it was merged with, and who is away: in the words of the checker."""

    approvers: tuple[str, ...]
    group: tuple[str, ...]
    deputies: tuple[str, ...]
    needed: int
    rejections: int
    own: bool
    requester: str | None
    allowed: tuple[str, ...]
    escalation: tuple[str, ...]
    away: tuple[tuple[str, str], ...]
    over: bool
    """Whether the first absence is over before anyone responds."""

    @property
    def request(self) -> Request:
        group = Group(name="g", approvers=self.group)
        return Request(
            timeout=timedelta(hours=10),
            approvers=self.approvers,
            groups=(group,) if self.group else (),
            required_approvals=self.needed,
            required_rejections=self.rejections,
            allow_self_approval=self.own,
            requested_by=self.requester,
            escalate_to=self.escalation,
            escalate_after=3 * MINUTE if self.escalation else None,
            policy=PinnedPolicy(
                parameter="/approvals/policy",
                version=1,
                sha256="",
                allowed=(self.allowed,),
                groups=(PolicyGroup(name="g", approvers=self.group, delegates=self.deputies),) if self.group else (),
            ),
        )

    @property
    def absences(self) -> list[Absence]:
        """The absences. One that is over lasts until the moment of the request."""
        over = [self.over and not number for number in range(len(self.away))]
        return [
            Absence(
                owner=owner,
                delegate=delegate,
                since=NOW - MINUTE,
                until=NOW if is_over else NOW + timedelta(days=1),
                set_by=owner,
            )
            for (owner, delegate), is_over in zip(self.away, over, strict=True)
        ]


@cache
def instances() -> tuple[Instance, ...]:
    groups = [((), ()), ((A,), ()), ((A,), (D,)), ((A, B), ()), ((A, B), (D,)), ((A, R), (D,))]
    away = [pairs for number in range(3) for pairs in combinations(PAIRS, number)]
    values: Iterator[tuple[Any, ...]] = product(
        ((A,), (A, B), (B, R), (A, B, R)), groups, (1, 2), (1, 2), (False, True), (R, None),
        (EVERYBODY, (R, A, B)), ((), (D,)), away, (False, True),
    )  # fmt: skip
    whole = [Instance(approvers, *group, *rest) for approvers, group, *rest in values]
    chosen = [each for each in whole if each.away or not each.over]
    return tuple(chosen if SAMPLE is None else random.Random(17).sample(chosen, SAMPLE))  # noqa: S311 no secret


def events(now: Approval) -> Iterator[ApprovalEvent]:
    """Yield everything that a person can do now, and the check that escalates."""
    at = NOW + MINUTE * (len(now.responses) + 1)
    for name in EVERYBODY:
        approver = Approver(id=name, name=name, channel="email")
        for action in Action:
            yield Response(approver=approver, action=action, at=at)
        yield Withdrawal(approver, at + 2 * MINUTE)  # Later than a repeat of the withdrawal before.
    if now.request.escalate_to and now.escalated_at is None:
        yield ScheduledCheck(NOW + 3 * MINUTE)


def standing(approval: Approval) -> Standing:
    return frozenset((each.approver.id, each.seat, each.action) for each in approval.standing)


def played(instance: Instance, judge: Judge, identify: Identify) -> Iterator[Approval]:
    """Yield the approval after every step from each state. States differ in the responses that stand."""
    try:
        people = identify(instance.request, [KnownPeople()], shared="stack@example.com", absences=instance.absences)
    except InvalidRequestError:
        return
    asked = an_approval(request=instance.request, people=people, deadline=NOW + timedelta(hours=10), deliveries=())
    todo, seen = [asked], set[tuple[Standing, bool, Status]]()
    while todo:
        now = todo.pop(0)
        yield now
        state = (standing(now), now.escalated_at is not None, now.status)
        if state in seen:
            continue
        seen.add(state)
        if now.status is Status.PENDING:
            todo += [judged.approval for each in events(now) if (judged := judge(now, each)).changed]


def wrong(instance: Instance, approval: Approval) -> str | None:
    """Return what is wrong with a state, by the specification alone."""
    said = standing(approval)
    humans, seats = [human for human, *_ in said], [seat for _, seat, _ in said]
    if len({*humans}) < len(said):
        return "one person fills two seats"
    if len({*seats}) < len(said):
        return "a seat counts twice"
    if instance.requester and not instance.own and instance.requester in (*humans, *seats):
        return "the requester has a part in it"
    if any(response.withdrawn_by not in ("", response.seat) for response in approval.responses):
        return "a delegate takes the place of the owner"
    rejecting = [human for human, _, action in said if action is Action.REJECT]
    if len(rejecting) >= instance.rejections and approval.status is not Status.REJECTED:
        return "enough rejections did not reject it"
    approved = [human for human, _, action in said if action is Action.APPROVE]
    return unjustified(instance, approved) if approval.status is Status.APPROVED else None


def unjustified(instance: Instance, humans: list[str]) -> str | None:
    """Return why the people who approved do not satisfy policy and request, or None."""
    if {*humans} - {*instance.allowed}:
        return "a person approves whom the policy does not allow"
    over = instance.away[:1] if instance.over else ()
    in_force = [pair for pair in instance.away if pair not in over]
    principals = {human: [human, *(owner for owner, to in in_force if to == human)] for human in humans}
    named = {*instance.approvers, *instance.group, *instance.escalation}
    for filled in product(*principals.values()):
        seats = {*filled}
        if len(seats) < len(humans) or seats - named or seats - {*instance.allowed}:
            continue
        if instance.requester and not instance.own and instance.requester in seats:
            continue
        if any(
            who != human and who in instance.group and human not in instance.deputies
            for human, who in zip(humans, filled, strict=True)
        ):
            continue
        if len(seats) >= instance.needed and (not instance.group or seats & {*instance.group}):
            return None
    return f"{' and '.join(sorted(humans))} do not satisfy it"


def counterexample(judge: Judge, identify: Identify, counts: Counter[str]) -> str | None:
    for instance in instances():
        counts["requests"] += 1
        for approval in played(instance, judge, identify):
            counts["steps"] += 1
            counts["approved"] += approval.status is Status.APPROVED
            by_delegates = [response for response in approval.standing if response.on_behalf_of]
            counts["with a delegate"] += approval.status is Status.APPROVED and bool(by_delegates)
            if why := wrong(instance, approval):
                return f"{why}: {sorted(standing(approval))} under {instance}"
    return None


def test_each_approval_with_delegates_is_justified() -> None:
    counts: Counter[str] = Counter()
    found = counterexample(approvals.domain.rules.judge, approvals.requests.identities.identify, counts)
    assert found is None, found
    assert counts["with a delegate"] > 200, "too few delegates decide"
    print(f"\nDelegates: {', '.join(f'{number:,} {what}' for what, number in counts.items())}")


RULES, SEATS, ELIGIBILITY, PEOPLE, DELEGATIONS, IDENTITIES = (
    approvals.domain.rules,
    approvals.domain.seats,
    approvals.domain.eligibility,
    approvals.domain.people,
    approvals.requests.delegations,
    approvals.requests.identities,
)

PASSED_ON = (
    "for absence in self._absences if absence.is_of(owner) "
    "or any(each.is_of(owner) and each.delegate == absence.owner for each in self._absences)]"
)

MUTANTS: dict[str, list[Change]] = {
    "one person fills one seat": [(RULES, "if earlier := answer_of(approval, person):", "if earlier := None:")],
    "the owner's response replaces the delegate's": [
        (RULES, "_judge_in_seat(replace_delegate(approval, response), response)", "_judge_in_seat(approval, response)"),
    ],
    "a filled seat is not free": [(SEATS, "owners if owner.id not in filled]", "owners if owner.id]")],
    "an approver fills their own seat alone": [
        (SEATS, "if owns_seat(approval, person, approver):", "if not in_force(approval, at):"),
    ],
    "the requester has no seat to give away": [
        (DELEGATIONS, "if owner.id == barred:", "if False:"),
        (ELIGIBILITY, "if not _is_own_request(approval, person))", "if person)"),
    ],
    "the requester stands in for nobody": [
        (DELEGATIONS, "if delegate.id == barred:", "if False:"),
        (ELIGIBILITY, "if known and _is_own_request(approval, known):", "if False:"),
    ],
    "a delegate must be allowed to approve": [
        (DELEGATIONS, "self._is_allowed(policy.allowed, delegate)", "policy.allowed"),
    ],
    "a policy's group names its delegates": [
        (DELEGATIONS, "if self._is_deputy(policy, owner, delegate) else", "if delegate else"),
    ],
    "each group of the owner names the delegate": [
        (DELEGATIONS, "if group.name in counting", 'if group.name == "another"'),
    ],
    "delegations are not passed on": [
        (IDENTITIES, "for absence in self._absences if absence.is_of(owner)]", PASSED_ON),
    ],
    "a delegation ends at its time": [(PEOPLE, "and self.since <= at < self.until", "and self.since <= at")],
    "a person who is left out is no delegate": [
        (PEOPLE, "self.left_out is None and self.since", "self.since"),
        (ELIGIBILITY, "for each in theirs if each.left_out is None", "for each in theirs"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("rule", MUTANTS)
def test_rules_without_one_of_them_are_caught(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mutate(monkeypatch, MUTANTS[rule])
    found = counterexample(RULES.judge, IDENTITIES.identify, Counter())
    assert found, f"nothing is let through without: {rule}"
