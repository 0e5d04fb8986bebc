"""Approvers who are not in the channel: asked, shown and reminded in a direct message, and answering there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from mypy_boto3_dynamodb import DynamoDBClient

from approvals.domain.absences import Absence
from approvals.domain.eligibility import eligible
from approvals.domain.history import history
from approvals.domain.judgement import ApprovalEvent, ScheduledCheck
from approvals.domain.model import Approval, Request, Status
from approvals.services.conclude import Resumer
from approvals.services.notify import Notifier
from approvals.services.respond import respond
from approvals.services.tasks import StepsFailedError
from approvals.store.absences import AbsenceTable
from approvals.store.table import ApprovalTable
from bot.app import BotHandler
from bot.channel import DIRECT, MAX_DIRECT
from bot.deliveries import direct_messages
from bot.ephemeral import ReplyDelivery
from bot.messenger import SlackMessenger
from bot.views.buttons import ACTION_IDS
from demo.slack import Message, Slack
from mail.messages import Links
from tests.support.builders import APPROVE, BOB, HOUR, NOW, a_response, an_approval
from tests.support.channels import the_channels, the_identities
from tests.support.fakes import Clock, FakeMailer, FakeSubscribers
from tests.support.services import a_notifier, a_resumer
from tests.support.slack_app import NOBODYS_COMMENT, a_bot, event
from tests.support.slack_clients import a_delivery
from tests.support.tables import REPLIES, TABLE

BOBS, CAROL, DAVE, GONE = "U0BOB00002", "U0CAROL003", "U0DAVE0006", "U0GONE0005"
TO_DAVE = f"request_slack:{DAVE}"


@dataclass
class Backend:
    """The backend, and people at Slack. dave is not in the channel."""

    table: ApprovalTable
    slack: Slack
    notifier: Notifier
    resumer: Resumer
    replies: ReplyDelivery
    bot: BotHandler
    context: LambdaContext

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
def backend(
    table: ApprovalTable, slack: Slack, messenger: SlackMessenger, clock: Clock, logger: Logger, context: LambdaContext
) -> Backend:
    outbox, email, base_url = FakeMailer().outbox(table, clock), "stack@example.com", "https://api.example.com/states"
    notifier = a_notifier(
        table,
        the_channels(outbox, messenger, logger, email=email, links=Links(base_url, one_click=False)),
        the_identities(messenger, FakeSubscribers(), email=email),
        clock,
        logger,
    )
    resumer = a_resumer(table, the_channels(outbox, messenger, logger, email=email), clock, logger)
    replies = a_delivery(table, messenger, clock, logger)
    return Backend(table, slack, notifier, resumer, replies, a_bot(table, slack, clock, logger), context)


def test_approvers_outside_the_channel_are_asked_directly_once(backend: Backend) -> None:
    now = backend.tell(backend.ask(BOBS, DAVE))
    [posted], [direct] = backend.in_(backend.slack.channel), backend.direct
    assert (direct.text, direct.blocks) == (posted.text, posted.blocks)
    assert [(message.to, message.id) for message in direct_messages(now)] == [(DAVE, direct.ts)]
    assert now.steps.keys() >= {"request_slack", TO_DAVE, DIRECT}
    assert "Sent to dave in a direct message in Slack." in [entry.text for entry in history(now)]
    assert sum('"conversations.members"' in call for call in backend.slack.calls()) == 1


@pytest.mark.parametrize("approvers", [(), (BOBS,), ("alice@example.com",)])
def test_approvers_in_the_channel_get_no_other_message(backend: Backend, approvers: tuple[str, ...]) -> None:
    now = backend.tell(backend.ask(*approvers))
    assert [message.channel for message in backend.slack.messages()] == [backend.slack.channel]
    assert direct_messages(now) == []


def test_without_named_approvers_nobody_asks_who_is_in_the_channel(backend: Backend) -> None:
    backend.tell(backend.ask())
    assert not [call for call in backend.slack.calls() if "conversations.members" in call]


def test_an_answer_in_the_direct_message_counts_and_every_message_shows_it(backend: Backend) -> None:
    asked = backend.tell(backend.ask(BOBS, DAVE))
    backend.click(backend.direct[0], DAVE)
    backend.resumer(asked.id, last=False)
    decision = backend.table.get(asked.id).decision
    assert decision is not None
    assert decision.approver is not None
    assert decision.approver.id == DAVE
    [posted, reply], [direct] = backend.in_(backend.slack.channel), backend.direct
    assert posted.blocks == direct.blocks
    assert {posted.text, direct.text} == {"Approved: Deploy"}
    assert reply.thread_ts == posted.ts


def test_an_answer_elsewhere_takes_the_buttons_from_the_direct_message(backend: Backend) -> None:
    asked = backend.tell(backend.ask(BOBS, DAVE))
    before = backend.direct[0]
    backend.click(backend.in_(backend.slack.channel)[0], BOBS)
    backend.resumer(asked.id, last=False)
    assert backend.direct[0].text == "Approved: Deploy"
    assert "actions" in str(before.blocks)
    assert "actions" not in str(backend.direct[0].blocks)


def test_progress_is_shown_in_the_direct_message_too(backend: Backend) -> None:
    asked = backend.tell(backend.ask(BOBS, CAROL, DAVE, required_approvals=2))
    backend.happens(asked, a_response(approver=BOB))
    backend.tell(asked)
    assert "1 of 2 approvals" in str(backend.direct[0].blocks)


def test_a_late_click_in_the_direct_message_is_answered_there(backend: Backend, dynamodb: DynamoDBClient) -> None:
    asked = backend.tell(backend.ask(BOBS, DAVE))
    backend.happens(asked, a_response(approver=BOB))
    backend.click(backend.direct[0], DAVE)
    [note] = [item["id"]["S"] for item in dynamodb.scan(TableName=REPLIES)["Items"]]
    backend.replies.deliver(note)
    assert backend.direct[-1].ephemeral_to == DAVE
    assert "Already decided, with the same result." in backend.direct[-1].text


def test_approvers_who_have_not_responded_are_reminded_in_the_direct_message(backend: Backend) -> None:
    asked = backend.tell(backend.ask(BOBS, DAVE, reminders=(timedelta(minutes=10),)))
    backend.happens(asked, ScheduledCheck(NOW + timedelta(minutes=11)))
    backend.tell(asked)
    [request, reminder] = backend.direct
    assert reminder.thread_ts == request.ts
    assert "Reminder: respond by <!date^" in reminder.text


def test_a_reminder_that_fails_for_one_is_not_repeated_to_the_others(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = backend.slack.call
    carols = f"D{CAROL[1:]}"

    def fails_for_carol(method: str, authorization: str, parameters: Any) -> dict[str, Any]:
        if parameters.get("channel") == carols and parameters.get("thread_ts"):
            return {"ok": False, "error": "internal_error"}
        return calls(method, authorization, parameters)

    monkeypatch.setattr("demo.slack.web_api.OUTSIDE", frozenset({CAROL, DAVE}))
    asked = backend.tell(backend.ask(CAROL, DAVE, reminders=(timedelta(minutes=10),)))
    backend.happens(asked, ScheduledCheck(NOW + timedelta(minutes=11)))
    with monkeypatch.context() as broken:
        broken.setattr(Slack, "call", lambda _self, *rest: fails_for_carol(*rest))
        for _ in range(2):
            with pytest.raises(StepsFailedError, match="reminder-1:slack-direct: Slack answered internal_error"):
                backend.tell(asked)
    now = backend.tell(asked)
    assert [bool(message.thread_ts) for message in backend.direct] == [False, True]
    assert [bool(message.thread_ts) for message in backend.in_(carols)] == [False, True]
    assert [step for step in now.steps if step.startswith("reminder-")] == ["reminder-1"]


def test_approvers_who_responded_are_not_reminded(backend: Backend) -> None:
    asked = backend.tell(backend.ask(BOBS, DAVE, required_approvals=2, reminders=(timedelta(minutes=10),)))
    backend.click(backend.direct[0], DAVE)
    backend.happens(asked, ScheduledCheck(NOW + timedelta(minutes=11)))
    backend.tell(asked)
    assert len(backend.direct) == 1


def test_people_escalated_to_are_asked_directly_from_then_on(backend: Backend) -> None:
    asked = backend.tell(backend.ask(BOBS, escalate_to=(DAVE,), escalate_after=timedelta(minutes=20)))
    assert backend.direct == []
    backend.happens(asked, ScheduledCheck(NOW + timedelta(minutes=21)))
    backend.tell(asked)
    assert len(backend.direct) == 1


@pytest.mark.parametrize(("delegate", "place"), [(DAVE, f"D{DAVE[1:]}"), (CAROL, f"D{CAROL[1:]}")])
def test_a_person_to_whom_a_seat_is_reassigned_is_asked_directly_once_in_the_channel_or_not(
    backend: Backend, dynamodb: DynamoDBClient, delegate: str, place: str
) -> None:
    asked = backend.tell(backend.ask(BOBS))
    [bob] = [person for person in eligible(asked) if person.on("slack") == BOBS]
    reassigned = Absence(
        owner=bob.id, delegate=delegate, since=NOW, until=NOW + HOUR, set_by="arn:aws:iam::1:root", approval=asked.id
    )
    AbsenceTable(dynamodb, TABLE).replace((), (reassigned,))
    now = backend.tell(asked)
    [direct] = backend.in_(place)
    assert direct.text == "Approve? Deploy"
    assert [message.to for message in direct_messages(now)] == [delegate]
    backend.click(direct, delegate)
    assert backend.table.get(asked.id).responses[0].on_behalf_of == bob.id
    assert len(backend.in_(place)) == 1


def test_an_app_that_may_not_see_members_asks_in_the_channel_alone(backend: Backend) -> None:
    """It was installed from an earlier manifest: an upgrade must not fail every request."""
    backend.slack.scopes -= {"channels:read"}
    now = backend.tell(backend.ask(BOBS, DAVE))
    assert [message.channel for message in backend.slack.messages()] == [backend.slack.channel]
    assert DIRECT in now.steps


def test_failing_with_one_does_not_keep_it_from_the_others(
    backend: Backend, messenger: SlackMessenger, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = backend.slack.call

    def fails_for_carol(method: str, authorization: str, parameters: Any) -> dict[str, Any]:
        if method == "chat.postMessage" and parameters.get("channel") == CAROL:
            return {"ok": False, "error": "internal_error"}
        return calls(method, authorization, parameters)

    monkeypatch.setattr(Slack, "call", lambda _self, *rest: fails_for_carol(*rest))
    monkeypatch.setattr("demo.slack.web_api.OUTSIDE", frozenset({CAROL, DAVE}))
    asked = backend.ask(CAROL, DAVE)
    with pytest.raises(StepsFailedError, match="direct_slack: Slack answered internal_error"):
        backend.tell(asked)
    assert len(backend.direct) == 1
    monkeypatch.undo()
    monkeypatch.setattr("demo.slack.web_api.OUTSIDE", frozenset({CAROL, DAVE}))
    now = backend.tell(asked)
    assert (len(backend.direct), len(backend.in_(f"D{CAROL[1:]}"))) == (1, 1)
    assert [message.to for message in direct_messages(now)] == [DAVE, CAROL]


def test_people_who_take_no_direct_messages_do_not_hold_up_the_request(
    backend: Backend, messenger: SlackMessenger, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = backend.slack.call

    def closed(method: str, authorization: str, parameters: Any) -> dict[str, Any]:
        if parameters.get("channel") == DAVE:
            return {"ok": False, "error": "messages_tab_disabled"}
        return calls(method, authorization, parameters)

    monkeypatch.setattr(Slack, "call", lambda _self, *rest: closed(*rest))
    now = backend.tell(backend.ask(BOBS, DAVE))
    assert now.status is Status.PENDING
    assert DIRECT in now.steps
    assert TO_DAVE not in now.steps


def test_a_direct_message_that_was_deleted_does_not_hold_up_the_others(backend: Backend) -> None:
    asked = backend.tell(backend.ask(BOBS, DAVE))
    backend.slack.delete(backend.direct[0].ts)
    backend.click(backend.in_(backend.slack.channel)[0], BOBS)
    backend.resumer(asked.id, last=False)
    assert backend.in_(backend.slack.channel)[0].text == "Approved: Deploy"
    assert "outcome_slack" in backend.table.get(asked.id).steps


def test_a_message_posted_while_the_decision_fell_loses_its_buttons(
    backend: Backend, messenger: SlackMessenger, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = backend.ask(BOBS, DAVE)
    post = messenger.post_directly

    def decided_meanwhile(approval: Approval, user: str) -> Any:
        message = post(approval, user)
        backend.happens(approval, a_response(approver=BOB))
        return message

    monkeypatch.setattr(messenger, "post_directly", decided_meanwhile)
    backend.tell(asked, times=1)
    assert backend.direct[0].text == "Approved: Deploy"


def test_a_record_of_an_earlier_version_has_no_direct_messages_and_gets_them(
    backend: Backend, dynamodb: DynamoDBClient
) -> None:
    asked = backend.ask(BOBS, DAVE)
    dynamodb.update_item(
        TableName=TABLE, Key={"id": {"S": asked.id}}, UpdateExpression="REMOVE deliveries, direct_messages"
    )
    assert direct_messages(backend.table.get(asked.id)) == []
    assert [message.to for message in direct_messages(backend.tell(asked))] == [DAVE]


def test_direct_messages_are_bounded(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.channel.MAX_DIRECT", 1)
    monkeypatch.setattr("demo.slack.web_api.OUTSIDE", frozenset({BOBS, CAROL, DAVE}))
    asked = backend.ask(BOBS, CAROL, DAVE, escalate_to=("U0ALICE01",), escalate_after=timedelta(minutes=20))
    backend.tell(asked)
    backend.happens(asked, ScheduledCheck(NOW + timedelta(minutes=21)))
    backend.tell(asked)
    assert len([message for message in backend.slack.messages() if message.channel.startswith("D")]) == 1
    assert MAX_DIRECT < 50
