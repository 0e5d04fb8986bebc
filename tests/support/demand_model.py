"""Small requests with groups, all of them, and a checker that shares no code with the demands.

A human says yes or no, in their own place or in the place of one principal. The checker knows neither seats nor
demands: it looks for a one-to-one assignment of the humans who approve to people they are or stand in for, such that
the request as it was written is satisfied.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import product

from approvals.domain import seats
from approvals.domain.groups import Group
from approvals.domain.model import Action, Approval, Request, Response, Status
from approvals.domain.people import Approver, People, Person
from approvals.requests import decidability
from tests.support.builders import NOW, an_approval

RO, ANN, BO, CY, DAN = "ro", "ann", "bo", "cy", "dan"
"""Ro asks. Dan is nobody's approver, and may stand in for Ann or Bo."""

Names = frozenset[str]
Saying = tuple[str, str, Action]
"""A human, the person in whose place they respond, and what they say."""

_PEOPLE = {name: Person(id=name, name=name, identities={"email": f"{name}@x.io"}) for name in (RO, ANN, BO, CY, DAN)}
_BASE = an_approval(deliveries=())


@dataclass(frozen=True, slots=True)
class Written:
    """A request as its author writes it. `g` and `h` are groups: members, and how many of them."""

    approvers: Names
    g: tuple[Names, int] | None
    h: tuple[Names, int] | None
    total: int | None
    rejections: int
    silent: Names
    self_approval: bool

    @property
    def groups(self) -> list[tuple[Names, int]]:
        return [group for group in (self.g, self.h) if group]

    @property
    def needed(self) -> int:
        return self.total if self.total is not None else sum(number for _, number in self.groups) or 1

    @property
    def may(self) -> Names:
        """All who may respond, by the words of docs/request.md."""
        named = self.approvers.union(self.silent, *(members for members, _ in self.groups))
        return named if self.self_approval else named - {RO}


def some(*names: str) -> Names:
    return frozenset(names)


def subsets(*names: str) -> Iterator[Names]:
    for chosen in product((False, True), repeat=len(names)):
        yield frozenset(name for name, is_in in zip(names, chosen, strict=True) if is_in)


def every_request() -> Iterator[Written]:
    """Yield every request of at most four people, two groups and small numbers that names anyone."""
    first = [None, *((members, number) for members in subsets(ANN, BO, CY, RO) if members for number in (1, 2))]
    second = [None, (some(ANN), 1), (some(BO, CY), 1), (some(ANN, BO), 2)]
    silent = (some(), some(ANN), some(BO, CY))
    keys = (list(subsets(ANN, BO, RO)), first, second, (None, 1, 2, 3), (1, 2), silent, (False, True))
    for values in product(*keys):
        written = Written(*values)
        if written.approvers or written.groups:
            yield written


def asked(written: Written) -> Approval:
    """Return the approval that the product makes of a request. Raise `ValueError` if it refuses it."""
    groups = tuple(
        Group(name=name, approvers=tuple(sorted(members)), required=number)
        for name, (members, number) in zip("gh", written.groups, strict=False)
    )
    request = Request(
        approvers=tuple(sorted(written.approvers)),
        groups=groups,
        silent=tuple(sorted(written.silent)),
        required_approvals=written.needed,
        required_rejections=written.rejections,
        requested_by=RO,
        allow_self_approval=written.self_approval,
        timeout=timedelta(hours=1),
    )
    members = [group.approvers for group in groups]
    demands = decidability.demands_of(request, members)
    named = dict.fromkeys((*request.approvers, *(name for each in members for name in each), *request.silent))
    found = list(decidability.impossibilities(request, demands, named=named, silent=request.silent, requester=RO))
    if found:
        raise ValueError(found[0])
    people = People(
        approvers=tuple(_PEOPLE[name] for name in named),
        requester=_PEOPLE[RO],
        silent=request.silent,
        demands=demands if groups else (),
    )
    return replace(_BASE, request=request, people=people)


def said(approval: Approval, sayings: list[Saying]) -> Status:
    """Return what the product makes of the responses that stand."""
    responses = tuple(
        Response(
            approver=Approver(id=f"{human}@x.io", name=human, channel="email"),
            action=action,
            at=NOW,
            person=human,
            on_behalf_of=place if place != human else "",
        )
        for human, place, action in sayings
    )
    return seats.outcome(replace(approval, responses=responses)) or Status.PENDING


def every_saying(may: Names) -> Iterator[list[Saying]]:
    """Yield all that people can say in their own places."""
    for words in product((None, *Action), repeat=len(may)):
        yield [(name, name, word) for name, word in zip(sorted(may), words, strict=True) if word]


def every_saying_with_dan(may: Names) -> Iterator[list[Saying]]:
    """Yield all that people can say if Dan approves in the place of Ann or Bo, who may respond themselves, too."""
    for principal in (ANN, BO):
        if principal in may:
            for sayings in every_saying(may):
                yield [*sayings, (DAN, principal, Action.APPROVE)]


# The checker.


def justified(written: Written, sayings: list[Saying]) -> bool:
    """Return True if some of the humans who approve can be assigned one to one to people who satisfy the request."""
    humans = [(human, place) for human, place, word in sayings if word is Action.APPROVE]
    for places in product(*({None, human, place} for human, place in humans)):
        filled = [place for place in places if place is not None]
        is_one_to_one = len(set(filled)) == len(filled) and written.may.issuperset(filled)
        in_groups = all(len(members.intersection(filled)) >= number for members, number in written.groups)
        if is_one_to_one and in_groups and len(filled) >= written.needed:
            return True
    return False


def expected(written: Written, sayings: list[Saying]) -> Status:
    """Return the status by the words of docs/rules.md, for people in their own places."""
    if sum(word is Action.REJECT for *_, word in sayings) >= written.rejections:
        return Status.REJECTED
    return Status.APPROVED if justified(written, sayings) else Status.PENDING


def is_hopeless(written: Written) -> bool:
    """Return True if a request can stay undecided though all respond, or those who are told can't decide it."""
    told = written.may - written.silent
    everyone = [(name, name, Action.APPROVE) for name in told]
    if not justified(written, everyone) or len(told) < written.rejections:
        return True
    full = (sayings for sayings in every_saying(written.may) if len(sayings) == len(written.may))
    return any(expected(written, sayings) is Status.PENDING for sayings in full)


def counterexample(requests: Iterator[Written], counts: Counter[str]) -> str | None:
    """Return the first request and responses on which product and checker differ, if there are any."""
    for written in requests:
        counts["requests"] += 1
        try:
            approval = asked(written)
        except ValueError as error:
            if not is_hopeless(written):
                return f"{written} is refused: {error}"
            continue
        counts["accepted"] += 1
        if is_hopeless(written):
            return f"{written} is accepted, and can stay undecided"
        for sayings in every_saying(written.may):
            counts["states"] += 1
            found = said(approval, sayings)
            counts["approved"] += found is Status.APPROVED
            if found is not expected(written, sayings):
                return f"{written}: {sayings} is {found}"
        for sayings in every_saying_with_dan(written.may):
            counts["states with a delegate"] += 1
            if said(approval, sayings) is Status.APPROVED and not justified(written, sayings):
                return f"{written}: {sayings} is approved"
    return None
