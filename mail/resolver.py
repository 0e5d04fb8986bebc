"""Identities by email: the addresses that have a confirmed subscription."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from approvals.domain.email_address import canonical
from approvals.domain.model import Request
from approvals.domain.people import Person
from mail.addresses import EMAIL, is_email


class EmailResolver:
    """Resolves email addresses. `confirmed` returns those subscribed, as they are spelled, by their casefolded form."""

    channel = EMAIL

    def __init__(self, confirmed: Callable[[], Mapping[str, str]]) -> None:
        self._confirmed = confirmed
        self._subscribed: Mapping[str, str] = {}

    def prepare(self, request: Request) -> None:
        """Read the subscriptions, if an address is named."""
        self._subscribed = self._confirmed() if any(map(is_email, request.names)) else {}

    def understands(self, name: str) -> bool:
        """Return True for an email address."""
        return is_email(name)

    def resolve(self, name: str) -> list[Person]:
        """Return the person with an address."""
        return [self.recognize(name)]

    def recognize(self, name: str) -> Person:
        """Return the person with an address."""
        spelled = self._spelled(name)
        return Person(id=canonical(name), name=spelled, identities={EMAIL: spelled})

    def complete(self, person: Person) -> Person:
        """Return the person with their address as it is subscribed."""
        address = person.on(EMAIL)
        return replace(person, identities={**person.identities, EMAIL: self._spelled(address)}) if address else person

    def reachable(self, person: Person) -> Person:
        """Return the person without an address that no email would reach."""
        if person.on(EMAIL).casefold() in self._subscribed:
            return person
        return replace(person, identities={name: each for name, each in person.identities.items() if name != EMAIL})

    def unreachable(self, name: str) -> str:
        """Say that the address needs a subscription."""
        return (
            f"{name} has not confirmed its email subscription. Run `approvals approvers add {name}`, follow the link "
            "in the email from AWS, and start again."
        )

    def _spelled(self, address: str) -> str:
        # SNS compares a filter policy's addresses letter by letter.
        return self._subscribed.get(address.casefold(), address)
