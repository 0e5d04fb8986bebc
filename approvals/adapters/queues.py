"""SQS: the queues where work waits for its next try."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

FIRST_DELAY = 5
MAX_DELAY = 300
"""Seconds between two tries: the delay doubles from the first to the maximum."""

MAX_QUEUE_DELAY = 900
"""Seconds. Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html"""


class RetryQueue:
    """The queue where items wait for their next try."""

    def __init__(self, sqs: Callable[[], SQSClient], url: str) -> None:
        # A client costs time to build and the queue is rarely needed: it is built at the first failure.
        self._sqs = sqs
        self._url = url

    def add(self, item_id: str, delay: int = FIRST_DELAY) -> None:
        """Queues the item's first retry, after a delay in seconds."""
        body, delay = json.dumps({"id": item_id}), min(delay, MAX_QUEUE_DELAY)
        self._sqs().send_message(QueueUrl=self._url, MessageBody=body, DelaySeconds=delay)

    def postpone(self, receipt_handle: str, attempt: int) -> None:
        """Hides a message that failed again until its next try is due."""
        self._sqs().change_message_visibility(
            QueueUrl=self._url, ReceiptHandle=receipt_handle, VisibilityTimeout=delay_after(attempt)
        )


def delay_after(attempt: int) -> int:
    """Seconds to wait after the n-th failed retry (n >= 1)."""
    return int(min(FIRST_DELAY * 2**attempt, MAX_DELAY))
