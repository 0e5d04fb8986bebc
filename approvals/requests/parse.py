"""Parse and validate the request in an execution's input."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain, islice

from approvals.domain import forms
from approvals.domain.characters import reveal
from approvals.domain.email_address import canonical
from approvals.domain.groups import REQUESTED
from approvals.domain.model import Json, Request, RequestKind, shorten
from approvals.domain.nesting import MAX_DEPTH, deeper_than
from approvals.domain.profiles import is_group
from approvals.domain.values import infinite_numbers, kind
from approvals.domain.workflow import Workflow
from approvals.domain.working_hours import find_zone
from approvals.requests import schema
from approvals.requests.codec import KEY, RESULT_KEY, fingerprint, read
from approvals.requests.decidability import demands_of, impossibilities

MAX_INPUT = 240 * 1024
"""UTF-8 bytes. The input is passed on with the result added, and a state's output may have 262,144 bytes: a request
that would be approved first and then fail the execution for its size is refused at once.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
"""

EVERYDAY = frozenset(
    {
        *("Title", "Details", "Links", "Facts", "Action", "Grant", "Subject", "Kind", "Severity", "Notify", "Channel"),
        *("Comment", "Reminders"),
    }
)
"""Keys that an input may have for itself, as the tutorial's has `Comment`: words that many inputs use.

Without `Approval`, these are context. The others say who may respond, what counts or when it ends: as context they
would be shown, and anyone who is asked could respond.
"""

_UNMISTAKABLE = "approv"
"""Keys with this part are a forgotten request in any letter case: `approvers`, but not `form` or `groups`."""

MAX_INFINITE = 10
"""Numbers beyond a double that an error names."""

ONLY_REQUESTER = (
    f"the requester is the only approver. Add another approver to {KEY}.Approvers, or set {KEY}.AllowSelfApproval "
    "to true."
)

_MINUTE = timedelta(minutes=1)
_NEEDS_NAMES = "requires Approvers or Groups. Without them, anyone who receives the request can respond."


class InvalidRequestError(Exception):
    """The request is invalid. `problems` has one sentence for each thing to fix, with its path."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = [reveal(problem) for problem in problems]  # unknown keys and wrong values are repeated in them
        super().__init__(" ".join(self.problems))


@dataclass(frozen=True, slots=True)
class Call:
    """A call by the state machine: the paused task, and the execution's input before validation."""

    task_token: str = field(repr=False)
    workflow: Workflow
    input: Json


def parse_call(payload: Mapping[str, Json]) -> Call:
    """Return the call in the payload of the state machine's `Lambda Callback`.

    Raise `KeyError` or `TypeError` if it has another shape: the state machine was changed, and without a task token
    only the caller can be told.
    """
    execution, state = _object(payload["Execution"]), _object(payload["State"])
    attempt = state.get("RetryCount")
    return Call(
        task_token=_text(payload["TaskToken"]),
        workflow=Workflow(
            execution_arn=_text(execution["Id"]),
            execution_name=_text(execution["Name"]),
            state_machine_name=_text(_object(payload["StateMachine"])["Name"]),
            state_name=_text(state["Name"]),
            entered_at=str(state.get("EnteredTime") or ""),
            attempt=attempt if isinstance(attempt, int) else 0,
        ),
        input=payload.get("Input"),
    )


def parse_request(execution_input: Json, *, default_timeout: timedelta) -> Request:
    """Return the request in an execution's input, a JSON object. Without `Approval`, or with null, all is context.

    Raise `InvalidRequestError` with every problem, not only the first.
    """
    request = read_request(execution_input, default_timeout=default_timeout)
    check_request(request)
    return request


def read_request(execution_input: Json, *, default_timeout: timedelta) -> Request:
    """Return the request as its author wrote it. Raise `InvalidRequestError` for what its schema refuses."""
    if not isinstance(execution_input, dict):
        raise InvalidRequestError([f"Input: {kind(execution_input)} is not a JSON object."])
    check_depth(execution_input)  # before anything that recurses
    _check_size(execution_input)
    asked = execution_input.get(KEY)
    if asked is None:  # JSONPath has no way to leave a key out.
        _refuse_misspelt_key(execution_input)
        _refuse_forgotten_key(execution_input)
        asked = {}
    if isinstance(asked, dict):
        asked = {key: value for key, value in asked.items() if key != RESULT_KEY}
    problems = list(schema.problems(asked, schema.load("request.schema.json"), KEY))
    if problems or not isinstance(asked, dict):
        raise InvalidRequestError(problems)
    context = {key: value for key, value in execution_input.items() if key != KEY}
    return read(asked, default_timeout=default_timeout, context=context, digest=fingerprint(execution_input))


def check_request(request: Request) -> None:
    """Raise `InvalidRequestError` for what no schema can say: keys that contradict each other."""
    if problems := list(_contradictions(request)):
        raise InvalidRequestError(problems)


