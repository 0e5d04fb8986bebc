"""Reads the request from what the state machine passes on. Standard library only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from unicodedata import category

from approvals.model import Json, Request, Workflow, is_hidden, shorten

KEY = "Approval"
"""The key of the execution's input that holds the request; the rest of the input is context."""

RESULT_KEY = "Result"
"""Where an earlier approval of the same input left its result: not a part of the request."""

MAX_TITLE = 150
"""Characters: the limit of a Slack header block."""

MAX_DETAILS = 10_000
MAX_REQUESTED_BY = 200

MAX_TIMEOUT_MINUTES = 365 * 24 * 60 - 60
"""An execution lives at most a year; the last hour is kept for the state machine's own timeout, the backstop.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
"""

MAX_INPUT = 240 * 1024
"""UTF-8 bytes. The input flows on with the result added to it, and a state's output may have 262,144: a request that
would be approved first and then fail the execution for its size is refused at once.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
"""

MAX_UNKNOWN = 10
"""How many unknown keys are named one by one."""

_KNOWN_KEYS = ("Title", "Details", "RequestedBy", "TimeoutMinutes")


class InvalidApprovalRequest(Exception):  # noqa: N818 the error name is part of the public contract
    """The request can't be made. `problems` has a sentence for each thing to mend, with its path."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Call:
    """One call by the state machine: the paused task and the execution's input, not yet looked at."""

    task_token: str = field(repr=False)
    workflow: Workflow
    input: Json


def parse_call(payload: Mapping[str, Json]) -> Call:
    """Takes apart the payload that the state machine's `Lambda Callback` sends.

    Raises `KeyError` or `TypeError` when it has another shape: then the state machine was changed, and without a task
    token there is nobody to tell but the caller.
    """
    return Call(
        task_token=_text(payload["TaskToken"]),
        workflow=Workflow(
            execution_arn=_text(_object(payload["Execution"])["Id"]),
            execution_name=_text(_object(payload["Execution"])["Name"]),
            state_machine_name=_text(_object(payload["StateMachine"])["Name"]),
            state_name=_text(_object(payload["State"])["Name"]),
            entered_at=str(_object(payload["State"]).get("EnteredTime") or ""),
            attempt=_count(_object(payload["State"]).get("RetryCount")),
        ),
        input=payload.get("Input"),
    )


def parse_request(execution_input: Json, *, default_timeout: timedelta) -> Request:
    """Reads the request from an execution's input, a JSON object. Without the key `Approval` all is context.

    Raises `InvalidApprovalRequest` with every problem, not only the first.
    """
    if not isinstance(execution_input, dict):
        raise InvalidApprovalRequest([f"the execution's input must be a JSON object, got {_kind(execution_input)}"])
    _check_size(execution_input)
    _refuse_misspelt_key(execution_input)
    asked = execution_input.get(KEY, {})
    if not isinstance(asked, dict):
        raise InvalidApprovalRequest([f"{KEY}: expected an object, got {_kind(asked)}"])
    reader = _Reader(asked)
    request = Request(
        title=reader.text("Title", MAX_TITLE, one_line=True),
        details=reader.text("Details", MAX_DETAILS),
        requested_by=reader.text("RequestedBy", MAX_REQUESTED_BY, one_line=True),
        timeout=reader.minutes("TimeoutMinutes") or default_timeout,
        context={key: value for key, value in execution_input.items() if key != KEY},
    )
    reader.refuse_unknown_keys()
    if reader.problems:
        raise InvalidApprovalRequest(reader.problems)
    return request


