"""Findings of the doctor's checks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from approvals.domain.characters import reveal
from approvals.domain.model import Json
from cli.output import plain


class Check(StrEnum):
    """The checks. docs/doctor.md has a section for each."""

    STACK = "stack"
    VERSION = "version"
    FUNCTIONS = "functions"
    SCHEDULER = "clock"
    ALARMS = "alarms"
    DEAD_LETTERS = "dead-letter queue"
    EMAIL = "email"
    FILTERS = "email filters"
    TOKEN = "slack token"  # noqa: S105  # the name of a check
    SCOPES = "slack scopes"
    CHANNEL = "slack channel"
    SIGNING = "slack signing secret"
    EVENTS = "slack events"
    APPROVERS = "approvers"
    LINKS = "links"
    POLICY = "policy"
    DELEGATES = "delegates"
    ROUND_TRIP = "round trip"


class Level(StrEnum):
    """How severe a finding is."""

    OK = "ok"
    WARNING = "warning"
    """Works, but needs attention."""
    FAULT = "fault"
    """Something does not work, or will not for some people."""
    UNKNOWN = "unknown"
    """Could not be checked."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding as one sentence. `fix` has the commands to paste or the clicks to make, one on each line."""

    check: Check
    level: Level
    text: str
    fix: str = ""

    def as_json(self) -> Json:
        """Return the finding for programs. The keys are part of the public contract."""
        return {"check": self.check, "verdict": self.level, "text": self.text, "mend": self.fix}

    def lines(self) -> list[str]:
        """Return the finding for people."""
        shown = self.level if self.level is Level.OK else self.level.upper()
        first = f"{shown:8} {self.check}: {plain(self.text)}"
        return [first, *(f"{'':8} > {reveal(line)}" for line in self.fix.splitlines())]


def ok(check: Check, text: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(check, Level.OK, text)


def warning(check: Check, text: str, fix: str = "") -> Finding:
    """Return a finding that something needs attention."""
    return Finding(check, Level.WARNING, text, fix)


def fault(check: Check, text: str, fix: str) -> Finding:
    """Return a finding that something does not work."""
    return Finding(check, Level.FAULT, text, fix)


def unknown(check: Check, text: str, fix: str = "") -> Finding:
    """Return a finding that something could not be checked."""
    return Finding(check, Level.UNKNOWN, text, fix)


def exit_code(findings: Iterable[Finding]) -> int:
    """Return 1 if there is a fault, 3 if something could not be checked, else 0."""
    levels = {finding.level for finding in findings}
    if Level.FAULT in levels:
        return 1
    return 3 if Level.UNKNOWN in levels else 0
