"""What differs between two requests: exactly, so that nothing that was changed can stay unsaid."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.domain.differences import MISSING, Change, Content, Path, Value, diff, pointer
from approvals.domain.previous import Part
from approvals.requests.codec import canonical
from tests.support.applied_differences import apply, is_same

names = st.sampled_from(["", "a", "b", "/", "~", "~1", "a/b", "Replicas"])
numbers = st.sampled_from([0, 1, 1.0, -0.0, 0.5, 2**53 + 1, 10**30, -1]) | st.integers(-3, 3)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | numbers | st.sampled_from(["", "1", "true", "null", "a\u200b"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
pairs = st.lists(st.tuples(names, values), max_size=5).map(tuple)
contents = st.builds(
    Content,
    facts=pairs,
    action=st.just(MISSING) | values,
    form=pairs,
    context=st.dictionaries(names, values, max_size=4),
)


def is_same_content(one: Content, other: Content) -> bool:
    def flat(content: Content) -> list[Any]:
        return [
            *([label, value] for label, value in (*content.facts, ("", "form"), *content.form)),
            dict(content.context),
            *([] if content.action is MISSING else [content.action]),
        ]

    return is_same(flat(one), flat(other))


@given(contents, contents)
def test_the_previous_content_and_the_changes_give_the_current_one(previous: Content, current: Content) -> None:
    before = deepcopy(previous)
    changes = diff(previous, current)
    assert is_same_content(apply(previous, changes), current)
    assert is_same_content(previous, before)
    assert bool(changes) is not is_same_content(previous, current)


@given(contents, st.data())
def test_facts_and_fields_in_another_order_are_a_change(previous: Content, data: st.DataObject) -> None:
    current = Content(
        facts=tuple(data.draw(st.permutations(previous.facts))),
        form=tuple(data.draw(st.permutations(previous.form))),
        action=previous.action,
        context=dict(reversed(list(previous.context.items()))),
    )
    changes = diff(previous, current)
    assert is_same_content(apply(previous, changes), current)
    assert bool(changes) is not is_same_content(previous, current)
    assert Part.CONTEXT not in {change.part for change in changes}


@given(contents)
def test_equal_contents_have_no_changes(content: Content) -> None:
    assert diff(content, deepcopy(content)) == ()


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the path of each value."""
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, each in inside:
        yield from places(each, (*path, step))


def planted(value: Any, path: Path, new: Any) -> Any:
    """Return the value with another one at a path; without one there, if it is MISSING."""
    if not path:
        return new
    found = deepcopy(value)
    inside = found
    for step in path[:-1]:
        inside = inside[step]
    if new is MISSING:
        del inside[path[-1]]
    else:
        inside[path[-1]] = new
    return found


def names_it(change: Change, part: Part, path: Path) -> bool:
    """Return True if a change is told of this place, around it, or in the list in which it stands."""
    if change.part is not part:
        return False
    whole = list(zip(change.path, path, strict=False))
    return all(one == other or isinstance(one, int) for one, other in whole)


@given(contents, st.sampled_from([Part.ACTION, Part.CONTEXT]), st.data())
def test_a_planted_value_is_a_change_that_names_its_place(previous: Content, part: Part, data: st.DataObject) -> None:
    value: Any = previous.action if part is Part.ACTION else dict(previous.context)
    path = data.draw(st.sampled_from([*places(value)]))
    new = data.draw(values if path else st.dictionaries(names, values, max_size=2))
    if path and data.draw(st.sampled_from([True, False])):
        new = MISSING
    changed = planted(value, path, new)
    if is_same(value, changed):
        return
    current = Content(
        facts=previous.facts,
        form=previous.form,
        action=changed if part is Part.ACTION else previous.action,
        context=changed if part is Part.CONTEXT else previous.context,
    )
    changes = diff(previous, current)
    assert changes
    assert all(names_it(change, part, path) for change in changes)


