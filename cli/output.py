"""What commands print: plain lines for people, or JSON for programs where --json is given."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import click

from approvals.domain.characters import escape_hidden, reveal
from approvals.domain.model import Json
from approvals.store.reading import UnreadableError
from cli.context import Context

Command = TypeVar("Command", bound=Callable[..., Any])

_GAP = "  "

_MAX_NAMED = 20
"""Records that are named each; the rest is counted."""


def json_option(command: Command) -> Command:
    """Gives a command the option --json, which sets `as_json` of its `Context`."""
    return click.option(
        "--json", "as_json", is_flag=True, expose_value=False, callback=_set_json, help="Print JSON, for programs."
    )(command)


def _set_json(context: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001  # click's call
    if value:
        context.ensure_object(Context).as_json = True


def emit(context: Context, value: Json, lines: Iterable[str]) -> None:
    """Prints a result to standard output: `value` as one JSON document with --json, else the lines."""
    if context.as_json:
        click.echo(as_json(value, indent=2))
        return
    for line in lines:
        click.echo(line)


def as_json(value: Json, indent: int | None = None) -> str:
    """Return the value as JSON in which hidden characters are escaped: it may end on a terminal all the same."""
    return escape_hidden(json.dumps(value, ensure_ascii=False, indent=indent))


def is_terminal() -> bool:
    """Whether a person at a terminal reads standard output."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def width() -> int:
    """Characters of a line: of the terminal, or more than enough where there is none."""
    return shutil.get_terminal_size().columns if is_terminal() else 10_000


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns of text, none wider than it must be; the widest are cut so that lines fit the terminal."""
    shown = [[plain(cell) for cell in row] for row in (headings, *rows)]
    widths = [max(len(row[column]) for row in shown) for column in range(len(headings))]
    while sum(widths) + len(_GAP) * (len(widths) - 1) > width() and max(widths) > max(map(len, headings)):
        widths[widths.index(max(widths))] -= 1
    return [_GAP.join(_cell(text, most) for text, most in zip(row, widths, strict=True)).rstrip() for row in shown]


def plain(text: str) -> str:
    """The text on one line, without what could steer a terminal."""
    return reveal(" ".join(text.split()))


def _cell(text: str, width: int) -> str:
    return (text if len(text) <= width else f"{text[: width - 1]}…").ljust(width)


def left_out(unreadable: Sequence[UnreadableError]) -> str:
    """Return a sentence that counts and names the records that can't be read."""
    reasons = {error.approval_id: error.reason for error in unreadable}
    named = ", ".join(f"{plain(each)} ({reason})" for each, reason in list(reasons.items())[:_MAX_NAMED])
    records = (
        "1 record can't be read and is" if len(reasons) == 1 else f"{len(reasons):,} records can't be read and are"
    )
    return f"{records} left out: {named}{', …' if len(reasons) > _MAX_NAMED else ''}"
