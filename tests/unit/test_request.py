"""Reading the request from what the state machine passes on."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.domain.characters import hidden_in, reveal
from approvals.domain.limits import MAX_TIMEOUT_MINUTES
from approvals.domain.model import Json, Request, shorten
from approvals.requests.parse import Call, InvalidRequestError, parse_call, parse_request
from approvals.requests.schema import MAX_UNKNOWN, load
from tests.support.builders import HOUR, MAX_DETAILS, MAX_TITLE, TOKEN, WORKFLOW, a_call

KEYS = list(load("request.schema.json")["properties"])
THE_KEYS = f"Approval: the keys are {', '.join(KEYS)}."

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def parse(asked: Json) -> Request:
    return parse_request({"Approval": asked}, default_timeout=HOUR)


PLAIN = parse({})


def same(request: Request, other: Request, **changes: Any) -> bool:
    """Return True if all is the same but for the changes, and the digest: that is of the input as it was written."""
    return request == replace(other, digest=request.digest, **changes)


def problems(execution_input: Json) -> list[str]:
    with pytest.raises(InvalidRequestError) as caught:
        parse_request(execution_input, default_timeout=HOUR)
    return caught.value.problems


def test_the_tutorials_own_input_is_all_context() -> None:
    request = parse_request({"Comment": "Insert your JSON here"}, default_timeout=HOUR)
    assert same(request, PLAIN, context={"Comment": "Insert your JSON here"})


EVERYDAY = (
    *("Title", "Details", "Links", "Facts", "Action", "Grant", "Subject", "Kind", "Severity", "Notify", "Channel"),
    *("Comment", "Reminders"),
)


@pytest.mark.parametrize("key", EVERYDAY)
def test_an_everyday_word_without_approval_is_context(key: str) -> None:
    assert same(parse_request({key: "x"}, default_timeout=HOUR), PLAIN, context={key: "x"})


@pytest.mark.parametrize("left_out", [{}, {"Approval": None}], ids=["left out", "null"])
@pytest.mark.parametrize("key", sorted(set(KEYS) - set(EVERYDAY)))
def test_a_key_that_says_who_decides_or_how_is_refused_outside_of_approval(key: str, left_out: dict[str, Json]) -> None:
    """As context it would be shown, and everybody could respond."""
    place = f'must be under Approval, as in {{"Approval": {{"{key}": ...}}}}. If it is context, add "Approval": {{}}.'
    assert problems({"Title": "Drop prod", key: "x", **left_out}) == [f"{key}: {place}"]


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("approvers", "Approvers"),
        ("requiredApprovals", "RequiredApprovals"),
        ("allowselfapproval", "AllowSelfApproval"),
    ],
)
def test_a_forgotten_key_of_approvals_is_refused_in_any_letter_case(key: str, meant: str) -> None:
    [problem] = problems({"title": "Drop prod", key: "x"})
    assert problem.startswith(f'{key}: must be under Approval, as in {{"Approval": {{"{meant}": ...}}}}.')


@pytest.mark.parametrize("key", ["form", "groups", "silent", "approvals"])
def test_an_ordinary_word_in_small_letters_is_context(key: str) -> None:
    assert same(parse_request({key: "x"}, default_timeout=HOUR), PLAIN, context={key: "x"})


def test_every_forgotten_key_is_named() -> None:
    found = problems({"Title": "Drop prod", "Approvers": ["bob@example.com"], "RequestedBy": "alice@example.com"})
    assert [problem.split(":")[0] for problem in found] == ["Approvers", "RequestedBy"]


def test_beside_approval_every_key_is_context() -> None:
    context: dict[str, Json] = {"Approvers": ["bob@example.com"], "Form": "A38"}
    request = parse_request({"Approval": {}, **context}, default_timeout=HOUR)
    assert same(request, PLAIN, context=context)


def test_a_null_approval_counts_as_left_out() -> None:
    request = parse_request({"Approval": None, "Version": "2.4.1"}, default_timeout=HOUR)
    assert same(request, PLAIN, context={"Version": "2.4.1"})
    assert problems({"Approval": None, "Approvals": {"Title": "x"}}) == [
        "Approvals: unknown key. Did you mean Approval?"
    ]


def test_keys_beside_the_request_are_context() -> None:
    request = parse_request({"Approval": {"Title": "Deploy"}, "Version": "2.4.1"}, default_timeout=HOUR)
    assert same(request, PLAIN, title="Deploy", context={"Version": "2.4.1"})


@pytest.mark.parametrize("key", KEYS)
def test_null_is_as_good_as_absent(key: str) -> None:
    """JSONPath has no way to leave a key out."""
    assert same(parse({key: None}), PLAIN)


@pytest.mark.parametrize(
    "asked",
    [
        {"Comment": {"Reject": None}},
        {"MoreTime": {"Minutes": None, "Times": None}},
    ],
)
def test_null_inside_an_object_is_as_good_as_absent(asked: Json) -> None:
    assert same(parse(asked), PLAIN)


def test_null_in_a_list_is_an_error() -> None:
    """It stands for somebody: left out, fewer people would decide."""
    [problem] = problems({"Approval": {"Approvers": ["ann@example.com", None]}})
    assert problem.startswith("Approval.Approvers[1]: null is not an email address")


def test_space_around_a_text_is_dropped() -> None:
    request = parse({"Title": " Deploy \n", "Details": "\n a\n b\n", "RequestedBy": "\tjo@example.com "})
    assert (request.title, request.details, request.requested_by) == ("Deploy", "a\n b", "jo@example.com")


def test_the_result_of_an_earlier_approval_is_no_mistake() -> None:
    """Two approvals in a row: the input that flows on from the first is the second's."""
    asked: Json = {"Title": "Deploy", "Result": {"Decision": "APPROVED"}}
    assert parse(asked) == parse({"Title": "Deploy"})