class _Reader:
    """Reads fields of the request and gathers what is wrong with them."""

    def __init__(self, asked: Mapping[str, Json]) -> None:
        self._asked = asked
        self.problems: list[str] = []

    def text(self, key: str, most: int, *, one_line: bool = False) -> str | None:
        value = self._asked.get(key)
        if value is None:
            return None
        if not isinstance(value, str) or not _is_visible(value):
            self._expected(key, "a text that is not empty", value)
            return None
        text = value.strip()
        if len(text) > most:
            self.problems.append(f"{KEY}.{key}: expected at most {most:,} characters, got {len(text):,}")
        elif any(is_hidden(character) for character in text):
            self.problems.append(f"{KEY}.{key}: expected no control characters, and none that turn the direction")
        elif one_line and any(_breaks_a_line(character) for character in text):
            self.problems.append(f"{KEY}.{key}: expected one line")
        return text

    def minutes(self, key: str) -> timedelta | None:
        value = self._asked.get(key)
        if value is None:
            return None
        # Step Functions hands on 30 as 30.0 after some intrinsic functions.
        number = int(value) if isinstance(value, float) and value.is_integer() else value
        if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= MAX_TIMEOUT_MINUTES:
            self._expected(key, f"a whole number of minutes from 1 to {MAX_TIMEOUT_MINUTES:,}", value)
            return None
        return timedelta(minutes=number)

    def refuse_unknown_keys(self) -> None:
        unknown = [key for key in self._asked if key not in (*_KNOWN_KEYS, RESULT_KEY)]
        for key in unknown[:MAX_UNKNOWN]:
            self.problems.append(f"{KEY}.{shorten(key, 60)}: unknown key{_suggestion(key)}")
        if len(unknown) > MAX_UNKNOWN:
            self.problems.append(f"and {len(unknown) - MAX_UNKNOWN:,} more")
        if unknown:
            self.problems.append(f"the keys of {KEY} are {', '.join(_KNOWN_KEYS)}")

    def _expected(self, key: str, what: str, value: Json) -> None:
        self.problems.append(f"{KEY}.{key}: expected {what}, got {_kind(value)}")


def _refuse_misspelt_key(execution_input: Mapping[str, Json]) -> None:
    """A request under a key that is nearly ours would be shown as context, and not asked."""
    if KEY in execution_input:
        return
    for key, value in execution_input.items():
        if isinstance(value, dict) and value.keys() & set(_KNOWN_KEYS) and _is_nearly(key, KEY):
            raise InvalidApprovalRequest([f"{shorten(key, 60)}: unknown key, did you mean {KEY}?"])


def _is_nearly(key: str, wanted: str) -> bool:
    from difflib import SequenceMatcher  # noqa: PLC0415 only a mistaken request pays for it

    return len(key) < 2 * len(wanted) and SequenceMatcher(None, key.lower(), wanted.lower()).ratio() > 0.8  # noqa: PLR2004


def _check_size(execution_input: Json) -> None:
    try:
        size = len(json.dumps(execution_input, ensure_ascii=False).encode())
    except UnicodeEncodeError:
        problem = "the execution's input has half of a surrogate pair: text that is not Unicode"
        raise InvalidApprovalRequest([problem]) from None
    if size > MAX_INPUT:
        raise InvalidApprovalRequest([f"the execution's input has {size:,} bytes, expected at most {MAX_INPUT:,}"])


def _breaks_a_line(character: str) -> bool:
    return character in "\n\r\t" or category(character) in {"Zl", "Zp"}


def _is_visible(text: str) -> bool:
    """Whether there is anything to see: a letter, a number, a sign or a symbol."""
    return any(category(character)[0] in "LNPS" for character in text)


def _suggestion(key: str) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 only a mistaken request pays for it

    matches = get_close_matches(key[:60], _KNOWN_KEYS, n=1)
    return f", did you mean {matches[0]}?" if matches else ""


def _kind(value: Json) -> str:
    """Says what a value is without repeating a long or a secret one."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {value}"
        case str():
            return f'the text "{shorten(value, 40)}"' if value else "an empty text"
        case list():
            return "a list"
        case dict():
            return "an object"


def _object(value: Json) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise TypeError(f"expected an object, got {_kind(value)}")
    return value


def _count(value: Json) -> int:
    return value if isinstance(value, int) else 0


def _text(value: Json) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("expected a text that is not empty")
    return value
