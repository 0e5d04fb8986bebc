"""Approvers who are not in the channel: asked, shown and reminded in a direct message, and answering there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import pytest
from aws_lambda_powertools import Logger
from mypy_boto3_dynamodb import DynamoDBClient

from approvals.adapters import metrics
from approvals.adapters.step_functions import Workflows
from approvals.domain.history import history
from approvals.domain.judgement import ApprovalEvent, ScheduledCheck
from approvals.domain.model import Approval, Request, Status
from approvals.services.conclude import Resumer
from approvals.services.notify import Notifier
from approvals.services.respond import respond
from approvals.services.tasks import StepsFailedError
from approvals.store.table import ApprovalTable
from bot.app import BotHandler
from bot.channel import DIRECT, MAX_DIRECT
from bot.deliveries import direct_messages
from bot.ephemeral import ReplyDelivery
from bot.messenger import SlackMessenger
from bot.views.buttons import ACTION_IDS
from demo.slack import Message, Slack
from mail.messages import Links
from tests.builders import BOB, NOW, a_response, an_approval
from tests.functional.conftest import (
    REPLIES,
    TABLE,
    Clock,
    FakeMailer,
    FakeSubscribers,
    FakeWorkflows,
    a_delivery,
    a_queue,
    some_tokens,
)
from tests.functional.test_bot import APPROVE, NOBODYS_COMMENT, a_bot, event
from tests.support.channels import the_channels, the_identities

BOBS, CAROL, DAVE, GONE = "U0BOB00002", "U0CAROL003", "U0DAVE0006", "U0GONE0005"
HOUR = timedelta(hours=1)
TO_DAVE = f"request_slack:{DAVE}"


@dataclass
class Office:
    """The backend, and people at Slack. dave is not in the channel."""

    table: ApprovalTable
    slack: Slack
    notifier: Notifier
    resumer: Resumer
    replies: ReplyDelivery
    bot: BotHandler
    context: Any

    def ask(self, *approvers: str, **request: Any) -> Approval:
        asked = an_approval(
            request=Request(title="Deploy", timeout=HOUR, approvers=approvers, comments=NOBODYS_COMMENT, **request),
            people=None,
            deliveries=(),
        )
        self.table.add(asked)
        return asked

    def tell(self, approval: Approval, times: int = 2) -> Approval:
        for _ in range(times):
            self.notifier(approval.id, last=False)
        return self.table.get(approval.id)

    def happens(self, approval: Approval, what: ApprovalEvent) -> None:
        assert respond(self.table, self.table.get(approval.id), what).changed

    def click(self, message: Message, user: str) -> None:
        signed = self.slack.click(message.ts, ACTION_IDS[APPROVE], user)
        assert self.bot(event(*signed), self.context)["statusCode"] == 200

    def in_(self, channel: str) -> list[Message]:
        return [message for message in self.slack.messages() if message.channel == channel]

    @property
    def direct(self) -> list[Message]:
        return self.in_(f"D{DAVE[1:]}")


@pytest.fixture
def office(
    table: ApprovalTable, slack: Slack, messenger: SlackMessenger, clock: Clock, logger: Logger, context: Any
) -> Office:
    outbox, email, base_url = FakeMailer().outbox(table, clock), "stack@example.com", "https://api.example.com/states"
    notifier = Notifier(
        table=table,
        channels=the_channels(outbox, messenger, logger, email=email, links=Links(base_url, one_click=False)),
        identities=the_identities(messenger, FakeSubscribers(), email=email),
        decisions=a_queue(),
        clock=clock,
        logger=logger,
    )
    resumer = Resumer(
        table=table,
        tokens=some_tokens(),
        workflows=cast("Workflows", FakeWorkflows()),
        channels=the_channels(outbox, messenger, logger, email=email),
        clock=clock,
        logger=logger,
        settled=metrics.count_decision,
    )
    replies = a_delivery(table, messenger, clock, logger)
    return Office(table, slack, notifier, resumer, replies, a_bot(table, slack, clock, logger), context)


def test_who_is_not_in_the_channel_is_asked_directly_once(office: Office) -> None:
    now = office.tell(office.ask(BOBS, DAVE))
    [posted], [direct] = office.in_(office.slack.channel), office.direct
    assert (direct.text, direct.blocks) == (posted.text, posted.blocks)
    assert [(message.to, message.id) for message in direct_messages(now)] == [(DAVE, direct.ts)]
    assert now.steps.keys() >= {"request_slack", TO_DAVE, DIRECT}
    assert "dave was asked in a direct message in Slack." in [entry.text for entry in history(now)]
    assert sum('"conversations.members"' in call for call in office.slack.calls()) == 1


@pytest.mark.parametrize("approvers", [(), (BOBS,), ("alice@example.com",)])
def test_who_is_in_the_channel_gets_no_other_message(office: Office, approvers: tuple[str, ...]) -> None:
    now = office.tell(office.ask(*approvers))
    assert [message.channel for message in office.slack.messages()] == [office.slack.channel]
    assert direct_messages(now) == []


def test_without_named_approvers_nobody_asks_who_is_in_the_channel(office: Office) -> None:
    office.tell(office.ask())
    assert not [call for call in office.slack.calls() if "conversations.members" in call]


def test_an_answer_in_the_direct_message_counts_and_every_message_shows_it(office: Office) -> None:
    asked = office.tell(office.ask(BOBS, DAVE))
    office.click(office.direct[0], DAVE)
    office.resumer(asked.id, last=False)
    decision = office.table.get(asked.id).decision
    assert decision is not None
    assert decision.approver is not None
    assert decision.approver.id == DAVE
    [posted, reply], [direct] = office.in_(office.slack.channel), office.direct
    assert posted.blocks == direct.blocks
    assert {posted.text, direct.text} == {"Approved: Deploy"}
    assert reply.thread_ts == posted.ts


def test_an_answer_elsewhere_takes_the_buttons_from_the_direct_message(office: Office) -> None:
    asked = office.tell(office.ask(BOBS, DAVE))
    before = office.direct[0]
    office.click(office.in_(office.slack.channel)[0], BOBS)
    office.resumer(asked.id, last=False)
    assert office.direct[0].text == "Approved: Deploy"
    assert "actions" in str(before.blocks)
    assert "actions" not in str(office.direct[0].blocks)


def test_progress_is_shown_in_the_direct_message_too(office: Office) -> None:
    asked = office.tell(office.ask(BOBS, CAROL, DAVE, required_approvals=2))
    office.happens(asked, a_response(approver=BOB))
    office.tell(asked)
    assert "1 of 2 approvals" in str(office.direct[0].blocks)


def test_a_late_click_in_the_direct_message_is_answered_there(office: Office, dynamodb: DynamoDBClient) -> None:
    asked = office.tell(office.ask(BOBS, DAVE))
    office.happens(asked, a_response(approver=BOB))
    office.click(office.direct[0], DAVE)
    [note] = [item["id"]["S"] for item in dynamodb.scan(TableName=REPLIES)["Items"]]
    office.replies.deliver(note)
    assert office.direct[-1].ephemeral_to == DAVE
    assert "Somebody was faster" in office.direct[-1].text


def test_who_has_not_answered_is_reminded_in_the_direct_message(office: Office) -> None:
    asked = office.tell(office.ask(BOBS, DAVE, reminders=(timedelta(minutes=10),)))
    office.happens(asked, ScheduledCheck(NOW + timedelta(minutes=11)))
    office.tell(asked)
    [request, reminder] = office.direct
    assert reminder.thread_ts == request.ts
    assert "A reminder: this still waits for an answer, until <!date^" in reminder.text


def test_a_reminder_that_fails_for_one_is_not_repeated_to_the_others(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = office.slack.call
    carols = f"D{CAROL[1:]}"

    def fails_for_carol(method: str, authorization: str, parameters: Any) -> dict[str, Any]:
        if parameters.get("channel") == carols and parameters.get("thread_ts"):
            return {"ok": False, "error": "internal_error"}
        return calls(method, authorization, parameters)

    monkeypatch.setattr("demo.slack.web_api.OUTSIDE", frozenset({CAROL, DAVE}))
    asked = office.tell(office.ask(CAROL, DAVE, reminders=(timedelta(minutes=10),)))
    office.happens(asked, ScheduledCheck(NOW + timedelta(minutes=11)))
    with monkeypatch.context() as broken:
        broken.setattr(Slack, "call", lambda _self, *rest: fails_for_carol(*rest))
        for _ in range(2):
            with pytest.raises(StepsFailedError, match="reminder-1:slack-direct: Slack answered internal_error"):
                office.tell(asked)
    now = office.tell(asked)
    assert [bool(message.thread_ts) for message in office.direct] == [False, True]
    assert [bool(message.thread_ts) for message in office.in_(carols)] == [False, True]
    assert [step for step in now.steps if step.startswith("reminder-")] == ["reminder-1"]


def test_who_answered_already_is_not_reminded(office: Office) -> None:
    asked = office.tell(office.ask(BOBS, DAVE, required_approvals=2, reminders=(timedelta(minutes=10),)))
    office.click(office.direct[0], DAVE)
    office.happens(asked, ScheduledCheck(NOW + timedelta(minutes=11)))
    office.tell(asked)
    assert len(office.direct) == 1


def test_whom_a_request_is_escalated_to_is_asked_directly_from_then_on(office: Office) -> None:
    asked = office.tell(office.ask(BOBS, escalate_to=(DAVE,), escalate_after=timedelta(minutes=20)))
    assert office.direct == []
    office.happens(asked, ScheduledCheck(NOW + timedelta(minutes=21)))
    office.tell(asked)
    assert len(office.direct) == 1


def test_an_app_that_may_not_see_members_asks_in_the_channel_alone(office: Office) -> None:
    """It was installed from an earlier manifest: an upgrade must not fail every request."""
    office.slack.scopes -= {"channels:read"}
    now = office.tell(office.ask(BOBS, DAVE))
    assert [message.channel for message in office.slack.messages()] == [office.slack.channel]
    assert DIRECT in now.steps


def test_failing_with_one_does_not_keep_it_from_the_others(
    office: Office, messenger: SlackMessenger, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = office.slack.call

    def fails_for_carol(method: str, authorization: str, parameters: Any) -> dict[str, Any]:
        if method == "chat.postMessage" and parameters.get("channel") == CAROL:
            return {"ok": False, "error": "internal_error"}
        return calls(method, authorization, parameters)

    monkeypatch.setattr(Slack, "call", lambda _self, *rest: fails_for_carol(*rest))
    monkeypatch.setattr("demo.slack.web_api.OUTSIDE", frozenset({CAROL, DAVE}))
    asked = office.ask(CAROL, DAVE)
    with pytest.raises(StepsFailedError, match="direct_slack: Slack answered internal_error"):
        office.tell(asked)
    assert len(office.direct) == 1
    monkeypatch.undo()
    monkeypatch.setattr("demo.slack.web_api.OUTSIDE", frozenset({CAROL, DAVE}))
    now = office.tell(asked)
    assert (len(office.direct), len(office.in_(f"D{CAROL[1:]}"))) == (1, 1)
    assert [message.to for message in direct_messages(now)] == [DAVE, CAROL]


def test_who_takes_no_direct_messages_is_let_go(
    office: Office, messenger: SlackMessenger, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = office.slack.call

    def closed(method: str, authorization: str, parameters: Any) -> dict[str, Any]:
        if parameters.get("channel") == DAVE:
            return {"ok": False, "error": "messages_tab_disabled"}
        return calls(method, authorization, parameters)

    monkeypatch.setattr(Slack, "call", lambda _self, *rest: closed(*rest))
    now = office.tell(office.ask(BOBS, DAVE))
    assert now.status is Status.PENDING
    assert DIRECT in now.steps
    assert TO_DAVE not in now.steps


def test_a_direct_message_that_was_deleted_does_not_hold_up_the_others(office: Office) -> None:
    asked = office.tell(office.ask(BOBS, DAVE))
    office.slack.delete(office.direct[0].ts)
    office.click(office.in_(office.slack.channel)[0], BOBS)
    office.resumer(asked.id, last=False)
    assert office.in_(office.slack.channel)[0].text == "Approved: Deploy"
    assert "outcome_slack" in office.table.get(asked.id).steps


def test_a_message_posted_while_the_decision_fell_loses_its_buttons(
    office: Office, messenger: SlackMessenger, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = office.ask(BOBS, DAVE)
    post = messenger.post_directly

    def decided_meanwhile(approval: Approval, user: str) -> Any:
        message = post(approval, user)
        office.happens(approval, a_response(approver=BOB))
        return message

    monkeypatch.setattr(messenger, "post_directly", decided_meanwhile)
    office.tell(asked, times=1)
    assert office.direct[0].text == "Approved: Deploy"


def test_a_record_of_an_earlier_version_has_no_direct_messages_and_gets_them(
    office: Office, dynamodb: DynamoDBClient
) -> None:
    asked = office.ask(BOBS, DAVE)
    dynamodb.update_item(
        TableName=TABLE, Key={"id": {"S": asked.id}}, UpdateExpression="REMOVE deliveries, direct_messages"
    )
    assert direct_messages(office.table.get(asked.id)) == []
    assert [message.to for message in direct_messages(office.tell(asked))] == [DAVE]


def test_direct_messages_are_bounded(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.channel.MAX_DIRECT", 1)
    monkeypatch.setattr("demo.slack.web_api.OUTSIDE", frozenset({BOBS, CAROL, DAVE}))
    asked = office.ask(BOBS, CAROL, DAVE, escalate_to=("U0ALICE01",), escalate_after=timedelta(minutes=20))
    office.tell(asked)
    office.happens(asked, ScheduledCheck(NOW + timedelta(minutes=21)))
    office.tell(asked)
    assert len([message for message in office.slack.messages() if message.channel.startswith("D")]) == 1
    assert MAX_DIRECT < 50
