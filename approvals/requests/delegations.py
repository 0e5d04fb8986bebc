"""Find the delegates of a request, and why it goes on without one. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from approvals.domain.absences import Absence
from approvals.domain.model import Approval, Request
from approvals.domain.people import Delegation, DelegationKind, LeftOut, People, Person
from approvals.domain.pinned_policy import PinnedPolicy
from approvals.requests.allowed import Allowed


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegates:
    """The delegates of one request. `members` returns the people behind a name of the policy's lists."""

    request: Request
    people: People
    members: Callable[[str], Iterable[Person]]

    def delegation(self, owner: Person, absence: Absence, delegate: Person | None) -> Delegation:
        """Return the delegation for a person who is away. The `delegate` is None if no channel reaches them.

        The policy limits its time.
        """
        until = absence.until
        if policy := self.request.policy:
            until = min(until, absence.since + timedelta(days=policy.longest_delegation_days))
        name = absence.delegate
        return Delegation(
            owner=owner.id,
            delegate=delegate or Person(id=name, name=name),
            named=name,
            since=absence.since,
            until=until,
            set_by=absence.set_by,
            kind=DelegationKind.REASSIGNED if absence.approval else DelegationKind.AWAY,
            left_out=self._why_left_out(owner, delegate),
        )

    def _why_left_out(self, owner: Person, delegate: Person | None) -> LeftOut | None:
        request, people = self.request, self.people
        barred = people.requester.id if people.requester and not request.allow_self_approval else None
        if owner.id == barred:
            return LeftOut.REQUESTERS_SEAT
        if delegate is None:
            return LeftOut.UNREACHABLE
        if delegate.id == barred:
            return LeftOut.REQUESTER
        if any(person.id == delegate.id for person in people.approvers):
            return LeftOut.ALREADY_ASKED
        return self._why_not_by(request.policy, owner, delegate) if request.policy else None

    def _why_not_by(self, policy: PinnedPolicy, owner: Person, delegate: Person) -> LeftOut | None:
        if not (policy.delegation_allowed and self._is_allowed(policy.allowed, delegate)):
            return LeftOut.POLICY
        return None if self._is_deputy(policy, owner, delegate) else LeftOut.GROUP

    def _is_deputy(self, policy: PinnedPolicy, owner: Person, delegate: Person) -> bool:
        """Return True if each of the policy's groups that counts the owner names the delegate: all of it or nothing."""
        counting = {demand.name for demand in self.people.demands if demand.people and owner.id in demand.people}
        return all(self._is_allowed((group.delegates,), delegate) for group in policy.groups if group.name in counting)

    def _is_allowed(self, lists: Sequence[Sequence[str]], person: Person) -> bool:
        return Allowed(lists, self.members).include(person)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """The delegations of an open approval that are `kept`, shortened where they were ended, and absences to add."""

    kept: tuple[Delegation, ...]
    added: tuple[Absence, ...]


def changed_delegations(approval: Approval, absences: Sequence[Absence], now: datetime) -> Changed | None:
    """Return how the delegations of an open approval differ from the absences; None if they do not.

    Only seats that were reassigned are added: an absence is for requests that are made during it.
    """
    pinned = approval.people.delegations if approval.people else ()
    stored = {(each.delegate, each.since) for each in absences}
    kept = tuple(
        each if each.until <= now or (each.named, each.since) in stored else replace(each, until=now) for each in pinned
    )
    known = {(each.named, each.since) for each in pinned}
    added = tuple(
        each
        for each in absences
        if each.approval == approval.id and each.is_current(now) and (each.delegate, each.since) not in known
    )
    return Changed(kept=kept, added=added) if added or kept != pinned else None
