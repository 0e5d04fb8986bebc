"""The core's types: an approval, its request, responses and decision. Nothing here reads a clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from approvals.domain.form_fields import FormField, FormValue
from approvals.domain.grants import GrantTerms, Spend
from approvals.domain.groups import Group
from approvals.domain.people import Approver, People
from approvals.domain.pinned_policy import AskedAgain, PinnedPolicy, PolicyVersion
from approvals.domain.previous import Previous
from approvals.domain.steps import REQUEST, Step
from approvals.domain.workflow import Workflow
from approvals.domain.working_hours import WorkingHours

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]


class Status(StrEnum):
    """The status of an approval. Every one but PENDING is final."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"


class Action(StrEnum):
    """What an approver can do with a request."""

    APPROVE = "approve"
    REJECT = "reject"

    @property
    def status(self) -> Status:
        """Return the status that this response leads to."""
        return Status.APPROVED if self is Action.APPROVE else Status.REJECTED


class RequestKind(StrEnum):
    """What a request asks for. It changes words, no rules: an answered question is approved."""

    APPROVAL = "approval"
    QUESTION = "question"


class Severity(StrEnum):
    """How much depends on the decision. HIGH asks for a second confirmation, on every channel."""

    NORMAL = "normal"
    HIGH = "high"


class Presence(StrEnum):
    """Whether a response has a comment."""

    OFF = "off"
    OPTIONAL = "optional"
    REQUIRED = "required"


class OnTimeout(StrEnum):
    """What silence means at the deadline. Never an approval."""

    EXPIRE = "expire"
    REJECT = "reject"


SYSTEM: Final = "system"
"""The channel of what the product itself does: the scheduler, or a request that reached nobody."""


class ContextNotReadError(Exception):
    """The request was read without its context: it must not pass for one that has none."""


