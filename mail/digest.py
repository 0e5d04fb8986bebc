"""The digest: emails that came too fast for SNS, folded into one for each recipient."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from approvals.domain.errors import DeliveryError
from approvals.domain.model import Approval
from approvals.domain.steps import recipient_of
from approvals.store.reading import UnreadableError
from approvals.store.table import ApprovalTable, NotFoundError
from mail.digest_message import digest_mail
from mail.messages import Links, mail_for
from mail.sns import Mail, Mailer

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_sqs import SQSClient

PAUSE = 0.25
"""Seconds between two tries to send an email."""


class DigestQueue:
    """The queue of emails that are left to the digest."""

    def __init__(self, sqs: Callable[[], SQSClient], url: str) -> None:
        # Making a client takes time and the queue is rarely needed, so it makes the client for its first message.
        self._sqs = sqs
        self._url = url

    def add(self, approval_id: str, step: str) -> None:
        """Queue the email of a step, which names its recipient."""
        self._sqs().send_message(QueueUrl=self._url, MessageBody=json.dumps({"id": approval_id, "step": step}))


class Owed(NamedTuple):
    """An email that was not sent yet, as it would be alone, and the step that it closes."""

    approval: Approval
    step: str
    mail: Mail


class DigestSender:
    """Sends each recipient one email for a batch of the queue. What it can't send stays in the queue."""

    def __init__(
        self,
        *,
        table: ApprovalTable,
        mailer: Mailer,
        email: str,
        links: Links,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
        logger: Logger,
    ) -> None:
        self._table = table
        self._mailer = mailer
        self._email = email
        self._links = links
        self._clock = clock
        self._sleep = sleep
        self._logger = logger

    def __call__(self, event: Mapping[str, Any], _context: LambdaContext) -> None:
        """Send a batch. Raise if an email can't be sent: the queue then delivers the whole batch again."""
        batch: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
        for record in event["Records"]:
            mail = json.loads(record["body"])
            batch[recipient_of(mail["step"])].add((mail["id"], mail["step"]))
        failures: list[Exception] = []
        for recipient, steps in batch.items():
            try:
                self._send(recipient, sorted(self._owed(steps, failures), key=lambda owed: owed.approval.requested_at))
            except DeliveryError as failure:
                self._logger.warning("email not sent, will be retried", extra={"reason": str(failure)})
                failures.append(failure)
        if failures:
            raise failures[0]

    def _owed(self, steps: Iterable[tuple[str, str]], failures: list[Exception]) -> Iterator[Owed]:
        """Yield the emails that were not sent in the meantime and still make sense.

        Add unreadable records to the failures: they must not delay the other emails.
        """
        for approval_id, step in sorted(steps):
            try:
                approval = self._table.get(approval_id)
            except NotFoundError:
                continue
            except UnreadableError as error:
                self._logger.exception("email not sent, the record can't be read", extra={"approval_id": approval_id})
                failures.append(error)
                continue
            mail = mail_for(approval, step, self._links)
            if step not in approval.steps and mail:
                yield Owed(approval, step, mail)

    def _send(self, recipient: str, owed: list[Owed]) -> None:
        """Send a recipient's email and mark its steps, so that the next delivery of the batch leaves them out."""
        if not owed:
            return
        approvals = list({each.approval.id: each.approval for each in owed}.values())
        digest = len(owed) > 1
        mail = digest_mail(approvals, recipient, self._links, stack_email=self._email) if digest else owed[0].mail
        while not self._mailer.send(mail):  # The function's timeout ends the loop: then the batch comes again.
            self._sleep(PAUSE)
        for approval, step, _ in owed:
            self._table.mark(approval, step, self._clock())
            named = {"approval_id": approval.id, "step": step, "folded": len(owed)}
            self._logger.info("email sent", extra=named)
