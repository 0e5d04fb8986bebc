"""A request that needs one of security and one of ops, for tests: Sue, Otto, and Pia, who is in both."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from approvals.domain.groups import Group
from approvals.domain.model import Action, Approval, Request, Response
from approvals.domain.people import Approver, People, Person
from approvals.domain.rules import judge
from approvals.requests.decidability import demands_of
from tests.support.builders import NOW, an_approval

SUE, OTTO, PIA = (
    Person(id=f"{name.lower()}@example.com", name=name, identities={"email": f"{name.lower()}@example.com"})
    for name in ("Sue", "Otto", "Pia")
)


def of_groups(groups: dict[str, tuple[int, tuple[Person, ...]]], **changes: Any) -> Approval:
    """Return a request with these groups, each with its number and members. Changes are of the request."""
    asked = tuple(
        Group(name=name, required=number, approvers=tuple(person.id for person in members))
        for name, (number, members) in groups.items()
    )
    most = {"required_approvals": sum(group.required for group in asked)}
    request = Request(**{"title": "Deploy", "timeout": timedelta(hours=1), "groups": asked, **most, **changes})
    members = {person.id: person for _, people in groups.values() for person in people}
    demands = demands_of(request, [group.approvers for group in asked])
    return an_approval(request=request, people=People(approvers=tuple(members.values()), demands=demands))


def one_of_each(**changes: Any) -> Approval:
    """Return a request for one of security and one of ops."""
    return of_groups({"security": (1, (SUE, PIA)), "ops": (1, (OTTO, PIA))}, **changes)


def said_by(approval: Approval, person: Person, action: Action = Action.APPROVE, *, minutes: int = 1) -> Approval:
    """Return the approval after a person's response by email."""
    approver = Approver(id=person.id, name=person.name, channel="email")
    return judge(approval, Response(approver=approver, action=action, at=NOW + timedelta(minutes=minutes))).approval
