"""Identities in Slack: users by ID or email address, and the members of user groups. Pure but for the directory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from approvals.domain.email_address import canonical
from approvals.domain.model import Request
from approvals.domain.people import Person
from approvals.requests.lookup import MAX_PEOPLE, UnresolvedError
from bot.addresses import SLACK, is_slack_group, is_slack_user

if TYPE_CHECKING:
    from bot.directory import SlackUser

_EMAIL = "email"
"""The channel on which Slack knows its users' names, too."""


class Directory(Protocol):
    """The people that Slack knows. Every method raises `DeliveryError` when Slack can't be asked."""

    def find_by_email(self, email: str) -> SlackUser | None:
        """Return the user with this address, if there is one."""

    def user(self, slack_id: str) -> SlackUser | None:
        """Return the user with this ID, if there is one."""

    def members(self, group_id: str) -> tuple[str, ...]:
        """Return the IDs of a user group's members; empty when there is no such group."""

    def workspace(self) -> str:
        """Return the ID of the app's own workspace."""


class SlackResolver:
    """Resolves Slack users and user groups, and finds Slack users by their addresses."""

    channel = SLACK

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._asked: dict[str, SlackUser | None] = {}

    def prepare(self, _request: Request) -> None:
        """Forget the users of the request before."""
        self._asked = {}

    def understands(self, name: str) -> bool:
        """Return True for the ID of a user or of a user group."""
        return is_slack_user(name) or is_slack_group(name)

    def resolve(self, name: str) -> list[Person]:
        """Return a user who may respond, or those members of a group who may."""
        if is_slack_group(name):
            return self._members(name)
        user = self._known(name)
        if user.deleted:
            raise UnresolvedError(f"Slack user {name} is deactivated.")
        if user.invited:
            raise UnresolvedError(f"Slack user {name} was invited and has not joined yet.")
        if user.bot:
            raise UnresolvedError(f"Slack user {name} is a bot.")
        if self._is_stranger(user):
            raise UnresolvedError(f"Slack user {name} is in another workspace.")
        return [_person(user)]

    def recognize(self, name: str) -> Person:
        """Return a user, whether they may respond or not."""
        return _person(self._known(name))

    def complete(self, person: Person) -> Person:
        """Return the person with their user ID: the user with their address, or the address of its sub-address."""
        address = person.on(_EMAIL)
        if person.on(SLACK) or not address:
            return person
        spellings = dict.fromkeys((address, canonical(address)) if "+" in address else (address,))
        users = map(self._directory.find_by_email, spellings)
        found = next((user for user in users if user and self._may(user)), None)
        if found is None:
            return person
        known = canonical(found.email) or person.id
        return replace(person, id=known, identities={**person.identities, SLACK: found.id})

    def reachable(self, person: Person) -> Person:
        """Return the person: each user of Slack can be reached there."""
        return person

    def unreachable(self, name: str) -> str:
        """Say that the user can't be reached, which does not happen in Slack."""
        return f"Slack can't reach {name}."

    def _members(self, group: str) -> list[Person]:
        members = self._directory.members(group)
        if len(members) > MAX_PEOPLE:
            raise UnresolvedError(f"Slack user group {group} has {len(members)} members. The maximum is {MAX_PEOPLE}.")
        # A group may have members who left, and users of another workspace. It names none of its guests and bots.
        found = [user for user in map(self._user, members) if user and self._may(user) and not user.guest]
        if members and not found:
            raise UnresolvedError(f"Slack user group {group} has no full members. Name guests one by one.")
        if not found:
            raise UnresolvedError(f"Slack user group {group} does not exist or has no active members.")
        return [_person(user) for user in found]

    def _known(self, slack_id: str) -> SlackUser:
        user = self._user(slack_id)
        if user is None:
            raise UnresolvedError(f"Slack user {slack_id} does not exist.")
        return user

    def _user(self, slack_id: str) -> SlackUser | None:
        if slack_id not in self._asked:
            self._asked[slack_id] = self._directory.user(slack_id)
        return self._asked[slack_id]

    def _may(self, user: SlackUser) -> bool:
        return not (user.deleted or user.invited or user.bot) and not self._is_stranger(user)

    def _is_stranger(self, user: SlackUser) -> bool:
        return self._directory.workspace() not in user.workspaces


def _person(user: SlackUser) -> Person:
    identities = {_EMAIL: user.email, SLACK: user.id} if user.email else {SLACK: user.id}
    return Person(id=canonical(user.email) or user.id, name=user.name, identities=identities)