@pytest.mark.parametrize("minutes", [1, 60, 30.0, MAX_TIMEOUT_MINUTES, float(MAX_TIMEOUT_MINUTES)])
def test_whole_minutes_are_taken_in_either_spelling(minutes: float) -> None:
    assert parse({"TimeoutMinutes": minutes}).timeout == timedelta(minutes=minutes)


@pytest.mark.parametrize("minutes", [0, -1, 1.5, True, False, "60", MAX_TIMEOUT_MINUTES + 1, 1e308, [], {}])
def test_other_timeouts_are_refused(minutes: Json) -> None:
    (problem,) = problems({"Approval": {"TimeoutMinutes": minutes}})
    assert problem.startswith("Approval.TimeoutMinutes: ")
    assert problem.endswith(" is not a whole number of minutes from 1 to 525,540.")


@pytest.mark.parametrize(
    ("execution_input", "kind"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        ("", "an empty string"),
        ("yes", '"yes"'),
        ([], "a list"),
    ],
)
def test_input_that_is_no_object_is_refused_by_its_kind(execution_input: Json, kind: str) -> None:
    assert problems(execution_input) == [f"Input: {kind} is not a JSON object."]
    if execution_input is not None:
        assert problems({"Approval": execution_input}) == [f"Approval: {kind} is not an object."]


@pytest.mark.parametrize(("key", "most"), [("Title", MAX_TITLE), ("Details", MAX_DETAILS)])
class TestTexts:
    def test_the_longest_is_taken(self, key: str, most: int) -> None:
        request = parse({key: "x" * most})
        assert "x" * most in (request.title, request.details)

    def test_a_longer_one_is_refused_and_not_cut(self, key: str, most: int) -> None:
        (problem,) = problems({"Approval": {key: "x" * (most + 1)}})
        assert problem == f"Approval.{key}: {most + 1:,} characters are too many. The maximum is {most:,}."

    @pytest.mark.parametrize("value", ["", "  \n"])
    def test_an_empty_text_is_refused(self, key: str, most: int, value: str) -> None:
        del most
        assert problems({"Approval": {key: value}}) == [f"Approval.{key}: empty. Add text, or remove the key."]

    @pytest.mark.parametrize("value", ["\u0301", 7, True, [], {}, ["a"]])
    def test_what_is_no_text_is_refused(self, key: str, most: int, value: Json) -> None:
        del most
        (problem,) = problems({"Approval": {key: value}})
        expected = {"Title": "one line of text", "Details": "a string that is not empty"}[key]
        assert problem.startswith(f"Approval.{key}: ")
        assert problem.endswith(f" is not {expected}.")

    @pytest.mark.parametrize("value", ["\u200b\u200d", "\xad", "\x00", "\u2066\u2069"])
    def test_a_text_of_hidden_characters_alone_is_refused(self, key: str, most: int, value: str) -> None:
        del most
        (problem,) = problems({"Approval": {key: value}})
        assert problem.startswith(f"Approval.{key}: remove the hidden character U+")

    @pytest.mark.parametrize(
        "character",
        [
            *"\x00\x08\v\f\x1b\x1c\x7f\x85\x9f",
            *"\u2028\u2029\u200b\u2800\u3164\xad",
            *"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
        ],
    )
    def test_it_has_no_hidden_character(self, key: str, most: int, character: str) -> None:
        del most
        assert problems({"Approval": {key: f"a{character}b"}}) == [
            f"Approval.{key}: remove the hidden character {hidden_in(f'a{character}b')}."
        ]


