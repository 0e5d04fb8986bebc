"""Name the status of an approval in one or a few words, the same on every surface."""

from __future__ import annotations

from approvals.domain.errors import INVALID_REQUEST, NOTIFICATION_FAILED
from approvals.domain.model import Decision, Status

HEADLINES = {
    Status.PENDING: "Waiting for a response",
    Status.APPROVED: "Approved",
    Status.REJECTED: "Rejected",
    Status.EXPIRED: "Expired",
    Status.CANCELLED: "Cancelled",
}

REFUSED = "Refused"
"""The headline of a request that the product did not ask. Its stored status is CANCELLED, as in earlier versions."""

_REFUSALS = frozenset({INVALID_REQUEST, NOTIFICATION_FAILED})


def is_refused(decision: Decision | None) -> bool:
    """Return True if the product itself ended the request: it was invalid, or nobody could be told."""
    return decision is not None and decision.status is Status.CANCELLED and decision.error in _REFUSALS
