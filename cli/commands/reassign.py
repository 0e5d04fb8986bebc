"""`approvals reassign`: pass one person's part in an open request on to another."""

from __future__ import annotations

from datetime import timedelta

import click

from approvals.domain.absences import Absence
from approvals.domain.delegate_wording import left_out_reason
from approvals.domain.eligibility import barred_requester, eligible
from approvals.domain.email_address import is_same
from approvals.domain.limits import MAX_TIMEOUT_MINUTES
from approvals.domain.model import Approval
from approvals.domain.parts import display_name, join_names
from approvals.domain.people import Delegation, Person
from cli import absences
from cli.absences import PersonType
from cli.context import CommandError, Context, pass_context
from cli.document import document
from cli.lookup import find
from cli.options import common_options
from cli.output import emit

WAIT = 60
"""Seconds to wait until the delegate is asked."""

_PAUSE = 2


@click.command(epilog="Example: approvals reassign bclqip ann@example.com --to dan@example.com")
@click.argument("approval")
@click.argument("person", metavar="FROM", type=PersonType())
@click.option("--to", metavar="PERSON", type=PersonType(), required=True, help="Email address or Slack user ID.")
@common_options
@pass_context
def command(context: Context, approval: str, person: str, to: str) -> None:
    """Pass one person's part in an open request on to another.

    PERSON is asked as well, and responds in the place of FROM. If FROM responds as well, that replaces the response of
    PERSON. Your ARN is on record. APPROVAL is an approval ID, at least its first 4 characters, or the name or ARN of
    its execution.
    """
    found = find(context, approval)
    owner = _owner(context, found, person)
    _check_delegate(found, owner, to)
    now = context.clock().replace(microsecond=0)
    latest = found.requested_at + timedelta(minutes=MAX_TIMEOUT_MINUTES)
    absence = Absence(
        owner=owner.id, delegate=to, since=now, until=latest, set_by=absences.caller(context), approval=found.id
    )
    absences.change(context, lambda others: [*others, absence])
    absences.approval_table(context).call_again(found.id)
    delegation = _wait_for(context, absence)
    now_stored = context.listing.get(found.id)
    if delegation.left_out:
        raise CommandError(f"Not reassigned: {to} can't respond for {person}, since {left_out_reason(delegation)}.")
    emit(context, document(now_stored), [f"{to} can now respond for {person}, and is asked."])


def _owner(context: Context, approval: Approval, name: str) -> Person:
    """Return the approver whose seat is passed on. Raise `CommandError` if it can't be."""
    if approval.decision:
        raise CommandError("The approval is already closed.")
    if approval.people is None or not approval.people.complete:
        raise CommandError("The approvers are still being looked up. Try again in a moment.")
    barred = barred_requester(approval)
    if barred and _is_named(barred, name):
        raise CommandError(f"{name} made this request and can't respond to it, so there is nothing to pass on.")
    owner = next((person for person in eligible(approval) if _is_named(person, name)), None)
    if owner is None:
        names = join_names([display_name(person) for person in eligible(approval)]) or "anyone who receives it"
        raise CommandError(f"{name} is not an approver of this request. It asks {names}.")
    if any(response.seat == owner.id for response in approval.standing):
        raise CommandError(f"{name} has responded, so there is nothing to pass on.")
    theirs = [each for each in absences.read(context) if each.approval == approval.id and each.owner == owner.id]
    if theirs:
        raise CommandError(f"{theirs[0].delegate} can already respond for {name}.")
    return owner


def _check_delegate(approval: Approval, owner: Person, name: str) -> None:
    barred = barred_requester(approval)
    if barred and _is_named(barred, name):
        raise CommandError(f"{name} made this request, so {name} can't respond for {display_name(owner)}.")
    if any(_is_named(person, name) for person in eligible(approval)):
        raise CommandError(f"{name} is already asked, so {name} can't stand in for {display_name(owner)}.")
    policy = approval.request.policy
    if policy and not policy.delegation_allowed:
        raise CommandError("The approval policy allows no delegates.")


def _is_named(person: Person, name: str) -> bool:
    return any(is_same(identity, name) for identity in (person.id, *person.identities.values()))


def _wait_for(context: Context, absence: Absence) -> Delegation:
    """Return the delegation once it is on record. Raise `CommandError` if that takes too long."""
    for _ in range(WAIT // _PAUSE):
        people = context.listing.get(absence.approval).people
        for each in people.delegations if people else ():
            if (each.named, each.since) == (absence.delegate, absence.since):
                return each
        context.sleep(_PAUSE)
    raise CommandError(
        f"Stored, but {absence.delegate} is not asked yet. Look again in a minute: "
        f"{context.command('show', absence.approval)}"
    )
