"""Reduce an approval to what a row of a list shows, so that a thousand fit in little memory."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from approvals.domain import wording
from approvals.domain.eligibility import deciders
from approvals.domain.model import Approval, Decision, Delivery, Severity
from approvals.domain.people import Approver


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a row shows of an approval: not the request, which takes the whole record.

    `headline` is the status in words. `progress` counts the responses, and is empty where one response decides.
    `deciders` are all whose responses decided.
    """

    id: str
    title: str
    severity: Severity
    requested_by: str | None
    deadline: datetime
    headline: str
    progress: str
    decision: Decision | None
    deciders: tuple[Approver, ...]
    deliveries: tuple[Delivery, ...]


def summarize(approval: Approval) -> Summary:
    """Return the summary of an approval."""
    return Summary(
        id=approval.id,
        title=approval.title,
        severity=approval.request.severity,
        requested_by=approval.request.requested_by,
        deadline=approval.deadline,
        headline=wording.headline(approval),
        progress=next(iter(wording.counts(approval)), ""),
        decision=approval.decision,
        deciders=deciders(approval),
        deliveries=approval.deliveries,
    )
