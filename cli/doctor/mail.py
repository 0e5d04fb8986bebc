"""Checks of the mails: who is subscribed, who has confirmed it, and who gets whose mails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cli.doctor.finding import Check, Finding, fault, ok, warning
from cli.doctor.patient import Patient
from mail.sns import (
    EMAIL,
    SCOPE,
    Delivery,
    Filter,
    State,
    Subscription,
    filter_policy,
    list_subscriptions,
    read_filter,
)

_PROBLEMS = {
    Delivery.ALL: "gets everybody's mails, links included: it could answer for all of them",
    Delivery.OWN_AND_OTHERS: "gets others' mails, too, links included: it could answer for them",
    Delivery.NOT_OWN: "does not get its own mails: its filter policy or the policy's scope lets none of them through",
}


def subscriptions(patient: Patient) -> Iterator[Finding]:
    """Every address has confirmed, the stack's own among them, and gets its own mails and no others."""
    listed = list(list_subscriptions(patient.context.sns, patient.output("ApprovalTopicArn")))
    listed = [each for each in listed if each.state is not State.DELETED]
    emails = [each for each in listed if each.protocol == EMAIL]
    yield from _confirmed(patient, emails)
    yield from _filtered(patient, [each for each in emails if each.arn])
    for other in listed:
        if other.protocol not in {"email", "email-json"} and not patient.emulated:
            text = f"{other.address} ({other.protocol}) may get everybody's links, with which anybody can answer"
            yield warning(Check.FILTERS, text, _unsubscribe(patient, other.arn or "PendingConfirmation"))


def subscribe(patient: Patient, address: str) -> str:
    """The command that subscribes an address to its own mails, and sends the mail to confirm it again."""
    return patient.approvals("approvers", "add", address)


def _confirmed(patient: Patient, emails: Sequence[Subscription]) -> Iterator[Finding]:
    own = patient.parameters["Email"]
    if own.casefold() not in {each.address.casefold() for each in emails}:
        text = f"{own}, the stack's own address, is not subscribed, so nobody is asked by mail"
        yield fault(Check.EMAIL, text, subscribe(patient, own))
    waiting = [each for each in emails if not each.arn]
    for each in waiting:
        yield fault(
            Check.EMAIL,
            f"{each.address} has not confirmed the subscription, so AWS sends no mail there",
            f'Open the mail "AWS Notification - Subscription Confirmation" there, and its link\n'
            f"{subscribe(patient, each.address)}   # sends that mail again",
        )
    if own.casefold() in {each.address.casefold() for each in emails if each.arn}:
        more = len(emails) - len(waiting) - 1
        yield ok(Check.EMAIL, f"{own} gets mails" + (f", and so do {more} more addresses" if more else ""))


def _filtered(patient: Patient, emails: Sequence[Subscription]) -> Iterator[Finding]:
    filters = [(each, read_filter(patient.context.sns, each)) for each in emails]
    problems = [(each, found) for each, found in filters if found.delivery is not Delivery.OWN]
    for each, found in problems:
        yield fault(Check.FILTERS, f"{each.address} {_PROBLEMS[found.delivery]}", _mend(patient, each, found))
    if not problems:
        yield ok(Check.FILTERS, "each address gets its own mails, and no others")


def _mend(patient: Patient, subscription: Subscription, found: Filter) -> str:
    wanted = {"FilterPolicyScope": SCOPE} if found.scope != SCOPE else {}
    wanted["FilterPolicy"] = filter_policy(subscription.address)
    which = ("sns", "set-subscription-attributes", "--subscription-arn", subscription.arn)
    commands = [
        patient.aws(*which, "--attribute-name", name, "--attribute-value", value) for name, value in wanted.items()
    ]
    return "\n".join(commands)


def _unsubscribe(patient: Patient, arn: str) -> str:
    return patient.aws("sns", "unsubscribe", "--subscription-arn", arn) + "   # unless you know what it is"
