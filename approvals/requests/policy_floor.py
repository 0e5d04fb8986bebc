"""Parse a request under the operator's policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain, count

from approvals.domain.facts import claimed_workflow
from approvals.domain.floor import merge
from approvals.domain.groups import REQUESTED, Group
from approvals.domain.model import Json, Request
from approvals.domain.policy import Policy, Statement
from approvals.domain.workflow import Workflow
from approvals.requests.codec import KEY, read, write
from approvals.requests.parse import InvalidRequestError, check_request, read_request


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A request as its author wrote it and as a policy raises it, what it states, and what is wrong with it."""

    written: Request
    request: Request
    statement: Statement
    problems: tuple[str, ...]


def parse_under(policy: Policy, execution_input: Json, *, default_timeout: timedelta, workflow: Workflow) -> Request:
    """Return the request in an execution's input as the policy raises it, with what its record keeps of the policy.

    The digest is that of the input as it was written. Raise `InvalidRequestError` as `parse_request` does, also for a
    request below the floor.
    """
    name = workflow.state_machine_name
    judged = judge(policy, execution_input, default_timeout=default_timeout, state_machine=lambda: name)
    if judged.problems:
        raise InvalidRequestError([*judged.problems])
    return judged.request


def judge(
    policy: Policy, execution_input: Json, *, default_timeout: timedelta, state_machine: Callable[[], str]
) -> Judged:
    """Merge the request in an execution's input with a policy, and check the outcome.

    `state_machine` is the workflow's name where the input claims none. Raise `InvalidRequestError` for what the
    request's schema refuses.
    """
    written = read_request(execution_input, default_timeout=default_timeout)
    asked = execution_input.get(KEY) if isinstance(execution_input, dict) else None
    own_timeout = isinstance(asked, dict) and asked.get("TimeoutMinutes") is not None
    return _judged(policy, written, own_timeout=own_timeout, state_machine=state_machine)


def judge_again(policy: Policy, request: Request, workflow: Workflow) -> Judged:
    """Merge a stored request, as its author wrote it, with another version of the policy.

    Without an earlier policy, its time limit counts as the author's own: the record does not say whether it is.
    """
    own_timeout = request.policy is None or not request.policy.default_timeout
    name = workflow.state_machine_name
    return _judged(policy, as_written(request), own_timeout=own_timeout, state_machine=lambda: name)


def as_written(request: Request) -> Request:
    """Return a stored request as its author wrote it, without what a policy raised."""
    own = request.policy.written if request.policy else {}
    return read(
        {**write(request), **own}, default_timeout=request.timeout, context=request.context, digest=request.digest
    )


def _judged(policy: Policy, written: Request, *, own_timeout: bool, state_machine: Callable[[], str]) -> Judged:
    statement = Statement(
        facts=written.facts,
        context=written.whole_context,
        workflow=claimed_workflow(written) or state_machine(),
    )
    merged = merge(policy, written, statement, default_timeout=not own_timeout)
    problems = tuple(f"{KEY}.{problem}" for problem in merged.problems) or tuple(_problems(merged.request))
    request = _with_written(merged.request, written, own_timeout=own_timeout)
    return Judged(written=written, request=request, statement=statement, problems=problems)


def _with_written(request: Request, written: Request, *, own_timeout: bool) -> Request:
    """Return the request with what its author wrote on record, where the merge changed it."""
    before, after = write(written), write(request)
    changed = {key: before.get(key) for key in {**before, **after} if before.get(key) != after.get(key)}
    if request.policy is None:
        return request
    return replace(request, policy=replace(request.policy, written=changed, default_timeout=not own_timeout))


def raised_input(policy: Policy, judged: Judged, execution_input: Mapping[str, Json]) -> dict[str, Json]:
    """Return the input that a requester could have written instead: no rule would refuse or raise it.

    It is the author's own but for the keys that the policy raised.
    """
    before, after = write(judged.written), write(_writable(policy, judged.request))
    asked = execution_input.get(KEY)
    own = asked if isinstance(asked, dict) else {}
    found = {key: value for key, value in own.items() if key in after or key not in before}
    for _ in range(2):  # A key that is added changes the default of another, as Groups does for RequiredApprovals.
        request = read_request({**execution_input, KEY: found}, default_timeout=judged.written.timeout)
        now = write(request)
        found |= {key: value for key, value in after.items() if value != now.get(key)}
    return {**execution_input, KEY: found}


def _writable(policy: Policy, request: Request) -> Request:
    """Return a request without what only the merge can write: the policy's own members, and the reserved name."""
    names = {group.name for group in request.groups}
    free = next(name for name in chain(["named"], (f"named-{number}" for number in count(2))) if name not in names)
    return replace(
        request,
        groups=tuple(
            replace(
                group,
                name=free if group.name == REQUESTED else group.name,
                approvers=() if _is_whole(policy, group) else group.approvers,
            )
            for group in request.groups
        ),
    )


def _is_whole(policy: Policy, group: Group) -> bool:
    return group.name in policy.groups and policy.groups[group.name].approvers == group.approvers


def _problems(request: Request) -> Sequence[str]:
    try:
        check_request(request)
    except InvalidRequestError as error:
        return error.problems
    return ()
