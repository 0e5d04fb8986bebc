"""A grant is spent on exactly the action that was approved, as often and as long as was approved."""

from __future__ import annotations

import json
import os
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from approvals.domain.events import owed
from approvals.domain.grants import MAX_SPENT_BY, Spend
from approvals.domain.history import Kind, history
from approvals.domain.model import Action, Approval, Json, Status
from approvals.domain.result import most_bytes, output
from approvals.domain.spending import (
    SpendAttempt,
    SpendError,
    SpendRefusedError,
    approval_of,
    digest,
    grant_id,
    judge_spend,
)
from approvals.requests.codec import canonical
from approvals.requests.parse import InvalidRequestError
from approvals.requests.spends import parse_spend
from approvals.services.spend import spend
from approvals.store import legacy
from approvals.store.items import approval_from_item, approval_to_item
from approvals.store.record_size import check_size, greatest_size, item_size
from cli.document import lines
from cli.export_columns import row
from tests.support.builders import HOUR, NOW, TOKEN, decided, expired
from tests.support.grants import APPLY, BY, GRANT, MemorySpends, a_spend, asked_with_grant, with_grant
from tests.support.schema_values import json_values
from web import pages

PROVE = os.environ.get("PROVE") == "1"
SURFACES = {
    "the page": lambda approval: pages.outcome(approval, Action.APPROVE),
    "the command show": lambda approval: "\n".join(lines(approval, NOW)),
}
MUTATIONS = 10_000 if PROVE else 400

SOON = NOW + timedelta(minutes=2)
END = NOW + timedelta(minutes=1) + HOUR


def attempt(grant: str = GRANT, action: Json = APPLY, key: str = "a", by: str = BY) -> SpendAttempt:
    return SpendAttempt(grant_hash=digest(grant), action=action, key_hash=digest(key), by=by)


def spent(approval: Approval, *keys: str) -> Approval:
    """Return the approval, spent with these keys."""
    for number, key in enumerate(keys, 1):
        found = judge_spend(approval, attempt(key=key), SOON + timedelta(minutes=number)).spend
        approval = replace(approval, spends={**approval.spends, digest(key): found})
    return approval


def refusal(approval: Approval, tried: SpendAttempt, minutes: float = 2) -> tuple[str, str]:
    with pytest.raises(SpendRefusedError) as error:
        judge_spend(approval, tried, NOW + timedelta(minutes=minutes))
    return error.value.error.value, str(error.value)


def test_the_id_of_a_grant_names_its_approval_and_comes_from_the_token_alone() -> None:
    assert approval_of(GRANT) == with_grant().id
    assert grant_id(TOKEN) == GRANT
    assert grant_id(f"{TOKEN}.") != GRANT
    assert len(GRANT) == 65


@pytest.mark.parametrize("text", ["", "x", GRANT.upper(), f"{GRANT}0", GRANT[:-1], f" {GRANT}", f"{GRANT}\n"])
def test_a_text_of_another_form_names_no_grant(text: str) -> None:
    assert approval_of(text) is None


def test_a_grant_is_spent() -> None:
    found = judge_spend(with_grant(), attempt(), SOON)
    assert not found.is_repeated
    assert (found.spend.use, found.spend.by, found.spend.at) == (1, BY, SOON)


@pytest.mark.parametrize(
    "approval",
    [
        with_grant(by=Action.REJECT),
        asked_with_grant(),
        expired(request=asked_with_grant().request, grant_hash=digest(GRANT)),
        replace(with_grant(), grant_hash=""),
        replace(with_grant(), grant_hash=digest("another")),
        decided(),
    ],
    ids=["rejected", "open", "expired", "not read", "another", "no grant"],
)
def test_what_was_not_approved_has_no_grant(approval: Approval) -> None:
    text = "There is no such grant, or its request was not approved."
    assert refusal(approval, attempt()) == ("GrantUnknown", text)
    assert refusal(approval, attempt(action="another")) == ("GrantUnknown", text)


def test_an_empty_hash_matches_no_grant() -> None:
    tried = replace(attempt(), grant_hash="")
    assert refusal(replace(with_grant(), grant_hash=""), tried)[0] == "GrantUnknown"


def test_the_last_moment_of_a_grant() -> None:
    assert judge_spend(with_grant(), attempt(), END - timedelta(milliseconds=1)).spend.use == 1
    assert refusal(with_grant(), attempt(), 61) == ("GrantExpired", "The grant expired on 23 Nov 2026, 10:01 UTC.")


