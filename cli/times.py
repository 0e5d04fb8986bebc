"""Times for people: in the reader's time zone on a terminal, in ISO 8601 and UTC elsewhere."""

from __future__ import annotations

from datetime import datetime

from approvals.domain.model import iso
from approvals.domain.parts import Moment, Text, time_left
from cli.output import is_terminal, plain

_UNITS = {"day": ("day", "days"), "hour": ("h", "h"), "minute": ("min", "min")}


def format_time(moment: datetime) -> str:
    """Return `23 Nov 2026, 11:31 CET` on a terminal, `2026-11-23T10:31:00.000Z` elsewhere: logs outlive the zone."""
    local = moment.astimezone()
    return f"{local.day} {local:%b %Y, %H:%M %Z}" if is_terminal() else iso(moment)


def format_short(moment: datetime, now: datetime) -> str:
    """Return a time for a table: `23 Nov 11:31` on a terminal, with the year instead of the time if it is another."""
    local, year = moment.astimezone(), now.astimezone().year
    short = f"{local.day:2} {local:%b %H:%M}" if local.year == year else f"{local.day:2} {local:%b %Y}"
    return short if is_terminal() else iso(moment)


def format_deadline(deadline: datetime, now: datetime) -> str:
    """Return the deadline, and on a terminal the time left: `23 Nov 2026, 11:31 CET (in 25 min)`."""
    return f"{format_time(deadline)} ({remaining(deadline, now)})" if is_terminal() else iso(deadline)


def remaining(deadline: datetime, now: datetime) -> str:
    """Return the time left, rounded down: `in 23 min`."""
    number, unit = time_left(deadline, now)
    one, more = _UNITS[unit]
    return f"in {number} {one if number == 1 else more}" if number >= 0 else "overdue"


def format_text(text: Text) -> str:
    """Return a sentence on one line, without hidden characters, its times as `format_time` has them."""
    parts = (f"{each.lead}{format_time(each.at)}" if isinstance(each, Moment) else str(each) for each in text.parts)
    return plain("".join(parts))
