"""Events of what happened: at least once, afterwards, and in nobody's way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from approvals.adapters.event_bus import MAX_ENTRIES, EventBus
from approvals.domain.errors import DeliveryError
from approvals.domain.events import Event
from approvals.domain.judgement import Cancellation, Withdrawal
from approvals.domain.people import People, Person
from approvals.services.conclude import Resumer
from approvals.services.notify import Notifier
from approvals.services.publish import Publisher
from approvals.services.respond import respond
from approvals.services.tasks import StepsFailedError
from approvals.store.table import ApprovalTable, NotFoundError
from bot.messenger import SlackMessenger
from demo.slack import Slack
from handlers.settings import EventSettings
from handlers.wiring import Wiring
from tests.support.builders import ALICE, BOB, a_response, an_approval
from tests.support.channels import the_channels, the_identities
from tests.support.fakes import Clock, FakeMailer, FakeSubscribers, FakeWorkflows
from tests.support.services import a_notifier, a_resumer

ID = an_approval().id
TWO = replace(an_approval().request, required_approvals=2, approvers=(ALICE.id, BOB.id))
PEOPLE = People(
    approvers=(
        Person(id=ALICE.id, name=ALICE.name, identities={"email": ALICE.id}),
        Person(id=BOB.id, name=BOB.name, identities={"slack": BOB.id}),
    )
)


@dataclass
class FakeBus(EventBus):
    """Records the events of each call; refuses all while `broken`, and those of `refuses` always."""

    calls: list[list[Event]] = field(default_factory=list)
    broken: bool = False
    refuses: str = ""

    def put(self, published: Sequence[Event]) -> dict[str, str]:
        if self.broken:
            raise DeliveryError("EventBridge returned InternalException")
        assert len(published) <= MAX_ENTRIES
        self.calls.append([event for event in published if event.mark != self.refuses])
        return {event.mark: "ThrottlingException" for event in published if event.mark == self.refuses}

    @property
    def kinds(self) -> list[str]:
        return [event.kind.value for call in self.calls for event in call]


@pytest.fixture
def bus() -> FakeBus:
    return FakeBus()


@pytest.fixture
def publisher(bus: FakeBus, table: ApprovalTable) -> Publisher:
    return Publisher(bus, table, stack="prod")


@pytest.fixture
def notifier(
    publisher: Publisher,
    table: ApprovalTable,
    mailer: FakeMailer,
    messenger: SlackMessenger,
    clock: Clock,
    logger: Logger,
) -> Notifier:
    table.add(an_approval(request=TWO, deliveries=(), people=PEOPLE))
    return a_notifier(
        table,
        the_channels(mailer.outbox(table, clock), messenger, logger, email=ALICE.id),
        the_identities(messenger, FakeSubscribers(), email=ALICE.id),
        clock,
        logger,
        publisher=publisher,
    )


@pytest.fixture
def resumer(
    publisher: Publisher,
    table: ApprovalTable,
    workflows: FakeWorkflows,
    mailer: FakeMailer,
    messenger: SlackMessenger,
    clock: Clock,
    logger: Logger,
) -> Resumer:
    return a_resumer(
        table,
        the_channels(mailer.outbox(table, clock), messenger, logger, email=ALICE.id),
        clock,
        logger,
        workflows=workflows,
        publisher=publisher,
    )


def answer(table: ApprovalTable, response: Any) -> None:
    assert respond(table, table.get(ID), response).changed


def test_each_run_publishes_what_is_new_with_one_call(
    notifier: Notifier, resumer: Resumer, table: ApprovalTable, bus: FakeBus
) -> None:
    notifier(ID, last=False)
    answer(table, a_response())
    notifier(ID, last=False)
    answer(table, Withdrawal(ALICE, a_response(minutes=2).at))
    notifier(ID, last=False)
    answer(table, a_response(minutes=3))
    answer(table, a_response(approver=BOB, minutes=4))
    resumer(ID, last=False)
    for again in (notifier, resumer):
        again(ID, last=False)
    assert [[event.kind.value for event in call] for call in bus.calls] == [
        ["ApprovalRequested", "ApproverTold", "ApproverTold"],
        ["ResponseRecorded"],
        ["ResponseWithdrawn"],
        ["WorkflowResumed", "ResponseRecorded", "ResponseRecorded", "ApprovalDecided"],
    ]


def test_a_broken_bus_holds_up_nobody_and_gets_all_of_it_later(
    notifier: Notifier,
    resumer: Resumer,
    table: ApprovalTable,
    bus: FakeBus,
    mailer: FakeMailer,
    slack: Slack,
    workflows: FakeWorkflows,
) -> None:
    bus.broken = True
    with pytest.raises(StepsFailedError, match=r"^events: EventBridge returned InternalException$"):
        notifier(ID, last=True)
    assert (len(mailer.sent), len(slack.messages())) == (1, 1)
    answer(table, a_response())
    with pytest.raises(StepsFailedError, match=r"^events"):
        notifier(ID, last=True)
    assert table.get(ID).status == "PENDING", "a broken bus calls nothing off"
    answer(table, a_response(approver=BOB, minutes=2))
    with pytest.raises(StepsFailedError, match=r"^events"):
        resumer(ID, last=True)
    assert (len(workflows.resumed), len(mailer.sent)) == (1, 2)
    bus.broken = False
    resumer(ID, last=False)
    assert sorted(bus.kinds) == sorted(
        ["ApprovalRequested", *["ApproverTold"] * 2, *["ResponseRecorded"] * 2, "ApprovalDecided", "WorkflowResumed"]
    )
    assert (len(workflows.resumed), len(mailer.sent)) == (1, 2), "nothing else is repeated"


def test_news_that_the_bus_did_not_take_leave_the_next_news_a_way_in(
    notifier: Notifier, table: ApprovalTable, bus: FakeBus, dynamodb: Any
) -> None:
    """The stream wakes `notify` when `news` turns from no to yes: it must be no again, whatever the bus does."""
    notifier(ID, last=False)
    answer(table, a_response())
    bus.broken = True
    with pytest.raises(StepsFailedError, match=r"^events"):
        notifier(ID, last=False)
    item = dynamodb.get_item(TableName="approvals", Key={"id": {"S": ID}})["Item"]
    assert item["news"] == {"S": "no"}


def test_a_person_who_cannot_be_told_does_not_hold_up_events(
    notifier: Notifier, mailer: FakeMailer, slack: Slack, bus: FakeBus
) -> None:
    mailer.broken, slack.fail_with = True, 500
    for _ in range(2):
        with pytest.raises(StepsFailedError, match="request_email"):
            notifier(ID, last=False)
    assert bus.kinds == ["ApprovalRequested"]


def test_when_emails_and_events_both_fail_the_error_names_the_emails(
    notifier: Notifier, mailer: FakeMailer, bus: FakeBus
) -> None:
    mailer.broken = bus.broken = True
    with pytest.raises(StepsFailedError, match="request_email") as failed:
        notifier(ID, last=False)
    assert "events" not in failed.value.steps


def test_accepted_events_are_marked_though_another_was_refused(
    notifier: Notifier, table: ApprovalTable, bus: FakeBus
) -> None:
    bus.refuses = "requested"
    with pytest.raises(StepsFailedError, match=r"^events: EventBridge returned ThrottlingException$"):
        notifier(ID, last=False)
    assert bus.kinds == ["ApproverTold", "ApproverTold"]
    bus.refuses = ""
    notifier(ID, last=False)
    assert bus.kinds == ["ApproverTold", "ApproverTold", "ApprovalRequested"]


def test_more_events_than_one_call_takes_are_some_calls(
    publisher: Publisher, table: ApprovalTable, bus: FakeBus
) -> None:
    steps = {f"request_email:{number}@example.com": an_approval().requested_at for number in range(24)}
    many = an_approval(steps=steps)
    table.add(many)
    done = publisher.publish(table.get(ID))
    assert [len(call) for call in bus.calls] == [10, 10, 5]
    assert done == table.get(ID)
    publisher.publish(done)
    assert len(bus.calls) == 3


def test_an_approval_that_nobody_could_be_asked_about_has_its_events_too(
    notifier: Notifier, resumer: Resumer, table: ApprovalTable, bus: FakeBus, clock: Clock
) -> None:
    answer(table, Cancellation(clock(), "Nobody could be told.", error="NotificationFailed"))
    resumer(ID, last=False)
    assert bus.kinds == ["ApprovalRequested", "ApprovalDecided", "WorkflowResumed"]
    assert bus.calls[0][1].detail["Error"] == "NotificationFailed"


def test_a_record_that_is_gone_is_not_made_again(table: ApprovalTable) -> None:
    with pytest.raises(NotFoundError):
        table.published(an_approval(), frozenset({"requested"}))


def test_without_a_bus_there_is_no_publisher(aws: None) -> None:
    def publisher_to(bus: str) -> Publisher | None:
        config = EventSettings({"TABLE_NAME": "approvals", "EVENT_BUS_NAME": bus, "STACK_NAME": "prod"})
        return Wiring(config).publisher(config)

    assert publisher_to("") is None
    assert publisher_to("default") is not None


def test_publishing_keeps_the_marks_of_what_was_done_before(
    resumer: Resumer, notifier: Notifier, table: ApprovalTable, mailer: FakeMailer, slack: Slack
) -> None:
    """With Slack down all of it is tried again, but for what was done."""
    notifier(ID, last=False)
    answer(table, a_response())
    answer(table, a_response(approver=BOB, minutes=2))
    asked = len(mailer.sent)
    slack.fail_with = 500
    for _ in range(2):
        with pytest.raises(StepsFailedError):
            resumer(ID, last=False)
    assert len(mailer.sent) == asked + 1
