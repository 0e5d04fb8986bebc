"""Doubles of the services behind the functions: they record, and fail when they are told to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from aws_lambda_powertools.utilities.typing import LambdaContext

from approvals.adapters.queues import RetryQueue
from approvals.adapters.step_functions import EndedExecution, TaskGoneError, Workflows
from approvals.domain.errors import DeliveryError
from approvals.domain.model import Approval
from approvals.store.table import ApprovalTable
from approvals.store.task_tokens import TaskTokens
from mail.rate_limit import MailRateLimit
from mail.sns import Mail, Mailer
from tests.support.builders import NOW, TOKEN


@dataclass
class Clock:
    """The injected time."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **delta: float) -> None:
        self.now += timedelta(**delta)


class FakeContext(LambdaContext):
    """The context of a call of Lambda, with a minute left."""

    _function_name = "f"
    _invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:f"
    _memory_limit_in_mb = 128
    _aws_request_id = "r"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 60_000


@dataclass
class FakeMailer(Mailer):
    """Records emails; refuses them while `broken`; has `slots` slots, or any number if None."""

    sent: list[Mail] = field(default_factory=list)
    broken: bool = False
    broken_for: str | None = None
    slots: int | None = None
    deferred: list[tuple[str, str]] = field(default_factory=list)
    take_table_slot: Callable[[str], bool] = lambda _: True

    def defer(self, approval_id: str, step: str) -> None:
        self.deferred.append((approval_id, step))

    def outbox(self, table: ApprovalTable, clock: Callable[[], datetime]) -> FakeMailer:
        """Return this mailer, which takes the table's slots from now on."""
        rate_limit = a_rate_limit(table)
        self.take_table_slot = lambda recipient: rate_limit.take_slot(recipient, clock())
        return self

    def take_slot(self, _recipient: str) -> bool:
        if self.slots == 0:
            return False
        self.slots = None if self.slots is None else self.slots - 1
        return True

    def send(self, mail: Mail) -> bool:
        if not (self.take_slot(mail.to) and self.take_table_slot(mail.to)):
            return False
        if self.broken or mail.to == self.broken_for:
            raise DeliveryError("SNS answered InternalError")
        self.sent.append(mail)
        return True


@dataclass
class FakeQueue(RetryQueue):
    """A retry queue that records."""

    added: list[str] = field(default_factory=list)

    def add(self, item_id: str, delay: int = 0) -> None:  # noqa: ARG002
        self.added.append(item_id)


def a_rate_limit(table: ApprovalTable) -> MailRateLimit:
    """Return the rate limit whose slots are in the same table."""
    return MailRateLimit(table._dynamodb, table._name)


def a_queue() -> RetryQueue:
    """Return a queue that no test looks at."""
    return FakeQueue()


@dataclass
class FakeSubscribers:
    """The addresses that confirmed their subscription."""

    addresses: list[str] = field(default_factory=lambda: ["alice@example.com", "carol@example.com"])
    broken: bool = False

    def confirmed(self) -> dict[str, str]:
        if self.broken:
            raise DeliveryError("SNS answered Throttling")
        return {address.casefold(): address for address in self.addresses}


@dataclass
class FakeWorkflows(Workflows):
    """Records what was resumed and failed. As in Step Functions, a token is used once."""

    resumed: list[Approval] = field(default_factory=list)
    executions: list[EndedExecution] = field(default_factory=list)
    """Those that have ended."""
    described_as_ended: bool = False
    causes: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Error and cause of executions, as DescribeExecution says them."""
    failed: list[tuple[str, str, str]] = field(default_factory=list)
    gone: bool = False
    broken: bool = False

    def resume(self, approval: Approval, task_token: str) -> None:  # noqa: ARG002
        self._check()
        if approval.id in {before.id for before in self.resumed}:
            raise TaskGoneError("TaskTimedOut")
        self.resumed.append(approval)

    def reached(self, approval: Approval) -> bool:
        return approval.id in {before.id for before in self.resumed}

    def ended(self, state_machine_arn: str, since: datetime) -> Iterator[EndedExecution]:  # noqa: ARG002
        yield from self.executions

    def with_cause(self, execution: EndedExecution) -> EndedExecution:
        error, cause = self.causes.get(execution.arn, (None, None))
        return replace(execution, error=error, cause=cause)

    def has_ended(self, execution_arn: str) -> bool:  # noqa: ARG002
        return self.described_as_ended

    def fail(self, task_token: str, error: str, cause: str) -> None:
        self._check()
        self.failed.append((task_token, error, cause))

    def _check(self) -> None:
        if self.broken:
            raise DeliveryError("Step Functions answered ThrottlingException")
        if self.gone:
            raise TaskGoneError("TaskTimedOut")


class OneToken(TaskTokens):
    """Task tokens of approvals that a test stores itself: all the same one."""

    def __init__(self) -> None:
        pass

    def get(self, approval_id: str) -> str:  # noqa: ARG002
        return TOKEN
