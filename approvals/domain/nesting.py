"""How deep JSON is nested: walked without recursion, since deep nesting breaks every recursive reader. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from approvals.domain.model import Json, shorten

MAX_DEPTH = 64
"""Levels of lists and objects that a request may have, the input itself being the first: Python 3.11 reads and writes
fewer than 1,000, and no person reads more than a handful."""

MAX_READABLE_DEPTH = 500
"""Levels that a record may have: requests of earlier versions were not limited."""

MAX_CONTAINERS = 500_000
"""Lists and objects that are looked at. No input that is small enough to be asked has as many; a YAML file of a few
lines can, since its anchors are repeated by reference."""

_MAX_KEY, _MAX_KEYS = 30, 6
"""Characters of a key, and keys, that a path names."""


@dataclass(frozen=True, slots=True)
class _Node:
    value: dict[str, Json] | list[Json]
    key: str
    parent: _Node | None


def deeper_than(value: Json, most: int) -> str | None:
    """Return the path of something nested deeper than `most` levels, or None.

    Something that has more than `MAX_CONTAINERS` lists and objects counts as too deep, at the path that was reached.
    """
    level = list(_containers({"": value}, None))
    seen = 0
    for _ in range(most):
        below: list[_Node] = []
        for node in level:
            seen += 1
            below += _containers(node.value, node)
            if seen + len(below) > MAX_CONTAINERS:
                return _path(below[-1])
        level = below
    return _path(level[0]) if level else None


def _containers(value: dict[str, Json] | list[Json], parent: _Node | None) -> Iterator[_Node]:
    if isinstance(value, dict):
        for key, each in value.items():
            if isinstance(each, dict | list):
                yield _Node(each, f".{key}", parent)
    else:
        for number, each in enumerate(value):
            if isinstance(each, dict | list):
                yield _Node(each, f"[{number}]", parent)


def _path(node: _Node | None) -> str:
    keys: list[str] = []
    while node is not None and node.parent is not None:
        keys.append(node.key)
        node = node.parent
    named = [shorten(key, _MAX_KEY) for key in keys[::-1][:_MAX_KEYS]]
    return "".join([*named, "…" if len(keys) > _MAX_KEYS else ""]).removeprefix(".")
