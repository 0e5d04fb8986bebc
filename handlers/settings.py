"""Settings of the functions: frozen dataclasses. Each field is an environment variable, in lower case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Settings = TypeVar("Settings", bound=DataclassInstance)


class MissingSettingsError(Exception):
    """The function can't start: environment variables are not set. The message names each."""


def load(settings: type[Settings], environ: Mapping[str, str]) -> Settings:
    """Read a dataclass of `str` fields from the environment. A variable can be empty. Raise `MissingSettingsError`."""
    names = {field.name: field.name.upper() for field in fields(settings)}
    missing = [variable for variable in names.values() if variable not in environ]
    if missing:
        raise MissingSettingsError(f"environment variables not set: {', '.join(missing)}")
    return settings(**{name: environ[variable] for name, variable in names.items()})


# Parts that several functions share.


@dataclass(frozen=True, kw_only=True)
class TableSettings:
    """The approvals table."""

    table_name: str


@dataclass(frozen=True, kw_only=True)
class TokenSettings(TableSettings):
    """The approvals table and the table of task tokens."""

    task_token_table_name: str


@dataclass(frozen=True, kw_only=True)
class LinkSettings(TableSettings):
    """The approvals table, and what opening a link does."""

    email_link_mode: str

    @property
    def one_click(self) -> bool:
        """Return True if opening a link in an email responds."""
        return self.email_link_mode == "one-click"


@dataclass(frozen=True, kw_only=True)
class EmailSettings(LinkSettings):
    """What sending emails needs. `email` is the stack's own address."""

    email: str
    topic_arn: str
    public_url: str

    @property
    def account(self) -> str:
        """Return the account of the stack, which its topic's ARN names."""
        return self.topic_arn.split(":")[4]


@dataclass(frozen=True, kw_only=True)
class EventSettings(TableSettings):
    """Where events are published. Without a bus, they are not."""

    event_bus_name: str
    stack_name: str


@dataclass(frozen=True, kw_only=True)
class ChannelSettings(EmailSettings, EventSettings):
    """What a function that tells people needs. Without `slack_channel`, it tells them only by email."""

    mail_queue_url: str
    slack_channel: str
    slack_secret_arn: str
    slack_api_url: str
    retry_queue_url: str
    retry_attempts: str


# The functions, by the first part of their logical ids.


@dataclass(frozen=True, kw_only=True)
class RequestSettings(TokenSettings):
    """Settings of `request`. Without `policy_parameter`, there is no policy."""

    default_timeout_minutes: str
    policy_parameter: str


@dataclass(frozen=True, kw_only=True)
class NotifySettings(ChannelSettings):
    """Settings of `notify`."""

    slack_reply_table_name: str
    decision_queue_url: str


@dataclass(frozen=True, kw_only=True)
class DecisionSettings(ChannelSettings, TokenSettings):
    """Settings of `decision`."""


@dataclass(frozen=True, kw_only=True)
class DigestSettings(EmailSettings):
    """Settings of `digest`."""


@dataclass(frozen=True, kw_only=True)
class LifecycleSettings(TableSettings):
    """Settings of `lifecycle`."""

    state_machine_arn: str
    notify_queue_url: str
    decision_queue_url: str
    dead_letter_queue_url: str


@dataclass(frozen=True, kw_only=True)
class CallbackSettings(LinkSettings):
    """Settings of `callback`."""


@dataclass(frozen=True, kw_only=True)
class AnswerSettings(TableSettings):
    """Settings of `answer`. `account_id` is the stack's own: sessions of others prove nobody."""

    account_id: str


@dataclass(frozen=True, kw_only=True)
class BotSettings(TableSettings):
    """Settings of `bot`."""

    slack_reply_table_name: str
    slack_secret_arn: str
    slack_api_url: str
