"""Working hours: when people are reminded. They delay reminders and the escalation, and drop none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
"""The days of the week, in the order of `date.weekday`."""


EXAMPLE: Final = "Mon-Fri 09:00-17:00 Europe/Berlin"
"""Hours as people write them, for messages."""

_WRITTEN = re.compile(r"(\S+) (\d\d:\d\d)-(\d\d:\d\d) (\S+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingHours:
    """Hours on some `days` of the week, from `start` to before `end`, as the clocks of a time zone show them.

    If `end` is before `start`, the hours run past midnight and belong to the day on which they begin. `zone` is a name
    of the IANA database, such as `Europe/Berlin`.
    """

    days: tuple[str, ...]
    start: time
    end: time
    zone: str

    def delay(self, planned: datetime, deadline: datetime) -> datetime:
        """Return the first moment in these hours from the planned one on; the planned one if that is not in time.

        It is the planned one, too, if this machine no longer knows the time zone: people are reminded all the same.
        """
        zone = find_zone(self.zone)
        if zone is None:
            return planned
        today = planned.astimezone(zone).date()
        for ahead in range(-1, len(DAYS) + 1):
            opens, shuts = self._on(today + timedelta(days=ahead), zone)
            if opens < shuts and planned < shuts:
                at = max(planned, opens)
                return at if at < deadline else planned
        return planned

    def _on(self, day: date, zone: tzinfo) -> tuple[datetime, datetime]:
        """Return when the hours of a day begin and end. There are none if they end first.

        A time that the clocks skip or show twice has two meanings: take the one that makes the hours shorter.
        """
        last = day + timedelta(days=self.end < self.start)
        opens, shuts = max(_meanings(day, self.start, zone)), min(_meanings(last, self.end, zone))
        return (opens, shuts) if DAYS[day.weekday()] in self.days else (opens, opens)


def parse_working_hours(written: str) -> WorkingHours | None:
    """Return the hours in a text such as `Mon-Fri 09:00-17:00 Europe/Berlin`; None if it has another form.

    The days are ranges and single days: `Mon-Wed,Fri`. The time zone may be one that this machine does not know.
    """
    found = _WRITTEN.fullmatch(written)
    days = _parse_days(found[1]) if found else ()
    if not found or not days:
        return None
    try:
        start, end = time.fromisoformat(found[2]), time.fromisoformat(found[3])
    except ValueError:  # 24:30
        return None
    return WorkingHours(days=days, start=start, end=end, zone=found[4])


def _parse_days(written: str) -> tuple[str, ...]:
    """Return the days in `Mon-Wed,Fri`; none if one of them is no day."""
    days: list[str] = []
    for part in written.split(","):
        first, dash, last = part.partition("-")
        if first not in DAYS or (last if dash else first) not in DAYS:
            return ()
        week = DAYS[DAYS.index(first) :] + DAYS[: DAYS.index(first)]  # Sat-Mon are three days.
        days += week[: week.index(last or first) + 1]
    return tuple(dict.fromkeys(days))


def find_zone(name: str) -> tzinfo | None:
    """Return the time zone of this name; None if this machine knows none."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415 few requests have working hours

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # no such name, none that may be one, or a folder
        return None


def _meanings(day: date, at: time, zone: tzinfo) -> list[datetime]:
    return [datetime.combine(day, at.replace(fold=fold), zone).astimezone(UTC) for fold in (0, 1)]
