"""Parse a request under the operator's policy."""

from __future__ import annotations

from datetime import timedelta

from approvals.domain.facts import claimed_workflow
from approvals.domain.floor import merge
from approvals.domain.model import Json, Request, Workflow
from approvals.domain.policy import Policy, Statement
from approvals.requests.codec import KEY
from approvals.requests.parse import InvalidRequestError, check_request, read_request


def parse_under(policy: Policy, execution_input: Json, *, default_timeout: timedelta, workflow: Workflow) -> Request:
    """Return the request in an execution's input as the policy raises it, with what its record keeps of the policy.

    The digest is that of the input as it was written. Raise `InvalidRequestError` as `parse_request` does, also for a
    request below the floor.
    """
    written = read_request(execution_input, default_timeout=default_timeout)
    asked = execution_input.get(KEY) if isinstance(execution_input, dict) else None
    own_timeout = isinstance(asked, dict) and asked.get("TimeoutMinutes") is not None
    statement = Statement(
        facts=written.facts,
        context=written.whole_context,
        workflow=claimed_workflow(written) or workflow.state_machine_name,
    )
    merged = merge(policy, written, statement, default_timeout=not own_timeout)
    if merged.problems:
        raise InvalidRequestError([f"{KEY}.{problem}" for problem in merged.problems])
    check_request(merged.request)
    return merged.request
