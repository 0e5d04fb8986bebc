"""`approvals.grants`: nothing is executed without a grant, and then exactly what was spent, once."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError, ResponseStreamingError
from hypothesis import given, settings
from hypothesis import strategies as st

from approvals import grants
from approvals.grants.json_copies import copied
from approvals.grants.spender import ATTEMPTS
from approvals.requests.codec import canonical
from demo.process import ROOT
from tests.support.shell import Throttled
from tests.support.spend_function import CALLER, FUNCTION, GRANT_ID, SPENT, SpendFunction, refused, through

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(), each, max_size=3),
    max_leaves=8,
)

ACTION = {"Tables": ["orders_2019"], "Rows": 12}
LOST = ReadTimeoutError(endpoint_url="https://lambda")


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> SpendFunction:
    """The stack's function, for clients that the library makes itself."""
    function = SpendFunction()
    monkeypatch.setattr(grants.Spender, "of", through(function))
    return function


def test_spend_sends_the_action_the_caller_and_a_fresh_key(function: SpendFunction) -> None:
    for _ in range(2):
        with grants.spend(GRANT_ID, ACTION, function=FUNCTION) as approved:
            assert approved.action == ACTION
    first, second = function.payloads
    assert first == {"GrantId": GRANT_ID, "Action": ACTION, "Key": first["Key"], "SpentBy": CALLER}
    assert len(first["Key"]) >= 43
    assert first["Key"] != second["Key"]
    assert (approved.approval_id, approved.decided_by, approved.use, approved.uses) == (
        SPENT["ApprovalId"],
        "Ann",
        1,
        1,
    )
    assert approved.spent_at == datetime(2026, 11, 26, 10, 31, tzinfo=UTC)
    assert approved.valid_until == datetime(2026, 11, 26, 11, 31, tzinfo=UTC)


def test_spend_without_with_spends_too(function: SpendFunction) -> None:
    """Otherwise a program that forgets `with` would execute without a grant."""
    grants.spend(GRANT_ID, ACTION, function=FUNCTION)
    assert len(function.payloads) == 1


@pytest.mark.parametrize(
    "error",
    [
        grants.GrantSpentError,
        grants.GrantExpiredError,
        grants.ActionChangedError,
        grants.GrantUnknownError,
        grants.InvalidSpendError,
    ],
)
def test_each_refusal_is_an_error_of_its_own_and_the_body_is_not_run(
    function: SpendFunction, error: type[grants.GrantError]
) -> None:
    function.answers = [refused(error.name, "Spent by Bo on 3 Nov 2026, 10:31 UTC.")]
    ran = []
    with (
        pytest.raises(error, match=r"^Spent by Bo on 3 Nov 2026, 10:31 UTC\.$"),
        grants.spend(GRANT_ID, ACTION, function=FUNCTION),
    ):
        ran.append(True)
    assert ran == []
    assert issubclass(error, grants.GrantError)
    assert error.__name__ == f"{error.name}Error"
    assert len(function.payloads) == 1, "a refusal is not repeated"


@pytest.mark.parametrize(
    "lost",
    [
        LOST,
        ResponseStreamingError(error="broken"),
        refused("InternalError", "the table is not there"),
        refused("Sandbox.Timedout", "Task timed out after 10.00 seconds"),
        {"errorMessage": "Task timed out after 10.00 seconds"},
    ],
)
def test_a_lost_answer_is_asked_for_again_with_the_same_key(function: SpendFunction, lost: Any) -> None:
    function.answers = [lost, lost, {**SPENT, "Repeated": True}]
    grants.spend(GRANT_ID, ACTION, function=FUNCTION)
    assert len(function.payloads) == 3
    assert len({payload["Key"] for payload in function.payloads}) == 1
    assert function.slept == [1, 2]


@pytest.mark.parametrize("lost", [LOST, refused("InternalError", "what the log says")])
def test_when_every_answer_is_lost_nothing_is_executed(function: SpendFunction, lost: Any) -> None:
    function.answers = [lost]
    with pytest.raises(grants.SpendFailedError, match="Nothing was executed, but the grant may be spent") as raised:
        grants.spend(GRANT_ID, ACTION, function=FUNCTION)
    assert len(function.payloads) == ATTEMPTS
    assert "what the log says" not in str(raised.value)


@pytest.mark.parametrize("answer", [{}, {"ok": True}, {**SPENT, "SpentAt": "today"}, {"Use": 1, "ApprovalId": "x"}])
def test_the_answer_of_another_function_is_no_approval(function: SpendFunction, answer: dict[str, Any]) -> None:
    function.answers = [answer]
    with pytest.raises(grants.SpendFailedError, match="SpendFunctionArn"):
        grants.spend(GRANT_ID, ACTION, function=FUNCTION)