@pytest.mark.parametrize("character", ["\n", "\r", "\t"])
def test_a_one_line_text_has_no_line_break_or_tab(character: str) -> None:
    assert problems({"Approval": {"Title": f"a{character}b"}}) == [
        f"Approval.Title: {json.dumps(f'a{character}b')} is not one line of text."
    ]


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
        ("Titel", " Did you mean Title?"),
        ("title", " Did you mean Title?"),
        ("TimeoutMinute", " Did you mean TimeoutMinutes?"),
        ("requestedBy", " Did you mean RequestedBy?"),
        ("Aprovers", " Did you mean Approvers?"),
        ("approvers", " Did you mean Approvers?"),
        ("NOTIFY", " Did you mean Notify?"),
        ("RequiredApproval", " Did you mean RequiredApprovals?"),
        ("Owner", ""),
    ],
)
def test_an_unknown_key_is_named_with_a_way_out(key: str, hint: str) -> None:
    assert problems({"Approval": {key: "x"}}) == [f"Approval.{key}: unknown key.{hint}", THE_KEYS]


@given(st.text(max_size=200).filter(lambda key: key not in {*KEYS, "Result"}))
def test_no_unknown_key_slips_through(key: str) -> None:
    named, way_out = problems({"Approval": {key: None}})
    assert named.startswith(f"Approval.{reveal(shorten(key, 60))}: unknown key")
    assert way_out == THE_KEYS


def test_a_long_unknown_key_is_cut() -> None:
    assert problems({"Approval": {"x" * 60: 1, "y" * 61: 1}}) == [
        f"Approval.{'x' * 60}: unknown key.",
        f"Approval.{'y' * 59}…: unknown key.",
        THE_KEYS,
    ]


@pytest.mark.parametrize(
    ("unknown", "more"),
    [(10, []), (12, ["Approval: 2 more unknown keys."]), (1510, ["Approval: 1,500 more unknown keys."])],
)
def test_the_first_unknown_keys_are_named_and_the_rest_counted(unknown: int, more: list[str]) -> None:
    named = [f"Approval.{number}: unknown key." for number in range(MAX_UNKNOWN)]
    assert len(named) == 10
    assert problems({"Approval": {str(number): 1 for number in range(unknown)}}) == [*named, *more, THE_KEYS]


@pytest.mark.parametrize("inner", ["Title", "Approvers", "Form", "approvers"])
@pytest.mark.parametrize("key", ["Aproval", "approval", "APPROVAL", "Approvals", "Approvall", "Aprovall", " Approval"])
def test_a_request_under_a_misspelt_key_is_refused(key: str, inner: str) -> None:
    """As context it would be shown, and not asked."""
    execution_input: Json = {"Version": "2.4.1", key: {inner: "Deploy"}}
    assert problems(execution_input) == [f"{key}: unknown key. Did you mean Approval?"]


@pytest.mark.parametrize(
    "execution_input",
    [
        pytest.param({"Approvals": {"x": 1}}, id="holds-no-request"),
        pytest.param({"Approvals": "Title"}, id="no-object"),
        pytest.param({"Approvals": [{"Title": "Deploy"}]}, id="a-list"),
        pytest.param({"Book": {"Title": "Deploy"}}, id="another-word"),
        pytest.param({"approval": {"title": "Dr", "comment": "x"}}, id="ordinary-words-in-small-letters"),
        pytest.param({"Approver": {"Title": "Dr"}}, id="a-word-nearby"),
        pytest.param({"Approval" * 2: {"Title": "Deploy"}}, id="too-long"),
        pytest.param({}, id="nothing"),
    ],
)
def test_keys_unlike_the_requests_are_context(execution_input: dict[str, Json]) -> None:
    request = parse_request(execution_input, default_timeout=HOUR)
    assert same(request, PLAIN, context=execution_input)


def test_beside_the_request_itself_nothing_is_taken_for_a_misspelt_one() -> None:
    execution_input: Json = {"Approval": {"Title": "Deploy"}, "Approvals": {"Title": "x"}}
    request = parse_request(execution_input, default_timeout=HOUR)
    assert same(request, PLAIN, title="Deploy", context={"Approvals": {"Title": "x"}})


