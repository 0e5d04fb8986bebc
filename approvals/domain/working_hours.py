"""Working hours: when people are reminded. They delay reminders and the escalation, and drop none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
"""The days of the week, in the order of `date.weekday`."""


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


def find_zone(name: str) -> tzinfo | None:
    """Return the time zone of this name; None if this machine knows none."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415 few requests have working hours

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # no such name, none that may be one, or a folder
        return None


def _meanings(day: date, at: time, zone: tzinfo) -> list[datetime]:
    return [datetime.combine(day, at.replace(fold=fold), zone).astimezone(UTC) for fold in (0, 1)]
