"""The exact differences of two requests: `apply(previous, diff(previous, current))` is `current`. Pure.

Numbers are compared by their value, as in the digest: 1 and 1.0 are the same. 1, "1" and true are three values, and a
key that is missing differs from one that is null. The order of an object's keys means nothing; that of facts, of the
form's fields and of a list does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import reduce
from operator import getitem
from typing import Any, Final, cast

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


def apply(previous: Content, changes: Iterable[Change]) -> Content:
    """Return the content to which the changes lead."""
    found: dict[Part, list[Change]] = {part: [] for part in Part}
    for change in changes:
        found[change.part].append(change)
    context = _with_values(dict(previous.context), found[Part.CONTEXT])
    return Content(
        facts=_with_pairs(previous.facts, found[Part.FACTS]),
        action=_with_values(previous.action, found[Part.ACTION]),
        form=_with_pairs(previous.form, found[Part.FORM]),
        context=context if isinstance(context, dict) else {},
    )


def is_same(one: Value, other: Value) -> bool:
    """Return True if two values are the same in JSON."""
    return _Differ().is_same(one, other)


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
        was, now = _keyed(before), _keyed(after)
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


def _keyed(pairs: Pairs) -> dict[tuple[str, int], Value]:
    """Return the values by their labels and the number of equal labels before them."""
    found: dict[tuple[str, int], Value] = {}
    seen: dict[str, int] = {}
    for label, value in pairs:
        number = seen[label] = seen.get(label, -1) + 1
        found[label, number] = value
    return found


def _labels(keys: Iterable[tuple[str, int]]) -> list[Json]:
    return [label for label, _ in keys]


def _with_pairs(previous: Pairs, changes: Sequence[Change]) -> Pairs:
    values = _keyed(previous)
    order = [*values]
    added: list[tuple[int, tuple[str, int]]] = []
    for key, inside in _by_label(changes).items():
        value = _with_values(values.get(key, MISSING), inside)
        if isinstance(value, Missing):
            order.remove(key)
        elif key not in values:
            added.append((inside[0].position, key))
        values[key] = value
    for position, key in sorted(added):
        order.insert(position, key)
    for change in changes:
        if change.is_order and isinstance(change.after, list):
            order = [*_keyed(tuple((str(label), None) for label in change.after))]
    return tuple((key[0], value) for key in order if not isinstance(value := values[key], Missing))


def _by_label(changes: Iterable[Change]) -> dict[tuple[str, int], list[Change]]:
    """Return the changes of each fact or field, with their paths inside it."""
    found: dict[tuple[str, int], list[Change]] = {}
    for change in changes:
        if not change.is_order:
            label, number, *inside = change.path
            found.setdefault((str(label), int(number)), []).append(replace(change, path=tuple(inside)))
    return found


def _with_values(previous: Value, changes: Sequence[Change]) -> Value:
    """Apply changes inside a value. Removed elements go from the end, so that the indexes before them stay."""
    changed = [each for each in changes if each.before is not MISSING and each.after is not MISSING]
    removed = [each for each in changes if each.after is MISSING]
    added = [each for each in changes if each.before is MISSING]
    found: Any = deepcopy(previous)
    for change in (*changed, *reversed(removed), *added):
        if not change.path:
            return change.after
        *way, last = change.path
        place = reduce(getitem, way, found)
        if change.after is MISSING:
            del place[last]
        elif change.before is MISSING and isinstance(place, list):
            place.insert(int(last), change.after)
        else:
            place[last] = change.after
    return cast("Value", found)
