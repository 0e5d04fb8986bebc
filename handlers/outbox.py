"""Mails on their way out: sent at once, or left for `digest` when SNS bears no more of them in this second."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from approvals.clients import client
from approvals.mail import Mail, Mailer, NoSlot
from approvals.model import Approval

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


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

    def __init__(self, mailer: Mailer, defer: Callable[[str, str], None]) -> None:
        self._mailer = mailer
        self._defer = defer

    @classmethod
    def connect(cls, topic_arn: str, take_slot: Callable[[str], bool], queue_url: str) -> Outbox:
        """The outbox of a topic, with the queue of what must wait."""
        return cls(Mailer.connect(topic_arn, take_slot), MailQueue(lambda: client("sqs"), queue_url).add)

    def send(self, approval: Approval, step: str, mail: Mail) -> bool:
        """Returns whether the mail was sent: only then is the step done. Raises `DeliveryFailed`."""
        try:
            self._mailer.send(mail)
        except NoSlot:
            self._defer(approval.id, step)
            return False
        return True
