"""The seam of a channel: a third one, wired by one line, asks, reminds, takes answers and tells the outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

import boto3
import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from approvals.domain.history import history
from approvals.domain.judgement import ScheduledCheck, Verdict
from approvals.domain.model import Action, Approval, Request, Status
from approvals.domain.people import Approver, People, Person
from approvals.domain.result import result
from approvals.services.channel import Channel, News, Tasks
from approvals.services.respond import respond
from approvals.services.tasks import StepsFailedError
from approvals.store.table import ApprovalTable
from bot.messenger import SlackMessenger
from demo.slack import Slack
from handlers import wiring
from tests.support.builders import ALICE, NOW, a_response, an_approval
from tests.support.channels import the_channels, the_identities
from tests.support.fakes import Clock, FakeMailer, FakeSubscribers, FakeWorkflows
from tests.support.functions import start
from tests.support.pigeon_channel import Loft, PigeonChannel
from tests.support.services import a_notifier, a_resumer
from tests.support.tables import REPLIES, TABLE, TOKENS
from web import pages

ANN, BEN, CY = (f"{name}@example.com" for name in ("ann", "ben", "cy"))
PEOPLE = People(approvers=tuple(Person(id=each, name=each, identities={"email": each}) for each in (ANN, BEN, CY)))
REQUEST = Request(
    title="Deploy",
    timeout=timedelta(hours=1),
    approvers=(ANN, BEN, CY),
    required_approvals=2,
    reminders=(timedelta(minutes=10),),
)


@dataclass
class PigeonBackend:
    table: ApprovalTable
    loft: Loft
    pigeons: PigeonChannel
    mailer: FakeMailer
    workflows: FakeWorkflows
    notify: Callable[[], None]
    conclude: Callable[[], None]
    asked: Approval

    @property
    def record(self) -> Approval:
        return self.table.get(self.asked.id)

    def flown(self) -> list[tuple[str, str]]:
        flown, self.loft.flown = self.loft.flown, []
        return flown


@pytest.fixture
def more() -> list[Channel]:
    return []


@pytest.fixture
def backend(
    table: ApprovalTable,
    mailer: FakeMailer,
    workflows: FakeWorkflows,
    messenger: SlackMessenger,
    clock: Clock,
    logger: Logger,
    more: list[Channel],
) -> PigeonBackend:
    loft = Loft()
    pigeons = PigeonChannel(loft)
    channels = [*more, *the_channels(mailer.outbox(table, clock), messenger, logger, email=ALICE.id), pigeons]
    notifier = a_notifier(table, channels, the_identities(messenger, FakeSubscribers(), email=ALICE.id), clock, logger)
    resumer = a_resumer(table, channels, clock, logger, workflows=workflows)
    asked = an_approval(request=REQUEST, people=PEOPLE, deliveries=())
    table.add(asked)
    return PigeonBackend(
        table,
        loft,
        pigeons,
        mailer,
        workflows,
        lambda: notifier(asked.id, last=False),
        lambda: resumer(asked.id, last=False),
        asked,
    )


def test_in_a_storm_the_other_channels_ask_and_pigeons_fly_after_it_once(backend: PigeonBackend, slack: Slack) -> None:
    backend.loft.storm = True
    with pytest.raises(StepsFailedError, match=r"request_pigeon:ann@example\.com: no pigeon flies in a storm"):
        backend.notify()
    assert (len(backend.mailer.sent), len(slack.messages())) == (3, 1)
    backend.loft.storm = False
    for _ in range(2):
        backend.notify()
    assert backend.flown() == [(each, "Approve? Deploy") for each in (ANN, BEN, CY)]
    assert (len(backend.mailer.sent), len(slack.messages())) == (3, 1)


def test_two_answers_on_two_channels_make_a_quorum_and_everybody_hears_of_it(
    backend: PigeonBackend, slack: Slack
) -> None:
    backend.notify()
    backend.flown()
    first = backend.pigeons.answer(backend.table, backend.asked.id, ANN, Action.APPROVE, NOW + timedelta(minutes=1))
    assert (first.verdict, first.approval.status) == (Verdict.COUNTED, Status.PENDING)
    respond(backend.table, backend.record, ScheduledCheck(NOW + timedelta(minutes=11)))
    backend.notify()
    assert backend.flown() == [(BEN, "Reminder: Deploy"), (CY, "Reminder: Deploy")], "who answered is not reminded"
    assert "reminder-1" in backend.record.steps
    assert "ann@example.com by pigeon" in str(slack.messages()[0].blocks).replace("\\u200b", "").replace("\u200b", "")
    backend.mailer.sent.clear()
    by_mail = a_response(approver=Approver(id=BEN, name=BEN, channel="email"), minutes=12)
    assert respond(backend.table, backend.record, by_mail).approval.status is Status.APPROVED
    for _ in range(2):
        backend.conclude()
    assert backend.flown() == [(each, "Approved") for each in (ANN, BEN, CY)]
    assert sorted(mail.to for mail in backend.mailer.sent) == [ANN, BEN, CY]
    assert [each.status for each in backend.workflows.resumed] == [Status.APPROVED]


def test_one_human_on_two_channels_is_one_person(backend: PigeonBackend) -> None:
    backend.notify()
    for channel in ("email", "pigeon"):
        approver = Approver(id=ANN, name=ANN, channel=channel)
        respond(backend.table, backend.record, a_response(approver=approver))
    assert (backend.record.status, len(backend.record.standing)) == (Status.PENDING, 1)


def test_a_pigeons_response_is_named_in_history_result_and_page(backend: PigeonBackend) -> None:
    backend.notify()
    for who in (ANN, BEN):
        backend.pigeons.answer(backend.table, backend.asked.id, who, Action.REJECT, NOW + timedelta(minutes=1))
    texts = [entry.text for entry in history(backend.record)]
    assert "Sent to ann@example.com by pigeon." in texts
    assert "ann@example.com rejected by pigeon." in texts
    assert result(backend.record)["Channel"] == "pigeon"
    assert "by pigeon" in pages.outcome(backend.record, Action.APPROVE)


class Broken:
    """A channel with a bug in each of its plans."""

    name = "broken"

    def invite(self, approval: Approval) -> Tasks:
        raise KeyError(approval.id)

    def update(self, approval: Approval, news: News) -> Tasks:
        raise KeyError(news.topic, approval.id)

    def conclude(self, approval: Approval) -> Tasks:
        raise KeyError(approval.id)

    def show(self, approval: Approval) -> None:
        raise KeyError(approval.id)


@pytest.mark.parametrize("more", [[Broken()]], ids=["first"])
def test_a_channel_that_cannot_plan_keeps_no_other_from_its_work(backend: PigeonBackend, slack: Slack) -> None:
    with pytest.raises(StepsFailedError, match="request_broken: KeyError"):
        backend.notify()
    assert (len(backend.mailer.sent), len(slack.messages()), len(backend.flown())) == (3, 1, 3)
    respond(backend.table, backend.record, ScheduledCheck(NOW + timedelta(minutes=11)))
    with pytest.raises(StepsFailedError, match="reminder-1:broken: KeyError"):
        backend.notify()
    assert len(backend.flown()) == 3
    assert "reminder-1" not in backend.record.steps, "it is told again once it can be planned"
    for who in (ANN, BEN):
        backend.pigeons.answer(backend.table, backend.asked.id, who, Action.APPROVE, NOW + timedelta(minutes=12))
    with pytest.raises(StepsFailedError, match="outcome_broken: KeyError"):
        backend.conclude()
    assert len(backend.flown()) == 3
    assert slack.messages()[0].text == "Approved: Deploy"
    assert len(backend.workflows.resumed) == 1


def test_one_line_of_wiring_puts_it_into_the_functions(
    table: ApprovalTable, clock: Clock, context: LambdaContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real entry points, with email and pigeons."""
    loft = Loft()

    class Wiring(wiring.ChannelWiring):
        @cached_property
        def channels(self) -> list[Channel]:
            return [*super().channels, PigeonChannel(loft)]

    monkeypatch.setattr("approvals.adapters.clients.session", boto3.Session)
    monkeypatch.setattr("handlers.wiring.ChannelWiring", Wiring)
    monkeypatch.setattr("handlers.wiring.now", clock)
    queue = boto3.client("sqs").create_queue(QueueName="queue")["QueueUrl"]
    environ = {
        "TABLE_NAME": TABLE,
        "TASK_TOKEN_TABLE_NAME": TOKENS,
        "POLICY_PARAMETER": "",
        "SLACK_REPLY_TABLE_NAME": REPLIES,
        "EMAIL": ALICE.id,
        "TOPIC_ARN": boto3.client("sns").create_topic(Name="topic")["TopicArn"],
        "PUBLIC_URL": "https://approvals.example.com",
        "EMAIL_LINK_MODE": "confirm",
        "RETRY_ATTEMPTS": "10",
        **dict.fromkeys(("MAIL_QUEUE_URL", "RETRY_QUEUE_URL", "DECISION_QUEUE_URL"), queue),
        **dict.fromkeys(("SLACK_CHANNEL", "SLACK_SECRET_ARN", "SLACK_API_URL", "EVENT_BUS_NAME", "STACK_NAME"), ""),
    }
    asked = an_approval(request=REQUEST, people=PEOPLE, deliveries=())
    table.add(asked)
    change = {"Keys": {"id": {"S": asked.id}}, "SequenceNumber": "1"}
    event = {"Records": [{"eventSource": "aws:dynamodb", "dynamodb": change}]}
    start("handlers.notify", environ)(event, context)
    assert loft.flown == [(each, "Approve? Deploy") for each in (ANN, BEN, CY)]
