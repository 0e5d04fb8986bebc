"""The words of the product as types. Standard library only; nothing here reads a clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from unicodedata import category

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


class Channel(StrEnum):
    """Where an answer came from. SYSTEM is the product itself: the clock, or a request that reached nobody."""

    EMAIL = "email"
    SLACK = "slack"
    SYSTEM = "system"


class Step(StrEnum):
    """What is done once for an approval, each noted in the record when it is done."""

    REQUEST_EMAIL = "request_email"
    REQUEST_SLACK = "request_slack"
    RESUME = "resume"
    OUTCOME_EMAIL = "outcome_email"
    OUTCOME_SLACK = "outcome_slack"
    WORKFLOW_GONE = "workflow_gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the approver is asked.

    `context` is the execution's input without the request itself. `timeout` is how long an answer is waited for.
    """

    title: str | None = None
    details: str | None = None
    requested_by: str | None = None
    timeout: timedelta
    context: Mapping[str, Json] = field(default_factory=dict)


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
    """Who answers. `id` is an email address or a Slack user id, `name` what people call them.

    `workspace` is the id of the Slack workspace they belong to; empty by email.
    """

    id: str
    name: str
    channel: Channel
    workspace: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What one approver said, and when (UTC)."""

    approver: Approver
    action: Action
    at: datetime
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """How the approval ended, when (UTC), and through which channel.

    `approver` is None when no person decided. `error` is then the error name the workflow gets, or None when it no
    longer waits. `superseded_by` is the id of the approval that took this one's place.
    """

    status: Status
    at: datetime
    channel: Channel
    approver: Approver | None = None
    comment: str | None = None
    error: str | None = None
    cause: str | None = None
    superseded_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackMessage:
    """Where a message stands in Slack, so that it can be edited, and the id of the app's own workspace."""

    channel: str
    ts: str
    workspace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One request for a decision; one record.

    `task_token` and `link_key` are secrets: they are kept out of `repr`, and must be kept out of everything else.
    `task_token` is None for everybody but the two functions that need it: `request` and `decision`.
    `version` counts the writes that changed what was answered; `steps` says what has been done about it.
    """

    id: str
    task_token: str | None = field(default=None, repr=False)
    link_key: bytes = field(repr=False)
    request: Request
    workflow: Workflow
    requested_at: datetime
    deadline: datetime
    status: Status = Status.PENDING
    version: int = 1
    responses: tuple[Response, ...] = ()
    decision: Decision | None = None
    steps: Mapping[Step, datetime] = field(default_factory=dict)
    slack_message: SlackMessage | None = None

    @property
    def resumed(self) -> bool | None:
        """Whether the decision reached the workflow; None while that is not known."""
        if Step.RESUME in self.steps:
            return True
        return False if Step.WORKFLOW_GONE in self.steps else None

    @property
    def told(self) -> bool:
        """Whether anybody was told of the request."""
        return bool(self.steps.keys() & {Step.REQUEST_EMAIL, Step.REQUEST_SLACK})

    @property
    def title(self) -> str:
        """The request's title, or one made from the execution's name (at most 150 characters)."""
        return self.request.title or f"Let {self.workflow.execution_name} continue?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A private message to one Slack user, left for the backend to deliver."""

    id: str
    channel: str
    user: str
    text: str


def iso(moment: datetime) -> str:
    """The moment in ISO 8601, UTC, to the millisecond: `2026-11-23T10:31:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def readable(moment: datetime) -> str:
    """The moment for people, with its time zone: `Mon 23 Nov 2026, 10:31 UTC`."""
    return moment.astimezone(UTC).strftime("%a %d %b %Y, %H:%M UTC")


def is_hidden(character: str) -> bool:
    """Whether a character is a control character, or turns the writing direction. Line breaks and tabs are neither."""
    return (category(character) == "Cc" and character not in "\n\r\t") or character in _TURNS


_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def shorten(text: str, most: int) -> str:
    """The text, cut to at most `most` characters with an ellipsis as the last of them."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
