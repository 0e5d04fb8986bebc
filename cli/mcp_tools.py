"""The tools of `approvals mcp`, as functions of a context and their arguments. Nothing is kept between two calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from approvals.domain.model import Approval, Json, Status, iso
from approvals.domain.references import Reference
from approvals.grants import GrantError
from cli.aws_errors import explain
from cli.context import CommandError, Context
from cli.document import status
from cli.executions import grant_in, spender, start_execution
from cli.lookup import UnknownApprovalError, execution_arn, find
from cli.mcp_arguments import RequestArguments, Requested, SpendArguments, Spent, WaitArguments, Waited
from cli.reporters import Reporter
from cli.request_input import execution_input, execution_name, request_in
from cli.watch import APPROVED, Watch, exit_code

_KEYS: Mapping[str, str] = {
    "title": "Title",
    "action": "Action",
    "details": "Details",
    "facts": "Facts",
    "approvers": "Approvers",
    "requested_by": "RequestedBy",
    "timeout_minutes": "TimeoutMinutes",
    "valid_minutes": "Grant",
}
"""The key of the request that each argument sets."""


_DO_NOT = "Do not execute the action. If it is still wanted, request a new approval."

_AFTER_REFUSAL: Mapping[str, str] = {
    "ActionChanged": "Do not execute this action. Spend the action exactly as it was approved, or request approval of "
    "this one.",
    "GrantUnknown": "Do not execute the action. Use the grant_id that wait_for_approval returned.",
    "InvalidSpend": "Nothing was spent. Correct the arguments and call spend_approval again.",
    "SpendFailed": "Do not execute the action. Call spend_approval again; after GrantSpent, request a new approval.",
}
"""What to do after each refusal that is not final."""


@dataclass(frozen=True)
class Fixed:
    """Keys that the operator gives each request, in a document as `approvals request --file` takes it."""

    document: Mapping[str, Json] = field(default_factory=dict)

    @property
    def arguments(self) -> frozenset[str]:
        """The arguments whose keys the operator has set, so that an agent can't."""
        request = request_in(self.document)
        keys = request.keys() if isinstance(request, dict) else ()
        return frozenset(name for name, key in _KEYS.items() if key in keys)


def request(context: Context, arguments: RequestArguments, fixed: Fixed) -> Requested:
    """Request an approval. Return when it is recorded and its approvers are known."""
    given = arguments.model_dump(exclude_none=True)
    if refused := sorted(given.keys() & fixed.arguments):
        raise CommandError(f"{', '.join(refused)}: set by the operator of this server. Call again without it.")
    asked = {_KEYS[name]: value for name, value in given.items()}
    grant: dict[str, Json] = {"ValidMinutes": arguments.valid_minutes} if arguments.valid_minutes is not None else {}
    if arguments.facts is not None:
        asked["Facts"] = [{"Label": label, "Value": value} for label, value in arguments.facts.items()]
    if "valid_minutes" not in fixed.arguments:
        asked["Grant"] = {"Uses": 1, **grant}
    whole = execution_input(
        fixed.document,
        asked,
        {},
        default_timeout=context.default_timeout,
        under_policy=bool(context.policy_parameter),
    )
    name = execution_name(arguments.title, context.clock())
    try:
        started = start_execution(context, name, whole)
        approval = Watch(context, Reporter()).accepted(execution_arn(context, name), started)
    except (TimeoutError, ClientError, BotoCoreError) as error:
        cause = "" if isinstance(error, TimeoutError) else f"{explain(error)} "
        return Requested(
            approval_id=name,
            status=Status.PENDING.value,
            deadline=None,
            next=f"{cause}The request may have started. Call wait_for_approval with this approval_id; if it is unknown "
            "there after a minute, request again.",
        )
    if approval.decision and approval.decision.error:
        raise CommandError(f"{approval.decision.cause or approval.decision.error} Nobody was asked. Request again.")
    return Requested(
        approval_id=approval.id,
        status=status(approval),
        deadline=iso(approval.deadline),
        next="Call wait_for_approval with this approval_id. Do not execute the action before it is approved and spent.",
    )


def wait(context: Context, arguments: WaitArguments) -> Waited:
    """Wait for the decision, at most for the given seconds."""
    until = context.clock() + timedelta(seconds=arguments.seconds)
    newest = _Newest(_find(context, arguments.approval_id))
    watch = Watch(context, newest, until)
    grant: Mapping[str, Any] = {}
    try:
        newest.approval = watch.decided(newest.approval)
        if exit_code(newest.approval) == APPROVED:
            grant = _grant(watch, newest.approval)
    except TimeoutError:
        pass  # The result says how it stands.
    approval, decision = newest.approval, newest.approval.decision
    by = decision.approver if decision else None
    return Waited(
        approval_id=approval.id,
        status=status(approval),
        decided_by=by.name if by else None,
        comment=(decision.comment or decision.cause) if decision else None,
        grant_id=grant.get("Id"),
        valid_until=grant.get("ValidUntil"),
        next=_next_step(approval, grant),
    )


def spend(context: Context, arguments: SpendArguments) -> Spent:
    """Use the grant up for the action. Raises `CommandError` with the name of the error if the grant is refused."""
    spends = spender(context)
    try:
        spent = spends.spend(arguments.grant_id, arguments.action)
    except GrantError as error:
        raise CommandError(f"{error.name}: {error} {_AFTER_REFUSAL.get(error.name, _DO_NOT)}") from error
    return Spent(
        ok=True,
        approval_id=spent.approval_id,
        decided_by=spent.decided_by,
        use=spent.use,
        uses=spent.uses,
        next="Execute exactly this action now, once. Never execute it again for this spend, not even after an error.",
    )


@dataclass
class _Newest(Reporter):
    """Keeps the newest state of an approval. Reports outages of AWS."""

    approval: Approval

    def waiting(self, approval: Approval, now: datetime) -> None:  # noqa: ARG002
        self.approval = approval


def _find(context: Context, approval_id: str) -> Approval:
    """Return the approval with this ID, or of the execution that `request` named instead. Raises `CommandError`."""
    wanted = Reference.parse(approval_id).approval_id or execution_arn(context, approval_id)
    try:
        return find(context, wanted)
    except UnknownApprovalError as error:
        raise CommandError(
            f"approval_id: stack {context.stack} has no such approval. Use the approval_id that request_approval "
            "returned, or request a new approval."
        ) from error


def _grant(watch: Watch, approval: Approval) -> Mapping[str, Any]:
    """Return the grant in the result of an approved request; empty if it asked for none."""
    if approval.request.grant is None:
        return {}
    return grant_in(watch.result(approval.workflow.execution_arn))


def _next_step(approval: Approval, grant: Mapping[str, Any]) -> str:
    match approval.status:
        case Status.PENDING:
            until = iso(approval.deadline)
            return f"Nobody has decided yet; the request expires at {until}. Call wait_for_approval again."
        case Status.REJECTED:
            return "Do not execute the action. Tell the user who rejected it, and the comment."
        case Status.APPROVED if grant:
            return "Call spend_approval with grant_id and the approved action. Execute it only after that succeeds."
        case Status.APPROVED if approval.resumed is not False and approval.request.grant:
            return "Approved, but the grant is not ready. Call wait_for_approval again to get grant_id."
        case Status.APPROVED if approval.resumed:
            return "This request has no grant, so it can't be spent. Do not execute: request a new approval."
        case _:
            return "Nobody approved it in time. Do not execute the action. Tell the user; request again if they agree."
