"""Our attribute values against boto3's own, which the functions spare themselves."""

from __future__ import annotations

from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from approvals.store.dynamodb import deserialize, serialize

_LEAVES = (
    st.none()
    | st.booleans()
    | st.text()
    | st.binary()
    | st.integers(-(10**30), 10**30)
    | st.frozensets(st.text(), min_size=1)
)
_VALUES: st.SearchStrategy[Any] = st.recursive(
    _LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


@given(value=_VALUES)
def test_a_value_is_the_attribute_that_boto3_makes_of_it(value: Any) -> None:
    assert _in_any_order(serialize(value)) == _in_any_order(TypeSerializer().serialize(value))


@given(value=_VALUES)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    assert deserialize(serialize(value)) == value
    assert deserialize(TypeSerializer().serialize(value)) == value


@given(value=_VALUES)
def test_boto3_reads_the_same_value(value: Any) -> None:
    """It wraps bytes, in what is equal to them."""
    assert TypeDeserializer().deserialize(serialize(value)) == value


@pytest.mark.parametrize("value", [1.5, {"a"}, frozenset({1}), object()])
def test_a_value_of_another_type_is_an_error(value: object) -> None:
    with pytest.raises(TypeError):
        serialize([value])


@pytest.mark.parametrize("attribute", [{"NS": ["1"]}, {"X": 1}])
def test_an_attribute_of_another_kind_is_an_error(attribute: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        deserialize({"L": [attribute]})


def _in_any_order(value: Any) -> Any:
    """Return the attribute, with its sets as sets."""
    if isinstance(value, list):
        return [_in_any_order(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {kind: set(each) if kind == "SS" else _in_any_order(each) for kind, each in value.items()}
