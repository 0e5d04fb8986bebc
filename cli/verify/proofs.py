"""Proofs: what held and what did not, each with the next step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from approvals.domain.characters import reveal
from approvals.domain.model import Json
from cli.aws_errors import explain, is_denied
from cli.context import CommandError, Context
from cli.doctor.findings import Finding, Level
from cli.output import plain

_PERMISSIONS = "Ask your administrator for the permissions in docs/operate.md, under Verify a deployment"


class Verdict(StrEnum):
    """Whether something held."""

    OK = "ok"
    WARNING = "warning"
    """It holds, but needs attention."""
    FAILED = "failed"
    """It does not hold, or could not be tried."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What was tried and what came of it. `next_step` has commands to paste or places to look, one on each line."""

    name: str
    verdict: Verdict
    text: str
    next_step: str = ""

    def as_json(self) -> Json:
        """Return the proof for programs. The keys are part of the public contract."""
        return {"proof": self.name, "verdict": self.verdict, "text": self.text, "next": self.next_step}

    def lines(self) -> list[str]:
        """Return the proof for people."""
        shown = self.verdict if self.verdict is Verdict.OK else self.verdict.upper()
        first = f"{shown:8} {self.name}: {plain(self.text)}"
        return [first, *(f"{'':8} > {reveal(line)}" for line in self.next_step.splitlines())]


Report: TypeAlias = Callable[[Proof], None]
Chapter: TypeAlias = Callable[[], Iterator[Proof]]


class NotProvenError(Exception):
    """Something does not hold, and the rest of the chapter can't be tried."""

    def __init__(self, name: str, text: str, next_step: str) -> None:
        super().__init__(text)
        self.proof = failed(name, text, next_step)


def ok(name: str, text: str) -> Proof:
    """Return a proof that something holds."""
    return Proof(name, Verdict.OK, text)


def failed(name: str, text: str, next_step: str) -> Proof:
    """Return that something does not hold, or could not be tried."""
    return Proof(name, Verdict.FAILED, text, next_step)


def proof_of(finding: Finding) -> Proof:
    """Return a finding of the doctor as a proof. What the doctor could not check is not proven."""
    verdicts = {Level.OK: Verdict.OK, Level.WARNING: Verdict.WARNING}
    return Proof(finding.check, verdicts.get(finding.level, Verdict.FAILED), finding.text, finding.fix)


def tell(context: Context, report: Report, name: str, chapter: Chapter) -> None:
    """Report the proofs of a chapter. An error ends it as a failed proof called `name`."""
    again = f"{context.command('verify-deployment')}   # again in a minute"
    try:
        for proof in chapter():
            report(proof)
    except NotProvenError as error:
        report(error.proof)
    except (ClientError, BotoCoreError) as error:
        text = str(explain(error))
        if is_denied(error):  # The advice that follows is about another list of permissions.
            report(failed(name, text.partition(". ")[0], _PERMISSIONS))
        else:
            report(failed(name, text, again))
    except HTTPError as error:
        report(failed(name, f"the stack's address can't be reached from here: {type(error).__name__}", again))
    except CommandError as error:
        report(failed(name, error.message, again))


def exit_code(proofs: Iterable[Proof]) -> int:
    """Return 1 if something did not hold, else 0."""
    return int(any(proof.verdict is Verdict.FAILED for proof in proofs))
