"""Seats: the place of each person who may respond, and the response that fills it. Standard library only.

One person fills one seat, and one seat counts once. All counts are counts of seats, so that it makes no difference
whether the owner of a seat responds or the person who stands in for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from approvals.domain.delegates import in_force, latest_moment
from approvals.domain.demands import Demand, unmet
from approvals.domain.eligibility import Reason, eligible, invited, owns_seat, stranger
from approvals.domain.model import Action, Approval, Response, Status
from approvals.domain.people import Approver, Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """The place of `owner`, a person who may respond, and the standing response that fills it, if one does."""

    owner: Person
    response: Response | None = None

    @property
    def approves(self) -> bool:
        """Return True if an approval fills the seat."""
        return self.response is not None and self.response.action is Action.APPROVE


def seats(approval: Approval) -> tuple[Seat, ...]:
    """Return the seats of all who may respond, then those of others who did.

    Others are there where the request names nobody, and only as they are known on their channel.
    """
    filling = {response.seat: response for response in approval.standing}
    named = [Seat(owner=person, response=filling.pop(person.id, None)) for person in eligible(approval)]
    others = [Seat(owner=stranger(response.approver, seat), response=response) for seat, response in filling.items()]
    return (*named, *others)


def approving(approval: Approval) -> frozenset[str]:
    """Return the ids of the people whose seats are filled by an approval."""
    return frozenset(seat.owner.id for seat in seats(approval) if seat.approves)


def demands(approval: Approval) -> tuple[Demand, ...]:
    """Return what must hold for an approval: the number of approvals in all first, then the groups.

    Until identities are resolved, and where a record has groups but not their members, nobody counts in a group.
    """
    request, people = approval.request, approval.people
    if people and people.demands:
        return tuple(_with_people_of_roles(approval, demand) for demand in people.demands)
    groups = (Demand(name=group.name, people=(), required=group.required) for group in request.groups)
    return (Demand(required=request.required_approvals), *groups)


def _with_people_of_roles(approval: Approval, demand: Demand) -> Demand:
    """Return the demand with those who responded through a role of it: who they are is known only then.

    A person who stands in for another fills their seat alone, whatever role they use.
    """
    if demand.people is None:
        return demand
    through = (
        each.person for each in approval.standing if not each.on_behalf_of and each.approver.role in demand.people
    )
    return replace(demand, people=tuple(dict.fromkeys((*demand.people, *through))))


def unmet_demands(approval: Approval) -> tuple[Demand, ...]:
    """Return the demands that need more approvals."""
    return unmet(demands(approval), approving(approval))


def is_one_too_many(approval: Approval, response: Response) -> bool:
    """Return True for an approval through a role that no demand needs.

    A role stands for any number of people. If all of them could approve before another group does, the result could
    grow too large for the execution. People whom the request names are counted when it is made.
    """
    is_named = any(person.id == response.seat for person in eligible(approval))
    if is_named or response.action is Action.REJECT or not approval.request.groups:
        return False
    role = response.approver.role
    return not any(demand.includes(response.seat) or demand.includes(role) for demand in unmet_demands(approval))


def outcome(approval: Approval) -> Status | None:
    """Return what the standing responses decide, if anything. Each fills another seat."""
    rejecting = {response.seat for response in approval.standing if response.action is Action.REJECT}
    if len(rejecting) >= approval.request.required_rejections:
        return Status.REJECTED
    return None if unmet_demands(approval) else Status.APPROVED


def approvals_in(approval: Approval, demand: Demand) -> tuple[Response, ...]:
    """Return the standing approvals that count in a demand, in the order in which they were given."""
    return tuple(
        response
        for response in approval.standing
        if response.action is Action.APPROVE and demand.includes(response.seat)
    )


def find_seat(approval: Approval, person: Person, approver: Approver, at: datetime) -> Person | Reason:
    """Return the person whose seat a response of this person fills at a moment: their own, or that of another.

    An approver fills their own seat alone. A delegate fills the first empty one, in the order of the request, that a
    demand still needs.
    """
    if owns_seat(approval, person, approver):
        return person
    theirs = {each.owner for each in in_force(approval, at) if each.delegate.id == person.id}
    if not theirs:
        return Reason.NOT_A_DELEGATE
    owners = [owner for owner in eligible(approval) if owner.id in theirs]
    if not owners:
        return Reason.NOT_AN_APPROVER  # Those whose delegate they are can respond after an escalation.
    filled = {response.seat for response in approval.standing}
    empty = [owner for owner in owners if owner.id not in filled]
    return next(iter(_needed(approval, empty) or empty), Reason.SEAT_FILLED)


def delegates_answer(approval: Approval, owner: Person) -> Response | None:
    """Return the standing response of a delegate in this person's seat."""
    return next((each for each in approval.standing if each.on_behalf_of == owner.id), None)


def unanswered(approval: Approval) -> tuple[Person, ...]:
    """Return the people who are told of the request and whose seats are empty, and then their delegates."""
    return _with_free_delegates(approval, _with_empty_seats(approval))


def awaited(approval: Approval) -> tuple[Person, ...]:
    """Return those of them whose approval a demand still needs: the people to remind."""
    return _with_free_delegates(approval, _needed(approval, _with_empty_seats(approval)))


def informed(approval: Approval) -> tuple[Person, ...]:
    """Return the people who are told of the request and its outcome, and then their delegates."""
    owners = invited(approval)
    return (*owners, *_delegates(approval, owners))


def _with_empty_seats(approval: Approval) -> list[Person]:
    filled = {response.seat for response in approval.standing}
    return [person for person in invited(approval) if person.id not in filled]


def _needed(approval: Approval, people: Sequence[Person]) -> list[Person]:
    needed = unmet_demands(approval)
    return [person for person in people if any(demand.includes(person.id) for demand in needed)]


def _with_free_delegates(approval: Approval, owners: Sequence[Person]) -> tuple[Person, ...]:
    """Return the people, and those of their delegates who have not responded."""
    responded = {response.person for response in approval.standing}
    return (*owners, *(person for person in _delegates(approval, owners) if person.id not in responded))


def _delegates(approval: Approval, owners: Sequence[Person]) -> list[Person]:
    """Return the delegates of these people who have no seat of their own."""
    ids = {person.id for person in owners}
    seated = {person.id for person in eligible(approval)}
    found = {each.delegate.id: each for each in in_force(approval, latest_moment(approval)) if each.owner in ids}
    return [each.delegate for each in found.values() if each.delegate.id not in seated]
