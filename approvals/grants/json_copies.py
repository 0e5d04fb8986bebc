"""Copy a Python value that has exactly one JSON form, or say which part of it has none."""

from __future__ import annotations

import json
from math import isfinite
from typing import Any

from approvals.domain.model import Json
from approvals.domain.nesting import MAX_DEPTH
from approvals.grants.errors import InvalidSpendError


def copied(value: Any, name: str, depth: int = 0) -> Json:
    """Return a deep copy of a value that JSON has. Later changes of the value don't change the copy.

    Only the types that `json.loads` returns are taken, so that the copy equals what the JSON text says. A subclass or a
    tuple would come back as another type. Raises `InvalidSpendError`, which calls the value `name`.
    """
    if depth > MAX_DEPTH:
        raise InvalidSpendError(f"{name} is nested too deeply; the maximum is {MAX_DEPTH} levels.")
    kind = type(value)
    if kind is dict:
        return {_key(key, name): copied(each, f"{name}[{key!r}]", depth + 1) for key, each in value.items()}
    if kind is list:
        return [copied(each, f"{name}[{number}]", depth + 1) for number, each in enumerate(value)]
    if kind is str:
        return _text(value, name)
    if kind is float and not isfinite(value):
        raise InvalidSpendError(f"{name} is {value}, which is not a number in JSON.")
    if kind is int:
        return _integer(value, name)
    if value is None or kind in {bool, float}:
        return value  # type: ignore[no-any-return]  # its type was looked at
    raise InvalidSpendError(
        f"{name} has the type {kind.__qualname__}, which has no JSON form. Use dict, list, str, int, float, bool or "
        "None."
    )


def _key(key: Any, name: str) -> str:
    if type(key) is not str:
        raise InvalidSpendError(
            f"{name} has a key of the type {type(key).__qualname__}. JSON has only strings as keys."
        )
    return _text(key, f"A key of {name}")


def _text(text: str, name: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidSpendError(f"{name} has half a surrogate pair, which UTF-8 does not have.") from error
    return text


def _integer(number: int, name: str) -> int:
    """Return the number if Python can write it: it refuses more than 4,300 digits."""
    try:
        json.dumps(number)
    except ValueError as error:
        raise InvalidSpendError(f"{name} is an integer with too many digits.") from error
    return number
