"""Finds the approval that somebody means: by its id, the beginning of it, or its execution's name or ARN."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import chain

from botocore.exceptions import ClientError

from approvals.domain.model import Approval
from approvals.domain.references import Reference
from approvals.store.table import ApprovalTable, NotFoundError
from cli.context import Context, Failure
from cli.output import left_out, plain
from cli.refusals import code

LOOK_BACK = timedelta(days=31)
"""How far back the beginning of an id is looked for, besides among all that are open."""

_BEFORE, _AFTER = timedelta(minutes=1), timedelta(minutes=15)
"""When an execution asked, seen from its start: clocks differ, and Lambda may be busy."""

_MOST_NAMED = 5

_NO_EXECUTION = frozenset({"ExecutionDoesNotExist", "InvalidArn", "ValidationException"})


def find(context: Context, wanted: str) -> Approval:
    """Return the approval that is meant. Raises `Failure` when there is none, or more than one."""
    if wanted.startswith("arn:"):
        found = _of_execution(context, wanted)
    else:
        reference = Reference.parse(wanted)
        if reference.approval_id:
            found = list(in_full(context, [reference.approval_id]))
        else:
            # Both are looked for: whoever starts an execution could otherwise give it the beginning of another's id.
            ids = _beginning_with(context, reference) if reference.prefix else []
            named = _of_execution(context, execution_arn(context, reference.execution_name))
            found = [*named, *in_full(context, ids)]
    return _only(context, {approval.id: approval for approval in found}, wanted)


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
        with suppress(NotFoundError):
            yield context.listing.get(approval_id)


def _of_execution(context: Context, arn: str) -> list[Approval]:
    """Return the approvals that an execution waits for, or else the newest that it asked for."""
    try:
        started = context.stepfunctions.describe_execution(executionArn=arn)["startDate"]
    except ClientError as error:
        if code(error) in _NO_EXECUTION:
            return []
        raise
    found: list[Approval] = []
    for approval in approvals_of(context, arn, started):
        if approval.decision:
            return found or [approval]
        found.append(approval)
    return found


def _beginning_with(context: Context, reference: Reference) -> list[str]:
    now = context.clock()
    recent = context.listing.requested_ids(now - LOOK_BACK, now + _BEFORE)
    return sorted({each for each in chain(context.listing.due_ids(), recent) if reference.matches_id(each)})


def _only(context: Context, found: dict[str, Approval], wanted: str) -> Approval:
    if len(found) > 1:
        named = "\n".join(
            f"  {each.id}  {plain(each.title)} (execution {plain(each.workflow.execution_name)})"
            for each in list(found.values())[:_MOST_NAMED]
        )
        raise Failure(f"{wanted} can mean {len(found)} approvals. Repeat the command with the full ID of one:\n{named}")
    for approval in found.values():
        return approval
    missing = f"{left_out(context.unreadable)}. " if context.unreadable else ""
    raise Failure(
        f"There is no approval {wanted.rsplit(':', 1)[-1]}: no ID on record, no beginning of one, and no execution "
        f"that asked. {missing}See which there are: {context.command('list', '--status', 'any', '--since', '30d')}"
    )