@dataclass(frozen=True, slots=True)
class MoreTime:
    """How often approvers may extend the deadline, and by how much."""

    times: int
    by: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request: its content, its approvers and its rules.

    `approvers`, `groups`, `silent` and `escalate_to` name people as the requester did: addresses, user ids and user
    group ids of channels. `silent` people may respond and are not told. Durations count from the request. `context` is
    the execution's input without the request itself, or None where it was not read: lists don't read it. `digest` is
    the SHA-256 (64 hex digits) of all that was asked. `action` is what exactly is approved, in JSON, or None; `grant`
    has the terms on which it can be executed. `policy` is the operator's policy that the request was merged with.
    """

    title: str | None = None
    details: str | None = None
    links: tuple[tuple[str, str], ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    subject: str | None = field(default=None, metadata={"label": "Subject"})
    action: Json = None
    grant: GrantTerms | None = None
    requested_by: str | None = None
    kind: RequestKind = RequestKind.APPROVAL
    severity: Severity = Severity.NORMAL
    approvers: tuple[str, ...] = ()
    groups: tuple[Group, ...] = ()
    silent: tuple[str, ...] = ()
    required_approvals: int = 1
    required_rejections: int = 1
    allow_self_approval: bool = False
    notify: tuple[str, ...] = ()
    channel: str | None = None
    comments: Mapping[Action, Presence] = field(default_factory=lambda: dict.fromkeys(Action, Presence.OPTIONAL))
    form: tuple[FormField, ...] = ()
    timeout: timedelta
    on_timeout: OnTimeout = OnTimeout.EXPIRE
    reminders: tuple[timedelta, ...] = ()
    remind_during: WorkingHours | None = None
    escalate_to: tuple[str, ...] = ()
    escalate_after: timedelta | None = None
    more_time: MoreTime = MoreTime(0, timedelta(0))
    context: Mapping[str, Json] | None = field(default_factory=dict)
    digest: str = ""
    policy: PinnedPolicy | None = None

    @property
    def is_open(self) -> bool:
        """Return True if everyone who is asked may respond: the request names nobody."""
        return not (self.approvers or self.groups)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of all who may respond, from the start or later."""
        in_groups = (name for group in self.groups for name in group.approvers)
        return (*self.approvers, *in_groups, *self.silent, *self.escalate_to)

    @property
    def whole_context(self) -> Mapping[str, Json]:
        """Return the context. Raise `ContextNotReadError`."""
        if self.context is None:
            raise ContextNotReadError("this request is from a list: read it in full to show it")
        return self.context


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """The response of one approver, and when (UTC). A withdrawn one does not count, nor one that was reset.

    `person` is the id of the human who responded, `form` what they filled in. `on_behalf_of` is the id of the person in
    whose place they did; it is empty in their own. `withdrawn_by` is that person's id if they withdrew the response of
    their delegate, or replaced it with their own. `replaced` are the values of earlier
    approvals that this one changed, which reset them; None if it changed none. A reset response has the time in
    `withdrawn_at`, so that no version counts it, and in `reset_by` the `person` whose response reset it. So has one
    that `is_void`: the policy changed, and the approval was asked again. `seen` is the
    `form_changes.form_key` of the values that the person was shown; it is not stored.
    `key` names the click or the form that it came with, `withdrawal_key` the one that withdrew it: each is used once.
    `sent_at` is the second in which it was sent, as far as the channel proves it. It is not stored. Nor is
    `is_outdated`: the approval was asked again since its channel read it.
    """

    approver: Approver
    action: Action
    at: datetime
    comment: str | None = None
    form: Mapping[str, FormValue] = field(default_factory=dict)
    person: str = ""
    withdrawn_at: datetime | None = None
    on_behalf_of: str = field(default="", metadata={"omitted": ""})
    withdrawn_by: str = field(default="", metadata={"omitted": ""})
    key: str = ""
    withdrawal_key: str = ""
    replaced: Mapping[str, FormValue] | None = None
    reset_by: str = ""
    is_void: bool = field(default=False, metadata={"omitted": False})
    seen: str = field(default="", compare=False, metadata={"stored": False})
    sent_at: datetime | None = field(default=None, compare=False, metadata={"stored": False})
    is_outdated: bool = field(default=False, compare=False, metadata={"stored": False})

    @property
    def seat(self) -> str:
        """Return the id of the person whose seat the response fills."""
        return self.on_behalf_of or self.person


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A response that was refused, because this person may not respond. `is_override` if it was an override."""

    approver: Approver
    action: Action
    at: datetime
    reason: str
    is_override: bool = field(default=False, metadata={"omitted": False})


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """An extension: who extended the deadline, when, and to when. `key` is as in a `Response`."""

    approver: Approver
    at: datetime
    deadline: datetime
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """How the approval ended, when (UTC), and through which channel.

    `approver` is None when no person decided. `error` is then the error name the workflow gets, or None when it no
    longer waits. `superseded_by` is the id of the approval that took this one's place. `cancelled_by` is the ARN of the
    caller who stopped the execution, as its cause claims; `comment` is then their reason. `override` is the policy that
    let the approver decide alone; `comment` is then their reason, and `form` what they filled in. It is None for all
    other decisions.
    """

    status: Status
    at: datetime
    channel: str
    approver: Approver | None = None
    comment: str | None = None
    error: str | None = None
    cause: str | None = None
    superseded_by: str | None = None
    cancelled_by: str | None = None
    override: PolicyVersion | None = field(default=None, metadata={"omitted": None})
    form: Mapping[str, FormValue] = field(default_factory=dict, metadata={"omitted": {}})


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message that shows the approval and can be edited.

    `place` and `id` say where it is, in the channel's words. `to` is its only reader; empty in a place that many read.
    `realm` is the organization on the channel that may respond there.
    """

    channel: str
    place: str
    id: str
    to: str = ""
    realm: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One request for a decision; one record.

    `link_key` is a secret: it is kept out of `repr`, and must be kept out of everything else. It is empty where no link
    is made or checked. `people` is None until identities are resolved: nobody may respond before. `version` counts the
    writes that changed responses or deadlines; `steps` are the marks of done tasks, `reminded` is the number of
    reminders that are due, `published` the marks of published events. `grant_hash` is the digest of the grant's id, or
    empty where it was not read; `spends` are the uses of the grant, by the digests of their keys. `previous` is None
    until a request with a subject is compared.
    """

    id: str
    link_key: bytes = field(repr=False)
    request: Request
    workflow: Workflow
    requested_at: datetime
    deadline: datetime
    status: Status = Status.PENDING
    version: int = 1
    people: People | None = None
    responses: tuple[Response, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    extensions: tuple[Extension, ...] = ()
    reminded: int = 0
    escalated_at: datetime | None = None
    decision: Decision | None = None
    steps: Mapping[str, datetime] = field(default_factory=dict)
    deliveries: tuple[Delivery, ...] = ()
    published: frozenset[str] = frozenset()
    grant_hash: str = field(default="", repr=False)
    spends: Mapping[str, Spend] = field(default_factory=dict)
    previous: Previous | None = None

    @property
    def resumed(self) -> bool | None:
        """Return True if the decision reached the workflow; None while that is not known."""
        if Step.RESUME in self.steps:
            return True
        return False if Step.WORKFLOW_GONE in self.steps else None

    @property
    def told(self) -> bool:
        """Return True if anyone was asked."""
        return any(step.startswith(REQUEST) for step in self.steps)

    @property
    def standing(self) -> tuple[Response, ...]:
        """Return the responses that count: those that were neither withdrawn nor reset, and are not void."""
        return tuple(response for response in self.responses if response.withdrawn_at is None)

    @property
    def asked_again(self) -> tuple[AskedAgain, ...]:
        """Return the changes of the policy after which the approval was asked again."""
        return self.request.policy.asked_again if self.request.policy else ()

    @property
    def last_asked(self) -> datetime:
        """Return when the approval was asked, or asked again last. No response that was sent before counts."""
        return max([self.requested_at, *(each.at for each in self.asked_again)])

    @property
    def is_overridden(self) -> bool:
        """Return True if an override decided."""
        return self.decision is not None and self.decision.override is not None

    @property
    def title(self) -> str:
        """Return the request's title, or one made from the execution's name (at most 150 characters)."""
        return self.request.title or f"Continue execution {self.workflow.execution_name}?"


def iso(moment: datetime) -> str:
    """Return the moment in ISO 8601, UTC, to the millisecond: `2026-11-23T10:31:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def readable(moment: datetime) -> str:
    """Return the moment for people, with its time zone: `23 Nov 2026, 10:31 UTC`."""
    utc = moment.astimezone(UTC)
    return f"{utc.day} {utc:%b %Y, %H:%M} UTC"


def shorten(text: str, most: int) -> str:
    """Return the text, cut to at most `most` characters with an ellipsis as the last of them."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
