"""`approvals list`: the open approvals, or those of a period."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import nsmallest
from itertools import islice

import click

from approvals.domain.cancellation import caller_name
from approvals.domain.email_address import canonical
from approvals.domain.headlines import REFUSED
from approvals.domain.model import Approval, Decision, Json, Status, iso
from approvals.domain.parts import join_names
from approvals.domain.references import short
from approvals.domain.search import has_words
from approvals.domain.wording import decider_names
from cli.context import Context, pass_context
from cli.document import remaining, status, summary
from cli.options import TIME, common_options
from cli.output import describe_unreadable, emit, format_table

PERIOD = timedelta(days=30)
"""How far back approvals that are not open are listed by default."""

ANY = "any"
_STATUSES = (*(each.value.lower() for each in Status), REFUSED.lower(), ANY)
_HEADINGS = ("ID", "STATUS", "TITLE", "REQUESTED BY", "REQUESTED", "UNTIL")
_DECIDED_HEADINGS = ("DECIDED BY", "DECIDED")


@dataclass(frozen=True, slots=True)
class _Shown:
    """What is kept of each approval in memory: a thousand approvals may have 240 MB."""

    deadline: datetime
    row: tuple[str, ...]
    summary: dict[str, Json]


@click.command()
@click.option(
    "--status",
    "statuses",
    type=click.Choice(_STATUSES, case_sensitive=False),
    multiple=True,
    help="Only those with this status. Repeatable.  [default: pending]",
)
@click.option(
    "--since",
    type=TIME,
    metavar="TIME",
    help="Requested since then: 7d, 12h, or ISO 8601.  [default: 30d, or whenever for pending ones]",
)
@click.option("--until", type=TIME, metavar="TIME", help="Requested before then.  [default: now]")
@click.option("--requested-by", metavar="WHO", help="Asked for by this email address or Slack user.")
@click.option("--approver", metavar="WHO", help="That this email address or Slack user may answer, by its request.")
@click.option(
    "--search",
    metavar="TEXT",
    help="With all these words in the title, the details, the facts, or the names of requester and workflow.",
)
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="NUMBER", default=50, show_default=True, help="Show so many at most."
)
@common_options
@pass_context
def command(
    context: Context,
    *,
    statuses: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
    requested_by: str | None,
    approver: str | None,
    search: str | None,
    limit: int,
) -> None:
    """List approvals: the open ones, or those of a period.

    Open ones come with the nearest deadline first, those of a period with the newest first.
    """
    wanted = _wanted(statuses)
    now = context.clock()

    def matching(approvals: Iterator[Approval]) -> Iterator[_Shown]:
        for approval in approvals:
            if (
                status(approval) in wanted
                and (requested_by is None or _is_same(approval.request.requested_by, requested_by))
                and (approver is None or _can_respond(approval, approver))
                and (search is None or has_words(approval, search))
            ):
                yield _Shown(approval.deadline, _row(approval, now), summary(approval))

    if wanted == {Status.PENDING} and not since and not until:
        found = nsmallest(limit + 1, matching(context.listing.pending()), key=lambda each: each.deadline)
    else:
        end = until or now + timedelta(minutes=1)  # Includes requests of this second by another clock.
        found = list(islice(matching(context.listing.requested(since or end - PERIOD, end)), limit + 1))
    shown = found[:limit]
    lines = [f"There are none. See others: {context.command('list', '--status', ANY)}"]
    if shown:
        headings = _HEADINGS if wanted == {Status.PENDING} else (*_HEADINGS, *_DECIDED_HEADINGS)
        lines = format_table(headings, [each.row[: len(headings)] for each in shown])
    emit(context, [each.summary for each in shown], lines)
    if len(found) > limit:
        click.echo(f"There are more than these {limit}: --limit {limit * 2}", err=True)
    if context.unreadable:
        click.echo(describe_unreadable(context.unreadable), err=True)


def _wanted(statuses: tuple[str, ...]) -> set[str]:
    chosen = _STATUSES if ANY in statuses else statuses
    return {each.upper() for each in chosen} or {Status.PENDING}


def _row(approval: Approval, now: datetime) -> tuple[str, ...]:
    is_open, decision = approval.status is Status.PENDING, approval.decision
    return (
        short(approval.id),
        status(approval).lower(),
        approval.title,
        approval.request.requested_by or "",
        _minute(approval.requested_at),
        remaining(approval.deadline, now) if is_open else _minute(approval.deadline),
        join_names(decider_names(approval)) or _canceller(decision),
        _minute(decision.at) if decision else "",
    )


def _canceller(decision: Decision | None) -> str:
    return caller_name(decision.cancelled_by) if decision and decision.cancelled_by else ""


def _minute(time: datetime) -> str:
    return f"{iso(time)[:16].replace('T', ' ')}Z"


def _can_respond(approval: Approval, who: str) -> bool:
    """Return True if the request names this person, by whatever name they are known."""
    people = approval.people
    known = [*people.approvers, *people.escalation] if people else []
    names = [*approval.request.names]
    names += [name for person in known for name in (*person.identities.values(), person.name)]
    return any(_is_same(name, who) for name in names)


def _is_same(one: str | None, other: str) -> bool:
    return one is not None and canonical(one) == canonical(other)
