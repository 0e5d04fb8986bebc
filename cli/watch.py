"""Waits for a decision by looking again and again, and tells what happens meanwhile."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from approvals.domain.history import Entry, history
from approvals.domain.model import Approval, Status
from cli.aws_errors import code, explained, passing
from cli.context import Context, Failure
from cli.group import FAILED
from cli.lookup import approvals_of, in_full

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.type_defs import DescribeExecutionOutputTypeDef

INTERVAL = 2.0
"""Seconds between two looks. Each reads one record: 1,800 reads in an hour, less than a cent for a hundred hours."""

EXECUTION_EVERY = 10
"""Looks between two at the execution, whose API takes fewer calls."""

OUTAGE = timedelta(minutes=5)
"""How long AWS may be busy or out of reach before waiting fails."""

SETTLING = timedelta(minutes=3)
"""How long it is waited, after a decision, for whether it reached the workflow: the clock sees to it after two."""

LOST = timedelta(minutes=3)
"""How long an approval may seem open after its execution has ended: the clock, every minute, would have seen it."""

APPROVED, REJECTED, NOBODY = 0, 1, 2

Found = TypeVar("Found")


class Reporter(Protocol):
    """Tells what happens while somebody waits."""

    def happened(self, entry: Entry) -> None:
        """Something happened."""

    def waiting(self, approval: Approval, now: datetime) -> None:
        """It is waited on."""

    def trouble(self, sentence: str) -> None:
        """AWS can't be asked at the moment; it is tried again."""

    def close(self) -> None:
        """Nothing more is told."""


@dataclass
class Watch:
    """Waits for one approval. Survives that AWS is busy or out of reach for a while; raises what else boto3 raises."""

    context: Context
    reporter: Reporter
    _told: set[tuple[str, str]] = field(default_factory=set)
    _looks: int = 0
    _ended_at: datetime | None = None

    def requested(self, execution_arn: str, started: datetime) -> Approval:
        """The approval that an execution asks for, once it is there. Raises `Failure` when it ends without one."""
        while True:
            approval = self.requested_within(timedelta(days=1), execution_arn, started)
            if approval:
                return approval

    def requested_within(self, most: timedelta, execution_arn: str, started: datetime) -> Approval | None:
        """The same; None when it takes longer."""
        given_up = self.context.clock() + most
        ended = None
        while self.context.clock() < given_up:
            approval = self._patiently(lambda: next(approvals_of(self.context, execution_arn, started), None))
            if approval:
                return approval
            if ended:  # And was, when the indexes were asked: they know a new record only after a moment.
                raise Failure(_failed(ended))
            ended = self._patiently(lambda: self._ended(execution_arn))
            self.context.sleep(INTERVAL)
        return None

    def decided(self, approval: Approval) -> Approval:
        """The approval once it is decided, and it is known whether the workflow heard, or that takes too long.

        An approval that another took the place of is left for that one. Raises `Failure` when the execution ended and
        the approval does not.
        """
        while True:
            self._tell(approval)
            if self._is_settled(approval):
                return approval
            self.reporter.waiting(approval, self.context.clock())
            self.context.sleep(INTERVAL)
            approval = self._patiently(lambda: self._read(_successor(approval)))  # noqa: B023  # called at once
            self._look_at_execution(approval)

    def _tell(self, approval: Approval) -> None:
        for entry in history(approval):
            if (approval.id, entry.key) not in self._told:
                self._told.add((approval.id, entry.key))
                self.reporter.happened(entry)

    def _is_settled(self, approval: Approval) -> bool:
        decision = approval.decision
        if decision is None or decision.superseded_by:
            return False
        return approval.resumed is not None or self.context.clock() >= decision.at + SETTLING

    def _look_at_execution(self, approval: Approval) -> None:
        self._looks += 1
        if approval.decision or self._looks % EXECUTION_EVERY:
            return
        arn = approval.workflow.execution_arn
        ended = self._patiently(lambda: self._ended(arn))
        now = self.context.clock()
        self._ended_at = (self._ended_at or now) if ended else None
        if ended and self._ended_at and now - self._ended_at >= LOST:
            raise Failure(f"{_failed(ended)}. Its approval does not know of it: {self.context.command('doctor')}")

    def _read(self, approval_id: str) -> Approval:
        for approval in in_full(self.context, [approval_id]):
            return approval
        raise Failure(f"The record of approval {approval_id} is gone")

    def _ended(self, arn: str) -> DescribeExecutionOutputTypeDef | None:
        """The execution, if it has ended."""
        try:
            execution = self.context.stepfunctions.describe_execution(executionArn=arn)
        except ClientError as error:
            # Step Functions may not know yet of what it has just started, and forgets after 90 days.
            if code(error) == "ExecutionDoesNotExist":
                return None
            raise
        return None if execution["status"] in ("RUNNING", "PENDING_REDRIVE") else execution

    def _patiently(self, ask: Callable[[], Found]) -> Found:
        since: datetime | None = None
        while True:
            try:
                return ask()
            except (ClientError, BotoCoreError) as error:
                now = self.context.clock()
                since = since or now
                if not passing(error) or now - since >= OUTAGE:
                    raise
                self.reporter.trouble(f"{explained(error)}; trying on")
            self.context.sleep(INTERVAL)


def exit_code(approval: Approval) -> int:
    """What a shell is told of a decided approval. One that its workflow has not heard of lets nothing pass."""
    if approval.decision and approval.decision.error and approval.status is Status.CANCELLED:
        return FAILED  # Nobody could be asked.
    if approval.status is Status.APPROVED:
        return {True: APPROVED, False: NOBODY, None: FAILED}[approval.resumed]
    return REJECTED if approval.status is Status.REJECTED else NOBODY


@contextmanager
def sigterm_interrupts() -> Iterator[None]:
    """Makes SIGTERM what Ctrl-C is: CI systems send it when a job is cancelled."""
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def _successor(approval: Approval) -> str:
    return (approval.decision and approval.decision.superseded_by) or approval.id


def _failed(execution: DescribeExecutionOutputTypeDef) -> str:
    why = ": ".join(part for part in (execution.get("error"), execution.get("cause")) if part)
    return f"The execution {execution['name']} ended as {execution['status']}{f': {why}' if why else ''}"
