"""What the bot does before Slack's acknowledgement: at most two calls of DynamoDB, and at most one of Slack.

Slack waits for 3 seconds. Each request goes through the real entry point; what it calls is counted at botocore and at
the look-up of a host, which every connection begins with. Slack is called in two cases alone. Where a dialog is opened,
nothing is recorded: what allows it dies within those 3 seconds. Where the request names no approvers, Slack says
whether this is a member, if it has not said so in the last ten minutes.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from mypy_boto3_dynamodb import DynamoDBClient

from approvals.domain.model import Action, MoreTime, Presence
from approvals.domain.people import People
from approvals.domain.summary import summarize
from approvals.store.table import ApprovalTable
from bot.messenger import SlackMessenger
from bot.views.buttons import ACTION_IDS, EXTEND, MENU_ID, OPEN_EXECUTION_ID, OPEN_MESSAGE_ID, REFRESH_ID, WITHDRAW
from bot.views.home import home_view
from bot.visibility import Overview
from demo.slack import Slack
from tests.support.builders import HOUR
from tests.support.fakes import Clock
from tests.support.functions import start
from tests.support.slack_app import ALICE, BOBS, CAROL, GIL, GUEST, ID, NOBODYS_COMMENT, PEOPLE, Workspace, event
from tests.support.tables import REPLIES, TABLE

APPROVE, REJECT = (ACTION_IDS[action] for action in Action)
LOOK, RECORD, NOTE, BOTH, DIALOG = "GetItem", "UpdateItem", "PutItem", "TransactWriteItems", "Slack"
MEMBER = DIALOG
"""The calls; `BOTH` stores a record and leaves a note, `MEMBER` asks who somebody is."""

ANYBODY = People(requester=PEOPLE.requester)

Signed = tuple[bytes, dict[str, str]]


@dataclass(kw_only=True)
class CountedWorkspace(Workspace):
    """A request in Slack, people at it, and what the bot calls."""

    clock: Clock
    calls: list[str]

    def one_tap(self, **changes: Any) -> None:
        self.ask(**{"comments": NOBODYS_COMMENT, **changes})

    def clicked(self, action_id: str = APPROVE, user: str = BOBS, word: str = "") -> Signed:
        return self.slack.click(self.ts, action_id, user, f"{word}:{ID}" if word else None)

    def withdrawal(self) -> Signed:
        self.offer_withdrawal()
        return self.clicked(MENU_ID, word=WITHDRAW)

    def clicked_at_home(self, action_id: str = APPROVE, value: str = ID) -> Signed:
        overview = Overview(waiting=[summarize(self.record)], decided=[summarize(self.record)])
        view = home_view(overview, [self.record], self.messenger.link, now=self.clock())
        self.messenger.publish_home(BOBS, view)
        return self.slack.click_home(BOBS, action_id, value)

    def for_them_alone(self) -> None:
        """Turn the message into what a command shows: nothing edits it."""
        self.slack._messages[self.ts] = replace(self.slack.messages()[0], ephemeral_to=BOBS)

    def forget(self) -> None:
        self.dynamodb.delete_item(TableName=TABLE, Key={"id": {"S": ID}})

    def ask_and_open(self, **changes: Any) -> None:
        """Store a request and open the dialog that rejects it."""
        self.ask(**changes)
        self.click(REJECT)

    def sent(self, **values: str) -> Signed:
        return self.slack.submit(self.modal().id, values, checked=False)

    def records(self) -> list[dict[str, Any]]:
        return [{**item} for item in self.dynamodb.scan(TableName=TABLE)["Items"] if "status" in item]

    def answer(self, signed: Signed) -> list[str]:
        """Let the bot answer and return what it called."""
        self.calls.clear()
        assert self.handler(event(*signed), self.context)["statusCode"] == 200
        return [*self.calls]


@pytest.fixture
def workspace(
    slack: Slack,
    table: ApprovalTable,
    messenger: SlackMessenger,
    dynamodb: DynamoDBClient,
    clock: Clock,
    web_api: str,
    context: LambdaContext,
    monkeypatch: pytest.MonkeyPatch,
) -> CountedWorkspace:
    calls: list[str] = []
    clients: dict[str, Any] = {"dynamodb": dynamodb, "secretsmanager": boto3.client("secretsmanager")}
    secret = {"bot_token": slack.bot_token, "signing_secret": slack.signing_secret}
    arn = clients["secretsmanager"].create_secret(Name="slack", SecretString=json.dumps(secret))["ARN"]
    for each in clients.values():
        each.meta.events.register("before-call.*.*", lambda model, **_: calls.append(model.name))

    look_up = socket.getaddrinfo

    def looked_up(host: str, port: int, *more: Any, **named: Any) -> Any:
        calls.append("Slack" if f"//{host}:{port}/" in web_api else f"{host}:{port}")
        return look_up(host, port, *more, **named)

    session = SimpleNamespace(client=lambda service, **_: clients[service])
    monkeypatch.setattr("approvals.adapters.clients.session", lambda: session)
    monkeypatch.setattr("handlers.wiring.now", clock)
    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    handler: Any = start(
        "handlers.bot",
        {
            "TABLE_NAME": TABLE,
            "SLACK_REPLY_TABLE_NAME": REPLIES,
            "SLACK_SECRET_ARN": arn,
            "SLACK_API_URL": web_api,
        },
    )
    assert calls == ["GetSecretValue"], "read when the function starts, once"
    return CountedWorkspace(
        slack=slack,
        table=table,
        messenger=messenger,
        handler=handler,
        dynamodb=dynamodb,
        context=context,
        clock=clock,
        calls=calls,
    )


def approve(workspace: CountedWorkspace) -> Signed:
    workspace.one_tap()
    return workspace.clicked()


def approve_what_names_nobody(workspace: CountedWorkspace) -> Signed:
    workspace.one_tap(people=ANYBODY)
    return workspace.clicked()


def approve_again_what_names_nobody(workspace: CountedWorkspace) -> Signed:
    workspace.one_tap(people=ANYBODY, required_approvals=2)
    workspace.click(APPROVE)
    return workspace.clicked()


def approve_what_names_nobody_as_a_guest_of_the_workspace(workspace: CountedWorkspace) -> Signed:
    workspace.one_tap(people=ANYBODY)
    return workspace.clicked(user=GIL)


def approve_what_names_nobody_while_slack_is_down(workspace: CountedWorkspace) -> Signed:
    workspace.one_tap(people=ANYBODY)
    signed = workspace.clicked()
    workspace.slack.fail_with = 500
    return signed


def approve_what_names_nobody_and_they_asked_for(workspace: CountedWorkspace) -> Signed:
    workspace.one_tap(people=ANYBODY)
    return workspace.clicked(user=CAROL)


def approve_what_names_nobody_too_late(workspace: CountedWorkspace) -> Signed:
    workspace.one_tap(people=ANYBODY)
    workspace.clock.pass_(hours=1)
    return workspace.clicked()


def reject_what_names_nobody_with_a_reason(workspace: CountedWorkspace) -> Signed:
    workspace.ask(people=ANYBODY)
    return workspace.clicked(REJECT)


def send_a_dialog_about_what_names_nobody(workspace: CountedWorkspace) -> Signed:
    workspace.ask_and_open(people=ANYBODY)
    return workspace.sent(comment="Not before Monday")


def reject(workspace: CountedWorkspace) -> Signed:
    workspace.one_tap()
    return workspace.clicked(REJECT)


def approve_at_home(workspace: CountedWorkspace) -> Signed:
    workspace.one_tap()
    return workspace.clicked_at_home()


def approve_in_a_list(workspace: CountedWorkspace) -> Signed:
    workspace.one_tap()
    workspace.for_them_alone()
    return workspace.clicked()


def approve_as_first_of_two(workspace: CountedWorkspace) -> Signed:
    workspace.one_tap(required_approvals=2)
    return workspace.clicked()


def approve_at_home_as_first_of_two(workspace: CountedWorkspace) -> Signed:
    workspace.one_tap(required_approvals=2)
    return workspace.clicked_at_home()


def approve_what_they_asked_for(workspace: CountedWorkspace) -> Signed:
    workspace.one_tap()
    return workspace.clicked(user=CAROL)


def approve_as_a_guest(workspace: CountedWorkspace) -> Signed:
    workspace.one_tap()
    return workspace.clicked(user=GUEST)


def approve_as_a_guest_again(workspace: CountedWorkspace) -> Signed:
    workspace.one_tap()
    workspace.click(APPROVE, GUEST)
    return workspace.clicked(user=GUEST)


def approve_too_late(workspace: CountedWorkspace) -> Signed:
    workspace.one_tap()
    workspace.clock.pass_(hours=1)
    return workspace.clicked()


def approve_again(workspace: CountedWorkspace) -> Signed:
    workspace.one_tap()
    workspace.click(APPROVE)
    return workspace.clicked()


def approve_what_was_rejected(workspace: CountedWorkspace) -> Signed:
    workspace.one_tap()
    workspace.click(REJECT, ALICE)
    return workspace.clicked()


def slack_repeats_it(workspace: CountedWorkspace) -> Signed:
    workspace.one_tap()
    signed = workspace.clicked_at_home()
    workspace.answer(signed)
    return signed


def approve_what_is_gone(workspace: CountedWorkspace) -> Signed:
    workspace.one_tap()
    workspace.forget()
    return workspace.clicked()


def reject_with_a_reason(workspace: CountedWorkspace) -> Signed:
    workspace.ask()
    return workspace.clicked(REJECT)


def reject_with_a_required_reason(workspace: CountedWorkspace) -> Signed:
    workspace.ask(comments=dict.fromkeys(Action, Presence.REQUIRED))
    return workspace.clicked(REJECT)


def reject_with_a_reason_at_home(workspace: CountedWorkspace) -> Signed:
    workspace.ask()
    return workspace.clicked_at_home(REJECT)


def reject_with_a_reason_as_a_guest(workspace: CountedWorkspace) -> Signed:
    workspace.ask()
    return workspace.clicked(REJECT, GUEST)


def reject_with_a_reason_too_late(workspace: CountedWorkspace) -> Signed:
    workspace.ask()
    workspace.clock.pass_(hours=1)
    return workspace.clicked(REJECT)


def reject_while_slack_opens_no_dialog(workspace: CountedWorkspace) -> Signed:
    workspace.ask()
    workspace.slack.fail_with = 500
    return workspace.clicked(REJECT)


def send_a_dialog(workspace: CountedWorkspace) -> Signed:
    workspace.ask_and_open()
    return workspace.sent(comment="Not before Monday")


def send_a_dialog_from_a_list(workspace: CountedWorkspace) -> Signed:
    workspace.ask()
    workspace.for_them_alone()
    workspace.click(REJECT)
    return workspace.sent(comment="Not before Monday")


def send_a_dialog_without_the_reason(workspace: CountedWorkspace) -> Signed:
    workspace.ask_and_open(comments=dict.fromkeys(Action, Presence.REQUIRED))
    return workspace.sent()


def send_a_dialog_with_too_long_a_reason(workspace: CountedWorkspace) -> Signed:
    workspace.ask_and_open()
    return workspace.sent(comment="x" * 1001)


def send_a_dialog_too_late(workspace: CountedWorkspace) -> Signed:
    workspace.ask_and_open()
    workspace.clock.pass_(hours=1)
    return workspace.sent()


def send_a_dialog_after_the_decision(workspace: CountedWorkspace) -> Signed:
    workspace.ask_and_open()
    signed = workspace.sent()
    workspace.click(APPROVE, ALICE)
    return signed


def send_a_dialog_about_what_is_gone(workspace: CountedWorkspace) -> Signed:
    workspace.ask_and_open()
    signed = workspace.sent()
    workspace.forget()
    return signed


def take_back(workspace: CountedWorkspace) -> Signed:
    workspace.one_tap(required_approvals=2)
    workspace.click(APPROVE)
    return workspace.withdrawal()


def take_back_nothing(workspace: CountedWorkspace) -> Signed:
    workspace.one_tap(required_approvals=2)
    return workspace.withdrawal()


def take_back_too_late(workspace: CountedWorkspace) -> Signed:
    workspace.one_tap(required_approvals=2)
    workspace.clock.pass_(hours=1)
    return workspace.withdrawal()


def get_more_time(workspace: CountedWorkspace) -> Signed:
    workspace.ask(more_time=MoreTime(1, HOUR))
    return workspace.clicked(MENU_ID, word=EXTEND)


def get_more_time_when_there_is_none(workspace: CountedWorkspace) -> Signed:
    signed = get_more_time(workspace)
    workspace.choose(EXTEND, ALICE)
    return signed


def get_more_time_as_a_guest(workspace: CountedWorkspace) -> Signed:
    workspace.ask(more_time=MoreTime(1, HOUR))
    return workspace.clicked(MENU_ID, GUEST, EXTEND)


def get_more_time_for_what_is_gone(workspace: CountedWorkspace) -> Signed:
    signed = get_more_time(workspace)
    workspace.forget()
    return signed


def follow_the_link_to_the_execution(workspace: CountedWorkspace) -> Signed:
    workspace.ask()
    return workspace.clicked(OPEN_EXECUTION_ID)


def follow_the_link_to_the_message(workspace: CountedWorkspace) -> Signed:
    workspace.ask()
    payload = {**workspace.slack._actor(BOBS), "container": {"type": "view"}}
    return workspace.slack.sign({"type": "block_actions", **payload, "actions": [{"action_id": OPEN_MESSAGE_ID}]})


def refresh(workspace: CountedWorkspace) -> Signed:
    workspace.ask()
    return workspace.clicked_at_home(REFRESH_ID, "refresh")


REQUESTS: list[tuple[Callable[[CountedWorkspace], Signed], list[str]]] = [
    (approve, [LOOK, RECORD]),
    (approve_what_names_nobody, [LOOK, MEMBER, RECORD]),
    (approve_again_what_names_nobody, [LOOK, NOTE]),
    (approve_what_names_nobody_as_a_guest_of_the_workspace, [LOOK, MEMBER, BOTH]),
    (approve_what_names_nobody_while_slack_is_down, [LOOK, MEMBER, NOTE]),
    (approve_what_names_nobody_and_they_asked_for, [LOOK, BOTH]),
    (approve_what_names_nobody_too_late, [LOOK, BOTH]),
    (reject_what_names_nobody_with_a_reason, [LOOK, DIALOG]),
    (send_a_dialog_about_what_names_nobody, [LOOK, MEMBER, RECORD]),
    (reject, [LOOK, RECORD]),
    (approve_at_home, [LOOK, BOTH]),
    (approve_in_a_list, [LOOK, BOTH]),
    (approve_as_first_of_two, [LOOK, RECORD]),
    (approve_at_home_as_first_of_two, [LOOK, BOTH]),
    (approve_what_they_asked_for, [LOOK, BOTH]),
    (approve_as_a_guest, [LOOK, BOTH]),
    (approve_as_a_guest_again, [LOOK, NOTE]),
    (approve_too_late, [LOOK, BOTH]),
    (approve_again, [LOOK, NOTE]),
    (approve_what_was_rejected, [LOOK, NOTE]),
    (slack_repeats_it, [LOOK, NOTE]),
    (approve_what_is_gone, [LOOK, NOTE]),
    (reject_with_a_reason, [LOOK, DIALOG]),
    (reject_with_a_required_reason, [LOOK, DIALOG]),
    (reject_with_a_reason_at_home, [LOOK, DIALOG]),
    (reject_with_a_reason_as_a_guest, [LOOK, BOTH]),
    (reject_with_a_reason_too_late, [LOOK, BOTH]),
    (reject_while_slack_opens_no_dialog, [LOOK, DIALOG, NOTE]),
    (send_a_dialog, [LOOK, RECORD]),
    (send_a_dialog_from_a_list, [LOOK, BOTH]),
    (send_a_dialog_without_the_reason, [LOOK]),
    (send_a_dialog_with_too_long_a_reason, [LOOK]),
    (send_a_dialog_too_late, [LOOK, RECORD]),
    (send_a_dialog_after_the_decision, [LOOK]),
    (send_a_dialog_about_what_is_gone, [LOOK]),
    (take_back, [LOOK, BOTH]),
    (take_back_nothing, [LOOK, NOTE]),
    (take_back_too_late, [LOOK, BOTH]),
    (get_more_time, [LOOK, RECORD]),
    (get_more_time_when_there_is_none, [LOOK, NOTE]),
    (get_more_time_as_a_guest, [LOOK, NOTE]),
    (get_more_time_for_what_is_gone, [LOOK, NOTE]),
    (follow_the_link_to_the_execution, []),
    (follow_the_link_to_the_message, []),
    (refresh, [NOTE]),
    (lambda workspace: workspace.slack.open_home(BOBS), [NOTE]),
    (lambda workspace: workspace.slack.open_home(BOBS, "messages"), []),
    (lambda workspace: workspace.slack.command(BOBS, "list"), [NOTE]),
]


def check(workspace: CountedWorkspace, signed: Signed) -> list[str]:
    """Check the bot's promise while it answers; return what it called."""
    before, earlier = workspace.records(), len(workspace.slack.calls())
    calls = workspace.answer(signed)
    of_slack = [json.loads(call)["method"] for call in workspace.slack.calls()[earlier:]]
    assert len([call for call in calls if call in {LOOK, RECORD, NOTE, BOTH}]) <= 2, calls
    assert set(calls) <= {LOOK, RECORD, NOTE, BOTH, DIALOG}, calls
    if DIALOG in calls:
        assert calls.count(DIALOG) == 1
        assert of_slack in (["views.open"], ["users.info"], [])  # none where Slack is down
        assert workspace.records() == before or of_slack == ["users.info"]
    return calls


