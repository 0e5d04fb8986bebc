"""Demands: how many of which people must approve. A request is a list of demands, all of which must hold.

Pure, and knows people by their ids alone. Every count is a count of seats: the ids in `approving` are those of the
people whose seats are filled by an approval, also by another person's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """`required` of the `people` must approve.

    `people` are ids, None for everyone who may respond. `name` is a group's; it is empty for the number of approvals
    in all.
    """

    name: str = ""
    people: tuple[str, ...] | None = None
    required: int = 1

    def includes(self, person: str) -> bool:
        """Return True if this person's approval counts here."""
        return self.people is None or person in self.people

    def count(self, approving: Collection[str]) -> int:
        """Return how many of its people approve."""
        return sum(self.includes(person) for person in set(approving))

    def missing(self, approving: Collection[str]) -> int:
        """Return how many more of its people must approve."""
        return max(0, self.required - self.count(approving))


def unmet(demands: Sequence[Demand], approving: Collection[str]) -> tuple[Demand, ...]:
    """Return the demands that need more approvals. A request without any is approved."""
    return tuple(demand for demand in demands if demand.missing(approving))


class Lack(StrEnum):
    """Why a demand could leave a request undecided."""

    MEMBERS = "MEMBERS"
    """Fewer people may respond than must approve."""
    DECISION = "DECISION"
    """All could respond, and nothing would be decided: too few approve, and too few reject."""
    TOLD = "TOLD"
    """Fewer people are told of the request than must approve."""
    TOLD_REJECTERS = "TOLD_REJECTERS"
    """Fewer people are told of the request than must reject."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A demand that can't be decided, and why. `people` are those of it who may respond, or who are told."""

    demand: Demand
    lack: Lack
    people: frozenset[str]


def find_obstacles(
    demands: Sequence[Demand], *, seats: Collection[str], silent: Collection[str], required_rejections: int
) -> Iterator[Obstacle]:
    """Yield what could leave a request undecided, at most one obstacle for each demand.

    `seats` are the people who may respond from the start, the barred requester left out. Escalation and delegates do
    not count: they may never come. The worst case is that all who reject but one are in the smallest demand.
    """
    for demand in demands:
        may = frozenset(person for person in seats if demand.includes(person))
        told = may - frozenset(silent)
        if demand.required > len(may):
            yield Obstacle(demand, Lack.MEMBERS, may)
        elif demand.required + required_rejections > len(may) + 1:
            yield Obstacle(demand, Lack.DECISION, may)
        elif demand.required > len(told):
            yield Obstacle(demand, Lack.TOLD, told)
        elif demand.people is None and required_rejections > len(told):
            yield Obstacle(demand, Lack.TOLD_REJECTERS, told)
