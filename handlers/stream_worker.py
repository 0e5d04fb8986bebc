"""The loop that `notify` and `decision` share: a stream event is worked on at once, what fails is tried again later.

A failure goes to the function's own retry queue, so that one approval's trouble never holds up the stream behind it.
What fails every time ends in the dead-letter queue.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol
from zlib import crc32

from approvals.adapters.queues import RetryQueue
from approvals.services.tasks import StepsFailedError
from approvals.store.table import NotFoundError

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger
    from aws_lambda_powertools.utilities.typing import LambdaContext

SPREAD = 30
"""Seconds over which those who were asked to come back come back: not all at once."""

RESERVE = 20_000
"""Milliseconds. With less left the rest of a batch is queued: a function that is killed would repeat all of it."""


class Task(Protocol):
    """Works on one item of the table. `last` says that this is the last try. Raises when it should be tried again.

    It reads the item: what the stream has of it may be old, since a stream can deliver again, and late.
    """

    def __call__(self, item_id: str, *, last: bool) -> None: ...  # noqa: D102


class Worker:
    """A Lambda handler for a table's stream and for the retry queue behind it."""

    def __init__(self, task: Task, *, queue: RetryQueue, attempts: int, logger: Logger) -> None:
        self._task = task
        self._queue = queue
        self._attempts = attempts
        self._logger = logger

    def __call__(self, event: dict[str, Any], context: LambdaContext) -> Mapping[str, object]:
        """Works on every record of the event; reports the records that must be delivered again.

        Source: https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
        """
        records: list[dict[str, Any]] = event["Records"]
        if records[0]["eventSource"] == "aws:sqs":
            # On a failed batch SQS would forget the delays just set: report the items instead of raising.
            failed = [record["messageId"] for record in records if not self._from_queue(record)]
        else:
            errors = {
                record["dynamodb"]["SequenceNumber"]: error
                for record in records
                if (error := self._from_stream(record, context))
            }
            if len(errors) == len(records):
                raise next(iter(errors.values()))  # The function's errors raise an alarm.
            failed = list(errors)
        return {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}

    def _from_stream(self, record: Mapping[str, Any], context: LambdaContext) -> Exception | None:
        """Works on a change of the table; returns why it could not even be queued."""
        item_id = str(record["dynamodb"]["Keys"]["id"]["S"])
        with self._logger.append_context_keys(approval_id=item_id):
            try:
                if context.get_remaining_time_in_millis() < RESERVE:
                    self._queue.add(item_id)
                else:
                    self._work_or_queue(item_id)
            except Exception as error:
                self._logger.exception("left to the stream")
                return error
        return None

    def _work_or_queue(self, item_id: str) -> None:
        try:
            self._work(item_id, last=False)
        except Exception:
            self._logger.exception("queued for another try")
            self._queue.add(item_id)

    def _from_queue(self, record: Mapping[str, Any]) -> bool:
        """Works on an item that waited for its next try; returns whether it is done."""
        item_id = str(json.loads(record["body"])["id"])
        attempt = int(record["attributes"]["ApproximateReceiveCount"])
        with self._logger.append_context_keys(approval_id=item_id, attempt=attempt):
            try:
                self._work(item_id, last=attempt >= self._attempts)
            except Exception:
                self._logger.exception("failed again")
                self._postpone(record["receiptHandle"], attempt)
                return False
        return True

    def _postpone(self, receipt_handle: str, attempt: int) -> None:
        try:
            self._queue.postpone(receipt_handle, attempt)
        except Exception:
            # Then it comes back as early as any message of the queue.
            self._logger.exception("its delay could not be set")

    def _work(self, item_id: str, *, last: bool) -> None:
        try:
            self._task(item_id, last=last)
        except NotFoundError:
            self._logger.warning("the record is gone, nothing to do")
        except StepsFailedError as failure:
            if failure.retry_after is None:
                raise
            # A new message: being asked to wait is no failed try, however often it happens.
            self._queue.add(item_id, failure.retry_after + crc32(item_id.encode()) % SPREAD)
