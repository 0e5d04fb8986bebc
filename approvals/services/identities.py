"""Resolve identities with the channels of this stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from approvals.domain.absences import Absence
from approvals.domain.errors import DeliveryError
from approvals.domain.model import Request
from approvals.domain.people import Delegation, People
from approvals.domain.profiles import open_channels
from approvals.requests.identities import find_delegations, identify
from approvals.requests.lookup import Resolver
from approvals.requests.on_call import add_on_call
from approvals.requests.parse import InvalidRequestError


class StackIdentities:
    """Resolves people with one resolver for each channel. `shared` is the stack's own address."""

    def __init__(self, *, shared: str, resolvers: Sequence[Resolver]) -> None:
        self._shared = shared
        self._resolvers = resolvers

    def find(self, request: Request, absences: Sequence[Absence] = ()) -> People:
        """Return the people of a request. Raise `InvalidRequestError`, and `DeliveryError` if it can't be known."""
        return identify(request, self._resolvers, shared=self._shared, absences=absences)

    def find_delegations(self, request: Request, people: People, absences: Sequence[Absence]) -> tuple[Delegation, ...]:
        """Return the delegations of people who are known. Raise `DeliveryError` if it can't be known."""
        return find_delegations(request, people, self._resolvers, absences)

    def add_on_call(self, request: Request, people: People, at: datetime) -> People:
        """Return the people with those who joined their groups since. Raise `DeliveryError` if it can't be known."""
        return add_on_call(request, people, self._resolvers, at)

    def find_partly(self, request: Request, absences: Sequence[Absence] = ()) -> People | None:
        """Return the people as far as they are known without asking open channels: an outage there delays no other."""
        names = (*request.names, *([request.requested_by] if request.requested_by else []))
        others = [resolver for resolver in self._resolvers if resolver.channel not in open_channels()]
        if not all(any(resolver.understands(name) for resolver in others) for name in names):
            return None
        try:
            return replace(identify(request, others, shared=self._shared, absences=absences), complete=False)
        except (InvalidRequestError, DeliveryError):  # An open channel alone reaches one of them.
            return None
