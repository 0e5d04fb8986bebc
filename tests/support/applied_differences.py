"""Apply the differences of two requests, to see that they are exact."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import reduce
from operator import getitem
from typing import Any, cast

from approvals.domain.differences import MISSING, Change, Content, Missing, Pairs, Value, _Differ, keyed
from approvals.domain.previous import Part


def is_same(one: Value, other: Value) -> bool:
    """Return True if two values are the same in JSON."""
    return _Differ().is_same(one, other)


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


def _with_pairs(previous: Pairs, changes: Sequence[Change]) -> Pairs:
    values = keyed(previous)
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
            order = [*keyed(tuple((str(label), None) for label in change.after))]
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