def test_every_problem_is_reported_at_once() -> None:
    found = problems({"Approval": {"Title": "", "TimeoutMinutes": "soon", "Approvers": [], "Approver": []}})
    assert [problem.split(":")[0] for problem in found] == [
        "Approval.Title",
        "Approval.TimeoutMinutes",
        "Approval.Approvers",
        "Approval.Approver",
        "Approval",
    ]


ANN, BO = "ann@example.com", "bo@example.com"
A_FIELD: dict[str, Json] = {"Name": "Version", "Type": "text"}
HOURS: dict[str, Json] = {"Days": ["Mon"], "From": "09:00", "To": "17:00", "TimeZone": "Europe/Berlin"}

MISTAKES: list[tuple[Json, str]] = [
    ("Deploy", 'Approval: "Deploy" is not an object.'),
    ({"Approvers": []}, "Approval.Approvers: the list is empty. Add an entry, or remove the key."),
    ({"Facts": []}, "Approval.Facts: the list is empty. Add an entry, or remove the key."),
    ({"Links": []}, "Approval.Links: the list is empty. Add an entry, or remove the key."),
    ({"Approvers": ANN}, f'Approval.Approvers: "{ANN}" is not a list.'),
    (
        {"Approvers": [ANN, "#deploys"]},
        (
            'Approval.Approvers[1]: "#deploys" is not an email address, a Slack user ID (U…), a Slack user group ID '
            "(S…) or the ARN of an IAM role (arn:…)."
        ),
    ),
    ({"Approvers": [ANN, BO, f" {ANN}"]}, 'Approval.Approvers[2]: "ann@example.com" is a duplicate. Remove it.'),
    ({"Notify": ["S0123456789"]}, 'Approval.Notify[0]: "S0123456789" is not an email address or a Slack user ID.'),
    ({"RequestedBy": "Ann"}, 'Approval.RequestedBy: "Ann" is not an email address or a Slack user ID.'),
    ({"RequiredApprovals": "2"}, 'Approval.RequiredApprovals: "2" is not a whole number from 1 to 50.'),
    ({"RequiredApprovals": 0}, "Approval.RequiredApprovals: 0 is not a whole number from 1 to 50."),
    ({"AllowSelfApproval": "true"}, 'Approval.AllowSelfApproval: "true" is not true or false.'),
    ({"Severity": "High"}, 'Approval.Severity: "High" is not "normal" or "high".'),
    ({"Comment": "required"}, 'Approval.Comment: "required" is not an object with the keys Approve, Reject.'),
    ({"Comment": {"reject": "required"}}, "Approval.Comment.reject: unknown key. Did you mean Reject?"),
    ({"Comment": {"Reject": True}}, 'Approval.Comment.Reject: true is not "off", "optional" or "required".'),
    ({"Channel": "#deploys"}, 'Approval.Channel: "#deploys" is not the ID of a Slack channel (C…) or user (U…).'),
    (
        {"Links": {"Plan": "https://example.com"}},
        "Approval.Links: an object is not a list of objects with the keys Label, Url.",
    ),
    ({"Links": [{"Label": "Plan"}]}, "Approval.Links[0].Url: missing. Add an http or https URL"),
    (
        {"Links": [{"Label": "Plan", "Url": "https://good.example@evil.example/"}]},
        'Approval.Links[0].Url: "https://good.example@evil.example/" is not an http or https URL in ASCII, with a DNS ',
    ),
    (
        {"Links": [{"Label": "Plan", "Url": "https://g\u043e\u043egle.com/"}]},
        'Approval.Links[0].Url: "https://g\u043e\u043egle.com/" is not an http or https URL in ASCII, with a DNS name',
    ),
    (
        {"Links": [{"Label": "Pl\u200ban", "Url": "https://x.io/"}]},
        "Approval.Links[0].Label: remove the hidden character U+200B zero width space at character 3",
    ),
    (
        {"Facts": [{"Label": "Amount", "Value": "1\u2800000"}]},
        "Approval.Facts[0].Value: remove the hidden character U+2800 braille pattern blank at character 2",
    ),
    (
        {"Form": [{"Name": "A", "Type": "choice", "Choices": ["a\xadb"]}]},
        "Approval.Form[0].Choices[0]: remove the hidden character U+00AD soft hyphen at character 2",
    ),
    (
        {"Form": [{"Name": "A", "Type": "text", "Label": "A\u3164"}]},
        "Approval.Form[0].Label: remove the hidden character U+3164 hangul filler at character 2",
    ),
    (
        {"Form": [{"Name": "A", "Type": "text", "Default": "a\U000e0041"}]},
        "Approval.Form[0].Default: remove the hidden character U+E0041 tag latin capital letter a at",
    ),
    (
        {"Links": [{"Label": "Plan", "Url": "javascript:x"}]},
        'Approval.Links[0].Url: "javascript:x" is not an http or https URL',
    ),
    (
        {"Facts": [{"Label": "a", "Value": []}]},
        "Approval.Facts[0].Value: a list is not a string or a number or true or false.",
    ),
    ({"Form": []}, "Approval.Form: the list is empty. Add an entry, or remove the key."),
    (
        {"Form": [{"Name": "a b", "Type": "text"}]},
        'Approval.Form[0].Name: "a b" is not a name of letters, digits and _.',
    ),
    ({"Form": [{"Name": "a"}]}, 'Approval.Form[0].Type: missing. Add "text", "number", "choice", "yes-no" or "date".'),
    ({"Form": [{**A_FIELD, "required": True}]}, "Approval.Form[0].required: unknown key. Did you mean Required?"),
    ({"Form": [A_FIELD, A_FIELD]}, "Approval.Form[1].Name: Version is a duplicate. Use another name."),
    ({"Form": [{**A_FIELD, "Type": "choice"}]}, "Approval.Form[0].Choices: missing. Add the options of the choice."),
    ({"OnTimeout": "approve"}, 'Approval.OnTimeout: "approve" is not "expire" or "reject".'),
    (
        {"Reminders": 30},
        'Approval.Reminders: 30 is not "auto" or a list of whole numbers of minutes after the request.',
    ),
    ({"Reminders": []}, "Approval.Reminders: the list is empty. Add an entry, or remove the key."),
    ({"Reminders": [10, "20"]}, 'Approval.Reminders[1]: "20" is not a whole number from 1 to 525,540.'),
    ({"Reminders": [10, 60]}, "Approval.Reminders: must be less than the request's 60 minutes."),
    (
        {"Kind": "question"},
        'Approval.Kind: "question" requires Approval.Form. Add the fields to answer, or remove Kind.',
    ),
    ({"EscalateAfterMinutes": 5}, "Approval.EscalateTo: set both EscalateTo and EscalateAfterMinutes, or neither."),
    (
        {"EscalateTo": [BO], "EscalateAfterMinutes": 5},
        "Approval.EscalateTo: requires Approvers or Groups. Without them, anyone who receives the request can respond.",
    ),
    (
        {"Approvers": [ANN], "EscalateTo": [BO], "EscalateAfterMinutes": 60},
        "Approval.EscalateAfterMinutes: must be less than the request's 60 minutes.",
    ),
    (
        {"RemindDuring": {**HOURS, "TimeZone": "Europe/Bonn"}},
        'Approval.RemindDuring.TimeZone: "Europe/Bonn" is not an IANA time zone, such as Europe/Berlin.',
    ),
    ({"RemindDuring": {**HOURS, "TimeZone": "Europe"}}, 'Approval.RemindDuring.TimeZone: "Europe" is not an IANA time'),
    ({"RemindDuring": {**HOURS, "TimeZone": "../UTC"}}, 'Approval.RemindDuring.TimeZone: "../UTC" is not the name of'),
    ({"RemindDuring": {**HOURS, "To": "09:00"}}, "Approval.RemindDuring.To: must differ from From."),
    ({"RemindDuring": {**HOURS, "To": "24:00"}}, 'Approval.RemindDuring.To: "24:00" is not a time of day from 00:00'),
    ({"RemindDuring": {**HOURS, "Days": ["Monday"]}}, 'Approval.RemindDuring.Days[0]: "Monday" is not "Mon", "Tue"'),
    ({"RemindDuring": {"Days": ["Mon"]}}, "Approval.RemindDuring.From: missing. Add a time of day from 00:00"),
    ({"Silent": ["bo@example.com"]}, "Approval.Silent: requires Approvers or Groups."),
    (
        {"Groups": [{"Name": "ops"}]},
        "Approval.Groups[0].Approvers: required, since this stack has no policy with groups.",
    ),
    (
        {"Groups": [{"Name": "Ops", "Approvers": [ANN]}]},
        'Approval.Groups[0].Name: "Ops" is not a name of',
    ),
    (
        {"Groups": [{"Name": "ops", "Approvers": [ANN]}, {"Name": " ops", "Approvers": [BO]}]},
        "Approval.Groups[1].Name: ops is a duplicate.",
    ),
    ({"MoreTime": 2}, "Approval.MoreTime: 2 is not an object with the keys Times, Minutes."),
    ({"MoreTime": {"Times": -1}}, "Approval.MoreTime.Times: -1 is not a whole number from 0 to 10."),
]


