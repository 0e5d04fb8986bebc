"""The Protocol of a channel: send requests and updates, and show how an approval ended.

docs/channels.md shows how to add one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias

from approvals.domain.model import Approval, Delivery


class NewsKind(StrEnum):
    """What people are told after the request. The values begin step keys: never rename them."""

    ESCALATION = "escalation"
    EXTENSION = "extension"
    POLICY = "policy"
    """The policy changed, and the approval is asked again: it concerns everyone who was asked before."""
    REMINDER = "reminder"
    RESET = "reset"
    """Approvals were reset, since an approver changed the form: it concerns `people_to_respond_again` alone."""


@dataclass(frozen=True, slots=True)
class News:
    """Something that happened since the request. `topic` is the step that closes it, such as `reminder-2`."""

    kind: NewsKind
    topic: str


@dataclass(frozen=True, slots=True)
class Done:
    """The task is done. The core marks its step and stores the message that can be edited later, in one write."""

    delivery: Delivery | None = None


class NotDone(StrEnum):
    """A retry would change nothing, and the step is not marked."""

    MOOT = "moot"
    """There is nothing to do any more: decided meanwhile."""
    QUEUED = "queued"
    """The channel does it later and marks the step itself, such as in a digest."""


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Nobody is behind the address, and trying again does not help. `reason` tells the requester why.

    The step is not marked. If no channel tells anyone of the request, the core cancels it. News are tried again when
    there are others.
    """

    reason: str


Task: TypeAlias = "Callable[[Approval], Done | NotDone | Unreachable | Tasks]"
"""Does one thing, given the record as it is now. It may return parts instead: it is done when they are, unless they
all are unreachable.

Raises `DeliveryError` when it should be tried again. It never marks its step.
"""

Tasks: TypeAlias = Mapping[str, Task]
"""Tasks by their step keys, in order. A key is stored in the record, so that its task is done once: never rename it."""


class Channel(Protocol):
    """A way to people. Planning calls nothing and raises nothing; the tasks do the work."""

    @property
    def name(self) -> str:
        """The name in records, results, events and step keys."""

    def invite(self, approval: Approval) -> Tasks:
        """Return the tasks that ask people or tell them of the request: `request_NAME[:TO]`, `notice_NAME[:TO]`.

        If no task asked anyone in half an hour, the request is cancelled: a notice does not count.
        """

    def update(self, approval: Approval, news: News) -> Tasks:
        """Return the tasks that send an update to all recipients: `TOPIC:TO`, as `reminder-1:ann@example.com`."""

    def conclude(self, approval: Approval) -> Tasks:
        """Return the tasks that tell people how the approval ended: `outcome_NAME[:TO]`."""

    def show(self, approval: Approval) -> None:
        """Edit what can be edited, so that it shows the progress or the outcome. Called often and never marked.

        An error is tried again with the news. If the message was deleted, log it and return.
        """
