"""What Slack refuses until somebody changes something there: news reach people in another way, and no retry is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from approvals.adapters import metrics
from approvals.domain.judgement import ExtensionRequest, ScheduledCheck
from approvals.domain.model import Action, Approval, MoreTime, Request, Status
from approvals.services.conclude import Resumer
from approvals.services.notify import Notifier
from approvals.services.respond import respond
from approvals.services.tasks import StepsFailedError
from approvals.store.table import ApprovalTable
from bot.channel import CHANNEL_CLOSED
from bot.deliveries import channel_message, direct_messages
from bot.messenger import SlackMessenger
from bot.refusals import GONE, LASTING, NO_THREAD
from demo.slack import Message, Slack, SlackError
from tests.support.builders import BOB, NOW, a_response, an_approval
from tests.support.channels import the_channels, the_identities
from tests.support.fakes import Clock, FakeMailer, FakeQueue, FakeSubscribers, FakeWorkflows, OneToken
from tests.support.services import a_comparer

ALICES, BOBS, CAROL = "U0ALICE01", "U0BOB00002", "U0CAROL003"
ALICE_IN_SLACK = replace(BOB, id=ALICES, name="alice")
NAMED = "\u201cDeploy\u201d [bclqip]:"
HOUR = timedelta(hours=1)

Break = Callable[[Slack], None]


def archive(slack: Slack) -> None:
    slack.closed = "is_archived"


def delete_channel(slack: Slack) -> None:
    slack.closed = "channel_not_found"


def remove_app(slack: Slack) -> None:
    slack.invited = False


def forbid_posts(slack: Slack) -> None:
    slack.closed = "restricted_action_read_only_channel"


CLOSED = pytest.mark.parametrize("close", [archive, delete_channel, remove_app, forbid_posts])


@dataclass
class Backend:
    """`notify` and `decision` of a stack without emails, and its Slack."""

    table: ApprovalTable
    slack: Slack
    notifier: Notifier
    resumer: Resumer

    def ask(self, *approvers: str, **request: Any) -> str:
        asked = an_approval(
            request=Request(title="Deploy", timeout=HOUR, approvers=approvers, **request), people=None, deliveries=()
        )
        self.table.add(asked)
        self.notifier(asked.id, last=False)
        return asked.id

    def move_on(self, approval_id: str, minutes: int = 11) -> Approval:
        """Let the scheduler remind or escalate, and `notify` run twice: the second run finds everything done."""
        assert respond(
            self.table, self.table.get(approval_id), ScheduledCheck(NOW + timedelta(minutes=minutes))
        ).changed
        for _ in range(2):
            self.notifier(approval_id, last=False)
        return self.table.get(approval_id)

    def decide(self, approval_id: str) -> Approval:
        assert respond(self.table, self.table.get(approval_id), a_response(Action.APPROVE, BOB)).changed
        for _ in range(2):
            self.resumer(approval_id, last=False)
        return self.table.get(approval_id)

    def in_channel(self) -> list[Message]:
        return [message for message in self.slack.messages() if message.channel == self.slack.channel]

    def to(self, user: str) -> list[Message]:
        return [message for message in self.slack.messages() if message.channel == f"D{user[1:]}"]


@pytest.fixture
def backend(table: ApprovalTable, slack: Slack, messenger: SlackMessenger, clock: Clock, logger: Logger) -> Backend:
    mailer, email = FakeMailer(), "stack@example.com"
    mailer.slots = 0  # Every email waits for the digest: Slack alone is looked at.
    channels = the_channels(mailer.outbox(table, clock), messenger, logger, email=email)
    notifier = Notifier(
        table=table,
        channels=channels,
        identities=the_identities(messenger, FakeSubscribers(), email=email),
        compare=a_comparer(table, clock, logger),
        decisions=FakeQueue(),
        clock=clock,
        logger=logger,
    )
    resumer = Resumer(
        table=table,
        tokens=OneToken(),
        workflows=FakeWorkflows(),
        channels=channels,
        clock=clock,
        logger=logger,
        settled=metrics.count_decision,
        overridden=metrics.count_override,
    )
    return Backend(table, slack, notifier, resumer)


REMINDED = {"reminders": (timedelta(minutes=10),)}


def test_reminder_of_a_deleted_message_asks_again_in_the_channel(backend: Backend) -> None:
    asked = backend.ask(BOBS, **REMINDED)
    backend.slack.delete(backend.in_channel()[0].ts)
    now = backend.move_on(asked)
    again, reminder = backend.in_channel()
    assert again.blocks[-2]["type"] == "actions", "with its buttons"
    assert reminder.thread_ts == again.ts
    assert reminder.text.startswith(f"<@{BOBS}> {NAMED} Reminder:")
    posted = channel_message(now)
    assert posted
    assert posted.id == again.ts, "and it is the message that is edited from now on"
    backend.decide(asked)
    assert backend.in_channel()[0].text == "Approved: Deploy"


@CLOSED
def test_reminder_in_a_closed_channel_asks_the_approvers_directly(backend: Backend, close: Break) -> None:
    asked = backend.ask(ALICES, BOBS, required_approvals=2, **REMINDED)
    assert respond(backend.table, backend.table.get(asked), a_response(approver=ALICE_IN_SLACK)).changed
    close(backend.slack)
    now = backend.move_on(asked)
    [direct] = backend.to(BOBS)
    assert direct.blocks[-2]["type"] == "actions"
    assert backend.to(ALICES) == [], "who has responded is not asked"
    assert now.steps.keys() >= {"reminder-1", f"request_slack:{BOBS}"}
    assert [message.to for message in direct_messages(now)] == [BOBS]


@CLOSED
def test_second_reminder_in_a_closed_channel_is_below_the_direct_message(backend: Backend, close: Break) -> None:
    asked = backend.ask(BOBS, reminders=(timedelta(minutes=10), timedelta(minutes=20)))
    close(backend.slack)
    backend.move_on(asked)
    now = backend.move_on(asked, 21)
    direct, reminder = backend.to(BOBS)
    assert reminder.thread_ts == direct.ts
    assert reminder.text.startswith(f"{NAMED} Reminder:")
    assert "reminder-2" in now.steps


@CLOSED
def test_reminder_of_a_request_to_everyone_reaches_its_requester(backend: Backend, close: Break) -> None:
    asked = backend.ask(requested_by=CAROL, **REMINDED)
    close(backend.slack)
    now = backend.move_on(asked)
    [told] = backend.to(CAROL)
    assert told.text.startswith(f"{NAMED} Reminder:")
    assert CHANNEL_CLOSED in told.text
    assert "reminder-1" in now.steps


@CLOSED
def test_reminder_that_reaches_nobody_is_not_marked_and_not_retried(backend: Backend, close: Break) -> None:
    asked = backend.ask(**REMINDED)
    close(backend.slack)
    now = backend.move_on(asked)
    assert not {step for step in now.steps if step.startswith("reminder")}
    reopen(backend.slack)
    backend.notifier(asked, last=False)
    assert backend.in_channel()[-1].text.startswith(f"{NAMED} Reminder:")
    assert "reminder-1" in backend.table.get(asked).steps


def reopen(slack: Slack) -> None:
    slack.closed, slack.invited = "", True


@CLOSED
def test_escalation_in_a_closed_channel_asks_the_new_approvers_directly(backend: Backend, close: Break) -> None:
    asked = backend.ask(ALICES, escalate_to=(BOBS,), escalate_after=timedelta(minutes=40))
    close(backend.slack)
    now = backend.move_on(asked, 41)
    assert [len(backend.to(user)) for user in (ALICES, BOBS)] == [1, 1]
    assert "escalation" in now.steps


@CLOSED
def test_extension_in_a_closed_channel_shows_approvers_the_new_deadline(backend: Backend, close: Break) -> None:
    asked = backend.ask(BOBS, more_time=MoreTime(1, timedelta(minutes=30)))
    close(backend.slack)
    assert respond(backend.table, backend.table.get(asked), ExtensionRequest(BOB, NOW + timedelta(minutes=1))).changed
    backend.notifier(asked, last=False)
    assert "extension-1" in backend.table.get(asked).steps
    assert len(backend.to(BOBS)) == 1


@CLOSED
def test_outcome_in_a_closed_channel_is_told_to_requester_and_approvers(backend: Backend, close: Break) -> None:
    asked = backend.ask(ALICES, BOBS, requested_by=CAROL)
    close(backend.slack)
    now = backend.decide(asked)
    for user in (ALICES, BOBS, CAROL):
        [told] = backend.to(user)
        assert told.text.startswith(f"{NAMED} Approved by bob in Slack")
    assert "outcome_thread" in now.steps
    assert "outcome_slack" not in now.steps, "the message still shows its buttons"


@CLOSED
def test_outcome_that_reaches_nobody_is_not_marked_and_not_retried(backend: Backend, close: Break) -> None:
    asked = backend.ask()
    close(backend.slack)
    now = backend.decide(asked)
    assert now.resumed
    assert not {"outcome_thread", "outcome_slack"} & now.steps.keys()


def test_outcome_of_a_deleted_message_stands_in_the_channel_and_names_it(backend: Backend) -> None:
    asked = backend.ask(BOBS, requested_by=CAROL)
    backend.slack.delete(backend.in_channel()[0].ts)
    now = backend.decide(asked)
    [told] = backend.in_channel()
    assert told.thread_ts is None
    assert told.text.startswith(f"<@{CAROL}> {NAMED} Approved by bob in Slack")
    assert now.steps.keys() >= {"outcome_thread", "outcome_slack"}


@pytest.mark.parametrize("code", ["edit_window_closed", "cant_update_message"])
def test_message_that_can_not_be_edited_gets_news_and_outcome_in_its_thread(backend: Backend, code: str) -> None:
    asked = backend.ask(BOBS, **REMINDED)
    backend.slack.edit_refusal = code
    backend.move_on(asked)
    now = backend.decide(asked)
    message, reminder, outcome = backend.in_channel()
    assert (reminder.thread_ts, outcome.thread_ts) == (message.ts, message.ts)
    assert "outcome_thread" in now.steps
    assert "outcome_slack" not in now.steps


@pytest.mark.parametrize("code", sorted(NO_THREAD))
def test_thread_that_takes_no_replies_leaves_news_to_the_channel(
    backend: Backend, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = backend.ask(BOBS, **REMINDED)
    post = Slack._post_message

    def locked(self: Slack, parameters: Any) -> dict[str, Any]:
        if parameters.get("thread_ts"):
            raise SlackError(code)
        return post(self, parameters)

    monkeypatch.setattr(Slack, "_post_message", locked)
    backend.move_on(asked)
    assert backend.in_channel()[-1].text.startswith(f"<@{BOBS}> {NAMED} Reminder:")


def test_renamed_channel_is_the_same_channel(backend: Backend) -> None:
    asked = backend.ask(BOBS, **REMINDED)
    backend.slack.channel_name = "deployments"
    backend.move_on(asked)
    backend.decide(asked)
    message, *replies = backend.in_channel()
    assert message.text == "Approved: Deploy"
    assert [reply.thread_ts for reply in replies] == [message.ts, message.ts]


@CLOSED
def test_new_request_to_a_closed_channel_goes_to_its_approvers(backend: Backend, close: Break) -> None:
    close(backend.slack)
    asked = backend.ask(ALICES, BOBS, **REMINDED)
    assert [len(backend.to(user)) for user in (ALICES, BOBS)] == [1, 1]
    reopen(backend.slack)
    now = backend.move_on(asked)
    assert channel_message(now), "the channel gets it once it is open again"
    now = backend.decide(asked)
    assert {message.text for message in backend.slack.messages() if not message.thread_ts} == {"Approved: Deploy"}


@CLOSED
def test_new_request_to_everyone_in_a_closed_channel_fails_and_leaves_no_dead_letter(
    backend: Backend, close: Break
) -> None:
    close(backend.slack)
    asked = an_approval(request=Request(title="Deploy", timeout=HOUR), people=None, deliveries=())
    backend.table.add(asked)
    with pytest.raises(StepsFailedError, match="request_slack"):
        backend.notifier(asked.id, last=False)  # Somebody may invite the app meanwhile.
    backend.notifier(asked.id, last=True)
    decision = backend.table.get(asked.id).decision
    assert decision
    assert (decision.status, decision.error) == (Status.CANCELLED, "NotificationFailed")
    assert "request_slack: Slack answered" in (decision.cause or "")


@pytest.mark.parametrize("code", sorted(LASTING - GONE))
def test_lasting_refusal_is_no_failure_and_an_outage_is_one(backend: Backend, code: str) -> None:
    asked = backend.ask(BOBS, requested_by=CAROL)
    backend.slack.refusals = dict.fromkeys(("chat.postMessage", "chat.update"), code)
    assert respond(backend.table, backend.table.get(asked), a_response(Action.APPROVE, BOB)).changed
    backend.resumer(asked, last=False)
    assert "outcome_thread" not in backend.table.get(asked).steps


@pytest.mark.parametrize(
    "code", ["internal_error", "fatal_error", "service_unavailable", "external_channel_migrating", "invalid_auth"]
)
def test_outage_is_tried_again(backend: Backend, code: str) -> None:
    asked = backend.ask(BOBS)
    backend.slack.refusals = dict.fromkeys(("chat.postMessage", "chat.update"), code)
    assert respond(backend.table, backend.table.get(asked), a_response(Action.APPROVE, BOB)).changed
    with pytest.raises(StepsFailedError, match=code):
        backend.resumer(asked, last=False)
    backend.slack.refusals = {}
    backend.resumer(asked, last=False)
    assert backend.table.get(asked).steps.keys() >= {"outcome_thread", "outcome_slack"}
