"""Do the due tasks of an approval: each step once, marked right after, and failing by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar

from approvals.domain.errors import DeliveryDelayedError, DeliveryError, DeliveryRefusedError
from approvals.domain.model import Approval, Delivery
from approvals.services.channel import Channel, Done, NotDone, Task, Tasks, Unreachable

NEWS = "news"
"""Work that is never marked: what people see of an approval is brought up to date as often as it changes."""

StepT = TypeVar("StepT", bound=str)


class StepsFailedError(Exception):
    """Some steps are not done: which, and why.

    `retry_after` (seconds) is set when nothing failed, but a service asked for a later retry. `refused` is set
    when services refuse all of them for good.
    """

    def __init__(self, failures: Mapping[StepT, Exception]) -> None:
        super().__init__("; ".join(f"{step}: {_reason(error)}" for step, error in failures.items()))
        self.steps: tuple[str, ...] = tuple(failures)
        self.refused = all(isinstance(error, DeliveryRefusedError) for error in failures.values())
        delays = [error.seconds for error in failures.values() if isinstance(error, DeliveryDelayedError)]
        self.retry_after = max(delays) if len(delays) == len(failures) else None


class Log(Protocol):
    """The part of a logger that is used here."""

    def info(self, msg: object, *, extra: Mapping[str, object]) -> None: ...  # noqa: D102
    def warning(self, msg: object, *, extra: Mapping[str, object]) -> None: ...  # noqa: D102
    def exception(self, msg: object, *, extra: Mapping[str, object]) -> None: ...  # noqa: D102


class Marks(Protocol):
    """The part of the approvals table that is used here."""

    def mark(self, approval: Approval, step: str, at: datetime, *, delivery: Delivery | None = None) -> Approval:
        """Mark a step as done, with the message that it left. Return the approval as it is now."""


class Run:
    """One pass over the due tasks of an approval. `approval` is the record as the last mark returned it.

    A step is marked right after it was done: a crash in between repeats this one step and drops none. One that fails
    holds up no other. With `until_decided` the rest is dropped once the approval is decided.
    """

    def __init__(
        self,
        approval: Approval,
        table: Marks,
        clock: Callable[[], datetime],
        log: Log,
        *,
        until_decided: bool = False,
    ) -> None:
        self.approval = approval
        self.queued: set[str] = set()
        self.unreachable: dict[str, str] = {}
        self._failures: dict[str, Exception] = {}
        self._table = table
        self._clock = clock
        self._log = log
        self._until_decided = until_decided

    def attempt(self, step: str, work: Callable[[Approval], Approval]) -> bool:
        """Do something that returns the approval as it is then. Note why it failed; return whether it did not."""
        try:
            self.approval = work(self.approval)
        except Exception as error:  # noqa: BLE001 whatever it is, it is raised at the end
            self._note(step, error)
            return False
        return True

    def plan(self, step: str, plan: Callable[[], Tasks]) -> Tasks | None:
        """Return a channel's tasks; None if it can't plan: its bug must not stop the other channels."""
        try:
            return plan()
        except Exception as error:  # noqa: BLE001 whatever it is, it is raised at the end
            self._note(step, error)
            return None

    def carry_out(self, tasks: Tasks) -> None:
        """Do every task whose step is not marked, in order."""
        for step, task in tasks.items():
            if self._is_open(step):
                self.attempt(step, partial(self._do, step, task))

    def show(self, channels: Iterable[Channel]) -> None:
        """Let every channel edit what shows the approval. This is never marked."""

        def show(channel: Channel, approval: Approval) -> Approval:
            channel.show(approval)
            return approval

        for channel in channels:
            self.attempt(NEWS, partial(show, channel))

    def is_settled(self, step: str) -> bool:
        """Return True if a step is marked, or will be by its channel."""
        return step in self.approval.steps or step in self.queued

    def tells_nobody(self) -> bool:
        """Return True if addresses are unreachable, nobody was told, and nothing is left that may tell people."""
        return bool(self.unreachable) and not (self.approval.told or self.queued or self._failures)

    def raise_failures(self) -> None:
        """Raise `StepsFailedError` if something failed."""
        if self._failures:
            raise StepsFailedError(self._failures)

    def _note(self, step: str, error: Exception) -> None:
        if isinstance(error, DeliveryError):
            self._log.warning("step failed, will be tried again", extra={"step": str(step), "reason": str(error)})
        else:
            self._log.exception("step failed", extra={"step": str(step)})
        self._failures.setdefault(step, error)

    def _is_open(self, step: str) -> bool:
        return step not in self.approval.steps and not (self._until_decided and self.approval.decision)

    def _do(self, step: str, task: Task, approval: Approval) -> Approval:
        result = task(approval)
        if isinstance(result, NotDone):
            if result is NotDone.QUEUED:
                self.queued.add(step)
                self._log.info("step queued", extra={"step": str(step)})
            return approval
        if isinstance(result, Unreachable):
            self.unreachable[step] = result.reason
            return approval
        if isinstance(result, Done):
            marked = self._table.mark(approval, step, self._clock(), delivery=result.delivery)
            self._log.info("step done", extra={"step": str(step)})
            return marked
        for_each(result.items(), self._do_part)
        if result and result.keys() <= self.unreachable.keys():
            self.unreachable[step] = "; ".join(dict.fromkeys(self.unreachable[part] for part in result))
            return self.approval
        return self._table.mark(self.approval, step, self._clock())

    def _do_part(self, part: tuple[str, Task]) -> None:
        step, task = part
        if self._is_open(step):
            self.approval = self._do(step, task, self.approval)


MAX_FAILURES = 3
"""After this number of failures, the service itself fails: other tasks would only take time."""

Item = TypeVar("Item")


def for_each(items: Iterable[Item], do: Callable[[Item], None]) -> None:
    """Do something for each; failing with one does not keep it from the others.

    Raise at the end what failed: `DeliveryRefusedError` only when nothing else did. `DeliveryDelayedError` ends it at
    once.
    """
    refused: list[DeliveryError] = []
    failed: list[DeliveryError] = []
    for item in items:
        try:
            do(item)
        except DeliveryDelayedError:
            raise
        except DeliveryRefusedError as error:
            refused.append(error)
        except DeliveryError as error:
            failed.append(error)
            if len(failed) == MAX_FAILURES:
                break
    for problem in (*failed, *refused):
        raise problem


def _reason(error: Exception) -> str:
    # Only our own exceptions are known to carry no secret.
    return str(error) if isinstance(error, DeliveryError) else type(error).__name__
