"""Telling the approvers: each channel once, each by itself."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from mypy_boto3_dynamodb import DynamoDBClient

from approvals.domain.eligibility import Reason
from approvals.domain.errors import DeliveryDelayedError, DeliveryError
from approvals.domain.form_changes import form_key
from approvals.domain.form_fields import FieldType, FormField
from approvals.domain.groups import Group
from approvals.domain.judgement import (
    ApprovalEvent,
    Cancellation,
    ExtensionRequest,
    ScheduledCheck,
    Verdict,
    Withdrawal,
)
from approvals.domain.model import Action, Approval, Delivery, MoreTime, Request, Status
from approvals.domain.people import Approver
from approvals.domain.replies import DeferredReply
from approvals.domain.signed_links import approval_id
from approvals.services.identities import StackIdentities
from approvals.services.notify import Notifier
from approvals.services.respond import respond
from approvals.services.tasks import StepsFailedError
from approvals.store.replies import EARLIER_PREFIX, reply_id
from approvals.store.table import ApprovalTable
from bot.directory import SlackUser
from bot.ephemeral import ReplyDelivery
from bot.messenger import SlackMessenger
from demo.person import links
from demo.slack import ELSEWHERE_CHANNEL, Slack
from mail.channel import UNCONFIRMED
from mail.messages import SHARED_ADDRESS
from mail.sns import Mail
from tests.support.broken_records import break_record
from tests.support.builders import ALICE, BOB, NOW, WORKFLOW, WORKSPACE, a_response, an_approval
from tests.support.channels import the_channels, the_identities
from tests.support.fakes import Clock, FakeMailer, FakeQueue, FakeSubscribers, a_rate_limit
from tests.support.rota import Rota
from tests.support.services import a_notifier, a_resumer
from tests.support.slack_clients import DirectWebClient, a_delivery
from tests.support.tables import TABLE

ID = an_approval().id
REQUEST_ALICE = "request_email:alice@example.com"


@pytest.fixture
def with_slack(table: ApprovalTable) -> bool:
    table.add(an_approval(deliveries=()))
    return True


@pytest.fixture
def decisions() -> FakeQueue:
    return FakeQueue()


@pytest.fixture
def notifier(
    with_slack: bool,
    decisions: FakeQueue,
    table: ApprovalTable,
    mailer: FakeMailer,
    subscribers: FakeSubscribers,
    messenger: SlackMessenger,
    clock: Clock,
    logger: Logger,
) -> Notifier:
    return a_notifier(
        table,
        the_channels(
            mailer.outbox(table, clock),
            messenger if with_slack else None,
            logger,
            email="alice@example.com",
            subscribers=subscribers,
        ),
        the_identities(messenger if with_slack else None, subscribers, email="alice@example.com"),
        clock,
        logger,
        decisions=decisions,
    )


@pytest.fixture
def delivery(table: ApprovalTable, messenger: SlackMessenger, clock: Clock, logger: Logger) -> ReplyDelivery:
    return a_delivery(table, messenger, clock, logger)


def first_word(mail: Mail) -> str:
    """Return the word that tells later emails from the first: their subjects are the same."""
    return mail.text.split()[0]


def test_a_new_request_is_mailed_and_posted_once(
    notifier: Notifier, table: ApprovalTable, mailer: FakeMailer, slack: Slack
) -> None:
    notifier(ID, last=False)
    notifier(ID, last=False)
    assert [mail.subject for mail in mailer.sent] == [f"Approve? Deploy web 2.4.1 [{ID[:6]}]"]
    [message] = slack.messages()
    stored = table.get(ID)
    assert stored.steps.keys() == {REQUEST_ALICE, "request_slack"}
    assert stored.deliveries
    assert stored.deliveries[0].id == message.ts


@pytest.mark.parametrize("with_slack", [True, False])
def test_the_stacks_own_address_without_a_subscription_is_not_asked_in_silence(
    notifier: Notifier,
    with_slack: bool,
    table: ApprovalTable,
    mailer: FakeMailer,
    subscribers: FakeSubscribers,
    slack: Slack,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Slack is asked alone; without Slack the execution fails at once. An alarm counts the line in either case."""
    table.add(an_approval(deliveries=()))
    subscribers.addresses = []
    notifier(ID, last=False)
    found = table.get(ID)
    assert mailer.sent == []
    assert [record.message for record in caplog.records].count(UNCONFIRMED) == 1
    if with_slack:
        assert (found.status, len(slack.messages())) == (Status.PENDING, 1)
        return
    assert found.decision is not None
    assert (found.status, found.decision.error) == (Status.CANCELLED, "NotificationFailed")
    assert "alice@example.com, the stack's own address, has no confirmed subscription" in (found.decision.cause or "")


@pytest.mark.parametrize("with_slack", [False])
def test_an_outage_of_sns_is_no_missing_subscription(
    notifier: Notifier, table: ApprovalTable, subscribers: FakeSubscribers, mailer: FakeMailer
) -> None:
    table.add(an_approval(deliveries=()))
    subscribers.broken = True
    with pytest.raises(StepsFailedError, match="SNS answered Throttling"):
        notifier(ID, last=False)
    assert table.get(ID).status is Status.PENDING
    subscribers.broken = False
    notifier(ID, last=False)
    assert len(mailer.sent) == 1


def test_an_unreachable_own_address_waits_for_slack_while_slack_is_down(
    notifier: Notifier, table: ApprovalTable, subscribers: FakeSubscribers, slack: Slack
) -> None:
    subscribers.addresses, slack.fail_with = [], 500
    with pytest.raises(StepsFailedError, match="request_slack"):
        notifier(ID, last=False)
    assert table.get(ID).status is Status.PENDING


