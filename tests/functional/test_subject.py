"""The comparison with the last approved request: found by one query, stored once, and in nobody's way."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError
from mypy_boto3_dynamodb import DynamoDBClient

from approvals.domain.comparison import subject_key
from approvals.domain.judgement import Expiry
from approvals.domain.model import Approval, Request, Status
from approvals.domain.people import Person
from approvals.domain.previous import Comparison, NamedChange, Previous
from approvals.services.compare import MOST, PATIENCE
from approvals.services.conclude import Resumer
from approvals.services.notify import Notifier
from approvals.services.respond import respond
from approvals.store.subjects import SubjectIndex
from approvals.store.table import ApprovalTable
from bot.messenger import SlackMessenger
from tests.support.builders import APPROVE, NOW, REJECT, a_response, an_approval
from tests.support.channels import the_channels, the_identities
from tests.support.delegates import ANN, BO, EVE, by_email
from tests.support.fakes import Clock, FakeMailer, FakeSubscribers
from tests.support.overrides import PINNED, an_override
from tests.support.services import a_notifier, a_resumer
from tests.support.tables import TABLE

STACK = "alice@example.com"
HOURS = timedelta(hours=10)


class Stack:
    """Notify and decision with one table. Each request has an id of its own, and is made a minute after the last."""

    def __init__(self, table: ApprovalTable, notifier: Notifier, resumer: Resumer, clock: Clock) -> None:
        self.table, self.notifier, self.resumer, self.clock = table, notifier, resumer, clock
        self.number = 0

    def ask(self, *approvers: Person, replicas: str = "3", **changes: Any) -> Approval:
        """Store a request whose people are still to be looked up."""
        self.clock.now += timedelta(minutes=1)
        self.number += 1
        values: dict[str, Any] = {
            "title": "Deploy web",
            "subject": "deploy web",
            "facts": (("Replicas", replicas),),
            "approvers": tuple(person.id for person in approvers),
            "timeout": HOURS,
        }
        request = Request(**{**values, **changes})
        approval = an_approval(
            id=f"{self.number:a>32}",
            request=request,
            people=None,
            deliveries=(),
            requested_at=self.clock(),
            deadline=self.clock() + HOURS,
        )
        self.table.add(approval)
        return approval

    def tell(self, *approvers: Person, replicas: str = "3", **changes: Any) -> Approval:
        """Make a request, and let notify tell people of it."""
        approval = self.ask(*approvers, replicas=replicas, **changes)
        self.notifier(approval.id, last=False)
        return self.table.get(approval.id)

    def decide(self, approval: Approval, event: Any) -> Approval:
        """Decide a request, and let decision resume its workflow."""
        respond(self.table, self.table.get(approval.id), event)
        self.clock.now += timedelta(minutes=1)
        self.resumer(approval.id, last=False)
        return self.table.get(approval.id)

    def approve(self, approval: Approval, by: Person = ANN) -> Approval:
        minutes = (self.clock() - NOW) / timedelta(minutes=1)
        return self.decide(approval, a_response(APPROVE, by_email(by), minutes=minutes))


@pytest.fixture
def stack(
    table: ApprovalTable,
    mailer: FakeMailer,
    subscribers: FakeSubscribers,
    messenger: SlackMessenger,
    clock: Clock,
    logger: Logger,
) -> Stack:
    subscribers.addresses = [STACK, ANN.id, BO.id, EVE.id]
    channels = the_channels(mailer.outbox(table, clock), messenger, logger, email=STACK, subscribers=subscribers)
    identities = the_identities(messenger, subscribers, email=STACK)
    notifier = a_notifier(table, channels, identities, clock, logger)
    return Stack(table, notifier, a_resumer(table, channels, clock, logger), clock)


def previous_of(approval: Approval) -> Previous:
    assert approval.previous
    return approval.previous


def test_a_request_is_compared_with_the_last_approved_one(stack: Stack) -> None:
    stack.approve(stack.tell(ANN, replicas="1"))
    last = stack.approve(stack.tell(ANN, replicas="3"))
    previous = previous_of(stack.tell(ANN, BO, replicas="300", subject="Deploy  WEB"))
    assert (previous.comparison, previous.approval_id) == (Comparison.COMPARED, last.id)
    assert previous.changes == (NamedChange(name="Replicas", before="3", after="300"),)
    assert previous.approved_by == (ANN.id,)
    assert last.decision
    assert previous.approved_at == last.decision.at


def test_without_an_earlier_approval_the_record_says_so(stack: Stack) -> None:
    assert previous_of(stack.tell(ANN)) == Previous(comparison=Comparison.NONE)


def test_a_request_without_a_subject_reads_nothing(stack: Stack, calls: list[str]) -> None:
    assert stack.tell(ANN, subject=None).previous is None
    assert "Query" not in calls


@pytest.mark.parametrize("event", [a_response(REJECT, by_email(ANN)), an_override()], ids=["rejected", "overridden"])
def test_no_other_decision_is_in_the_index(stack: Stack, dynamodb: DynamoDBClient, event: Any) -> None:
    asked = stack.tell(ANN, policy=PINNED)
    decided = stack.decide(asked, replace(event, at=stack.clock()))
    assert decided.decision
    assert SubjectIndex(dynamodb, TABLE).newest(subject_key("deploy web"), MOST) == []


def test_an_expired_request_is_not_in_the_index(stack: Stack, dynamodb: DynamoDBClient) -> None:
    asked = stack.tell(ANN)
    assert stack.decide(asked, Expiry(asked.deadline)).status is Status.EXPIRED
    assert SubjectIndex(dynamodb, TABLE).newest(subject_key("deploy web"), MOST) == []


def test_an_accomplices_newer_approval_does_not_hide_the_last_one(stack: Stack) -> None:
    last = stack.approve(stack.tell(ANN, replicas="3"))
    stack.approve(stack.tell(EVE, replicas="300"), by=EVE)
    previous = previous_of(stack.tell(ANN, replicas="300"))
    assert (previous.approval_id, previous.ignored) == (last.id, 1)
    assert previous.changes == (NamedChange(name="Replicas", before="3", after="300"),)


def test_more_newer_approvals_than_are_read_are_told(stack: Stack) -> None:
    stack.approve(stack.tell(ANN))
    for _ in range(MOST):
        stack.approve(stack.tell(EVE), by=EVE)
    assert previous_of(stack.tell(ANN)) == Previous(comparison=Comparison.NONE, ignored=MOST)


def test_a_run_that_ends_after_the_comparison_is_stored_is_repeated_without_a_trace(
    stack: Stack, mailer: FakeMailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.approve(stack.tell(ANN, replicas="3"))
    asked = stack.ask(ANN, replicas="300")
    mailer.sent.clear()
    with monkeypatch.context() as patch:
        patch.setattr(Notifier, "_tell", lambda *_: (_ for _ in ()).throw(MemoryError))
        with pytest.raises(MemoryError):
            stack.notifier(asked.id, last=False)
    kept = previous_of(stack.table.get(asked.id))
    assert mailer.sent == []
    stack.approve(stack.tell(ANN, replicas="7"))  # A newer one does not change what is stored.
    mailer.sent.clear()
    stack.notifier(asked.id, last=False)
    assert previous_of(stack.table.get(asked.id)) == kept
    assert [mail.to for mail in mailer.sent] == [ANN.id]


def test_of_two_runs_the_first_comparison_is_kept(stack: Stack) -> None:
    asked = stack.tell(ANN)
    again = stack.table.keep_previous(asked, Previous(comparison=Comparison.FAILED))
    assert previous_of(again) == previous_of(asked) == Previous(comparison=Comparison.NONE)


def fail(*_: object, **__: object) -> list[str]:
    raise ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "Query")


def test_a_query_that_fails_is_tried_again(stack: Stack, mailer: FakeMailer, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = stack.ask(ANN)
    with monkeypatch.context() as patch:
        patch.setattr(SubjectIndex, "newest", fail)
        with pytest.raises(ClientError):
            stack.notifier(asked.id, last=False)
    assert mailer.sent == []
    stack.notifier(asked.id, last=False)
    assert previous_of(stack.table.get(asked.id)).comparison is Comparison.NONE
    assert len(mailer.sent) == 1


@pytest.mark.parametrize(("waited", "last"), [(PATIENCE, False), (timedelta(0), True)])
def test_people_are_asked_without_a_comparison_that_fails_for_long(
    stack: Stack, mailer: FakeMailer, monkeypatch: pytest.MonkeyPatch, waited: timedelta, *, last: bool
) -> None:
    asked = stack.ask(ANN)
    stack.clock.now += waited
    monkeypatch.setattr(SubjectIndex, "newest", fail)
    stack.notifier(asked.id, last=last)
    assert previous_of(stack.table.get(asked.id)) == Previous(comparison=Comparison.FAILED)
    assert [mail.to for mail in mailer.sent] == [ANN.id]


def test_an_earlier_record_that_cannot_be_read_is_passed_over(stack: Stack, dynamodb: DynamoDBClient) -> None:
    last = stack.approve(stack.tell(ANN))
    broken = stack.approve(stack.tell(ANN))
    dynamodb.update_item(
        TableName=TABLE,
        Key={"id": {"S": broken.id}},
        UpdateExpression="SET requested_at = :text",
        ExpressionAttributeValues={":text": {"S": "yesterday"}},
    )
    previous = previous_of(stack.tell(ANN))
    assert (previous.approval_id, previous.ignored) == (last.id, 1)