@pytest.mark.parametrize(("request_", "calls"), REQUESTS, ids=[case[0].__name__ for case in REQUESTS])
def test_before_slacks_acknowledgement_there_are_two_calls_of_dynamodb_and_one_of_slack_at_most(
    workspace: CountedWorkspace, request_: Callable[[CountedWorkspace], Signed], calls: list[str]
) -> None:
    assert check(workspace, request_(workspace)) == calls


def read_twice(workspace: CountedWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    get = workspace.table.get
    monkeypatch.setattr(ApprovalTable, "get", lambda _self, id_: [get(id_), get(id_)][0])


def ask_slack(workspace: CountedWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    get = workspace.table.get
    monkeypatch.setattr(ApprovalTable, "get", lambda _self, id_: [get(id_), socket.getaddrinfo("localhost", 443)][0])


def write_twice(workspace: CountedWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    save, leave = workspace.table.save, workspace.table.leave_reply
    monkeypatch.setattr(ApprovalTable, "save", lambda _self, approval, note: [save(approval), leave(note)])


@pytest.mark.parametrize("breach", [read_twice, write_twice, ask_slack])
def test_one_call_more_is_found(
    workspace: CountedWorkspace,
    monkeypatch: pytest.MonkeyPatch,
    breach: Callable[[CountedWorkspace, pytest.MonkeyPatch], None],
) -> None:
    signed = approve_at_home(workspace)
    breach(workspace, monkeypatch)
    with pytest.raises(AssertionError):
        check(workspace, signed)
