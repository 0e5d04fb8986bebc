"""The inbox: the emails that the topic sends. The emulator sends none, so a queue takes the address's place."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from demo import aws


@dataclass(frozen=True, slots=True)
class Email:
    """An email as SNS sent it, and to whom. `received_at` is ISO 8601 UTC."""

    id: str
    subject: str
    text: str
    received_at: str
    to: str


class Inbox:
    """Collects the emails of one topic in a queue of its own."""

    def __init__(self, topic_arn: str, stack: str) -> None:
        self._sqs = aws.session().client("sqs", config=aws.CONFIG)
        self._url = self._sqs.create_queue(QueueName=f"{stack}-inbox")["QueueUrl"]
        self._emails: list[Email] = []
        arn = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
        policy = {"Version": "2012-10-17", "Statement": [{**sns, "Resource": arn}]}
        self._sqs.set_queue_attributes(QueueUrl=self._url, Attributes={"Policy": json.dumps(policy)})
        aws.session().client("sns", config=aws.CONFIG).subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=arn)

    def emails(self) -> list[Email]:
        """Return all emails, oldest first. Only one thread may call this."""
        while messages := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                self._emails.append(_email(json.loads(message["Body"])))
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return list(self._emails)


def _email(sent: dict[str, Any]) -> Email:
    to = sent.get("MessageAttributes", {}).get("recipient", {}).get("Value", "")
    return Email(sent["MessageId"], sent.get("Subject") or "", sent["Message"], sent["Timestamp"], to)