@pytest.mark.parametrize(("asked", "message"), MISTAKES, ids=lambda value: str(value)[:40])
def test_a_typical_mistake_gets_the_path_to_it_and_what_is_expected(asked: Json, message: str) -> None:
    assert problems({"Approval": asked})[0].startswith(message)


IMPOSSIBLE: list[tuple[dict[str, Json], str]] = [
    (
        {"Approvers": [ANN], "RequiredApprovals": 2},
        "Approval.RequiredApprovals: 2 is too many; only 1 person can respond.",
    ),
    (
        {"Approvers": [ANN, BO], "RequiredApprovals": 2, "RequestedBy": BO},
        "Approval.RequiredApprovals: 2 is too many; only 1 person can respond.",
    ),
    (
        {"Approvers": [ANN, "Ann@example.com"], "RequiredApprovals": 2},
        "Approval.RequiredApprovals: 2 is too many; only 1 person can respond.",
    ),
    (
        {"Approvers": [ANN], "RequiredApprovals": 2, "EscalateTo": [BO], "EscalateAfterMinutes": 5},
        "Approval.RequiredApprovals: 2 is too many; only 1 person can respond.",
    ),
    (
        {"Approvers": [ANN, BO], "RequiredApprovals": 2, "RequiredRejections": 2},
        (
            "Approval.RequiredRejections: 2 is too many; with 2 approvals required, the maximum is 1. "
            "Otherwise all 2 could respond without a decision."
        ),
    ),
    (
        {"Approvers": ["Ann@example.com"], "RequestedBy": ANN},
        (
            "Approval.Approvers: the requester is the only approver. "
            "Add another approver, or set AllowSelfApproval to true."
        ),
    ),
]


