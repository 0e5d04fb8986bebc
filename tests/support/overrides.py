"""Overrides for tests: today's policy, and the person who may override."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from approvals.domain.judgement import Override
from approvals.domain.model import Action
from approvals.domain.people import Approver
from approvals.domain.pinned_policy import PersonRole, PinnedPolicy, PolicyVersion
from approvals.domain.policy import Policy
from tests.support.builders import NOW
from tests.support.iam_callers import ACCOUNT, by_iam

BREAK_GLASS = "AWSReservedSSO_BreakGlass_fedcba9876543210"
BREAK_GLASS_ROLE = f"arn:aws:iam::{ACCOUNT}:role/{BREAK_GLASS}"
IVY = by_iam("ivy@example.com", BREAK_GLASS_ROLE)
LATER = NOW + timedelta(minutes=5)
REASON = "Payments are down."

PINNED = PinnedPolicy(parameter="/approvals/policy", version=6, sha256="6" * 64)
"""The policy under which a request was asked."""

TODAY = PolicyVersion(parameter="/approvals/policy", version=7, sha256="7" * 64)
OVERRIDABLE = Policy(
    rules=(),
    person_roles=(PersonRole(role=BREAK_GLASS_ROLE),),
    override_roles=(BREAK_GLASS_ROLE,),
    parameter=TODAY.parameter,
    version=TODAY.version,
    sha256=TODAY.sha256,
)
"""Today's policy, which lets one role override."""


def an_override(
    action: Action = Action.APPROVE, approver: Approver = IVY, at: datetime = LATER, **changes: Any
) -> Override:
    """Return an override by Ivy, whom today's policy lets override."""
    found: dict[str, Any] = {"reason": REASON, "roles": (BREAK_GLASS_ROLE,), "policy": TODAY}
    return Override(approver=approver, action=action, at=at, **{**found, **changes})
