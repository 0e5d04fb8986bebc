"""The loop behind `notify` and `decision`: what fails is tried again later, and by itself."""

from __future__ import annotations

import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from mypy_boto3_sqs import SQSClient
from mypy_boto3_sqs.literals import QueueAttributeNameType

from approvals.adapters.queues import RetryQueue
from approvals.domain.errors import DeliveryDelayedError, DeliveryError
from approvals.services.tasks import StepsFailedError
from approvals.store.table import NotFoundError
from handlers.stream_worker import Worker
from tests.support.lambda_events import from_queue, from_stream

ATTEMPTS = 4


class Task:
    """Fails for the ids it is told to; records how it was called."""

    def __init__(self) -> None:
        self.failing: dict[str, Exception] = {}
        self.calls: list[tuple[str, bool]] = []

    def __call__(self, item_id: str, *, last: bool) -> None:
        self.calls.append((item_id, last))
        if item_id in self.failing:
            raise self.failing[item_id]


@pytest.fixture
def task() -> Task:
    return Task()


@pytest.fixture
def queue_url(sqs: SQSClient) -> str:
    return sqs.create_queue(QueueName="retries", Attributes={"DelaySeconds": "0"})["QueueUrl"]


@pytest.fixture
def worker(task: Task, sqs: SQSClient, queue_url: str, logger: Logger) -> Worker:
    return Worker(task, queue=RetryQueue(lambda: sqs, queue_url), attempts=ATTEMPTS, logger=logger)


def queued(sqs: SQSClient, url: str) -> int:
    names: list[QueueAttributeNameType] = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(count) for count in attributes.values())


def test_successes_are_not_queued(
    worker: Worker, task: Task, sqs: SQSClient, queue_url: str, context: LambdaContext
) -> None:
    assert worker(from_stream("a", "b"), context) == {"batchItemFailures": []}
    assert task.calls == [("a", False), ("b", False)]
    assert queued(sqs, queue_url) == 0


def test_failures_are_queued_and_do_not_hold_up_the_stream(
    worker: Worker, task: Task, sqs: SQSClient, queue_url: str, context: LambdaContext
) -> None:
    task.failing["a"] = RuntimeError()
    assert worker(from_stream("a", "b"), context) == {"batchItemFailures": []}
    assert [item_id for item_id, _ in task.calls] == ["a", "b"]
    assert queued(sqs, queue_url) == 1


def test_failures_that_cannot_be_queued_are_left_to_the_stream(
    worker: Worker, task: Task, sqs: SQSClient, queue_url: str, context: LambdaContext
) -> None:
    task.failing["b"] = RuntimeError()
    sqs.delete_queue(QueueUrl=queue_url)
    assert worker(from_stream("a", "b"), context) == {"batchItemFailures": [{"itemIdentifier": "seq-b"}]}


def test_a_retry_that_fails_is_postponed_a_little_longer_each_time(
    worker: Worker, task: Task, sqs: SQSClient, context: LambdaContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    task.failing["a"] = RuntimeError()
    delays: list[int] = []
    monkeypatch.setattr(sqs, "change_message_visibility", lambda **call: delays.append(call["VisibilityTimeout"]))
    for attempt in range(1, 10):
        answer = worker(from_queue("a", "b", attempt=attempt), context)
        assert answer == {"batchItemFailures": [{"itemIdentifier": "message-a"}]}
    assert delays == [10, 20, 40, 80, 160, 300, 300, 300, 300]


def test_the_last_retry_knows_that_it_is(worker: Worker, task: Task, context: LambdaContext) -> None:
    worker(from_queue("a", attempt=ATTEMPTS - 1), context)
    worker(from_queue("a", attempt=ATTEMPTS), context)
    assert task.calls == [("a", False), ("a", True)]


def test_a_record_that_is_gone_needs_no_retry(
    worker: Worker, task: Task, sqs: SQSClient, queue_url: str, context: LambdaContext
) -> None:
    task.failing["a"] = NotFoundError("a")
    assert worker(from_stream("a"), context) == {"batchItemFailures": []}
    assert worker(from_queue("a"), context) == {"batchItemFailures": []}
    assert queued(sqs, queue_url) == 0


def test_with_little_time_left_the_rest_of_a_batch_is_queued(
    worker: Worker,
    task: Task,
    sqs: SQSClient,
    queue_url: str,
    context: LambdaContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A function that is killed would repeat the whole batch."""
    left = iter([30_000, 25_000, 19_000, 18_000])
    monkeypatch.setattr(context, "get_remaining_time_in_millis", lambda: next(left))
    assert worker(from_stream("a", "b", "c", "d"), context) == {"batchItemFailures": []}
    assert [item_id for item_id, _ in task.calls] == ["a", "b"]
    assert queued(sqs, queue_url) == 2


def test_being_asked_to_wait_is_no_failed_try(
    worker: Worker, task: Task, sqs: SQSClient, queue_url: str, context: LambdaContext
) -> None:
    """However often: a new message begins to count anew, and comes when it was asked to."""
    task.failing["a"] = StepsFailedError({"request_slack": DeliveryDelayedError("Slack asks to slow down", 30)})
    assert worker(from_queue("a", attempt=ATTEMPTS), context) == {"batchItemFailures": []}
    assert worker(from_stream("a"), context) == {"batchItemFailures": []}
    assert queued(sqs, queue_url) == 2


def test_a_failure_beside_a_delay_is_a_failure(worker: Worker, task: Task, context: LambdaContext) -> None:
    failures = {"request_email": DeliveryError("SNS"), "request_slack": DeliveryDelayedError("Slack", 30)}
    task.failing["a"] = StepsFailedError(failures)
    assert worker(from_queue("a"), context)["batchItemFailures"] == [{"itemIdentifier": "message-a"}]