def test_slacks_outage_does_not_hold_up_the_email_nor_repeat_it(
    notifier: Notifier, table: ApprovalTable, mailer: FakeMailer, slack: Slack
) -> None:
    slack.fail_with = 500
    for _ in range(3):
        with pytest.raises(StepsFailedError, match="request_slack"):
            notifier(ID, last=False)
    assert len(mailer.sent) == 1
    slack.fail_with = None
    notifier(ID, last=False)
    assert (len(mailer.sent), len(slack.messages())) == (1, 1)


def test_snss_outage_does_not_hold_up_slack_nor_repeat_it(notifier: Notifier, mailer: FakeMailer, slack: Slack) -> None:
    mailer.broken = True
    for _ in range(2):
        with pytest.raises(StepsFailedError, match=r"request_email:alice@example\.com: SNS answered InternalError"):
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
    with pytest.raises(StepsFailedError, match=r"request_email:alice@example\.com: RuntimeError"):
        notifier(ID, last=False)
    assert len(slack.messages()) == 1


def test_an_approval_that_nobody_could_be_told_of_is_cancelled_at_the_last_try(
    notifier: Notifier, table: ApprovalTable, mailer: FakeMailer, slack: Slack
) -> None:
    slack.fail_with, mailer.broken = 503, True
    with pytest.raises(StepsFailedError):
        notifier(ID, last=False)
    assert table.get(ID).status is Status.PENDING
    with pytest.raises(StepsFailedError):
        notifier(ID, last=True)
    decision = table.get(ID).decision
    assert decision is not None
    assert (decision.status, decision.error) == (Status.CANCELLED, "NotificationFailed")
    assert "SNS answered InternalError" in (decision.cause or "")


def test_an_approval_waits_on_if_one_channel_was_reached(
    notifier: Notifier, table: ApprovalTable, slack: Slack
) -> None:
    slack.fail_with = 500
    with pytest.raises(StepsFailedError):
        notifier(ID, last=True)
    assert table.get(ID).status is Status.PENDING


