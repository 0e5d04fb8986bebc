"""The one place where functions are put together: AWS clients, tables, queues and channels, from settings."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

import bot.words
import mail.words
from approvals.adapters import clients
from approvals.domain.characters import log_json
from approvals.store.table import ApprovalTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sns import SNSClient

    from approvals.adapters.queues import RetryQueue
    from approvals.adapters.step_functions import Workflows
    from approvals.requests.identities import Resolver
    from approvals.services.channel import Channel
    from approvals.services.identities import StackIdentities
    from approvals.services.publish import Publisher
    from approvals.store.task_tokens import TaskTokens
    from bot.ephemeral import Notes
    from bot.messenger import SlackMessenger
    from handlers.settings import (
        ChannelSettings,
        EventSettings,
        TableSettings,
        TokenSettings,
        TopicSettings,
        WorkerSettings,
    )
    from handlers.stream_worker import Task, Worker
    from mail.rate_limit import MailRateLimit
    from mail.sns import Mailer, Subscribers


def now() -> datetime:
    """Return the time in UTC: the functions' only clock."""
    return datetime.now(UTC)


class Wiring:
    """The parts of one function, each made once and only when the function asks for it.

    What not every function has is imported where it is made: a function does not load what it does not use.
    """

    def __init__(self, config: TableSettings) -> None:
        mail.words.register_words()
        bot.words.register_words()
        self._table_name = config.table_name
        self.clock = now

    @cached_property
    def logger(self) -> Logger:
        """The logger, which writes a line of JSON for each record."""
        return Logger(json_serializer=log_json)

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        """The client that all tables share."""
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
        from approvals.adapters.step_functions import Workflows  # noqa: PLC0415

        return Workflows(clients.session().client("stepfunctions"))

    def tokens(self, config: TokenSettings) -> TaskTokens:
        """Return the task tokens."""
        from approvals.store.task_tokens import TaskTokens  # noqa: PLC0415

        return TaskTokens(self.dynamodb, config.task_token_table_name, self._table_name)

    def queue(self, url: str) -> RetryQueue:
        """Return a queue where approvals wait. Its client is made when something must wait."""
        from approvals.adapters.queues import RetryQueue  # noqa: PLC0415

        return RetryQueue(lambda: clients.session().client("sqs"), url)

    def publisher(self, config: EventSettings) -> Publisher | None:
        """Return what publishes events; None without a bus."""
        if not config.event_bus_name:
            return None
        from approvals.adapters.event_bus import EventBus  # noqa: PLC0415
        from approvals.services.publish import Publisher  # noqa: PLC0415

        bus = EventBus(lambda: clients.session().client("events"), config.event_bus_name)
        return Publisher(bus, self.table, stack=config.stack_name)

    def worker(self, task: Task, config: WorkerSettings) -> Worker:
        """Return the loop of a function that a stream and a retry queue call."""
        from handlers.stream_worker import Worker  # noqa: PLC0415

        queue, attempts = self.queue(config.retry_queue_url), int(config.retry_attempts)
        return Worker(task, queue=queue, attempts=attempts, logger=self.logger)

    @cached_property
    def rate_limit(self) -> MailRateLimit:
        """The count of emails in each second."""
        from mail.rate_limit import MailRateLimit  # noqa: PLC0415

        return MailRateLimit(self.dynamodb, self._table_name)

    def take_mail_slot(self, recipient: str) -> bool:
        """Count one more email to an address in this second, or return False."""
        return self.rate_limit.take_slot(recipient, self.clock())

    def mailer(self, config: TopicSettings) -> Mailer:
        """Return what sends emails."""
        from mail.sns import Mailer  # noqa: PLC0415

        return Mailer(self.sns, config.topic_arn)


class ChannelWiring(Wiring):
    """The parts of a function that tells people: its channels, and what they are made of."""

    def __init__(self, config: ChannelSettings) -> None:
        super().__init__(config)
        self._config = config

    @cached_property
    def channels(self) -> list[Channel]:
        """The channels, in the order in which they tell people. A new one is one line here."""
        return [self._email(), *self._slack()]

    def identities(self) -> StackIdentities:
        """Return what finds out who is who."""
        from approvals.services.identities import StackIdentities  # noqa: PLC0415
        from mail.resolver import EmailResolver  # noqa: PLC0415

        resolvers: list[Resolver] = [EmailResolver(self._subscribers().confirmed)]
        if self.messenger:
            from bot.resolver import SlackResolver  # noqa: PLC0415

            resolvers.append(SlackResolver(self.messenger.directory))
        return StackIdentities(shared=self._config.email, resolvers=resolvers)

    def replies(self, table_name: str) -> Notes:
        """Return what delivers deferred Slack replies."""
        from approvals.store.queries import Listing  # noqa: PLC0415
        from approvals.store.replies import Replies  # noqa: PLC0415
        from bot.ephemeral import Notes, name_unreadable  # noqa: PLC0415

        return Notes(
            table=self.table,
            replies=Replies(self.dynamodb, table_name),
            listing=Listing(self.dynamodb, self._table_name, partial(name_unreadable, self.logger)),
            messenger=self.messenger,
            base_url=self._config.public_url,
            clock=self.clock,
            logger=self.logger,
        )

    @cached_property
    def messenger(self) -> SlackMessenger | None:
        """What posts to Slack; None without Slack, whose library is not imported then."""
        if not self._config.slack_channel:
            return None
        from bot.credentials import load_secret  # noqa: PLC0415
        from bot.messenger import connected_messenger  # noqa: PLC0415

        secret = partial(load_secret, clients.session().client("secretsmanager"), self._config.slack_secret_arn)
        return connected_messenger(self._config.slack_channel, secret, self._config.slack_api_url)

    def _subscribers(self) -> Subscribers:
        from mail.sns import Subscribers  # noqa: PLC0415

        return Subscribers(lambda: self.sns, self._config.topic_arn)

    def _email(self) -> Channel:
        from mail.channel import EmailChannel  # noqa: PLC0415
        from mail.delivery import MailQueue, Outbox  # noqa: PLC0415
        from mail.messages import Links  # noqa: PLC0415

        config = self._config
        queue = MailQueue(lambda: clients.session().client("sqs"), config.mail_queue_url)
        outbox = Outbox(self.mailer(config), self.take_mail_slot, queue.add)
        links = Links.configured(config.public_url, config.email_link_mode)
        confirmed = self._subscribers().confirmed
        return EmailChannel(outbox=outbox, email=config.email, confirmed=confirmed, links=links, logger=self.logger)

    def _slack(self) -> list[Channel]:
        if self.messenger is None:
            return []
        from bot.channel import SlackChannel  # noqa: PLC0415

        return [SlackChannel(self.messenger, self.logger)]
