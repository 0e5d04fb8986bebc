"""What is counted and timed, as lines of the log that CloudWatch makes metrics of: no call, nobody's name, no secret.

The dimension `service` is the stack's name (POWERTOOLS_SERVICE_NAME). Powertools' package imports its metrics anyway.
"""

from __future__ import annotations

from datetime import datetime

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from approvals.domain.model import Decision

NAMESPACE = "HumanApproval"

REQUESTED = "ApprovalRequested"
"""A request was stored, counted once, whatever becomes of it."""

DECIDED = "ApprovalDecided"
"""A request was settled, by whomever: of all of them, and of each `Channel` and `Status`."""

TIME_TO_DECISION = "TimeToDecisionSeconds"
"""From the request to a person's decision. The clock's decisions say nothing about people."""

IN_VAIN = "AnsweredInVain"
"""A person decided when the workflow waited no longer."""


def requested() -> None:
    """Counts a new request."""
    metrics = _metrics()
    metrics.add_metric(REQUESTED, MetricUnit.Count, 1)
    metrics.flush_metrics()


def settled(decision: Decision, *, requested_at: datetime, reached: bool) -> None:
    """Counts and times a decision, once it is known whether it reached its workflow."""
    metrics = _metrics()
    metrics.add_dimensions(Channel=decision.channel, Status=decision.status.value)
    metrics.add_metric(DECIDED, MetricUnit.Count, 1)
    metrics.flush_metrics()
    if decision.approver:
        metrics.add_metric(TIME_TO_DECISION, MetricUnit.Seconds, (decision.at - requested_at).total_seconds())
        metrics.add_metric(IN_VAIN, MetricUnit.Count, 0 if reached else 1)
        metrics.flush_metrics()


def _metrics() -> EphemeralMetrics:
    metrics = EphemeralMetrics(namespace=NAMESPACE)
    metrics.set_default_dimensions(service=metrics.service or "undefined")
    return metrics
