"""When the scheduler has something to do for an approval: remind, escalate or expire. Pure."""

from __future__ import annotations

from datetime import datetime

from approvals.domain.model import Approval


def next_due(approval: Approval) -> datetime:
    """Return when the scheduler has something to do next: remind, escalate or expire."""
    moments = [approval.deadline, *reminder_times(approval)[approval.reminded :]]
    if escalation := escalation_time(approval):
        moments.append(escalation)
    return min(moments)


def escalation_time(approval: Approval) -> datetime | None:
    """Return when the request is escalated; None if that was done, or is not asked for."""
    after = approval.request.escalate_after
    if after is None or approval.escalated_at is not None:
        return None
    return _in_working_hours(approval, approval.requested_at + after)


def reminder_times(approval: Approval) -> list[datetime]:
    """Return when to remind. An extension moves the reminders, too."""
    more_time = approval.deadline - (approval.requested_at + approval.request.timeout)
    planned = [approval.requested_at + after + more_time for after in approval.request.reminders]
    return [_in_working_hours(approval, moment) for moment in planned]


def _in_working_hours(approval: Approval, planned: datetime) -> datetime:
    hours = approval.request.remind_during
    return hours.delay(planned, approval.deadline) if hours else planned
