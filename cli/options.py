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
            self.fail(f"{value!r} is not a time. Use 7d, 12h or 2026-11-23T10:31:00Z.", parameter, context)
        return time if time.tzinfo else time.replace(tzinfo=UTC)


class CountType(click.ParamType[int]):
    """A whole number of at least 1. click's own `IntRange` shows `[x>=1]` in the help."""

    name = "number"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> int:
        """Parse the number."""
        if not str(value).isdecimal() or not int(value):
            self.fail(f"{value!r} is not a whole number of at least 1.", parameter, context)
        return int(value)


TIME = TimeType()
COUNT = CountType()


def common_options(command: Command) -> Command:
    """Add --json and --output, and the options of `approvals` itself, which may also follow the command."""
    return json_option(
        click.option(
            "--output",
            type=click.Choice(["text", "json"]),
            expose_value=False,
            callback=_set_json,
            help="Output format.  [default: text]",
        )(command)
    )


def json_option(command: Command) -> Command:
    """Add --json and the options of `approvals` itself."""
    return click.option("--json", "as_json", is_flag=True, expose_value=False, callback=_set_json, help="Print JSON.")(
        global_options(command)
    )


def global_options(command: Command) -> Command:
    """Add the options of `approvals` itself except --json and --output."""
    for name in ("--profile", "--region", "--stack"):
        command = click.option(name, expose_value=False, hidden=True, callback=_set_global)(command)
    return click.option("--local", is_flag=True, expose_value=False, hidden=True, callback=_set_global)(command)


def cancel_option(command: Command) -> Command:
    """Add the option --cancel-on-interrupt."""
    return click.option(
        "--cancel-on-interrupt",
        is_flag=True,
        help="Cancel the approval on Ctrl-C or SIGTERM.  [default: leave it open]",
    )(command)


def _set_json(context: click.Context, _option: click.Parameter, value: bool | str | None) -> None:  # noqa: FBT001  # click's call
    if value in (True, "json"):
        context.ensure_object(Context).as_json = True


def _set_global(context: click.Context, option: click.Parameter, value: bool | str | None) -> None:  # noqa: FBT001  # click's call
    if value:
        setattr(context.ensure_object(Context), str(option.name), value)
