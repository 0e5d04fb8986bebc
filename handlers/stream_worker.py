"""The Lambda handler that `notify` and `decision` share. It works on each change in a table's stream.

An item that fails goes to the function's own retry queue, so that it never holds up the stream. An item that fails
every time ends in the dead-letter queue.
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
"""Seconds over which retries are spread when a service asks to wait, so that they do not come all at once."""

RESERVE = 20_000
"""Milliseconds. With less time left, the rest of a batch is queued: after a timeout, all of it would be repeated."""


class Task(Protocol):
    """Work on an item of the table. `last`: there will be no other try. Raise if it should be tried again.

    It reads the item from the table: the stream can deliver a change late or twice.
    """

    def __call__(self, item_id: str, *, last: bool) -> None: ...  # noqa: D102


class Worker:
    """A Lambda handler for a table's stream and for the function's retry queue."""

    def __init__(self, task: Task, *, queue: RetryQueue, attempts: int, logger: Logger) -> None:
        self._task = task
        self._queue = queue
        self._attempts = attempts
        self._logger = logger

    def __call__(self, event: dict[str, Any], context: LambdaContext) -> Mapping[str, object]:
        """Work on each record of an event. Return the records that must be delivered again.

        Source: https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
        """
        records: list[dict[str, Any]] = event["Records"]
        if records[0]["eventSource"] == "aws:sqs":
            # If the function raised, SQS would forget the delays that were just set.
            failed = [record["messageId"] for record in records if not self._from_queue(record)]
        else:
            errors = {
                record["dynamodb"]["SequenceNumber"]: error
                for record in records
                if (error := self._from_stream(record, context))
            }
            if len(errors) == len(records):
                raise next(iter(errors.values()))  # The function's error count has an alarm.
            failed = list(errors)
        return {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}

    def _from_stream(self, record: Mapping[str, Any], context: LambdaContext) -> Exception | None:
        """Work on a change of the table, or queue it. Return the error if it can't be queued either."""
        item_id = str(record["dynamodb"]["Keys"]["id"]["S"])
        with self._logger.append_context_keys(approval_id=item_id):
            try:
                if context.get_remaining_time_in_millis() < RESERVE:
                    self._queue.add(item_id)
                else:
                    self._work_or_queue(item_id)
            except Exception as error:
                self._logger.exception("failed and not queued, the stream delivers it again")
                return error
        return None

    def _work_or_queue(self, item_id: str) -> None:
        try:
            self._work(item_id, last=False)
        except Exception:
            self._logger.exception("failed, queued for a retry")
            self._queue.add(item_id)

    def _from_queue(self, record: Mapping[str, Any]) -> bool:
        """Work on an item from the retry queue. Return True if it is done."""
        item_id = str(json.loads(record["body"])["id"])
        attempt = int(record["attributes"]["ApproximateReceiveCount"])
        with self._logger.append_context_keys(approval_id=item_id, attempt=attempt):
            try:
                self._work(item_id, last=attempt >= self._attempts)
            except Exception:
                self._logger.exception("failed again, will be retried")
                self._postpone(record["receiptHandle"], attempt)
                return False
        return True

    def _postpone(self, receipt_handle: str, attempt: int) -> None:
        try:
            self._queue.postpone(receipt_handle, attempt)
        except Exception:
            self._logger.exception("retry delay not set, the queue's own applies")

    def _work(self, item_id: str, *, last: bool) -> None:
        try:
            self._task(item_id, last=last)
        except NotFoundError:
            self._logger.warning("record not found, nothing to do")
        except StepsFailedError as failure:
            if failure.retry_after is None:
                raise
            # A new message: a service that asks to wait does not use up a try.
            self._queue.add(item_id, failure.retry_after + crc32(item_id.encode()) % SPREAD)
