"""JSON values in words, and strings that stand for other values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from math import isfinite
from sys import float_info

from approvals.domain.model import Json, shorten

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def kind(value: Json) -> str:
    """Describe a value on one line, without repeating a long one or the content of a list or an object."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return shorten(str(value), 40)
        case str():
            return f'"{shorten(_escaped(shorten(value, 40)), 50)}"' if value else "an empty string"
        case list():
            return "a list"
        case dict():
            return "an object"


def _escaped(text: str) -> str:
    """Escape line breaks and control characters, which would take a message apart."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def day(value: Json) -> date | None:
    """Return the value as a date if it is a string in the form 2026-11-23."""
    try:
        # Python's reader takes 2026-W47-1, too, which is not in the order of texts.
        return date.fromisoformat(value) if isinstance(value, str) and _DAY.fullmatch(value) else None
    except ValueError:
        return None


def infinite_numbers(value: Json, path: str = "") -> Iterator[str]:
    """Yield the paths of numbers beyond a double: 1e400 became infinite when it was read, its digits in full did not.

    A program that reads numbers as doubles, as JavaScript does, has either as infinite.
    """
    match value:
        case dict():
            for key, item in value.items():
                yield from infinite_numbers(item, f"{path}.{shorten(key, 60)}" if path else shorten(key, 60))
        case list():
            for number, item in enumerate(value):
                yield from infinite_numbers(item, f"{path}[{number}]")
        case float() if not isfinite(value):
            yield path
        case int() if abs(value) > float_info.max:
            yield path
