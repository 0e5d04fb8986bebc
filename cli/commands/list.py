"""`approvals list`: the open approvals, or those of a period."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import nsmallest
from itertools import islice

import click

from approvals.domain.cancellation import caller_name
from approvals.domain.email_address import canonical
from approvals.domain.headlines import REFUSED
from approvals.domain.model import Approval, Decision, Json, Status
from approvals.domain.parts import join_names
from approvals.domain.references import short
from approvals.domain.search import has_words
from approvals.domain.wording import counts, decider_names
from cli.context import Context, pass_context
from cli.document import status, summary
from cli.options import COUNT, TIME, common_options
from cli.output import describe_unreadable, emit, format_table, is_terminal
from cli.times import format_short, remaining

PERIOD = timedelta(days=30)
"""How far back approvals that are not open are listed by default."""

ANY = "any"
_STATUSES = (*(each.value.lower() for each in Status), REFUSED.lower(), ANY)
_OPEN = ("ID", "STATUS", "TITLE", "REQUESTER", "REQUESTED", "DEADLINE")
_CLOSED = ("ID", "STATUS", "TITLE", "REQUESTER", "REQUESTED", "DECIDED BY", "DECIDED")
"""Headings of a list of open approvals, and of any other list."""
_CUT = frozenset({"TITLE", "REQUESTER", "DECIDED BY"})
"""Columns that get narrower on a narrow terminal."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """The part of each approval that stays in memory: a thousand approvals may have 240 MB."""

    deadline: datetime
    row: Mapping[str, str]
    summary: dict[str, Json]


@click.command(
    epilog="""\b
Examples:
  approvals list
  approvals list --status any --since 7d
  approvals list --approver ann@example.com --json
"""
)
@click.option(
    "--status",
    "statuses",
    type=click.Choice(_STATUSES, case_sensitive=False),
    multiple=True,
    help="Filter by status. Repeatable.  [default: pending]",
)
@click.option(
    "--since",
    type=TIME,
    metavar="TIME",
    help="Requested after this time: 7d (7 days ago), 12h or ISO 8601.  [default: 30d; for pending ones, any time]",
)
@click.option("--until", type=TIME, metavar="TIME", help="Requested before this time.  [default: now]")
@click.option("--requested-by", metavar="WHO", help="Filter by requester: email address or Slack user ID.")
@click.option("--approver", metavar="WHO", help="Filter by approver named in the request.")
@click.option(
    "--search",
    metavar="TEXT",
    help="Filter by words in title, details, facts, requester or workflow name. All must occur.",
)
@click.option(
    "--limit",
    type=COUNT,
    metavar="NUMBER",
    default=50,
    show_default=True,
    help="Maximum number of approvals.",
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
    """List open approvals, or the approvals of a period.

    Sort open approvals by deadline, and the approvals of a period by request time, newest first. On a terminal, times
    are in your time zone; elsewhere, they are in UTC. A refused request was invalid, or none of its approvers could be
    notified.
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
    lines = [f"No approvals match. List all: {context.command('list', '--status', ANY)}"]
    if shown:
        headings: tuple[str, ...] = _OPEN if wanted == {Status.PENDING} else _CLOSED
        if any(each.row["PROGRESS"] for each in shown):  # Most requests are decided by one response.
            headings = (*headings, "PROGRESS")
        lines = format_table(headings, [[each.row[name] for name in headings] for each in shown], cut=_CUT)
    emit(context, [each.summary for each in shown], lines)
    if len(found) > limit:
        click.echo(f"Showing the first {limit}. For more, use --limit {limit * 2}.", err=True)
    if context.unreadable:
        click.echo(describe_unreadable(context.unreadable), err=True)


def _wanted(statuses: tuple[str, ...]) -> set[str]:
    chosen = _STATUSES if ANY in statuses else statuses
    return {each.upper() for each in chosen} or {Status.PENDING}


def _row(approval: Approval, now: datetime) -> dict[str, str]:
    decision = approval.decision
    return {
        "ID": short(approval.id),
        "STATUS": status(approval).lower(),
        "TITLE": approval.title,
        "REQUESTER": approval.request.requested_by or "",
        "REQUESTED": format_short(approval.requested_at, now),
        "DEADLINE": remaining(approval.deadline, now) if is_terminal() else format_short(approval.deadline, now),
        "DECIDED BY": join_names(decider_names(approval)) or _canceller(decision),
        "DECIDED": format_short(decision.at, now) if decision else "",
        "PROGRESS": ", ".join(counts(approval)),
    }


def _canceller(decision: Decision | None) -> str:
    return caller_name(decision.cancelled_by) if decision and decision.cancelled_by else ""


def _can_respond(approval: Approval, who: str) -> bool:
    """Return True if the request names this person, by whatever name they are known."""
    people = approval.people
    known = [*people.approvers, *people.escalation] if people else []
    names = [*approval.request.names]
    names += [name for person in known for name in (*person.identities.values(), person.name)]
    return any(_is_same(name, who) for name in names)


def _is_same(one: str | None, other: str) -> bool:
    return one is not None and canonical(one) == canonical(other)
