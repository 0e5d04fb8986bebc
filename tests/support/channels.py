"""The channels of a stack, around fakes of the services behind them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, cast

from approvals.requests.identities import Resolver
from approvals.services.channel import Channel
from approvals.services.identities import StackIdentities
from bot.channel import SlackChannel
from bot.messenger import SlackMessenger
from bot.resolver import Directory, SlackResolver
from mail.channel import EmailChannel
from mail.messages import Links
from mail.resolver import EmailResolver
from mail.sns import Mail, Mailer

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

LINKS = Links("https://api.example.com/states", one_click=False)


class Subscribed(Protocol):
    """Knows who confirmed a subscription."""

    def confirmed(self) -> dict[str, str]: ...


class Outbox(Protocol):
    """Sends emails, or leaves them to the digest."""

    def send(self, mail: Mail) -> bool: ...

    def defer(self, approval_id: str, step: str) -> None: ...


class CurrentDirectory:
    """The directory that a messenger has now: a test may put another in its place."""

    def __init__(self, messenger: SlackMessenger) -> None:
        self._messenger = messenger

    def __getattr__(self, name: str) -> Any:
        return getattr(self._messenger.directory, name)


class Own:
    """The stack's own address has confirmed its subscription."""

    def __init__(self, email: str) -> None:
        self._email = email

    def confirmed(self) -> dict[str, str]:
        return {self._email.casefold(): self._email}


def the_channels(
    outbox: Outbox,
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
        mailer=cast("Mailer", outbox), defer=outbox.defer, email=email, confirmed=confirmed, links=links, logger=logger
    )
    return [emails, SlackChannel(messenger, logger)] if messenger else [emails]


def the_identities(messenger: SlackMessenger | None, subscribers: Subscribed, *, email: str) -> StackIdentities:
    """Return what finds out who is who."""

    def confirmed() -> Mapping[str, str]:
        return subscribers.confirmed()

    resolvers: list[Resolver] = [EmailResolver(confirmed)]
    if messenger:
        resolvers.append(SlackResolver(cast("Directory", CurrentDirectory(messenger))))
    return StackIdentities(shared=email, resolvers=resolvers)
