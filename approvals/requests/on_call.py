"""Find the people who joined a request's groups since it was made, such as those who are on call now. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from approvals.domain.demands import Demand
from approvals.domain.eligibility import is_quorum
from approvals.domain.groups import REQUESTED, Group
from approvals.domain.model import Request
from approvals.domain.people import OnCall, People, Person
from approvals.domain.profiles import is_group
from approvals.requests.allowed import Allowed
from approvals.requests.lookup import MAX_PEOPLE, Lookup, Resolver, UnresolvedError


def add_on_call(request: Request, people: People, resolvers: Sequence[Resolver], at: datetime) -> People:
    """Return the people of a request with those who joined the groups that it names, such as Slack's user groups.

    People are only added, as far as the pinned policy allows them; the requester never is. Raise `DeliveryError` if a
    channel can't be asked.
    """
    if request.is_open or not any(map(is_group, request.names)):
        return people
    for resolver in resolvers:
        resolver.prepare(request)
    return _Joining(request, people, Lookup(resolvers), at).people()


@dataclass(slots=True)
class _Joining:
    """The people of a request while others join them."""

    request: Request
    before: People
    lookup: Lookup
    at: datetime
    joined: list[OnCall] = field(default_factory=list)
    found: dict[str, list[Person]] = field(default_factory=dict)
    listed: dict[str, list[Person]] = field(default_factory=dict)
    """What each name stands for, so that no channel is asked twice."""

    def people(self) -> People:
        request, before = self.request, self.before
        approvers = self._with_members(before.approvers, request.approvers)
        for group in request.groups:
            approvers = self._with_members(approvers, group.approvers, group)
        told = {person.id for person in approvers}
        approvers = self._with_members(approvers, request.silent)
        silent = [person.id for person in approvers if person.id not in told]
        escalation = self._with_members(before.escalation, request.escalate_to)
        after = replace(
            before, approvers=approvers, escalation=escalation, silent=tuple(dict.fromkeys((*before.silent, *silent)))
        )
        demands = (*before.demands[:1], *self._demands(after))
        return replace(after, demands=demands, on_call=(*before.on_call, *self.joined))

    def _demands(self, people: People) -> Iterator[Demand]:
        """Yield what each group must approve, with those who joined it: they count there from now on."""
        seated = {person.id for person in (*people.approvers, *people.escalation)}
        for group, demand in zip(self.request.groups, people.demands[1:], strict=False):
            members = dict.fromkeys(demand.people or ())
            for name in (*group.approvers, *(self.request.escalate_to if group.name == REQUESTED else ())):
                for person in self._members(name, group):
                    if person.id in seated and person.id not in members:
                        members[person.id] = None
                        self._note(person, name)
            yield replace(demand, people=tuple(members))

    def _note(self, person: Person, name: str) -> None:
        if (person.id, name) not in {(each.person, each.group) for each in self.joined}:
            self.joined.append(OnCall(person=person.id, group=name, at=self.at))

    def _with_members(
        self, people: tuple[Person, ...], names: Sequence[str], group: Group | None = None
    ) -> tuple[Person, ...]:
        found = {person.id: person for person in people}
        for name in names:
            for person in self._members(name, group):
                if person.id not in found and len(found) + len(self.before.escalation) < MAX_PEOPLE:
                    found[person.id] = person
                    self._note(person, name)
        return tuple(found.values())

    def _members(self, name: str, group: Group | None) -> list[Person]:
        """Return the people behind a group's name who may respond: as the record knows them, if it does."""
        if not is_group(name):
            return []
        if name not in self.found:
            try:
                self.found[name] = self.lookup.resolve(name)
            except UnresolvedError:  # An empty group takes nobody's place away.
                self.found[name] = []
        return [self._known(person) for person in self.found[name] if self._may_join(person, group)]

    def _list_members(self, name: str) -> list[Person]:
        if name not in self.listed:
            self.listed[name] = self.lookup.list_members(name)
        return self.listed[name]

    def _known(self, person: Person) -> Person:
        everybody = (*self.before.approvers, *self.before.escalation)
        return next((each for each in everybody if _is_same(each, person)), person)

    def _may_join(self, person: Person, group: Group | None) -> bool:
        requester = self.before.requester
        if requester and _is_same(requester, person):
            return False
        if self._could_respond_twice(person):
            return False
        return self._is_allowed(person, group)

    def _is_allowed(self, person: Person, group: Group | None) -> bool:
        policy = self.request.policy
        if policy is None:
            return True
        owned = [each.approvers for each in policy.groups if group and each.name == group.name]
        return Allowed((*policy.allowed, *owned), self._list_members).include(person)

    def _could_respond_twice(self, person: Person) -> bool:
        """Return True for a person without an address, where others respond through a role: they are known by it."""
        everybody = (*self.before.approvers, *self.before.escalation)
        has_role = any(is_group(identity) for each in everybody for identity in each.identities.values())
        is_role = any(map(is_group, person.identities.values()))
        return has_role and is_quorum(self.request) and not (person.address or is_role)


def _is_same(one: Person, other: Person) -> bool:
    return one.id == other.id or bool(one.identities.items() & other.identities.items())
