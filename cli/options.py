"""Times on the command line: `7d` for seven days ago, or ISO 8601, in UTC unless it says otherwise."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from cli.context import Context

_AGO = re.compile(r"(\d{1,5})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Moment(click.ParamType[datetime]):
    """A time: `90m`, `12h`, `7d` or `4w` ago, or ISO 8601 such as `2026-11-23` or `2026-11-23T10:31:00+01:00`."""

    name = "time"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> datetime:
        """The moment that a text stands for."""
        if isinstance(value, datetime):
            return value
        now = (context.find_object(Context) if context else None) or Context()
        if ago := _AGO.fullmatch(value):
            return now.clock() - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no time; write 7d, 12h, or 2026-11-23T10:31:00Z", parameter, context)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


MOMENT = Moment()
