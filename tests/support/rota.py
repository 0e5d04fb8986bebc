"""A channel whose groups a rota tool changes."""

from __future__ import annotations

from approvals.domain.errors import DeliveryError
from approvals.domain.people import Person
from approvals.requests.lookup import UnresolvedError
from tests.support.policies import KnownPeople


class Rota(KnownPeople):
    """A channel whose groups change."""

    def __init__(self, **groups: list[str]) -> None:
        self.groups = {name: [f"{each}@example.com" for each in members] for name, members in groups.items()}
        self.broken = False
        super().__init__(self.groups)

    def set(self, group: str, *members: str) -> None:
        self.groups[group] = [f"{each}@example.com" if "@" not in each else each for each in members]

    def resolve(self, name: str) -> list[Person]:
        if self.broken:
            raise DeliveryError("Slack answered internal_error")
        found = super().resolve(name)
        if not found:
            raise UnresolvedError(f"{name} has no members")
        return found
