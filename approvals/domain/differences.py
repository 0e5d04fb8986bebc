"""The exact differences of two requests: the earlier one with all changes is the later one. Pure.

Numbers are compared by their value, as in the digest: 1 and 1.0 are the same. 1, "1" and true are three values, and a
key that is missing differs from one that is null. The order of an object's keys means nothing; that of facts, of the
form's fields and of a list does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from approvals.domain.model import Json
from approvals.domain.previous import Part

Path = tuple[str | int, ...]
"""Keys of objects and indexes of lists, from the outside in. Facts and fields begin with a label and its number."""

Pairs = tuple[tuple[str, Json], ...]
"""Labels and values in order. A label can occur several times."""


class Missing(Enum):
    """Stands for a value that is not there, which null is not."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING

Value = Json | Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The parts of a request that are compared. `form` has its fields by their names."""

    facts: Pairs = ()
    action: Value = MISSING
    form: Pairs = ()
    context: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change. `before` is missing for what was added, `after` for what was removed.

    An index in `path` is that of the list where the value is: the earlier one for what was removed. A fact or a field
    that was added has its `position`. With `is_order`, the values are the labels in their order.
    """

    part: Part
    path: Path
    before: Value
    after: Value
    position: int = 0
    is_order: bool = False


def diff(previous: Content, current: Content) -> tuple[Change, ...]:
    """Return the changes that lead from one content to another; none if they are the same."""
    differ = _Differ()
    return (
        *differ.of_pairs(Part.FACTS, previous.facts, current.facts),
        *differ.of_values(Part.ACTION, (), previous.action, current.action),
        *differ.of_pairs(Part.FORM, previous.form, current.form),
        *differ.of_values(Part.CONTEXT, (), dict(previous.context), dict(current.context)),
    )


def pointer(path: Path) -> str:
    """Return a path as a JSON Pointer (RFC 6901); the root is empty."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)


class _Differ:
    """Finds changes, and compares each pair of lists or objects once. The values must live as long as it.

    Otherwise a list would be compared again for each list around it: 60 levels around 200 KB took ten seconds.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], bool] = {}

    def is_same(self, one: Value, other: Value) -> bool:
        """Return True if two values are the same in JSON."""
        match one, other:
            case (bool(), _) | (_, bool()):
                return one is other
            case (int() | float(), int() | float()):
                return one == other
            case (dict(), dict()) | (list(), list()):
                pair = (id(one), id(other))
                if pair not in self._known:
                    self._known[pair] = self._is_same_inside(one, other)
                return self._known[pair]
            case _:
                return type(one) is type(other) and one == other

    def _is_same_inside(self, one: Any, other: Any) -> bool:
        if isinstance(one, list):
            return len(one) == len(other) and all(map(self.is_same, one, other))
        return one.keys() == other.keys() and all(self.is_same(value, other[key]) for key, value in one.items())

    def of_values(self, part: Part, path: Path, before: Value, after: Value) -> Iterator[Change]:
        match before, after:
            case dict(), dict():
                for key, value in before.items():
                    yield from self.of_values(part, (*path, key), value, after.get(key, MISSING))
                for key, value in after.items():
                    if key not in before:
                        yield Change(part=part, path=(*path, key), before=MISSING, after=value)
            case list(), list():
                yield from self._of_lists(part, path, before, after)
            case _ if not self.is_same(before, after):
                yield Change(part=part, path=path, before=before, after=after)

    def _of_lists(self, part: Part, path: Path, before: Sequence[Json], after: Sequence[Json]) -> Iterator[Change]:
        """Compare what stands between the same beginning and end, index by index: one insertion is one change."""
        shorter = min(len(before), len(after))
        start = next((number for number in range(shorter) if not self.is_same(before[number], after[number])), shorter)
        ends = shorter - start
        end = next((number for number in range(ends) if not self.is_same(before[~number], after[~number])), ends)
        paired = shorter - end
        for number in range(start, paired):
            yield from self.of_values(part, (*path, number), before[number], after[number])
        for number in range(paired, len(before) - end):
            yield Change(part=part, path=(*path, number), before=before[number], after=MISSING)
        for number in range(paired, len(after) - end):
            yield Change(part=part, path=(*path, number), before=MISSING, after=after[number])

    def of_pairs(self, part: Part, before: Pairs, after: Pairs) -> Iterator[Change]:
        was, now = keyed(before), keyed(after)
        for key, value in was.items():
            yield from self.of_values(part, key, value, now.get(key, MISSING))
        for position, (key, value) in enumerate(now.items()):
            if key not in was:
                yield Change(part=part, path=key, before=MISSING, after=value, position=position)
        order = [key for key in was if key in now]
        for position, key in enumerate(now):
            if key not in was:
                order.insert(position, key)
        if order != [*now]:
            yield Change(part=part, path=(), before=_labels(was), after=_labels(now), is_order=True)


def keyed(pairs: Pairs) -> dict[tuple[str, int], Value]:
    """Return the values by their labels and the number of equal labels before them: the first two steps of a path."""
    found: dict[tuple[str, int], Value] = {}
    seen: dict[str, int] = {}
    for label, value in pairs:
        number = seen[label] = seen.get(label, -1) + 1
        found[label, number] = value
    return found


def _labels(keys: Iterable[tuple[str, int]]) -> list[Json]:
    return [label for label, _ in keys]