@given(contents, st.sampled_from([Part.FACTS, Part.FORM]), st.data())
def test_a_planted_fact_or_field_is_a_change_that_names_its_label(
    previous: Content, part: Part, data: st.DataObject
) -> None:
    before = previous.facts if part is Part.FACTS else previous.form
    place = data.draw(st.integers(0, len(before)))
    label, value = data.draw(names), data.draw(values)
    replaced = data.draw(st.booleans())
    after = (*before[:place], (label, value), *before[place + replaced :])
    current = Content(
        facts=after if part is Part.FACTS else previous.facts,
        form=after if part is Part.FORM else previous.form,
        action=previous.action,
        context=previous.context,
    )
    changes = diff(previous, current)
    assert bool(changes) is not is_same_content(previous, current)
    gone = {before[place][0]} if replaced and place < len(before) else set()
    assert all(change.part is part and (change.is_order or change.path[0] in {label, *gone}) for change in changes)


exact = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e6, 1e6) | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=1), inner, max_size=3),
    max_leaves=6,
)


@given(exact, exact)
def test_values_are_the_same_if_the_digest_says_so(one: Any, other: Any) -> None:
    assert is_same(one, other) is (canonical(one) == canonical(other))


@pytest.mark.parametrize(
    ("before", "after"),
    [(1, "1"), (1, True), (0, False), (None, MISSING), ("", None), (2**53, 2**53 + 1), ([], {}), ("a", "a\u200b")],
)
def test_values_that_look_alike_differ(before: Value, after: Value) -> None:
    assert not is_same(before, after)
    assert diff(Content(action=before), Content(action=after))


def changes_of(before: Any, after: Any) -> list[tuple[str, Value, Value]]:
    found = diff(Content(action=before), Content(action=after))
    return [(pointer(change.path), change.before, change.after) for change in found]


def test_a_number_is_compared_by_its_value() -> None:
    assert changes_of({"a": 1, "b": -0.0}, {"a": 1.0, "b": 0}) == []


def test_an_element_that_is_added_to_a_list_is_one_change() -> None:
    assert changes_of(["terraform", "apply"], ["terraform", "-auto", "apply"]) == [("/1", MISSING, "-auto")]
    assert changes_of(["terraform", "-auto", "apply"], ["terraform", "apply"]) == [("/1", "-auto", MISSING)]


def test_keys_are_named_by_json_pointers() -> None:
    assert changes_of({"a/b": {"~": [1]}, "": 2}, {"a/b": {"~": [3]}, "": 4}) == [("/a~1b/~0/0", 1, 3), ("/", 2, 4)]


def test_equal_labels_are_told_apart_by_their_number() -> None:
    before = Content(facts=(("Host", "a"), ("Host", "b")))
    [change] = diff(before, Content(facts=(("Host", "a"), ("Host", "c"))))
    assert (change.path, change.before, change.after) == (("Host", 1), "b", "c")


def test_a_fact_that_is_added_between_others_is_one_change() -> None:
    before = Content(facts=(("A", "1"), ("C", "3")))
    [change] = diff(before, Content(facts=(("A", "1"), ("B", "2"), ("C", "3"))))
    assert (change.path, change.before, change.after) == (("B", 0), MISSING, "2")


class Counted:
    """A value that counts how often it is compared."""

    compared = 0

    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, other: object) -> bool:
        Counted.compared += 1
        return isinstance(other, Counted) and self.name == other.name

    __hash__ = None  # type: ignore[assignment]


def test_a_change_deep_in_lists_is_found_without_comparing_all_of_it_at_each_level(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A request could else keep `notify`, and a spend, busy until they time out."""
    monkeypatch.setattr(Counted, "compared", 0)
    before: Any = [Counted("a") for _ in range(1000)] + [Counted("b")]
    after: Any = [Counted("a") for _ in range(1000)] + [Counted("c")]
    for _ in range(60):
        before, after = [before], [after]
    [change] = diff(Content(action=before), Content(action=after))
    assert change.path == (*[0] * 60, 1000)
    assert Counted.compared < 5000
