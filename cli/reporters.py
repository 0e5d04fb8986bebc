"""Tells what happens while somebody waits: on a terminal, in a log, or to a program."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import click

from approvals.domain.history import Entry, Kind
from approvals.domain.model import Approval, iso, shorten
from cli.context import Context
from cli.document import event, remaining, sentence
from cli.output import as_json, is_terminal, plain, width
from cli.watch import Reporter

_COLOURS = {
    Kind.RESPONDED: "cyan",
    Kind.REFUSED: "yellow",
    Kind.WITHDRAWN: "yellow",
    Kind.REMINDED: "yellow",
    Kind.ESCALATED: "yellow",
    Kind.DECIDED: "green",
    Kind.GONE: "red",
}

_ERASE = "\r\x1b[K"
"""Back to the line's beginning, and erase it."""


def reporter(context: Context) -> Reporter:
    """The one that suits who reads: JSON Lines on standard error with --json, else lines, nicer on a terminal."""
    if context.as_json:
        return JsonReporter()
    return TerminalReporter() if is_terminal() else PlainReporter()


class Quiet:
    """Tells only of trouble."""

    def happened(self, _entry: Entry) -> None:
        """Prints nothing."""

    def waiting(self, _approval: Approval, _now: datetime) -> None:
        """Prints nothing."""

    def trouble(self, sentence: str) -> None:
        """Prints it on standard error."""
        click.echo(plain(sentence), err=True)

    def close(self) -> None:
        """Does nothing: nothing was left on the screen."""


class JsonReporter(Quiet):
    """A JSON object a line on standard error; standard output is the result's alone."""

    def happened(self, entry: Entry) -> None:
        """Prints the event."""
        click.echo(as_json(event(entry)), err=True)

    def trouble(self, sentence: str) -> None:
        """Prints an event of its own."""
        click.echo(as_json({"Event": "Trouble", "Text": sentence}), err=True)


@dataclass
class PlainReporter(Quiet):
    """A line for each event, with its time in UTC: for logs. Says once until when it waits."""

    _deadline: datetime | None = None

    def happened(self, entry: Entry) -> None:
        """Prints the event."""
        click.echo(f"{iso(entry.at)} {sentence(entry)}")

    def waiting(self, approval: Approval, now: datetime) -> None:
        """Prints the deadline, if it is another than before."""
        if approval.decision is None and approval.deadline != self._deadline:
            self._deadline = approval.deadline
            click.echo(f"{iso(now)} Waiting until {iso(approval.deadline)}.")


@dataclass
class TerminalReporter(Quiet):
    """Events in colour, with the local time, above one line that says what is waited for."""

    _line: str = ""

    def happened(self, entry: Entry) -> None:
        """Prints the event above the waiting line."""
        colour = _COLOURS.get(entry.kind)
        if entry.kind is Kind.DECIDED and not entry.text.startswith("Approved"):
            colour = "red"
        time = _style(f"{entry.at.astimezone():%H:%M:%S}", dim=True)
        text = _style(sentence(entry), fg=colour, bold=entry.kind is Kind.DECIDED)
        self.close()
        self._write(f"{time}  {text}\n")

    def waiting(self, approval: Approval, now: datetime) -> None:
        """Writes the waiting line, if it reads differently now."""
        until = f"{approval.deadline.astimezone():%a %H:%M}, {remaining(approval.deadline, now)}"
        what = f"Waiting for an answer (until {until}). Ctrl-C stops waiting."
        if approval.decision:
            what = "Waiting for the workflow to hear of it."
        self._show(what, dim=True)

    def trouble(self, sentence: str) -> None:
        """Writes it in place of the waiting line."""
        self._show(plain(sentence), fg="yellow")

    def close(self) -> None:
        """Takes the waiting line away."""
        if self._line:
            self._write(_ERASE)
            self._line = ""

    def _show(self, what: str, **style: Any) -> None:
        line = shorten(what, width() - 1)
        if line != self._line:
            self.close()
            self._write(_style(line, **style))
            self._line = line

    def _write(self, text: str) -> None:
        click.echo(text, nl=False)


def _style(text: str, **style: Any) -> str:
    return text if os.environ.get("NO_COLOR") else click.style(text, **style)
