"""Build the parts of functions from their settings: AWS clients, tables, queues and channels."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

import bot.words
import iam.words
import mail.words
from approvals.adapters import clients
from approvals.adapters.queues import RetryQueue
from approvals.adapters.step_functions import Workflows
from approvals.domain.characters import log_json
from approvals.store.table import ApprovalTable
from approvals.store.task_tokens import TaskTokens
from handlers.stream_worker import Task, Worker

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sns import SNSClient

    from approvals.adapters.policy_store import PolicyStore
    from approvals.services.channel import Channel
    from approvals.services.policy_changes import PolicyChanges
    from approvals.services.publish import Publisher
    from bot.messenger import SlackMessenger
    from handlers.settings import ChannelSettings, EmailSettings, EventSettings, TableSettings, TokenSettings
    from mail.sns import Mailer


def now() -> datetime:
    """Return the time in UTC: the functions' only clock."""
    return datetime.now(UTC)


class Wiring:
    """The parts of a function. Each is built when the function asks for it.

    What only some functions use is imported where it is built, so that the others start without it.
    """

    def __init__(self, config: TableSettings) -> None:
        mail.words.register_words()
        bot.words.register_words()
        iam.words.register_words()
        self._table_name = config.table_name
        self.clock = now

    @cached_property
    def logger(self) -> Logger:
        """The logger. It writes each record as a line of JSON."""
        return Logger(json_serializer=log_json)

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        """The client of all tables."""
        return clients.session().client("dynamodb")

    @cached_property
    def sns(self) -> SNSClient:
        """The client that sends emails and lists who gets them."""
        return clients.session().client("sns")

    @cached_property
    def table(self) -> ApprovalTable:
        """The approvals table."""
        return ApprovalTable(self.dynamodb, self._table_name)

    @cached_property
    def workflows(self) -> Workflows:
        """The paused executions."""
        return Workflows(clients.session().client("stepfunctions"))

    def tokens(self, config: TokenSettings) -> TaskTokens:
        """Return the table of task tokens."""
        return TaskTokens(self.dynamodb, config.task_token_table_name, self._table_name)

    def queue(self, url: str) -> RetryQueue:
        """Return a queue of approvals. It makes its client for its first message."""
        return RetryQueue(lambda: clients.session().client("sqs"), url)

    def policy_store(self, parameter: str) -> PolicyStore:
        """Return the store of the operator's policy. It makes its client when there is a policy."""
        from approvals.adapters.policy_store import PolicyStore  # noqa: PLC0415

        return PolicyStore(lambda: clients.session().client("ssm"), parameter)

    def policy_changes(self, parameter: str) -> PolicyChanges | None:
        """Return what keeps open approvals up to date with the policy, or None without one."""
        if not parameter:
            return None
        from approvals.adapters import metrics  # noqa: PLC0415
        from approvals.services.policy_changes import PolicyChanges  # noqa: PLC0415
        from approvals.store.policy_watch import PolicyWatch  # noqa: PLC0415

        return PolicyChanges(
            table=self.table,
            watch=PolicyWatch(self.dynamodb, self._table_name, time.sleep),
            read_policy=self.policy_store(parameter).read,
            unavailable=metrics.count_unavailable_policy,
            clock=self.clock,
            logger=self.logger,
        )

    def publisher(self, config: EventSettings) -> Publisher | None:
        """Return the publisher of events, or None without a bus."""
        if not config.event_bus_name:
            return None
        from approvals.adapters.event_bus import EventBus  # noqa: PLC0415
        from approvals.services.publish import Publisher  # noqa: PLC0415

        bus = EventBus(lambda: clients.session().client("events"), config.event_bus_name)
        return Publisher(bus, self.table, stack=config.stack_name)

    def worker(self, task: Task, config: ChannelSettings) -> Worker:
        """Return the handler of a function that a stream and a retry queue invoke."""
        queue, attempts = self.queue(config.retry_queue_url), int(config.retry_attempts)
        return Worker(task, queue=queue, attempts=attempts, logger=self.logger)

    def mailer(self, config: EmailSettings) -> Mailer:
        """Return the sender of emails."""
        from mail.rate_limit import MailRateLimit  # noqa: PLC0415
        from mail.sns import Mailer  # noqa: PLC0415

        rate_limit = MailRateLimit(self.dynamodb, self._table_name)
        return Mailer(self.sns, config.topic_arn, lambda recipient: rate_limit.take_slot(recipient, self.clock()))


class ChannelWiring(Wiring):
    """The parts of a function that tells people: its channels, and what they need."""

    def __init__(self, config: ChannelSettings) -> None:
        super().__init__(config)
        self._config = config

    @cached_property
    def channels(self) -> list[Channel]:
        """The channels, in the order in which they tell people. A new channel is one line here."""
        return [self._email(), *self._slack(), self._iam()]

    def confirmed(self) -> dict[str, str]:
        """Return the addresses with a confirmed subscription, by their casefolded form."""
        from mail.sns import confirmed_addresses  # noqa: PLC0415

        return confirmed_addresses(self.sns, self._config.topic_arn)

    @cached_property
    def messenger(self) -> SlackMessenger | None:
        """The sender of Slack messages, or None without Slack. Then Slack's library is not imported."""
        if not self._config.slack_channel:
            return None
        from bot.credentials import load_secret  # noqa: PLC0415
        from bot.messenger import connected_messenger  # noqa: PLC0415

        secret = partial(load_secret, clients.session().client("secretsmanager"), self._config.slack_secret_arn)
        return connected_messenger(self._config.slack_channel, secret, self._config.slack_api_url)

    def _email(self) -> Channel:
        from mail.channel import EmailChannel  # noqa: PLC0415
        from mail.digest import DigestQueue  # noqa: PLC0415
        from mail.messages import Links  # noqa: PLC0415

        config = self._config
        return EmailChannel(
            mailer=self.mailer(config),
            defer=DigestQueue(lambda: clients.session().client("sqs"), config.mail_queue_url).add,
            email=config.email,
            confirmed=self.confirmed,
            links=Links(config.public_url, one_click=config.one_click),
            logger=self.logger,
        )

    @staticmethod
    def _iam() -> Channel:
        from iam.channel import IamChannel  # noqa: PLC0415

        return IamChannel()

    def _slack(self) -> list[Channel]:
        if self.messenger is None:
            return []
        from bot.channel import SlackChannel  # noqa: PLC0415

        return [SlackChannel(self.messenger, self.logger)]
