"""All checks in their order. What one of them may not look at does not keep the others from looking."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from botocore.exceptions import BotoCoreError, ClientError

from approvals.domain.errors import DeliveryError
from cli.context import Failure
from cli.doctor import links, mail, people, slack, stack
from cli.doctor.finding import Check, Finding, unknown
from cli.doctor.patient import Patient
from cli.doctor.round_trip import round_trip
from cli.refusals import explained

Look = Callable[[Patient], Iterator[Finding]]

PARTS: tuple[tuple[Check, Look], ...] = (
    (Check.VERSION, stack.version),
    (Check.FUNCTIONS, stack.functions),
    (Check.CLOCK, stack.clock),
    (Check.ALARMS, stack.alarms),
    (Check.DEAD_LETTERS, stack.dead_letters),
    (Check.EMAIL, mail.subscriptions),
    (Check.TOKEN, slack.slack),
    (Check.LINKS, links.links),
)
"""Each part of the examination, and the check that it begins with."""


def examine(patient: Patient, *, approvers: Sequence[str] = (), with_round_trip: bool = False) -> Iterator[Finding]:
    """Everything that is found, as it is found. Without a stack there is nothing more to look at.

    `approvers` are names to look up besides those of open requests.
    """
    parts: list[tuple[Check, Look]] = [*PARTS, (Check.APPROVERS, partial(people.approvers, named=approvers))]
    if with_round_trip:
        parts.append((Check.ROUND_TRIP, round_trip))
    yield from guarded(patient, Check.STACK, stack.presence)
    if patient.is_known:
        for check, look in parts:
            yield from guarded(patient, check, look)


def guarded(patient: Patient, check: Check, look: Look) -> Iterator[Finding]:
    """What a part finds; when AWS refuses or can't be reached, that."""
    try:
        yield from look(patient)
    except (ClientError, BotoCoreError, DeliveryError) as error:
        yield unknown(check, explained(error) or str(error))
    except Failure as failure:
        yield unknown(check, failure.message)