def test_a_grant_is_spent_as_often_as_was_approved() -> None:
    once, twice = spent(with_grant(), "a"), spent(with_grant(uses=2), "a", "b")
    assert refusal(once, attempt(key="c")) == (
        "GrantSpent",
        f"The grant was spent by \u201c{BY}\u201d on 23 Nov 2026, 09:03 UTC.",
    )
    assert refusal(twice, attempt(key="c")) == (
        "GrantSpent",
        f"All 2 uses of the grant are spent, the last by \u201c{BY}\u201d on 23 Nov 2026, 09:04 UTC.",
    )


def test_a_key_that_has_spent_gets_its_use_again_also_after_the_end() -> None:
    approval = spent(with_grant(uses=2), "a", "b")
    found = judge_spend(approval, attempt(key="a"), END + HOUR)
    assert (found.is_repeated, found.spend) == (True, approval.spends[digest("a")])


def test_a_key_that_has_spent_can_not_execute_another_action() -> None:
    approval = spent(with_grant(), "a")
    assert refusal(approval, attempt(action="rm -rf /"), 600)[0] == "ActionChanged"


def test_the_first_reason_in_order_is_told() -> None:
    approval = spent(with_grant(), "a")
    assert refusal(approval, attempt(key="b", action="x"), 600)[0] == "ActionChanged"
    assert refusal(approval, attempt(key="b"), 600)[0] == "GrantExpired"
    assert refusal(approval, attempt(key="b"))[0] == "GrantSpent"


@pytest.mark.parametrize(
    ("action", "paths"),
    [
        ({"Command": ["terraform", "apply", "other.out"], "Count": 3}, "/Command/2"),
        ({"Command": ["terraform", "apply", "plan.out"], "Count": "3"}, "/Count"),
        ({"Command": ["terraform", "apply", "plan.out"], "Count": True}, "/Count"),
        ({"Command": ["terraform", "apply", "plan.out"]}, "/Count"),
        ({"Command": ["terraform", "apply", "plan.out"], "Count": 3, "a/b": None}, "/a~1b"),
        ([], "the whole action"),
        (
            {"Count": 3, "Command": ["terraform", "apply", "plan.out"], **{f"k{n}": n for n in range(7)}},
            "/k0, /k1, /k2, /k3, /k4 and 2 more paths",
        ),
    ],
)
def test_a_changed_action_is_refused_with_the_paths_that_differ(action: Json, paths: str) -> None:
    text = f"The action is not the one that was approved. It differs at {paths}."
    assert refusal(with_grant(), attempt(action=action)) == ("ActionChanged", text)


def test_the_error_has_no_value_of_the_action_and_no_hidden_character() -> None:
    key = "x" * 150 + "\u202e"
    _, text = refusal(with_grant(), attempt(action={"Count": "s3cret", key: "s3cret", "\u200b": 1}))
    assert "s3cret" not in text
    assert "\u202e" not in text
    assert "\u200b" not in text
    assert len(text) < 300


def test_the_same_action_in_another_order_or_as_a_double_is_the_same() -> None:
    action: Json = {"Count": 3.0, "Command": ["terraform", "apply", "plan.out"]}
    assert judge_spend(with_grant(), attempt(action=action), SOON).spend.use == 1


def _places(value: Any) -> list[tuple[Any, Any]]:
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    return [(value, key) for key in keys] + [place for key in keys for place in _places(value[key])]


@st.composite
def mutated(draw: st.DrawFn) -> tuple[Json, Json]:
    """Return an action, and the same with one value changed, added or removed, or a key renamed."""
    action = draw(json_values.filter(lambda value: value is not None))
    changed = {"": deepcopy(action)}
    container, key = draw(st.sampled_from([(changed, ""), *_places(changed)]))
    match draw(st.sampled_from(["replace", "nudge", "remove", "add", "rename"])):
        case "remove" if container is not changed:
            del container[key]
        case "add" if isinstance(container[key], list):
            container[key].insert(draw(st.integers(0, len(container[key]))), draw(json_values))
        case "add" if isinstance(container[key], dict):
            container[key][draw(st.text(max_size=3))] = draw(json_values)
        case "rename" if isinstance(container, dict) and container is not changed:
            container[f"{key}_"] = container.pop(key)
        case "nudge":
            container[key] = _nudged(container[key])
        case _:
            container[key] = draw(json_values)
    assume(canonical(changed[""]) != canonical(action))
    return action, changed[""]


