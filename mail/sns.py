"""Email over SNS: the topic that sends emails, and the subscriptions of people's addresses to it.

Each email is published once, for one recipient. The filter policy of a subscription lets through only the emails to its
own address.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from approvals.adapters.failures import delivery_error

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

RECIPIENT = "recipient"
"""The message attribute that subscriptions filter by."""

EMAIL = "email"
"""The protocol of an address that people read."""


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


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription. `arn` is empty until its owner confirms it."""

    address: str
    protocol: str
    arn: str


def list_subscriptions(sns: SNSClient, topic_arn: str) -> Iterator[Subscription]:
    """Yield the topic's subscriptions, of every protocol. Raise what boto3 raises."""
    for page in sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic_arn):
        for each in page["Subscriptions"]:
            arn = each["SubscriptionArn"]  # Or a word in its place, such as PendingConfirmation.
            if arn != "Deleted":
                yield Subscription(each["Endpoint"], each["Protocol"], arn if arn.startswith("arn:") else "")


def confirmed_addresses(sns: SNSClient, topic_arn: str) -> dict[str, str]:
    """Return the addresses with a confirmed subscription, by their casefolded form. Raise `DeliveryError`."""
    try:
        subscriptions = list(list_subscriptions(sns, topic_arn))
    except (ClientError, BotoCoreError) as error:
        raise delivery_error("SNS", error) from error
    return {each.address.casefold(): each.address for each in subscriptions if each.protocol == EMAIL and each.arn}


def filter_policy(address: str) -> str:
    """Return the filter policy that lets through only the emails to this address."""
    return json.dumps({RECIPIENT: [address]})


def attributes(sns: SNSClient, subscription: Subscription) -> Mapping[str, str]:
    """Return the attributes of a confirmed subscription, its filter policy among them."""
    return sns.get_subscription_attributes(SubscriptionArn=subscription.arn)["Attributes"]
