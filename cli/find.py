"""Finds the approval that somebody means: by its id, the beginning of it, or its execution's name or ARN."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import chain

from botocore.exceptions import ClientError

from approvals.links import is_approval_id
from approvals.model import Approval
from approvals.table import ApprovalTable, NotFound
from cli.context import Context, Failure
from cli.output import left_out
from cli.refusals import code

MIN_PREFIX = 4
"""Characters of an id that are taken for one."""

LOOK_BACK = timedelta(days=31)
"""How far back the beginning of an id is looked for, besides among all that are open."""

_PREFIX = re.compile(rf"[a-z2-7]{{{MIN_PREFIX},31}}")

_BEFORE, _AFTER = timedelta(minutes=1), timedelta(minutes=15)
"""When an execution asked, seen from its start: clocks differ, and Lambda may be busy."""

_MOST_NAMED = 5

_NO_EXECUTION = frozenset({"ExecutionDoesNotExist", "InvalidArn", "ValidationException"})


def find(context: Context, wanted: str) -> Approval:
    """The approval that is meant. Raises `Failure` when there is none, or more than one."""
    if wanted.startswith("arn:"):
        return _of_execution(context, wanted)
    if is_approval_id(wanted):
        return _only(context, [wanted], wanted)
    # An execution's name before the beginning of an id: who chose the name means it, and ids are made by chance.
    try:
        return _of_execution(context, execution_arn(context, wanted))
    except Failure:
        if _PREFIX.fullmatch(wanted) and (ids := _beginning_with(context, wanted)):
            return _only(context, ids, wanted)
        raise


def execution_arn(context: Context, name: str) -> str:
    """The ARN of an execution of the stack's state machine."""
    return f"{context.output('StateMachineHumanApprovalArn').replace(':stateMachine:', ':execution:')}:{name}"


def approvals_of(context: Context, arn: str, started: datetime) -> Iterator[Approval]:
    """The approvals of an execution that started then: the one that waits, or else all it asked for, the newest first.

    The indexes know of a new approval only after a moment.
    """
    table = ApprovalTable(context.dynamodb, context.output("ApprovalTableName"))
    if waiting := [approval.id for approval in context.listing.each(table.waiting(arn))]:
        yield from in_full(context, waiting)
        return
    asked = context.listing.requested(started - _BEFORE, started + _AFTER)
    yield from in_full(context, (approval.id for approval in asked if approval.workflow.execution_arn == arn))


def in_full(context: Context, ids: Iterable[str]) -> Iterator[Approval]:
    """The approvals with these ids, in full, read as they are used. Raises `UnreadableError`."""
    for approval_id in ids:
        with suppress(NotFound):
            yield context.listing.get(approval_id)


def _of_execution(context: Context, arn: str) -> Approval:
    try:
        started = context.stepfunctions.describe_execution(executionArn=arn)["startDate"]
    except ClientError as error:
        if code(error) not in _NO_EXECUTION:
            raise
    else:
        for approval in approvals_of(context, arn, started):
            return approval
    missing = f"{left_out(context.unreadable)}. " if context.unreadable else ""
    raise Failure(
        f"There is no approval {arn.rsplit(':', 1)[-1]}: no id, no beginning of one, and no execution that asked. "
        f"{missing}See which there are: {context.command('list', '--status', 'any', '--since', '30d')}"
    )


def _beginning_with(context: Context, prefix: str) -> list[str]:
    now = context.clock()
    recent = context.listing.requested_ids(now - LOOK_BACK, now + _BEFORE)
    ids = chain(context.listing.due_ids(), recent)
    return sorted({each for each in ids if each.startswith(prefix)})


def _only(context: Context, ids: list[str], wanted: str) -> Approval:
    if len(ids) > 1:
        named = ", ".join(ids[:_MOST_NAMED])
        raise Failure(f"{wanted} is the beginning of {len(ids)} ids; write more of it: {named}")
    for approval in in_full(context, ids):
        return approval
    raise Failure(f"There is no approval {wanted}: never was, or its record is no longer kept")
