"""`approvals delegate`: who responds for people who are away."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import click

from approvals.domain.absences import Absence
from approvals.domain.email_address import is_same
from approvals.domain.model import Approval, Json, iso
from approvals.domain.parts import pluralize
from cli import absences
from cli.absences import PersonType, UntilType
from cli.context import CommandError, Context, pass_context
from cli.options import common_options
from cli.output import emit, format_table
from cli.times import format_time

MAX_DAYS = 366
"""The longest absence of a stack without a policy."""


@click.command(
    epilog="""\b
Examples:
  approvals delegate ann@example.com --to dan@example.com --until 2026-12-05
  approvals delegate ann@example.com --end
  approvals delegate --list
"""
)
@click.argument("person", metavar="[FROM]", type=PersonType(), required=False)
@click.option("--to", metavar="PERSON", type=PersonType(), help="Delegate: email address or Slack user ID.")
@click.option("--until", metavar="DATE", type=UntilType(), help="Last day of the absence in UTC, or a time (ISO 8601).")
@click.option("--end", is_flag=True, help="End the absence of FROM now, for open requests as well.")
@click.option("--list", "list_", is_flag=True, help="List the absences and the reassigned requests.")
@common_options
@pass_context
def command(
    context: Context, person: str | None, to: str | None, until: datetime | None, *, end: bool, list_: bool
) -> None:
    """Have a delegate respond for a person who is away.

    Until DATE, new requests that ask FROM ask PERSON as well, who responds in the place of FROM. It ends by itself. An
    earlier delegate of FROM is replaced. Your ARN is on record as the one who named the delegate. To pass on a request
    that is already open, use: approvals reassign
    """
    if list_ and person is None and to is None and until is None and not end:
        _list(context)
    elif person and end and not (list_ or to or until):
        _end(context, person)
    elif person and to and until and not (list_ or end):
        _start(context, person, to, until)
    else:
        raise click.UsageError("Use FROM with --to and --until, FROM with --end, or --list.")


def _list(context: Context) -> None:
    found = absences.read(context)
    rows = [
        (each.owner, each.delegate, format_time(each.until), each.approval or "new requests", each.set_by)
        for each in found
    ]
    table = format_table(("AWAY", "DELEGATE", "UNTIL", "FOR", "SET BY"), rows)
    emit(context, [_document(each) for each in found], table)


def _start(context: Context, owner: str, delegate: str, until: datetime) -> None:
    now = context.clock().replace(microsecond=0)
    if is_same(owner, delegate):
        raise click.UsageError(f"--to: {delegate} is the person who is away. Name another person.")
    if until <= now:
        raise click.UsageError(f"--until: {format_time(until)} is over.")
    _check_policy(context, until - now)
    absence = Absence(owner=owner, delegate=delegate, since=now, until=until, set_by=absences.caller(context))
    absences.change(context, lambda found: [*(each for each in found if not _is_away(each, owner)), absence])
    emit(
        context,
        _document(absence),
        [
            f"From now on until {format_time(until)}, requests that ask {owner} ask {delegate} as well.",
            f"To pass on an open request: {context.command('reassign', 'APPROVAL', owner, '--to', delegate)}",
        ],
    )


def _check_policy(context: Context, length: timedelta) -> None:
    policy = absences.policy(context)
    if policy and not policy.delegation_allowed:
        raise CommandError("The approval policy allows no delegates.")
    longest = policy.longest_delegation if policy else timedelta(days=MAX_DAYS)
    if length > longest:
        by = " that the approval policy allows" if policy else ""
        raise click.UsageError(f"--until: later than the {pluralize(longest.days, 'day')} from now{by}.")


def _end(context: Context, owner: str) -> None:
    ended = [each for each in absences.read(context) if _is_away(each, owner)]
    if not ended:
        raise CommandError(f"{owner} has no delegate. List the absences: {context.command('delegate', '--list')}")
    absences.change(context, lambda found: [each for each in found if not _is_away(each, owner)])
    told = sum(absences.approval_table(context).call_again(each.id) for each in _asked(context, ended))
    said = [f"Ended: {each.delegate} no longer responds for {each.owner}." for each in ended]
    emit(context, [_document(each) for each in ended], [*said, f"It concerns {pluralize(told, 'open request')}."])


def _asked(context: Context, ended: Iterable[Absence]) -> list[Approval]:
    """Return the open approvals that ask the delegates of these absences."""
    keys = {(each.delegate, each.since) for each in ended}
    now = context.clock()
    return [
        approval
        for approval in context.listing.pending()
        if approval.people
        and any((each.named, each.since) in keys and each.is_in_force(now) for each in approval.people.delegations)
    ]


def _is_away(absence: Absence, owner: str) -> bool:
    return not absence.approval and is_same(absence.owner, owner)


def _document(absence: Absence) -> Json:
    return {
        "From": absence.owner,
        "To": absence.delegate,
        "Since": iso(absence.since),
        "Until": iso(absence.until),
        "SetBy": absence.set_by,
        "ApprovalId": absence.approval or None,
    }
