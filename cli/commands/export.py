"""`approvals export`: all approvals of a period, for auditors."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TextIO

import click

from approvals.domain.model import Json, iso
from approvals.domain.parts import pluralize
from cli.context import CommandError, Context, pass_context
from cli.export_columns import COLUMNS, cell, row
from cli.options import TIME, json_option
from cli.output import as_json, describe_unreadable
from cli.times import format_time

STDOUT = "-"


@click.command(epilog="Example: approvals export --since 90d --output approvals.csv")
@click.option(
    "--since",
    type=TIME,
    required=True,
    metavar="TIME",
    help="Requested after this time: 30d (30 days ago), 12h or ISO 8601.",
)
@click.option("--until", type=TIME, metavar="TIME", help="Requested before this time.  [default: now]")
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "jsonl"]),
    default="csv",
    show_default=True,
    help="CSV for spreadsheets, JSON Lines for programs.",
)
@click.option("--output", default=STDOUT, metavar="FILE", help="File to write.  [default: standard output]")
@json_option
@pass_context
def command(context: Context, *, since: datetime, until: datetime | None, form: str, output: str) -> None:
    """Export the approvals of a period as CSV or JSON Lines.

    Write one row for each approval requested in the period, newest first, in any status. Replace an existing file only
    once the export is complete. If a record can't be read, leave it out, name it at the end and exit with 3. --json is
    the same as --format jsonl. docs/cli.md describes the columns.
    """
    until = until or context.clock()
    if until <= since:
        raise click.UsageError(f"--until {iso(until)} must be later than --since {iso(since)}.")
    number = 0
    with _open(output) as file:
        write = _jsonl_writer(file) if context.as_json or form == "jsonl" else _csv_writer(file)
        for approval in context.listing.requested(since, until):
            write(row(approval))
            number += 1
    click.echo(
        f"Exported {pluralize(number, 'approval')} requested from {format_time(since)} to {format_time(until)}.",
        err=True,
    )
    if context.unreadable:
        raise CommandError(describe_unreadable(context.unreadable))  # Last: all readable records are in the file.


def _csv_writer(file: TextIO) -> Callable[[Mapping[str, Json]], object]:
    writer = csv.writer(file, quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    return lambda values: writer.writerow(map(cell, values.values()))


def _jsonl_writer(file: TextIO) -> Callable[[Mapping[str, Json]], object]:
    return lambda values: file.write(f"{as_json(dict(values))}\n")


@contextmanager
def _open(name: str) -> Iterator[TextIO]:
    """Open standard output, or a file that gets its name when it is complete."""
    if name == STDOUT:
        yield sys.stdout
        return
    target = Path(name)
    part = target.with_name(f"{target.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except OSError as error:
        raise CommandError(f"Can't write {name}: {error.strerror}.") from error
    finally:
        part.unlink(missing_ok=True)
