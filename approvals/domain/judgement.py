"""What can happen to an approval, and how it is judged: the words of `rules`, which judges. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from approvals.domain.eligibility import Reason
from approvals.domain.forms import Problem
from approvals.domain.model import Approval, Approver, Response


class Verdict(StrEnum):
    """What became of an event."""

    DECIDED = "DECIDED"
    """It decided the approval."""
    COUNTED = "COUNTED"
    """It counts, and more answers are needed."""
    REPEATED = "REPEATED"
    """This person answered so before, or the approval was decided this way: nothing to do, nothing wrong."""
    ANSWERED_OTHERWISE = "ANSWERED_OTHERWISE"
    """This person answered otherwise before: they may withdraw that first."""
    OVERRULED = "OVERRULED"
    """The approval was already decided otherwise."""
    TOO_LATE = "TOO_LATE"
    """The approval's deadline has passed."""
    CANCELLED = "CANCELLED"
    """The approval was called off."""
    NOT_ALLOWED = "NOT_ALLOWED"
    """This person may not answer. The approval waits on."""
    INCOMPLETE = "INCOMPLETE"
    """Something must be filled in, or mended, first."""
    ALREADY_USED = "ALREADY_USED"
    """The same click or form did something before, or it was sent before the person's last change: nothing to do."""
    WITHDRAWN = "WITHDRAWN"
    """The person's answer counts no more."""
    EXTENDED = "EXTENDED"
    """There is more time now."""
    NOT_DUE = "NOT_DUE"
    """There is nothing to do: not yet, or no more."""
    MOVED_ON = "MOVED_ON"
    """It was time to remind or to escalate."""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """An approver takes back what they answered. `key` and `sent_at` are as in a `Response`."""

    approver: Approver
    at: datetime
    key: str = ""
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Postponement:
    """An approver asks for more time. `key` and `sent_at` are as in a `Response`."""

    approver: Approver
    at: datetime
    key: str = ""
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Expiry:
    """The clock's event: the deadline may have passed."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Tick:
    """The clock's event: it may be time to remind, to escalate, or to expire."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Cancellation:
    """The approval is called off. `cause` is for people; `error` is for a workflow that still waits."""

    at: datetime
    cause: str
    error: str | None = None
    superseded_by: str | None = None


Event = Response | Withdrawal | Postponement | Expiry | Tick | Cancellation


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, and the approval as it stands after it. `changed` says whether there is something to store.

    `reason` says why somebody may not answer, `problems` what is missing or wrong in an answer.
    """

    verdict: Verdict
    approval: Approval
    changed: bool
    reason: Reason | None = None
    problems: tuple[Problem, ...] = ()
