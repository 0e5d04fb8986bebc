"""The exact action of a request: it is stored as it was asked, and shown so that no two actions look alike."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from approvals.domain import facts
from approvals.domain.grants import GrantTerms
from approvals.domain.model import Action, Approval, Json
from approvals.requests.codec import canonical, read
from approvals.requests.parse import InvalidRequestError, parse_request
from approvals.store.items import approval_from_item, approval_to_item
from bot.surfaces import was_all_in_earlier_message
from bot.views.approval import request_blocks
from bot.views.buttons import ACTION_IDS
from tests.support.builders import HOUR, an_approval
from tests.support.schema_values import json_values

DIGITS = '{"Amount": 0.1, "Id": 12345678901234567890123, "One": 1.0, "Small": 1e-07, "Whole": 1}'


def asking(action: Json, **asked: Json) -> Approval:
    request = read({"Action": action, **asked}, default_timeout=HOUR, context={}, digest="")
    return an_approval(request=request)


def problems(**asked: Json) -> list[str]:
    with pytest.raises(InvalidRequestError) as error:
        parse_request({"Approval": asked}, default_timeout=HOUR)
    return error.value.problems


def stored(approval: Approval) -> Json:
    return approval_from_item(approval_to_item(approval)).request.action


def test_numbers_keep_their_digits_in_the_record() -> None:
    assert json.dumps(stored(asking(json.loads(DIGITS)))) == DIGITS


@given(json_values)
def test_every_action_is_stored_as_it_was_asked(action: Json) -> None:
    assert json.dumps(stored(asking(action))) == json.dumps(action)


@pytest.mark.parametrize("action", [[], {}, "", 0, False, " "])
def test_an_action_that_looks_empty_is_stored_and_shown(action: Json) -> None:
    approval = asking(action)
    assert stored(approval) == action
    assert facts.action(approval.request) == [("Action", json.dumps(action))]


def test_null_is_no_action() -> None:
    assert asking(None).request.action is None
    assert facts.action(asking(None).request) == []


def test_each_key_of_an_action_is_a_row() -> None:
    action: Json = {"Command": ["terraform", "apply"], "Script": "a\nb", "Nested": {"Count": "3"}}
    assert facts.action(asking(action).request) == [
        ("Command", '["terraform", "apply"]'),
        ("Script", "a\nb"),
        ("Nested", '{"Count": "3"}'),
    ]


@pytest.mark.parametrize("text", ["3", "true", "null", '"a"', "[1]", "", "  ", "1e3", "NaN", "[" * 100_000])
def test_a_string_that_reads_as_another_value_stands_in_quotes(text: str) -> None:
    assert facts.action(asking({"Count": text}).request) == [("Count", json.dumps(text))]


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()


@given(scalars | st.integers().map(str), scalars | st.integers().map(str))
@settings(max_examples=500)
def test_different_values_look_different(one: Json, other: Json) -> None:
    shown = [list(facts.action_rows(asking({"Value": value}).request)) for value in (one, other)]
    assert canonical(one) == canonical(other) or shown[0] != shown[1]


@pytest.mark.parametrize(
    ("action", "row"),
    [
        ({"Run\u200b": "a\u202eb"}, ('"Run\\u200b"', '"a\\u202eb"')),
        ({"Run\u200c": ["a\u202db"]}, ('"Run\\u200c"', '["a\\u202db"]')),
        ({" Run  it\n": "\ufffd"}, ('" Run  it\\n"', "\ufffd")),
        ("a\u200b", ("Action", '"a\\u200b"')),
    ],
)
def test_hidden_characters_are_escaped_so_that_no_two_actions_look_the_same(action: Json, row: tuple[str, str]) -> None:
    assert facts.action(asking(action).request) == [row]


def test_slack_has_no_approve_button_beside_an_action_that_does_not_fit() -> None:
    short, long = (str([each.to_dict() for each in request_blocks(asking(text))]) for text in ("ls", "ls " * 9000))
    assert ACTION_IDS[Action.APPROVE] in short
    assert ACTION_IDS[Action.APPROVE] not in long
    assert "of a line of the action" in long


def test_no_earlier_message_showed_an_action() -> None:
    assert was_all_in_earlier_message(an_approval())
    assert not was_all_in_earlier_message(asking("ls"))


def test_a_grant_needs_an_action() -> None:
    [problem] = problems(Grant={})
    assert problem.startswith("Approval.Grant: requires Approval.Action")


def test_a_question_can_not_have_a_grant() -> None:
    """Its button says "Answer": people would not know that they let someone execute an action."""
    question: dict[str, Json] = {"Kind": "question", "Form": [{"Name": "Region", "Type": "text"}], "Action": "ls"}
    assert parse_request({"Approval": question}, default_timeout=HOUR).action == "ls"
    [problem] = problems(**question, Grant={})
    assert problem.startswith("Approval.Grant: an answer to a question must not let anyone execute an action.")


@pytest.mark.parametrize(
    ("grant", "place"),
    [
        ({"Uses": 0}, "Approval.Grant.Uses"),
        ({"Uses": 101}, "Approval.Grant.Uses"),
        ({"Uses": 1.5}, "Approval.Grant.Uses"),
        ({"ValidMinutes": 43_201}, "Approval.Grant.ValidMinutes"),
        ({"Minutes": 5}, "Approval.Grant.Minutes"),
        (True, "Approval.Grant"),
    ],
)
def test_a_wrong_grant_is_refused(grant: Json, place: str) -> None:
    assert problems(Action="ls", Grant=grant)[0].startswith(f"{place}: ")


def test_a_grant_is_for_one_use_within_an_hour_unless_the_request_says_otherwise() -> None:
    assert asking("ls", Grant={}).request.grant == GrantTerms(uses=1, valid=HOUR)
    asked = asking("ls", Grant={"Uses": 3.0, "ValidMinutes": 90}).request.grant
    assert asked == GrantTerms(uses=3, valid=timedelta(minutes=90))


@pytest.mark.parametrize("key", ["Action", "Grant"])
def test_an_input_may_have_the_words_for_itself(key: str) -> None:
    found: dict[str, Any] = {key: {"Uses": 1}}
    request = parse_request(found, default_timeout=HOUR)
    assert (request.context, request.action, request.grant) == (found, None, None)
