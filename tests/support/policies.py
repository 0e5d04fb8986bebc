"""Policies for tests."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from approvals.domain.email_address import canonical
from approvals.domain.model import Request
from approvals.domain.people import Person
from approvals.domain.policy import Policy
from approvals.requests.policy import parse_policy

_APPROVER_ROLE = "arn:aws:iam::123456789012:role/AWSReservedSSO_Approver_0123456789abcdef"
_BREAK_GLASS_ROLE = "arn:aws:iam::123456789012:role/AWSReservedSSO_BreakGlass_fedcba9876543210"

COMPANY: Final[dict[str, Any]] = {
    "Format": 1,
    "Approvers": ["@example.com", "S0ONCALL01", _APPROVER_ROLE],
    "LongestMinutes": 1440,
    "Comment": {"Reject": "required"},
    "OnTimeout": "expire",
    "Groups": {
        "security": {"Approvers": ["S0SECURITY"], "Delegates": ["sec-deputy@example.com"]},
        "ops": {"Approvers": ["S0OPS00001"]},
    },
    "Rules": [
        {
            "Name": "prod",
            "Unless": {"Facts": {"Environment": ["dev", "test"]}},
            "MinimumApprovals": 2,
            "RequiredGroups": {"security": 1, "ops": 1},
            "Severity": "high",
            "Channel": "C0PROD0001",
            "Enforce": "raise",
        },
        {
            "Name": "data-loss",
            "When": {"Context": {"/Plan/Destroys": [True]}},
            "MinimumApprovals": 3,
            "Comment": {"Approve": "required"},
        },
    ],
    "Delegation": {"LongestDays": 30},
    "PersonRoles": [{"Role": _APPROVER_ROLE}, {"Role": _BREAK_GLASS_ROLE}],
    "Override": {"Roles": [_BREAK_GLASS_ROLE]},
}
"""The policy of a company with development and production in one stack: the example of the docs."""


def a_document(**keys: Any) -> dict[str, Any]:
    """Return a policy document that allows everybody at example.com, with two groups, changed by `keys`."""
    groups = {
        "security": {"Approvers": ["sue@example.com", "pia@example.com"], "Delegates": ["eve@example.com"]},
        "ops": {"Approvers": ["otto@example.com", "pia@example.com"]},
    }
    return {"Format": 1, "Approvers": ["@example.com"], "Groups": groups, **keys}


def a_policy(**keys: Any) -> Policy:
    """Return the policy of `a_document`, version 7."""
    return parse_policy(json.dumps(a_document(**keys)), parameter="/approvals/policy", version=7)


class KnownPeople:
    """A channel that knows every email address, and a few groups: a resolver without a service behind it."""

    channel = "email"

    def __init__(self, groups: Mapping[str, Sequence[str]] | None = None) -> None:
        self._groups = groups or {}

    def prepare(self, request: Request) -> None:
        """Nothing is read ahead."""

    def understands(self, name: str) -> bool:
        """Return True for an address, and for a group that it knows."""
        return "@" in name or name in self._groups

    def resolve(self, name: str) -> list[Person]:
        """Return the person with an address, or the members of a group."""
        return [self.recognize(each) for each in self._groups.get(name, (name,))]

    def recognize(self, name: str) -> Person:
        """Return the person with an address."""
        return Person(id=canonical(name), name=name, identities={"email": name})

    def complete(self, person: Person) -> Person:
        """Return the person: there is no other channel."""
        return person

    def reachable(self, person: Person) -> Person:
        """Return the person: everybody is reached."""
        return person

    def unreachable(self, name: str) -> str:
        """Never asked."""
        return name
