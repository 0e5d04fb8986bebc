"""Resolve identities: find the person behind each name in a request.

Pure but for the resolvers that are passed in, one for each channel. Standard library only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain

from approvals.domain.absences import Absence
from approvals.domain.eligibility import is_quorum
from approvals.domain.email_address import is_same
from approvals.domain.groups import REQUESTED, Group
from approvals.domain.model import Request
from approvals.domain.parts import join_names
from approvals.domain.people import Delegation, People, Person
from approvals.domain.pinned_policy import PolicyGroup
from approvals.domain.profiles import is_group, open_channels, profile_of
from approvals.requests.allowed import Allowed
from approvals.requests.codec import KEY
from approvals.requests.decidability import ONLY_REQUESTER, demands_of, impossibilities
from approvals.requests.delegations import Delegates
from approvals.requests.lookup import MAX_PEOPLE, Lookup, Resolver, UnresolvedError
from approvals.requests.parse import InvalidRequestError


def identify(
    request: Request, resolvers: Sequence[Resolver], *, shared: str, absences: Sequence[Absence] = ()
) -> People:
    """Return the people of a request. `shared` is the stack's own address, which several people may read.

    Each of the `absences` that concerns an approver is one of their `delegations`. No delegate keeps a request from
    being made: those who are not allowed or can't be reached are left out.

    Raise `InvalidRequestError` with a sentence for every name that can't be resolved or reached, and if too few
    people are left to decide; `DeliveryError` if a channel can't be asked: then nothing is known.
    """
    return _Identification(request, resolvers, shared, absences).people()


def find_delegations(
    request: Request, people: People, resolvers: Sequence[Resolver], absences: Sequence[Absence]
) -> tuple[Delegation, ...]:
    """Return the delegations of a request whose people are known. Raise `DeliveryError` if a channel can't be asked."""
    for resolver in resolvers:
        resolver.prepare(request)
    return _Identification(request, resolvers, "", absences).delegations(people)


