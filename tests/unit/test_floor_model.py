"""Every small request under every small policy: who can approve under the floor is justified by it.

The checker `justified` shares no code with the merge. Each mutant of the merge must let something through.
"""

from __future__ import annotations

import os
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from itertools import combinations, product
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import approvals.domain.floor
from approvals.domain.demands import unmet
from approvals.domain.eligibility import eligible
from approvals.domain.groups import Group
from approvals.domain.model import Request
from approvals.domain.pinned_policy import PolicyGroup
from approvals.domain.policy import Enforce, Policy, PolicyRule, Statement
from approvals.domain.seats import demands
from approvals.requests.identities import identify
from approvals.requests.parse import InvalidRequestError, check_request
from tests.support.builders import an_approval
from tests.support.policies import KnownPeople

PROVE = "PROVE" in os.environ
SAMPLE = None if PROVE else 6_000
"""Instances that are played: all of them in `make prove`."""

R, A, B, D = (f"{name}@example.com" for name in "rabd")
EVERYBODY = (R, A, B, D)
Merge = Callable[..., approvals.domain.floor.Merged]


@dataclass(frozen=True)
class Instance:
    """A policy and a request, in the words of the checker."""

    allowed: tuple[str, ...]
    group: tuple[str, ...]
    group_needed: int
    minimum: int
    cap: int
    self_ok: bool
    requester_needed: bool
    open_ok: bool
    raises: bool
    approvers: tuple[str, ...]
    needed: int
    rejections: int
    own: bool
    requester: str | None
    other_group: tuple[str, ...]
    asked_group: tuple[str, ...] | None
    """The policy's group as the request has it: None if it does not name it, empty for the policy's members."""

    @property
    def policy(self) -> Policy:
        enforce = Enforce.RAISE if self.raises else Enforce.REFUSE
        document = PolicyRule(
            name="policy",
            enforce=enforce,
            approvers=self.allowed,
            open_requests=self.open_ok,
            self_approval=self.self_ok,
            requester_required=self.requester_needed,
            maximum_rejections=self.cap,
        )
        rule = PolicyRule(
            name="prod",
            enforce=enforce,
            minimum_approvals=self.minimum,
            required_groups={"g": self.group_needed} if self.group_needed else {},
        )
        groups = {"g": PolicyGroup(name="g", approvers=self.group)} if self.group else {}
        return Policy(rules=(document, rule), groups=groups)

    @property
    def request(self) -> Request:
        groups = [Group(name="h", approvers=self.other_group)] if self.other_group else []
        if self.asked_group is not None:
            groups.append(Group(name="g", approvers=self.asked_group))
        return Request(
            timeout=timedelta(hours=1),
            approvers=self.approvers,
            groups=tuple(groups),
            required_approvals=self.needed,
            required_rejections=self.rejections,
            allow_self_approval=self.own,
            requested_by=self.requester,
        )


