"""Every approval satisfies each demand by a one-to-one assignment: all small requests, and mutants that break it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest

from approvals.domain import demands, seats
from approvals.domain.demands import Demand, Lack
from approvals.domain.model import Action
from approvals.requests import decidability
from tests.support.demand_model import counterexample, every_request
from tests.support.group_requests import OTTO, SUE, one_of_each, said_by

PROVE = os.environ.get("PROVE") == "1"
STEP = 1 if PROVE else 29
"""Which requests are tried: all of them, or one in so many. A prime, so that no key has the same value in all."""

REQUESTS = 47_568


def test_product_and_checker_agree_on_every_small_request(capsys: pytest.CaptureFixture[str]) -> None:
    """Refused are exactly the requests that can stay undecided; approved are exactly the states that satisfy one."""
    counts = Counter[str]()
    found = counterexample(islice(every_request(), 0, None, STEP), counts)
    with capsys.disabled():
        print(f"\ndemands: {', '.join(f'{number:,} {what}' for what, number in counts.items())}")
    assert found is None
    assert counts["requests"] == len(range(0, REQUESTS, STEP))
    assert counts["approved"] > counts["accepted"] > counts["requests"] / 20


Patch = Callable[[pytest.MonkeyPatch], None]


def _only(keep: Callable[[Demand], bool]) -> Patch:
    """Drop the demands that are not kept."""
    real = demands.unmet
    return lambda patch: patch.setattr(seats, "unmet", lambda all_, who: real([one for one in all_ if keep(one)], who))


def _without(lack: Lack, *, only_in: Callable[[Demand], bool] = lambda _demand: True) -> Patch:
    real = demands.find_obstacles

    def fewer(*arguments: Any, **more: Any) -> Any:
        return (each for each in real(*arguments, **more) if each.lack is not lack or not only_in(each.demand))

    return lambda patch: patch.setattr(decidability, "find_obstacles", fewer)


def _called_with(**changed: Any) -> Patch:
    real = demands.find_obstacles
    return lambda patch: patch.setattr(
        decidability, "find_obstacles", lambda all_, **given: real(all_, **{**given, **changed})
    )


MUTANTS: dict[str, Patch] = {
    "only the number in all counts": _only(lambda demand: demand.people is None),
    "only the groups count": _only(lambda demand: demand.people is not None),
    "only the first group counts": _only(lambda demand: demand.name != "h"),
    "one demand is enough": lambda patch: patch.setattr(
        seats, "unmet", lambda all_, who: () if len(demands.unmet(all_, who)) < len(all_) else all_
    ),
    "a group takes one fewer": lambda patch: patch.setattr(
        Demand, "missing", lambda self, who: max(0, self.required - self.count(who) - (self.people is not None))
    ),
    "a group takes one more": lambda patch: patch.setattr(
        Demand, "missing", lambda self, who: max(0, self.required - self.count(who) + (self.people is not None))
    ),
    "everybody is a member": lambda patch: patch.setattr(Demand, "includes", lambda _self, _person: True),
    "a person fills one group only": lambda patch: patch.setattr(seats, "unmet", _one_group_each),
    "rejections count as approvals": lambda patch: patch.setattr(
        seats, "approving", lambda approval: frozenset(response.seat for response in approval.standing)
    ),
    "a delegate counts beside their principal": lambda patch: patch.setattr(
        seats,
        "approving",
        lambda approval: frozenset(each.person for each in approval.standing if each.action is Action.APPROVE),
    ),
    "too few members are accepted": _without(Lack.MEMBERS),
    "too few members of a group are accepted": _without(Lack.MEMBERS, only_in=lambda demand: demand.people is not None),
    "all may respond without a decision": _without(Lack.DECISION),
    "all of a group may leave it undecided": _without(Lack.DECISION, only_in=lambda demand: demand.people is not None),
    "silent people must approve": _without(Lack.TOLD),
    "silent people must reject": _without(Lack.TOLD_REJECTERS),
    "everybody is told": _called_with(silent=()),
    "one rejection is always enough": _called_with(required_rejections=1),
}


def _one_group_each(all_: Any, who: Any) -> Any:
    left = set(who)
    found = []
    for demand in all_:
        members = [person for person in sorted(left) if demand.includes(person)] if demand.people is not None else who
        if len(members) < demand.required:
            found.append(demand)
        if demand.people is not None:
            left -= set(list(members)[: demand.required])
    return tuple(found)


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_mutant_is_caught(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    MUTANTS[mutant](monkeypatch)
    assert counterexample(islice(every_request(), 0, None, STEP), Counter()), f"{mutant}: survives"


@pytest.mark.parametrize(
    ("required", "people", "approving", "missing"),
    [
        (2, None, {"ann"}, 1),
        (2, None, {"ann", "bo", "cy"}, 0),
        (1, ("ann",), {"bo"}, 1),
        (1, ("ann",), {"ann", "bo"}, 0),
        (1, (), {"ann"}, 1),
    ],
)
def test_a_demand_counts_its_people(
    required: int, people: tuple[str, ...] | None, approving: set[str], missing: int
) -> None:
    assert Demand(required=required, people=people).missing(approving) == missing


def test_a_record_with_groups_and_without_their_members_can_not_be_approved() -> None:
    """As an earlier version would look its people up, which knows no groups."""
    approval = one_of_each()
    assert approval.people is not None
    lost = replace(approval, people=replace(approval.people, demands=()))
    assert said_by(said_by(lost, SUE), OTTO, minutes=2).decision is None
