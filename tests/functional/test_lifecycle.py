"""The clock: silence expires and never approves; what was stopped is called off; what got lost is found."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from mypy_boto3_dynamodb import DynamoDBClient
from mypy_boto3_sqs import SQSClient

from approvals.adapters.queues import RetryQueue
from approvals.adapters.step_functions import EndedExecution
from approvals.domain.model import Approval, OnTimeout, Request, Status
from approvals.domain.signed_links import approval_id
from approvals.domain.steps import Step
from approvals.services.lifecycle import LifecycleHandler, NotAllDoneError
from approvals.services.respond import respond
from approvals.store.items import DUE_SHARDS
from approvals.store.table import ApprovalTable
from tests.support.broken_records import break_record, leave_no_room
from tests.support.builders import NOW, WORKFLOW, a_response, an_approval
from tests.support.fakes import Clock, FakeWorkflows
from tests.support.tables import TABLE


def ending(status: str = "ABORTED", *, minutes: int = 0, arn: str = WORKFLOW.execution_arn) -> EndedExecution:
    """Return an execution that ended so many minutes after the requests were made."""
    return EndedExecution(arn, status, NOW + timedelta(minutes=minutes))


def notice(status: str = "ABORTED", *, minutes: int = 0) -> dict[str, Any]:
    """Return EventBridge's notice of such an execution."""
    stopped_at = ending(minutes=minutes).stopped_at.timestamp() * 1000
    detail = {"executionArn": WORKFLOW.execution_arn, "status": status, "stopDate": stopped_at}
    return {"source": "aws.states", "detail": detail}


@pytest.fixture
def queues(sqs: SQSClient) -> dict[str, str]:
    return {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("notify", "decision", "dead")}


@pytest.fixture
def handler(
    table: ApprovalTable, workflows: FakeWorkflows, sqs: SQSClient, queues: dict[str, str], clock: Clock, logger: Logger
) -> LifecycleHandler:
    return LifecycleHandler(
        table=table,
        workflows=workflows,
        state_machine_arn="arn",
        notify_queue=RetryQueue(lambda: sqs, queues["notify"]),
        decision_queue=RetryQueue(lambda: sqs, queues["decision"]),
        dead_letters=RetryQueue(lambda: sqs, queues["dead"]),
        clock=clock,
        logger=logger,
    )


def queued(sqs: SQSClient, url: str) -> list[str]:
    """Return the ids in a queue, delayed or not."""
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "0"})
    from moto.sqs.models import sqs_backends

    backends: Mapping[str, Any] = sqs_backends
    queue = backends["123456789012"]["eu-west-1"].queues[url.rsplit("/", 1)[-1]]
    return [json.loads(message.body)["id"] for message in queue._messages]


def asked(table: ApprovalTable, number: int, minutes: int, *, told: bool = True, **changes: Any) -> Approval:
    approval = an_approval(id=approval_id(f"token {number}"), deadline=NOW + timedelta(minutes=minutes), **changes)
    table.add(approval)
    return table.mark(approval, "request_email", NOW) if told else approval


def statuses(table: ApprovalTable, approvals: list[Approval]) -> set[Status]:
    return {table.get(approval.id).status for approval in approvals}


def test_overdue_approvals_expire_and_no_others(
    handler: LifecycleHandler, table: ApprovalTable, clock: Clock, context: LambdaContext
) -> None:
    due = [asked(table, number, 10) for number in range(20)]
    open_ones = [asked(table, number, 11) for number in range(20, 40)]
    answered = asked(table, 40, 10)
    respond(table, answered, a_response())
    clock.pass_(minutes=10)
    handler({}, context)
    assert statuses(table, due) == {Status.EXPIRED}
    assert statuses(table, open_ones) == {Status.PENDING}
    assert table.get(answered.id).status is Status.APPROVED


def test_a_scheduler_run_costs_the_same_however_many_are_open(
    handler: LifecycleHandler, table: ApprovalTable, dynamodb: DynamoDBClient, context: LambdaContext
) -> None:
    calls: list[str] = []
    dynamodb.meta.events.register("before-call.*.*", lambda model, **_: calls.append(model.name))
    for number in range(50):
        asked(table, number, 10)
    calls.clear()
    handler({}, context)
    assert calls == ["Query"] * DUE_SHARDS


