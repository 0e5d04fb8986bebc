"""Users of Enterprise Grid: members of the app's workspace beside others, and those who belong only to others."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from mypy_boto3_dynamodb import DynamoDBClient

from approvals.domain.eligibility import Reason
from approvals.domain.model import Action, Approval, Presence, Request, Status
from approvals.domain.people import People, Person
from approvals.domain.refusal_wording import refusal_reply
from approvals.requests.lookup import UnresolvedError
from approvals.store.table import ApprovalTable
from bot.app import BotHandler
from bot.directory import SlackDirectory
from bot.ephemeral import ReplyDelivery
from bot.messenger import SlackMessenger
from bot.resolver import SlackResolver
from bot.views.buttons import ACTION_IDS
from bot.words import NOT_OF_THE_WORKSPACE, UNCHECKED
from demo.slack import PEOPLE, WORKSPACE, Slack, User
from tests.support.builders import an_approval
from tests.support.fakes import Clock
from tests.support.slack_app import a_bot
from tests.support.slack_clients import DirectWebClient, a_delivery
from tests.support.tables import REPLIES

OTHER = "T0ELSEWHERE"
GRACE = User("W0GRACE001", "grace", "grace@example.com", workspace=OTHER, teams=(OTHER, WORKSPACE["id"]))
"""A member of the app's workspace, whose clicks name another."""
GRANT = User("W0GRANT002", "grant", "grant@example.com", workspace=OTHER, teams=(OTHER,))
"""A user of the organization who is not in the app's workspace."""
PLAIN = dict.fromkeys(Action, Presence.OFF)


@dataclass
class Grid:
    table: ApprovalTable
    slack: Slack
    messenger: SlackMessenger
    bot: BotHandler
    replies: ReplyDelivery
    dynamodb: DynamoDBClient
    context: LambdaContext

    def ask(self, *approvers: User, comments: Any = PLAIN) -> Approval:
        people = tuple(Person(id=each.email, name=each.name, identities={"slack": each.id}) for each in approvers)
        request = Request(title="Deploy", timeout=timedelta(hours=1), comments=comments)
        asked = an_approval(request=request, people=People(approvers=people), deliveries=())
        self.table.add(asked)
        return self.table.mark(asked, "request_slack", asked.requested_at, delivery=self.messenger.post_request(asked))

    def send(self, signed: tuple[bytes, dict[str, str]]) -> None:
        body, headers = signed
        answer = self.bot({"httpMethod": "POST", "headers": headers, "body": body.decode()}, self.context)
        assert answer["statusCode"] == 200

    def click(self, approval: Approval, user: User, action: Action = Action.APPROVE) -> Approval:
        self.send(self.slack.click(approval.deliveries[0].id, ACTION_IDS[action], user.id))
        return self.table.get(approval.id)

    def left(self) -> list[dict[str, Any]]:
        return list(self.dynamodb.scan(TableName=REPLIES)["Items"])

    def said(self) -> list[str]:
        return [item["text"]["S"] for item in self.left()]

    def deliver(self) -> None:
        for item in self.left():
            self.replies.deliver(item["id"]["S"])


@pytest.fixture
def grid(
    table: ApprovalTable,
    slack: Slack,
    messenger: SlackMessenger,
    clock: Clock,
    logger: Logger,
    dynamodb: DynamoDBClient,
    context: LambdaContext,
    monkeypatch: pytest.MonkeyPatch,
) -> Grid:
    for user in (GRACE, GRANT):
        monkeypatch.setitem(PEOPLE, user.id, user)
    # Bolt's and the directory's own clients would call the network.
    monkeypatch.setattr("bot.app.SlackDirectory", lambda _api: messenger.directory)
    client = DirectWebClient(slack)
    monkeypatch.setattr("slack_sdk.WebClient.api_call", lambda _self, *args, **named: client.api_call(*args, **named))
    handler = a_bot(table, slack, clock, logger)
    return Grid(table, slack, messenger, handler, a_delivery(table, messenger, clock, logger), dynamodb, context)


def test_workspaces_of_a_user_are_those_of_the_organization(grid: Grid) -> None:
    user = grid.messenger.directory.user(GRACE.id)
    assert user
    assert user.workspaces == {OTHER, WORKSPACE["id"]}


@pytest.mark.parametrize("marked", [{"teams": [OTHER, "T0APPROVAL"]}, {"enterprise_user": {"teams": ["T0APPROVAL"]}}])
def test_either_mark_of_slack_names_the_workspaces(
    messenger: SlackMessenger, monkeypatch: pytest.MonkeyPatch, marked: dict[str, Any]
) -> None:
    monkeypatch.setattr("demo.slack.User.described", lambda user: {"id": user.id, "name": user.name, **marked})
    user = messenger.directory.user("U0ALICE01")
    assert user
    assert "T0APPROVAL" in user.workspaces


def test_member_of_the_workspace_is_an_approver_and_others_are_not(grid: Grid) -> None:
    resolver = SlackResolver(grid.messenger.directory)
    assert [person.on("slack") for person in resolver.resolve(GRACE.id)] == [GRACE.id]
    with pytest.raises(UnresolvedError, match="is in another workspace"):
        resolver.resolve(GRANT.id)


