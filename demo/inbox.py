"""The inbox: every mail that the topic sent. The emulator sends none: a queue stands in for the address."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from demo import aws

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as SNS sent it, and to whom. `received_at` is ISO 8601 UTC."""

    id: str
    subject: str
    text: str
    received_at: str
    to: str


class Inbox:
    """Collects the mails of one topic."""

    def __init__(self, sqs: SQSClient, queue_url: str) -> None:
        self._sqs = sqs
        self._queue_url = queue_url
        self._mails: list[Mail] = []

    @classmethod
    def subscribe(cls, topic_arn: str, stack: str) -> Inbox:
        """Subscribes a new queue to the topic."""
        sqs = aws.session().client("sqs", config=aws.CONFIG)
        url = sqs.create_queue(QueueName=f"{stack}-inbox")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        policy = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "sns.amazonaws.com"},
                    "Action": "sqs:SendMessage",
                    "Resource": arn,
                    "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
                }
            ],
        }
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
        aws.session().client("sns", config=aws.CONFIG).subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=arn)
        return cls(sqs, url)

    def mails(self) -> list[Mail]:
        """All mails, oldest first. Called by one thread at a time."""
        while messages := self._sqs.receive_message(QueueUrl=self._queue_url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                self._mails.append(_mail(json.loads(message["Body"])))
                self._sqs.delete_message(QueueUrl=self._queue_url, ReceiptHandle=message["ReceiptHandle"])
        return list(self._mails)


def _mail(sent: dict[str, Any]) -> Mail:
    to = sent.get("MessageAttributes", {}).get("recipient", {}).get("Value", "")
    return Mail(sent["MessageId"], sent.get("Subject") or "", sent["Message"], sent["Timestamp"], to)
