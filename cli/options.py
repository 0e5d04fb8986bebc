"""Options that several commands share."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import click

from cli.context import Context

Command = TypeVar("Command", bound=Callable[..., Any])

_AGO = re.compile(r"(\d{1,5})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class TimeType(click.ParamType[datetime]):
    """A time: `90m`, `12h`, `7d` or `4w` ago, or ISO 8601, in UTC unless it names another offset."""

    name = "time"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> datetime:
        """Parse the time."""
        if isinstance(value, datetime):
            return value
        now = (context.find_object(Context) if context else None) or Context()
        if ago := _AGO.fullmatch(value):
            return now.clock() - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        try:
            time = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no time; write 7d, 12h, or 2026-11-23T10:31:00Z", parameter, context)
        return time if time.tzinfo else time.replace(tzinfo=UTC)


TIME = TimeType()


def json_option(command: Command) -> Command:
    """Add the option --json, which sets `as_json` of the command's `Context`."""
    return click.option(
        "--json", "as_json", is_flag=True, expose_value=False, callback=_set_json, help="Print JSON, for programs."
    )(command)


def cancel_option(command: Command) -> Command:
    """Add the option --cancel-on-interrupt."""
    return click.option(
        "--cancel-on-interrupt",
        is_flag=True,
        help="Call the approval off when waiting is interrupted (Ctrl-C, SIGTERM). Without it, it stays open.",
    )(command)


def _set_json(context: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001  # click's call
    if value:
        context.ensure_object(Context).as_json = True
