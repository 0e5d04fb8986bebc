"""Look up the approval that a command names: by its ID, the beginning of it, or its execution's name or ARN."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import chain

from botocore.exceptions import ClientError

from approvals.domain.model import Approval
from approvals.domain.references import MIN_PREFIX, Reference
from approvals.store.table import ApprovalTable, NotFoundError
from cli.aws_errors import error_code
from cli.context import CommandError, Context
from cli.output import describe_unreadable, plain

LOOK_BACK = timedelta(days=31)
"""How far back the beginning of an ID is looked for, in addition to all open approvals."""

_BEFORE, _AFTER = timedelta(minutes=1), timedelta(minutes=15)
"""When an execution requests its approval, relative to its start: clocks differ, and Lambda may be busy."""

_MAX_NAMED = 5

_NO_EXECUTION = frozenset({"ExecutionDoesNotExist", "InvalidArn", "ValidationException"})


class UnknownApprovalError(CommandError):
    """No approval matches what was typed."""


def find(context: Context, wanted: str) -> Approval:
    """Return the approval that is named. Raises `UnknownApprovalError`, and `CommandError` if it matches several."""
    if wanted.startswith("arn:"):
        found = _of_execution(context, wanted)
    else:
        reference = Reference.parse(wanted)
        if reference.approval_id:
            found = list(read_in_full(context, [reference.approval_id]))
        else:
            # Look for both: an execution's name can be chosen to equal the beginning of another approval's ID.
            ids = _beginning_with(context, reference) if reference.prefix else []
            named = _of_execution(context, execution_arn(context, reference.execution_name))
            found = [*named, *read_in_full(context, ids)]
    return _only(context, {approval.id: approval for approval in found}, wanted)


def execution_arn(context: Context, name: str) -> str:
    """Return the ARN of an execution of the stack's state machine."""
    return f"{context.output('StateMachineHumanApprovalArn').replace(':stateMachine:', ':execution:')}:{name}"


def approvals_of(context: Context, arn: str, started: datetime) -> Iterator[Approval]:
    """Yield the approvals that an execution waits for, or else all that it requested, the newest first.

    The indexes are eventually consistent: a new approval may be missing for a moment.
    """
    table = ApprovalTable(context.client("dynamodb"), context.output("ApprovalTableName"))
    if waiting := [approval.id for approval in context.listing.each(table.waiting(arn))]:
        yield from read_in_full(context, waiting)
        return
    requested = context.listing.requested(started - _BEFORE, started + _AFTER)
    yield from read_in_full(context, (each.id for each in requested if each.workflow.execution_arn == arn))


def read_in_full(context: Context, ids: Iterable[str]) -> Iterator[Approval]:
    """Read approvals with their contexts, one at a time. Raises `UnreadableError`."""
    for approval_id in ids:
        with suppress(NotFoundError):
            yield context.listing.get(approval_id)


def _of_execution(context: Context, arn: str) -> list[Approval]:
    """Return the approvals that an execution waits for, or else the newest that it requested."""
    try:
        started = context.client("stepfunctions").describe_execution(executionArn=arn)["startDate"]
    except ClientError as error:
        if error_code(error) in _NO_EXECUTION:
            return []
        raise
    found = list(approvals_of(context, arn, started))
    return [each for each in found if each.decision is None] or found[:1]


def _beginning_with(context: Context, reference: Reference) -> list[str]:
    now = context.clock()
    recent = context.listing.requested_ids(now - LOOK_BACK, now + _BEFORE)
    return sorted({each for each in chain(context.listing.due_ids(), recent) if reference.matches_id(each)})


def _only(context: Context, found: dict[str, Approval], wanted: str) -> Approval:
    if len(found) > 1:
        named = "\n".join(
            f"  {each.id}  {plain(each.title)} (execution {plain(each.workflow.execution_name)})"
            for each in list(found.values())[:_MAX_NAMED]
        )
        raise CommandError(
            f"{wanted} matches {len(found)} approvals. Repeat the command with the full ID of one:\n{named}"
        )
    for approval in found.values():
        return approval
    missing = f"{describe_unreadable(context.unreadable)} " if context.unreadable else ""
    raise UnknownApprovalError(
        f"No approval matches {wanted.rsplit(':', 1)[-1]}. Use an ID, its first {MIN_PREFIX} or more characters, or an "
        f"execution. {missing}List approvals: {context.command('list', '--status', 'any', '--since', '30d')}"
    )
