"""Parts of a record that are dataclasses, as attributes: each field under its own name, or one that it keeps.

A field that a record lacks has its default: it came with a later version. A field's metadata say how it is `stored`:
False if it is not, or the name that it had first; what stands for `none`; and the value that is `omitted`.
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

_NEVER = object()

_TEXTS = Mapping[str, str]
"""Stored as a map. Other mappings are JSON text: DynamoDB's numbers would change 1.0 to 1, and refuse some."""


def to_item(part: Any) -> dict[str, Any]:
    """Return the attributes of a dataclass."""
    hints = _hints(type(part))  # type: ignore[arg-type]  # a class is hashable
    return {
        name: _attribute(each, hints[name], value)
        for name, each in _stored(part).items()
        if (value := getattr(part, each.name)) != each.metadata.get("omitted", _NEVER)
    }


def from_item(kind: type[T], item: Mapping[str, Any]) -> T:
    """Return the dataclass in attributes. Raise `TypeError` or `ValueError` for those of another shape."""
    hints = _hints(kind)  # type: ignore[arg-type]
    known = {name: each for name, each in _stored(kind).items() if name in item}
    return kind(**{each.name: _value(each, hints[name], item[name]) for name, each in known.items()})


def _attribute(field: Field[Any], hint: Any, value: Any) -> Any:
    if value is None:
        return field.metadata.get("none")
    return dict(value) if hint == _TEXTS else _written(value)


def _value(field: Field[Any], hint: Any, attribute: Any) -> Any:
    stands_for_none = "none" in field.metadata and attribute == field.metadata["none"]
    return None if stands_for_none else _read(hint, attribute)


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
        case Mapping():
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
        return dict(value) if hint == _TEXTS else json.loads(value)
    if hint is datetime:
        return moment(value)
    if isinstance(hint, type) and is_dataclass(hint):
        return from_item(hint, value)
    return hint(value) if issubclass(hint, StrEnum) else value


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    hints = get_type_hints(kind)
    return {name: hints[each.name] for name, each in _stored(kind).items()}


def _stored(part: Any) -> dict[str, Field[Any]]:
    """Return the fields that are stored, by the names of their attributes."""
    found = {each.metadata.get("stored", each.name): each for each in fields(part)}
    return {name: each for name, each in found.items() if name}
