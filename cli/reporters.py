"""Reporters of what happens while a command waits: for a terminal, a log or a program."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import click

from approvals.domain.history import Entry, Kind
from approvals.domain.model import Approval, Json, Status, iso, shorten
from approvals.domain.wording import counts
from cli.context import Context
from cli.document import event, sentence
from cli.output import as_json, is_terminal, plain, width
from cli.times import remaining

_COLORS = {
    Kind.RESPONDED: "cyan",
    Kind.REFUSED: "yellow",
    Kind.WITHDRAWN: "yellow",
    Kind.RESET: "yellow",
    Kind.ASKED_AGAIN: "yellow",
    Kind.REMINDED: "yellow",
    Kind.ESCALATED: "yellow",
    Kind.DECIDED: "red",
    Kind.GONE: "red",
}

_ERASE = "\r\x1b[K"
"""Moves to the beginning of the line and erases it."""


def reporter(context: Context, *, cancel: bool) -> Reporter:
    """Return the reporter that suits the output: JSON Lines on standard error with --json, else lines.

    `cancel` says that Ctrl-C cancels the approval.
    """
    if context.as_json:
        return _JsonReporter()
    return _TerminalReporter(cancel) if is_terminal() else _PlainReporter()


class Reporter:
    """Reports outages of AWS only."""

    def happened(self, approval: Approval, entry: Entry) -> None:
        """Report an event of the approval."""

    def waiting(self, approval: Approval, now: datetime) -> None:
        """Report that the approval is not settled yet."""

    def outage(self, sentence: str, now: datetime) -> None:
        """Report that AWS is unavailable from now on."""
        click.echo(f"{iso(now)} {plain(sentence)}", err=True)

    def close(self) -> None:
        """End the report."""


class _JsonReporter(Reporter):
    """Prints each event as a line of JSON on standard error. Standard output is for the result."""

    def happened(self, approval: Approval, entry: Entry) -> None:
        ids: dict[str, Json] = {"ApprovalId": approval.id, "ExecutionArn": approval.workflow.execution_arn}
        click.echo(as_json(event(entry) | ids), err=True)

    def outage(self, sentence: str, now: datetime) -> None:
        click.echo(as_json({"Event": "Trouble", "At": iso(now), "Text": sentence}), err=True)


@dataclass
class _PlainReporter(Reporter):
    """Prints a line with the time in UTC for each event, each new deadline and each new count: for logs."""

    _deadline: datetime | None = None
    _counts: list[str] = field(default_factory=list)

    def happened(self, approval: Approval, entry: Entry) -> None:  # noqa: ARG002
        click.echo(f"{iso(entry.at)} {sentence(entry)}")

    def waiting(self, approval: Approval, now: datetime) -> None:
        if approval.decision is None and approval.deadline != self._deadline:
            self._deadline = approval.deadline
            click.echo(f"{iso(now)} Waiting until {iso(approval.deadline)}.")
        found = counts(approval)
        if approval.decision is None and approval.responses and found != self._counts:
            self._counts = found
            click.echo(f"{iso(now)} So far: {', '.join(found)}.")


@dataclass
class _TerminalReporter(Reporter):
    """Prints events in color with the local time, above one status line."""

    cancel: bool
    _line: str = ""

    def happened(self, approval: Approval, entry: Entry) -> None:
        is_decision = entry.kind is Kind.DECIDED
        color = "green" if is_decision and approval.status is Status.APPROVED else _COLORS.get(entry.kind)
        time = _style(f"{entry.at.astimezone():%H:%M:%S}", dim=True)
        self.close()
        self._write(f"{time}  {_style(sentence(entry), fg=color, bold=is_decision)}\n")

    def waiting(self, approval: Approval, now: datetime) -> None:
        interrupt = "cancels the request" if self.cancel else "stops waiting; the request stays open"
        until = f"{approval.deadline.astimezone():%a %H:%M}"
        so_far = f"{', '.join(counts(approval))}. " if counts(approval) else ""
        what = (
            f"{so_far}Waiting for a response until {until} ({remaining(approval.deadline, now)}). Ctrl-C {interrupt}."
        )
        if approval.decision:
            what = "Decided. Waiting for the workflow to receive the decision."
        self._show(what, dim=True)

    def outage(self, sentence: str, now: datetime) -> None:
        self.close()
        self._write(f"{_style(f'{now.astimezone():%H:%M:%S}', dim=True)}  {_style(plain(sentence), fg='yellow')}\n")

    def close(self) -> None:
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
