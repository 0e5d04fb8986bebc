"""Who is who in Slack, and the messages about a request, over one connection to the stand-in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from slack_sdk import WebClient

from approvals.domain.errors import DeliveryDelayedError, DeliveryError, DeliveryRefusedError
from approvals.domain.model import Approval, Request
from approvals.domain.people import People, Person
from bot.directory import SlackDirectory, SlackUser
from bot.messenger import SlackMessenger
from demo.slack import GROUPS, PEOPLE, WORKSPACE, Slack
from tests.support.builders import HOUR, a_response, an_approval, decided
from tests.support.slack_clients import CHANNEL, DirectWebClient

ALICE = SlackUser(
    id="U0ALICE01", name="alice", email="alice@example.com", workspaces=frozenset({WORKSPACE["id"]}), deleted=False
)


@pytest.fixture
def directory(messenger: SlackMessenger) -> SlackDirectory:
    return messenger.directory


def test_a_user_is_found_by_their_address_whatever_its_case(directory: SlackDirectory) -> None:
    assert directory.find_by_email("Alice@Example.com") == ALICE


def test_nobody_has_an_unknown_address(directory: SlackDirectory) -> None:
    assert directory.find_by_email("nobody@example.com") is None


def test_a_user_is_found_by_their_id(directory: SlackDirectory) -> None:
    assert directory.user("U0ALICE01") == ALICE


def test_nobody_has_an_unknown_id(directory: SlackDirectory) -> None:
    assert directory.user("U0NOBODY99") is None


def test_a_user_is_looked_up_once_in_ten_minutes(messenger: SlackMessenger, slack: Slack) -> None:
    """Slack answers some 50 lookups a minute: a request that names more people goes on where it stopped."""
    now = [0.0]
    directory = SlackDirectory(messenger.directory._api, lambda: now[0])
    for moment in (0.0, 599.0):
        now[0] = moment
        assert directory.find_by_email("alice@example.com") == ALICE
        assert directory.user("U0NOBODY99") is None
    assert len(slack.calls()) == 2
    now[0] = 601.0
    directory.find_by_email("alice@example.com")
    assert len(slack.calls()) == 3


def test_a_user_who_left_is_known_as_such(directory: SlackDirectory) -> None:
    user = directory.user("U0GONE0005")
    assert user is not None
    assert user.deleted


def test_a_user_of_another_workspace_is_known_as_such(directory: SlackDirectory) -> None:
    user = directory.user("U0GUEST004")
    assert user is not None
    assert user.workspaces == {PEOPLE["U0GUEST004"].workspace}
    assert directory.workspace() == WORKSPACE["id"] not in user.workspaces


@pytest.mark.parametrize(
    ("slack_id", "guest", "bot", "member"),
    [
        ("U0ALICE01", False, False, True),
        ("U0GIL00007", True, False, False),
        ("U0UMA00008", True, False, False),
        ("U0APPBOT00", False, True, False),
        ("USLACKBOT", False, True, False),
        ("U0GONE0005", False, False, False),
        ("U0INA00009", False, False, False),
    ],
)
def test_only_full_members_are_members(
    directory: SlackDirectory, slack_id: str, guest: bool, bot: bool, member: bool
) -> None:
    user = directory.user(slack_id)
    assert user is not None
    assert (user.guest, user.bot, user.is_member) == (guest, bot, member)


@pytest.mark.parametrize(
    "mark", ["is_stranger", "is_workflow_bot", "is_restricted", "is_ultra_restricted", "is_invited_user", "deleted"]
)
def test_each_mark_of_slack_alone_makes_a_person_no_member(
    directory: SlackDirectory, slack: Slack, monkeypatch: pytest.MonkeyPatch, mark: str
) -> None:
    monkeypatch.setattr("demo.slack.User.described", lambda user: {"id": user.id, "name": user.name, mark: True})
    user = directory.user("U0ALICE01")
    assert user is not None
    assert not user.is_member


def test_a_group_has_its_members_and_an_unknown_one_has_none(directory: SlackDirectory) -> None:
    assert directory.members("S0RELEASE1") == GROUPS["S0RELEASE1"]
    assert directory.members("S0NOBODY99") == ()


LOOK_UPS: dict[str, Callable[[SlackDirectory], object]] = {
    "users:read.email": lambda directory: directory.find_by_email("alice@example.com"),
    "users:read": lambda directory: directory.user("U0ALICE01"),
    "usergroups:read": lambda directory: directory.members("S0RELEASE1"),
}


@pytest.mark.parametrize("scope", LOOK_UPS)
def test_a_missing_scope_is_named_with_what_to_do(directory: SlackDirectory, slack: Slack, scope: str) -> None:
    slack.scopes -= {scope}
    with pytest.raises(DeliveryRefusedError) as refused:
        LOOK_UPS[scope](directory)
    assert str(refused.value) == (
        f"Slack answered missing_scope: install the Slack app again from the manifest: it needs {scope}"
    )


@pytest.mark.parametrize("scope", LOOK_UPS)
@pytest.mark.parametrize("status", [500, 502, 429])
def test_an_outage_is_never_taken_for_nobody(directory: SlackDirectory, slack: Slack, scope: str, status: int) -> None:
    slack.fail_with = status
    with pytest.raises(DeliveryError) as failed:
        LOOK_UPS[scope](directory)
    assert not isinstance(failed.value, DeliveryRefusedError)
    assert isinstance(failed.value, DeliveryDelayedError) == (status == 429)
    slack.fail_with = None
    assert LOOK_UPS[scope](directory)


@pytest.mark.parametrize(
    "error",
    [OSError(), TimeoutError(), EndpointConnectionError(endpoint_url="https://secrets"), KeyError("bot_token")],
)
def test_no_network_and_no_secret_are_never_taken_for_nobody(error: Exception) -> None:
    def web_client() -> WebClient:
        raise error

    directory = SlackMessenger(web_client, CHANNEL).directory
    for look_up in LOOK_UPS.values():
        with pytest.raises(DeliveryError):
            look_up(directory)


def test_messenger_and_directory_share_one_connection_and_read_a_changed_token_once(slack: Slack) -> None:
    made: list[WebClient] = []

    def web_client() -> WebClient:
        made.append(DirectWebClient(slack))
        return made[-1]

    messenger = SlackMessenger(web_client, CHANNEL)
    messenger.directory.user("U0ALICE01")
    messenger.post_request(an_approval())
    assert len(made) == 1
    slack.bot_token = "xoxb-another-0123456789"
    with pytest.raises(DeliveryError, match="SlackBotToken is wrong"):
        messenger.directory.user("U0BOB00002")
    messenger.post_request(an_approval())
    assert len(made) == 2


def posted(messenger: SlackMessenger, **changes: Any) -> Approval:
    approval = an_approval(request=Request(title="Deploy", timeout=HOUR, **changes))
    return replace(approval, deliveries=(messenger.post_request(approval),))


def test_a_request_is_posted_in_its_own_channel_or_the_stacks(messenger: SlackMessenger, slack: Slack) -> None:
    posted(messenger)
    direct = posted(messenger, channel="U0ALICE01")
    assert [message.channel for message in slack.messages()] == [CHANNEL, "D0ALICE01"]
    messenger.update(direct)
    messenger.reply(direct, "soon")
    assert [message.channel for message in slack.messages()] == [CHANNEL, "D0ALICE01", "D0ALICE01"]


def test_an_unknown_channel_is_refused_with_what_to_do(messenger: SlackMessenger) -> None:
    with pytest.raises(DeliveryRefusedError, match="check SlackChannel and the request's Channel"):
        posted(messenger, channel="C0NOWHERE")


def test_progress_is_shown_in_the_same_message_which_keeps_its_buttons(messenger: SlackMessenger, slack: Slack) -> None:
    approval = posted(messenger, required_approvals=2)
    response = replace(a_response(), person="alice@example.com")
    messenger.update(replace(approval, responses=(response,)))
    [message] = slack.messages()
    assert message.edited
    assert "1 of 2 approvals" in str(message.blocks)
    assert message.blocks[-2]["type"] == "actions"


def test_an_escalation_is_shown_in_the_same_message(messenger: SlackMessenger, slack: Slack) -> None:
    bob = Person(id="bob@example.com", name="bob", identities={"email": "bob@example.com", "slack": "U0BOB00002"})
    ann = Person(id="ann@example.com", name="ann", identities={"email": "ann@example.com"})
    approval = replace(posted(messenger), people=People(approvers=(ann,), escalation=(bob,)))
    messenger.update(approval)
    assert "U0BOB00002" not in str(slack.messages()[0].blocks)
    messenger.update(replace(approval, escalated_at=approval.requested_at))
    assert "{'type': 'user', 'user_id': 'U0BOB00002'}" in str(slack.messages()[0].blocks)


def test_a_reply_stands_in_the_thread_and_mentions_only_whom_it_should(messenger: SlackMessenger, slack: Slack) -> None:
    approval = posted(messenger)
    messenger.reply(approval, "<!channel> *now*", mentions=["U0ALICE01", "U0BOB00002"])
    request, reply = slack.messages()
    assert reply.thread_ts == request.ts
    assert reply.text == "<@U0ALICE01> <@U0BOB00002> &lt;!channel&gt; \u200b*\u200bnow\u200b*\u200b"
    messenger.reply(approval, "soon")
    assert slack.messages()[-1].text == "soon"


def test_without_a_message_there_is_nothing_to_edit_or_to_reply_to(messenger: SlackMessenger, slack: Slack) -> None:
    nowhere = an_approval(deliveries=())
    messenger.update(nowhere)
    messenger.update(replace(decided(), deliveries=()))
    assert not slack.calls()
    with pytest.raises(ValueError, match="has no Slack message"):
        messenger.reply(nowhere, "soon")


def test_a_deleted_message_cannot_be_edited(messenger: SlackMessenger, slack: Slack) -> None:
    approval = posted(messenger)
    [message] = approval.deliveries
    assert messenger.edit(message, approval)
    slack.delete(message.id)
    assert not messenger.edit(message, approval)
