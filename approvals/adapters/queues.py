"""SQS: the queues of work to retry."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

FIRST_DELAY = 5
MAX_DELAY = 300
"""Seconds between two tries. The delay doubles from the first to the maximum."""

MAX_QUEUE_DELAY = 900
"""Seconds. Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html"""


class RetryQueue:
    """A queue of items to retry."""

    def __init__(self, sqs: Callable[[], SQSClient], url: str) -> None:
        # Created at the first failure, since creating a client takes time and failures are rare.
        self._sqs = sqs
        self._url = url

    def add(self, item_id: str, delay: int = FIRST_DELAY) -> None:
        """Queue an item's first retry, after a delay in seconds."""
        body, delay = json.dumps({"id": item_id}), min(delay, MAX_QUEUE_DELAY)
        self._sqs().send_message(QueueUrl=self._url, MessageBody=body, DelaySeconds=delay)

    def postpone(self, receipt_handle: str, attempt: int) -> None:
        """Hide a message that failed again until its next retry is due."""
        self._sqs().change_message_visibility(
            QueueUrl=self._url, ReceiptHandle=receipt_handle, VisibilityTimeout=delay_after(attempt)
        )


def delay_after(attempt: int) -> int:
    """Return the seconds to wait after the n-th failed retry (n >= 1)."""
    return int(min(FIRST_DELAY * 2**attempt, MAX_DELAY))
