"""`approvals approvers`: the email subscriptions of the stack's topic."""

from __future__ import annotations

import re

import click

from approvals.domain.model import Json
from cli.context import CommandError, Context, pass_context
from cli.options import common_options
from cli.output import emit, format_table
from cli.subscriptions import EmailSubscription, email_subscriptions
from mail.subscriptions import filter_policy

_ADDRESS = re.compile(r"[^\s@,;<>\"]{1,64}@[^\s@,;<>\"]+\.[^\s@,;<>\"]+")
MAX_ADDRESS = 254


@click.group()
def command() -> None:
    """Say who gets approval mails.

    AWS sends mails to an address only once its owner followed a link that AWS sent there. Each address gets only what
    is addressed to it.
    """


@command.command("list")
@common_options
@pass_context
def list_(context: Context) -> None:
    """List the addresses, and which of them are confirmed."""
    found = email_subscriptions(context)
    rows = [(each.address, _state(each), _advice(each)) for each in found]
    emit(context, [_as_json(each) for each in found], format_table(("ADDRESS", "STATE", ""), rows))


@command.command()
@click.argument("address")
@common_options
@pass_context
def add(context: Context, address: str) -> None:
    """Subscribe an address. Its owner has to follow the link in the mail that AWS then sends.

    Adding one that is there already mends its filter, or sends AWS's mail again.
    """
    known = _find(context, address)
    if known and known.is_confirmed:
        if known.problem:
            _set_filter(context, known)
        sentence = f"{known.address} is confirmed and gets what is addressed to it."
    else:
        address = known.address if known else address
        context.client("sns").subscribe(
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
    now = _find(context, address)
    emit(context, _as_json(now) if now else {"Address": address}, [sentence])


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
    if known is None:
        raise CommandError(f"{address} is not subscribed. See who is: {context.command('approvers', 'list')}")
    if not known.is_confirmed:
        raise CommandError(
            f"{address} is not confirmed yet, and AWS can't remove such a subscription: it drops it by itself two days "
            "after it was added, unless its owner follows the link"
        )
    context.client("sns").unsubscribe(SubscriptionArn=known.arn)
    emit(context, {"Address": known.address, "State": "removed"}, [f"{known.address} gets no more mails."])


def _find(context: Context, address: str) -> EmailSubscription | None:
    if not _ADDRESS.fullmatch(address) or len(address) > MAX_ADDRESS:
        raise click.UsageError(f"{address!r} is no email address")
    return next((each for each in email_subscriptions(context) if each.is_of(address)), None)


def _set_filter(context: Context, subscription: EmailSubscription) -> None:
    wanted = {"FilterPolicyScope": "MessageAttributes", "FilterPolicy": filter_policy(subscription.address)}
    for name, value in wanted.items():
        context.client("sns").set_subscription_attributes(
            SubscriptionArn=subscription.arn, AttributeName=name, AttributeValue=value
        )


def _state(subscription: EmailSubscription) -> str:
    return "confirmed" if subscription.is_confirmed else "pending"


def _advice(subscription: EmailSubscription) -> str:
    if not subscription.is_confirmed:
        return "has to follow the link in the mail from AWS"
    return f"{subscription.problem}. Add it again" if subscription.problem else ""


def _as_json(subscription: EmailSubscription) -> Json:
    recipients = subscription.recipients
    return {
        "Address": subscription.address,
        "State": _state(subscription),
        "Recipients": None if recipients is None else list(recipients),
        "Advice": _advice(subscription) or None,
    }
