"""No request slips under the floor: who can approve it under a policy is justified by policy and request.

All small requests under all small policies, and any that Hypothesis thinks of with delegates, conditions and
escalation, go from JSON through the real parser, merge, identities and rules. The checker shares no code with them.
Each mutant of the merging code must let something through.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from itertools import chain, islice
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import approvals.domain.floor
import approvals.domain.pinned_policy
import approvals.domain.policy
import approvals.requests.allowed
import approvals.requests.delegations
import approvals.requests.identities
import approvals.requests.policy
import approvals.requests.policy_floor
from approvals.domain.model import Approval, Status
from approvals.requests.parse import read_request
from approvals.requests.policy_floor import judge
from tests.support.floor_instances import Instance, an_instance, every_instance
from tests.support.floor_model import (
    DEFAULT_TIMEOUT,
    asked_under,
    is_below,
    played,
    policy_of,
    read_once,
    unjustified,
)
from tests.support.mutants import Change, mutate

PROVE = "PROVE" in os.environ
STEP = 1 if PROVE else 293
"""Which small instances are played: all of them, or one in so many. A prime, so that all values of each key come."""

INSTANCES = 552_960


@pytest.fixture(autouse=True)
def _each_request_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(POLICY_FLOOR, "read_request", read_once(read_request))


def counterexample(instances: Iterable[Instance], counts: Counter[str]) -> str | None:
    """Return the first request that becomes what policy and request do not justify, if there is one."""
    for instance in instances:
        counts["requests"] += 1
        approval = asked(instance)
        if approval is None:
            continue
        counts["accepted"] += 1
        delegations = approval.people.delegations if approval.people else ()
        counts["with a delegate"] += any(each.left_out is None for each in delegations)
        for found in played(approval):
            counts["states"] += 1
            counts["approved"] += found.status is Status.APPROVED
            if why := unjustified(instance, found):
                return f"{why}: {instance}"
    return None


def asked(instance: Instance) -> Approval | None:
    policy = policy_of(instance.floor)
    return asked_under(policy, instance) if policy else None


def report(what: str, counts: Counter[str]) -> None:
    print(f"\nFloor, {what}: {', '.join(f'{number:,} {name}' for name, number in counts.items())}, 0 violations")


@pytest.mark.timeout(1800)
def test_each_approval_is_justified_by_policy_and_request() -> None:
    counts: Counter[str] = Counter()
    assert counterexample(islice(every_instance(), 0, None, STEP), counts) is None
    assert counts["requests"] == len(range(0, INSTANCES, STEP))
    assert counts["approved"] > counts["accepted"] > counts["requests"] / 10, "too few requests pass"
    report("small requests", counts)


RANDOM: Counter[str] = Counter()
"""What Hypothesis played."""


@st.composite
def instances(draw: st.DrawFn) -> Instance:
    return an_instance(lambda options: draw(st.sampled_from(options)))


@given(instances())
@settings(max_examples=20_000 if PROVE else 200, deadline=None, suppress_health_check=list(HealthCheck))
def _nobody_approves_whom_policy_and_request_do_not_let(instance: Instance) -> None:
    assert counterexample([instance], RANDOM) is None


@pytest.mark.timeout(1800)
def test_nobody_approves_any_request_whom_policy_and_request_do_not_let() -> None:
    _nobody_approves_whom_policy_and_request_do_not_let()
    report("requests by Hypothesis", RANDOM)


@cache
def random_instances(number: int) -> tuple[Instance, ...]:
    """Return as many instances, the same in each run: the mutants are tried on them."""
    choose = random.Random(17).choice  # noqa: S311 no secret
    return tuple(an_instance(choose) for _ in range(number))


@pytest.mark.timeout(1800)
def test_each_approval_with_delegates_and_conditions_is_justified() -> None:
    counts: Counter[str] = Counter()
    assert counterexample(random_instances(60_000 if PROVE else 1_200), counts) is None
    assert counts["with a delegate"] > 20
    assert counts["approved"] > 500
    report("with delegates and conditions", counts)


def test_the_order_of_rules_makes_no_difference() -> None:
    for instance in random_instances(1_200):
        turned = replace(instance, floor=replace(instance.floor, rules=instance.floor.rules[::-1]))
        if len(instance.floor.rules) > 1:
            assert without_policy(asked(instance)) == without_policy(asked(turned)), instance


def without_policy(approval: Approval | None) -> Any:
    """Return what counts of an approval. Groups stand in the order in which rules add them."""
    if approval is None:
        return None
    request, people = approval.request, approval.people
    demands = {(each.name, frozenset(each.people or ()), each.required) for each in people.demands} if people else ()
    return replace(request, policy=None, groups=()), demands, frozenset(people.approvers) if people else ()


def disagreement(instances: Iterable[Instance], counts: Counter[str]) -> str | None:
    """Return a request that refusing accepts though it is below or raising changes it, or the other way round."""
    for instance in instances:
        policies = [policy_of(floor) for floor in refusing_and_raising(instance)]
        if None in policies:
            continue
        refused, raised = (
            judge(policy, instance.asked.written, default_timeout=DEFAULT_TIMEOUT, state_machine=lambda: "Deploy")
            for policy in policies
            if policy
        )
        rules = raised.request.policy.rules if raised.request.policy else ()
        changed = bool(raised.problems) or any(rule.raised for rule in rules)
        counts["pairs"] += 1
        if changed != bool(refused.problems):
            return f"refusing and raising disagree about {instance}"
        if is_below(instance) and not refused.problems:
            return f"a request below the floor is not refused: {instance}"
    return None


def refusing_and_raising(instance: Instance) -> Iterator[Any]:
    floor = instance.floor
    for raises in (False, True):
        rules = tuple(replace(rule, raises=raises) for rule in floor.rules)
        yield replace(floor, document=replace(floor.document, raises=raises), rules=rules)


@pytest.mark.timeout(1800)
def test_raising_changes_just_what_refusing_refuses() -> None:
    counts: Counter[str] = Counter()
    assert disagreement(chain(islice(every_instance(), 0, None, 7 * STEP), random_instances(1_200)), counts) is None
    report("refusing and raising", counts)


@cache
def small_instances() -> tuple[Instance, ...]:
    return tuple(islice(every_instance(), 0, None, 293))


def test_what_a_policy_refuses_of_itself_no_request_could_have_met(monkeypatch: pytest.MonkeyPatch) -> None:
    """A policy that nobody can meet, if it were taken, lets nobody approve anything to which its rules apply."""
    policy_of.cache_clear()
    refused = [each for each in chain(small_instances(), random_instances(1_200)) if policy_of(each.floor) is None]
    monkeypatch.setattr(POLICIES, "unsatisfiable", lambda _policy: ())
    policy_of.cache_clear()
    try:
        for instance in refused:
            always = replace(instance, asked=replace(instance.asked, environments=()))
            approval = asked(always)
            found = played(approval) if approval else ()
            assert not any(each.status is Status.APPROVED for each in found), instance
    finally:
        policy_of.cache_clear()
    assert len(refused) > 150
    print(f"\nFloor: {len(refused):,} policies that nobody could meet are refused")


FLOOR, CONDITIONS, PINNED, ALLOWED, DELEGATIONS, IDENTITIES, POLICIES, POLICY_FLOOR = (
    approvals.domain.floor,
    approvals.domain.policy,
    approvals.domain.pinned_policy,
    approvals.requests.allowed,
    approvals.requests.delegations,
    approvals.requests.identities,
    approvals.requests.policy,
    approvals.requests.policy_floor,
)

MUTANTS: dict[str, Change] = {
    "the higher number of approvals wins": (
        FLOOR, "max([request.required_approvals,", "min([request.required_approvals,",
    ),
    "the rule's number of approvals counts": (
        FLOOR, "max([request.required_approvals, *(rule.minimum_approvals for rule in used)])",
        "request.required_approvals",
    ),
    "the lower number of rejections wins": (
        FLOOR, "min(\n            [request.required_rejections,", "max(\n            [request.required_rejections,",
    ),
    "rules add their groups": (
        FLOOR, "added = [name for name in needed if name not in written]", "added: list[str] = []",
    ),
    "the higher number of a group wins": (
        FLOOR, "required=max(group.required, needed.get(group.name, 0))", "required=group.required",
    ),
    "the higher number of two rules wins": (
        FLOOR, "needed[name] = max(number, needed.get(name, 0))", "needed[name] = min(number, needed.get(name, 50))",
    ),
    "raising adds to the request's demand": (FLOOR, "yield Group(name=REQUESTED", "_ = Group(name=REQUESTED"),
    "the request's own number stays": (
        FLOOR, "approvers=named, required=request.required_approvals)", "approvers=named)",
    ),
    "self-approval only where both allow it": (
        FLOOR, "request.allow_self_approval and all(rule.self_approval for rule in used)",
        "request.allow_self_approval",
    ),
    "self-approval is refused where it is not allowed": (
        FLOOR, "if request.allow_self_approval and not rule.self_approval:", "if False:",
    ),
    "the requester must be named": (
        FLOOR, "if request.requested_by is None and any(", "if request.requested_by is None and all(",
    ),
    "open requests only where the policy allows them": (
        FLOOR, "if request.is_open and not adds_group and not all(",
        "if request.is_open and not adds_group and not any(",
    ),
    "the record keeps who may approve": (
        FLOOR, "allowed=tuple(rule.approvers for rule in used if rule.approvers is not None)", "allowed=()",
    ),
    "the policy owns its groups": (
        FLOOR, "groups=tuple(policy.groups[each.name] for each in merged.groups if each.name in policy.groups)",
        "groups=()",
    ),
    "a refusing rule refuses": (FLOOR, "problems += [] if raises else", "problems += [] if not raises else"),
    "the problems are kept": (FLOOR, "problems=tuple(dict.fromkeys(problems))", "problems=()"),
    "a written group counts its members": (
        FLOOR, "approvers=_members(policy, group))", "approvers=request.approvers or _members(policy, group))",
    ),
    "too few approvals are refused": (FLOOR,
        "needed, written = rule.minimum_approvals, request.required_approvals",
        "needed, written = 1, request.required_approvals",
    ),
    "too few of a group are refused": (
        FLOOR, "written = written_groups.get(name, 0)", "written = written_groups.get(name, needed)",
    ),
    "too many rejections are refused": (FLOOR, "if most and written > most:", "if most and written > most + 1:"),
    "every rule that applies counts": (
        FLOOR, "used = [rule for rule in policy.rules if applies(rule, statement)]",
        "used = [rule for rule in policy.rules if applies(rule, statement)][:2]",
    ),
    "a rule without a condition applies": (CONDITIONS, "return not found or any(", "return any("),
    "a missing value exempts from nothing (Unless)": (
        CONDITIONS, "return not stated or any(plain(value) not in known", "return any(plain(value) not in known",
    ),
    "a missing value exempts from nothing (When)": (
        CONDITIONS, "return not stated or any(plain(value) in known", "return any(plain(value) in known",
    ),
    "every stated value must be harmless": (
        CONDITIONS, "any(plain(value) not in known", "all(plain(value) not in known",
    ),
    "one dangerous value is enough": (CONDITIONS, "any(plain(value) in known", "all(plain(value) in known"),
    "values are compared without case": (CONDITIONS, ".strip().casefold()", ".strip()"),
    "each list of those allowed counts": (
        PINNED, "return all(any(is_named(name, entry)", "return any(any(is_named(name, entry)",
    ),
    "a domain names its own people alone": (
        PINNED, "return canonical(name).endswith(entry.casefold())", "return True",
    ),
    "a person must be allowed": (
        ALLOWED, "return is_allowed((person.id, *person.identities.values()), self.lists)", "return True",
    ),
    "a group of people is filtered": (
        IDENTITIES, "kept = [person for person in found if self._allowed.include(person)]", "kept = found",
    ),
    "a policy's group can only be narrowed": (
        IDENTITIES, "if not members.include(person)", "if False",
    ),
    "each group must approve": (
        IDENTITIES, "demands_of(request, self._group_ids(groups, escalation)) if groups",
        "demands_of(request, self._group_ids(groups, escalation))[:1] if groups",
    ),
    "an open request keeps who is allowed": (
        IDENTITIES, "allowed=self._allowed.lists if request",
        'allowed=tuple(("@example.com", "@other.org") for _ in self._allowed.lists) if request',
    ),
    "a delegate must be allowed": (
        DELEGATIONS, "self._is_allowed(policy.allowed, delegate)", "policy.allowed",
    ),
    "a policy's group names its delegates": (
        DELEGATIONS, "if self._is_deputy(policy, owner, delegate) else", "if delegate else",
    ),
    "a rule asks for as many as its groups": (
        POLICIES, "max(1, sum(groups.values()))", "1",
    ),
    "open requests are forbidden by default": (POLICIES, '"OpenRequests": False', '"OpenRequests": True'),
    "self-approval is forbidden by default": (POLICIES, '"SelfApproval": False', '"SelfApproval": True'),
    "the requester is required by default": (POLICIES, '"RequestedBy": "required"', '"RequestedBy": "optional"'),
    "one rejection is enough by default": (POLICIES, '"MaximumRejections": 1', '"MaximumRejections": 2'),
    "a request below the floor fails": (POLICY_FLOOR, "if judged.problems:", "if False:"),
    "the problems of the merge count": (POLICY_FLOOR, "for problem in merged.problems) or", "for problem in ()) or"),
}  # fmt: skip


def test_merge_without_any_of_its_rules_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    survivors = []
    for name, change in MUTANTS.items():
        with monkeypatch.context() as patch:
            mutate(patch, [change])
            if change[0] in (POLICIES, PINNED):
                policy_of.cache_clear()
            if not is_caught():
                survivors.append(name)
        if change[0] in (POLICIES, PINNED):
            policy_of.cache_clear()
    assert survivors == []
    assert len(MUTANTS) >= 20
    print(f"\nFloor: {len(MUTANTS)} mutants of the merging code, all caught")


def is_caught() -> bool:
    few, some = small_instances()[::5], random_instances(1_200)
    found = counterexample(some, Counter()) or disagreement(chain(few, some), Counter())
    return bool(found or counterexample(small_instances(), Counter()))
