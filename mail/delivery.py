"""Mails on their way out: sent at once, or left for `digest` when SNS bears no more of them in this second."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from mail.sns import Mail, Mailer

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

    def __init__(self, mailer: Mailer, take_slot: Callable[[str], bool], defer: Callable[[str, str], None]) -> None:
        self._mailer = mailer
        self._take_slot = take_slot
        self._defer = defer

    def send(self, approval_id: str, step: str, mail: Mail) -> bool:
        """Send the mail, or queue it if its recipient has no slot left. Return whether it was sent.

        `digest` marks the step of a queued mail. Raise `DeliveryError`.
        """
        if not self._take_slot(mail.to):
            self._defer(approval_id, step)
            return False
        self._mailer.send(mail)
        return True
