"""Find deep nesting in JSON, without recursion: deep nesting breaks every recursive reader."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from approvals.domain.model import Json, shorten

MAX_DEPTH = 64
"""Levels of lists and objects that a request may have, the input being the first. Python 3.11 reads and writes fewer
than 1,000, and people read only a few."""

MAX_READABLE_DEPTH = 500
"""Levels that a record may have: earlier versions did not limit requests."""

MAX_CONTAINERS = 500_000
"""Lists and objects to look at. No input within the size limit has as many, but a YAML file of a few lines can: its
anchors are repeated by reference."""

_MAX_KEY, _MAX_KEYS = 30, 6
"""The most characters of a key, and keys, in a path."""


@dataclass(frozen=True, slots=True)
class _Node:
    value: dict[str, Json] | list[Json]
    key: str
    parent: _Node | None


def deeper_than(value: Json, most: int) -> str | None:
    """Return the path of a value nested deeper than `most` levels, or None.

    A value with more than `MAX_CONTAINERS` lists and objects counts as too deep, at the path that was reached.
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
    items: Iterable[tuple[str | int, Json]] = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in items:
        if isinstance(each, dict | list):
            yield _Node(each, f"[{key}]" if isinstance(value, list) else f".{key}", parent)


def _path(node: _Node | None) -> str:
    keys: list[str] = []
    while node is not None and node.parent is not None:
        keys.append(node.key)
        node = node.parent
    named = [shorten(key, _MAX_KEY) for key in keys[::-1][:_MAX_KEYS]]
    return "".join([*named, "…" if len(keys) > _MAX_KEYS else ""]).removeprefix(".")
