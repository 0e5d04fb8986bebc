"""Work that is owed for an approval: each step done once, and failing by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol, TypeVar

from approvals.domain.errors import DeliveryDelayed, DeliveryFailed, DeliveryRefused
from approvals.domain.model import Approval

StepT = TypeVar("StepT", bound=str)
"""A `Step`, or one for a single recipient: `request_email:ann@example.com`."""


class StepsFailed(Exception):  # noqa: N818
    """Some steps are still owed. Says which, and why.

    `retry_after` is set when nothing failed, but a service asked to come back after so many seconds.
    """

    def __init__(self, failures: Mapping[StepT, Exception]) -> None:
        super().__init__("; ".join(f"{step}: {_reason(error)}" for step, error in failures.items()))
        self.steps: tuple[str, ...] = tuple(failures)
        delays = [error.seconds for error in failures.values() if isinstance(error, DeliveryDelayed)]
        self.retry_after = max(delays) if len(delays) == len(failures) else None


class Log(Protocol):
    """The part of a logger that is used here."""

    def warning(self, msg: object, *, extra: Mapping[str, object]) -> None: ...  # noqa: D102
    def exception(self, msg: object, *, extra: Mapping[str, object]) -> None: ...  # noqa: D102


Work = Callable[[Approval], Approval]
"""Does one step, marks it in the record right after, and returns the approval as the record has it then."""


def carry_out(approval: Approval, work: Mapping[StepT, Work], *, log: Log) -> Approval:
    """Do every step that the record does not mark as done, in order; return the approval as it is after them.

    Each step starts from the approval that the step before returned. Raise `StepsFailed` when some steps failed; the
    others are done. A step is marked after it was done: a crash in between repeats this one step and drops none.
    """
    failures: dict[StepT, Exception] = {}
    for step, do in work.items():
        if step in approval.steps:
            continue
        try:
            approval = do(approval)
        except DeliveryFailed as error:
            log.warning("step failed, will be tried again", extra={"step": str(step), "reason": str(error)})
            failures[step] = error
        except Exception as error:
            log.exception("step failed", extra={"step": str(step)})
            failures[step] = error
    if failures:
        raise StepsFailed(failures)
    return approval


MAX_FAILURES = 3
"""When so many fail, it is the service that fails: the others would only take their time."""

Item = TypeVar("Item")


def for_each(items: Iterable[Item], do: Callable[[Item], None]) -> None:
    """Does something for each; failing with one does not keep it from the others.

    Raises at the end what failed: `DeliveryRefused` only when nothing else did. `DeliveryDelayed` ends it at once.
    """
    refused: list[DeliveryFailed] = []
    failed: list[DeliveryFailed] = []
    for item in items:
        try:
            do(item)
        except DeliveryDelayed:
            raise
        except DeliveryRefused as error:
            refused.append(error)
        except DeliveryFailed as error:
            failed.append(error)
            if len(failed) == MAX_FAILURES:
                break
    for problem in (*failed, *refused):
        raise problem


def _reason(error: Exception) -> str:
    # Only our own exceptions are known to carry no secret.
    return str(error) if isinstance(error, DeliveryFailed) else type(error).__name__


def step_for(kind: str, recipient: str) -> str:
    """The step that owes a mail of a kind to a recipient."""
    return f"{kind}:{recipient}"


def recipient_of(step: str) -> str:
    """Whom a step owes a mail to."""
    return step.partition(":")[2]
