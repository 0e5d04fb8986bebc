"""Checks of the email subscriptions: who has confirmed, and whose emails each address gets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cli.context import Context
from cli.doctor.findings import Check, Finding, fault, ok, warning
from cli.doctor.fixes import add_approver, aws
from cli.subscriptions import EmailSubscription, email_subscriptions, topic_subscriptions


def check_subscriptions(context: Context) -> Iterator[Finding]:
    """Check that every address, the stack's own included, has confirmed and gets its own emails only."""
    emails = email_subscriptions(context)
    yield from _confirmed(context, emails)
    yield from _filtered(context, emails)
    for other in topic_subscriptions(context):
        if other.protocol not in {"email", "email-json"} and not context.emulator:
            text = f"{other.address} ({other.protocol}) may get everybody's links, with which anybody can answer"
            remove = aws(context, "sns", "unsubscribe", "--subscription-arn", other.arn or "PendingConfirmation")
            yield warning(Check.FILTERS, text, f"{remove}   # unless you know what it is")


def _confirmed(context: Context, emails: Sequence[EmailSubscription]) -> Iterator[Finding]:
    own = context.parameters["Email"]
    subscribed = [each for each in emails if each.is_of(own)]
    if not subscribed:
        text = f"{own}, the stack's own address, is not subscribed, so nobody is asked by mail"
        yield fault(Check.EMAIL, text, add_approver(context, own))
    pending = [each for each in emails if not each.is_confirmed]
    for each in pending:
        yield fault(
            Check.EMAIL,
            f"{each.address} has not confirmed the subscription, so AWS sends no mail there",
            f'Open the mail "AWS Notification - Subscription Confirmation" there, and its link\n'
            f"{add_approver(context, each.address)}   # sends that mail again",
        )
    if any(each.is_confirmed for each in subscribed):
        more = len(emails) - len(pending) - 1
        yield ok(Check.EMAIL, f"{own} gets mails" + (f", and so do {more} more addresses" if more else ""))


def _filtered(context: Context, emails: Sequence[EmailSubscription]) -> Iterator[Finding]:
    wrong = [each for each in emails if each.problem]
    for each in wrong:
        yield fault(Check.FILTERS, f"{each.address} {each.problem}", add_approver(context, each.address))
    if not wrong:
        yield ok(Check.FILTERS, "each address gets its own mails, and no others")
