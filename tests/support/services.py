"""The core's services, built around doubles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from approvals.adapters import metrics
from approvals.adapters.queues import RetryQueue
from approvals.adapters.step_functions import Workflows
from approvals.domain.policy import Policy
from approvals.domain.working_hours import WorkingHours
from approvals.services.channel import Channel
from approvals.services.compare import Comparer
from approvals.services.conclude import Resumer
from approvals.services.notify import Identities, Notifier
from approvals.services.publish import Publisher
from approvals.services.request import RequestHandler
from approvals.store.subjects import SubjectIndex
from approvals.store.table import ApprovalTable
from approvals.store.task_tokens import TaskTokens
from tests.support.builders import HOUR
from tests.support.fakes import Clock, FakeWorkflows, OneToken, a_queue

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger


def no_policy() -> None:
    """Read the policy of a stack that has none."""


def a_request_handler(
    table: ApprovalTable,
    tokens: TaskTokens,
    workflows: Workflows,
    clock: Clock,
    logger: Logger,
    *,
    read_policy: Callable[[], Policy | None] = no_policy,
    working_hours: WorkingHours | None = None,
) -> RequestHandler:
    """Return what puts requests on record, for an hour each."""
    return RequestHandler(
        table=table,
        tokens=tokens,
        workflows=workflows,
        default_timeout=HOUR,
        working_hours=working_hours,
        clock=clock,
        logger=logger,
        requested=metrics.count_request,
        read_policy=read_policy,
        policy_unavailable=metrics.count_unavailable_policy,
    )


def a_notifier(
    table: ApprovalTable,
    channels: Sequence[Channel],
    identities: Identities,
    clock: Clock,
    logger: Logger,
    *,
    decisions: RetryQueue | None = None,
    publisher: Publisher | None = None,
) -> Notifier:
    """Return what tells people of requests and news. Nobody looks at its queue unless `decisions` is one."""
    return Notifier(
        table=table,
        channels=channels,
        identities=identities,
        compare=a_comparer(table, clock, logger),
        decisions=decisions or a_queue(),
        clock=clock,
        logger=logger,
        publisher=publisher,
    )


def a_comparer(table: ApprovalTable, clock: Clock, logger: Logger) -> Comparer:
    """Return what compares a request with earlier approvals of its subject, in the same table."""
    return Comparer(table=table, subjects=SubjectIndex(table._dynamodb, table._name), clock=clock, logger=logger)


def a_resumer(
    table: ApprovalTable,
    channels: Sequence[Channel],
    clock: Clock,
    logger: Logger,
    *,
    workflows: Workflows | None = None,
    tokens: TaskTokens | None = None,
    publisher: Publisher | None = None,
) -> Resumer:
    """Return what hands decisions to workflows and people. Approvals on record by hand have `OneToken`."""
    return Resumer(
        table=table,
        tokens=tokens or OneToken(),
        workflows=workflows or FakeWorkflows(),
        channels=channels,
        clock=clock,
        logger=logger,
        publisher=publisher,
        settled=metrics.count_decision,
        overridden=metrics.count_override,
    )
