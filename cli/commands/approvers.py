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
    State.PENDING: "has to confirm by the link in the mail from AWS",
    State.DELETED: "is unsubscribed and gets no mails: add it again",
}
_FILTER_ADVICE = {
    Delivery.OWN: "",
    Delivery.OWN_AND_OTHERS: "gets others' mails, too, links included: add it again",
    Delivery.ALL: "gets everybody's mails, links included: add it again",
    Delivery.NOT_OWN: "gets no mail of its own: add it again",
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


@click.group()
def command() -> None:
    """Say who gets approval mails.

    AWS sends mails to an address only once its owner confirmed it by a link that AWS sent there. Each address gets only
    what is addressed to it.
    """


@command.command("list")
@common_options
@pass_context
def list_(context: Context) -> None:
    """List the addresses, which of them are confirmed, and what to do about the others."""
    found = list(_addresses(context))
    rows = [(each.subscription.address, each.subscription.state.value, each.advice) for each in found]
    emit(context, [each.as_json() for each in found], format_table(("ADDRESS", "STATE", ""), rows))


@command.command()
@click.argument("address")
@common_options
@pass_context
def add(context: Context, address: str) -> None:
    """Subscribe an address. Its owner has to confirm by the link in the mail that AWS then sends.

    Adding one that is there already mends its filter, or sends AWS's mail again.
    """
    known = _find(context, address)
    address = known.subscription.address if known else address
    if known and known.filter:
        if known.filter.delivery is not Delivery.OWN:
            mend_filter(context.client("sns"), known.subscription)
        sentence = f"{address} is confirmed and gets what is addressed to it."
    else:
        context.client("sns").subscribe(
            TopicArn=context.output("ApprovalTopicArn"),
            Protocol="email",
            Endpoint=address,
            Attributes={"FilterPolicy": filter_policy(address)},
            ReturnSubscriptionArn=True,
        )
        sentence = (
            f"AWS sends {address} a mail, AWS Notification - Subscription Confirmation. Its owner has to copy the link "
            f"in it, within two days, for: {context.command('approvers', 'confirm', 'LINK')}"
        )
    now = _find(context, address)
    emit(context, now.as_json() if now else {"Address": address}, [sentence])


@command.command()
@click.argument("link")
@common_options
@pass_context
def confirm(context: Context, link: str) -> None:
    """Confirm a subscription by LINK, the link in the mail from AWS.

    Confirmed so, only someone with rights in the AWS account can end the subscription. Following the link confirms it,
    too, but then anyone can end it by the link under each mail, and mail scanners follow that link.
    """
    token = parse_qs(urlsplit(link).query).get("Token", [""])[0]
    if not token:
        raise click.UsageError("the link has no token; copy the whole link from the mail, between quotes")
    context.client("sns").confirm_subscription(
        TopicArn=context.output("ApprovalTopicArn"), Token=token, AuthenticateOnUnsubscribe="true"
    )
    sentence = "The subscription is confirmed. Only with AWS credentials can it be ended."
    emit(context, {"State": State.CONFIRMED}, [sentence])


@command.command()
@click.argument("address")
@common_options
@pass_context
def remove(context: Context, address: str) -> None:
    """Unsubscribe an address. A request that names it fails from then on."""
    known = _find(context, address)
    if address.casefold() == context.parameters.get("Email", "").casefold():
        raise CommandError(
            f"{address} is the stack's own address, which is asked when a request names nobody. "
            "Give the stack another: sam deploy --parameter-overrides Email=…"
        )
    if known is None or known.subscription.state is State.DELETED:
        raise CommandError(f"{address} is not subscribed. See who is: {context.command('approvers', 'list')}")
    if known.subscription.state is State.PENDING:
        raise CommandError(
            f"{address} is not confirmed yet, and AWS can't remove such a subscription: it drops it by itself two days "
            "after it was added, unless its owner follows the link"
        )
    context.client("sns").unsubscribe(SubscriptionArn=known.subscription.arn)
    removed = known.subscription.address
    emit(context, {"Address": removed, "State": "removed"}, [f"{removed} gets no more mails."])


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
        raise click.UsageError(f"{address!r} is no email address")
    named = [each for each in _addresses(context) if each.subscription.address.casefold() == address.casefold()]
    return min(named, key=lambda each: list(State).index(each.subscription.state), default=None)
