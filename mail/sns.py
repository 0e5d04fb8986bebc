"""Email over SNS: who gets emails, and the topic that sends them.

Each email is one publish for one recipient, whose subscription lets through what is addressed to them alone. What is
owed to whom is a step of its own: `request_email:ann@example.com`. Its text is in `mail_messages`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from approvals.adapters.failures import delivery_error
from approvals.domain.eligibility import barred_requester, eligible, is_quorum, unanswered
from approvals.domain.email_address import canonical, is_same
from approvals.domain.model import Approval
from mail.addresses import EMAIL, is_email
from mail.subscriptions import EMAIL as PROTOCOL
from mail.subscriptions import RECIPIENT, State, list_subscriptions

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient


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
        """Publishes the mail. Raises `DeliveryError` when SNS does not take it.

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
            raise delivery_error("SNS", error) from error


class Subscribers:
    """The addresses that mails through the topic reach."""

    def __init__(self, sns: Callable[[], SNSClient], topic_arn: str) -> None:
        # Made when it is needed: most requests name nobody.
        self._sns = sns
        self._topic_arn = topic_arn

    def confirmed(self) -> dict[str, str]:
        """The addresses that confirmed their subscription: as they are subscribed, by their casefolded form.

        Raises `DeliveryError`.
        """
        try:
            return {
                each.address.casefold(): each.address
                for each in list_subscriptions(self._sns(), self._topic_arn)
                if each.protocol == PROTOCOL and each.state is State.CONFIRMED
            }
        except (ClientError, BotoCoreError) as error:
            raise delivery_error("SNS", error) from error


def asked(approval: Approval, stack_email: str) -> list[str]:
    """The addresses that are asked by mail: the approvers who are named by theirs, else the stack's own."""
    request = approval.request
    if not request.approvers:
        # Several people may read the stack's own address: in a quorum it counts as none of them.
        barred = barred_requester(approval)
        own = barred is not None and is_same(barred.on(EMAIL), stack_email)
        return [] if own or is_quorum(request) else [stack_email]
    named = {canonical(name) for name in (*request.approvers, *request.escalate_to)}
    return [person.on(EMAIL) for person in eligible(approval) if canonical(person.on(EMAIL)) in named]


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
        missing = {person.on(EMAIL) for person in unanswered(approval)}
        return [address for address in addresses if address in missing]
    return addresses
