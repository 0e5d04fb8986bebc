"""Read what a caller sends to spend a grant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from approvals.domain.characters import hidden_in
from approvals.domain.grants import MAX_SPENT_BY
from approvals.domain.model import Json
from approvals.domain.nesting import MAX_DEPTH, deeper_than
from approvals.domain.spending import SpendAttempt, SpendError, SpendRefusedError, digest
from approvals.domain.values import infinite_numbers

MAX_KEY = 200
"""Characters of a key."""

_KEYS = ("GrantId", "Action", "Key", "SpentBy")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendCall:
    """A valid call. The id of the grant is a secret."""

    grant_id: str = field(repr=False)
    attempt: SpendAttempt


def parse_spend(payload: Json) -> SpendCall:
    """Return the call in the payload of the spend function.

    Raise `SpendRefusedError` with the name of the first wrong field. It repeats no value.
    """
    if not isinstance(payload, dict):
        raise _invalid("The payload", "expected an object")
    for key in payload:
        if key not in _KEYS:
            raise _invalid("The payload", f"has an unknown key. The keys are {', '.join(_KEYS)}")
    for key in _KEYS:
        if key not in payload:
            raise _invalid(key, "missing")
    grant_id = _text(payload, "GrantId", 1000)
    return SpendCall(
        grant_id=grant_id,
        attempt=SpendAttempt(
            grant_hash=digest(grant_id),
            action=_action(payload["Action"]),
            key_hash=digest(_text(payload, "Key", MAX_KEY)),
            by=_line(payload),
        ),
    )


def _text(payload: Mapping[str, Json], key: str, most: int) -> str:
    value = payload[key]
    if not isinstance(value, str) or not 1 <= len(value) <= most:
        raise _invalid(key, f"expected 1 to {most:,} characters")
    _check_unicode(key, value)
    return value


def _line(payload: Mapping[str, Json]) -> str:
    """Return who spends: people read it, so it has no characters that they can't see."""
    by = _text(payload, "SpentBy", MAX_SPENT_BY)
    if not by.strip() or len(by.splitlines()) > 1 or hidden_in(by):
        raise _invalid("SpentBy", "expected one line of visible characters")
    return by


def _action(action: Json) -> Json:
    if deeper_than(action, MAX_DEPTH):
        raise _invalid("Action", f"nested deeper than {MAX_DEPTH} levels")
    if next(infinite_numbers(action), None) is not None:
        raise _invalid("Action", "has a number that does not fit in a double")
    return action


def _check_unicode(key: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _invalid(key, "contains half of a surrogate pair, which is not valid Unicode") from None


def _invalid(field: str, problem: str) -> SpendRefusedError:
    return SpendRefusedError(SpendError.INVALID, f"{field}: {problem}.")
