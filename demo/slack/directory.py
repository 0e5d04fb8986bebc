"""The fake Slack's users, user groups and channels."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

WORKSPACE = {"id": "T0APPROVAL", "domain": "local"}
OTHER_WORKSPACE_ID = "T0ELSEWHERE"
ORGANIZATION = {"id": "E0ORGANIZE", "name": "Organization"}
"""The Enterprise Grid organization of the users who have `teams`."""

BOT = "U0APPBOT00"
"""The app's own user."""

SLACKBOT = "USLACKBOT"
"""Slack's own user: `is_bot` is false for it. Source: https://github.com/slackapi/bolt-js/issues/794"""


@dataclass(frozen=True, slots=True)
class User:
    """A user of Slack, a member of the app's workspace or not."""

    id: str
    name: str
    email: str
    workspace: str = WORKSPACE["id"]
    deleted: bool = False
    restricted: bool = False
    """A guest in several channels."""
    ultra_restricted: bool = False
    """A guest in one channel."""
    bot: bool = False
    invited: bool = False
    """Has not accepted the invitation yet. Source: https://github.com/slack-go/slack/issues/552"""
    teams: tuple[str, ...] = ()
    """The workspaces of a user of Enterprise Grid. A click names `workspace`, wherever it is.

    Source: https://github.com/slackapi/bolt-js/issues/1875
    """

    @property
    def is_member(self) -> bool:
        """Return True for a full member of the app's workspace."""
        absent, guest = self.deleted or self.invited, self.restricted or self.ultra_restricted
        other = absent or guest or self.bot or self.id == SLACKBOT
        return WORKSPACE["id"] in (self.teams or (self.workspace,)) and not other

    def described(self) -> dict[str, Any]:
        """Return the user object. A guest in one channel has both marks of a guest; a user of Enterprise Grid no team.

        Source: https://docs.slack.dev/reference/objects/user-object, https://github.com/looker/lookerbot/issues/184
        """
        grid = {"id": self.id, "enterprise_id": ORGANIZATION["id"], "teams": list(self.teams)}
        return {
            "id": self.id,
            **({"teams": list(self.teams), "enterprise_user": grid} if self.teams else {"team_id": self.workspace}),
            "name": self.name,
            "deleted": self.deleted,
            "is_bot": self.bot,
            **({"is_invited_user": True} if self.invited else {}),
            "is_restricted": self.restricted or self.ultra_restricted,
            "is_ultra_restricted": self.ultra_restricted,
            "profile": {"real_name": self.name, "email": self.email},
        }


PEOPLE = {
    user.id: user
    for user in (
        User("U0ALICE01", "alice", "alice@example.com"),
        User("U0BOB00002", "bob", "bob@example.com"),
        User("U0CAROL003", "carol", "carol@example.com"),
        User("U0GUEST004", "guest", "guest@elsewhere.example", workspace=OTHER_WORKSPACE_ID),
        User("U0GONE0005", "gone", "gone@example.com", deleted=True),
        User("U0DAVE0006", "dave", "dave@example.com"),
        User("U0GIL00007", "gil", "gil@partner.example", restricted=True),
        User("U0UMA00008", "uma", "uma@partner.example", ultra_restricted=True),
        User("U0INA00009", "ina", "ina@example.com", invited=True),
        User(BOT, "approvals", "", bot=True),
        User(SLACKBOT, "slackbot", ""),
    )
}
"""All users by ID: four members, a guest from another workspace in a shared channel, a deactivated user, two guests of
the workspace, one who was invited, two bots."""

OUTSIDE = frozenset({"U0DAVE0006", "U0INA00009", SLACKBOT})
"""Users of the workspace who are not in the app's channel."""

ELSEWHERE_CHANNEL = "C0GENERAL1"
"""A channel of all members that the app is not in."""

MEMBERS = {user.id: user.name for user in PEOPLE.values() if user.is_member}
"""The names of the full members of the workspace."""

USERS = {id_: MEMBERS[id_] for id_ in ("U0ALICE01", "U0BOB00002")}
"""The two approvers of the story."""

_MENTION = re.compile(r"(?<![\w<])@([a-z]+)\b")


def escape_mentions(typed: str) -> str:
    """Return a command with the members it mentions as Slack sends them: `@dave` as `<@U0DAVE0006|dave>`.

    Slack does so for commands that the app's manifest has `should_escape` for.
    Source: https://docs.slack.dev/interactivity/implementing-slash-commands
    """
    ids = {name: id_ for id_, name in MEMBERS.items()}
    return _MENTION.sub(lambda found: f"<@{ids[found[1]]}|{found[1]}>" if found[1] in ids else found[0], typed)


DIRECT_CHANNELS = {
    user.id: f"D{user.id[1:]}"
    for user in PEOPLE.values()
    if user.workspace == WORKSPACE["id"] and not user.deleted and user.id != BOT
}
"""The channels of the app's direct messages, by the user who can get them."""

GROUPS = {"S0RELEASE1": ("U0ALICE01", "U0BOB00002")}
"""The members of user groups."""