def _contradictions(request: Request) -> Iterator[str]:
    """Yield what no schema can say: keys that are right by themselves and contradict each other."""
    timeout = request.timeout // _MINUTE
    if (request.escalate_after is None) != (not request.escalate_to):
        yield f"{KEY}.EscalateTo: set both EscalateTo and EscalateAfterMinutes, or neither."
    elif request.escalate_after and request.escalate_after >= request.timeout:
        yield f"{KEY}.EscalateAfterMinutes: must be less than the request's {timeout:,} minutes."
    if any(after >= request.timeout for after in request.reminders):
        yield f"{KEY}.Reminders: must be less than the request's {timeout:,} minutes."
    yield from _working_hours_contradictions(request)
    if request.escalate_to and request.is_open:
        yield f"{KEY}.EscalateTo: {_NEEDS_NAMES}"
    if request.silent and request.is_open:
        yield f"{KEY}.Silent: {_NEEDS_NAMES}"
    yield from _group_contradictions(request)
    if request.kind is RequestKind.QUESTION and not request.form:
        yield f'{KEY}.Kind: "question" requires {KEY}.Form. Add the fields to answer, or remove Kind.'
    if request.grant and request.action is None:
        yield f"{KEY}.Grant: requires {KEY}.Action, which says what can be executed. Add it, or remove Grant."
    if request.grant and request.kind is RequestKind.QUESTION:  # Its button says "Answer", not "Approve".
        yield f"{KEY}.Grant: an answer to a question must not let anyone execute an action. Remove Kind, or Grant."
    yield from _quorum_contradictions(request)
    yield from forms.contradictions(request.form, f"{KEY}.Form")


def _working_hours_contradictions(request: Request) -> Iterator[str]:
    hours = request.remind_during
    if hours and hours.start == hours.end:
        yield f"{KEY}.RemindDuring.To: must differ from From. An earlier time is on the next day."
    if hours and find_zone(hours.zone) is None:
        yield f'{KEY}.RemindDuring.TimeZone: "{hours.zone}" is not an IANA time zone, such as Europe/Berlin.'


def _group_contradictions(request: Request) -> Iterator[str]:
    names = [group.name for group in request.groups]
    for number, group in enumerate(request.groups):
        if group.name in names[:number]:
            yield f"{KEY}.Groups[{number}].Name: {group.name} is a duplicate."
        if group.name == REQUESTED and request.policy is None:
            yield f'{KEY}.Groups[{number}].Name: "{REQUESTED}" is reserved. Choose another name.'
        if not group.approvers:
            yield f"{KEY}.Groups[{number}].Approvers: required, since this stack has no policy with groups."


def _quorum_contradictions(request: Request) -> Iterator[str]:
    """What can't be decided, as far as the names tell; `identify` looks again when it knows the people behind them."""
    groups = [_canonical(group.approvers) for group in request.groups]
    named = {*_canonical(request.approvers), *chain(*groups), *_canonical(request.silent)}
    if request.is_open or any(map(is_group, request.names)):
        return
    yield from impossibilities(
        request,
        demands_of(request, groups),
        named=named,
        silent=_silent(request, groups),
        requester=canonical(request.requested_by or ""),
    )


def _silent(request: Request, members: Sequence[Collection[str]]) -> frozenset[str]:
    """Return who is not told. No request silences the policy's own groups."""
    owned = {group.name for group in request.policy.groups} if request.policy else set()
    told = (each for group, each in zip(request.groups, members, strict=True) if group.name in owned)
    return frozenset(_canonical(request.silent)).difference(*told)


def _canonical(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(map(canonical, names))


def _refuse_misspelt_key(execution_input: Mapping[str, Json]) -> None:
    """Raise `InvalidRequestError` for a request under a misspelt key, which would count as context."""
    keys = schema.load("request.schema.json")["properties"].keys()
    deciding = {key.casefold() for key in keys - EVERYDAY}
    for key, value in execution_input.items():
        is_request = isinstance(value, dict) and any(each in keys or each.casefold() in deciding for each in value)
        if is_request and (meant := schema.suggestion(key, [KEY], cutoff=0.8)):
            raise InvalidRequestError([f"{shorten(key, 60)}: unknown key.{meant}"])


def _refuse_forgotten_key(execution_input: Mapping[str, Json]) -> None:
    """Refuse a request that stands in the input itself: as context, anyone who is asked could respond."""
    keys = schema.load("request.schema.json")["properties"].keys() - EVERYDAY
    names = {key.casefold(): key for key in keys if _UNMISTAKABLE in key.casefold()} | {key: key for key in keys}
    meant = {key: names.get(key) or names.get(key.casefold()) for key in execution_input}
    problems = [
        f'{key}: must be under {KEY}, as in {{"{KEY}": {{"{name}": ...}}}}. If it is context, add "{KEY}": {{}}.'
        for key, name in meant.items()
        if name
    ]
    if problems:
        raise InvalidRequestError(problems)


def check_depth(value: Json) -> None:
    """Raise `InvalidRequestError` if an input is nested deeper than `MAX_DEPTH` levels."""
    if path := deeper_than(value, MAX_DEPTH):
        raise InvalidRequestError(
            [f"{path}: nested deeper than {MAX_DEPTH} levels. Flatten it, or pass it as a string."]
        )


def _check_size(execution_input: Json) -> None:
    if problems := list(islice(infinite_numbers(execution_input), MAX_INFINITE)):
        raise InvalidRequestError(
            [f"{path}: not a number that fits in a double. Use a smaller number, or a string." for path in problems]
        )
    try:
        size = len(json.dumps(execution_input, ensure_ascii=False).encode())
    except UnicodeEncodeError:
        problem = "Input: contains half of a surrogate pair, which is not valid Unicode. Remove it."
        raise InvalidRequestError([problem]) from None
    if size > MAX_INPUT:
        raise InvalidRequestError([f"Input: {size:,} bytes are too many. The maximum is {MAX_INPUT:,}."])


def _object(value: Json) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise TypeError(f"expected an object, got {kind(value)}")
    return value


def _text(value: Json) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("expected a string that is not empty")
    return value
