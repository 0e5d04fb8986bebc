"""Called by the state machine with the task token: validates the request and stores it as a pending approval."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from approvals.adapters.policy_store import PolicyUnavailableError
from approvals.adapters.step_functions import TaskGoneError, Workflows
from approvals.domain.eligibility import needs_lookup
from approvals.domain.errors import INVALID_REQUEST, POLICY_UNAVAILABLE
from approvals.domain.model import Approval, Json, Request
from approvals.domain.people import People
from approvals.domain.policy import Policy
from approvals.domain.signed_links import approval_id, new_link_key
from approvals.domain.spending import digest, grant_id
from approvals.domain.working_hours import WorkingHours
from approvals.requests.parse import Call, InvalidRequestError, parse_call, parse_request
from approvals.requests.policy_floor import parse_under
from approvals.requests.result_size import check_result_size
from approvals.store.record_size import check_size
from approvals.store.table import ApprovalTable
from approvals.store.task_tokens import TaskTokens

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger
    from aws_lambda_powertools.utilities.typing import LambdaContext


class ForeignExecutionError(Exception):
    """The caller names an execution of another account or region, which can't have invoked this function."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestHandler:
    """Stores a request. An invalid one fails the task with `INVALID_REQUEST` and every problem."""

    table: ApprovalTable
    tokens: TaskTokens
    workflows: Workflows
    default_timeout: timedelta
    working_hours: WorkingHours | None
    clock: Callable[[], datetime]
    logger: Logger
    requested: Callable[[], None]
    read_policy: Callable[[], Policy | None]
    policy_unavailable: Callable[[], None]

    def __call__(self, event: Mapping[str, Json], context: LambdaContext) -> None:
        """Store the request in the payload of the state `Lambda Callback`. A task token always gives one approval.

        Raise `ForeignExecutionError` for an execution of another account or region.
        """
        call = parse_call(event)
        _check_origin(call.workflow.execution_arn, context.invoked_function_arn)
        key = approval_id(call.task_token)
        with self.logger.append_context_keys(approval_id=key, execution=call.workflow.execution_arn):
            try:
                approval = self._approval(key, call)
            except InvalidRequestError as error:
                self.logger.warning("invalid request", extra={"problems": error.problems})
                self._fail(call, INVALID_REQUEST, str(error))
                return
            except PolicyUnavailableError as error:
                self.logger.error(  # noqa: TRY400 the message says it all
                    "the approval policy can't be read", extra={"reason": str(error)}
                )
                self.policy_unavailable()
                self._fail(call, POLICY_UNAVAILABLE, f"{error} Nothing was asked.")
                return
            # First: an approval without a token could be decided, and its workflow would never hear of it.
            self.tokens.put(key, call.task_token, approval.requested_at)
            new = self.table.add(approval)
            if new:
                self.requested()
            self.logger.info("approval requested" if new else "approval already requested")

    def _approval(self, key: str, call: Call) -> Approval:
        request = self._request(call)
        check_result_size(call.input, request)
        now = self.clock()
        approval = Approval(
            id=key,
            link_key=new_link_key(),
            request=request,
            workflow=call.workflow,
            requested_at=now,
            deadline=now + request.timeout,
            grant_hash=digest(grant_id(call.task_token)) if request.grant else "",
            people=None if needs_lookup(request) else People(),
        )
        check_size(approval)
        return approval

    def _request(self, call: Call) -> Request:
        policy, timeout = self.read_policy(), self.default_timeout
        if policy is None:
            request = parse_request(call.input, default_timeout=timeout)
        else:
            request = parse_under(policy, call.input, default_timeout=timeout, workflow=call.workflow)
        return replace(request, remind_during=request.remind_during or self.working_hours)

    def _fail(self, call: Call, name: str, cause: str) -> None:
        # By SendTaskFailure and not by raising, so that the task fails the same way with every caller and emulator.
        try:
            self.workflows.fail(call.task_token, name, cause)
        except TaskGoneError:
            self.logger.warning("task no longer waiting")


def _check_origin(execution_arn: str, function_arn: str) -> None:
    """Refuse executions whose workflow could not be resumed from here: task tokens work only in their own account."""
    _, partition, _, region, account, *_ = function_arn.split(":")
    own = f"arn:{partition}:states:{region}:{account}:"
    if not execution_arn.startswith(own):
        raise ForeignExecutionError(f"the execution {execution_arn} does not begin with {own}")
