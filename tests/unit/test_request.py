"""Reading the request from what the state machine passes on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.model import Json, Request, is_hidden, shorten
from approvals.request import (
    MAX_DETAILS,
    MAX_REQUESTED_BY,
    MAX_TIMEOUT_MINUTES,
    MAX_TITLE,
    MAX_UNKNOWN,
    Call,
    InvalidApprovalRequest,
    parse_call,
    parse_request,
)
from tests.builders import TOKEN, WORKFLOW, a_call

HOUR = timedelta(hours=1)

THE_KEYS = "the keys of Approval are Title, Details, RequestedBy, TimeoutMinutes"

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def parse(asked: Json) -> Request:
    return parse_request({"Approval": asked}, default_timeout=HOUR)


def problems(execution_input: Json) -> list[str]:
    with pytest.raises(InvalidApprovalRequest) as caught:
        parse_request(execution_input, default_timeout=HOUR)
    return caught.value.problems


def test_the_tutorials_own_input_is_all_context() -> None:
    request = parse_request({"Comment": "Insert your JSON here"}, default_timeout=HOUR)
    assert request == Request(timeout=HOUR, context={"Comment": "Insert your JSON here"})


def test_every_key_of_the_request_is_read_and_the_rest_is_context() -> None:
    asked: Json = {"Title": "Deploy", "Details": "line 1\nline 2", "RequestedBy": "jo", "TimeoutMinutes": 30}
    request = parse_request({"Approval": asked, "Version": "2.4.1"}, default_timeout=HOUR)
    assert request == Request(
        title="Deploy",
        details="line 1\nline 2",
        requested_by="jo",
        timeout=timedelta(minutes=30),
        context={"Version": "2.4.1"},
    )


@pytest.mark.parametrize("key", ["Title", "Details", "RequestedBy", "TimeoutMinutes"])
def test_null_is_as_good_as_absent(key: str) -> None:
    """JSONPath has no way to leave a key out."""
    assert parse({key: None}) == Request(timeout=HOUR)


def test_space_around_a_text_is_dropped() -> None:
    request = parse({"Title": " Deploy \n", "Details": "\n a\n b\n", "RequestedBy": "\tjo "})
    assert (request.title, request.details, request.requested_by) == ("Deploy", "a\n b", "jo")


def test_the_result_of_an_earlier_approval_is_no_mistake() -> None:
    """Two approvals in a row: the input that flows on from the first is the second's."""
    assert parse({"Title": "Deploy", "Result": {"Decision": "APPROVED"}}) == Request(title="Deploy", timeout=HOUR)


@pytest.mark.parametrize("minutes", [1, 60, 30.0, MAX_TIMEOUT_MINUTES, float(MAX_TIMEOUT_MINUTES)])
def test_whole_minutes_are_taken_in_either_spelling(minutes: float) -> None:
    assert parse({"TimeoutMinutes": minutes}).timeout == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    "minutes", [0, -1, 1.5, True, False, "60", MAX_TIMEOUT_MINUTES + 1, float("inf"), float("nan"), 1e308, [], {}]
)
def test_other_timeouts_are_refused(minutes: Json) -> None:
    (problem,) = problems({"Approval": {"TimeoutMinutes": minutes}})
    assert problem.startswith("Approval.TimeoutMinutes: expected a whole number of minutes from 1 to 525,540, got ")


@pytest.mark.parametrize(
    ("execution_input", "kind"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (7, "the number 7"),
        ("", "an empty text"),
        ("yes", 'the text "yes"'),
        ([], "a list"),
    ],
)
def test_what_is_no_object_is_refused_by_its_kind(execution_input: Json, kind: str) -> None:
    assert problems(execution_input) == [f"the execution's input must be a JSON object, got {kind}"]
    assert problems({"Approval": execution_input}) == [f"Approval: expected an object, got {kind}"]