class _Identification:
    """One request's people while they are gathered: a human who is named twice is there once."""

    def __init__(
        self, request: Request, resolvers: Sequence[Resolver], shared: str, absences: Sequence[Absence]
    ) -> None:
        self._request = request
        self._absences = absences
        self._resolvers = resolvers
        self._lookup = Lookup(resolvers)
        self._shared = shared
        self._allowed: Allowed | None = None
        self._humans: list[Person] = []
        self._problems: list[str] = []

    def people(self) -> People:
        request = self._request
        for resolver in self._resolvers:
            resolver.prepare(request)
        if request.policy:
            self._allowed = Allowed(request.policy.allowed, self._lookup.list_members)
        approvers = self._named(request.approvers, "Approvers")
        groups = [self._members(group, f"Groups[{number}]") for number, group in enumerate(request.groups)]
        escalation = self._named(request.escalate_to, "EscalateTo")
        silent = [each for each in self._named(request.silent, "Silent") if each not in self._always_told(groups)]
        requester = self._requester()
        if len(self._humans) > MAX_PEOPLE:
            self._problems.append(
                f"{KEY}.Approvers: {len(self._humans)} people are too many. The maximum is {MAX_PEOPLE}."
            )
        found = People(
            approvers=self._at(dict.fromkeys((*approvers, *chain(*groups), *silent))),
            escalation=self._at(escalation),
            requester=self._humans[requester] if requester is not None else None,
            silent=self._ids(silent),
            demands=demands_of(request, self._group_ids(groups, escalation)) if groups else (),
            allowed=self._allowed.lists if request.is_open and self._allowed else (),
        )
        if not self._problems:
            self._problems += self._impossibilities(found)
        if self._problems:
            raise InvalidRequestError(self._problems)
        return replace(found, delegations=self.delegations(found))

    def delegations(self, people: People) -> tuple[Delegation, ...]:
        """Return the delegations of the people of the request, who are known."""
        delegates = Delegates(request=self._request, people=people, members=self._lookup.list_members)
        owners = {person.id: person for person in (*people.approvers, *people.escalation)}
        for person in (*owners.values(), *([people.requester] if people.requester else [])):
            self._add(person)
        absent = [(owner, absence) for owner in owners.values() for absence in self._absences if absence.is_of(owner)]
        return tuple(
            delegates.delegation(owner, absence, self._delegate(absence.delegate)) for owner, absence in absent
        )

    def _delegate(self, name: str) -> Person | None:
        """Return the person of this name; None if no channel reaches them, or if too many people are named."""
        try:
            found = [] if is_group(name) else self._lookup.resolve(name)
        except UnresolvedError:
            return None
        is_room = len(self._humans) < MAX_PEOPLE
        return self._humans[self._add(found[0])] if found and is_room else None

    def _members(self, group: Group, key: str) -> list[int]:
        """Return where the members of a group stand. A policy's group may only be narrowed."""
        owned = self._owned(group)
        if owned is None or group.approvers == owned.approvers:
            return self._named(group.approvers, f"{key}.Approvers", written=owned is None)
        found = self._named(group.approvers, f"{key}.Approvers")
        members = Allowed((owned.approvers,), self._lookup.list_members)
        self._problems += [
            f'{KEY}.{key}.Approvers: {person.name} is not a member of the policy\'s group "{group.name}".'
            for person in self._at(found)
            if not members.include(person)
        ]
        return found

    def _group_ids(self, groups: Sequence[Sequence[int]], escalation: Sequence[int]) -> list[tuple[str, ...]]:
        """Return the ids of each group's members. Those whom the request names are also those that it escalates to."""
        each = zip(self._request.groups, groups, strict=True)
        return [self._ids((*members, *(escalation if group.name == REQUESTED else ()))) for group, members in each]

    def _owned(self, group: Group) -> PolicyGroup | None:
        policy = self._request.policy
        return next((each for each in policy.groups if each.name == group.name), None) if policy else None

    def _always_told(self, groups: Sequence[Sequence[int]]) -> set[int]:
        """Return where the members of the policy's own groups stand: no request silences them."""
        each = zip(self._request.groups, groups, strict=True)
        return {number for group, members in each if self._owned(group) for number in members}

    def _allowed_behind(self, name: str, *, written: bool) -> list[Person]:
        """Return the people behind a name whom the policy lets approve. One who is named by themselves must be."""
        found = self._lookup.resolve(name)
        if self._allowed is None:
            return found
        kept = [person for person in found if self._allowed.include(person)]
        if written and not kept and not is_group(name):
            raise UnresolvedError(f"{name} may not approve here. The policy allows {self._allowed}.")
        return kept

    def _named(self, names: tuple[str, ...], key: str, *, written: bool = True) -> list[int]:
        """Return where the humans behind the names stand among all; note what is wrong with the names.

        `written` says that the request's author wrote the names.
        """
        found: list[int] = []
        for number, text in enumerate(names):
            try:
                found += [self._add(person) for person in self._allowed_behind(text, written=written)]
            except UnresolvedError as error:
                self._problems.append(f"{KEY}.{key}[{number}]: {error}")
        return list(dict.fromkeys(found))

    def _requester(self) -> int | None:
        name = self._request.requested_by
        if name is None:
            return None
        try:
            return self._add(self._lookup.recognize(name))
        except UnresolvedError as error:
            # An unknown requester could be an approver whom the request names by another name.
            if not self._request.allow_self_approval:
                self._problems.append(f"{KEY}.RequestedBy: {error}")
            return None

    def _impossibilities(self, people: People) -> Iterator[str]:
        if self._request.is_open:
            yield from self._open_impossibilities(people)
            return
        if not people.approvers:  # Without a name, everyone who is asked could respond.
            key = "Approvers" if self._request.approvers else "Groups"
            yield f"{KEY}.{key}: none of these people may approve here. The policy allows {self._allowed}."
            return
        if self._request.escalate_to and not people.escalation:
            yield f"{KEY}.EscalateTo: none of these people may approve here. The policy allows {self._allowed}."
        if _has_group(people):
            yield from self._unrecognizable(people)
        yield from impossibilities(
            self._request,
            people.demands or demands_of(self._request, ()),
            named={person.id for person in people.approvers},
            silent=people.silent,
            requester=people.requester.id if people.requester else None,
        )

    def _unrecognizable(self, people: People) -> Iterator[str]:
        """Yield who could respond a second time through a role: those who do are known by address alone."""
        requester = people.requester
        if requester and not (requester.address or self._request.allow_self_approval):
            yield (
                f"{KEY}.RequestedBy: {requester.name} has no email address here, and people who respond through a role "
                f"are known by address, so {requester.name} could approve their own request. Use their email address."
            )
        if not is_quorum(self._request):
            return
        for person in dict.fromkeys((*people.approvers, *people.escalation)):
            is_role = any(map(is_group, person.identities.values()))
            if not (person.address or "@" in person.id or is_role or person == requester):
                yield (
                    f"{KEY}.Approvers: {person.name} has no email address here, and people who respond through a role "
                    f"are known by address, so {person.name} could respond twice. Use their email address."
                )

    def _open_impossibilities(self, people: People) -> Iterator[str]:
        """Where nobody is named, everyone on an open channel may respond; else the stack's own address alone."""
        for names, listed in zip(
            self._request.policy.allowed if self._request.policy else (), people.allowed, strict=True
        ):
            if not listed:
                yield (
                    f"{KEY}.Approvers: nobody could respond: the policy allows only {join_names(list(names))}, which "
                    "names nobody whom this stack can find. Ask the operator of this stack to fix the policy."
                )
        if any(resolver.channel in open_channels() for resolver in self._resolvers):
            return
        requester, request = people.requester, self._request
        if is_quorum(request):
            key = "RequiredApprovals" if request.required_approvals > 1 else "RequiredRejections"
            lacking = join_names([profile_of(channel).name for channel in open_channels()])
            yield (
                f"{KEY}.{key}: must be 1 without {KEY}.Approvers. This stack has no {lacking}, and several people may "
                f"read {self._shared}, so that address can respond only if one response decides. Add {KEY}.Approvers."
            )
        elif requester and not request.allow_self_approval and is_same(requester.address, self._shared):
            yield f"{KEY}.RequestedBy: {ONLY_REQUESTER}"

    def _add(self, person: Person) -> int:
        """Add a human, or new identities of a known one. Return their position."""
        for number, other in enumerate(self._humans):
            if person.id == other.id or person.identities.items() & other.identities.items():
                self._humans[number] = replace(other, identities={**person.identities, **other.identities})
                return number
        self._humans.append(person)
        return len(self._humans) - 1

    def _at(self, numbers: Iterable[int]) -> tuple[Person, ...]:
        return tuple(self._humans[number] for number in numbers)

    def _ids(self, numbers: Iterable[int]) -> tuple[str, ...]:
        return tuple(self._humans[number].id for number in numbers)


def _has_group(people: People) -> bool:
    """Return True if an approver stands for people who are known only when they respond."""
    found = (*people.approvers, *people.escalation)
    return any(is_group(identity) for person in found for identity in person.identities.values())
