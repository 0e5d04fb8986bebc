"""The subscriptions of the topic: which addresses get emails, and whose."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

RECIPIENT = "recipient"
"""The message attribute that subscriptions filter by."""

EMAIL = "email"
"""The protocol of an address that people read."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscription. `arn` is empty while its owner has not confirmed it."""

    address: str
    protocol: str
    arn: str


def list_subscriptions(sns: SNSClient, topic_arn: str) -> Iterator[Subscription]:
    """Yield the topic's subscriptions, of every protocol. Raise what boto3 raises."""
    for page in sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic_arn):
        for each in page["Subscriptions"]:
            arn = each["SubscriptionArn"]  # or a word in its place, such as PendingConfirmation
            if arn != "Deleted":
                yield Subscription(each["Endpoint"], each["Protocol"], arn if arn.startswith("arn:") else "")


def filter_policy(address: str) -> str:
    """Return the filter policy that lets through what is addressed to one address alone."""
    return json.dumps({RECIPIENT: [address]})


def attributes(sns: SNSClient, subscription: Subscription) -> Mapping[str, str]:
    """Return the attributes of a confirmed subscription, its filter policy among them."""
    return sns.get_subscription_attributes(SubscriptionArn=subscription.arn)["Attributes"]
