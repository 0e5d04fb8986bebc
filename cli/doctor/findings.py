"""What a check found, and how it reads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from approvals.domain.characters import reveal
from approvals.domain.model import Json
from cli.output import plain


class Check(StrEnum):
    """Everything that is looked at. docs/doctor.md has a section for each."""

    STACK = "stack"
    VERSION = "version"
    FUNCTIONS = "functions"
    CLOCK = "clock"
    ALARMS = "alarms"
    DEAD_LETTERS = "dead-letter queue"
    EMAIL = "email"
    FILTERS = "email filters"
    TOKEN = "slack token"  # noqa: S105  # the name of a check
    SCOPES = "slack scopes"
    CHANNEL = "slack channel"
    SIGNING = "slack signing secret"
    APPROVERS = "approvers"
    LINKS = "links"
    ROUND_TRIP = "round trip"


class Verdict(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    """Works, but somebody should know."""
    FAULT = "fault"
    """Something does not work, or will not for somebody."""
    UNKNOWN = "unknown"
    """Could not be looked at."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence, and below it what to do: commands to paste or clicks to make, a line each."""

    check: Check
    verdict: Verdict
    text: str
    mend: str = ""

    def as_json(self) -> Json:
        """For programs; `mend` is empty where nothing is to be done."""
        return {"check": self.check, "verdict": self.verdict, "text": self.text, "mend": self.mend}

    def lines(self) -> list[str]:
        """For people."""
        shown = self.verdict if self.verdict is Verdict.OK else self.verdict.upper()
        first = f"{shown:8} {self.check}: {plain(self.text)}"
        return [first, *(f"{'':8} > {reveal(line)}" for line in self.mend.splitlines())]


def ok(check: Check, text: str) -> Finding:
    """All is well."""
    return Finding(check, Verdict.OK, text)


def warning(check: Check, text: str, mend: str = "") -> Finding:
    """Works, but somebody should know."""
    return Finding(check, Verdict.WARNING, text, mend)


def fault(check: Check, text: str, mend: str) -> Finding:
    """Does not work, and this mends it."""
    return Finding(check, Verdict.FAULT, text, mend)


def unknown(check: Check, text: str, mend: str = "") -> Finding:
    """Could not be looked at."""
    return Finding(check, Verdict.UNKNOWN, text, mend)


def exit_code(findings: Iterable[Finding]) -> int:
    """0 all well, 1 something is wrong, 3 nothing is known to be wrong but not all could be looked at."""
    verdicts = {finding.verdict for finding in findings}
    if Verdict.FAULT in verdicts:
        return 1
    return 3 if Verdict.UNKNOWN in verdicts else 0