def _nudged(value: Any) -> Any:
    match value:
        case bool():
            return int(value)
        case int() | float():
            return str(value)
        case str():
            return f"{value} "
        case None:
            return "null"
        case _:
            return str(value)


def test_no_action_that_was_changed_after_the_approval_is_executed(capsys: pytest.CaptureFixture[str]) -> None:
    tried, spends = 0, 0

    @given(mutated())
    @settings(max_examples=MUTATIONS, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def mutate(actions: tuple[Json, Json]) -> None:
        nonlocal tried, spends
        action, changed = actions
        store = MemorySpends(with_grant(action))
        tried += 1
        with pytest.raises(SpendRefusedError) as error:
            spend(store, store.approval.id, attempt(action=changed), lambda: SOON)
        assert error.value.error is SpendError.CHANGED
        spends += len(store.approval.spends)
        # The unchanged action is still good: the refusal did not use the grant up.
        spend(store, store.approval.id, attempt(action=action), lambda: SOON)
        assert len(store.approval.spends) == 1

    mutate()
    with capsys.disabled():
        print(f"\nchanged actions: {tried:,} tried, {spends} executed")
    assert (tried >= MUTATIONS, spends) == (True, 0)


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ([], "The payload: expected an object."),
        (None, "The payload: expected an object."),
        (a_spend(Extra=1), "The payload: has an unknown key. The keys are GrantId, Action, Key, SpentBy."),
        ({"GrantId": GRANT, "Key": "a", "SpentBy": "b"}, "Action: missing."),
        (a_spend(GrantId=None), "GrantId: expected 1 to 1,000 characters."),
        (a_spend(GrantId=""), "GrantId: expected 1 to 1,000 characters."),
        (a_spend(Key=""), "Key: expected 1 to 200 characters."),
        (a_spend(Key="k" * 201), "Key: expected 1 to 200 characters."),
        (a_spend(Key=7), "Key: expected 1 to 200 characters."),
        (a_spend(Key="\ud800"), "Key: contains half of a surrogate pair, which is not valid Unicode."),
        (a_spend(SpentBy="x" * 301), "SpentBy: expected 1 to 300 characters."),
        (a_spend(SpentBy=" "), "SpentBy: expected one line of visible characters."),
        (a_spend(SpentBy="a\nb"), "SpentBy: expected one line of visible characters."),
        (a_spend(SpentBy="a\u202eb"), "SpentBy: expected one line of visible characters."),
        (a_spend(Action=float("inf")), "Action: has a number that does not fit in a double."),
        (a_spend(Action={"a": [float("nan")]}), "Action: has a number that does not fit in a double."),
        (a_spend(Action=10**400), "Action: has a number that does not fit in a double."),
    ],
)
def test_a_wrong_call_is_refused_with_the_field(payload: Json, text: str) -> None:
    with pytest.raises(SpendRefusedError) as error:
        parse_spend(payload)
    assert (error.value.error, str(error.value)) == (SpendError.INVALID, text)


def test_an_action_that_is_nested_too_deep_is_refused() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(SpendRefusedError, match=r"^Action: nested deeper than 64 levels\.$"):
        parse_spend(a_spend(Action=deep))


def test_null_is_an_action_that_was_not_approved() -> None:
    call = parse_spend(a_spend(Action=None))
    assert refusal(with_grant(), call.attempt)[0] == "ActionChanged"


def test_a_status_that_is_not_approved_has_no_grant_whatever_the_record_says() -> None:
    for status in Status:
        approval = replace(with_grant(), status=status)
        if status is not Status.APPROVED:
            assert refusal(approval, attempt())[0] == "GrantUnknown"


# What people and programs see of it.


def a_spent_approval(uses: int = 2) -> Approval:
    return spent(with_grant(uses=uses), *"ab"[:uses])


def test_the_history_says_who_spent_the_grant() -> None:
    entries = [entry for entry in history(a_spent_approval()) if entry.kind is Kind.SPENT]
    assert [(entry.key, entry.text) for entry in entries] == [
        ("spend-1", f"Grant spent by \u201c{BY}\u201d (use 1 of 2)."),
        ("spend-2", f"Grant spent by \u201c{BY}\u201d (use 2 of 2)."),
    ]
    assert [entry.text for entry in history(a_spent_approval(1))][-1] == f"Grant spent by \u201c{BY}\u201d."


