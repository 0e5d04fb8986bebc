"""`approvals list`: the open approvals, or those of a period."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import nsmallest
from itertools import islice

import click

from approvals.domain.email_address import canonical
from approvals.domain.model import Approval, Json, Status, iso
from approvals.domain.search import has_words
from cli.context import Context, pass_context
from cli.document import SHORT_ID, remaining, summary
from cli.moments import MOMENT
from cli.output import emit, json_option, left_out, table

PERIOD = timedelta(days=30)
"""How far back is looked for approvals that are not open, unless --since says otherwise."""

ANY = "any"
_STATUSES = (*(status.value.lower() for status in Status), ANY)
_HEADINGS = ("ID", "STATUS", "TITLE", "REQUESTED BY", "REQUESTED", "UNTIL")

Matches = Callable[[Approval], bool]


@dataclass(frozen=True, slots=True)
class _Shown:
    """What is kept of an approval: a thousand of them may have 240 MB."""

    deadline: datetime
    row: tuple[str, ...]
    summary: dict[str, Json]


@click.command(short_help="List approvals: the open ones, or those of a period.")
@click.option(
    "--status",
    "statuses",
    type=click.Choice(_STATUSES, case_sensitive=False),
    multiple=True,
    help="Only those with this status. Repeatable.  [default: pending]",
)
@click.option(
    "--since",
    type=MOMENT,
    metavar="TIME",
    help="Requested since then: 7d, 12h, or ISO 8601.  [default: 30d, or whenever for pending ones]",
)
@click.option("--until", type=MOMENT, metavar="TIME", help="Requested before then.  [default: now]")
@click.option("--requested-by", metavar="WHO", help="Asked for by this email address or Slack user.")
@click.option("--approver", metavar="WHO", help="That this email address or Slack user may answer, by its request.")
@click.option("--search", metavar="TEXT", help="With this text in the title, the details or the execution's name.")
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="NUMBER", default=50, show_default=True, help="Show so many at most."
)
@json_option
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
    tests = [_has_status(wanted), _asked_by(requested_by), _may_answer(approver), _has_words(search)]
    now = context.clock()

    def matching(approvals: Iterator[Approval]) -> Iterator[_Shown]:
        for approval in approvals:
            if all(test(approval) for test in tests):
                yield _Shown(approval.deadline, _row(approval, now), summary(approval))

    if wanted == {Status.PENDING} and not since and not until:
        found = nsmallest(limit + 1, matching(context.listing.pending()), key=lambda each: each.deadline)
    else:
        found = list(islice(matching(_period(context, since, until)), limit + 1))
    shown = found[:limit]
    rows = [each.row for each in shown]
    lines = (
        table(_HEADINGS, rows) if rows else [f"There are none. See others: {context.command('list', '--status', ANY)}"]
    )
    emit(context, [each.summary for each in shown], lines)
    if len(found) > limit:
        click.echo(f"There are more than these {limit}: --limit {limit * 2}", err=True)
    if context.unreadable:
        click.echo(left_out(context.unreadable), err=True)


def _wanted(statuses: tuple[str, ...]) -> set[Status]:
    if ANY in statuses:
        return set(Status)
    return {Status(status.upper()) for status in statuses} or {Status.PENDING}


def _period(context: Context, since: datetime | None, until: datetime | None) -> Iterator[Approval]:
    until = until or context.clock() + timedelta(minutes=1)  # What was asked this second, too, by another clock.
    return context.listing.requested(since or until - PERIOD, until)


def _row(approval: Approval, now: datetime) -> tuple[str, ...]:
    is_open = approval.status is Status.PENDING
    return (
        approval.id[:SHORT_ID],
        approval.status.value.lower(),
        approval.title,
        approval.request.requested_by or "",
        f"{approval.requested_at:%Y-%m-%d %H:%M}Z",
        remaining(approval.deadline, now) if is_open else iso(approval.deadline)[:16].replace("T", " ") + "Z",
    )


def _has_status(wanted: set[Status]) -> Matches:
    return lambda approval: approval.status in wanted


def _asked_by(who: str | None) -> Matches:
    return lambda approval: who is None or _same(approval.request.requested_by, who)


def _may_answer(who: str | None) -> Matches:
    """Whether the request names somebody, or somebody whom it names is known by that name as well."""

    def matches(approval: Approval) -> bool:
        if who is None:
            return True
        people = approval.people
        known = [*people.approvers, *people.escalation] if people else []
        names = [*approval.request.approvers, *approval.request.escalate_to]
        names += [name for person in known for name in (*person.identities.values(), person.name)]
        return any(_same(name, who) for name in names)

    return matches


def _has_words(words: str | None) -> Matches:
    return lambda approval: has_words(approval, words or "")


def _same(one: str | None, other: str) -> bool:
    return one is not None and canonical(one) == canonical(other)