def test_botocore_repeats_a_call_that_timed_out_with_the_same_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    function = SpendFunction()
    spender = function.spender()
    tried: list[Any] = []

    def time_out(request: Any, **_: Any) -> Any:
        tried.append(json.loads(request.body)["Key"])
        raise LOST

    spender.lambda_client.meta.events.register_first("before-send.lambda.Invoke", time_out)
    with pytest.raises(grants.SpendFailedError, match="ReadTimeoutError"):
        spender.spend(GRANT_ID, ACTION)
    assert len(tried) > ATTEMPTS
    assert len(set(tried)) == 1


def test_what_the_caller_may_not_do_is_the_error_of_boto3(function: SpendFunction) -> None:
    spender = function.spender()
    spender.sts_client.meta.events.register("after-call.sts.GetCallerIdentity", Throttled(1, "ExpiredToken", 403))
    with pytest.raises(ClientError):
        spender.spend(GRANT_ID, ACTION)
    assert function.payloads == [], "who spends goes on record, so nothing is spent"


def test_the_action_is_a_copy_of_what_was_spent(function: SpendFunction) -> None:
    action: dict[str, Any] = {"Tables": ["orders_2019"]}
    with grants.spend(GRANT_ID, action, function=FUNCTION) as approved:
        action["Tables"].append("orders_2026")
        assert approved.action == {"Tables": ["orders_2019"]} == function.payloads[0]["Action"]


class Color(StrEnum):
    RED = "red"


class Lying(dict[str, Any]):
    """Another object for each who asks."""


CYCLE: list[Any] = []
CYCLE.append(CYCLE)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (date(2026, 11, 26), "The action has the type date, which has no JSON form. Use dict, list"),
        ((1, 2), "The action has the type tuple"),
        ({"a": [b"x"]}, r"The action\['a'\]\[0\] has the type bytes"),
        (Color.RED, "the type Color"),
        (Lying(), "the type Lying"),
        ({1: 2}, "The action has a key of the type int. JSON has only strings as keys."),
        ([float("nan")], r"The action\[0\] is nan, which is not a number in JSON"),
        (float("-inf"), "is -inf, which"),
        ("\ud800", "half a surrogate pair"),
        ({"\udfff": 1}, "A key of The action has half a surrogate pair"),
        (CYCLE, "is nested too deeply; the maximum is 64 levels"),
        (10**5000, "is an integer with too many digits"),
    ],
    ids=range(12),
)
def test_what_has_no_json_form_is_refused_before_anything_is_sent(
    function: SpendFunction, value: Any, said: str
) -> None:
    with pytest.raises(grants.InvalidSpendError, match=said):
        grants.spend(GRANT_ID, value, function=FUNCTION)
    assert function.payloads == []


@given(JSON)
def test_a_copy_is_what_the_json_text_says(value: Any) -> None:
    copy = copied(value, "x")
    text = json.dumps(value, ensure_ascii=False)
    assert canonical(copy) == canonical(json.loads(text))
    assert repr(copy) == repr(json.loads(text)), "types are kept as well"


def guard(called: Any, **options: Any) -> Any:
    return grants.guarded(function=FUNCTION, **options)(called)


def drop_table(table: str, *others: str, cascade: bool = False, **options: Any) -> Any:
    """Drop a table."""
    return table, others, cascade, options


def test_a_guarded_function_spends_its_name_and_all_its_arguments(function: SpendFunction) -> None:
    guarded = guard(drop_table)
    assert guarded("a", "b", "c", grant_id=GRANT_ID, lock={"wait": [1]}) == (
        "a",
        ("b", "c"),
        False,
        {"lock": {"wait": [1]}},
    )
    action = {
        "Function": f"{__name__}.drop_table",
        "Arguments": {"table": "a", "others": ["b", "c"], "cascade": False, "options": {"lock": {"wait": [1]}}},
    }
    assert function.payloads[0]["Action"] == action
    assert grants.action_of(guarded, "a", "b", "c", lock={"wait": [1]}) == action
    assert grants.action_of(drop_table, "a", "b", "c", lock={"wait": [1]}) == action
    assert (guarded.__name__, guarded.__doc__) == ("drop_table", "Drop a table.")


def test_a_name_replaces_the_functions_own(function: SpendFunction) -> None:
    guarded = guard(drop_table, name="drop")
    guarded("a", grant_id=GRANT_ID)
    assert function.payloads[0]["Action"] == grants.action_of(guarded, "a")
    assert grants.action_of(guarded, "a")["Function"] == "drop"


def test_how_an_argument_is_passed_makes_no_other_action() -> None:
    def call(one: int, two: int = 2) -> None: ...

    assert grants.action_of(call, 1) == grants.action_of(call, one=1, two=2) == grants.action_of(call, 1, 2)


