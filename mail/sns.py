"""Email over SNS: who gets emails, and the topic that sends them.

Each email is one publish for one recipient, whose subscription lets through what is addressed to them alone. What is
owed to whom is a step of its own: `request_email:ann@example.com`. Its text is in `mail_messages`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from approvals.domain.eligibility import eligible, is_quorum, unanswered
from approvals.domain.email_address import canonical, is_same
from approvals.domain.errors import DeliveryFailed
from approvals.domain.identifiers import is_email
from approvals.domain.model import Approval

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

RECIPIENT = "recipient"
"""The message attribute that subscriptions filter by."""


NOTICE = "notice_email"
"""Begins the step of the email to who is told of the request, and may not answer."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as SNS takes it: plain text for one address."""

    to: str
    subject: str
    text: str


class Mailer:
    """Publishes mails to the topic that people's addresses are subscribed to."""

    def __init__(self, sns: SNSClient, topic_arn: str) -> None:
        self._sns = sns
        self._topic_arn = topic_arn

    def send(self, mail: Mail) -> None:
        """Publishes the mail. Raises `DeliveryFailed` when SNS does not take it.

        SNS bears few mails a second to one address: take one of the table's slots before.
        """
        try:
            self._sns.publish(
                TopicArn=self._topic_arn,
                Subject=mail.subject,
                Message=mail.text,
                MessageAttributes={RECIPIENT: {"DataType": "String", "StringValue": mail.to}},
            )
        except (ClientError, BotoCoreError) as error:
            raise _translated(error) from error


class Subscribers:
    """The addresses that mails through the topic reach."""

    def __init__(self, sns: Callable[[], SNSClient], topic_arn: str) -> None:
        # Made when it is needed: most requests name nobody.
        self._sns = sns
        self._topic_arn = topic_arn

    def confirmed(self) -> dict[str, str]:
        """The addresses that confirmed their subscription: as they are subscribed, by their casefolded form.

        Raises `DeliveryFailed`.
        """
        pages = self._sns().get_paginator("list_subscriptions_by_topic").paginate(TopicArn=self._topic_arn)
        try:
            return {
                found["Endpoint"].casefold(): found["Endpoint"]
                for page in pages
                for found in page["Subscriptions"]
                # In the place of an ARN others have "PendingConfirmation" or "Deleted".
                if found["Protocol"] == "email" and found["SubscriptionArn"].startswith("arn:")
            }
        except (ClientError, BotoCoreError) as error:
            raise _translated(error) from error


def _translated(error: ClientError | BotoCoreError) -> DeliveryFailed:
    if isinstance(error, ClientError):
        return DeliveryFailed(f"SNS answered {error.response['Error']['Code']}")
    return DeliveryFailed(f"SNS can't be reached: {type(error).__name__}")


def asked(approval: Approval, stack_email: str) -> list[str]:
    """The addresses that are asked by mail: the approvers who are named by theirs, else the stack's own."""
    request = approval.request
    if not request.approvers:
        # Several people may read the stack's own address: in a quorum it counts as none of them.
        return [] if is_quorum(request) or _is_own_request(approval, stack_email) else [stack_email]
    named = {canonical(name) for name in (*request.approvers, *request.escalate_to)}
    return [person.email for person in eligible(approval) if canonical(person.email) in named]


def told(approval: Approval, stack_email: str) -> list[str]:
    """The addresses that are told of the request and its outcome, and may not answer."""
    others = {address.casefold() for address in asked(approval, stack_email)}
    found = [address for address in approval.request.notify if is_email(address) and address.casefold() not in others]
    if not approval.request.approvers and not others:
        found.append(stack_email)
    return list(dict.fromkeys(found))


def reminded(approval: Approval, stack_email: str) -> list[str]:
    """The addresses that are asked and have not answered."""
    addresses = asked(approval, stack_email)
    if approval.request.approvers:
        missing = {person.email for person in unanswered(approval)}
        return [address for address in addresses if address in missing]
    return addresses


def _is_own_request(approval: Approval, address: str) -> bool:
    requester = approval.people.requester if approval.people else None
    own = requester is not None and is_same(requester.email, address)
    return own and not approval.request.allow_self_approval
