"""`approvals.grants` with the real spend function: a call that was not approved is never made, an approved one once."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from hypothesis import given, settings
from hypothesis import strategies as st

from approvals import grants
from approvals.domain.grants import Spend
from approvals.domain.model import Approval
from approvals.requests.codec import canonical
from approvals.services.spend import SpendHandler
from tests.support.fakes import Clock
from tests.support.grants import GRANT, MemorySpends, with_grant
from tests.support.spend_function import CALLER, FUNCTION, SpendFunction, through

PROVE = os.environ.get("PROVE") == "1"
MUTATIONS = 10_000 if PROVE else 300

LEAVES = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9) | st.text(max_size=8)
JSON: st.SearchStrategy[Any] = st.recursive(
    LEAVES, lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=4), each, max_size=3)
)


SHARED = SpendFunction()
OF = through(SHARED)
"""Clients take longer than a call."""


class LockedSpends(MemorySpends):
    """Stores a use only if no other was stored meanwhile, as DynamoDB does."""

    def __init__(self, approval: Approval) -> None:
        super().__init__(approval)
        self._lock = Lock()

    def add(self, approval: Approval, key_hash: str, spend: Spend) -> None:
        with self._lock:
            super().add(approval, key_hash, spend)


@dataclass
class Guarded:
    """A guarded function whose calls are recorded, and an approval of a call of it."""

    arguments: list[Any]
    uses: int = 1
    made: list[list[Any]] = field(default_factory=list)
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        @grants.guarded(function=FUNCTION, name="call")
        def call(*arguments: Any) -> None:
            self.made.append([*arguments])

        self.call = call
        approval = with_grant(grants.action_of(call, *self.arguments), uses=self.uses)
        self.spends = LockedSpends(approval)
        assert approval.decision
        self.clock.now = approval.decision.at
        logger = Logger(service="tests", level="CRITICAL")
        handler: Any = SpendHandler(spends=self.spends, clock=self.clock, logger=logger, refused=lambda _: None)
        self.function = SHARED
        SHARED.handler, SHARED.lost = handler, 0

    def make(self, arguments: list[Any]) -> str | None:
        """Make the call with these arguments. Return the name of the error if it is not made."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(grants.Spender, "of", OF)
            try:
                self.call(*arguments, grant_id=GRANT)
            except grants.GrantError as error:
                return error.name
        return None


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return every container in a value with each of its keys."""
    keys = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    return [(value, key) for key in keys] + [place for key in keys for place in places(value[key])]


@st.composite
def mutations(draw: st.DrawFn) -> tuple[list[Any], list[Any]]:
    """Return arguments, and the same with one value changed, removed or added."""
    arguments = draw(st.lists(JSON, min_size=1, max_size=3))
    mutated = deepcopy(arguments)
    container, key = draw(st.sampled_from(places(mutated)))
    match draw(st.sampled_from(["change", "remove", "add"])):
        case "change":
            container[key] = draw(JSON)
        case "remove":
            del container[key]
        case _ if isinstance(container, list):
            container.insert(key, draw(JSON))
        case _:
            container[draw(st.text(max_size=4))] = draw(JSON)
    return arguments, mutated


@settings(max_examples=MUTATIONS, deadline=None)
@given(mutations())
def test_a_call_with_another_value_anywhere_is_not_made(pair: tuple[list[Any], list[Any]]) -> None:
    arguments, mutated = pair
    guarded = Guarded(arguments)
    if canonical(arguments) != canonical(mutated):
        assert guarded.make(mutated) == "ActionChanged"
        assert guarded.made == []
    assert guarded.make(arguments) is None
    assert guarded.make(arguments) == "GrantSpent"
    assert [canonical(each) for each in guarded.made] == [canonical(arguments)]


def test_an_object_that_changes_after_the_approval_is_another_action() -> None:
    rows = [1, 2]
    guarded = Guarded([{"rows": rows}])
    rows.append(3)
    assert guarded.make([{"rows": rows}]) == "ActionChanged"
    assert guarded.made == []


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_lost_answer_is_one_use_and_one_call(lost: int) -> None:
    guarded = Guarded(["orders"], uses=2)
    guarded.function.lost = lost
    assert guarded.make(["orders"]) is None
    assert guarded.made == [["orders"]]
    [spend] = guarded.spends.approval.spends.values()
    assert (spend.use, spend.by) == (1, CALLER)


def test_a_spend_whose_answers_are_all_lost_is_on_record_and_nothing_is_called() -> None:
    guarded = Guarded(["orders"])
    guarded.function.lost = 9
    assert guarded.make(["orders"]) == "SpendFailed"
    guarded.function.lost = 0
    assert guarded.make(["orders"]) == "GrantSpent", "ask again: nobody knows whether it was executed"
    assert guarded.made == []
    assert [spend.by for spend in guarded.spends.approval.spends.values()] == [CALLER]


def test_a_grant_that_expired_makes_no_call() -> None:
    guarded = Guarded(["orders"])
    guarded.clock.pass_(seconds=timedelta(hours=1).total_seconds())
    assert guarded.make(["orders"]) == "GrantExpired"
    assert guarded.made == []


def test_as_many_calls_are_made_as_uses_were_approved(monkeypatch: pytest.MonkeyPatch) -> None:
    guarded = Guarded(["orders"], uses=3)
    monkeypatch.setattr(grants.Spender, "of", OF)

    def call(_: int) -> str:
        try:
            guarded.call("orders", grant_id=GRANT)
        except grants.GrantError as error:
            return error.name
        return "made"

    with ThreadPoolExecutor(10) as threads:
        results = sorted(threads.map(call, range(10)))
    assert results == ["GrantSpent"] * 7 + ["made"] * 3
    assert guarded.made == [["orders"]] * 3