def test_an_option_that_is_named_like_an_argument_is_another_action() -> None:
    def call(table: str, /, **options: str) -> None: ...

    asked, smuggled = grants.action_of(call, "a"), grants.action_of(call, "a", table="b")
    assert smuggled["Arguments"] == {"table": "a", "options": {"table": "b"}}
    assert asked != smuggled


@pytest.mark.parametrize("name", ["GrantSpent", "GrantExpired", "ActionChanged", "GrantUnknown", "Boom"])
def test_a_guarded_function_is_not_called_when_the_grant_is_not_spent(function: SpendFunction, name: str) -> None:
    called = []

    def call(number: int) -> None:
        called.append(number)

    function.answers = [refused(name)]
    with pytest.raises(grants.GrantError):
        guard(call)(1, grant_id=GRANT_ID)
    assert called == []


def test_a_guarded_function_gets_the_arguments_that_were_spent(function: SpendFunction) -> None:
    """Not those into which another thread changes them meanwhile."""
    rows = [1]
    answer = function._invoke

    def change_and_answer(request: Any, **rest: Any) -> Any:
        rows.append(2)
        return answer(request, **rest)

    function._invoke = change_and_answer  # type: ignore[method-assign]
    got = guard(lambda rows: rows, name="f")(rows, grant_id=GRANT_ID)
    assert rows == [1, 2]
    assert got == [1] == function.payloads[0]["Action"]["Arguments"]["rows"]


def test_a_function_that_changes_its_arguments_changes_no_default(function: SpendFunction) -> None:
    def call(rows: list[int] = []) -> list[int]:  # noqa: B006
        rows.append(1)
        return rows

    guarded = guard(call)
    assert [guarded(grant_id=GRANT_ID) for _ in range(2)] == [[1], [1]]
    assert [payload["Action"]["Arguments"] for payload in function.payloads] == [{"rows": []}] * 2


def test_an_argument_without_a_json_form_is_named_before_anything_is_sent(function: SpendFunction) -> None:
    with pytest.raises(grants.InvalidSpendError, match=r"drop_table: the argument options\['when'\] has the type date"):
        guard(drop_table)("a", grant_id=GRANT_ID, when=date(2026, 11, 26))
    assert function.payloads == []


def test_calls_that_can_not_be_made_spend_nothing(function: SpendFunction) -> None:
    with pytest.raises(TypeError, match="missing a required argument: 'table'"):
        guard(drop_table)(grant_id=GRANT_ID)
    with pytest.raises(TypeError, match="grant_id"):
        guard(drop_table)("a")
    with pytest.raises(TypeError, match="rename the argument grant_id"):
        guard(lambda grant_id: grant_id, name="f")
    assert function.payloads == []


class Database:
    """Has a method whose object is not among its arguments."""

    def drop(self, table: str) -> str:
        return table

    @classmethod
    def make(cls, name: str) -> str:
        return name


@pytest.mark.parametrize("method", [Database().drop, Database.make, [].append])
def test_the_method_of_an_object_needs_a_name(function: SpendFunction, method: Any) -> None:
    """The action would say nothing of the object: an approval for one database would be good for another."""
    for make in (guard, grants.action_of):
        with pytest.raises(TypeError, match="is bound to an object"):
            make(method)
    assert guard(method, name="drop_in_test")("a", grant_id=GRANT_ID) == method("a")
    assert function.payloads[0]["Action"]["Function"] == "drop_in_test"


def test_a_coroutine_function_is_guarded_as_well(function: SpendFunction) -> None:
    called = []

    async def call(number: int) -> int:
        called.append(number)
        return number

    guarded = guard(call)
    assert asyncio.run(guarded(7, grant_id=GRANT_ID)) == 7
    assert function.payloads[0]["Action"] == grants.action_of(guarded, 7)
    function.answers = [refused("GrantSpent")]
    with pytest.raises(grants.GrantSpentError):
        asyncio.run(guarded(7, grant_id=GRANT_ID))
    assert called == [7]


@settings(deadline=None, max_examples=30)
@given(st.lists(JSON, max_size=3), st.dictionaries(st.from_regex("[a-z]{1,5}_", fullmatch=True), JSON, max_size=3))
def test_the_arguments_of_the_call_are_those_of_the_action(positional: list[Any], named: dict[str, Any]) -> None:
    function = SpendFunction()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grants.Spender, "of", through(function))
        got = guard(lambda *rest, **options: {"rest": [*rest], "options": options}, name="f")(
            *positional, grant_id=GRANT_ID, **named
        )
    assert canonical(function.payloads[0]["Action"]["Arguments"]) == canonical(got)


def test_the_library_loads_no_library_of_lambda_or_slack() -> None:
    code = "import sys; from approvals import grants; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert not {"aws_lambda_powertools", "slack_sdk", "slack_bolt", "click", "yaml"} & set(loaded.split())
    assert not {name for name in loaded.split() if name.startswith(("approvals.services", "approvals.store"))}
