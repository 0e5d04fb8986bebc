"""Sends the mails that came too fast for SNS, folded into one: what waits, each with its links, and what has ended."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger

from approvals import settings
from approvals.clients import CONFIG
from approvals.mail import Mail, Mailer, NoSlot, digest_mail, outcome_mail, request_mail
from approvals.model import Approval, Step
from approvals.table import ApprovalTable, NotFound

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

PAUSE = 0.25
"""Seconds between two looks for a free slot."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Environment variables of this function."""

    table_name: str
    email: str
    topic_arn: str
    public_url: str


class DigestSender:
    """Takes a batch of mails that are owed and sends one. What it can't send stays in the queue."""

    def __init__(
        self,
        *,
        table: ApprovalTable,
        mailer: Mailer,
        email: str,
        base_url: str,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
        logger: Logger,
    ) -> None:
        self._table = table
        self._mailer = mailer
        self._email = email
        self._base_url = base_url
        self._clock = clock
        self._sleep = sleep
        self._logger = logger

    def __call__(self, event: Mapping[str, Any], _context: LambdaContext) -> None:
        """Takes a batch of the mail queue. Raises when the mail can't be sent: then all of the batch comes back."""
        asked = [json.loads(record["body"]) for record in event["Records"]]
        owed = self._owed({(str(mail["id"]), Step(mail["step"])) for mail in asked})
        if not owed:
            return
        self._send(self._mail([approval for approval, _ in owed]))
        for approval, step in owed:
            with self._logger.append_context_keys(approval_id=approval.id):
                self._table.mark(approval, step, self._clock())
                self._logger.info("mail sent", extra={"folded": len(owed)})

    def _owed(self, wanted: set[tuple[str, Step]]) -> list[tuple[Approval, Step]]:
        """What of it was not sent meanwhile and still makes sense, oldest first."""
        found = []
        for approval_id, step in wanted:
            try:
                approval = self._table.get(approval_id)
            except NotFound:
                continue
            overtaken = step is Step.REQUEST_EMAIL and approval.decision is not None
            if step not in approval.steps and not overtaken:
                found.append((approval, step))
        return sorted(found, key=lambda each: each[0].requested_at)

    def _mail(self, approvals: list[Approval]) -> Mail:
        if len(approvals) > 1:
            return digest_mail(approvals, self._email, base_url=self._base_url)
        [approval] = approvals
        if approval.decision:
            return outcome_mail(approval)
        return request_mail(approval, self._email, base_url=self._base_url)

    def _send(self, mail: Mail) -> None:
        while True:  # Bounded by the function's timeout: the batch comes back then.
            try:
                self._mailer.send(mail)
            except NoSlot:
                self._sleep(PAUSE)
            else:
                return


def build(environ: Mapping[str, str]) -> DigestSender:
    """Builds the handler from the environment, with the AWS clients it uses."""
    config = settings.load(Settings, environ)
    clock = partial(datetime.now, UTC)
    table = ApprovalTable(boto3.client("dynamodb", config=CONFIG), config.table_name)
    return DigestSender(
        table=table,
        mailer=Mailer.connect(config.topic_arn, lambda: table.take_mail_slot(clock())),
        email=config.email,
        base_url=config.public_url,
        clock=clock,
        sleep=time.sleep,
        logger=Logger(),
    )


def __getattr__(name: str) -> DigestSender:
    # Lambda looks `handler` up once, in its init phase: clients are built there, and an import alone builds nothing.
    if name == "handler":
        return build(os.environ)
    raise AttributeError(name)
