"""`approvals approvers`: who gets approval mails, as email subscriptions of the stack's topic."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import click

from approvals.domain.identifiers import is_email
from approvals.domain.model import Json
from cli.context import Context, Failure, pass_context
from cli.output import emit, json_option, table
from mail.subscriptions import EMAIL, RECIPIENT, Subscription, attributes, filter_policy, list_subscriptions

MAX_ADDRESS = 254

PENDING = "pending"
CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True)
class _Address:
    """One address. `recipients` are those whose mails it gets; None without a filter: then it gets everybody's."""

    address: str
    arn: str
    recipients: tuple[str, ...] | None

    @property
    def state(self) -> str:
        """Whether its owner has agreed to get mails."""
        return CONFIRMED if self.arn else PENDING

    @property
    def advice(self) -> str:
        """What to do about it; empty when it is as it should be."""
        if self.state == PENDING:
            return "has to follow the link in the mail from AWS"
        if self.recipients is None:
            return "gets everybody's mails, links included: add it again"
        return "" if self.address in self.recipients else "gets no mail of its own: add it again"


@click.group(short_help="Say who gets approval mails.")
def command() -> None:
    """Say who gets approval mails.

    AWS sends mails to an address only once its owner followed a link that AWS sent there. Each address gets only what
    is addressed to it.
    """


@command.command("list")
@json_option
@pass_context
def list_(context: Context) -> None:
    """List the addresses, and which of them are confirmed."""
    found = list(_subscriptions(context))
    rows = [(each.address, each.state, each.advice) for each in found]
    emit(context, [_document(each) for each in found], table(("ADDRESS", "STATE", ""), rows))


@command.command()
@click.argument("address")
@json_option
@pass_context
def add(context: Context, address: str) -> None:
    """Subscribe an address. Its owner has to follow the link in the mail that AWS then sends.

    Adding one that is there already mends its filter, or sends AWS's mail again.
    """
    _check(address)
    known = _named(context, address)
    if known and known.state == CONFIRMED:
        if known.recipients != (known.address,):
            context.sns.set_subscription_attributes(
                SubscriptionArn=known.arn, AttributeName="FilterPolicy", AttributeValue=filter_policy(known.address)
            )
        sentence = f"{known.address} is confirmed and gets what is addressed to it."
    else:
        address = known.address if known else address
        context.sns.subscribe(
            TopicArn=context.output("ApprovalTopicArn"),
            Protocol="email",
            Endpoint=address,
            Attributes={"FilterPolicy": filter_policy(address)},
            ReturnSubscriptionArn=True,
        )
        sentence = (
            f"AWS sends {address} a mail, AWS Notification - Subscription Confirmation. Its owner has to follow the "
            "link in it within two days; only then can a request name the address."
        )
    now = _named(context, address)
    emit(context, _document(now) if now else {"Address": address}, [sentence])


@command.command()
@click.argument("address")
@json_option
@pass_context
def remove(context: Context, address: str) -> None:
    """Unsubscribe an address. A request that names it fails from then on."""
    _check(address)
    if address.casefold() == context.parameters.get("Email", "").casefold():
        raise Failure(
            f"{address} is the stack's own address, which is asked when a request names nobody. "
            "Give the stack another: sam deploy --parameter-overrides Email=…"
        )
    known = _named(context, address)
    if known is None:
        raise Failure(f"{address} is not subscribed. See who is: {context.command('approvers', 'list')}")
    if known.state == PENDING:
        raise Failure(
            f"{address} is not confirmed yet, and AWS can't remove such a subscription: it drops it by itself two days "
            "after it was added, unless its owner follows the link"
        )
    context.sns.unsubscribe(SubscriptionArn=known.arn)
    emit(context, {"Address": known.address, "State": "removed"}, [f"{known.address} gets no more mails."])


def _subscriptions(context: Context) -> Iterator[_Address]:
    """The email subscriptions, in order of their addresses."""
    found = list_subscriptions(context.sns, context.output("ApprovalTopicArn"))
    emails = [each for each in found if each.protocol == EMAIL]
    for each in sorted(emails, key=lambda each: each.address.casefold()):
        yield _Address(each.address, each.arn, _recipients(context, each) if each.arn else None)


def _recipients(context: Context, subscription: Subscription) -> tuple[str, ...] | None:
    known = attributes(context.sns, subscription)
    if "FilterPolicy" not in known:
        return None
    allowed = json.loads(known["FilterPolicy"]).get(RECIPIENT)
    return None if allowed is None else tuple(str(each) for each in allowed)


def _named(context: Context, address: str) -> _Address | None:
    return next((each for each in _subscriptions(context) if each.address.casefold() == address.casefold()), None)


def _document(subscription: _Address) -> dict[str, Json]:
    recipients = subscription.recipients
    return {
        "Address": subscription.address,
        "State": subscription.state,
        "Recipients": None if recipients is None else list(recipients),
        "Advice": subscription.advice or None,
    }


def _check(address: str) -> None:
    if not is_email(address) or len(address) > MAX_ADDRESS:
        raise click.UsageError(f"{address!r} is no email address")
