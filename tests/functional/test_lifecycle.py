"""The clock: silence expires a request, and never approves it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from mypy_boto3_dynamodb import DynamoDBClient

from approvals.links import approval_id
from approvals.model import Approval, Status
from approvals.respond import respond
from approvals.table import DUE_SHARDS, ApprovalTable
from handlers.lifecycle import LifecycleHandler, NotAllDone
from tests.builders import NOW, a_response, an_approval
from tests.functional.conftest import Clock


@pytest.fixture
def handler(table: ApprovalTable, clock: Clock, logger: Logger) -> LifecycleHandler:
    return LifecycleHandler(table=table, clock=clock, logger=logger)


def asked(table: ApprovalTable, number: int, minutes: int) -> Approval:
    approval = an_approval(id=approval_id(f"token {number}"), deadline=NOW + timedelta(minutes=minutes))
    table.add(approval)
    return approval


def test_what_is_due_expires_and_nothing_else(
    handler: LifecycleHandler, table: ApprovalTable, clock: Clock, context: Any
) -> None:
    due = [asked(table, number, 10) for number in range(20)]
    open_ones = [asked(table, number, 11) for number in range(20, 40)]
    answered = asked(table, 40, 10)
    respond(table, answered, a_response())
    clock.pass_(minutes=10)
    handler({}, context)
    assert {table.get(approval.id).status for approval in due} == {Status.EXPIRED}
    assert {table.get(approval.id).status for approval in open_ones} == {Status.PENDING}
    assert table.get(answered.id).status is Status.APPROVED
    assert list(table.due(clock())) == [], "what is decided is no longer in the index"


def test_a_tick_costs_the_same_however_many_are_open(
    handler: LifecycleHandler, table: ApprovalTable, dynamodb: DynamoDBClient, context: Any
) -> None:
    calls: list[str] = []
    dynamodb.meta.events.register("before-call.*.*", lambda model, **_: calls.append(model.name))
    for number in range(50):
        asked(table, number, 10)
    calls.clear()
    handler({}, context)
    assert calls == ["Query"] * DUE_SHARDS


def test_one_that_can_not_be_expired_does_not_keep_the_others_waiting(
    handler: LifecycleHandler, table: ApprovalTable, clock: Clock, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    due = [asked(table, number, 10) for number in range(5)]
    clock.pass_(minutes=10)
    get = table.get

    def broken(wanted: str) -> Approval:
        if wanted == due[2].id:
            raise RuntimeError("a bug")
        return get(wanted)

    monkeypatch.setattr(table, "get", broken)
    with pytest.raises(NotAllDone, match="1 approvals"):
        handler({}, context)
    monkeypatch.undo()
    assert [table.get(approval.id).status for approval in due].count(Status.EXPIRED) == 4
