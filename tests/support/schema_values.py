"""Values that a JSON Schema allows, for Hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from approvals.requests.schema import load

SCHEMA = load("request.schema.json")
OF_FORMAT: dict[str | None, st.SearchStrategy[str]] = {
    "line": st.sampled_from(["Deploy", "Größe", "a"]),
    "text": st.sampled_from(["line 1\nline 2", "a"]),
    "url": st.sampled_from(["https://example.com/plan?a=1", "http://x.io"]),
    "name": st.sampled_from(["Version", "percent", "_1"]),
    "person": st.sampled_from(["ann@example.com", "bo@example.com", "U0CY000003"]),
    "approver": st.sampled_from(["ann@example.com", "bo@example.com", "U0CY000003", "S0GROUP001"]),
    "channel": st.sampled_from(["C0123456789", "U0CY000003"]),
    None: st.text("ab 1", max_size=5),
}
"""Texts that keep to their format: what a format means is our own affair, as validators are free to ignore it.

For the same reason nothing here has white space around it, or is null inside an object: we drop that before we check.
"""


def fitting(schema: Any) -> st.SearchStrategy[Any]:
    """Return a strategy of values that the schema allows."""
    if "anyOf" in schema:
        return st.one_of([fitting(option) for option in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
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
            unique = repr if schema.get("uniqueItems") else None
            return st.lists(fitting(schema["items"]), min_size=schema.get("minItems", 0), max_size=3, unique_by=unique)
        case "integer":
            numbers = st.integers(schema["minimum"], schema["maximum"])
            return numbers | numbers.map(float)
        case "number":
            return st.integers(-1000, 1000) | st.floats(-1000, 1000)
        case "boolean":
            return st.booleans()
        case _:
            return OF_FORMAT[schema.get("format")]
