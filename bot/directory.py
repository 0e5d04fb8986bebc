"""Look up users by email address or ID, and members of user groups and channels, in the app's own workspace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any

from slack_sdk import WebClient
from slack_sdk.web import SlackResponse

from bot.client import SlackApi

CACHE_SECONDS = 600
"""Seconds for which a user is cached."""

PAGE_SIZE = 999
"""Channels or members on a page: Slack's maximum."""

MAX_PAGES = 10

_NO_USER = frozenset({"users_not_found", "user_not_found", "user_not_visible"})
_NO_GROUP = frozenset({"no_such_subteam", "subteam_not_found"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackUser:
    """A Slack user. `workspaces` are the IDs of those they belong to: several on Enterprise Grid.

    `email` is empty if the app may not see it; `deleted` users can't sign in, `invited` ones not yet. Users of Workflow
    Builder are bots, and so is Slackbot. A `guest` is one of this workspace, in one or several of its channels.
    """

    id: str
    name: str
    email: str
    workspaces: frozenset[str]
    deleted: bool
    bot: bool = False
    guest: bool = False
    invited: bool = False

    @property
    def is_member(self) -> bool:
        """True for a full member, who may respond to a request that names no approvers."""
        return not (self.deleted or self.bot or self.guest or self.invited)


class SlackDirectory:
    """Looks people up. Every method raises `DeliveryError` if Slack does not answer.

    If the app lacks a scope, it raises `DeliveryRefusedError`, which names the scope.
    """

    def __init__(self, api: SlackApi, clock: Callable[[], float] = monotonic) -> None:
        self._api = api
        self._clock = clock
        self._workspace = ("", "")
        self._users: dict[str, tuple[float, SlackUser | None]] = {}

    def find_by_email(self, email: str) -> SlackUser | None:
        """Return the user with this email address, or None. Needs the scope users:read.email.

        Source: https://docs.slack.dev/reference/methods/users.lookupByEmail
        """
        return self._cached(email, lambda slack: slack.users_lookupByEmail(email=email))

    def user(self, slack_id: str) -> SlackUser | None:
        """Return the user with this ID, deleted or not, or None. Needs the scope users:read.

        Source: https://docs.slack.dev/reference/methods/users.info
        """
        return self._cached(slack_id, lambda slack: slack.users_info(user=slack_id))

    def members(self, group_id: str) -> tuple[str, ...]:
        """Return the IDs of a user group's members; empty if there is no such group. Needs usergroups:read.

        Source: https://docs.slack.dev/reference/methods/usergroups.users.list
        """
        answer = self._api.find(lambda slack: slack.usergroups_users_list(usergroup=group_id), _NO_GROUP)
        return tuple(str(user) for user in answer["users"]) if answer else ()

    def workspace(self) -> str:
        """Return the ID of the app's own workspace. Users of others may not respond."""
        return self._team()[0]

    def link(self, channel: str, ts: str) -> str:
        """Return the URL of a message. chat.getPermalink would return it, too, in a call for each message."""
        return f"{self._team()[1]}archives/{channel}/p{ts.replace('.', '')}"

    def channels_of(self, slack_id: str) -> frozenset[str]:
        """Return the IDs of a user's channels; of private ones, those that the app is in, too.

        Needs channels:read and groups:read.
        Source: https://docs.slack.dev/reference/methods/users.conversations
        """
        types = ["public_channel", "private_channel"]
        pages = self._pages(
            lambda cursor, slack: slack.users_conversations(user=slack_id, types=types, limit=PAGE_SIZE, cursor=cursor)
        )
        return frozenset(str(channel["id"]) for page in pages for channel in page["channels"])

    def members_of(self, channel: str) -> frozenset[str]:
        """Return the IDs of a channel's members. Needs channels:read, or groups:read for a private one.

        Source: https://docs.slack.dev/reference/methods/conversations.members
        """
        pages = self._pages(
            lambda cursor, slack: slack.conversations_members(channel=channel, limit=PAGE_SIZE, cursor=cursor)
        )
        return frozenset(str(user) for page in pages for user in page["members"])

    def _pages(self, ask: Callable[[str, WebClient], SlackResponse]) -> Iterator[SlackResponse]:
        cursor = ""
        for _ in range(MAX_PAGES):
            answer = self._api.call(partial(ask, cursor))
            yield answer
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return

    def _team(self) -> tuple[str, str]:
        """Return the ID of the app's own workspace, and its URL with a slash at its end. Slack is asked once."""
        if not self._workspace[0]:
            answer = self._api.call(lambda slack: slack.auth_test())
            self._workspace = (str(answer["team_id"]), str(answer["url"]))
        return self._workspace

    def _cached(self, name: str, look_up: Callable[[WebClient], SlackResponse]) -> SlackUser | None:
        """Cache a lookup: Slack answers some 50 a minute, and a request that names more people is tried again."""
        at, found = self._users.get(name, (float("-inf"), None))
        if self._clock() - at > CACHE_SECONDS:
            answer = self._api.find(look_up, _NO_USER)
            found = _user(answer["user"]) if answer else None
            self._users[name] = (self._clock(), found)
        return found


def _user(found: dict[str, Any]) -> SlackUser:
    """Read a user object. Slack says of Slackbot that it is no bot.

    Source: https://docs.slack.dev/reference/objects/user-object, https://github.com/slackapi/bolt-js/issues/794,
    https://github.com/slack-go/slack/issues/552 (`is_invited_user`)
    """
    profile = found.get("profile") or {}
    name = profile.get("real_name") or found.get("real_name") or found.get("name") or found["id"]
    return SlackUser(
        id=str(found["id"]),
        name=str(name),
        email=str(profile.get("email") or ""),
        workspaces=_workspaces(found),
        deleted=bool(found.get("deleted")),
        invited=bool(found.get("is_invited_user")),
        bot=bool(found.get("is_bot") or found.get("is_workflow_bot") or found["id"] == "USLACKBOT"),
        guest=bool(found.get("is_restricted") or found.get("is_ultra_restricted") or found.get("is_stranger")),
    )


def _workspaces(found: dict[str, Any]) -> frozenset[str]:
    """Return the IDs of a user's workspaces. On Enterprise Grid, there may be no `team_id`, but `teams`.

    Source: https://github.com/looker/lookerbot/issues/184, https://github.com/abdolence/slack-morphism-rust/pull/215
    """
    of_organization = (found.get("enterprise_user") or {}).get("teams") or ()
    return frozenset(str(id_) for id_ in (found.get("team_id"), *(found.get("teams") or ()), *of_organization) if id_)
