"""Parts of a record that are dataclasses, as attributes: each field under its own name.

A field that a record lacks has its default: it came with a later version.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import Field, fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from approvals.domain.model import iso

T = TypeVar("T")


def to_item(part: Any) -> dict[str, Any]:
    """Return the attributes of a dataclass."""
    return {each.name: _written(getattr(part, each.name)) for each in _stored(part)}


def from_item(kind: type[T], item: Mapping[str, Any]) -> T:
    """Return the dataclass in attributes. Raise `TypeError` or `ValueError` for those of another shape."""
    hints = _hints(kind)  # type: ignore[arg-type]  # a class is hashable
    return kind(**{name: _read(hints[name], value) for name, value in item.items() if name in hints})


def moment(text: str) -> datetime:
    """Return a stored point in time. Raise `ValueError` if its time zone is missing."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("a moment without its time zone")
    return found


def _written(value: Any) -> Any:
    match value:
        case datetime():
            return iso(value)
        case StrEnum():
            return value.value
        case tuple():
            return [_written(each) for each in value]
        case Mapping():  # JSON text: DynamoDB's numbers would change 1.0 to 1, and refuse what JSON allows.
            return json.dumps(dict(value), ensure_ascii=False)
        case None | str() | bool() | int():
            return value
        case _:
            return to_item(value)


def _read(hint: Any, value: Any) -> Any:
    if NoneType in get_args(hint):
        return None if value is None else _read(get_args(hint)[0], value)
    if get_origin(hint) is tuple:
        return tuple(_read(get_args(hint)[0], each) for each in value)
    if get_origin(hint) is Mapping:
        return json.loads(value)
    if hint is datetime:
        return moment(value)
    if isinstance(hint, type) and is_dataclass(hint):
        return from_item(hint, value)
    return hint(value) if issubclass(hint, StrEnum) else value


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    hints = get_type_hints(kind)
    return {each.name: hints[each.name] for each in _stored(kind)}


def _stored(part: Any) -> list[Field[Any]]:
    """Return the fields that are stored: all but those that are known only while somebody responds."""
    return [each for each in fields(part) if each.metadata.get("stored", True)]
