"""Seats: the place of each person who may respond, and the response that fills it. Standard library only.

One person fills one seat, and one seat counts once. All counts are counts of seats, so that it makes no difference
whether the owner of a seat responds or the person who stands in for them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from approvals.domain.demands import Demand, unmet
from approvals.domain.eligibility import eligible, invited, stranger
from approvals.domain.model import Action, Approval, Response, Status
from approvals.domain.people import Person


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


def unanswered(approval: Approval) -> tuple[Person, ...]:
    """Return the people who are told of the request and whose seats are empty."""
    filled = {response.seat for response in approval.standing}
    return tuple(person for person in invited(approval) if person.id not in filled)


def awaited(approval: Approval) -> tuple[Person, ...]:
    """Return those of them whose approval a demand still needs: the people to remind."""
    needed = unmet_demands(approval)
    return tuple(person for person in unanswered(approval) if any(demand.includes(person.id) for demand in needed))