def test_decided_approvals_are_not_asked_any_more(
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


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_decision_made_while_people_were_told_is_handed_to_the_decision_handler(
    notifier: Notifier,
    table: ApprovalTable,
    messenger: SlackMessenger,
    decisions: FakeQueue,
    monkeypatch: pytest.MonkeyPatch,
    cancelled: bool,
) -> None:
    """It knew of no message then, and of a cancelled request not even that anybody was told."""
    post = messenger.post_request
    event = Cancellation(NOW, "stopped") if cancelled else a_response()

    def decided_meanwhile(approval: Approval) -> Delivery:
        respond(table, table.get(ID), event)
        return post(approval)

    monkeypatch.setattr(messenger, "post_request", decided_meanwhile)
    notifier(ID, last=False)
    assert decisions.added == [ID]


def test_pending_approvals_are_handed_to_nobody(notifier: Notifier, decisions: FakeQueue) -> None:
    notifier(ID, last=False)
    assert decisions.added == []


def test_a_cancellation_while_people_are_told_reaches_them_by_email_and_in_the_thread(
    notifier: Notifier,
    table: ApprovalTable,
    mailer: FakeMailer,
    messenger: SlackMessenger,
    slack: Slack,
    decisions: FakeQueue,
    clock: Clock,
    logger: Logger,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`decision` runs before the message is marked; what notify hands over to it tells those it did not know of."""
    resumer = a_resumer(
        table, the_channels(mailer.outbox(table, clock), messenger, logger, email=ALICE.id), clock, logger
    )
    post = messenger.post_request

    def decided_meanwhile(approval: Approval) -> Delivery:
        respond(table, table.get(ID), Cancellation(clock(), "The execution was stopped."))
        resumer(ID, last=False)
        return post(approval)

    monkeypatch.setattr(messenger, "post_request", decided_meanwhile)
    notifier(ID, last=False)
    for item_id in (*decisions.added, *decisions.added):
        resumer(item_id, last=False)
    assert [first_word(mail) for mail in mailer.sent][1:] == ["Cancelled"]
    assert len([message for message in slack.messages() if message.thread_ts]) == 1


def test_the_outcome_in_the_thread_of_an_earlier_message_is_left_to_the_decision_handler(
    notifier: Notifier, quorum: Approval, table: ApprovalTable, slack: Slack
) -> None:
    happens(table, quorum, a_response(Action.REJECT))
    notifier(quorum.id, last=False)
    assert not [message for message in slack.messages() if message.thread_ts]


def test_a_note_is_shown_to_its_user_alone(
    delivery: ReplyDelivery, table: ApprovalTable, slack: Slack, clock: Clock
) -> None:
    note = DeferredReply(id="n1", channel=slack.channel, user="U0BOB00002", text="Too <late>", left_at=clock())
    table.leave_reply(note)
    delivery.deliver(reply_id(note))
    [message] = slack.messages()
    assert (message.ephemeral_to, message.text) == ("U0BOB00002", "Too &lt;late&gt;")


@pytest.mark.parametrize("with_slack", [False])
def test_without_slack_the_email_is_enough(
    notifier: Notifier, table: ApprovalTable, mailer: FakeMailer, slack: Slack
) -> None:
    table.add(an_approval(deliveries=()))
    notifier(ID, last=False)
    assert len(mailer.sent) == 1
    assert slack.calls() == []
    assert table.get(ID).steps.keys() == {REQUEST_ALICE}


@pytest.mark.parametrize("channel", ["C0ELSEWHERE", ELSEWHERE_CHANNEL])
def test_a_note_in_a_channel_that_the_app_is_not_in_reaches_them_directly(
    delivery: ReplyDelivery, table: ApprovalTable, slack: Slack, clock: Clock, channel: str
) -> None:
    note = DeferredReply(id="n1", channel=channel, user="U0BOB00002", text="Too late", left_at=clock())
    table.leave_reply(note)
    delivery.deliver(reply_id(note))
    [message] = slack.messages()
    assert (message.channel, message.text, message.ephemeral_to) == ("D0BOB00002", "Too late", None)


def test_a_note_to_a_person_who_cannot_be_reached_is_dropped(
    delivery: ReplyDelivery, table: ApprovalTable, slack: Slack, clock: Clock
) -> None:
    note = DeferredReply(id="n1", channel="C0ELSEWHERE", user="U0GONE0005", text="Too late", left_at=clock())
    table.leave_reply(note)
    delivery.deliver(reply_id(note))
    assert slack.messages() == []


def test_a_token_that_was_changed_is_read_again(slack: Slack) -> None:
    made: list[DirectWebClient] = []

    def connect() -> DirectWebClient:
        made.append(DirectWebClient(slack))
        return made[-1]

    messenger = SlackMessenger(connect, slack.channel)
    messenger.post_request(an_approval())
    slack.bot_token = "xoxb-another"
    with pytest.raises(DeliveryError, match="invalid_auth: SlackBotToken is wrong"):
        messenger.post_request(an_approval())
    messenger.post_request(an_approval())
    assert (len(made), len(slack.messages())) == (2, 2)


def test_a_proxys_answer_in_slacks_place_is_not_repeated(slack: Slack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Slack, "call", lambda *_: {"ok": False, "error": "non-JSON: <html>" + "x" * 10_000})
    with pytest.raises(DeliveryError) as failed:
        SlackMessenger(lambda: DirectWebClient(slack), slack.channel).post_request(an_approval())
    assert str(failed.value) == "Slack answered HTTP 200"


def test_a_email_that_comes_too_fast_is_left_to_the_digest(
    notifier: Notifier, table: ApprovalTable, mailer: FakeMailer, slack: Slack
) -> None:
    mailer.slots = 0
    notifier(ID, last=False)
    assert mailer.deferred == [(ID, REQUEST_ALICE)]
    assert (mailer.sent, len(slack.messages())) == ([], 1)
    assert REQUEST_ALICE not in table.get(ID).steps


def test_slack_asking_to_slow_down_says_for_how_long(slack: Slack) -> None:
    slack.fail_with = 429
    with pytest.raises(DeliveryDelayedError) as delayed:
        SlackMessenger(lambda: DirectWebClient(slack), slack.channel).post_request(an_approval())
    assert delayed.value.seconds == 7


def an_attempt(table: ApprovalTable, token: str, attempt: int, entered: str = "2026-11-23T09:00:00.000Z") -> Approval:
    workflow = replace(WORKFLOW, attempt=attempt, entered_at=entered)
    approval = an_approval(id=approval_id(token), workflow=workflow, deliveries=())
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


def test_a_failed_supersession_is_tried_again(
    notifier: Notifier, table: ApprovalTable, mailer: FakeMailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_arn: str) -> None:
        raise RuntimeError("throttled")

    second = an_attempt(table, "second", 1)
    monkeypatch.setattr(table, "waiting", broken)
    with pytest.raises(RuntimeError):
        notifier(second.id, last=False)
    assert mailer.sent == [], "nobody is asked twice meanwhile"


# Who is who.

ANN, CAROL = "ann@example.com", "carol@example.com"


class FakeDirectory:
    """Slack's people; `broken` while Slack can't be asked."""

    def __init__(self) -> None:
        self.broken: Exception | None = None
        self.users = {"U0ALICE01": "alice@example.com", "U0BOB00002": "bob@example.com"}

    def find_by_email(self, email: str) -> SlackUser | None:
        return next((self.user(slack_id) for slack_id, known in self.users.items() if known == email), None)

    def user(self, slack_id: str) -> SlackUser | None:
        if self.broken:
            raise self.broken
        email = self.users.get(slack_id)
        name = (email or "").split("@")[0]
        return (
            SlackUser(id=slack_id, name=name, email=email, workspaces=frozenset({WORKSPACE}), deleted=False)
            if email
            else None
        )

    def members(self, _group_id: str) -> tuple[str, ...]:
        if self.broken:
            raise self.broken
        return tuple(self.users)

    def members_of(self, _channel: str) -> frozenset[str]:
        return frozenset(self.users)

    def workspace(self) -> str:
        return WORKSPACE


@pytest.fixture
def directory(messenger: SlackMessenger, monkeypatch: pytest.MonkeyPatch) -> FakeDirectory:
    fake = FakeDirectory()
    monkeypatch.setattr(messenger, "directory", fake)
    return fake


def an_asked(table: ApprovalTable, **changes: Any) -> Approval:
    """Return a request with approvers, as the request function stores it."""
    request = Request(**{"title": "Deploy", "timeout": timedelta(hours=1), **changes})
    approval = an_approval(id=approval_id("t1"), request=request, people=None, deliveries=())
    table.add(approval)
    return approval


def slack_texts(slack: Slack) -> list[str]:
    return [message.text for message in slack.messages()]


def test_it_is_known_who_is_who_before_anybody_is_told(
    notifier: Notifier, directory: FakeDirectory, table: ApprovalTable, mailer: FakeMailer
) -> None:
    asked = an_asked(table, approvers=("alice@example.com", "S0RELEASE1"), required_approvals=2)
    notifier(asked.id, last=False)
    stored = table.get(asked.id)
    assert stored.people is not None
    assert [(person.address, person.on("slack")) for person in stored.people.approvers] == [
        ("alice@example.com", "U0ALICE01"),
        ("", "U0BOB00002"),  # whose address has no subscription
    ]
    assert [mail.to for mail in mailer.sent] == ["alice@example.com"], "bob is named in Slack"


@pytest.mark.parametrize("changes", [{"required_approvals": 2}, {"required_rejections": 2}])
def test_in_a_quorum_without_approvers_the_stacks_address_is_told_and_slack_is_asked(
    notifier: Notifier, table: ApprovalTable, mailer: FakeMailer, slack: Slack, changes: dict[str, int]
) -> None:
    """The address may be the same person's as one of those in the channel."""
    asked = an_asked(table, **changes)
    notifier(asked.id, last=False)
    [mail] = mailer.sent
    assert mail.to == "alice@example.com"
    assert SHARED_ADDRESS in mail.text
    assert "https://" not in mail.text
    assert len(slack.messages()) == 1
    assert table.get(asked.id).status is Status.PENDING


@pytest.mark.parametrize("with_slack", [False])
@pytest.mark.parametrize("changes", [{"required_approvals": 2}, {"required_rejections": 2}])
def test_a_quorum_without_approvers_and_without_slack_fails_at_once_with_what_to_do(
    notifier: Notifier, table: ApprovalTable, mailer: FakeMailer, changes: dict[str, int]
) -> None:
    asked = an_asked(table, **changes)
    notifier(asked.id, last=False)
    decision = table.get(asked.id).decision
    assert decision is not None
    assert (decision.status, decision.error) == (Status.CANCELLED, "InvalidApprovalRequest")
    assert "Add Approval.Approvers" in (decision.cause or "")
    assert mailer.sent == []


@pytest.mark.parametrize(
    ("approvers", "cause"),
    [
        (("alice@example.com", ANN), "Approval.Approvers[1]: ann@example.com has not confirmed its email subscription"),
        (("U0NOBODY99",), "Approval.Approvers[0]: Slack user U0NOBODY99 does not exist."),
    ],
)
def test_a_request_that_names_who_cannot_be_asked_fails_at_once_and_tells_nobody(
    notifier: Notifier,
    directory: FakeDirectory,
    table: ApprovalTable,
    mailer: FakeMailer,
    slack: Slack,
    approvers: tuple[str, ...],
    cause: str,
) -> None:
    asked = an_asked(table, approvers=approvers)
    notifier(asked.id, last=False)
    decision = table.get(asked.id).decision
    assert decision is not None
    assert (decision.status, decision.error) == (Status.CANCELLED, "InvalidApprovalRequest")
    assert cause in (decision.cause or "")
    assert (mailer.sent, slack.messages()) == ([], [])


@pytest.mark.parametrize("broken", ["slack", "sns"])
def test_while_it_cannot_be_found_out_who_is_who_the_request_waits_and_nobody_is_dropped(
    notifier: Notifier,
    directory: FakeDirectory,
    subscribers: FakeSubscribers,
    table: ApprovalTable,
    mailer: FakeMailer,
    broken: str,
) -> None:
    asked = an_asked(table, approvers=("alice@example.com", "S0RELEASE1"))
    directory.broken = DeliveryError("Slack answered HTTP 503") if broken == "slack" else None
    subscribers.broken = broken == "sns"
    for _ in range(2):
        with pytest.raises(StepsFailedError, match="identify: S"):
            notifier(asked.id, last=False)
    assert (table.get(asked.id).people, mailer.sent) == (None, [])
    directory.broken, subscribers.broken = None, False
    notifier(asked.id, last=False)
    people = table.get(asked.id).people
    assert people is not None
    assert len(people.approvers) == 2


def test_slacks_outage_holds_up_nobody_who_is_asked_by_email(
    notifier: Notifier, directory: FakeDirectory, table: ApprovalTable, mailer: FakeMailer, slack: Slack
) -> None:
    """They may answer at once; in Slack nobody may before it is known who is who."""
    asked = an_asked(table, approvers=("alice@example.com", "carol@example.com"), required_approvals=2)
    directory.broken = DeliveryError("Slack answered HTTP 503")
    for _ in range(2):
        with pytest.raises(StepsFailedError, match="identify: Slack answered HTTP 503"):
            notifier(asked.id, last=False)
    assert (len(mailer.sent), slack.messages()) == (2, [])
    approval = replace(table.get(asked.id), deliveries=an_approval().deliveries)
    in_slack = Approver(id="U0ALICE01", name="alice", channel="slack", realm=WORKSPACE)
    by_mail = Approver(id="alice@example.com", name="alice", channel="email")
    assert respond(table, approval, a_response(approver=in_slack)).reason is Reason.TOO_EARLY
    assert respond(table, approval, a_response(approver=by_mail)).verdict is Verdict.COUNTED

    directory.broken = None
    notifier(asked.id, last=False)
    approval = table.get(asked.id)
    assert (len(mailer.sent), len(slack.messages())) == (2, 1)
    assert respond(table, approval, a_response(approver=in_slack)).verdict is Verdict.REPEATED, "the same human"


def test_people_not_identified_in_all_tries_are_not_asked(
    notifier: Notifier, directory: FakeDirectory, table: ApprovalTable
) -> None:
    asked = an_asked(table, approvers=("S0RELEASE1",))
    directory.broken = DeliveryError("Slack answered HTTP 503")
    with pytest.raises(StepsFailedError):
        notifier(asked.id, last=True)
    decision = table.get(asked.id).decision
    assert decision is not None
    assert (decision.error, "identify: Slack answered HTTP 503" in (decision.cause or "")) == (
        "NotificationFailed",
        True,
    )


def test_slack_asking_to_slow_down_is_no_failed_try(
    notifier: Notifier, directory: FakeDirectory, table: ApprovalTable
) -> None:
    asked = an_asked(table, approvers=("S0RELEASE1",))
    directory.broken = DeliveryDelayedError("Slack asks to slow down", 30)
    with pytest.raises(StepsFailedError) as failed:
        notifier(asked.id, last=False)
    assert failed.value.retry_after == 30


def test_a_request_that_names_nobody_costs_no_lookup(notifier: Notifier, directory: FakeDirectory) -> None:
    directory.broken = AssertionError("asked")
    notifier(ID, last=False)


# Everybody gets their own mail.


def test_each_recipient_gets_links_of_their_own_once(
    notifier: Notifier, directory: FakeDirectory, table: ApprovalTable, mailer: FakeMailer
) -> None:
    asked = an_asked(table, approvers=("alice@example.com", CAROL), notify=(ANN, "U0BOB00002"))
    for _ in range(2):
        notifier(asked.id, last=False)
    assert [mail.to for mail in mailer.sent] == ["alice@example.com", CAROL, ANN]
    found = [links({"text": mail.text}) for mail in mailer.sent]
    assert [len(each) for each in found] == [2, 2, 0]
    assert set(found[0].values()).isdisjoint(found[1].values())


def test_a_email_that_fails_is_sent_again_and_no_other(
    notifier: Notifier,
    directory: FakeDirectory,
    table: ApprovalTable,
    mailer: FakeMailer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    send = mailer.send

    def refuses_carol(mail: Mail) -> bool:
        if mail.to == CAROL:
            raise DeliveryError("SNS answered InternalError")
        return send(mail)

    asked = an_asked(table, approvers=("alice@example.com", CAROL))
    monkeypatch.setattr(mailer, "send", refuses_carol)
    with pytest.raises(StepsFailedError, match=f"request_email:{CAROL}: SNS answered InternalError"):
        notifier(asked.id, last=False)
    monkeypatch.setattr(mailer, "send", send)
    notifier(asked.id, last=False)
    assert [mail.to for mail in mailer.sent] == ["alice@example.com", CAROL]


# News.


@pytest.fixture
def quorum(
    notifier: Notifier,
    directory: FakeDirectory,
    table: ApprovalTable,
    mailer: FakeMailer,
    subscribers: FakeSubscribers,
) -> Approval:
    """Two of three must approve. All were told."""
    asked = an_asked(
        table,
        approvers=("alice@example.com", "U0BOB00002", CAROL),
        required_approvals=2,
        reminders=(timedelta(minutes=10), timedelta(minutes=20)),
        escalate_to=(ANN,),
        escalate_after=timedelta(minutes=40),
        more_time=MoreTime(2, timedelta(minutes=30)),
    )
    subscribers.addresses.append(ANN)
    notifier(asked.id, last=False)
    mailer.sent.clear()
    return table.get(asked.id)


def happens(table: ApprovalTable, approval: Approval, event: ApprovalEvent) -> None:
    assert respond(table, table.get(approval.id), event).changed


def news(table: ApprovalTable, dynamodb: DynamoDBClient, approval: Approval) -> str:
    item = dynamodb.get_item(TableName=TABLE, Key={"id": {"S": approval.id}})["Item"]
    return item["news"]["S"]


def test_an_answer_that_counts_is_shown_in_slack_and_then_known(
    notifier: Notifier,
    quorum: Approval,
    table: ApprovalTable,
    slack: Slack,
    dynamodb: DynamoDBClient,
    mailer: FakeMailer,
) -> None:
    happens(table, quorum, a_response())
    assert news(table, dynamodb, quorum) == "yes"
    notifier(quorum.id, last=False)
    [message] = slack.messages()
    assert message.edited
    assert "1 of 2 approvals" in str(message.blocks)
    assert news(table, dynamodb, quorum) == "no"
    assert mailer.sent == []


def test_a_reminder_goes_once_to_those_who_have_not_answered(
    notifier: Notifier, quorum: Approval, table: ApprovalTable, slack: Slack, mailer: FakeMailer
) -> None:
    happens(table, quorum, a_response())
    happens(table, quorum, ScheduledCheck(NOW + timedelta(minutes=11)))
    for _ in range(3):
        notifier(quorum.id, last=False)
    assert [(mail.to, first_word(mail)) for mail in mailer.sent] == [(CAROL, "Reminder:")]
    assert len(links({"text": mailer.sent[0].text})) == 2
    [_, reply] = slack_texts(slack)
    assert reply.startswith(f"<@U0BOB00002> \u201cDeploy\u201d [{quorum.id[:6]}]: Reminder: respond by <!date^")
    assert "carol" in reply
    assert "U0ALICE01" not in reply
    happens(table, quorum, Withdrawal(ALICE, NOW + timedelta(minutes=12)))
    notifier(quorum.id, last=False)
    assert len(mailer.sent) == 1, "who answered when it was time is not reminded later"
    happens(table, quorum, ScheduledCheck(NOW + timedelta(minutes=21)))
    notifier(quorum.id, last=False)
    assert [mail.to for mail in mailer.sent[1:]] == ["alice@example.com", CAROL]


def test_an_escalation_asks_the_new_ones_and_tells_everybody(
    notifier: Notifier, quorum: Approval, table: ApprovalTable, slack: Slack, mailer: FakeMailer
) -> None:
    happens(table, quorum, ScheduledCheck(NOW + timedelta(minutes=41)))
    for _ in range(2):
        notifier(quorum.id, last=False)
    mails = sorted((mail.to, mail.subject, first_word(mail)) for mail in mailer.sent if first_word(mail) != "Reminder:")
    asked = f"Approve? Deploy [{quorum.id[:6]}]"
    assert mails == [
        ("alice@example.com", f"Re: {asked}", "Escalated:"),
        (ANN, asked, "A"),
        (CAROL, f"Re: {asked}", "Escalated:"),
    ]
    assert any("ann@example.com can now respond" in text for text in slack_texts(slack))


def test_more_time_is_seen_by_everybody(
    notifier: Notifier, quorum: Approval, table: ApprovalTable, slack: Slack, mailer: FakeMailer
) -> None:
    happens(table, quorum, ExtensionRequest(ALICE, NOW + timedelta(minutes=1)))
    for _ in range(2):
        notifier(quorum.id, last=False)
    until = "extended the deadline to 23 Nov 2026, 10:30 UTC."
    assert [mail.to for mail in mailer.sent] == ["alice@example.com", CAROL]
    assert all(f"alice@example.com {until}" in mail.text for mail in mailer.sent)
    until = "extended the deadline to <!date^1795429800^{date_short_pretty} at {time}|23 Nov 2026, 10:30 UTC>."
    assert f"alice@example.com {until}" in slack_texts(slack)[-1].replace("\u200b", "")


SHARE = FormField(name="Share", label="Percent of users", type=FieldType.NUMBER)


def approves_with(table: ApprovalTable, approval: Approval, approver: Approver, share: int, minutes: int) -> None:
    shown = form_key(table.get(approval.id))
    said = replace(a_response(approver=approver, minutes=minutes), form={"Share": share}, seen=shown)
    happens(table, approval, said)


@pytest.fixture
def changed(
    notifier: Notifier, table: ApprovalTable, mailer: FakeMailer, slack: Slack, dynamodb: DynamoDBClient
) -> Approval:
    """Alice approved with 10 percent, Bob changed it to 20, and nobody was told yet."""
    asked = an_asked(table, approvers=("alice@example.com", "U0BOB00002", CAROL), required_approvals=3, form=(SHARE,))
    notifier(asked.id, last=False)
    approves_with(table, asked, ALICE, 10, 1)
    notifier(asked.id, last=False)
    mailer.sent.clear()
    approves_with(table, asked, BOB, 20, 2)
    return table.get(asked.id)


def test_whose_approval_was_reset_is_told_once_on_both_channels_and_nobody_else(
    notifier: Notifier, changed: Approval, table: ApprovalTable, slack: Slack, mailer: FakeMailer
) -> None:
    for _ in range(3):
        notifier(changed.id, last=False)
    [mail] = mailer.sent
    assert mail.to == "alice@example.com"
    assert "bob changed the form after you approved, so your approval no longer counts." in " ".join(mail.text.split())
    assert "| Percent of users: 20 (before: 10)" in mail.text
    assert len(links({"text": mail.text})) == 2
    [_, reply] = slack_texts(slack)
    first, *quoted = reply.replace("\u200b", "").splitlines()
    named = f"<@U0ALICE01> \u201cDeploy\u201d [{changed.id[:6]}]:"
    assert first == f"{named} bob changed the form, so alice@example.com must approve again."
    assert quoted == [">Percent of users: 20 (before: 10)"]
    assert ", filled in by bob:" in str(slack.messages()[0].blocks)
    assert "reset-1" in table.get(changed.id).steps


def test_of_two_changes_at_once_the_last_is_told_to_all_who_must_approve_again(
    notifier: Notifier, changed: Approval, table: ApprovalTable, slack: Slack, mailer: FakeMailer
) -> None:
    approves_with(table, changed, Approver(id=CAROL, name=CAROL, channel="email"), 30, 3)
    notifier(changed.id, last=False)
    assert [mail.to for mail in mailer.sent] == ["alice@example.com"], "Bob has no mail"
    [_, reply] = slack_texts(slack)
    assert reply.startswith(f"<@U0ALICE01> <@U0BOB00002> \u201cDeploy\u201d [{changed.id[:6]}]: carol@")
    assert ">Percent of users: 30 (before: 20)" in reply
    assert {"reset-2"} == {step for step in table.get(changed.id).steps if step.startswith("reset")}


def test_who_approved_again_before_they_could_be_told_is_told_nothing(
    notifier: Notifier, changed: Approval, table: ApprovalTable, slack: Slack, mailer: FakeMailer
) -> None:
    approves_with(table, changed, ALICE, 20, 3)
    notifier(changed.id, last=False)
    assert mailer.sent == []
    assert len(slack_texts(slack)) == 1


def test_a_reset_that_slack_did_not_take_is_told_there_later_and_by_mail_once(
    notifier: Notifier, changed: Approval, slack: Slack, mailer: FakeMailer
) -> None:
    slack.fail_with = 500
    for _ in range(2):
        with pytest.raises(StepsFailedError, match="Slack answered"):
            notifier(changed.id, last=False)
    slack.fail_with = None
    notifier(changed.id, last=False)
    assert [mail.to for mail in mailer.sent] == ["alice@example.com"]
    assert len(slack_texts(slack)) == 2


def test_slacks_outage_does_not_hold_up_the_news_by_email(
    notifier: Notifier,
    quorum: Approval,
    table: ApprovalTable,
    slack: Slack,
    mailer: FakeMailer,
    dynamodb: DynamoDBClient,
) -> None:
    slack.fail_with = 500
    happens(table, quorum, ScheduledCheck(NOW + timedelta(minutes=11)))
    for _ in range(2):
        with pytest.raises(StepsFailedError, match="news: Slack answered"):
            notifier(quorum.id, last=False)
    assert [mail.to for mail in mailer.sent] == ["alice@example.com", CAROL]
    assert news(table, dynamodb, quorum) == "yes"
    slack.fail_with = None
    notifier(quorum.id, last=False)
    assert (len(mailer.sent), len(slack.messages())) == (2, 2)


def test_news_that_are_given_up_do_not_silence_the_next(
    notifier: Notifier, quorum: Approval, table: ApprovalTable, slack: Slack, dynamodb: DynamoDBClient
) -> None:
    slack.fail_with = 500
    happens(table, quorum, a_response())
    with pytest.raises(StepsFailedError):
        notifier(quorum.id, last=True)
    assert news(table, dynamodb, quorum) == "no"
    assert table.get(quorum.id).status is Status.PENDING


def test_a_deleted_message_needs_no_more_tries(
    notifier: Notifier, quorum: Approval, table: ApprovalTable, slack: Slack, dynamodb: DynamoDBClient
) -> None:
    slack.delete(slack.messages()[0].ts)
    happens(table, quorum, a_response())
    notifier(quorum.id, last=False)
    assert news(table, dynamodb, quorum) == "no"


def test_a_change_while_people_are_told_is_told_again(
    notifier: Notifier,
    quorum: Approval,
    table: ApprovalTable,
    slack: Slack,
    messenger: SlackMessenger,
    dynamodb: DynamoDBClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    show = messenger.update
    changes = [Withdrawal(ALICE, NOW + timedelta(minutes=2))]

    def changing(approval: Approval) -> None:
        show(approval)
        if changes:
            happens(table, quorum, changes.pop())

    monkeypatch.setattr(messenger, "update", changing)
    happens(table, quorum, a_response())
    notifier(quorum.id, last=False)
    assert "0 of 2 approvals" in str(slack.messages()[0].blocks)
    assert news(table, dynamodb, quorum) == "no"


def test_a_decision_that_falls_while_progress_is_shown_is_what_the_message_says_in_the_end(
    notifier: Notifier,
    quorum: Approval,
    table: ApprovalTable,
    slack: Slack,
    messenger: SlackMessenger,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    show = messenger.update
    changes = [a_response(Action.REJECT, BOB, minutes=2)]

    def decided_meanwhile(approval: Approval) -> None:
        if changes:
            happens(table, quorum, changes.pop())
        show(approval)

    monkeypatch.setattr(messenger, "update", decided_meanwhile)
    happens(table, quorum, a_response())
    notifier(quorum.id, last=False)
    assert slack.messages()[0].text == "Rejected: Deploy"


def test_an_approval_that_changes_all_the_time_is_left_to_the_retry_queue(
    notifier: Notifier, quorum: Approval, table: ApprovalTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    happens(table, quorum, a_response())
    monkeypatch.setattr(table, "announced", lambda _approval: False)
    with pytest.raises(StepsFailedError, match="news: the approval changes faster than approvers can be notified"):
        notifier(quorum.id, last=False)


def test_news_by_email_that_come_too_fast_are_left_to_the_digest(
    notifier: Notifier, quorum: Approval, table: ApprovalTable, mailer: FakeMailer
) -> None:
    mailer.slots = 1
    happens(table, quorum, ScheduledCheck(NOW + timedelta(minutes=11)))
    for _ in range(2):
        notifier(quorum.id, last=False)
    assert [mail.to for mail in mailer.sent] == ["alice@example.com"]
    assert mailer.deferred == [(quorum.id, f"reminder-1:{CAROL}")]


def test_a_new_request_that_the_stream_delivers_again_is_told_once(
    notifier: Notifier, mailer: FakeMailer, slack: Slack, table: ApprovalTable
) -> None:
    for _ in range(3):
        notifier(ID, last=False)
    assert (len(mailer.sent), len(slack.messages())) == (1, 1)
    assert table.get(ID).steps.keys() == {REQUEST_ALICE, "request_slack"}


def test_delivered_again_while_the_email_fails_it_is_posted_once(
    notifier: Notifier, mailer: FakeMailer, slack: Slack
) -> None:
    mailer.broken = True
    for _ in range(2):
        with pytest.raises(StepsFailedError):
            notifier(ID, last=False)
    assert len(slack.messages()) == 1


def test_without_a_slot_the_email_waits_and_the_message_is_posted(
    notifier: Notifier, mailer: FakeMailer, slack: Slack, table: ApprovalTable, clock: Clock
) -> None:
    while a_rate_limit(table).take_slot(ALICE.id, clock()):
        pass
    notifier(ID, last=False)
    assert (mailer.sent, mailer.deferred, len(slack.messages())) == ([], [(ID, REQUEST_ALICE)], 1)


@pytest.mark.parametrize("slots", [None, 0])
def test_delivered_again_after_the_email_failed_or_had_to_wait_it_is_posted_once(
    notifier: Notifier, mailer: FakeMailer, slack: Slack, slots: int | None
) -> None:
    mailer.slots, mailer.broken = slots, slots is None
    with suppress(StepsFailedError):
        notifier(ID, last=False)
    mailer.slots, mailer.broken = None, False
    notifier(ID, last=False)
    assert (len(mailer.sent), len(slack.messages())) == (1, 1)


def test_delivered_again_after_an_approver_left_it_is_not_cancelled(
    notifier: Notifier, table: ApprovalTable, subscribers: FakeSubscribers
) -> None:
    """Who may answer was found out and asked: that counts, also when it could not be found out any more."""
    request = Request(
        timeout=timedelta(hours=1), approvers=("alice@example.com", "carol@example.com"), required_approvals=2
    )
    asked = an_approval(id="d" * 32, request=request, people=None, deliveries=())
    table.add(asked)
    notifier(asked.id, last=False)
    subscribers.addresses = ["alice@example.com"]
    notifier(asked.id, last=False)
    assert table.get(asked.id).status is Status.PENDING


def test_the_first_emails_keep_their_marks_when_slack_is_found_again_meanwhile(
    notifier: Notifier,
    table: ApprovalTable,
    mailer: FakeMailer,
    messenger: SlackMessenger,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who is who was not known in Slack when the mails went out, and is by the end of the same run."""
    request = Request(
        timeout=timedelta(hours=1), approvers=("alice@example.com", "carol@example.com"), required_approvals=2
    )
    asked = an_approval(id="d" * 32, request=request, people=None, deliveries=())
    table.add(asked)
    find, down = messenger.directory.find_by_email, [DeliveryError("Slack can't be reached: timeout")]

    def at_the_second_try(email: str) -> SlackUser | None:
        if down:
            raise down.pop()
        return find(email)

    monkeypatch.setattr(messenger.directory, "find_by_email", at_the_second_try)
    notifier(asked.id, last=False)
    assert len(mailer.sent) == 2
    told = table.get(asked.id).steps
    assert {f"request_email:{name}@example.com" for name in ("alice", "carol")} <= told.keys()


@pytest.mark.parametrize("how", ["a status of a newer version", "no request"])  # all are in test_listing
def test_an_earlier_attempt_that_cannot_be_read_keeps_nobody_from_being_asked(
    notifier: Notifier, table: ApprovalTable, dynamodb: DynamoDBClient, mailer: FakeMailer, how: str
) -> None:
    """Nor one that is gone: the index of what waits is eventually consistent."""
    first, second = (an_attempt(table, f"token {number}", number) for number in range(2))
    break_record(dynamodb, TABLE, first.id, how)
    dynamodb.put_item(TableName=TABLE, Item={"id": {"S": "x"}, "waiting": {"S": WORKFLOW.execution_arn}})
    notifier(second.id, last=False)
    assert [mail.to for mail in mailer.sent] == [ALICE.id]


def test_people_who_make_a_record_too_large_are_not_asked(
    notifier: Notifier, table: ApprovalTable, mailer: FakeMailer, subscribers: FakeSubscribers
) -> None:
    """Who is in a user group is known only now."""
    approvers = tuple(f"{number:03}{'a' * 200}@example.com" for number in range(50))
    subscribers.addresses = [*approvers]
    request = Request(timeout=timedelta(hours=1), approvers=approvers, context={"k": "x" * 240_000})
    approval = an_approval(id=approval_id("large"), request=request, people=None, deliveries=())
    table.add(approval)
    notifier(approval.id, last=False)
    decision = table.get(approval.id).decision
    assert decision is not None
    assert (decision.status, decision.error) == (Status.CANCELLED, "InvalidApprovalRequest")
    assert "maximum is 409,600" in (decision.cause or "")
    assert mailer.sent == []


def test_a_group_of_so_many_that_a_yes_could_fail_the_execution_is_not_asked(
    notifier: Notifier, table: ApprovalTable, mailer: FakeMailer, subscribers: FakeSubscribers
) -> None:
    """All of them may approve before the other group does. `RequiredApprovals` says one."""
    many = tuple(f"ann{number}@example.com" for number in range(40))
    subscribers.addresses = [*many, "bo@example.com"]
    groups = (Group(name="security", approvers=many), Group(name="ops", approvers=("bo@example.com",)))
    request = Request(timeout=timedelta(hours=1), groups=groups, context={"k": "x" * 60_000})
    approval = an_approval(id=approval_id("group"), request=request, people=None, deliveries=())
    table.add(approval)
    notifier(approval.id, last=False)
    decision = table.get(approval.id).decision
    assert decision is not None
    assert decision.error == "InvalidApprovalRequest"
    assert "Step Functions takes at most 262,144" in (decision.cause or "")
    assert mailer.sent == []


def test_members_of_groups_are_asked_and_silent_people_are_not(
    notifier: Notifier, table: ApprovalTable, mailer: FakeMailer, subscribers: FakeSubscribers
) -> None:
    subscribers.addresses = [ALICE.id, "bo@example.com", "cy@example.com"]
    groups = (Group(name="security", approvers=(ALICE.id,)), Group(name="ops", approvers=("bo@example.com",)))
    request = Request(timeout=timedelta(hours=1), groups=groups, required_approvals=2, silent=("cy@example.com",))
    approval = an_approval(id=approval_id("group"), request=request, people=None, deliveries=())
    table.add(approval)
    notifier(approval.id, last=False)
    assert [mail.to for mail in mailer.sent] == [ALICE.id, "bo@example.com"]
    people = table.get(approval.id).people
    assert people is not None
    assert [(each.name, each.people, each.required) for each in people.demands] == [
        ("", None, 2),
        ("security", (ALICE.id,), 1),
        ("ops", ("bo@example.com",), 1),
    ]


def test_a_reply_that_an_earlier_version_left_is_dropped(
    delivery: ReplyDelivery, slack: Slack, dynamodb: DynamoDBClient
) -> None:
    """It is an item of the approvals table, whose id may come back by the retry queue for four days."""
    item = {"id": f"{EARLIER_PREFIX}n1", "channel": slack.channel, "user": "U0BOB00002", "text": "Too late."}
    dynamodb.put_item(TableName=TABLE, Item={name: {"S": value} for name, value in item.items()})
    delivery.deliver(f"{EARLIER_PREFIX}n1")
    assert slack.messages() == []


@pytest.mark.parametrize("broken", [False, True])
def test_a_reminder_asks_those_who_are_on_call_now_and_goes_out_without_them_if_that_is_not_known(
    table: ApprovalTable,
    mailer: FakeMailer,
    clock: Clock,
    logger: Logger,
    broken: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    rota = Rota(S0ONCALL01=["ann"])
    group = Group(name="ops", approvers=("S0ONCALL01", "dan@example.com", "ann@example.com"))
    request = Request(timeout=timedelta(hours=1), groups=(group,), reminders=(timedelta(minutes=10),))
    table.add(an_approval(request=request, people=None, deliveries=()))
    notifier = a_notifier(
        table,
        the_channels(mailer, None, logger, email="ops@example.com"),
        StackIdentities(shared="ops@example.com", resolvers=[rota]),
        clock,
        logger,
    )
    notifier(ID, last=False)
    asked = len(mailer.sent)
    rota.set("S0ONCALL01", "dan", "bo")
    rota.broken = broken
    clock.pass_(minutes=10)
    respond(table, table.get(ID), ScheduledCheck(clock()))
    notifier(ID, last=False)
    notifier(ID, last=False)
    people = table.get(ID).people
    assert people
    joined = [] if broken else ["bo@example.com"]
    assert [each.person for each in people.on_call] == joined
    assert [person.id for person in people.approvers] == ["ann@example.com", "dan@example.com", *joined]
    reminded = sorted(mail.to for mail in mailer.sent[asked:] if first_word(mail) == "Reminder:")
    assert reminded == ["ann@example.com", "dan@example.com"]
    assert ("people on call not added" in caplog.text) is broken
