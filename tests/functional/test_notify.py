"""Telling the approvers: each channel once, each by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
from aws_lambda_powertools import Logger

from approvals.links import approval_id
from approvals.mail import Mail
from approvals.model import Approval, Note, Status, Step
from approvals.respond import respond
from approvals.steps import DeliveryDelayed, DeliveryFailed, StepsFailed
from approvals.table import NOTE_PREFIX, ApprovalTable
from bot.messenger import SlackMessenger
from handlers.notify import Notifier
from local.slack import Slack
from tests.builders import WORKFLOW, a_response, an_approval
from tests.functional.conftest import Clock, DirectWebClient, FakeMailer

ID = an_approval().id


@pytest.fixture
def with_slack(table: ApprovalTable) -> bool:
    table.add(an_approval(slack_message=None))
    return True


@pytest.fixture
def notifier(
    with_slack: bool,
    table: ApprovalTable,
    mailer: FakeMailer,
    messenger: SlackMessenger,
    clock: Clock,
    logger: Logger,
) -> Notifier:
    return Notifier(
        table=table,
        outbox=mailer.outbox,
        messenger=messenger if with_slack else None,
        email="alice@example.com",
        base_url="https://api.example.com/states",
        clock=clock,
        logger=logger,
    )


def test_a_new_request_is_mailed_and_posted_once(
    notifier: Notifier, table: ApprovalTable, mailer: FakeMailer, slack: Slack
) -> None:
    notifier(ID, last=False)
    notifier(ID, last=False)
    assert [mail.subject for mail in mailer.sent] == ["Approval required: Deploy web 2.4.1"]
    [message] = slack.messages()
    stored = table.get(ID)
    assert stored.steps.keys() == {Step.REQUEST_EMAIL, Step.REQUEST_SLACK}
    assert stored.slack_message is not None
    assert stored.slack_message.ts == message.ts


def test_slacks_outage_does_not_hold_up_the_mail_nor_repeat_it(
    notifier: Notifier, table: ApprovalTable, mailer: FakeMailer, slack: Slack
) -> None:
    slack.fail_with = 500
    for _ in range(3):
        with pytest.raises(StepsFailed, match="request_slack"):
            notifier(ID, last=False)
    assert len(mailer.sent) == 1
    slack.fail_with = None
    notifier(ID, last=False)
    assert (len(mailer.sent), len(slack.messages())) == (1, 1)


def test_snss_outage_does_not_hold_up_slack_nor_repeat_it(notifier: Notifier, mailer: FakeMailer, slack: Slack) -> None:
    mailer.broken = True
    for _ in range(2):
        with pytest.raises(StepsFailed, match="request_email: SNS answered InternalError"):
            notifier(ID, last=False)
    mailer.broken = False
    notifier(ID, last=False)
    assert (len(mailer.sent), len(slack.messages())) == (1, 1)


def test_a_bug_in_one_channel_does_not_stop_the_other(
    notifier: Notifier, slack: Slack, mailer: FakeMailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bug(_mail: Mail) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(mailer, "send", bug)
    with pytest.raises(StepsFailed, match="request_email: RuntimeError"):
        notifier(ID, last=False)
    assert len(slack.messages()) == 1


def test_where_nobody_could_be_told_the_approval_is_cancelled_at_the_last_try(
    notifier: Notifier, table: ApprovalTable, mailer: FakeMailer, slack: Slack
) -> None:
    slack.fail_with, mailer.broken = 503, True
    with pytest.raises(StepsFailed):
        notifier(ID, last=False)
    assert table.get(ID).status is Status.PENDING
    with pytest.raises(StepsFailed):
        notifier(ID, last=True)
    decision = table.get(ID).decision
    assert decision is not None
    assert (decision.status, decision.error) == (Status.CANCELLED, "NotificationFailed")
    assert "SNS answered InternalError" in (decision.cause or "")


def test_where_one_channel_was_reached_the_approval_waits_on(
    notifier: Notifier, table: ApprovalTable, slack: Slack
) -> None:
    slack.fail_with = 500
    with pytest.raises(StepsFailed):
        notifier(ID, last=True)
    assert table.get(ID).status is Status.PENDING


def test_what_is_decided_already_is_not_asked_any_more(
    notifier: Notifier, table: ApprovalTable, mailer: FakeMailer, slack: Slack
) -> None:
    respond(table, table.get(ID), a_response())
    notifier(ID, last=False)
    assert (mailer.sent, slack.messages()) == ([], [])


def test_a_message_that_was_posted_while_the_decision_fell_loses_its_buttons(
    notifier: Notifier, table: ApprovalTable, slack: Slack, messenger: SlackMessenger, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = messenger.post_request

    def decided_meanwhile(approval: object) -> object:
        message = post(an_approval())
        respond(table, table.get(ID), a_response())
        return message

    monkeypatch.setattr(messenger, "post_request", decided_meanwhile)
    notifier(ID, last=False)
    [message] = slack.messages()
    assert message.text == "Approved: Deploy web 2.4.1"
    assert "actions" not in {block["type"] for block in message.blocks}


def test_a_note_is_whispered_to_its_user(notifier: Notifier, table: ApprovalTable, slack: Slack, clock: Clock) -> None:
    table.leave_note(Note(id="n1", channel=slack.channel, user="U0BOB00002", text="Too <late>"), clock())
    notifier(f"{NOTE_PREFIX}n1", last=False)
    [message] = slack.messages()
    assert (message.ephemeral_to, message.text) == ("U0BOB00002", "Too &lt;late&gt;")


@pytest.mark.parametrize("with_slack", [False])
def test_without_slack_the_mail_is_enough(
    notifier: Notifier, table: ApprovalTable, mailer: FakeMailer, slack: Slack
) -> None:
    table.add(an_approval(slack_message=None))
    notifier(ID, last=False)
    assert len(mailer.sent) == 1
    assert slack.calls() == []
    assert table.get(ID).steps.keys() == {Step.REQUEST_EMAIL}


def test_a_note_to_somebody_who_left_the_channel_is_dropped(
    notifier: Notifier, table: ApprovalTable, slack: Slack, clock: Clock
) -> None:
    table.leave_note(Note(id="n1", channel="C0ELSEWHERE", user="U0BOB00002", text="Too late"), clock())
    notifier(f"{NOTE_PREFIX}n1", last=False)
    assert slack.messages() == []


def test_a_token_that_was_changed_is_read_anew(slack: Slack) -> None:
    made: list[DirectWebClient] = []

    def connect() -> DirectWebClient:
        made.append(DirectWebClient(slack))
        return made[-1]

    messenger = SlackMessenger(connect, slack.channel)
    messenger.post_request(an_approval())
    slack.bot_token = "xoxb-another"
    with pytest.raises(DeliveryFailed, match="invalid_auth: SlackBotToken is wrong"):
        messenger.post_request(an_approval())
    messenger.post_request(an_approval())
    assert (len(made), len(slack.messages())) == (2, 2)


def test_what_a_proxy_answers_in_slacks_place_is_not_repeated(slack: Slack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Slack, "call", lambda *_: {"ok": False, "error": "non-JSON: <html>" + "x" * 10_000})
    with pytest.raises(DeliveryFailed) as failed:
        SlackMessenger(lambda: DirectWebClient(slack), slack.channel).post_request(an_approval())
    assert str(failed.value) == "Slack answered HTTP 200"


def test_a_mail_that_comes_too_fast_is_left_to_the_digest(
    notifier: Notifier, table: ApprovalTable, mailer: FakeMailer, slack: Slack
) -> None:
    mailer.slots = 0
    notifier(ID, last=False)
    assert mailer.deferred == [(ID, Step.REQUEST_EMAIL)]
    assert (mailer.sent, len(slack.messages())) == ([], 1)
    assert Step.REQUEST_EMAIL not in table.get(ID).steps


def test_slack_asking_to_slow_down_says_for_how_long(slack: Slack) -> None:
    slack.fail_with = 429
    with pytest.raises(DeliveryDelayed) as delayed:
        SlackMessenger(lambda: DirectWebClient(slack), slack.channel).post_request(an_approval())
    assert delayed.value.seconds == 7


def an_attempt(table: ApprovalTable, token: str, attempt: int, entered: str = "2026-11-23T09:00:00.000Z") -> Approval:
    workflow = replace(WORKFLOW, attempt=attempt, entered_at=entered)
    approval = an_approval(id=approval_id(token), workflow=workflow, slack_message=None)
    table.add(approval)
    return approval


def test_a_retry_of_the_state_supersedes_its_earlier_attempt(notifier: Notifier, table: ApprovalTable) -> None:
    """A retry has a new token; what was asked with the dead one must not be answered any more."""
    first, second, third = (an_attempt(table, f"token {number}", number) for number in range(3))
    notifier(second.id, last=False)
    notifier(third.id, last=False)
    assert table.get(third.id).status is Status.PENDING
    for earlier, newer in ((first, second), (second, third)):
        decision = table.get(earlier.id).decision
        assert decision is not None
        assert (decision.status, decision.superseded_by) == (Status.CANCELLED, newer.id)


def test_other_approvals_of_the_same_execution_are_left_alone(notifier: Notifier, table: ApprovalTable) -> None:
    """The iterations of a Map wait side by side: each entered the state at a time of its own."""
    one = an_attempt(table, "one", 0)
    two = an_attempt(table, "two", 0, entered="2026-11-23T09:00:00.001Z")
    again = an_attempt(table, "two again", 1, entered="2026-11-23T09:00:00.001Z")
    notifier(again.id, last=False)
    assert [table.get(each.id).status for each in (one, two, again)] == ["PENDING", "CANCELLED", "PENDING"]


def test_what_can_not_be_superseded_now_is_tried_again(
    notifier: Notifier, table: ApprovalTable, mailer: FakeMailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_arn: str) -> None:
        raise RuntimeError("throttled")

    second = an_attempt(table, "second", 1)
    monkeypatch.setattr(table, "waiting", broken)
    with pytest.raises(RuntimeError):
        notifier(second.id, last=False)
    assert mailer.sent == [], "nobody is asked twice meanwhile"
