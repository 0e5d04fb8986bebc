"""The channels of a stack, around fakes of the services behind them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from approvals.requests.lookup import Resolver
from approvals.services.channel import Channel
from approvals.services.identities import StackIdentities
from bot.channel import SlackChannel
from bot.directory import SlackUser
from bot.messenger import SlackMessenger
from bot.resolver import SlackResolver
from iam.channel import IamChannel
from iam.resolver import RoleResolver
from mail.channel import EmailChannel
from mail.messages import Links
from mail.resolver import EmailResolver
from tests.support.fakes import FakeMailer

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

ACCOUNT = "123456789012"

LINKS = Links("https://api.example.com/states", one_click=False)


class Subscribed(Protocol):
    """Knows who confirmed a subscription."""

    def confirmed(self) -> dict[str, str]: ...


class CurrentDirectory:
    """The directory that a messenger has now: a test may put another in its place."""

    def __init__(self, messenger: SlackMessenger) -> None:
        self._messenger = messenger

    def find_by_email(self, email: str) -> SlackUser | None:
        return self._messenger.directory.find_by_email(email)

    def user(self, slack_id: str) -> SlackUser | None:
        return self._messenger.directory.user(slack_id)

    def members(self, group_id: str) -> tuple[str, ...]:
        return self._messenger.directory.members(group_id)

    def workspace(self) -> str:
        return self._messenger.directory.workspace()


class Own:
    """The stack's own address has confirmed its subscription."""

    def __init__(self, email: str) -> None:
        self._email = email

    def confirmed(self) -> dict[str, str]:
        return {self._email.casefold(): self._email}


def the_channels(
    mailer: FakeMailer,
    messenger: SlackMessenger | None,
    logger: Logger,
    *,
    email: str,
    links: Links = LINKS,
    subscribers: Subscribed | None = None,
) -> list[Channel]:
    """Return the channels as `handlers.wiring` orders them; without a messenger there is no Slack."""

    def confirmed() -> Mapping[str, str]:
        return (subscribers or Own(email)).confirmed()

    emails = EmailChannel(
        mailer=mailer, defer=mailer.defer, email=email, confirmed=confirmed, links=links, logger=logger
    )
    return [emails, *([SlackChannel(messenger, logger)] if messenger else []), IamChannel()]


def the_identities(messenger: SlackMessenger | None, subscribers: Subscribed, *, email: str) -> StackIdentities:
    """Return the service that resolves the names in a request to people."""

    def confirmed() -> Mapping[str, str]:
        return subscribers.confirmed()

    resolvers: list[Resolver] = [EmailResolver(confirmed), RoleResolver(ACCOUNT)]
    if messenger:
        resolvers.append(SlackResolver(CurrentDirectory(messenger)))
    return StackIdentities(shared=email, resolvers=resolvers)
