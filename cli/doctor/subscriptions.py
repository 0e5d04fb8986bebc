"""Checks of the email subscriptions: who has confirmed, and whose emails each address gets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cli.context import Context
from cli.doctor.findings import Check, Finding, fault, ok, warning
from cli.doctor.fixes import add_approver, aws
from mail.sns import EMAIL, Delivery, State, Subscription, list_subscriptions, read_filter

_PROBLEMS = {
    Delivery.ALL: "has no filter: it receives every approver's links and could respond for them",
    Delivery.OWN_AND_OTHERS: "also receives the links of other approvers and could respond for them",
    Delivery.NOT_OWN: "does not receive its own emails: its filter policy, or the scope of that, excludes them",
}


def check_subscriptions(context: Context) -> Iterator[Finding]:
    """Check that every address, the stack's own included, has confirmed and gets its own emails only."""
    listed = list_subscriptions(context.client("sns"), context.output("ApprovalTopicArn"))
    subscriptions = [each for each in listed if each.state is not State.DELETED]
    emails = [each for each in subscriptions if each.protocol == EMAIL]
    yield from _confirmed(context, emails)
    yield from _filtered(context, [each for each in emails if each.state is State.CONFIRMED])
    for other in subscriptions:
        if other.protocol not in {"email", "email-json"} and not context.emulator:
            text = (
                f"{other.address} ({other.protocol}) may receive every approver's links; anyone with a link can respond"
            )
            remove = aws(context, "sns", "unsubscribe", "--subscription-arn", other.arn or "PendingConfirmation")
            yield warning(Check.FILTERS, text, f"{remove}   # unless you added it")


def _confirmed(context: Context, emails: Sequence[Subscription]) -> Iterator[Finding]:
    own = context.parameters["Email"]
    subscribed = [each for each in emails if each.address.casefold() == own.casefold()]
    if not subscribed:
        text = f"the stack's Email address {own} is not subscribed, so it receives no requests"
        yield fault(Check.EMAIL, text, add_approver(context, own))
    pending = [each for each in emails if each.state is State.PENDING]
    for each in pending:
        yield fault(
            Check.EMAIL,
            f"{each.address} has not confirmed its subscription, so AWS sends it no email",
            f'Open the email "AWS Notification - Subscription Confirmation" in that inbox, then its link\n'
            f"{add_approver(context, each.address)}   # sends that email again",
        )
    if any(each.state is State.CONFIRMED for each in subscribed):
        more = len(emails) - len(pending) - 1
        others = f" and {more} more address{'es' if more > 1 else ''} are confirmed" if more else " is confirmed"
        yield ok(Check.EMAIL, f"{own}{others}")


def _filtered(context: Context, emails: Sequence[Subscription]) -> Iterator[Finding]:
    filters = [(each, read_filter(context.client("sns"), each)) for each in emails]
    wrong = [(each.address, found.delivery) for each, found in filters if found.delivery is not Delivery.OWN]
    for address, delivery in wrong:
        yield fault(Check.FILTERS, f"{address} {_PROBLEMS[delivery]}", add_approver(context, address))
    if not wrong:
        yield ok(Check.FILTERS, "each address receives only its own emails")
