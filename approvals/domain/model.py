"""The words of the product as types. Standard library and `characters` only; nothing here reads a clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from approvals.domain.characters import MAX_NAME, one_line
from approvals.domain.email_address import is_same

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]


class Status(StrEnum):
    """Where an approval stands. Every status but PENDING is final."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"


class Action(StrEnum):
    """What an approver can answer."""

    APPROVE = "approve"
    REJECT = "reject"

    @property
    def status(self) -> Status:
        """The status that this answer leads to."""
        return Status.APPROVED if self is Action.APPROVE else Status.REJECTED


class Severity(StrEnum):
    """How much depends on the answer. HIGH asks for a second confirmation, on every channel."""

    NORMAL = "normal"
    HIGH = "high"


class Presence(StrEnum):
    """Whether something goes with an answer."""

    OFF = "off"
    OPTIONAL = "optional"
    REQUIRED = "required"


class OnTimeout(StrEnum):
    """What silence means at the deadline. Never an approval."""

    EXPIRE = "expire"
    REJECT = "reject"


class FieldType(StrEnum):
    """What a field of a form takes."""

    TEXT = "text"
    NUMBER = "number"
    CHOICE = "choice"
    YES_NO = "yes-no"
    DATE = "date"


class Channel:
    """Names of channels, as records have them: texts, since a channel that is added brings a name of its own.

    SYSTEM is the product itself: the clock, or a request that reached nobody.
    """

    EMAIL: Final = "email"
    SLACK: Final = "slack"
    SYSTEM: Final = "system"


class Step(StrEnum):
    """What is done once for an approval, each noted in the record when it is done."""

    REQUEST_EMAIL = "request_email"
    REQUEST_SLACK = "request_slack"
    RESUME = "resume"
    OUTCOME_EMAIL = "outcome_email"
    OUTCOME_SLACK = "outcome_slack"
    OUTCOME_THREAD = "outcome_thread"
    WORKFLOW_GONE = "workflow_gone"


class ContextNotReadError(Exception):
    """The request was read without its context, which must not pass for one that has none."""


