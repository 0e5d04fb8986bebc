"""Watch an approval until it is decided: `wait` and `request --wait`."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import click
from botocore.exceptions import BotoCoreError, ClientError

from approvals.domain.history import history
from approvals.domain.model import Approval, Status
from cli.aws_errors import error_code, explain, is_transient
from cli.cancellation import cancel_execution
from cli.context import CommandError, Context
from cli.document import document, outcome
from cli.executions import result_of
from cli.group import FAILED, INTERRUPTED
from cli.lookup import approvals_of, read_in_full
from cli.output import emit
from cli.reporters import Reporter, reporter

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.type_defs import DescribeExecutionOutputTypeDef

INTERVAL = 2.0
"""Seconds between two reads of the record: 1,800 reads in an hour, less than a cent for a hundred hours."""

EXECUTION_EVERY = 10
"""Reads of the record between two reads of the execution, whose API allows fewer calls."""

MAX_OUTAGE = timedelta(minutes=5)
"""How long AWS may be busy or out of reach before the command fails."""

MAX_ACCEPTANCE = timedelta(minutes=1)
"""How long to wait, without --wait, until a request is accepted: a cold start, and the lookup of its approvers."""

MAX_RESUMING = timedelta(minutes=3)
"""How long to wait, after a decision, until it has reached the workflow. The scheduler repeats it after two minutes."""

MAX_LAG = timedelta(minutes=3)
"""How long an approval may stay open after its execution ended. The scheduler, every minute, would have closed it."""

APPROVED, REJECTED, UNDECIDED = 0, 1, 2

INTERRUPTION = "The waiting command was interrupted (--cancel-on-interrupt)."
"""The reason of a cancellation by Ctrl-C."""

Found = TypeVar("Found")


@dataclass
class Watch:
    """Watches one approval, at most until `until`, when it raises `TimeoutError`.

    Outlives short outages of AWS; raises what else boto3 raises.
    """

    context: Context
    reporter: Reporter
    until: datetime | None = None
    _reported: set[tuple[str, str]] = field(default_factory=set)
    _reads: int = 0
    _ended_at: datetime | None = None

    def requested(self, execution_arn: str, started: datetime, most: timedelta = timedelta.max) -> Approval:
        """Return the approval that an execution requests.

        Raises `CommandError` if the execution ends without one, and `TimeoutError` after `most`.
        """
        began = self.context.clock()
        ended = None
        while self.context.clock() - began < most:
            approval = self._retry(lambda: next(approvals_of(self.context, execution_arn, started), None))
            if approval:
                return approval
            if ended:  # It had ended before the indexes were read, which are eventually consistent.
                raise CommandError(_ended_sentence(ended))
            ended = self._retry(lambda: self._ended_execution(execution_arn))
            self.pause()
        raise TimeoutError

    def accepted(self, execution_arn: str, started: datetime) -> Approval:
        """Return the approval once its approvers are known, or it has ended.

        Raises `CommandError` if the execution ends without one, and `TimeoutError` after `MAX_ACCEPTANCE`.
        """
        deadline = self.context.clock() + MAX_ACCEPTANCE
        approval = self.requested(execution_arn, started, MAX_ACCEPTANCE)
        approval_id = approval.id
        while approval.people is None and approval.decision is None:
            if self.context.clock() >= deadline:
                raise TimeoutError
            self.pause()
            approval = self._retry(lambda: self._read(approval_id))
        return approval

    def decided(self, approval: Approval) -> Approval:
        """Return the approval once it is decided and the workflow has received the decision, or that takes too long.

        An approval that was superseded is left for its successor. Raises `CommandError` if the execution has ended and
        the approval stays open.
        """
        while True:
            self._report(approval)
            if self._is_settled(approval):
                return approval
            self.reporter.waiting(approval, self.context.clock())
            self.pause()
            successor = (approval.decision and approval.decision.superseded_by) or approval.id
            approval = self._retry(lambda: self._read(successor))  # noqa: B023  # called at once
            self._check_execution(approval)

    def result(self, execution_arn: str) -> Mapping[str, Any]:
        """Return the result of an approval whose workflow received the decision, once the execution has ended.

        Raises `CommandError` if the execution failed, or does not end within `MAX_RESUMING`.
        """
        began = self.context.clock()
        while self.context.clock() - began < MAX_RESUMING:
            found = self._retry(lambda: result_of(self.context, execution_arn))
            if found is not None:
                return found
            self.pause()
        raise CommandError("The workflow received the decision, but its execution does not end.")

    def pause(self) -> None:
        """Sleep until the next read. Raises `TimeoutError` if there is no time left for one."""
        if self.until and self.context.clock() + timedelta(seconds=INTERVAL) > self.until:
            raise TimeoutError
        self.context.sleep(INTERVAL)

    def _report(self, approval: Approval) -> None:
        for entry in history(approval):
            if (approval.id, entry.key) not in self._reported:
                self._reported.add((approval.id, entry.key))
                self.reporter.happened(approval, entry)

    def _is_settled(self, approval: Approval) -> bool:
        decision = approval.decision
        if decision is None or decision.superseded_by:
            return False
        return approval.resumed is not None or self.context.clock() >= decision.at + MAX_RESUMING

    def _check_execution(self, approval: Approval) -> None:
        self._reads += 1
        if approval.decision or self._reads % EXECUTION_EVERY:
            return
        arn = approval.workflow.execution_arn
        ended = self._retry(lambda: self._ended_execution(arn))
        now = self.context.clock()
        self._ended_at = (self._ended_at or now) if ended else None
        if ended and self._ended_at and now - self._ended_at >= MAX_LAG:
            doctor = self.context.command("doctor")
            raise CommandError(f"{_ended_sentence(ended)} Its approval is still open. Check the stack: {doctor}")

    def _read(self, approval_id: str) -> Approval:
        for approval in read_in_full(self.context, [approval_id]):
            return approval
        raise CommandError(f"The record of approval {approval_id} was deleted.")

    def _ended_execution(self, arn: str) -> DescribeExecutionOutputTypeDef | None:
        """Return the execution if it has ended."""
        try:
            execution = self.context.client("stepfunctions").describe_execution(executionArn=arn)
        except ClientError as error:
            # Step Functions may not know an execution that it has just started, and forgets it after 90 days.
            if error_code(error) == "ExecutionDoesNotExist":
                return None
            raise
        return None if execution["status"] in ("RUNNING", "PENDING_REDRIVE") else execution

    def _retry(self, call: Callable[[], Found]) -> Found:
        since: datetime | None = None
        while True:
            try:
                return call()
            except (ClientError, BotoCoreError) as error:
                now = self.context.clock()
                if not is_transient(error) or (since and now - since >= MAX_OUTAGE):
                    raise
                if since is None:
                    since = now
                    self.reporter.outage(f"{explain(error)} Retrying.", now)
            self.pause()


def settle(context: Context, find: Callable[[Watch], Approval], *, cancel: bool) -> Approval:
    """Report the approval that `find` returns until it is decided, and return it.

    `cancel` says that Ctrl-C cancels the approval.
    """
    with closing(reporter(context, cancel=cancel)) as reports:
        watch = Watch(context, reports)
        return watch.decided(find(watch))


def follow(context: Context, find: Callable[[Watch], Approval], *, cancel: bool) -> None:
    """Report the approval that `find` returns until it is decided. Exit with the code of the decision.

    `cancel` says that Ctrl-C cancels the approval.
    """
    approval = settle(context, find, cancel=cancel)
    emit(context, document(approval), outcome(approval))
    check_received(context, approval)
    raise click.exceptions.Exit(exit_code(approval))


def check_received(context: Context, approval: Approval) -> None:
    """Raise `CommandError` if nobody knows whether the workflow received an approval."""
    if approval.resumed is None and approval.status is Status.APPROVED:
        doctor = context.command("doctor")
        raise CommandError(
            f"Approved, but it is not confirmed that the workflow received the decision. Check the stack: {doctor}"
        )


def exit_code(approval: Approval) -> int:
    """Return the exit code for a decided approval. Only an approval that its workflow received gives 0."""
    if approval.decision and approval.decision.error and approval.status is Status.CANCELLED:
        return FAILED  # No approver could be asked.
    if approval.status is Status.APPROVED:
        return {True: APPROVED, False: UNDECIDED, None: FAILED}[approval.resumed]
    return REJECTED if approval.status is Status.REJECTED else UNDECIDED


@contextmanager
def interruptible(context: Context, execution_arn: str, reference: str, *, cancel: bool) -> Iterator[None]:
    """Say, if waiting ends early, that the approval is open and how to go on; or cancel it.

    `reference` names the approval in commands: its ID, or its execution's ARN. An execution's name could be ambiguous.
    """
    hints = next_steps(context, reference)
    handler = signal.signal(signal.SIGTERM, _interrupt)  # CI systems send it when a job is cancelled.
    try:
        yield
    except KeyboardInterrupt as interrupt:
        if cancel:
            cancel_execution(context, execution_arn, INTERRUPTION)
            click.echo("\nInterrupted. The request is cancelled.", err=True)
        else:
            click.echo(f"\nInterrupted. The request is still open.\n{hints}", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from interrupt
    except (ClientError, BotoCoreError) as error:
        raise CommandError(f"{explain(error)}\nThe request is still open.\n{hints}") from error
    finally:
        signal.signal(signal.SIGTERM, handler)


def next_steps(context: Context, reference: str) -> str:
    """Return the commands that wait for an approval and cancel it."""
    follow_, cancel = (context.command(name, reference) for name in ("wait", "cancel"))
    return f"  Follow     {follow_}\n  Cancel     {cancel}"


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def _ended_sentence(execution: DescribeExecutionOutputTypeDef) -> str:
    said = (
        f"Execution {execution['name']} ended as {execution['status']}",
        execution.get("error"),
        execution.get("cause"),
    )
    return f"{': '.join(part for part in said if part).removesuffix('.')}."
