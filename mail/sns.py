"""Email over SNS: the topic that sends emails, and the subscriptions of people's addresses to it.

Each email is published once, for one recipient. The filter policy of a subscription lets through only the emails to its
own address.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from approvals.adapters.failures import delivery_error

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

RECIPIENT = "recipient"
"""The message attribute that subscriptions filter by."""

EMAIL = "email"
"""The protocol of an address that people read."""

QUEUE = "sqs"
"""The protocol of a queue."""

QUEUE_PREFIX = "approvals-verify-"
"""Begins the name of each queue of `approvals verify-deployment`. While subscribed, it is an approver's mailbox."""

_QUEUE_DOMAIN = "queue.invalid"
"""The domain of the addresses of those queues. No mail server has it, so no person does.

Source: https://www.rfc-editor.org/rfc/rfc6761#section-6.4
"""

SCOPE = "MessageAttributes"
"""The filter policy scope that can see the recipient. With `MessageBody`, SNS delivers none of our emails."""


@dataclass(frozen=True, slots=True)
class Mail:
    """An email as SNS takes it: plain text for one address."""

    to: str
    subject: str
    text: str


class Mailer:
    """Publishes emails to the topic, no more in a second than an address can get."""

    def __init__(self, sns: SNSClient, topic_arn: str, take_slot: Callable[[str], bool]) -> None:
        self._sns = sns
        self._topic_arn = topic_arn
        self._take_slot = take_slot

    def send(self, mail: Mail) -> bool:
        """Publish an email. Return False if its recipient has no slot left in this second. Raise `DeliveryError`."""
        if not self._take_slot(mail.to):
            return False
        try:
            self._sns.publish(
                TopicArn=self._topic_arn,
                Subject=mail.subject,
                Message=mail.text,
                MessageAttributes={RECIPIENT: {"DataType": "String", "StringValue": mail.to}},
            )
        except (ClientError, BotoCoreError) as error:
            raise delivery_error("SNS", error) from error
        return True


class State(StrEnum):
    """Whether AWS sends emails to an address."""

    CONFIRMED = "confirmed"
    PENDING = "pending"
    DELETED = "deleted"
    """Unsubscribed. SNS lists such a subscription for some days."""


class Delivery(StrEnum):
    """Which emails a confirmed subscription gets."""

    OWN = "own"
    OWN_AND_OTHERS = "own and others'"
    ALL = "all"
    NOT_OWN = "not its own"


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscription. `arn` is empty unless it is confirmed."""

    address: str
    protocol: str
    state: State
    arn: str = ""


@dataclass(frozen=True, slots=True)
class Filter:
    """What a confirmed subscription lets through. `recipients` is None without a filter on them."""

    delivery: Delivery
    recipients: tuple[str, ...] | None
    scope: str = SCOPE


def list_subscriptions(sns: SNSClient, topic_arn: str) -> Iterator[Subscription]:
    """Yield the topic's subscriptions, of every protocol. Raise what boto3 raises."""
    for page in sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic_arn):
        for each in page["Subscriptions"]:
            arn = each["SubscriptionArn"]  # Or a word in its place, such as PendingConfirmation.
            if arn.startswith("arn:"):
                yield Subscription(each["Endpoint"], each["Protocol"], State.CONFIRMED, arn)
            else:
                state = State.DELETED if arn == "Deleted" else State.PENDING
                yield Subscription(each["Endpoint"], each["Protocol"], state)


def confirmed_addresses(sns: SNSClient, topic_arn: str) -> dict[str, str]:
    """Return the addresses with a confirmed subscription, by their casefolded form. Raise `DeliveryError`."""
    try:
        subscriptions = list(list_subscriptions(sns, topic_arn))
    except (ClientError, BotoCoreError) as error:
        raise delivery_error("SNS", error) from error
    addresses = (_email_address(each) for each in subscriptions if each.state is State.CONFIRMED)
    return {address.casefold(): address for address in addresses if address}


def queue_address(queue: str) -> str:
    """Return the address whose emails go to a queue of `approvals verify-deployment`, by the queue's name."""
    return f"{queue}@{_QUEUE_DOMAIN}"


def _email_address(subscription: Subscription) -> str:
    """Return the address that a request can name to reach this subscription; empty if there is none."""
    if subscription.protocol == EMAIL:
        return subscription.address
    queue = subscription.address.rpartition(":")[2]  # of the queue's ARN
    return queue_address(queue) if subscription.protocol == QUEUE and queue.startswith(QUEUE_PREFIX) else ""


def filter_policy(address: str) -> str:
    """Return the filter policy that lets through only the emails to this address."""
    return json.dumps({RECIPIENT: [address]})


def read_filter(sns: SNSClient, subscription: Subscription) -> Filter:
    """Return what a confirmed subscription lets through. Raise what boto3 raises."""
    known = sns.get_subscription_attributes(SubscriptionArn=subscription.arn)["Attributes"]
    return _filter(subscription.address, known)


def mend_filter(sns: SNSClient, subscription: Subscription) -> None:
    """Let a confirmed subscription get its own emails and no others. Raise what boto3 raises."""
    # The scope first: SNS checks a policy by the scope that is set.
    for name, value in (("FilterPolicyScope", SCOPE), ("FilterPolicy", filter_policy(subscription.address))):
        sns.set_subscription_attributes(SubscriptionArn=subscription.arn, AttributeName=name, AttributeValue=value)


def _filter(address: str, attributes: Mapping[str, str]) -> Filter:
    policy = json.loads(attributes.get("FilterPolicy") or "{}")
    scope = attributes.get("FilterPolicyScope", SCOPE)
    allowed = policy.get(RECIPIENT)
    recipients = tuple(str(each) for each in allowed) if isinstance(allowed, list) else None
    if not policy:
        return Filter(Delivery.ALL, None, scope)
    # Our emails have one attribute, so a further key lets none through. SNS compares addresses letter by letter.
    if scope != SCOPE or policy.keys() != {RECIPIENT} or not isinstance(allowed, list) or address not in allowed:
        return Filter(Delivery.NOT_OWN, recipients, scope)
    return Filter(Delivery.OWN if allowed == [address] else Delivery.OWN_AND_OTHERS, recipients, scope)
