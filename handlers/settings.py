"""Settings of the functions: frozen dataclasses whose fields are environment variables in lower case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Settings = TypeVar("Settings", bound=DataclassInstance)


class MissingSettings(Exception):  # noqa: N818
    """The function can't start: names every environment variable that is not set."""


def load(settings: type[Settings], environ: Mapping[str, str]) -> Settings:
    """Reads a dataclass of `str` fields from the environment. Empty is a value; raises `MissingSettings`."""
    names = {field.name: field.name.upper() for field in fields(settings)}
    missing = [variable for variable in names.values() if variable not in environ]
    if missing:
        raise MissingSettings(f"environment variables not set: {', '.join(missing)}")
    return settings(**{name: environ[variable] for name, variable in names.items()})


# Parts that several functions have.


@dataclass(frozen=True, kw_only=True)
class TableSettings:
    """The approvals table."""

    table_name: str


@dataclass(frozen=True, kw_only=True)
class TokenSettings(TableSettings):
    """The task tokens beside it."""

    task_token_table_name: str


@dataclass(frozen=True, kw_only=True)
class TopicSettings:
    """What it takes to send emails. `email` is the stack's own address."""

    email: str
    topic_arn: str


@dataclass(frozen=True, kw_only=True)
class LinkSettings:
    """Where links in messages lead, and whether opening one responds."""

    public_url: str
    email_link_mode: str


@dataclass(frozen=True, kw_only=True)
class ChannelSettings(TopicSettings, LinkSettings, TableSettings):
    """What the channels need. An empty `slack_channel` means email alone."""

    mail_queue_url: str
    slack_channel: str
    slack_secret_arn: str
    slack_api_url: str


@dataclass(frozen=True, kw_only=True)
class WorkerSettings:
    """The queue of what is tried again, and how often it is."""

    retry_queue_url: str
    retry_attempts: str


@dataclass(frozen=True, kw_only=True)
class EventSettings(TableSettings):
    """Where events are published. An empty bus means nowhere."""

    event_bus_name: str
    stack_name: str


# The functions, by the first part of their logical ids.


@dataclass(frozen=True, kw_only=True)
class RequestSettings(TokenSettings):
    """Settings of `request`."""

    default_timeout_minutes: str


@dataclass(frozen=True, kw_only=True)
class NotifySettings(ChannelSettings, WorkerSettings, EventSettings):
    """Settings of `notify`."""

    slack_reply_table_name: str
    decision_queue_url: str


@dataclass(frozen=True, kw_only=True)
class DecisionSettings(ChannelSettings, WorkerSettings, EventSettings, TokenSettings):
    """Settings of `decision`."""


@dataclass(frozen=True, kw_only=True)
class DigestSettings(TopicSettings, LinkSettings, TableSettings):
    """Settings of `digest`."""


@dataclass(frozen=True, kw_only=True)
class LifecycleSettings(TableSettings):
    """Settings of `lifecycle`."""

    state_machine_arn: str
    notify_queue_url: str
    decision_queue_url: str
    dead_letter_queue_url: str


@dataclass(frozen=True, kw_only=True)
class CallbackSettings(TableSettings):
    """Settings of `callback`."""

    email_link_mode: str


@dataclass(frozen=True, kw_only=True)
class BotSettings(TableSettings):
    """Settings of `bot`."""

    slack_reply_table_name: str
    slack_secret_arn: str
    slack_api_url: str