def test_what_the_caller_says_of_itself_stands_in_quotes() -> None:
    approval = spent(with_grant(), "a")
    [key] = approval.spends
    posing = replace(approval.spends[key], by="ci\u201d. Approved by Eve in Slack. \u201c")
    text = [entry.text for entry in history(replace(approval, spends={key: posing}))][-1]
    assert text == 'Grant spent by \u201cci". Approved by Eve in Slack. \u201c\u201d.'


@pytest.mark.parametrize("place", SURFACES)
def test_pages_and_commands_say_who_spent_the_grant(place: str) -> None:
    shown = SURFACES[place](a_spent_approval(1))
    assert BY in shown
    assert GRANT not in shown
    assert digest(GRANT) not in shown
    assert digest("a") not in shown


def test_an_event_is_owed_for_each_use_until_it_is_published() -> None:
    approval = a_spent_approval()
    found = [event for event in owed(approval, "prod") if event.kind is Kind.SPENT]
    assert [event.mark for event in found] == ["spend-1", "spend-2"]
    detail = {key: found[1].detail[key] for key in ("ApprovalId", "Use", "Uses", "SpentBy", "SpentAt", "Status")}
    assert detail == {
        "ApprovalId": approval.id,
        "Use": 2,
        "Uses": 2,
        "SpentBy": BY,
        "SpentAt": "2026-11-23T09:04:00.000Z",
        "Status": "APPROVED",
    }
    published = replace(approval, published=frozenset({"spend-1"}))
    assert [event.mark for event in owed(published, "prod") if event.kind is Kind.SPENT] == ["spend-2"]


def test_an_export_has_the_terms_and_each_use() -> None:
    exported = row(a_spent_approval())
    assert exported["action"] == APPLY
    assert exported["grant"] == {"uses": 2, "valid_minutes": 60}
    assert exported["spends"] == [
        {"use": 1, "by": BY, "at": "2026-11-23T09:03:00.000Z"},
        {"use": 2, "by": BY, "at": "2026-11-23T09:04:00.000Z"},
    ]


def test_uses_are_stored_and_read_again() -> None:
    approval = a_spent_approval()
    item: dict[str, Any] = approval_to_item(approval)
    assert item["spend_parity"] == "even"
    assert approval_from_item(item) == replace(approval, link_key=approval.link_key)


def test_the_version_before_reads_a_record_with_a_grant_only_if_it_knows_actions() -> None:
    """Its name for `asked` keeps it from a request whose action it would not show; uses alone hide nothing."""
    item: dict[str, Any] = approval_to_item(a_spent_approval())
    assert legacy.ASKED_WITH_ACTION in item["request"]
    del item["spends"]
    del item["grant_hash"]
    assert approval_from_item(item).spends == {}


def test_the_greatest_record_has_room_for_all_uses() -> None:
    asked = asked_with_grant(uses=100)
    full = {digest(str(use)): Spend(use=use, by="\U0001f469" * MAX_SPENT_BY, at=NOW) for use in range(1, 101)}
    grown = replace(asked, spends=full)
    marks = sum(len(f"spend-{use}") for use in range(1, 101))
    assert item_size(approval_to_item(grown)) + marks <= greatest_size(asked)
    without = greatest_size(replace(asked, request=replace(asked.request, grant=None)))
    assert item_size(approval_to_item(grown)) > without


def test_a_grant_whose_uses_would_not_fit_is_refused() -> None:
    asked = asked_with_grant(uses=100)
    asked = replace(asked, request=replace(asked.request, context={"k": "x" * 230_000}))
    with pytest.raises(InvalidRequestError, match="set Uses in Grant lower"):
        check_size(asked)
    check_size(replace(asked, request=replace(asked.request, grant=replace(asked.request.grant, uses=1))))  # type: ignore[type-var]


def test_the_greatest_result_has_room_for_the_grant() -> None:
    approval = with_grant()
    without = replace(approval, request=replace(approval.request, grant=None))
    added = len(output(approval, GRANT).encode()) - len(output(without, GRANT).encode())
    assert 0 < added <= most_bytes(approval.request) - most_bytes(without.request)


@pytest.mark.parametrize("approval", [with_grant(by=Action.REJECT), decided()], ids=["rejected", "no grant"])
def test_only_an_approved_request_with_a_grant_has_one_in_its_result(approval: Approval) -> None:
    assert "Grant" not in json.loads(output(approval, GRANT))
