"""The check against the published schema: its verdicts are those of any JSON Schema validator, its messages our own."""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from approvals.domain.model import Json
from approvals.domain.values import day, kind
from approvals.requests.parse import InvalidRequestError, parse_request
from approvals.requests.schema import problems, published, suggestion
from tests.support.generated_requests import WRONG, generated
from tests.support.schema_values import SCHEMA, fitting

PUBLISHED = published("request.schema.json")
VALIDATOR = Draft202012Validator(dict(PUBLISHED))


odd: st.SearchStrategy[Any] = st.one_of(
    st.booleans(),
    st.none(),
    st.sampled_from(WRONG),
    st.sampled_from([0, -1, 1.5, 51, 101, 525_541, 1e300, "auto", "x", "approve", [], {}, [[]], [{}], [None]]),
    st.sampled_from([["a@example.com"] * 2, [{"Label": "a"}], {"Approve": "off"}, {"Times": 0}, {"Unknown": 1}]),
    st.integers(),
)
too_much = st.sampled_from(["a" * 76, "a" * 301, "a" * 2001, "a" * 3001, [5] * 2, list(range(1, 12)), ["a"] * 51])


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Return every container in a value with each of its keys."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    return [(value, key) for key in keys] + [place for key in keys for place in _places(value[key])]


@st.composite
def nearly_fitting(draw: st.DrawFn) -> Any:
    """Return a request with something else in one place or two, a key too many, or one left out."""
    value = deepcopy(draw(fitting(SCHEMA)))
    replaced = set()
    for _ in range(draw(st.integers(0, 3))):
        places = [(container, key) for container, key in _places(value) if (id(container), key) not in replaced]
        if not places:
            continue
        container, key = draw(st.sampled_from(places))
        match draw(st.sampled_from(["replace", "remove", "add"])):
            case "replace":
                container[key] = deepcopy(draw(odd | too_much))
                replaced.add((id(container), key))
            case "remove":
                del container[key]
            case _ if isinstance(container, dict):
                container[draw(st.sampled_from(["Unknown", "title", ""]))] = deepcopy(draw(odd))
            case _:
                container.append(deepcopy(container[0]))
    return value


@given(nearly_fitting())
@settings(max_examples=250)
def test_it_agrees_with_a_validator_of_json_schema(value: Json) -> None:
    """All but what no schema can say: that white space around texts of a list makes no difference between them."""
    assume(not _differ_in_blanks(value))
    assert (list(problems(value, SCHEMA, "Approval")) == []) == VALIDATOR.is_valid(value)


def test_it_agrees_on_two_thousand_requests() -> None:
    """Among them hundreds that both take, and hundreds that both refuse: `tests/support/generated_requests.py`."""
    taken = {True: 0, False: 0}
    for value in generated(2000):
        if not _differ_in_blanks(value):
            valid = VALIDATOR.is_valid(value)
            assert (list(problems(value, SCHEMA, "Approval")) == []) == valid, value
            taken[valid] += 1
    assert min(taken.values()) > 500


def _differ_in_blanks(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_differ_in_blanks(each) for each in value.values())
    texts = [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
    return len({each.strip() for each in texts}) < len(set(texts)) or (
        isinstance(value, list) and any(_differ_in_blanks(each) for each in value)
    )


@given(odd | too_much)
def test_it_agrees_with_a_validator_on_what_is_no_request_at_all(value: Json) -> None:
    assert (list(problems(value, SCHEMA, "Approval")) == []) == VALIDATOR.is_valid(value)


@given(nearly_fitting())
@settings(max_examples=150)
def test_fitting_input_is_accepted_or_refused_with_a_path_and_never_breaks(value: Json) -> None:
    found = refusals(value)
    assert not found or found[0].startswith("Approval")
    assert all(each.startswith(("Approval", "and ", "the keys of Approval")) for each in found)


def refusals(value: Json) -> list[str]:
    try:
        parse_request({"Approval": value}, default_timeout=timedelta(hours=1))
    except InvalidRequestError as error:
        return error.problems
    return []


@given(fitting(SCHEMA))
def test_the_generated_values_fit(value: Json) -> None:
    """Else the two tests above would compare nothing but refusals."""
    assert VALIDATOR.is_valid(value)


def test_the_schema_uses_no_keyword_that_the_check_does_not_know() -> None:
    known = {"type", "enum", "format", "anyOf", "properties", "required", "additionalProperties", "items"}
    known |= {"minItems", "maxItems", "uniqueItems", "minimum", "maximum", "maxLength", "pattern", "names"}
    explains = {"description", "title", "default", "$schema"}
    for schema in _schemas(dict(SCHEMA)):
        assert schema.keys() <= known | explains
        assert schema.get("minItems", 1) == 1, "the message says: at least one entry"
        assert ("properties" in schema) == (schema.get("additionalProperties") is False), "a typo would slip through"


def _schemas(schema: dict[str, Any]) -> list[dict[str, Any]]:
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]
    inner += [schema["items"]] if "items" in schema else []
    return [schema] + [found for each in inner for found in _schemas(each)]


