"""How deep JSON is nested."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.domain.nesting import MAX_CONTAINERS, MAX_DEPTH, deeper_than

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


def nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels - 1):
        value = [value]
    return value


def depth(value: Any) -> int:
    """Return the depth by plain recursion."""
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@given(json_values, st.integers(0, 5))
def test_it_is_as_deep_as_recursion_says(value: Any, most: int) -> None:
    assert (deeper_than(value, most) is not None) == (depth(value) > most)


@pytest.mark.parametrize(("levels", "refused"), [(MAX_DEPTH, False), (MAX_DEPTH + 1, True), (1_000_000, True)])
def test_the_limit_is_exact_and_no_depth_breaks_it(levels: int, refused: bool) -> None:
    assert (deeper_than(nested(levels), MAX_DEPTH) is not None) == refused


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"a": {"b": [0, {"c": {}}]}}, "a.b[1].c"),
        ([{"a": [[]]}], "[0].a[0]"),
        ({"k" * 100: {"a": {"b": {}}}}, f"{'k' * 28}….a.b"),
    ],
)
def test_a_path_leads_to_what_is_too_deep(value: Any, path: str) -> None:
    assert deeper_than(value, depth(value) - 1) == path


def test_a_value_that_contains_itself_is_too_deep() -> None:
    """A YAML file can say so."""
    itself: list[Any] = []
    itself.append(itself)
    assert deeper_than({"a": itself}, MAX_DEPTH) == "a[0][0][0][0][0]…"


def test_a_few_lines_that_stand_for_billions_of_lists_are_not_counted_to_the_end() -> None:
    bomb: list[Any] = []
    for _ in range(20):
        bomb = [bomb] * 10
    assert deeper_than(bomb, MAX_DEPTH) is not None


def test_every_input_that_is_small_enough_is_looked_at_to_the_end() -> None:
    text = "[" + ",".join(["[]"] * 80_000) + "]"
    assert len(text) < 245_760
    assert deeper_than(json.loads(text), MAX_DEPTH) is None
    assert 245_760 // len("[]") < MAX_CONTAINERS
