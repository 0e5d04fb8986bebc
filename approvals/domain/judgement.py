"""Types of `rules`: the events that can happen to an approval, and the judgement of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from approvals.domain.eligibility import Reason
from approvals.domain.form_fields import FormValue
from approvals.domain.forms import Problem
from approvals.domain.model import Action, Approval, Request, Response
from approvals.domain.people import Approver
from approvals.domain.pinned_policy import PolicyVersion


class Verdict(StrEnum):
    """The effect of an event on an approval."""

    DECIDED = "DECIDED"
    COUNTED = "COUNTED"
    """The response is recorded. More responses are needed."""
    RESET = "RESET"
    """The response is recorded and changed the form, which reset the earlier approvals of other values."""
    OUTDATED = "OUTDATED"
    """Others filled in other values than this response, and the person was not shown them."""
    REPEATED = "REPEATED"
    """The person responded alike before, or the approval was decided alike: nothing to do, nothing wrong."""
    ANSWERED_OTHERWISE = "ANSWERED_OTHERWISE"
    """The person responded otherwise before, and can withdraw that first."""
    OVERRULED = "OVERRULED"
    """The approval was decided otherwise before."""
    TOO_LATE = "TOO_LATE"
    """The approval's deadline has passed."""
    CANCELLED = "CANCELLED"
    NOT_ALLOWED = "NOT_ALLOWED"
    """The person may not respond. The approval still waits."""
    INCOMPLETE = "INCOMPLETE"
    """The approver must complete or fix the response first."""
    ALREADY_USED = "ALREADY_USED"
    """The same click or form did something before, or it was sent before the person's last change: nothing to do."""
    WITHDRAWN = "WITHDRAWN"
    EXTENDED = "EXTENDED"
    NOT_DUE = "NOT_DUE"
    """Nothing to do: not yet, or no longer."""
    MOVED_ON = "MOVED_ON"
    """The approval is now reminded or escalated."""
    ASKED_AGAIN = "ASKED_AGAIN"
    """The policy changed. The approval has other rules, and no response so far counts."""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """An approver withdraws a response. `key` and `sent_at` are as in a `Response`."""

    approver: Approver
    at: datetime
    key: str = ""
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ExtensionRequest:
    """An approver extends the deadline. `key` and `sent_at` are as in a `Response`."""

    approver: Approver
    at: datetime
    key: str = ""
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A person decides alone, in an emergency. `policy` is today's, and `roles` are those that it lets override.

    Roles are ARNs without their paths.
    """

    approver: Approver
    action: Action
    at: datetime
    reason: str | None
    form: Mapping[str, FormValue] = field(default_factory=dict)
    roles: tuple[str, ...]
    policy: PolicyVersion


@dataclass(frozen=True, slots=True)
class Expiry:
    """The scheduler looks whether the deadline has passed."""

    at: datetime


@dataclass(frozen=True, slots=True)
class ScheduledCheck:
    """The scheduler looks whether to remind, escalate or expire."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Cancellation:
    """The approval is cancelled. `cause` is for people, `error` for a workflow that still waits.

    `reason` and `caller` are as in `cancellation.Stop`.
    """

    at: datetime
    cause: str
    error: str | None = None
    superseded_by: str | None = None
    reason: str | None = None
    caller: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChange:
    """The policy, as it was read `at` this moment, asks open approvals again.

    `request` is the request as this version of the policy raises it, None if it refuses it: then `problems` say why.
    Voided responses keep comments and forms only if the record `has_room`.
    """

    at: datetime
    policy: PolicyVersion
    request: Request | None
    problems: tuple[str, ...] = ()
    has_room: bool = True


ApprovalEvent = (
    Response | Override | Withdrawal | ExtensionRequest | Expiry | ScheduledCheck | Cancellation | PolicyChange
)


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, and the approval after the event. `changed` says whether there is something to store.

    `reason` says why the person may not respond, `problems` the missing or wrong parts of the response.
    """

    verdict: Verdict
    approval: Approval
    changed: bool
    reason: Reason | None = None
    problems: tuple[Problem, ...] = ()
