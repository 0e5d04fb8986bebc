"""Find deep nesting in JSON, without recursion: deep nesting breaks every recursive reader."""

from __future__ import annotations

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


_Path = tuple["_Path", str] | None
"""The path of the container and its own key, which share the beginnings of all paths; None for the value itself."""


def deeper_than(value: Json, most: int) -> str | None:
    """Return the path of a value nested deeper than `most` levels, or None.

    A value with more than `MAX_CONTAINERS` lists and objects counts as too deep, at the path that was reached.
    """
    level: list[tuple[dict[str, Json] | list[Json], _Path]] = [(value, None)] if isinstance(value, dict | list) else []
    seen = 0
    for _ in range(most):
        seen += len(level)
        below: list[tuple[dict[str, Json] | list[Json], _Path]] = []
        for container, path in level:
            items = container.items() if isinstance(container, dict) else enumerate(container)
            form = ".{}" if isinstance(container, dict) else "[{}]"
            below += [(each, (path, form.format(key))) for key, each in items if isinstance(each, dict | list)]
            if seen + len(below) > MAX_CONTAINERS:
                return _written(below[-1][1])
        level = below
    return _written(level[0][1]) if level else None


def _written(path: _Path) -> str:
    keys: list[str] = []
    while path is not None:
        path, key = path
        keys.append(key)
    named = [shorten(key, _MAX_KEY) for key in keys[::-1][:_MAX_KEYS]]
    return "".join([*named, "…" if len(keys) > _MAX_KEYS else ""]).removeprefix(".")
