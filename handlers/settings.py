"""Settings of the functions. Each annotated attribute is an environment variable, in lower case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping


class MissingSettingsError(Exception):
    """The function can't start: environment variables are not set. The message names each."""


class Settings:
    """Settings that are read from the environment. A variable can be empty.

    These are no dataclasses: creating one takes half a millisecond, and each function that starts would create all.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Read the settings. Raise `MissingSettingsError`."""
        variables = {name: name.upper() for name in self.names()}
        missing = [variable for variable in variables.values() if variable not in environ]
        if missing:
            raise MissingSettingsError(f"environment variables not set: {', '.join(missing)}")
        vars(self).update({name: environ[variable] for name, variable in variables.items()})

    @classmethod
    def names(cls) -> Iterator[str]:
        """Yield the names of the settings, those of base classes first."""
        for each in reversed(cls.__mro__):
            yield from vars(each).get("__annotations__", ())


# Parts that several functions share.


class TableSettings(Settings):
    """The approvals table."""

    table_name: str


class TokenSettings(TableSettings):
    """The approvals table and the table of task tokens."""

    task_token_table_name: str


class LinkSettings(TableSettings):
    """The approvals table, and what opening a link does."""

    email_link_mode: str

    @property
    def one_click(self) -> bool:
        """Return True if opening a link in an email responds."""
        return self.email_link_mode == "one-click"


class EmailSettings(LinkSettings):
    """What sending emails needs. `email` is the stack's own address."""

    email: str
    topic_arn: str
    public_url: str

    @property
    def account(self) -> str:
        """Return the account of the stack, which its topic's ARN names."""
        return self.topic_arn.split(":")[4]


class EventSettings(TableSettings):
    """Where events are published. Without a bus, they are not."""

    event_bus_name: str
    stack_name: str


class ChannelSettings(EmailSettings, EventSettings):
    """What a function that tells people needs. Without `slack_channel`, it tells them only by email."""

    mail_queue_url: str
    slack_channel: str
    slack_secret_arn: str
    slack_api_url: str
    retry_queue_url: str
    retry_attempts: str


# The functions, by the first part of their logical ids.


class RequestSettings(TokenSettings):
    """Settings of `request`. Without `policy_parameter`, there is no policy; `remind_during` may be empty, too."""

    default_timeout_minutes: str
    remind_during: str
    policy_parameter: str


class NotifySettings(ChannelSettings):
    """Settings of `notify`."""

    slack_reply_table_name: str
    decision_queue_url: str


class DecisionSettings(ChannelSettings, TokenSettings):
    """Settings of `decision`."""


class DigestSettings(EmailSettings):
    """Settings of `digest`."""


class LifecycleSettings(TableSettings):
    """Settings of `lifecycle`. Without `policy_parameter`, there is no policy."""

    state_machine_arn: str
    notify_queue_url: str
    decision_queue_url: str
    dead_letter_queue_url: str
    policy_parameter: str


class CallbackSettings(LinkSettings):
    """Settings of `callback`."""


class AnswerSettings(TableSettings):
    """Settings of `answer`. `account_id` is the stack's own: sessions of others prove nobody.

    Without `policy_parameter`, there is no policy, so nobody can override.
    """

    account_id: str
    policy_parameter: str


class SpendSettings(TableSettings):
    """Settings of `spend`."""


class BotSettings(TableSettings):
    """Settings of `bot`."""

    slack_reply_table_name: str
    slack_secret_arn: str
    slack_api_url: str
