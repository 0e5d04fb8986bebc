"""The shared decision handler: the workflow first, then the people, each once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from mypy_boto3_dynamodb import DynamoDBClient

from approvals.adapters.step_functions import TaskGoneError
from approvals.domain.errors import DeliveryError
from approvals.domain.judgement import Cancellation, Expiry
from approvals.domain.model import Action, Approval, OnTimeout, Request, Status
from approvals.domain.people import People, Person
from approvals.domain.result import result
from approvals.domain.steps import Step
from approvals.services.conclude import Resumer
from approvals.services.respond import respond
from approvals.services.tasks import StepsFailedError
from approvals.store.table import ApprovalTable
from approvals.store.task_tokens import TaskTokens
from bot.messenger import SlackMessenger
from demo.slack import Slack
from tests.support.builders import ALICE, BOB, NOW, TOKEN, a_response, an_approval
from tests.support.channels import the_channels
from tests.support.fakes import Clock, FakeMailer, FakeWorkflows
from tests.support.overrides import PINNED, REASON, an_override
from tests.support.services import a_resumer
from tests.support.tables import TABLE
from web import pages

ID = an_approval().id
NAMED = "\u201cDeploy web 2.4.1\u201d [bclqip]:"
OUTCOME_ALICE = f"outcome_email:{ALICE.id}"


@pytest.fixture
def resumer(
    table: ApprovalTable,
    workflows: FakeWorkflows,
    mailer: FakeMailer,
    messenger: SlackMessenger,
    clock: Clock,
    logger: Logger,
) -> Resumer:
    asked = an_approval(deliveries=())
    table.add(asked)
    table.mark(asked, "request_email", clock())
    table.mark(asked, "request_slack", clock(), delivery=messenger.post_request(asked))
    return a_resumer(
        table,
        the_channels(mailer.outbox(table, clock), messenger, logger, email=ALICE.id),
        clock,
        logger,
        workflows=workflows,
    )


def decide(table: ApprovalTable, action: Action = Action.APPROVE) -> None:
    respond(table, table.get(ID), a_response(action, BOB))


@pytest.mark.parametrize(("action", "word"), [(Action.APPROVE, "Approved"), (Action.REJECT, "Rejected")])
def test_a_decision_resumes_the_workflow_and_shows_everywhere(
    resumer: Resumer,
    table: ApprovalTable,
    workflows: FakeWorkflows,
    mailer: FakeMailer,
    slack: Slack,
    action: Action,
    word: str,
) -> None:
    decide(table, action)
    resumer(ID, last=False)
    [resumed] = workflows.resumed
    assert resumed.status is action.status
    [mail] = mailer.sent
    assert mail.subject == f"Re: Approve? Deploy web 2.4.1 [{ID[:6]}]"
    assert mail.text.startswith(f"{word} by bob in Slack on ")
    [message, reply] = slack.messages()
    assert (message.text, message.edited) == (f"{word}: Deploy web 2.4.1", True)
    assert (reply.thread_ts, reply.text.split("on 23 Nov")[0]) == (
        message.ts,
        f"{NAMED} {word} by bob in Slack <!date^1795424460^{{date_short_pretty}} at {{time}}|",
    )
    assert f"*{word}* by <@U0BOB00002> in Slack" in str(message.blocks)
    assert table.get(ID).steps.keys() >= {Step.RESUME, OUTCOME_ALICE, "outcome_slack"}


def test_the_same_decision_delivered_again_does_nothing(
    resumer: Resumer, table: ApprovalTable, workflows: FakeWorkflows, mailer: FakeMailer, slack: Slack
) -> None:
    decide(table)
    for _ in range(3):
        resumer(ID, last=False)
    assert (len(workflows.resumed), len(mailer.sent), len(slack.calls())) == (1, 1, 3)
    assert table.get(ID).resumed is True


def test_undecided_approvals_are_left_alone(resumer: Resumer, workflows: FakeWorkflows, mailer: FakeMailer) -> None:
    resumer(ID, last=False)
    assert (workflows.resumed, mailer.sent) == ([], [])


def test_slacks_outage_delays_only_slack(
    resumer: Resumer, table: ApprovalTable, workflows: FakeWorkflows, mailer: FakeMailer, slack: Slack
) -> None:
    decide(table)
    slack.fail_with = 500
    with pytest.raises(StepsFailedError, match="outcome_slack"):
        resumer(ID, last=False)
    assert (len(workflows.resumed), len(mailer.sent)) == (1, 1)
    slack.fail_with = None
    resumer(ID, last=False)
    assert (len(workflows.resumed), len(mailer.sent)) == (1, 1)
    assert slack.messages()[0].edited


def test_step_functions_outage_is_tried_again(
    resumer: Resumer, table: ApprovalTable, workflows: FakeWorkflows, mailer: FakeMailer
) -> None:
    decide(table)
    workflows.broken = True
    with pytest.raises(StepsFailedError, match="resume: Step Functions answered ThrottlingException"):
        resumer(ID, last=False)
    workflows.broken = False
    resumer(ID, last=False)
    assert (len(workflows.resumed), len(mailer.sent)) == (1, 1)


def test_a_workflow_that_no_longer_waits_is_not_recorded_as_resumed(
    resumer: Resumer, table: ApprovalTable, workflows: FakeWorkflows, mailer: FakeMailer
) -> None:
    decide(table)
    workflows.gone = True
    for _ in range(2):
        resumer(ID, last=False)
    steps = table.get(ID).steps
    assert Step.WORKFLOW_GONE in steps
    assert Step.RESUME not in steps
    assert len(mailer.sent) == 1


def test_an_expired_approval_is_announced_too(
    resumer: Resumer, table: ApprovalTable, workflows: FakeWorkflows, mailer: FakeMailer, clock: Clock, slack: Slack
) -> None:
    clock.pass_(hours=1)
    respond(table, table.get(ID), Expiry(clock()))
    resumer(ID, last=False)
    assert workflows.resumed[0].status is Status.EXPIRED
    assert mailer.sent[0].text.startswith("Expired on ")
    assert slack.messages()[0].text == "Expired: Deploy web 2.4.1"


def test_people_not_told_of_a_request_are_not_told_of_its_end(
    resumer: Resumer, table: ApprovalTable, workflows: FakeWorkflows, mailer: FakeMailer, clock: Clock
) -> None:
    untold = an_approval(id="c" * 32, deliveries=())
    table.add(untold)
    respond(table, untold, Cancellation(clock(), "SNS answered InternalError", error="NotificationFailed"))
    resumer(untold.id, last=False)
    assert workflows.resumed[0].status is Status.CANCELLED
    assert mailer.sent == []


@pytest.mark.parametrize("gone", [True, False])
def test_step_functions_is_told_of_every_cancellation(
    resumer: Resumer, table: ApprovalTable, workflows: FakeWorkflows, slack: Slack, clock: Clock, *, gone: bool
) -> None:
    """Should the execution wait all the same, it must not wait for a year."""
    respond(table, table.get(ID), Cancellation(clock(), "The execution was stopped before a decision."))
    workflows.gone = gone
    resumer(ID, last=False)
    assert [each.status for each in workflows.resumed] == ([] if gone else [Status.CANCELLED])
    assert table.get(ID).resumed is not gone
    assert "The execution was stopped" in str(slack.messages()[0].blocks)


def test_an_answer_that_came_in_vain_says_so_everywhere(
    resumer: Resumer, table: ApprovalTable, workflows: FakeWorkflows, mailer: FakeMailer, slack: Slack
) -> None:
    """Nothing claims that a workflow continued when it did not."""
    decide(table)
    workflows.gone = True
    resumer(ID, last=False)
    lost = "The workflow had already ended, so it did not receive this response."
    assert lost in mailer.sent[0].text
    assert lost in str(slack.messages()[0].blocks)
    assert lost in pages.outcome(table.get(ID), Action.APPROVE)


def test_a_resume_whose_note_was_lost_is_found_in_the_history(
    resumer: Resumer, table: ApprovalTable, workflows: FakeWorkflows, mailer: FakeMailer
) -> None:
    """Step Functions answers the second call as it answers one that is too late; the history tells them apart."""
    decide(table)
    workflows.resume(table.get(ID), TOKEN)
    resumer(ID, last=False)
    assert len(workflows.resumed) == 1
    assert table.get(ID).resumed is True
    assert "But the workflow" not in mailer.sent[0].text


def test_a_message_that_was_deleted_needs_no_more_tries(resumer: Resumer, table: ApprovalTable, slack: Slack) -> None:
    decide(table)
    slack.delete(slack.messages()[0].ts)
    resumer(ID, last=False)
    assert "outcome_slack" in table.get(ID).steps


def test_a_rejection_by_silence_resumes_the_workflow_too(
    resumer: Resumer, table: ApprovalTable, workflows: FakeWorkflows, mailer: FakeMailer, clock: Clock
) -> None:
    request = Request(title="Deploy", timeout=timedelta(hours=1), on_timeout=OnTimeout.REJECT)
    silent = table.mark(_added(table, request=request), f"request_email:{ALICE.id}", clock())
    clock.pass_(hours=1)
    respond(table, silent, Expiry(clock()))
    resumer(silent.id, last=False)
    assert [resumed.status for resumed in workflows.resumed] == [Status.REJECTED]
    assert table.get(silent.id).resumed is True
    assert mailer.sent[0].text.startswith("Rejected on ")


def test_all_who_were_asked_or_told_hear_the_outcome_each_once(
    resumer: Resumer, table: ApprovalTable, mailer: FakeMailer
) -> None:
    ann, ben = (Person(id=f"{name}@x.org", name=name, identities={"email": f"{name}@x.org"}) for name in ("ann", "ben"))
    request = Request(
        timeout=timedelta(hours=1),
        approvers=(ann.address, ben.address, "U0BOB00002"),
        notify=("cy@x.org", "U0CY000001"),
    )
    bob = Person(id="U0BOB00002", name="bob", identities={"slack": "U0BOB00002"})
    asked = _added(table, request=request, people=People(approvers=(ann, ben, bob)))
    respond(table, asked, a_response(approver=BOB))
    mailer.broken_for = ben.address
    with pytest.raises(StepsFailedError, match=f"outcome_email:{ben.address}: SNS answered InternalError"):
        resumer(asked.id, last=False)
    mailer.broken_for = None
    resumer(asked.id, last=False)
    assert [mail.to for mail in mailer.sent] == [ann.address, "cy@x.org", ben.address]


JO = Person(id="jo@example.com", name="jo", identities={"email": "jo@example.com", "slack": "U0JO000001"})


def _posted(table: ApprovalTable, messenger: SlackMessenger, clock: Clock, **changes: Any) -> Approval:
    return _post(table, _added(table, deliveries=(), **changes), messenger, clock)


def _post(table: ApprovalTable, asked: Approval, messenger: SlackMessenger, clock: Clock) -> Approval:
    return table.mark(asked, "request_slack", clock(), delivery=messenger.post_request(asked))


def test_requester_is_told_in_the_thread_with_the_comment(
    resumer: Resumer, table: ApprovalTable, slack: Slack, messenger: SlackMessenger, clock: Clock
) -> None:
    asked = _posted(table, messenger, clock, people=People(requester=JO))
    respond(table, asked, a_response(Action.REJECT, BOB, comment="Not on a Friday\n<!channel>"))
    for _ in range(2):
        resumer(asked.id, last=False)
    [reply] = [message for message in slack.messages() if message.thread_ts]
    assert asked.deliveries
    assert reply.thread_ts == asked.deliveries[0].id
    named = NAMED.replace(ID[:6], asked.id[:6])
    assert reply.text == (
        f"<@U0JO000001> {named} Rejected by bob in Slack <!date^1795424460^{{date_short_pretty}} at {{time}}"
        "|on 23 Nov 2026, 09:01 UTC>.\n>Not on a Friday\n>&lt;!channel&gt;"
    )


def test_a_reply_that_failed_is_tried_again_without_another_edit(
    resumer: Resumer, table: ApprovalTable, slack: Slack, messenger: SlackMessenger, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide(table)
    reply = messenger.reply_outcome
    broken: list[Approval] = []

    def fails_once(approval: Approval) -> None:
        if not broken:
            broken.append(approval)
            raise DeliveryError("Slack answered internal_error")
        reply(approval)

    monkeypatch.setattr(messenger, "reply_outcome", fails_once)
    with pytest.raises(StepsFailedError, match="outcome_thread: Slack answered internal_error"):
        resumer(ID, last=False)
    resumer(ID, last=False)
    assert [message.edited for message in slack.messages()] == [True, False]
    assert sum("chat.update" in call for call in slack.calls()) == 1


def test_a_superseded_request_gets_no_reply_in_its_thread(
    resumer: Resumer, table: ApprovalTable, slack: Slack, messenger: SlackMessenger, clock: Clock
) -> None:
    asked = _posted(table, messenger, clock, people=People(requester=JO))
    respond(table, asked, Cancellation(clock(), "The workflow tried again.", superseded_by="e" * 32))
    resumer(asked.id, last=False)
    assert not [message for message in slack.messages() if message.thread_ts]


def _added(table: ApprovalTable, **changes: Any) -> Approval:
    approval = an_approval(id="d" * 32, **changes)
    table.add(approval)
    return approval


def test_delivered_again_while_step_functions_fails_the_thread_is_told_once(
    resumer: Resumer, table: ApprovalTable, workflows: FakeWorkflows, mailer: FakeMailer, slack: Slack
) -> None:
    decide(table)
    workflows.broken = True
    for _ in range(2):
        with pytest.raises(StepsFailedError, match="resume"):
            resumer(ID, last=False)
    assert (len(mailer.sent), len([message for message in slack.messages() if message.thread_ts])) == (1, 1)


def test_a_message_that_was_posted_meanwhile_shows_that_the_workflow_did_not_hear(
    resumer: Resumer,
    table: ApprovalTable,
    workflows: FakeWorkflows,
    messenger: SlackMessenger,
    slack: Slack,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = _added(table, deliveries=())
    respond(table, asked, a_response())

    def posted_meanwhile(_approval: Approval, _task_token: str) -> None:
        _post(table, asked, messenger, clock)
        raise TaskGoneError("TaskTimedOut")

    monkeypatch.setattr(workflows, "resume", posted_meanwhile)
    resumer(asked.id, last=False)
    [_, message] = [message for message in slack.messages() if not message.thread_ts]
    assert "The workflow had already ended" in str(message.blocks)


def test_a_crash_before_the_mark_repeats_no_resumption_and_counts_once(
    resumer: Resumer,
    table: ApprovalTable,
    workflows: FakeWorkflows,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    decide(table)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(table, "mark", killed)
        with pytest.raises(KeyboardInterrupt):
            resumer(ID, last=False)
    assert (len(workflows.resumed), table.get(ID).resumed) == (1, None)
    assert "ApprovalDecided" not in capsys.readouterr().out
    for _ in range(2):
        resumer(ID, last=False)
    assert (len(workflows.resumed), table.get(ID).resumed) == (1, True)
    assert capsys.readouterr().out.count('"ApprovalDecided":[1.0]') == 1


def test_a_direct_message_that_was_posted_meanwhile_shows_that_the_workflow_did_not_hear(
    resumer: Resumer,
    table: ApprovalTable,
    workflows: FakeWorkflows,
    messenger: SlackMessenger,
    slack: Slack,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    decide(table)
    workflows.gone = True
    reply = messenger.reply_outcome

    def posted_meanwhile(approval: Approval) -> None:
        seen = table.get(ID)
        message = messenger.post_directly(seen, "U0BOB00002")
        table.mark(seen, "request_slack:U0BOB00002", clock(), delivery=message)
        reply(approval)

    monkeypatch.setattr(messenger, "reply_outcome", posted_meanwhile)
    resumer(ID, last=False)
    shown = [message for message in slack.messages() if not message.thread_ts]
    assert len(shown) == 2
    assert all("The workflow had already ended" in str(message.blocks) for message in shown)


def test_emails_do_not_wait_until_many_messages_are_edited(
    resumer: Resumer,
    table: ApprovalTable,
    mailer: FakeMailer,
    messenger: SlackMessenger,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = table.get(ID)
    message = messenger.post_directly(seen, "U0BOB00002")
    table.mark(seen, "request_slack:U0BOB00002", clock(), delivery=message)
    decide(table)

    def killed(_: Approval) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(messenger, "update", killed)
    with pytest.raises(KeyboardInterrupt):
        resumer(ID, last=False)
    assert (table.get(ID).resumed, len(mailer.sent)) == (True, 1)


@dataclass
class Tokens(FakeWorkflows):
    """Step Functions, which notes the tokens that it gets."""

    seen: list[str] = field(default_factory=list)
    run: Callable[[], None] = lambda: None

    def resume(self, approval: Approval, task_token: str) -> None:  # noqa: ARG002
        self.seen.append(task_token)


@pytest.fixture
def heard(table: ApprovalTable, tokens: TaskTokens, mailer: FakeMailer, clock: Clock, logger: Logger) -> Tokens:
    """What the workflow hears of an approval that is decided; its token may be anywhere."""
    heard = Tokens()
    resumer = a_resumer(
        table,
        the_channels(mailer.outbox(table, clock), None, logger, email=ALICE.id),
        clock,
        logger,
        tokens=tokens,
        workflows=heard,
    )
    table.add(an_approval())
    decide(table)
    heard.run = partial(resumer, ID, last=False)
    return heard


def keep_in_the_record(dynamodb: DynamoDBClient, token: str) -> None:
    """As versions before 0.2 did."""
    dynamodb.update_item(
        TableName=TABLE,
        Key={"id": {"S": ID}},
        UpdateExpression="SET task_token = :token",
        ExpressionAttributeValues={":token": {"S": token}},
    )


def test_the_token_is_taken_from_its_own_table(heard: Tokens, tokens: TaskTokens, dynamodb: DynamoDBClient) -> None:
    tokens.put(ID, TOKEN, NOW)
    keep_in_the_record(dynamodb, "written by somebody who may write records")
    heard.run()
    assert heard.seen == [TOKEN]


def test_an_approval_of_an_earlier_version_is_resumed_by_the_token_in_its_record(
    heard: Tokens, dynamodb: DynamoDBClient
) -> None:
    keep_in_the_record(dynamodb, TOKEN)
    heard.run()
    assert heard.seen == [TOKEN]


def test_a_decision_whose_token_is_lost_is_tried_again_and_never_taken_for_delivered(
    heard: Tokens, table: ApprovalTable
) -> None:
    with pytest.raises(StepsFailedError, match="the record has no task token"):
        heard.run()
    assert (heard.seen, table.get(ID).resumed) == ([], None)


def test_an_override_resumes_the_workflow_and_is_called_one_everywhere(
    resumer: Resumer, table: ApprovalTable, workflows: FakeWorkflows, mailer: FakeMailer, slack: Slack
) -> None:
    asked = table.get(ID)
    under_a_policy = replace(asked, request=replace(asked.request, policy=PINNED))
    respond(table, under_a_policy, an_override())
    resumer(ID, last=False)
    [resumed] = workflows.resumed
    assert result(resumed)["Override"] == result(table.get(ID))["Override"]
    [mail] = mailer.sent
    assert mail.text.startswith("Override: approved by ivy@example.com by IAM on ")
    assert "One person decided this alone" in mail.text
    assert f"Reason from ivy@example.com:\n| {REASON}" in mail.text
    [message, reply] = slack.messages()
    assert message.text == "Override: approved: Deploy web 2.4.1"
    assert "*Override: approved*" in str(message.blocks)
    for said in (str(message.blocks), reply.text):
        assert "One person decided this alone" in said
        assert REASON in said
