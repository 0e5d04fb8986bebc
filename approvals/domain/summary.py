"""An approval in a list: only what a row shows, so that a thousand of them fit in little memory. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from approvals.domain import wording
from approvals.domain.model import Approval, Decision, Delivery, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a row shows of an approval. It does not say what is asked: that takes the whole record.

    `headline` is its status in words, `progress` how many of those needed have responded; empty where one decides.
    """

    id: str
    title: str
    severity: Severity
    requested_by: str | None
    deadline: datetime
    headline: str
    progress: str
    decision: Decision | None
    deliveries: tuple[Delivery, ...]


def summarize(approval: Approval) -> Summary:
    """Return what a row shows of the approval."""
    return Summary(
        id=approval.id,
        title=approval.title,
        severity=approval.request.severity,
        requested_by=approval.request.requested_by,
        deadline=approval.deadline,
        headline=wording.headline(approval),
        progress=next(iter(wording.counts(approval)), ""),
        decision=approval.decision,
        deliveries=approval.deliveries,
    )
