"""`approvals export`: every approval of a period, for auditors."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TextIO

import click

from approvals.domain.model import Json, iso
from cli.context import Context, Failure, pass_context
from cli.export_columns import COLUMNS, cell, row
from cli.options import MOMENT
from cli.output import as_json, json_option, left_out

STDOUT = "-"

Row = Mapping[str, Json]


@click.command(short_help="Write the approvals of a period as CSV or JSON Lines.")
@click.option("--since", type=MOMENT, required=True, metavar="TIME", help="Requested since then: 30d, or ISO 8601.")
@click.option("--until", type=MOMENT, metavar="TIME", help="Requested before then.  [default: now]")
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "jsonl"]),
    default="csv",
    show_default=True,
    help="CSV for spreadsheets, JSON Lines for programs.",
)
@click.option("--output", default=STDOUT, metavar="FILE", help="The file to write.  [default: standard output]")
@json_option
@pass_context
def command(context: Context, *, since: datetime, until: datetime | None, form: str, output: str) -> None:
    """Write the approvals of a period as CSV or JSON Lines.

    One row for each approval that was requested in the period, the newest first, whatever became of it. --json is
    --format jsonl. A file that is there is replaced once the new one is complete. Records that can't be read are named
    at the end, and the exit code is 3.
    """
    until = until or context.clock()
    if until <= since:
        raise click.UsageError(f"--until {iso(until)} is not after --since {iso(since)}")
    write = _WRITERS["jsonl" if context.as_json else form]
    number = 0

    def rows() -> Iterator[Row]:
        nonlocal number
        for approval in context.listing.requested(since, until):
            number += 1
            yield row(approval)

    with _opened(output) as file:
        write(file, rows())
    click.echo(f"{number:,} approvals requested from {iso(since)} to {iso(until)}", err=True)
    if context.unreadable:
        raise Failure(left_out(context.unreadable))  # After the file: what can be read is in it.


def _write_csv(file: TextIO, rows: Iterable[Row]) -> None:
    writer = csv.writer(file, quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    writer.writerows([cell(value) for value in each.values()] for each in rows)


def _write_jsonl(file: TextIO, rows: Iterable[Row]) -> None:
    file.writelines(f"{as_json(dict(each))}\n" for each in rows)


_WRITERS: dict[str, Callable[[TextIO, Iterable[Row]], None]] = {"csv": _write_csv, "jsonl": _write_jsonl}


@contextmanager
def _opened(name: str) -> Iterator[TextIO]:
    """Standard output, or a file that takes its name once it is complete: half an export looks like a whole one."""
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
        raise Failure(f"{name} can't be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