@pytest.mark.parametrize(
    ("key", "most"), [("Title", MAX_TITLE), ("Details", MAX_DETAILS), ("RequestedBy", MAX_REQUESTED_BY)]
)
class TestTexts:
    def test_the_longest_is_taken(self, key: str, most: int) -> None:
        request = parse({key: "x" * most})
        assert "x" * most in (request.title, request.details, request.requested_by)

    def test_a_longer_one_is_refused_and_not_cut(self, key: str, most: int) -> None:
        (problem,) = problems({"Approval": {key: "x" * (most + 1)}})
        assert problem == f"Approval.{key}: expected at most {most:,} characters, got {most + 1:,}"

    @pytest.mark.parametrize(
        "value", ["", "  \n", "\u200b\u200d", "\xad", "\x00", "\u2066\u2069", "\u0301", 7, True, [], {}, ["a"]]
    )
    def test_what_is_no_text_is_refused(self, key: str, most: int, value: Json) -> None:
        del most
        (problem,) = problems({"Approval": {key: value}})
        assert problem.startswith(f"Approval.{key}: expected a text that is not empty, got ")

    @pytest.mark.parametrize(
        "character",
        [*"\x00\x08\v\f\x1b\x1c\x7f\x85\x9f", *"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"],
    )
    def test_it_has_no_control_or_reordering_character(self, key: str, most: int, character: str) -> None:
        del most
        assert problems({"Approval": {key: f"a{character}b"}}) == [
            f"Approval.{key}: expected no control characters, and none that turn the direction"
        ]


@pytest.mark.parametrize("key", ["Title", "RequestedBy"])
@pytest.mark.parametrize("character", ["\n", "\r", "\t", "\u2028", "\u2029"])
def test_a_one_line_text_has_no_line_break_or_tab(key: str, character: str) -> None:
    assert problems({"Approval": {key: f"a{character}b"}}) == [f"Approval.{key}: expected one line"]


@pytest.mark.parametrize("character", ["\n", "\r\n", "\t"])
def test_details_may_have_lines_and_tabs(character: str) -> None:
    assert parse({"Details": f"a{character}b"}).details == f"a{character}b"


@pytest.mark.parametrize(
    "title",
    [
        pytest.param("Valider la version 2\u00a0?", id="french-no-break-space"),
        pytest.param("Valider la version 2\u202f?", id="french-narrow-no-break-space"),
        pytest.param("\u672c\u756a\u3000\u516c\u958b", id="japanese-ideographic-space"),
        pytest.param("Page \U0001f469\u200d\U0001f4bb team", id="emoji-with-joiner"),
        pytest.param("\u0645\u06cc\u200c\u0634\u0648\u062f", id="persian-non-joiner"),
    ],
)
def test_a_title_may_have_the_characters_of_its_language(title: str) -> None:
    assert parse({"Title": title}).title == title


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("Titel", ", did you mean Title?"),
        ("title", ", did you mean Title?"),
        ("TimeoutMinute", ", did you mean TimeoutMinutes?"),
        ("requestedBy", ", did you mean RequestedBy?"),
        ("Approvers", ""),
    ],
)
def test_an_unknown_key_is_named_with_a_way_out(key: str, hint: str) -> None:
    assert problems({"Approval": {key: "x"}}) == [f"Approval.{key}: unknown key{hint}", THE_KEYS]


@given(
    st.text(max_size=200).filter(
        lambda key: key not in {"Title", "Details", "RequestedBy", "TimeoutMinutes", "Result"},
    )
)
def test_no_unknown_key_slips_through(key: str) -> None:
    named, way_out = problems({"Approval": {key: None}})
    assert named.startswith(f"Approval.{shorten(key, 60)}: unknown key")
    assert way_out == THE_KEYS


def test_a_long_unknown_key_is_cut() -> None:
    assert problems({"Approval": {"x" * 60: 1, "y" * 61: 1}}) == [
        f"Approval.{'x' * 60}: unknown key",
        f"Approval.{'y' * 59}…: unknown key",
        THE_KEYS,
    ]


@pytest.mark.parametrize(("unknown", "more"), [(10, []), (12, ["and 2 more"]), (1510, ["and 1,500 more"])])
def test_the_first_unknown_keys_are_named_and_the_rest_counted(unknown: int, more: list[str]) -> None:
    named = [f"Approval.{number}: unknown key" for number in range(MAX_UNKNOWN)]
    assert len(named) == 10
    assert problems({"Approval": {str(number): 1 for number in range(unknown)}}) == [*named, *more, THE_KEYS]


@pytest.mark.parametrize("inner", ["Title", "Details", "RequestedBy", "TimeoutMinutes"])
@pytest.mark.parametrize("key", ["Aproval", "approval", "APPROVAL", "Approvals", "Approvall", "Aprovall", " Approval"])
def test_a_request_under_a_misspelt_key_is_refused(key: str, inner: str) -> None:
    """As context it would be shown, and not asked."""
    execution_input: Json = {"Version": "2.4.1", key: {inner: "Deploy"}}
    assert problems(execution_input) == [f"{key}: unknown key, did you mean Approval?"]


