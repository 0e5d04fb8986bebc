"""`approvals approvers`: the email subscriptions of the stack's topic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import click

from approvals.domain.model import Json
from cli.context import CommandError, Context, pass_context
from cli.options import common_options
from cli.output import emit, format_table
from mail.addresses import is_email
from mail.sns import (
    EMAIL,
    Delivery,
    Filter,
    State,
    Subscription,
    filter_policy,
    list_subscriptions,
    mend_filter,
    read_filter,
)

MAX_ADDRESS = 254

_STATE_ADVICE = {
    State.CONFIRMED: "",
    State.PENDING: "not confirmed: the owner follows the link in the email from AWS",
    State.DELETED: "unsubscribed, receives no emails: run `approvals approvers add` again",
}
_FILTER_ADVICE = {
    Delivery.OWN: "",
    Delivery.OWN_AND_OTHERS: "also receives the links of other approvers: run `approvals approvers add` again",
    Delivery.ALL: "receives the links of every approver: run `approvals approvers add` again",
    Delivery.NOT_OWN: "does not receive its own emails: run `approvals approvers add` again",
}


@dataclass(frozen=True, slots=True)
class _Address:
    """An address: its subscription, and the filter of a confirmed one."""

    subscription: Subscription
    filter: Filter | None

    @property
    def advice(self) -> str:
        """What to do about it; empty if nothing."""
        return _FILTER_ADVICE[self.filter.delivery] if self.filter else _STATE_ADVICE[self.subscription.state]

    def as_json(self) -> Json:
        recipients = self.filter.recipients if self.filter else None
        return {
            "Address": self.subscription.address,
            "State": self.subscription.state,
            "Recipients": None if recipients is None else list(recipients),
            "Advice": self.advice or None,
        }


@click.group(
    epilog="""\b
Examples:
  approvals approvers add ann@example.com
  approvals approvers list
"""
)
def command() -> None:
    """Manage who receives approval emails.

    AWS sends email only to confirmed addresses: the owner confirms with the link in the confirmation email from AWS.
    Each address receives only its own emails.
    """


@command.command("list", epilog="Example: approvals approvers list")
@common_options
@pass_context
def list_(context: Context) -> None:
    """List the addresses, their state, and the next step."""
    found = list(_addresses(context))
    rows = [(each.subscription.address, each.subscription.state.value, each.advice) for each in found]
    emit(context, [each.as_json() for each in found], format_table(("ADDRESS", "STATE", "TO DO"), rows))


@command.command(epilog="Example: approvals approvers add ann@example.com")
@click.argument("address")
@common_options
@pass_context
def add(context: Context, address: str) -> None:
    """Subscribe an address. AWS then sends its owner a confirmation email.

    For an address that is subscribed already, fix its filter, or send the confirmation email again.
    """
    known = _find(context, address)
    address = known.subscription.address if known else address
    if known and known.filter:
        if known.filter.delivery is not Delivery.OWN:
            mend_filter(context.client("sns"), known.subscription)
        said = [f"{address} is confirmed and receives its own emails."]
    else:
        context.client("sns").subscribe(
            TopicArn=context.output("ApprovalTopicArn"),
            Protocol="email",
            Endpoint=address,
            Attributes={"FilterPolicy": filter_policy(address)},
            ReturnSubscriptionArn=True,
        )
        said = [
            f'AWS sent "AWS Notification - Subscription Confirmation" to {address}.',
            "Ask the owner for the link in it, and run within two days:",
            f"  {context.command('approvers', 'confirm', 'LINK')}",
        ]
    now = _find(context, address)
    emit(context, now.as_json() if now else {"Address": address}, said)


@command.command(
    epilog="""\b
Example:
  approvals approvers confirm "https://sns.eu-west-1.amazonaws.com/confirmation.html?..."
"""
)
@click.argument("link")
@common_options
@pass_context
def confirm(context: Context, link: str) -> None:
    """Confirm a subscription with the link in the email from AWS.

    Only a user of the AWS account can then end the subscription. If the owner opens the link instead, the subscription
    is confirmed too, but the unsubscribe link in each email ends it, and some email scanners open that link.
    """
    token = parse_qs(urlsplit(link).query).get("Token", [""])[0]
    if not token:
        raise click.UsageError("LINK has no token. Copy the complete link from the email, and put it in quotes.")
    context.client("sns").confirm_subscription(
        TopicArn=context.output("ApprovalTopicArn"), Token=token, AuthenticateOnUnsubscribe="true"
    )
    sentence = "The subscription is confirmed. Only a user of the AWS account can end it."
    emit(context, {"State": State.CONFIRMED}, [sentence])


@command.command(epilog="Example: approvals approvers remove ann@example.com")
@click.argument("address")
@common_options
@pass_context
def remove(context: Context, address: str) -> None:
    """Unsubscribe an address. New requests that name it then fail."""
    known = _find(context, address)
    if address.casefold() == context.parameters.get("Email", "").casefold():
        raise CommandError(
            f"{address} is the stack's Email address. It receives requests that name no approvers. "
            "To change it, run: sam deploy --parameter-overrides Email=ADDRESS"
        )
    if known is None or known.subscription.state is State.DELETED:
        raise CommandError(f"{address} is not subscribed. List the addresses: {context.command('approvers', 'list')}")
    if known.subscription.state is State.PENDING:
        raise CommandError(
            f"{address} is not confirmed, so AWS can't remove it. AWS deletes it two days after it was added, unless "
            "the owner confirms."
        )
    context.client("sns").unsubscribe(SubscriptionArn=known.subscription.arn)
    removed = known.subscription.address
    emit(context, {"Address": removed, "State": "removed"}, [f"Removed {removed}."])


def _addresses(context: Context) -> Iterator[_Address]:
    """Yield the email subscriptions in the order of their addresses."""
    sns = context.client("sns")
    found = list_subscriptions(sns, context.output("ApprovalTopicArn"))
    emails = [each for each in found if each.protocol == EMAIL]
    for each in sorted(emails, key=lambda each: each.address.casefold()):
        yield _Address(each, read_filter(sns, each) if each.arn else None)


def _find(context: Context, address: str) -> _Address | None:
    """Return the subscription of an address: one that was added again is listed beside the deleted one."""
    if not is_email(address) or len(address) > MAX_ADDRESS:
        raise click.UsageError(f"{address!r} is not an email address.")
    named = [each for each in _addresses(context) if each.subscription.address.casefold() == address.casefold()]
    return min(named, key=lambda each: list(State).index(each.subscription.state), default=None)