def test_everything_in_the_schema_is_described_and_every_default_fits() -> None:
    for schema in _schemas(dict(SCHEMA)):
        for key, value in schema.get("properties", {}).items():
            assert value["description"].endswith("."), key
            assert "default" not in value or not list(problems(value["default"], value, key))


def one(value: Json, schema: dict[str, Any]) -> str:
    [problem] = problems(value, schema, "x")
    return problem


@pytest.mark.parametrize(
    ("value", "schema", "problem"),
    [
        (True, {"type": "integer", "minimum": 0, "maximum": 9}, "x: true is not a whole number from 0 to 9."),
        ("3" * 99, {"type": "integer"}, f'x: "{"3" * 39}…" is not a whole number.'),
        (10**99, {"type": "string"}, f"x: 1{'0' * 38}… is not a string."),
        (float("nan"), {"type": "number"}, "x: nan is not a number."),
        ([], {"type": ["string", "boolean"]}, "x: a list is not a string or true or false."),
        (
            [1, 1.0],
            {"type": "array", "uniqueItems": True, "items": {"type": "integer"}},
            "x[1]: 1.0 is a duplicate. Remove it.",
        ),
        (
            ["a", " a"],
            {"type": "array", "uniqueItems": True, "items": {"type": "string"}},
            'x[1]: "a" is a duplicate. Remove it.',
        ),
        ([1, 1], {"type": "array", "maxItems": 1, "items": {}}, "x: 2 entries are too many. The maximum is 1."),
        ({"a": None}, {"type": "object", "properties": {}}, "x.a: unknown key."),
    ],
)
def test_a_problem_says_where_what_is_expected_and_what_is_there(
    value: Json, schema: dict[str, Any], problem: str
) -> None:
    assert next(problems(value, schema, "x")) == problem


def test_the_most_that_a_limit_says_is_taken() -> None:
    schema = {"type": "array", "maxItems": 2, "items": {"type": "integer", "minimum": 1, "maximum": 3}}
    assert list(problems([1, 3], schema, "x")) == []
    assert list(problems("ab", {"type": "string", "maxLength": 2}, "x")) == []


def test_null_in_an_object_is_as_good_as_absent() -> None:
    schema = {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}
    assert list(problems({"a": "", "b": None}, schema, "x")) == []
    assert one({"a": None}, schema) == "x.a: missing. Add a string."


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("line", ["a", "?", "\U0001f680", "U+1"], ["", " ", "\u200b", "a\nb", "\x00"]),
        ("text", ["a\nb\tc", "1"], ["", "\n", "a\x00", "a\u202eb"]),
        ("url", ["https://x.io", "http://localhost:8080/a%20b"], ["ftp://x.io", "x.io", "https://", "//x.io"]),
        ("name", ["a", "_", "Version_2"], ["", "2a", "a-b", "a b", "é", "a\n_"]),
        ("person", ["a.b+c@x-y.example.com", "U0ABCDEF", "W0ABCDEF"], ["a", "a@b", "@b.io", "u0abcdef", "S0ABCDEF"]),
        ("approver", ["a@b.io", "U0ABCDEF", "S0ABCDEF"], ["C0ABCDEF", "a@b.io,c@d.io", "Ann <a@b.io>", "@here"]),
        ("channel", ["C0ABCDEF", "G0ABCDEF", "D0ABCDEF", "U0ABCDEF"], ["#deploys", "S0ABCDEF", "c0abcdef"]),
    ],
)  # fmt: skip
def test_a_definition_takes_what_it_means_and_nothing_else(name: str, right: list[str], wrong: list[str]) -> None:
    """White space around a text is dropped, but for addresses: `format` has none."""
    definition = PUBLISHED["$defs"][name]
    validator = VALIDATOR.evolve(schema=definition)
    for text in [*right, *wrong]:
        assert validator.is_valid(text) == (text in right), text
        assert validator.is_valid(f"\n{text}\u3000") == (text in right and name != "url"), text


@pytest.mark.parametrize(
    "text", ["2026-W47-1", "20261123", "2026-11-23T00:00", "2026-13-01", "2026-2-1", "\uff12026-11-23", ""]
)
def test_only_the_usual_form_of_a_day_is_one(text: str) -> None:
    assert day(text) is None


@given(st.text(max_size=80))
def test_a_suggestion_names_a_known_word_or_nothing(word: str) -> None:
    known = ["Approvers", "Title"]
    assert suggestion(word, known) in {"", *(f" Did you mean {each}?" for each in known)}


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists))
def test_a_kind_is_short(value: Json) -> None:
    assert 0 < len(kind(value)) < 60


def test_a_kind_of_control_characters_is_short_and_on_one_line() -> None:
    shown = kind("\x00\n" * 20)
    assert len(shown) < 60
    assert shown.isprintable()
