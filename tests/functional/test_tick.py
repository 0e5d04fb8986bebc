"""What a tick of the clock costs, however many approvals are open."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from moto.dynamodb.models import dynamodb_backends
from mypy_boto3_dynamodb import DynamoDBClient

from approvals.adapters.queues import RetryQueue
from approvals.domain.model import iso
from approvals.services.lifecycle import LifecycleHandler
from approvals.store.items import DUE_SHARDS
from approvals.store.table import ApprovalTable
from tests.support.fakes import Clock, FakeWorkflows
from tests.support.tables import TABLE


@pytest.mark.parametrize("open_approvals", [10, 1_000, 100_000])
def test_a_scheduler_run_reads_as_often_however_many_approvals_are_open(
    dynamodb: DynamoDBClient, clock: Clock, logger: Logger, context: LambdaContext, open_approvals: int
) -> None:
    """Open, and none due: one query for each shard of the index, and the executions that ended."""
    table = dynamodb_backends["123456789012"]["eu-west-1"].get_table(TABLE)
    due = {"S": iso(clock() + timedelta(minutes=1))}
    for number in range(open_approvals):
        table.put_item({"id": {"S": str(number)}, "due_shard": {"S": str(number % DUE_SHARDS)}, "due_at": due})
    calls: Counter[str] = Counter()
    dynamodb.meta.events.register("before-send", lambda event_name, **_: calls.update([event_name.split(".")[-1]]))
    _scheduler(dynamodb, clock, logger)({"source": "aws.events"}, context)
    print(f"{calls.total()} reads with {open_approvals:,} open: {dict(calls)}")
    assert calls == {"Query": DUE_SHARDS}


def test_a_run_without_anything_due_writes_no_line_and_so_no_metric(
    dynamodb: DynamoDBClient, clock: Clock, logger: Logger, context: LambdaContext, capsys: pytest.CaptureFixture[str]
) -> None:
    """CloudWatch bills a metric for each hour in which it is written: docs/cost.md says that an idle stack has none."""
    _scheduler(dynamodb, clock, logger)({"source": "aws.events"}, context)
    assert capsys.readouterr() == ("", "")


def _scheduler(dynamodb: DynamoDBClient, clock: Clock, logger: Logger) -> LifecycleHandler:
    return LifecycleHandler(
        table=ApprovalTable(dynamodb, TABLE),
        workflows=FakeWorkflows(),
        state_machine_arn="arn",
        notify_queue=_unused_queue(),
        decision_queue=_unused_queue(),
        dead_letters=_unused_queue(),
        clock=clock,
        logger=logger,
    )


def _unused_queue() -> RetryQueue:
    def connect() -> Any:
        raise AssertionError("nothing is owed")

    return RetryQueue(connect, "url")