def _product(*values: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    return product(*values)


@cache
def instances() -> tuple[Instance, ...]:
    groups = [((), 0), ((A,), 1), ((A, B), 1), ((A, B), 2), ((A, R), 1)]
    whole = [
        Instance(allowed, group, needed, *rest)
        for allowed, (group, needed), *rest in _product(
            (EVERYBODY, (R, A, B), (B, R)), groups, (1, 2), (1, 2), (False, True), (False, True), (False, True),
            (False, True), ((), (A,), (A, B), (A, R), (B, D), (A, B, D)), (1, 2), (1, 2), (False, True), (R, None),
            ((), (B,)), (None, (), (B,)),
        )
    ]  # fmt: skip
    return tuple(whole if SAMPLE is None else random.Random(17).sample(whole, SAMPLE))  # noqa: S311 no secret


def approving(instance: Instance, merge: Merge) -> Iterator[frozenset[str]]:
    """Yield each set of people who can approve the request, by the product's own rules. None if it is refused."""
    statement = Statement(facts=(), context={}, workflow="deploy")
    merged = merge(instance.policy, instance.request, statement, default_timeout=True)
    if merged.problems:
        return
    try:
        check_request(merged.request)
        people = identify(merged.request, [KnownPeople()], shared="stack@example.com")
    except InvalidRequestError:
        return
    approval = an_approval(request=merged.request, people=people)
    may = {person.id for person in eligible(approval)} or _everyone_asked(instance, merged.request)
    if merged.request.required_rejections > instance.cap:
        yield frozenset()  # A rejection that the policy counts would be ignored.
    for number in range(1, len(may) + 1):
        for people_who_approve in combinations(sorted(may), number):
            if not unmet(demands(approval), people_who_approve):
                yield frozenset(people_who_approve)


def _everyone_asked(instance: Instance, merged: Request) -> set[str]:
    barred = {instance.requester} if not merged.allow_self_approval else set()
    return {name for name in instance.allowed if name not in barred}


def justified(instance: Instance, approved: frozenset[str]) -> str | None:  # noqa: PLR0911 one of many
    """Return why these people do not satisfy policy and request, or None. It knows nothing of the merge."""
    apart = instance.requester and not (instance.self_ok and instance.own)
    if not approved:
        return "rejections that the policy counts are ignored"
    if apart and instance.requester in approved:
        return "the requester approves"
    if instance.requester_needed and instance.requester is None:
        return "the requester is not known"
    if approved - set(instance.allowed):
        return "a person whom the policy does not allow"
    is_open = not instance.approvers and not instance.other_group and instance.asked_group is None
    if is_open and not instance.open_ok and not (instance.raises and instance.group_needed):
        return "an open request"
    if len(approved) < max(instance.minimum, instance.needed):
        return "too few"
    members = set(instance.asked_group or instance.group) & set(instance.group or instance.asked_group or ())
    asked = 1 if instance.asked_group is not None else 0
    if len(approved & members) < max(instance.group_needed, asked):
        return "too few of the group"
    if instance.other_group and not approved & set(instance.other_group):
        return "too few of the request's own group"
    named = {*instance.approvers, *instance.other_group, *(members if instance.asked_group is not None else ())}
    if not is_open and len(approved & named) < instance.needed:
        return "people approve whom the request did not ask"
    return None


def counterexample(merge: Merge, counts: Counter[str]) -> str | None:
    for instance in instances():
        counts["requests"] += 1
        sets = list(approving(instance, merge))
        counts["accepted"] += bool(sets)
        for approved in sets:
            counts["approvals"] += 1
            if why := justified(instance, approved):
                return f"{why}: {sorted(approved)} under {instance}"
    return None


def test_each_approval_is_justified_by_policy_and_request() -> None:
    counts: Counter[str] = Counter()
    assert counterexample(approvals.domain.floor.merge, counts) is None
    assert counts["approvals"] > 1_000, "too few requests pass"
    print(
        f"\nFloor: {counts['requests']:,} requests, {counts['accepted']:,} accepted, {counts['approvals']:,} approvals"
    )


def disagreement(merge: Merge, counts: Counter[str]) -> str | None:
    """Return a request that refusing accepts though raising changes it, or the other way round."""
    statement = Statement(facts=(), context={}, workflow="deploy")
    for instance in instances()[: None if PROVE else 2_000]:
        refused, raised = (
            merge(replace(instance, raises=raises).policy, instance.request, statement, default_timeout=True)
            for raises in (False, True)
        )
        rules = raised.request.policy.rules if raised.request.policy else ()
        changed = bool(raised.problems) or any(rule.raised for rule in rules)
        counts["pairs"] += 1
        if changed != bool(refused.problems):
            return f"refusing and raising disagree about {instance}"
    return None


def test_raising_changes_just_what_refusing_refuses() -> None:
    counts: Counter[str] = Counter()
    assert disagreement(approvals.domain.floor.merge, counts) is None
    print(f"\nFloor: {counts['pairs']:,} pairs of refusing and raising")


SOURCE = Path(approvals.domain.floor.__file__).read_text()

MUTANTS = {
    "the higher number of approvals wins": ("max([request.required_approvals,", "min([request.required_approvals,"),
    "the rule's number of approvals counts": (
        "max([request.required_approvals, *(rule.minimum_approvals for rule in used)])", "request.required_approvals",
    ),
    "the lower number of rejections wins": (
        "min(\n            [request.required_rejections,", "max(\n            [request.required_rejections,",
    ),
    "rules add their groups": ("added = [name for name in needed if name not in written]", "added: list[str] = []"),
    "the higher number of a group wins": (
        "required=max(group.required, needed.get(group.name, 0))", "required=group.required",
    ),
    "raising adds to the request's demand": ("yield Group(name=REQUESTED", "_ = Group(name=REQUESTED"),
    "self-approval only where both allow it": (
        "request.allow_self_approval and all(rule.self_approval for rule in used)", "request.allow_self_approval",
    ),
    "the requester must be named": (
        "if request.requested_by is None and any(", "if request.requested_by is None and all(",
    ),
    "open requests only where the policy allows them": (
        "if request.is_open and not adds_group and not all(", "if request.is_open and not adds_group and not any(",
    ),
    "the record keeps who may approve": (
        "allowed=tuple(rule.approvers for rule in used if rule.approvers is not None)", "allowed=()",
    ),
    "the policy owns its groups": (
        "groups=tuple(policy.groups[each.name] for each in merged.groups if each.name in policy.groups)", "groups=()",
    ),
    "a refusing rule refuses": ("problems += [] if raises else", "problems += [] if not raises else"),
    "the problems are kept": ("problems=tuple(dict.fromkeys(problems))", "problems=()"),
    "a written group counts its members": (
        "members = group.approvers or (", "members = request.approvers or group.approvers or (",
    ),
}  # fmt: skip


@pytest.mark.parametrize("rule", MUTANTS)
def test_merge_without_a_rule_is_caught(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = MUTANTS[rule]
    assert SOURCE.count(old) == 1, "the source has changed: change the mutant"
    mutant = ModuleType("approvals.domain.floor_mutant")
    monkeypatch.setitem(sys.modules, mutant.__name__, mutant)  # dataclasses look their module up
    exec(compile(SOURCE.replace(old, new), "mutant", "exec"), mutant.__dict__)  # noqa: S102 our own source
    try:
        found = disagreement(mutant.merge, Counter()) or counterexample(mutant.merge, Counter())
        assert found, f"nothing is let through without: {rule}"
    except (AssertionError, InvalidRequestError):
        raise
    except Exception:  # noqa: BLE001 a mutant that breaks is caught, too
        return
