"""Values that a JSON Schema allows, for Hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from approvals.requests.schema import load
from tests.support.generated_requests import RIGHT, as_compared

SCHEMA = load("request.schema.json")


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)
"""Any JSON."""


def fitting(schema: Any) -> st.SearchStrategy[Any]:
    """Return a strategy of values that the schema allows."""
    if "anyOf" in schema:
        return st.one_of([fitting(option) for option in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "type" not in schema:
        return json_values
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return st.one_of([_of_type(name, schema) for name in types])


def _of_type(name: str, schema: Any) -> st.SearchStrategy[Any]:
    match name:
        case "object":
            keys = {key: fitting(value) for key, value in schema["properties"].items()}
            required = set(schema.get("required", ()))
            return st.fixed_dictionaries(
                {key: value for key, value in keys.items() if key in required},
                optional={key: value for key, value in keys.items() if key not in required},
            )
        case "array":
            unique = as_compared if schema.get("uniqueItems") else None
            return st.lists(fitting(schema["items"]), min_size=schema.get("minItems", 0), max_size=3, unique_by=unique)
        case "integer":
            numbers = st.integers(schema["minimum"], schema["maximum"])
            return numbers | numbers.map(float)
        case "number":
            return st.integers(-1000, 1000) | st.floats(-1000, 1000)
        case "boolean":
            return st.booleans()
        case _:
            return st.sampled_from(RIGHT[schema.get("title")])
