"""People who are away and their delegates, for tests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from approvals.domain.people import Approver, Delegation, Person
from tests.support.builders import NOW

ANN, BO, DAN, EVE = (
    Person(id=f"{name}@example.com", name=f"{name}@example.com", identities={"email": f"{name}@example.com"})
    for name in ("ann", "bo", "dan", "eve")
)


def a_delegation(owner: Person, delegate: Person, **changes: Any) -> Delegation:
    """Return a delegation that holds for a day from the moment of the request."""
    values: dict[str, Any] = {
        "owner": owner.id,
        "delegate": delegate,
        "named": delegate.id,
        "since": NOW - timedelta(hours=1),
        "until": NOW + timedelta(days=1),
        "set_by": "U0ANN00001",
    }
    return Delegation(**values | changes)


def by_email(person: Person) -> Approver:
    """Return the person as they respond by email."""
    return Approver(id=person.address, name=person.name, channel="email")