def test_one_that_fails_does_not_keep_the_others_waiting(
    handler: LifecycleHandler,
    table: ApprovalTable,
    clock: Clock,
    context: LambdaContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    due = [asked(table, number, 10) for number in range(5)]
    clock.pass_(minutes=10)
    get = table.get

    def broken(wanted: str) -> Approval:
        if wanted == due[2].id:
            raise RuntimeError("a bug")
        return get(wanted)

    monkeypatch.setattr(table, "get", broken)
    with pytest.raises(NotAllDoneError, match="1 approval failed"):
        handler({}, context)
    monkeypatch.undo()
    assert [table.get(approval.id).status for approval in due].count(Status.EXPIRED) == 4


def test_a_request_that_nobody_was_told_of_is_given_to_notify_again(
    handler: LifecycleHandler,
    table: ApprovalTable,
    clock: Clock,
    sqs: SQSClient,
    queues: dict[str, str],
    context: LambdaContext,
) -> None:
    lost = asked(table, 1, 60, told=False)
    asked(table, 2, 60)
    clock.pass_(minutes=4)
    handler({}, context)
    assert queued(sqs, queues["notify"]) == []
    clock.pass_(minutes=1)
    for _ in range(3):
        handler({}, context)
    assert queued(sqs, queues["notify"]) == [lost.id], "once in five minutes"
    clock.pass_(minutes=5)
    handler({}, context)
    assert queued(sqs, queues["notify"]) == [lost.id] * 2


def test_a_decision_that_did_not_reach_the_workflow_is_given_to_decision_again(
    handler: LifecycleHandler,
    table: ApprovalTable,
    clock: Clock,
    sqs: SQSClient,
    queues: dict[str, str],
    context: LambdaContext,
) -> None:
    lost, resumed, gone = (asked(table, number, 60) for number in range(3))
    for approval in (lost, resumed, gone):
        respond(table, approval, a_response(minutes=0))
    table.mark(resumed, Step.RESUME, NOW)
    table.mark(gone, Step.WORKFLOW_GONE, NOW)
    clock.pass_(minutes=2)
    for _ in range(3):
        handler({}, context)
    assert queued(sqs, queues["decision"]) == [lost.id], "once in two minutes"
    table.mark(lost, Step.RESUME, NOW)
    clock.pass_(minutes=60)
    handler({}, context)
    assert queued(sqs, queues["decision"]) == [lost.id]


@pytest.mark.parametrize(
    ("status", "cause"), [("ABORTED", "was stopped"), ("FAILED", "failed"), ("TIMED_OUT", "timed out")]
)
@pytest.mark.parametrize("told_by", ["event", "clock"])
def test_an_execution_that_ended_calls_its_approval_off(
    handler: LifecycleHandler,
    table: ApprovalTable,
    workflows: FakeWorkflows,
    status: str,
    cause: str,
    told_by: str,
    context: LambdaContext,
) -> None:
    """Whether the event arrives, or is lost and the clock finds it."""
    waiting = asked(table, 1, 60)
    event: dict[str, Any] = {}
    if told_by == "event":
        event = notice(status)
    else:
        workflows.executions = [ending(status), ending(status, arn="arn:of:another")]
    for _ in range(2):
        handler(event, context)
    decision = table.get(waiting.id).decision
    assert decision is not None
    assert (decision.status, decision.error) == (Status.CANCELLED, None)
    assert cause in (decision.cause or "")


@pytest.mark.parametrize("told_by", ["event", "event without its cause", "scheduler"])
def test_who_stopped_an_execution_and_why_is_in_the_record(
    handler: LifecycleHandler, table: ApprovalTable, workflows: FakeWorkflows, told_by: str, context: LambdaContext
) -> None:
    waiting = asked(table, 1, 60)
    caller = "arn:aws:sts::123456789012:assumed-role/Deployer/alice@example.com"
    said = ("ApprovalCancelled", f"Cancelled by {caller}: Wrong release.")
    event = notice() if told_by != "scheduler" else {}
    if told_by == "event":
        event["detail"] |= dict(zip(("error", "cause"), said, strict=True))
    else:
        workflows.causes = {WORKFLOW.execution_arn: said}
        workflows.executions = [ending()]
    handler(event, context)
    decision = table.get(waiting.id).decision
    assert decision is not None
    assert (decision.cancelled_by, decision.comment, decision.approver) == (caller, "Wrong release.", None)
    assert decision.cause == "The execution was stopped before a decision."


@pytest.mark.parametrize(
    ("status", "reason"),
    [("ABORTED", "Approved by the CEO. All fine \ufffd"), ("FAILED", None), ("TIMED_OUT", None)],
)
def test_the_cause_of_an_execution_is_the_reason_of_who_stopped_it_and_of_nobody_else(
    handler: LifecycleHandler, table: ApprovalTable, status: str, reason: str | None, context: LambdaContext
) -> None:
    waiting = asked(table, 1, 60)
    event = notice(status)
    event["detail"] |= {"error": None, "cause": "Approved by the CEO.\n\nAll fine \u202e"}
    handler(event, context)
    decision = table.get(waiting.id).decision
    assert decision is not None
    assert (decision.cancelled_by, decision.comment) == (None, reason)


@pytest.mark.parametrize("told_by", ["event", "scheduler"])
@pytest.mark.parametrize("age", [0, 3], ids=["at once", "late"])
def test_a_notice_from_before_a_redrive_cancels_nothing(
    handler: LifecycleHandler,
    table: ApprovalTable,
    workflows: FakeWorkflows,
    clock: Clock,
    told_by: str,
    age: int,
    context: LambdaContext,
) -> None:
    """A redrive keeps the ARN; notices come late and twice, listings lag."""
    waiting = asked(table, 1, 60)
    workflows.described_as_ended = age == 0  # DescribeExecution lags behind, too
    clock.pass_(minutes=age)
    if told_by == "scheduler":
        workflows.executions = [ending(minutes=-60)]
    for _ in range(2):
        handler(notice(minutes=-60) if told_by == "event" else {}, context)
    assert table.get(waiting.id).status is Status.PENDING


def test_a_notice_cancels_what_was_asked_before_the_redrive_alone(
    handler: LifecycleHandler, table: ApprovalTable, context: LambdaContext
) -> None:
    before = asked(table, 1, 60)
    since = asked(table, 2, 60, requested_at=NOW + timedelta(minutes=2))
    handler(notice(minutes=1), context)
    assert [table.get(each.id).status for each in (before, since)] == [Status.CANCELLED, Status.PENDING]


def test_an_execution_that_ended_while_its_request_was_stored_cancels_it(
    handler: LifecycleHandler, table: ApprovalTable, workflows: FakeWorkflows, clock: Clock, context: LambdaContext
) -> None:
    waiting = asked(table, 1, 60)
    workflows.executions, workflows.described_as_ended = [ending(minutes=-1)], True
    workflows.causes = {WORKFLOW.execution_arn: ("ApprovalCancelled", "Cancelled: An earlier run.")}
    clock.pass_(minutes=2)
    handler({}, context)
    found = table.get(waiting.id)
    assert found.status is Status.CANCELLED
    assert found.decision is not None
    assert found.decision.comment is None, "the reason may be that of the run before a redrive"


def test_a_decision_stands_when_its_execution_ends(
    handler: LifecycleHandler, table: ApprovalTable, workflows: FakeWorkflows, context: LambdaContext
) -> None:
    answered = asked(table, 1, 60)
    respond(table, answered, a_response())
    workflows.executions = [ending()]
    handler({}, context)
    assert table.get(answered.id).status is Status.APPROVED


def test_reminders_and_escalation_come_when_they_are_due_and_the_deadline_after_them(
    handler: LifecycleHandler, table: ApprovalTable, clock: Clock, context: LambdaContext
) -> None:
    request = Request(
        timeout=timedelta(minutes=60),
        reminders=(timedelta(minutes=10), timedelta(minutes=20)),
        escalate_after=timedelta(minutes=30),
        escalate_to=("ann@example.com",),
        approvers=("alice@example.com",),
    )
    waiting = asked(table, 1, 60, request=request)
    seen = []
    for _ in range(61):
        handler({}, context)
        found = table.get(waiting.id)
        seen.append((found.reminded, found.escalated_at is not None, found.status))
        clock.pass_(minutes=1)
    changes = [0, *(minute for minute in range(1, 61) if seen[minute] != seen[minute - 1])]
    assert changes == [0, 10, 20, 30, 60]
    assert [seen[minute] for minute in changes] == [
        (0, False, Status.PENDING),
        (1, False, Status.PENDING),
        (2, False, Status.PENDING),
        (2, True, Status.PENDING),
        (2, True, Status.EXPIRED),
    ]


def test_silence_rejects_where_the_request_says_so(
    handler: LifecycleHandler, table: ApprovalTable, clock: Clock, context: LambdaContext
) -> None:
    waiting = asked(table, 1, 10, request=Request(timeout=timedelta(minutes=10), on_timeout=OnTimeout.REJECT))
    clock.pass_(minutes=10)
    handler({}, context)
    assert table.get(waiting.id).status is Status.REJECTED


def test_a_look_that_finds_nothing_to_do_is_the_last_until_something_is_due(
    handler: LifecycleHandler, table: ApprovalTable, clock: Clock, context: LambdaContext, dynamodb: DynamoDBClient
) -> None:
    request = Request(timeout=timedelta(minutes=60), reminders=(timedelta(minutes=30),))
    asked(table, 1, 60, request=request)
    clock.pass_(minutes=6)
    handler({}, context)
    assert list(table.due(NOW + timedelta(minutes=29))) == []
    assert len(list(table.due(NOW + timedelta(minutes=30)))) == 1


@pytest.mark.parametrize("how", ["a status of a newer version", "no request"])  # all are in test_listing
def test_a_record_that_cannot_be_read_is_set_aside_and_not_tried_each_minute(
    handler: LifecycleHandler,
    table: ApprovalTable,
    dynamodb: DynamoDBClient,
    sqs: SQSClient,
    queues: dict[str, str],
    clock: Clock,
    context: LambdaContext,
    how: str,
) -> None:
    """The others expire, the dead-letter queue names it once in an hour; a version that can read it expires it then."""
    due = [asked(table, number, 10) for number in range(3)]
    whole = dynamodb.get_item(TableName=TABLE, Key={"id": {"S": due[1].id}})["Item"]
    break_record(dynamodb, TABLE, due[1].id, how)
    clock.pass_(minutes=10)
    for _ in range(3):
        handler({}, context)
        clock.pass_(minutes=1)
    assert statuses(table, [due[0], due[2]]) == {Status.EXPIRED}
    assert queued(sqs, queues["dead"]) == [due[1].id]
    clock.pass_(minutes=60)
    handler({}, context)
    assert queued(sqs, queues["dead"]) == [due[1].id] * 2
    dynamodb.put_item(TableName=TABLE, Item=whole)
    handler({}, context)
    assert table.get(due[1].id).status is Status.EXPIRED


def test_an_unreadable_record_of_an_ended_execution_does_not_keep_the_others_open(
    handler: LifecycleHandler,
    table: ApprovalTable,
    dynamodb: DynamoDBClient,
    sqs: SQSClient,
    queues: dict[str, str],
    workflows: FakeWorkflows,
    context: LambdaContext,
) -> None:
    """Not even an item that only claims to wait for the execution, as a function that faces the internet can write."""
    mine = asked(table, 1, 10)
    dynamodb.put_item(TableName=TABLE, Item={"id": {"S": "x"}, "waiting": {"S": WORKFLOW.execution_arn}})
    workflows.executions = [ending()]
    handler({}, context)
    assert table.get(mine.id).status is Status.CANCELLED
    assert queued(sqs, queues["dead"]) == [], "it is not in the index of what is due"


def test_a_record_without_room_for_its_end_is_set_aside(
    handler: LifecycleHandler,
    table: ApprovalTable,
    dynamodb: DynamoDBClient,
    sqs: SQSClient,
    queues: dict[str, str],
    clock: Clock,
    context: LambdaContext,
) -> None:
    due = asked(table, 1, 10)
    leave_no_room(dynamodb)
    clock.pass_(minutes=10)
    for _ in range(3):
        handler({}, context)
    assert queued(sqs, queues["dead"]) == [due.id]
