"""Approvals with a grant, and calls that spend it."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from typing import Any

from approvals.domain.errors import ConflictError
from approvals.domain.grants import GrantTerms, Spend
from approvals.domain.model import Action, Approval, Json, Request
from approvals.domain.spending import digest, grant_id
from approvals.store.table import NotFoundError
from tests.support.builders import HOUR, TOKEN, an_approval, decided

GRANT = grant_id(TOKEN)
APPLY: Json = {"Command": ["terraform", "apply", "plan.out"], "Count": 3}
BY = "arn:aws:states:eu-west-1:123456789012:execution:Deploy:run-1"


def asked_with_grant(
    action: Json = APPLY, *, uses: int = 1, valid: timedelta = HOUR, token: str = TOKEN, **changes: Any
) -> Approval:
    """Return a pending approval with an action and a grant."""
    approval = an_approval(**changes)
    terms = GrantTerms(uses=uses, valid=valid)
    request = Request(title="Apply", timeout=HOUR, action=action, grant=terms)
    return replace(approval, id=grant_id(token).partition(".")[0], request=request, grant_hash=digest(grant_id(token)))


def with_grant(action: Json = APPLY, *, by: Action = Action.APPROVE, **options: Any) -> Approval:
    """Return an approval with a grant that Alice approved a minute after the request, or rejected."""
    asked = asked_with_grant(action, **options)
    return decided(by, **{name: getattr(asked, name) for name in ("id", "request", "grant_hash", "spends")})


def a_spend(**changes: Any) -> dict[str, Any]:
    """Return the payload of a spend of the grant of `with_grant()`."""
    return {"GrantId": GRANT, "Action": deepcopy(APPLY), "Key": "run-1/Apply", "SpentBy": BY, **changes}


class MemorySpends:
    """One approval, whose uses are stored as the table does it."""

    def __init__(self, approval: Approval) -> None:
        self.approval = approval

    def get(self, approval_id: str) -> Approval:
        if approval_id != self.approval.id:
            raise NotFoundError(approval_id)
        return self.approval

    def add(self, approval: Approval, key_hash: str, spend: Spend) -> None:
        current = self.approval
        if key_hash in current.spends or len(current.spends) != len(approval.spends):
            raise ConflictError(current)
        self.approval = replace(current, spends={**current.spends, key_hash: spend})