@pytest.mark.parametrize("approvers", [(GRACE,), ()], ids=["named", "everyone"])
def test_member_whose_click_names_another_workspace_can_respond(grid: Grid, approvers: tuple[User, ...]) -> None:
    now = grid.click(grid.ask(*approvers), GRACE)
    assert now.status is Status.APPROVED
    assert now.decision
    assert now.decision.approver
    assert (now.decision.approver.id, now.decision.approver.realm) == (GRACE.id, WORKSPACE["id"])


@pytest.mark.parametrize("approvers", [(GRANT,), ()], ids=["named", "everyone"])
def test_user_of_the_organization_outside_the_workspace_can_not_respond(
    grid: Grid, approvers: tuple[User, ...]
) -> None:
    asked = grid.ask(*approvers)
    now = grid.click(asked, GRANT)
    assert (now.status, now.responses) == (Status.PENDING, ())
    assert grid.said() == [str(refusal_reply(now, Reason.OTHER_WORKSPACE))]
    assert NOT_OF_THE_WORKSPACE in grid.said()[0]


def test_user_of_another_organization_is_refused_without_a_question_to_slack(grid: Grid) -> None:
    grid.slack._calls.clear()
    asked = grid.ask()
    before = len(grid.slack.calls())
    grid.click(asked, PEOPLE["U0GUEST004"])
    assert len(grid.slack.calls()) == before
    assert NOT_OF_THE_WORKSPACE in grid.said()[0]


def test_guest_of_the_workspace_can_not_respond_to_what_names_nobody(
    grid: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PEOPLE, GRACE.id, replace(GRACE, restricted=True))
    now = grid.click(grid.ask(), GRACE)
    assert [refusal.reason for refusal in now.refusals] == [Reason.NOT_A_MEMBER]


def test_while_slack_does_not_say_nothing_is_recorded(grid: Grid) -> None:
    asked = grid.ask(GRACE)
    grid.slack.fail_with = 503
    now = grid.click(asked, GRACE)
    assert (now.responses, now.refusals) == ((), ())
    assert UNCHECKED in grid.said()[0]


def test_member_fills_in_a_modal_that_their_click_opens(grid: Grid) -> None:
    asked = grid.ask(GRACE, comments=dict.fromkeys(Action, Presence.REQUIRED))
    grid.click(asked, GRACE)
    [modal] = grid.slack.modals()
    grid.send(grid.slack.submit(modal.id, {"comment": "go"}))
    assert grid.table.get(asked.id).status is Status.APPROVED


def test_member_sees_home_and_lists_whichever_workspace_slack_names(grid: Grid) -> None:
    grid.ask(GRACE)
    grid.send(grid.slack.open_home(GRACE.id))
    grid.send(grid.slack.command(GRACE.id, "list"))
    grid.deliver()
    assert "Deploy" in json.dumps(grid.slack.homes()[GRACE.id])
    assert "Deploy" in json.dumps([message.blocks for message in grid.slack.messages() if message.ephemeral_to])


def test_user_outside_the_workspace_sees_nothing(grid: Grid) -> None:
    grid.ask(GRANT)
    grid.send(grid.slack.open_home(GRANT.id))
    grid.send(grid.slack.command(GRANT.id, "list"))
    grid.deliver()
    assert GRANT.id not in grid.slack.homes()
    said = json.dumps([message.blocks for message in grid.slack.messages() if message.ephemeral_to])
    assert "Deploy" not in said
    assert NOT_OF_THE_WORKSPACE in said


@pytest.mark.parametrize(("user", "status"), [(GRACE, Status.APPROVED), (GRANT, Status.PENDING)])
def test_click_without_any_workspace_is_judged_by_those_of_its_user(grid: Grid, user: User, status: Status) -> None:
    """Source: https://github.com/slackapi/bolt-js/issues/1875."""
    asked = grid.ask(GRACE, GRANT)
    body, _headers = grid.slack.click(asked.deliveries[0].id, ACTION_IDS[Action.APPROVE], user.id)
    payload = json.loads(parse_qs(body.decode())["payload"][0])
    payload["user"].pop("team_id")
    grid.send(grid.slack.sign({**payload, "team": None, "is_enterprise_install": True}))
    assert grid.table.get(asked.id).status is status
    assert [NOT_OF_THE_WORKSPACE in text for text in grid.said()] == ([] if user is GRACE else [True])


@pytest.mark.parametrize("enterprise", ["E0GRID0001", {"id": ""}, {"name": "Acme"}])
def test_enterprise_without_an_id_names_no_organization(grid: Grid, enterprise: Any) -> None:
    asked = grid.ask(GRACE)
    body, _headers = grid.slack.click(asked.deliveries[0].id, ACTION_IDS[Action.APPROVE], GRACE.id)
    payload = json.loads(parse_qs(body.decode())["payload"][0])
    payload["user"].pop("team_id")
    grid.send(grid.slack.sign({**payload, "team": None, "enterprise": enterprise}))
    assert grid.table.get(asked.id).status is Status.PENDING


def test_directory_of_a_slack_that_is_no_grid_knows_one_workspace(messenger: SlackMessenger) -> None:
    directory: SlackDirectory = messenger.directory
    user = directory.user("U0ALICE01")
    assert user
    assert user.workspaces == {WORKSPACE["id"]}
