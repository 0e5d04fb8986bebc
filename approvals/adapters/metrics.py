"""Write metrics as log lines, from which CloudWatch makes metrics: no call, no names, no secrets.

The dimension `service` is the stack's name (POWERTOOLS_SERVICE_NAME).
"""

from __future__ import annotations

from datetime import datetime

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from approvals.domain.model import Decision

NAMESPACE = "HumanApproval"

REQUESTED = "ApprovalRequested"
"""A request was stored."""

DECIDED = "ApprovalDecided"
"""An approval was decided: in all, and by `Channel` and `Status`."""

TIME_TO_DECISION = "TimeToDecisionSeconds"
"""The time from the request to a person's decision. The scheduler's decisions do not count."""

IN_VAIN = "AnsweredInVain"
"""A person decided when the workflow no longer waited."""

POLICY_UNAVAILABLE = "PolicyUnavailable"
"""A request was not judged, or open approvals were not compared, since the operator's policy can't be read."""

OVERRIDDEN = "ApprovalOverridden"
"""A person decided alone, in an emergency."""


SPEND_REFUSED = "SpendRefused"
"""A grant was not spent: in all, and by `Error`. Lambda counts it as an error of the function, too."""


def count_refused_spend(error: str) -> None:
    """Count a refused spend by the name of its error."""
    metrics = _metrics()
    metrics.add_dimensions(Error=error)
    metrics.add_metric(SPEND_REFUSED, MetricUnit.Count, 1)
    metrics.flush_metrics()


def count_override() -> None:
    """Count an override."""
    metrics = _metrics()
    metrics.add_metric(OVERRIDDEN, MetricUnit.Count, 1)
    metrics.flush_metrics()


def count_unavailable_policy() -> None:
    """Count that the policy can't be read: a request failed, or open approvals keep their rules for now."""
    metrics = _metrics()
    metrics.add_metric(POLICY_UNAVAILABLE, MetricUnit.Count, 1)
    metrics.flush_metrics()


def count_request() -> None:
    """Count a new request."""
    metrics = _metrics()
    metrics.add_metric(REQUESTED, MetricUnit.Count, 1)
    metrics.flush_metrics()


def count_decision(decision: Decision, *, requested_at: datetime, reached: bool) -> None:
    """Count and time a decision, once it is known whether it reached the workflow."""
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
