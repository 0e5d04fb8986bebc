"""The round trip: a real request marked as a test, watched until people are told, then cancelled."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from approvals.domain.model import Approval
from approvals.domain.steps import outcome_step, request_step
from bot.addresses import SLACK
from cli.cancellation import cancel_execution
from cli.context import Context
from cli.doctor.findings import Check, Finding, fault, ok
from cli.doctor.fixes import tail
from cli.lookup import approvals_of
from mail.addresses import EMAIL

TITLE = "Test by approvals doctor: no action needed"

_DETAILS = "This is an automatic test. It is cancelled automatically in a moment; responses have no effect."
_MINUTES = 10
"""The deadline of the test, in case it can't be cancelled."""

STEP_TIMEOUT = timedelta(seconds=90)
"""How long each step may take: a cold start and the first retries."""

_INTERVAL = 0.5
"""Seconds between two reads."""

_Step = tuple[str, str, Callable[[Approval], datetime | None]]
"""What happens, the log group of the function that does it, and when it happened."""


def check_round_trip(context: Context) -> Iterator[Finding]:
    """Check that a request reaches people, and that stopping its execution cancels it everywhere."""
    request = {"Approval": {"Title": TITLE, "Details": _DETAILS, "TimeoutMinutes": _MINUTES}}
    execution = context.client("stepfunctions").start_execution(
        stateMachineArn=context.output("StateMachineHumanApprovalArn"),
        name=f"doctor-{secrets.token_hex(6)}",
        input=json.dumps(request),
    )
    arn, started = execution["executionArn"], execution["startDate"]
    try:
        yield from _findings(context, arn, started, _request_steps(context))
    finally:
        # Even after an error or Ctrl-C: no approver keeps a request that means nothing.
        cancel_execution(context, arn, "This was a test by approvals doctor.")
    if _find(context, arn, started):
        yield from _findings(context, arn, started, _cancellation_steps(context))


def _request_steps(context: Context) -> Iterator[_Step]:
    email = context.parameters["Email"]
    mailed, posted = request_step(EMAIL, email), request_step(SLACK)
    yield "recorded", "RequestLogs", lambda approval: approval.requested_at
    yield f"emailed {email}", "NotifyLogs", lambda approval: approval.steps.get(mailed)
    if context.slack_channel:
        yield "posted in Slack", "NotifyLogs", lambda approval: approval.steps.get(posted)


def _cancellation_steps(context: Context) -> Iterator[_Step]:
    what = "cancelled after its execution stopped"
    yield what, "LifecycleLogs", lambda approval: approval.decision.at if approval.decision else None
    if context.slack_channel:
        yield "buttons removed in Slack", "DecisionLogs", lambda approval: approval.steps.get(outcome_step(SLACK))


def _findings(context: Context, arn: str, started: datetime, steps: Iterable[_Step]) -> Iterator[Finding]:
    """Wait for each step. Yield how many seconds after the start it happened, by the record."""
    for what, logs, happened_at in steps:
        deadline = context.clock() + STEP_TIMEOUT
        while not ((approval := _find(context, arn, started)) and (at := happened_at(approval))):
            if context.clock() >= deadline:
                text = f"not {what} within {STEP_TIMEOUT.total_seconds():.0f} s"
                yield fault(Check.ROUND_TRIP, text, tail(context, logs))
                break
            context.sleep(_INTERVAL)
        else:
            yield ok(Check.ROUND_TRIP, f"{what}: {(at - started).total_seconds():.1f} s")
        if approval is None:
            return


def _find(context: Context, arn: str, started: datetime) -> Approval | None:
    return next(approvals_of(context, arn, started), None)
