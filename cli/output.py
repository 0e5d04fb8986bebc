"""Output of commands: plain lines for people, JSON for programs."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Collection, Iterable, Sequence

import click

from approvals.domain.characters import escape_hidden, reveal
from approvals.domain.model import Json
from approvals.domain.parts import pluralize
from approvals.store.reading import UnreadableError
from cli.context import Context

_GAP = "  "

_MAX_NAMED = 20
"""Unreadable records that are named. The others are counted."""


def emit(context: Context, value: Json, lines: Iterable[str]) -> None:
    """Print a result: `value` as one JSON document with --json, else the lines."""
    if context.as_json:
        click.echo(as_json(value, indent=2))
        return
    for line in lines:
        click.echo(line)


def as_json(value: Json, indent: int | None = None) -> str:
    """Return the value as JSON with hidden characters escaped: it may be printed on a terminal."""
    return escape_hidden(json.dumps(value, ensure_ascii=False, indent=indent))


def is_terminal() -> bool:
    """Return True if standard output is a terminal."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def width() -> int:
    """Return the width of the terminal, or more than any line needs without one."""
    return shutil.get_terminal_size().columns if is_terminal() else 10_000


def format_table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, cut: Collection[str] = ()) -> list[str]:
    """Return the rows as lines of columns. So that lines fit the terminal, the columns in `cut` get narrower."""
    shown = [[plain(cell) for cell in row] for row in (headings, *rows)]
    widths = [max(len(row[column]) for row in shown) for column in range(len(headings))]
    shrinking = [column for column, heading in enumerate(headings) if heading in cut]
    while sum(widths) + len(_GAP) * (len(widths) - 1) > width():
        widest = max(shrinking, key=widths.__getitem__, default=0)
        if widest not in shrinking or widths[widest] <= len(headings[widest]):
            break
        widths[widest] -= 1
    return [_GAP.join(_cell(text, most) for text, most in zip(row, widths, strict=True)).rstrip() for row in shown]


def plain(text: str) -> str:
    """Return the text on one line, without characters that could control a terminal."""
    return reveal(" ".join(text.split()))


def describe_unreadable(unreadable: Sequence[UnreadableError]) -> str:
    """Return a sentence that counts and names the records that can't be read."""
    reasons = {error.approval_id: error.reason for error in unreadable}
    named = ", ".join(f"{plain(each)} ({reason})" for each, reason in list(reasons.items())[:_MAX_NAMED])
    verb = "is" if len(reasons) == 1 else "are"
    more = f" and {len(reasons) - _MAX_NAMED:,} more" if len(reasons) > _MAX_NAMED else ""
    return f"{pluralize(len(reasons), 'record')} can't be read and {verb} left out: {named}{more}."


def _cell(text: str, width: int) -> str:
    return (text if len(text) <= width else f"{text[: width - 1]}…").ljust(width)
