"""Email subscriptions of the stack's topic: who has confirmed, and whose emails each address gets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from approvals.domain.model import Json
from cli.context import Context
from mail.subscriptions import EMAIL, RECIPIENT, Subscription, attributes, list_subscriptions


@dataclass(frozen=True, slots=True)
class EmailSubscription:
    """An email subscription. `arn` is empty until its owner confirms it.

    `recipients` are those whose emails the address gets; None without a filter. `problem` says what is wrong with the
    filter.
    """

    address: str
    arn: str
    recipients: tuple[str, ...] | None = None
    problem: str = ""

    @property
    def is_confirmed(self) -> bool:
        """Return True if the owner of the address has agreed to get emails."""
        return bool(self.arn)

    def is_of(self, address: str) -> bool:
        """Return True if this is the subscription of the address, in any case."""
        return self.address.casefold() == address.casefold()


def topic_subscriptions(context: Context) -> list[Subscription]:
    """Return the subscriptions of every protocol."""
    return list(list_subscriptions(context.client("sns"), context.output("ApprovalTopicArn")))


def email_subscriptions(context: Context) -> list[EmailSubscription]:
    """Return the email subscriptions in the order of their addresses."""
    emails = (each for each in topic_subscriptions(context) if each.protocol == EMAIL)
    return [_with_filter(context, each) for each in sorted(emails, key=lambda each: each.address.casefold())]


def _with_filter(context: Context, subscription: Subscription) -> EmailSubscription:
    address, arn = subscription.address, subscription.arn
    if not arn:  # AWS shows the filter of a confirmed subscription only.
        return EmailSubscription(address, arn)
    known = attributes(context.client("sns"), subscription)
    policy = json.loads(known.get("FilterPolicy") or "{}")
    allowed = policy.get(RECIPIENT)
    recipients = tuple(map(str, allowed)) if isinstance(allowed, list) else None
    return EmailSubscription(address, arn, recipients, _problem(address, policy, known.get("FilterPolicyScope")))


def _problem(address: str, policy: Mapping[str, Json], scope: str | None) -> str:
    if not policy:
        return "gets everybody's mails, links included: it could answer for all of them"
    if scope == "MessageBody":
        return "does not get its own mails: its filter policy is about the message's body"
    if policy == {RECIPIENT: [address]}:
        return ""
    allowed = policy.get(RECIPIENT)
    # SNS compares letter by letter, and a message must match every key.
    if set(policy) == {RECIPIENT} and isinstance(allowed, list) and address in allowed:
        return "gets others' mails, too, links included: it could answer for them"
    return "does not get its own mails: its filter policy lets others through"