@pytest.mark.parametrize(
    "execution_input",
    [
        pytest.param({"Approvals": {"x": 1}}, id="holds-no-request"),
        pytest.param({"Approvals": "Title"}, id="no-object"),
        pytest.param({"Approvals": [{"Title": "Deploy"}]}, id="a-list"),
        pytest.param({"Book": {"Title": "Deploy"}}, id="another-word"),
        pytest.param({"Approver": {"Title": "Dr"}}, id="a-word-nearby"),
        pytest.param({"Approval" * 2: {"Title": "Deploy"}}, id="too-long"),
        pytest.param({}, id="nothing"),
    ],
)
def test_what_is_no_misspelt_request_is_context(execution_input: dict[str, Json]) -> None:
    request = parse_request(execution_input, default_timeout=HOUR)
    assert request == Request(timeout=HOUR, context=execution_input)


def test_beside_the_request_itself_nothing_is_taken_for_a_misspelt_one() -> None:
    execution_input: Json = {"Approval": {"Title": "Deploy"}, "Approvals": {"Title": "x"}}
    request = parse_request(execution_input, default_timeout=HOUR)
    assert request == Request(title="Deploy", timeout=HOUR, context={"Approvals": {"Title": "x"}})


def test_every_problem_is_reported_at_once() -> None:
    found = problems({"Approval": {"Title": "", "TimeoutMinutes": "soon", "Approvers": []}})
    assert [problem.split(":")[0] for problem in found] == [
        "Approval.Title",
        "Approval.TimeoutMinutes",
        "Approval.Approvers",
        THE_KEYS,
    ]


def test_the_errors_text_holds_every_problem() -> None:
    """It becomes the cause that Step Functions shows."""
    assert str(InvalidApprovalRequest(["a: one", "b: two"])) == "a: one; b: two"


def test_a_long_value_is_not_repeated_in_the_problem() -> None:
    (problem,) = problems({"Approval": {"TimeoutMinutes": "secret " * 1000}})
    assert len(problem) < 200


@given(json_values | st.fixed_dictionaries({"Approval": json_values}))
def test_any_json_makes_a_request_or_a_list_of_problems(execution_input: Json) -> None:
    try:
        request = parse_request(execution_input, default_timeout=HOUR)
    except InvalidApprovalRequest as error:
        found = error.problems
        assert len(found) > 0
    else:
        assert isinstance(execution_input, dict)
        assert request.context == {key: value for key, value in execution_input.items() if key != "Approval"}


@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys(("Title", "Details", "TimeoutMinutes"), st.text() | json_values))
)
def test_what_is_accepted_keeps_the_limits(asked: dict[str, Any]) -> None:
    try:
        request = parse(asked)
    except InvalidApprovalRequest:
        return
    if request.title is not None:
        assert 0 < len(request.title) <= MAX_TITLE
        assert not any(category(character) == "Cc" for character in request.title)
    if request.details is not None:
        assert 0 < len(request.details) <= MAX_DETAILS
        assert not any(is_hidden(character) for character in request.details)
    assert timedelta(minutes=1) <= request.timeout <= timedelta(minutes=MAX_TIMEOUT_MINUTES)


def test_a_call_is_taken_apart() -> None:
    assert parse_call(a_call({"Version": 3})) == Call(task_token=TOKEN, workflow=WORKFLOW, input={"Version": 3})


@pytest.mark.parametrize("name", ["TaskToken", "Execution", "StateMachine", "State"])
def test_a_call_without_one_of_its_parts_is_the_callers_mistake(name: str) -> None:
    call = a_call({})
    del call[name]
    with pytest.raises(KeyError, match=name):
        parse_call(call)


@pytest.mark.parametrize("value", [None, "", 7, [], {}])
@pytest.mark.parametrize("name", ["TaskToken", "Execution", "StateMachine", "State"])
def test_a_call_with_a_part_of_another_shape_is_the_callers_mistake(name: str, value: Json) -> None:
    with pytest.raises((TypeError, KeyError)):
        parse_call({**a_call({}), name: value})


def test_a_calls_repr_keeps_the_task_token_to_itself() -> None:
    assert TOKEN not in repr(parse_call(a_call({})))
