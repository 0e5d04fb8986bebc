"""Mails on their way out: sent at once, or left for `digest` when SNS bears no more of them in this second."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from approvals.clients import client
from approvals.mail import Mail, Mailer
from approvals.model import Approval
from approvals.respond import Conflict
from approvals.table import ApprovalTable

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

TakeSlot = Callable[[Approval, str, str], Approval | None]
"""Takes a slot for a step's mail to an address, as `ApprovalTable.take_mail_slot_for` does; None when there is none."""


class MailQueue:
    """The queue of mails that came too fast, for `digest` to fold into one."""

    def __init__(self, sqs: Callable[[], SQSClient], url: str) -> None:
        # A client costs time to build and the queue is rarely needed: it is built when a mail must wait.
        self._sqs = sqs
        self._url = url

    def add(self, approval_id: str, step: str) -> None:
        """Queues the mail of a step, which names its recipient."""
        self._sqs().send_message(QueueUrl=self._url, MessageBody=json.dumps({"id": approval_id, "step": str(step)}))


class Outbox:
    """Sends a mail now, or queues it to be sent with others."""

    def __init__(
        self, mailer: Mailer, take_slot: TakeSlot, defer: Callable[[str, str], None], clock: Callable[[], datetime]
    ) -> None:
        self._mailer = mailer
        self._take_slot = take_slot
        self._defer = defer
        self._clock = clock

    @classmethod
    def connect(cls, topic_arn: str, table: ApprovalTable, queue_url: str, clock: Callable[[], datetime]) -> Outbox:
        """The outbox of a topic, with the queue of what must wait."""
        queue = MailQueue(lambda: client("sqs"), queue_url)
        return cls(
            Mailer.connect(topic_arn),
            lambda approval, step, to: table.take_mail_slot_for(approval, step, to, clock()),
            queue.add,
            clock,
        )

    def send(self, approval: Approval, step: str, mail: Mail) -> Approval:
        """Returns the approval as it stands then: with the step done if the mail was sent, by now or before.

        Otherwise it was queued, or the record has changed so that it makes no sense. Raises `DeliveryFailed`.
        """
        try:
            ready = self._take_slot(approval, step, mail.to)
        except Conflict as conflict:
            return approval.onto(conflict.current)
        if ready is None:
            self._defer(approval.id, step)
            return approval
        self._mailer.send(mail)
        return ready.done(step, self._clock())
