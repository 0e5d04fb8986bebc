"""The mailbox of the test approver: a queue that is subscribed to the emails of one address, and goes with the run."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from cli.context import Context
from cli.doctor.fixes import aws
from cli.verify.cleanup import CleanUp
from mail.sns import QUEUE, QUEUE_PREFIX, RECIPIENT, filter_policy, list_subscriptions, queue_address

if TYPE_CHECKING:
    from mypy_boto3_sqs.literals import QueueAttributeNameType

RETENTION = 3600
"""Seconds that SQS keeps an email, in case the queue can't be deleted: its links can respond."""

_HIDDEN = 900
"""Seconds until a received message could be received again: longer than a run."""

_LONG_POLL = 1
"""Seconds that SQS looks for messages. Without them it asks only some of its servers.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html
"""

_LINK = re.compile(r"^https?://\S+$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Email:
    """An email as SNS delivered it."""

    to: str
    subject: str
    text: str

    @property
    def links(self) -> dict[str, str]:
        """The links to respond, by their action."""
        found = {_action(link): link for link in _LINK.findall(self.text)}
        return {action: link for action, link in found.items() if action}


@dataclass
class Mailbox:
    """A queue and its subscription. `receive` returns all emails to its address so far."""

    context: Context
    name: str
    url: str
    subscription_arn: str
    _emails: list[Email] = field(default_factory=list)

    @property
    def address(self) -> str:
        """The address that requests name as their approver."""
        return queue_address(self.name)

    def receive(self) -> list[Email]:
        """Return the emails to this address.

        A new filter may let other people's through for up to 15 minutes; those are not looked at.
        Source: https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html
        """
        received = self.context.client("sqs").receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, WaitTimeSeconds=_LONG_POLL
        )
        emails = (_email(json.loads(message["Body"])) for message in received.get("Messages", ()))
        self._emails += [email for email in emails if email.to == self.address]
        return self._emails

    def is_listed(self) -> bool:
        """Return True once SNS lists the subscription, which `notify` looks for."""
        listed = list_subscriptions(self.context.client("sns"), self.context.output("ApprovalTopicArn"))
        return any(each.arn == self.subscription_arn for each in listed)


def open_mailbox(context: Context, clean_up: CleanUp, run: str) -> Mailbox:
    """Create the queue and subscribe it to the emails of its address. `run` makes its name unique."""
    name, topic = f"{QUEUE_PREFIX}{run}", context.output("ApprovalTopicArn")
    queue_arn = f"{topic.replace(':sns:', ':sqs:').rpartition(':')[0]}:{name}"
    sqs, sns = context.client("sqs"), context.client("sns")
    attributes: dict[QueueAttributeNameType, str] = {
        "MessageRetentionPeriod": str(RETENTION),
        "VisibilityTimeout": str(_HIDDEN),
        "Policy": json.dumps(_queue_policy(queue_arn, topic)),
    }

    def remove_queue(url: str) -> tuple[Callable[[], object], str]:
        command = aws(context, "sqs", "delete-queue", "--queue-url", url)
        return lambda: sqs.delete_queue(QueueUrl=url), command

    def unsubscribe(arn: str) -> tuple[Callable[[], object], str]:
        command = aws(context, "sns", "unsubscribe", "--subscription-arn", arn)
        return lambda: sns.unsubscribe(SubscriptionArn=arn), command

    def subscribe() -> str:
        return sns.subscribe(
            TopicArn=topic,
            Protocol=QUEUE,
            Endpoint=queue_arn,
            Attributes={"FilterPolicy": filter_policy(queue_address(name))},
            ReturnSubscriptionArn=True,
        )["SubscriptionArn"]

    url = clean_up.make(
        f"the queue {name}", lambda: sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"], remove_queue
    )
    return Mailbox(context, name, url, clean_up.make("the queue's subscription", subscribe, unsubscribe))


def _queue_policy(queue_arn: str, topic: str) -> dict[str, Any]:
    """Return the policy that lets the topic, and nothing else, send to the queue.

    Source: https://docs.aws.amazon.com/sns/latest/dg/subscribe-sqs-queue-to-sns-topic.html
    """
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def _email(sent: dict[str, Any]) -> Email:
    to = sent.get("MessageAttributes", {}).get(RECIPIENT, {}).get("Value", "")
    return Email(to, sent.get("Subject") or "", sent["Message"])


def _action(link: str) -> str:
    return parse_qs(urlsplit(link).query).get("action", [""])[0]
