"""Who gets which emails about an approval. Each email to each recipient is a step: `request_email:ann@example.com`."""

from __future__ import annotations

from approvals.domain.eligibility import barred_requester, is_quorum
from approvals.domain.email_address import canonical, is_same
from approvals.domain.form_changes import people_to_respond_again
from approvals.domain.model import Approval
from approvals.domain.seats import awaited, informed
from approvals.domain.steps import recipient_of, request_step
from mail.addresses import EMAIL, is_email


def asked(approval: Approval, stack_email: str) -> list[str]:
    """Return the addresses that are asked: those that the request names as approvers, else the stack's own."""
    request = approval.request
    if request.is_open:
        # Several people may read the stack's own address, so it can't respond where different people must.
        barred = barred_requester(approval)
        own = barred is not None and is_same(barred.on(EMAIL), stack_email)
        return [] if own or is_quorum(request) else [stack_email]
    delegations = approval.people.delegations if approval.people else ()
    named = {canonical(name) for name in (*request.names, *(each.named for each in delegations))}
    return [person.on(EMAIL) for person in informed(approval) if canonical(person.on(EMAIL)) in named]


def told(approval: Approval, stack_email: str) -> list[str]:
    """Return the addresses that are told of the request and its outcome, and can't respond."""
    others = {address.casefold() for address in asked(approval, stack_email)}
    found = [address for address in approval.request.notify if is_email(address) and address.casefold() not in others]
    if approval.request.is_open and not others:
        found.append(stack_email)
    return list(dict.fromkeys(found))


def reminded(approval: Approval, stack_email: str) -> list[str]:
    """Return the addresses that are asked and have not responded."""
    addresses = asked(approval, stack_email)
    if approval.request.is_open:
        return addresses
    missing = {person.on(EMAIL) for person in awaited(approval)}
    return [address for address in addresses if address in missing]


def asked_before_change(approval: Approval, stack_email: str) -> list[str]:
    """Return the addresses that were asked before the policy changed last, also those that no longer are.

    Those who are asked since then were sent the request as it is.
    """
    change = approval.last_asked
    step = request_step(EMAIL, "")
    before = {recipient_of(each) for each, at in approval.steps.items() if each.startswith(f"{step}:") and at < change}
    now = [address for address in asked(approval, stack_email) if address in before]
    return [*now, *sorted(before.difference(now))]


def asked_again(approval: Approval, stack_email: str) -> list[str]:
    """Return the addresses that are asked of people whose approval was reset."""
    again = {person.on(EMAIL) for person in people_to_respond_again(approval)}
    return [address for address in asked(approval, stack_email) if address in again]
