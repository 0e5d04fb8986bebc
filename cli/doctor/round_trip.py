"""The round trip: a real request that says it is a test, followed until people are told, then called off."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from approvals.domain.model import Approval
from approvals.domain.steps import outcome_step, request_step
from bot.addresses import SLACK
from cli.doctor.finding import Check, Finding, fault, ok
from cli.doctor.patient import Patient
from cli.find import approvals_of
from mail.addresses import EMAIL

TITLE = "Test by approvals doctor: nothing to decide"

_DETAILS = "Somebody looks whether approvals work. It is called off by itself in a moment; an answer changes nothing."
_MINUTES = 10
"""The test's own deadline, should nobody be left to call it off."""

PATIENCE = timedelta(seconds=90)
"""How long each step may take: a cold start, and the first retries."""

_LOOK = 0.5
"""Seconds between two looks."""


def round_trip(patient: Patient) -> Iterator[Finding]:
    """Asks, sees that people are told, stops the execution, and sees that the request is called off everywhere."""
    asked = {"Approval": {"Title": TITLE, "Details": _DETAILS, "TimeoutMinutes": _MINUTES}}
    execution = patient.context.stepfunctions.start_execution(
        stateMachineArn=patient.output("StateMachineHumanApprovalArn"),
        name=f"doctor-{secrets.token_hex(6)}",
        input=json.dumps(asked),
    )
    trip = _Trip(patient, execution["executionArn"], execution["startDate"])
    try:
        yield from trip.outward()
    finally:
        # Whatever went wrong, and at Ctrl-C: nobody is left with a request that means nothing.
        patient.context.stepfunctions.stop_execution(
            executionArn=execution["executionArn"], cause="approvals doctor has seen enough"
        )
    yield from trip.homeward()


class _Trip:
    """One test on its way. Times are those of the record, in seconds since the execution was started."""

    def __init__(self, patient: Patient, arn: str, started: datetime) -> None:
        self._patient = patient
        self._arn = arn
        self._started = started

    def outward(self) -> Iterator[Finding]:
        yield self._step("recorded", "RequestLogs", lambda approval: approval.requested_at)
        if self._found() is None:
            return
        email = self._patient.parameters["Email"]
        mailed = request_step(EMAIL, email)
        yield self._step(f"mailed to {email}", "NotifyLogs", lambda approval: approval.steps.get(mailed))
        if self._patient.slack_channel:
            posted = request_step(SLACK)
            yield self._step("posted in Slack", "NotifyLogs", lambda approval: approval.steps.get(posted))

    def homeward(self) -> Iterator[Finding]:
        if self._found() is None:
            return
        yield self._step(
            "called off once its execution was stopped",
            "LifecycleLogs",
            lambda approval: approval.decision.at if approval.decision else None,
        )
        if self._patient.slack_channel:
            shown = outcome_step(SLACK)
            yield self._step("without buttons in Slack", "DecisionLogs", lambda approval: approval.steps.get(shown))

    def _step(self, what: str, logs: str, when: Callable[[Approval], datetime | None]) -> Finding:
        given_up = self._patient.context.clock() + PATIENCE
        while self._patient.context.clock() < given_up:
            approval = self._found()
            if approval and (at := when(approval)):
                return ok(Check.ROUND_TRIP, f"{what} after {(at - self._started).total_seconds():.1f} s")
            self._patient.context.sleep(_LOOK)
        text = f"not {what} within {PATIENCE.total_seconds():.0f} s"
        return fault(Check.ROUND_TRIP, text, self._patient.tail(logs))

    def _found(self) -> Approval | None:
        return next(approvals_of(self._patient.context, self._arn, self._started), None)