@pytest.mark.parametrize(("asked", "problem"), IMPOSSIBLE)
def test_requests_that_nobody_could_decide_are_refused(asked: Json, problem: str) -> None:
    assert problems({"Approval": asked}) == [problem]


@pytest.mark.parametrize(
    "asked",
    [
        {"Approvers": [ANN], "RequestedBy": ANN, "AllowSelfApproval": True},
        {"Approvers": [ANN, BO], "RequestedBy": ANN},
        {"Approvers": [ANN, BO, "U0CY000003"], "RequiredApprovals": 2, "RequiredRejections": 2},
        pytest.param({"Approvers": ["S0123456789"], "RequiredApprovals": 2}, id="a-group-may-have-many"),
        pytest.param({"RequiredApprovals": 50, "RequiredRejections": 50}, id="whoever-is-asked-may-be-many"),
    ],
)
def test_requests_that_might_be_decided_are_accepted(asked: Json) -> None:
    parse(asked)


def test_the_errors_text_holds_every_problem() -> None:
    """It becomes the cause that Step Functions shows."""
    assert str(InvalidRequestError(["a: one.", "b: two."])) == "a: one. b: two."


def test_a_long_value_is_not_repeated_in_the_problem() -> None:
    (problem,) = problems({"Approval": {"TimeoutMinutes": "secret " * 1000}})
    assert len(problem) < 200


@given(json_values | st.fixed_dictionaries({"Approval": json_values}))
def test_any_json_makes_a_request_or_a_list_of_problems(execution_input: Json) -> None:
    try:
        request = parse_request(execution_input, default_timeout=HOUR)
    except InvalidRequestError as error:
        found = error.problems
        assert len(found) > 0
    else:
        assert isinstance(execution_input, dict)
        assert request.context == {key: value for key, value in execution_input.items() if key != "Approval"}


@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys(("Title", "Details", "TimeoutMinutes"), st.text() | json_values))
)
def test_accepted_requests_keep_the_limits(asked: dict[str, Any]) -> None:
    try:
        request = parse(asked)
    except InvalidRequestError:
        return
    if request.title is not None:
        assert 0 < len(request.title) <= MAX_TITLE
        assert not any(category(character) == "Cc" for character in request.title)
    if request.details is not None:
        assert 0 < len(request.details) <= MAX_DETAILS
        assert hidden_in(request.details) is None
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
