"""Forms: whether they make sense, and whether the answers to them do."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.domain.form_fields import FieldType, FormField, FormValue
from approvals.domain.forms import MAX_DIGITS, Problem, contradictions, parse, problems


def a_field(type_: FieldType = FieldType.TEXT, **changes: Any) -> FormField:
    if type_ is FieldType.CHOICE:
        changes = {"choices": ("a", "b"), **changes}
    return FormField(**{"name": "x", "label": "X", "type": type_, **changes})


NUMBER, DATE, CHOICE = FieldType.NUMBER, FieldType.DATE, FieldType.CHOICE
A_NUMBER = f"Enter a number of at most {MAX_DIGITS} digits."
A_DATE = "Enter a date, such as 2026-11-23"


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        (a_field(), " two\r\nlines ", "two\nlines"),
        (a_field(NUMBER), "12", 12),
        (a_field(NUMBER), "-0.5", -0.5),
        (a_field(NUMBER), "1e3", 1000.0),
        (a_field(NUMBER, minimum=1, maximum=3), "3", 3),
        (a_field(CHOICE), "b", "b"),
        (a_field(FieldType.YES_NO), "yes", True),
        (a_field(FieldType.YES_NO, required=True), "no", False),
        (a_field(DATE), "2028-02-29", "2028-02-29"),
        (a_field(DATE, minimum="2026-11-23"), "2026-11-23", "2026-11-23"),
    ],
)
def test_fitting_input_is_read(field: FormField, text: str, value: FormValue) -> None:
    assert parse((field,), {"x": text}) == ({"x": value}, [])


@pytest.mark.parametrize(
    ("field", "text", "problem"),
    [
        (a_field(max_length=3), "four", "Use at most 3 characters."),
        (a_field(), "a\x00b", "Remove the hidden character U+0000 control character at character 2."),
        (a_field(), "a\u202eb", "Remove the hidden character U+202E right-to-left override at character 2."),
        (a_field(NUMBER), "twelve", A_NUMBER),
        (a_field(NUMBER), "1_000", A_NUMBER),
        (a_field(NUMBER), "1,5", A_NUMBER),
        (a_field(NUMBER), "nan", A_NUMBER),
        (a_field(NUMBER), "-inf", A_NUMBER),
        (a_field(NUMBER), "1e999", A_NUMBER),
        (a_field(NUMBER), "9" * 5000, A_NUMBER),
        (a_field(NUMBER, minimum=1), "9" * 16, "Enter a number, at least 1."),
        (a_field(NUMBER, minimum=1), "0.9", "Enter a number, at least 1."),
        (a_field(NUMBER, maximum=1), "1.1", "Enter a number, at most 1."),
        (a_field(NUMBER, minimum=1, maximum=3), "4", "Enter a number from 1 to 3."),
        (a_field(CHOICE), "c", "Choose one of the 2 options."),
        (a_field(FieldType.YES_NO), "maybe", "Choose yes or no."),
        (a_field(DATE), "23.11.2026", f"{A_DATE}."),
        (a_field(DATE), "2027-02-29", f"{A_DATE}."),
        (a_field(DATE), "2026-W47-1", f"{A_DATE}."),
        (a_field(DATE, minimum="2026-11-23"), "2026-11-22", f"{A_DATE}, not before 2026-11-23."),
        (a_field(DATE, maximum="2026-11-23"), "2026-11-24", f"{A_DATE}, not after 2026-11-23."),
        (a_field(required=True), "  ", "Enter text."),
        (a_field(NUMBER, required=True), "x", A_NUMBER),
    ],
)  # fmt: skip
def test_unfitting_input_is_explained(field: FormField, text: str, problem: str) -> None:
    assert parse((field,), {"x": text})[1] == [Problem("x", problem)]


@pytest.mark.parametrize("type_", FieldType)
def test_empty_input_is_left_out_unless_it_is_required(type_: FieldType) -> None:
    assert parse((a_field(type_),), {"x": " \n"}) == ({}, [])
    assert parse((a_field(type_),), {}) == ({}, [])
    [problem] = parse((a_field(type_, required=True),), {})[1]
    assert problem.field == "x"
    assert problem.text in {"Enter text.", "Enter a number.", "Enter a date.", "Choose an option."}


def test_input_for_unknown_fields_is_left_out() -> None:
    assert parse((a_field(),), {"x": "a", "y": "b"}) == ({"x": "a"}, [])


def test_every_field_with_a_problem_is_named_once() -> None:
    form = (a_field(NUMBER), a_field(name="y", required=True), a_field(name="z"))
    assert [problem.field for problem in parse(form, {"x": "?", "z": "fine"})[1]] == ["x", "y"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (a_field(), 7),
        (a_field(), True),
        (a_field(NUMBER), "7"),
        (a_field(NUMBER), True),
        (a_field(NUMBER), float("nan")),
        (a_field(NUMBER), float("inf")),
        (a_field(NUMBER), 10**400),
        (a_field(CHOICE), "c"),
        (a_field(FieldType.YES_NO), 1),
        (a_field(FieldType.YES_NO), "yes"),
        (a_field(DATE), 20261123),
    ],
)
def test_the_rules_refuse_a_value_of_another_type_whatever_the_channel_let_through(
    field: FormField, value: FormValue
) -> None:
    [problem] = problems((field,), {"x": value})
    assert problem.field == "x"


texts = st.text(max_size=30) | st.from_regex(r"[0-9.eE_+-]{1,20}", fullmatch=True)


@given(st.sampled_from(FieldType), texts, st.booleans())
def test_input_that_is_read_keeps_the_rules(type_: FieldType, text: str, required: bool) -> None:
    form = (a_field(type_, required=required),)
    values, found = parse(form, {"x": text})
    if not found:
        assert problems(form, values) == []


def contradicting(*fields: FormField) -> list[str]:
    return list(contradictions(fields, "Form"))


def test_a_form_that_makes_sense_has_no_contradictions() -> None:
    assert contradicting(
        a_field(name="a", default="", max_length=10),
        a_field(NUMBER, name="b", minimum=-1.5, maximum=-1.5, default=-1.5),
        a_field(DATE, name="c", minimum="2026-01-01", maximum="2026-12-31", default="2026-11-23"),
        a_field(CHOICE, name="d", default="a"),
        a_field(FieldType.YES_NO, name="e", default=False),
    ) == []  # fmt: skip


LIMIT_OF_NOTHING = "only for the types number and date. Remove it, or change the type."


@pytest.mark.parametrize(
    ("field", "problem"),
    [
        (a_field(choices=("a",)), "Form[0].Choices: only for the type choice."),
        (a_field(CHOICE, choices=()), "Form[0].Choices: missing."),
        (a_field(CHOICE, default="c"), 'Form[0].Default: "c" is not one of Choices.'),
        (a_field(max_length=2, default="abc"), "Form[0].Default: must be a string of at most 2 characters."),
        (a_field(NUMBER, default="1"), "Form[0].Default: must be a number of at most 15 digits."),
        (a_field(NUMBER, minimum=2, default=1), "Form[0].Default: must be a number, at least 2."),
        (a_field(NUMBER, minimum=2, maximum=1), "Form[0].Minimum: must not be greater than Maximum."),
        (a_field(DATE, minimum="2026-02-01", maximum="2026-01-01"), "Form[0].Minimum: must not be greater than"),
        (a_field(minimum=1), f"Form[0].Minimum: {LIMIT_OF_NOTHING}"),
        (a_field(FieldType.YES_NO, maximum=1), f"Form[0].Maximum: {LIMIT_OF_NOTHING}"),
        (a_field(NUMBER, minimum="1"), 'Form[0].Minimum: "1" is not a number of at most 15 digits.'),
        (a_field(NUMBER, maximum=10**15), "Form[0].Maximum: 1000000000000000 is not a number of at most 15 digits."),
        (a_field(DATE, maximum=5), "Form[0].Maximum: 5 is not a date such as 2026-11-23."),
        (a_field(NUMBER, minimum="2026-01-01", default=5), 'Form[0].Minimum: "2026-01-01" is not a number'),
        (a_field(DATE, max_length=5), "Form[0].MaxLength: only for the type text."),
        (a_field(name="comment"), 'Form[0].Name: "comment" is reserved'),
    ],
)  # fmt: skip
def test_contradictions_in_a_field_are_named(field: FormField, problem: str) -> None:
    [found] = contradicting(field)
    assert found.startswith(problem)


def test_two_fields_of_one_name_are_refused() -> None:
    assert contradicting(a_field(), a_field(NUMBER)) == ["Form[1].Name: x is a duplicate. Use another name."]


anything = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12) | st.just(10**400)
)


@given(st.sampled_from(FieldType), anything, anything, anything)
def test_no_form_is_too_odd_to_be_explained(type_: FieldType, default: Any, minimum: Any, maximum: Any) -> None:
    limits = {"minimum": minimum, "maximum": maximum}
    # The schema lets no yes or no through as a limit.
    field = a_field(type_, default=default, **{key: None if isinstance(to, bool) else to for key, to in limits.items()})
    contradicting(field)
