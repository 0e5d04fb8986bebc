"""Tells the approvers about a new request, by email and in Slack; delivers private notes to Slack users."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import boto3
from aws_lambda_powertools import Logger

from approvals import settings
from approvals.clients import CONFIG
from approvals.mail import request_mail
from approvals.model import Approval, Status, Step
from approvals.respond import respond
from approvals.rules import Cancellation
from approvals.steps import DeliveryRefused, StepsFailed, Work, carry_out
from approvals.table import NOTE_PREFIX, ApprovalTable
from bot.messenger import SlackMessenger
from handlers.outbox import Outbox
from handlers.worker import RetryQueue, Worker


@dataclass(frozen=True, slots=True)
class Settings:
    """Environment variables of this function. An empty `SLACK_CHANNEL` means email alone."""

    table_name: str
    email: str
    topic_arn: str
    mail_queue_url: str
    public_url: str
    slack_channel: str
    slack_secret_arn: str
    slack_api_url: str
    retry_queue_url: str
    retry_attempts: str


class Notifier:
    """Sends each channel's message once. Where no channel can be reached in the end, it cancels the approval."""

    def __init__(
        self,
        *,
        table: ApprovalTable,
        outbox: Outbox,
        messenger: SlackMessenger | None,
        email: str,
        base_url: str,
        clock: Callable[[], datetime],
        logger: Logger,
    ) -> None:
        self._table = table
        self._outbox = outbox
        self._messenger = messenger
        self._email = email
        self._base_url = base_url
        self._clock = clock
        self._logger = logger

    def __call__(self, item_id: str, *, last: bool) -> None:
        """Works on a new item of the table: an approval, or a private note."""
        if item_id.startswith(NOTE_PREFIX):
            self._deliver_note(item_id)
            return
        approval = self._table.get(item_id)
        if approval.status is Status.PENDING:
            if approval.workflow.attempt and not approval.told:
                self._supersede_earlier_attempts(approval)
            try:
                approval = carry_out(approval, self._work(), log=self._logger)
            except StepsFailed as failure:
                if last:
                    self._give_up(item_id, failure)
                raise
        self._close_message(approval)

    def _supersede_earlier_attempts(self, approval: Approval) -> None:
        """The state was retried: its earlier token is dead, so what is asked with it must not be answered any more."""
        for earlier_id in self._table.waiting(approval.workflow.execution_arn):
            earlier = self._table.get(earlier_id)
            if approval.workflow.retries(earlier.workflow):
                cause = "The workflow tried again: a newer request takes the place of this one."
                respond(self._table, earlier, Cancellation(self._clock(), cause, superseded_by=approval.id))
                self._logger.info("superseded an earlier attempt", extra={"superseded": earlier_id})

    def _work(self) -> dict[Step, Work]:
        slack = {Step.REQUEST_SLACK: self._post} if self._messenger else {}
        return {Step.REQUEST_EMAIL: self._send_mail, **slack}

    def _send_mail(self, approval: Approval) -> Approval:
        mail = request_mail(approval, self._email, base_url=self._base_url)
        if not self._outbox.send(approval, Step.REQUEST_EMAIL, mail):
            return approval
        self._logger.info("mail sent")
        return self._table.mark(approval, Step.REQUEST_EMAIL, self._clock())

    def _post(self, approval: Approval) -> Approval:
        if self._messenger is None or approval.status is not Status.PENDING:
            return approval
        message = self._messenger.post_request(approval)
        self._logger.info("slack message posted")
        return self._table.mark(approval, Step.REQUEST_SLACK, self._clock(), slack_message=message)

    def _close_message(self, approval: Approval) -> None:
        # Decided while the message was on its way: `decision` did not know of it then, so its buttons go now.
        if self._messenger and approval.decision and approval.slack_message:
            self._messenger.show_outcome(approval)
            # `decision` may have learned meanwhile whether the workflow heard of it: its edit must not be undone.
            latest = self._table.get(approval.id)
            if latest.resumed is not approval.resumed:
                self._messenger.show_outcome(latest)

    def _deliver_note(self, item_id: str) -> None:
        if self._messenger:
            try:
                self._messenger.whisper(self._table.get_note(item_id))
            except DeliveryRefused as refused:
                self._logger.warning("note dropped", extra={"reason": str(refused)})

    def _give_up(self, approval_id: str, failure: StepsFailed) -> None:
        approval = self._table.get(approval_id)
        if approval.told:
            return  # Somebody was told and can answer.
        cause = f"Nobody could be told about the request. {failure}"
        respond(self._table, approval, Cancellation(self._clock(), cause, error="NotificationFailed"))
        self._logger.error("no channel could be reached, approval cancelled")


def build(environ: Mapping[str, str]) -> Worker:
    """Builds the handler from the environment, with the AWS clients it uses."""
    config = settings.load(Settings, environ)
    logger = Logger()
    clock = partial(datetime.now, UTC)
    table = ApprovalTable(boto3.client("dynamodb", config=CONFIG), config.table_name)
    notifier = Notifier(
        table=table,
        outbox=Outbox.connect(config.topic_arn, lambda: table.take_mail_slot(clock()), config.mail_queue_url),
        messenger=SlackMessenger.connect(config.slack_channel, config.slack_secret_arn, config.slack_api_url),
        email=config.email,
        base_url=config.public_url,
        clock=clock,
        logger=logger,
    )
    queue = RetryQueue(partial(boto3.client, "sqs", config=CONFIG), config.retry_queue_url)
    return Worker(notifier, queue=queue, attempts=int(config.retry_attempts), logger=logger)


def __getattr__(name: str) -> Worker:
    # Lambda looks `handler` up once, in its init phase: clients are built there, and an import alone builds nothing.
    if name == "handler":
        return build(os.environ)
    raise AttributeError(name)
