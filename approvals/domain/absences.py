"""Absences: people who are away, and whom requests ask instead. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from approvals.domain.email_address import is_same
from approvals.domain.people import Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """A person who is away from `since` to before `until`, and their delegate for requests of that time.

    `owner` and `delegate` are names as requests have them: an address, or a user id of a channel. `set_by` is who said
    so: the ARN of an AWS identity. `approval` is the id of the only approval that it concerns, where a seat was
    reassigned; it is empty where it concerns all new requests.
    """

    owner: str
    delegate: str
    since: datetime
    until: datetime
    set_by: str
    approval: str = field(default="", metadata={"omitted": ""})

    def is_of(self, person: Person) -> bool:
        """Return True if this person is away."""
        return any(is_same(name, self.owner) for name in (person.id, *person.identities.values()))

    def is_current(self, at: datetime) -> bool:
        """Return True if the person is away at this moment."""
        return self.since <= at < self.until
