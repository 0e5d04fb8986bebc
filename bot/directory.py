"""Who is who in Slack: users by their address or id, and the members of user groups."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any

from slack_sdk import WebClient
from slack_sdk.web import SlackResponse

from bot.api import SlackApi

REMEMBERED = 600
"""Seconds for which a user is not looked up again."""

_NO_USER = frozenset({"users_not_found", "user_not_found", "user_not_visible"})
_NO_GROUP = frozenset({"no_such_subteam", "subteam_not_found"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackUser:
    """A user as Slack knows them. `email` is empty where Slack does not say it; `deleted` users can't sign in."""

    id: str
    name: str
    email: str
    team_id: str
    deleted: bool
    bot: bool = False


class SlackDirectory:
    """Looks people up. Every method raises `DeliveryFailed` when Slack does not answer, never says nobody then.

    A missing scope of the app is a `DeliveryRefused` that names the scope.
    """

    def __init__(self, api: SlackApi, clock: Callable[[], float] = monotonic) -> None:
        self._api = api
        self._clock = clock
        self._workspace = ""
        self._known: dict[str, tuple[float, SlackUser | None]] = {}

    def find_by_email(self, email: str) -> SlackUser | None:
        """Returns the user with this address; None when there is none. Needs the scope users:read.email.

        Source: https://docs.slack.dev/reference/methods/users.lookupByEmail
        """
        return self._remembered(email, lambda slack: slack.users_lookupByEmail(email=email))

    def user(self, slack_id: str) -> SlackUser | None:
        """Returns the user with this id, deleted or not; None when there is none. Needs the scope users:read.

        Source: https://docs.slack.dev/reference/methods/users.info
        """
        return self._remembered(slack_id, lambda slack: slack.users_info(user=slack_id))

    def members(self, group_id: str) -> tuple[str, ...]:
        """Returns the ids of a user group's members; none when there is no such group. Needs usergroups:read.

        Source: https://docs.slack.dev/reference/methods/usergroups.users.list
        """
        answer = self._api.call(lambda slack: slack.usergroups_users_list(usergroup=group_id), missing=_NO_GROUP)
        return tuple(str(user) for user in answer["users"]) if answer else ()

    def workspace(self) -> str:
        """Returns the id of the app's own workspace: users of others may not answer. Asked once."""
        if not self._workspace:
            answer = self._api.call(lambda slack: slack.auth_test())
            self._workspace = str(answer["team_id"]) if answer else ""
        return self._workspace

    def _remembered(self, name: str, ask: Callable[[WebClient], SlackResponse]) -> SlackUser | None:
        """Asks once in a while: Slack answers some 50 lookups a minute, and a request that names more tries again."""
        at, found = self._known.get(name, (float("-inf"), None))
        if self._clock() - at > REMEMBERED:
            answer = self._api.call(ask, missing=_NO_USER)
            found = _user(answer["user"]) if answer else None
            self._known[name] = (self._clock(), found)
        return found


def _user(found: dict[str, Any]) -> SlackUser:
    profile = found.get("profile") or {}
    name = profile.get("real_name") or found.get("real_name") or found.get("name") or found["id"]
    return SlackUser(
        id=str(found["id"]),
        name=str(name),
        email=str(profile.get("email") or ""),
        team_id=str(found.get("team_id") or ""),
        deleted=bool(found.get("deleted")),
        bot=bool(found.get("is_bot")),
    )