FormValue = str | int | float | bool
"""What an approver fills in: a text, a number, yes or no; a date as text, 2026-11-23."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """One thing that the approver fills in. The limits are of a number or a date; `max_length` of a text."""

    name: str
    label: str
    type: FieldType
    default: FormValue | None = None
    required: bool = False
    choices: tuple[str, ...] = ()
    minimum: float | str | None = None
    maximum: float | str | None = None
    max_length: int = 3000


@dataclass(frozen=True, slots=True)
class MoreTime:
    """How often approvers may ask for more time, and how much they get each time."""

    times: int
    by: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked, of whom, and by which rules.

    `approvers` and `escalate_to` name people as the requester did: email addresses, Slack user ids, Slack user group
    ids; empty approvers mean whoever is asked. Durations count from the request. `context` is the execution's input
    without the request itself, or None where it was not read: lists don't read it. `digest` is the SHA-256 (64 hex
    digits) of all that was asked.
    """

    title: str | None = None
    details: str | None = None
    links: tuple[tuple[str, str], ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    requested_by: str | None = None
    severity: Severity = Severity.NORMAL
    approvers: tuple[str, ...] = ()
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
    escalate_to: tuple[str, ...] = ()
    escalate_after: timedelta | None = None
    more_time: MoreTime = MoreTime(0, timedelta(0))
    context: Mapping[str, Json] | None = field(default_factory=dict)
    digest: str = ""

    @property
    def whole_context(self) -> Mapping[str, Json]:
        """The context, for whoever shows or stores all that is asked. Raises `ContextNotReadError`."""
        if self.context is None:
            raise ContextNotReadError("this request is from a list: read it in full to show it")
        return self.context


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """The paused execution."""

    execution_arn: str
    execution_name: str
    state_machine_name: str
    state_name: str
    entered_at: str = ""
    """When the state was entered, as Step Functions writes it: the same for all attempts of a retried state."""
    attempt: int = 0
    """How often the state was retried before; each attempt has a task token of its own."""

    def retries(self, earlier: Workflow) -> bool:
        """Whether this is a later attempt of the same state of the same execution."""
        same = (earlier.execution_arn, earlier.state_name, earlier.entered_at)
        return self.attempt > earlier.attempt and (self.execution_arn, self.state_name, self.entered_at) == same


@dataclass(frozen=True, slots=True, kw_only=True)
class Approver:
    """Who answers. `id` is an email address or a Slack user id, `name` what people call them, on one line.

    `workspace` is the id of the Slack workspace they belong to; empty by email. `member` says whether they are a full
    member of it, no guest, bot or deactivated user; it is None where Slack was not asked, and is not stored.
    """

    id: str
    name: str
    channel: str
    workspace: str = ""
    member: bool | None = field(default=None, compare=False, metadata={"stored": False})

    def __post_init__(self) -> None:
        """Keep the name to one line: people choose their names, and one with line breaks could pose as our words.

        A name that is an address is never cut: two could look the same then.
        """
        object.__setattr__(self, "name", one_line(self.name, max(MAX_NAME, len(self.id))) or self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One human, whatever the channel. `name` is one line, `id` an email address in canonical form, or a Slack user id.

    `email` and `slack_id` are both known where Slack says that they are the same person's.
    """

    id: str
    name: str
    email: str = ""
    slack_id: str = ""

    def __post_init__(self) -> None:
        """Keep the name to one line, as an approver's."""
        object.__setattr__(self, "name", one_line(self.name, max(MAX_NAME, len(self.id))))

    def is_(self, approver: Approver) -> bool:
        """Whether this is who answers, whatever the spelling of their email address."""
        if approver.channel == Channel.SLACK:
            return approver.id == self.slack_id
        return is_same(self.email, approver.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Who is who, as it stood when the request was sent. `approvers` is empty when whoever is asked may answer.

    It is not `complete` while Slack could not be asked: then nobody can answer in Slack yet, but everybody by mail.
    """

    approvers: tuple[Person, ...] = ()
    escalation: tuple[Person, ...] = ()
    requester: Person | None = None
    complete: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What one approver said, and when (UTC).

    `person` is the id of the human who said it, `form` what they filled in. What was withdrawn counts no more.
    `key` names the click or the form that it came with, `withdrawal_key` the one that withdrew it: each is used once.
    `sent_at` is the second in which it was sent, as far as the channel proves it. It is not stored.
    """

    approver: Approver
    action: Action
    at: datetime
    comment: str | None = None
    form: Mapping[str, FormValue] = field(default_factory=dict)
    person: str = ""
    withdrawn_at: datetime | None = None
    key: str = ""
    withdrawal_key: str = ""
    sent_at: datetime | None = field(default=None, compare=False, metadata={"stored": False})


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An answer that was not taken, because this person may not answer."""

    approver: Approver
    action: Action
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """More time: who asked for it, when, and the deadline it led to. `key` is as in a `Response`."""

    approver: Approver
    at: datetime
    deadline: datetime
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """How the approval ended, when (UTC), and through which channel.

    `approver` is None when no person decided. `error` is then the error name the workflow gets, or None when it no
    longer waits. `superseded_by` is the id of the approval that took this one's place.
    """

    status: Status
    at: datetime
    channel: str
    approver: Approver | None = None
    comment: str | None = None
    error: str | None = None
    cause: str | None = None
    superseded_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackMessage:
    """Where a message stands in Slack, so that it can be edited, and the id of the app's own workspace.

    `user` is the id of whose direct message it is; empty in a channel.
    """

    channel: str
    ts: str
    workspace: str
    user: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One request for a decision; one record.

    `link_key` is a secret: it is kept out of `repr`, and must be kept out of everything else. It is empty where no link
    is made or checked.
    `people` is None until it is known who is who: nobody may answer before. `version` counts the writes that changed
    what was answered or asked; `steps` says what has been done about it, `reminded` how many reminders are due,
    `published` which events are on the bus.
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
    slack_message: SlackMessage | None = None
    direct_messages: tuple[SlackMessage, ...] = ()
    published: frozenset[str] = frozenset()

    @property
    def slack_messages(self) -> tuple[SlackMessage, ...]:
        """All messages that show it, the channel's first."""
        return (*([self.slack_message] if self.slack_message else []), *self.direct_messages)

    @property
    def resumed(self) -> bool | None:
        """Whether the decision reached the workflow; None while that is not known."""
        if Step.RESUME in self.steps:
            return True
        return False if Step.WORKFLOW_GONE in self.steps else None

    @property
    def told(self) -> bool:
        """Whether anybody was told of the request."""
        return any(step.startswith("request_") for step in self.steps)

    @property
    def standing(self) -> tuple[Response, ...]:
        """The responses that count: those that were not withdrawn."""
        return tuple(response for response in self.responses if response.withdrawn_at is None)

    @property
    def title(self) -> str:
        """The request's title, or one made from the execution's name (at most 150 characters)."""
        return self.request.title or f"Let {self.workflow.execution_name} continue?"


def iso(moment: datetime) -> str:
    """The moment in ISO 8601, UTC, to the millisecond: `2026-11-23T10:31:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def readable(moment: datetime) -> str:
    """The moment for people, with its time zone: `Mon 23 Nov 2026, 10:31 UTC`."""
    return moment.astimezone(UTC).strftime("%a %d %b %Y, %H:%M UTC")


def shorten(text: str, most: int) -> str:
    """The text, cut to at most `most` characters with an ellipsis as the last of them."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
