"""Look up names: the people behind each, in all channels of the stack. Pure but for the resolvers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from approvals.domain.model import Request
from approvals.domain.people import Person
from approvals.domain.profiles import channel_of, profile_of

MAX_PEOPLE = 100
"""People that one request may name, those in groups included: each is a lookup, and a part of the record, which
DynamoDB limits to 400 KB.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
"""


class UnresolvedError(Exception):
    """A name stands for nobody who can respond. The message says why, as a sentence."""


class Resolver(Protocol):
    """What one channel knows of people. Its methods raise `DeliveryError` if the channel can't be asked."""

    @property
    def channel(self) -> str:
        """The channel's name."""

    def prepare(self, request: Request) -> None:
        """Begin a request. Forget the one before."""

    def understands(self, name: str) -> bool:
        """Return True if the name has the form of one of the channel's."""

    def resolve(self, name: str) -> Iterable[Person]:
        """Return the people whom a name asks: one, or a group. Raise `UnresolvedError`."""

    def recognize(self, name: str) -> Person:
        """Return the person behind the requester's name, whether they can respond or not. Raise `UnresolvedError`."""

    def complete(self, person: Person) -> Person:
        """Return the person with their name on this channel, if it knows them by another one."""

    def reachable(self, person: Person) -> Person:
        """Return the person without their name on this channel if no message would reach them there."""

    def unreachable(self, name: str) -> str:
        """Say why nobody behind a name can be reached."""


class Lookup:
    """Looks up names with one resolver for each channel."""

    def __init__(self, resolvers: Sequence[Resolver]) -> None:
        self._resolvers = resolvers

    def resolve(self, name: str) -> list[Person]:
        """Return the people behind a name, each as far as they can be reached. Raise `UnresolvedError`."""
        resolver = self._resolver(name)
        found = [self._reachable(self._completed(person)) for person in resolver.resolve(name)]
        if not all(person.identities for person in found):
            raise UnresolvedError(resolver.unreachable(name))
        return found

    def list_members(self, name: str) -> list[Person]:
        """Return the people behind a group in a list of the policy: nobody if it can't be resolved."""
        try:
            return [self._completed(person) for person in self._resolver(name).resolve(name)]
        except UnresolvedError:
            return []

    def _resolver(self, name: str) -> Resolver:
        for resolver in self._resolvers:
            if resolver.understands(name):
                return resolver
        raise UnresolvedError(profile_of(channel_of(name) or "").missing)

    def _completed(self, person: Person) -> Person:
        for resolver in self._resolvers:
            person = resolver.complete(person)
        return person

    def _reachable(self, person: Person) -> Person:
        for resolver in self._resolvers:
            person = resolver.reachable(person)
        return person

    def recognize(self, name: str) -> Person:
        """Return the person behind the requester's name, whether they can respond or not. Raise `UnresolvedError`."""
        return self._completed(self._resolver(name).recognize(name))
