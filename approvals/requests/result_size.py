"""Whether a request's result fits: a decision must not fail the execution that waits for it. Pure."""

from __future__ import annotations

import json

from approvals.domain.model import Json, Request
from approvals.domain.people import People
from approvals.domain.result import MAX_OUTPUT, most_bytes
from approvals.requests.codec import KEY, write
from approvals.requests.parse import InvalidRequestError


def check_result_size(execution_input: Json, request: Request, people: People | None = None) -> None:
    """Raise `InvalidRequestError` if the result, added to the input, could be too large for the execution.

    In a group, everyone may respond: `people` are those behind the names, once they are known.
    """
    size, most = len(json.dumps(execution_input, ensure_ascii=False).encode()), most_bytes(request, people)
    if size + most > MAX_OUTPUT:
        problem = (
            f"{KEY}: the input has {size:,} bytes and the result can have {most:,}. Together, Step Functions takes at "
            f"most {MAX_OUTPUT:,}. Shorten the input, set MaxLength in Form, turn comments off, or require fewer "
            "approvals."
        )
        raise InvalidRequestError([problem])


def input_of(request: Request) -> dict[str, Json]:
    """Return the input of a stored request: as the author wrote it, but for blanks around texts and for defaults."""
    return {**request.whole_context, KEY: write(request)}
