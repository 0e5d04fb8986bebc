"""Called by the state machine with the task token: validates the request and stores it as a pending approval."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from approvals.adapters.step_functions import TaskGoneError, Workflows
from approvals.domain.eligibility import needs_lookup
from approvals.domain.model import Approval, Json, People, Request
from approvals.domain.result import MAX_OUTPUT, most_bytes
from approvals.domain.signed_links import approval_id, new_link_key
from approvals.requests.codec import KEY
from approvals.requests.parse import INVALID_REQUEST, Call, InvalidRequestError, parse_call, parse_request
from approvals.store.record_size import check_size
from approvals.store.table import ApprovalTable
from approvals.store.task_tokens import TaskTokens

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger
    from aws_lambda_powertools.utilities.typing import LambdaContext


class RequestHandler:
    """Stores a request. One that can't be made fails the task with `InvalidApprovalRequest` and every problem."""

    def __init__(
        self,
        *,
        table: ApprovalTable,
        tokens: TaskTokens,
        workflows: Workflows,
        default_timeout: timedelta,
        clock: Callable[[], datetime],
        logger: Logger,
        requested: Callable[[], None],
    ) -> None:
        self._table = table
        self._tokens = tokens
        self._workflows = workflows
        self._default_timeout = default_timeout
        self._clock = clock
        self._logger = logger
        self._count_request = requested

    def __call__(self, event: Mapping[str, Json], _context: LambdaContext) -> None:
        """Takes the payload of the state `Lambda Callback`. The same task token twice is one approval."""
        call = parse_call(event)
        key = approval_id(call.task_token)
        with self._logger.append_context_keys(approval_id=key, execution=call.workflow.execution_arn):
            try:
                approval = self._approval(key, call)
            except InvalidRequestError as error:
                self._refuse(call, error)
                return
            # First: an approval without a token could be decided, and its workflow would never hear of it.
            self._tokens.put(key, call.task_token, approval.requested_at)
            new = self._table.add(approval)
            if new:
                self._count_request()
            self._logger.info("approval requested" if new else "approval was requested before")

    def _approval(self, key: str, call: Call) -> Approval:
        request = parse_request(call.input, default_timeout=self._default_timeout)
        _check_size(call.input, request)
        now = self._clock()
        approval = Approval(
            id=key,
            link_key=new_link_key(),
            request=request,
            workflow=call.workflow,
            requested_at=now,
            deadline=now + request.timeout,
            people=None if needs_lookup(request) else People(),
        )
        check_size(approval)
        return approval

    def _refuse(self, call: Call, error: InvalidRequestError) -> None:
        # By SendTaskFailure and not by raising, so that the task fails the same way with every caller and emulator.
        self._logger.warning("invalid request", extra={"problems": error.problems})
        try:
            self._workflows.fail(call.task_token, INVALID_REQUEST, str(error))
        except TaskGoneError:
            self._logger.warning("the task no longer waits")


def _check_size(execution_input: Json, request: Request) -> None:
    """Refuses what could be approved and would then fail the execution, when its result is added to its input."""
    size, most = len(json.dumps(execution_input, ensure_ascii=False).encode()), most_bytes(request)
    if size + most > MAX_OUTPUT:
        problem = (
            f"{KEY}: the input has {size:,} bytes and the result may have {most:,}, together more than the "
            f"{MAX_OUTPUT:,} that Step Functions hands on; shorten the input, limit MaxLength in the Form, turn "
            "comments off, or ask for fewer answers"
        )
        raise InvalidRequestError([problem])
