"""Checks of the mails: who is subscribed, who has confirmed it, and who gets whose mails."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from cli.doctor.findings import Check, Finding, fault, ok, warning
from cli.doctor.patient import Patient
from mail.subscriptions import EMAIL, RECIPIENT, Subscription, attributes, filter_policy, list_subscriptions


def subscriptions(patient: Patient) -> Iterator[Finding]:
    """Every address has confirmed, the stack's own among them, and gets its own mails and no others."""
    listed = list(list_subscriptions(patient.context.sns, patient.output("ApprovalTopicArn")))
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
    problems = [(each, problem) for each in emails if (problem := _filter_problem(patient, each))]
    for each, problem in problems:
        wanted = filter_policy(each.address)
        to = ("--subscription-arn", each.arn, "--attribute-name", "FilterPolicy", "--attribute-value", wanted)
        yield fault(Check.FILTERS, problem, patient.aws("sns", "set-subscription-attributes", *to))
    if not problems:
        yield ok(Check.FILTERS, "each address gets its own mails, and no others")


def _filter_problem(patient: Patient, subscription: Subscription) -> str:
    known = attributes(patient.context.sns, subscription)
    address, policy = subscription.address, json.loads(known.get("FilterPolicy") or "{}")
    if policy == {RECIPIENT: [address]} and known.get("FilterPolicyScope", "MessageAttributes") != "MessageBody":
        return ""
    if not policy:
        return f"{address} gets everybody's mails, links included: it could answer for all of them"
    recipients = policy.get(RECIPIENT)
    # SNS compares letter by letter.
    if set(policy) == {RECIPIENT} and isinstance(recipients, list) and address in recipients:
        return f"{address} gets others' mails, too, links included: it could answer for them"
    return f"{address} does not get its own mails: its filter policy lets others through"


def _unsubscribe(patient: Patient, arn: str) -> str:
    return patient.aws("sns", "unsubscribe", "--subscription-arn", arn) + "   # unless you know what it is"
