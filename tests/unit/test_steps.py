"""Work that is owed: each step once, each failing by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.domain.errors import DeliveryFailed
from approvals.domain.model import Approval, Step
from approvals.services.tasks import StepsFailed, Work, carry_out
from tests.builders import NOW, TOKEN, an_approval

ORDER = (Step.RESUME, Step.OUTCOME_EMAIL, Step.OUTCOME_SLACK)


class MemoryLog:
    """Keeps what was logged."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, Mapping[str, object]]] = []

    def warning(self, msg: object, *, extra: Mapping[str, object]) -> None:
        self.lines.append((f"warning: {msg}", extra))

    def exception(self, msg: object, *, extra: Mapping[str, object]) -> None:
        self.lines.append((f"exception: {msg}", extra))


class Workshop:
    """Work for each step in `ORDER` that notes what was done; the steps in `failures` raise instead."""

    def __init__(self, failures: Mapping[Step, Exception] | None = None) -> None:
        self.done: list[Step] = []
        self._failures = failures or {}

    def work(self) -> dict[Step, Work]:
        return {step: self._job(step) for step in ORDER}

    def _job(self, step: Step) -> Work:
        def do(approval: Approval) -> Approval:
            if step in self._failures:
                raise self._failures[step]
            self.done.append(step)
            return replace(approval, steps={**approval.steps, step: NOW})

        return do


def test_every_step_is_done_in_order_on_what_the_one_before_left() -> None:
    shop = Workshop()
    approval = carry_out(an_approval(), shop.work(), log=MemoryLog())
    assert shop.done == list(ORDER)
    assert approval.steps == dict.fromkeys(ORDER, NOW)


def test_a_step_that_the_record_marks_as_done_is_not_done_again() -> None:
    shop = Workshop()
    carry_out(an_approval(steps={Step.RESUME: NOW}), shop.work(), log=MemoryLog())
    assert shop.done == [Step.OUTCOME_EMAIL, Step.OUTCOME_SLACK]


def test_no_work_changes_nothing() -> None:
    assert carry_out(an_approval(), {}, log=MemoryLog()) == an_approval()


@given(st.sets(st.sampled_from(ORDER), min_size=1), st.sets(st.sampled_from(ORDER)))
def test_a_failing_step_holds_up_no_other(failing: set[Step], done_before: set[Step]) -> None:
    shop = Workshop({step: DeliveryFailed("busy") for step in failing})
    approval = an_approval(steps=dict.fromkeys(done_before, NOW))
    owed = failing - done_before
    if owed:
        with pytest.raises(StepsFailed) as caught:
            carry_out(approval, shop.work(), log=MemoryLog())
        assert set(caught.value.steps) == owed
    else:
        carry_out(approval, shop.work(), log=MemoryLog())
    assert set(shop.done) == set(ORDER) - failing - done_before


def test_the_next_try_does_only_what_failed() -> None:
    marked: dict[Step, Approval] = {}
    first = Workshop({Step.OUTCOME_EMAIL: DeliveryFailed("busy")})

    def mark(approval: Approval) -> Approval:
        marked[Step.OUTCOME_SLACK] = first.work()[Step.OUTCOME_SLACK](approval)
        return marked[Step.OUTCOME_SLACK]

    with pytest.raises(StepsFailed):
        carry_out(an_approval(), {**first.work(), Step.OUTCOME_SLACK: mark}, log=MemoryLog())
    second = Workshop()
    carry_out(marked[Step.OUTCOME_SLACK], second.work(), log=MemoryLog())
    assert second.done == [Step.OUTCOME_EMAIL]


def test_the_failure_names_each_step_with_our_own_reason() -> None:
    shop = Workshop({Step.RESUME: DeliveryFailed("SNS answered Throttling"), Step.OUTCOME_EMAIL: KeyError("x")})
    with pytest.raises(StepsFailed) as caught:
        carry_out(an_approval(), shop.work(), log=MemoryLog())
    assert str(caught.value) == "resume: SNS answered Throttling; outcome_email: KeyError"
    assert caught.value.steps == (Step.RESUME, Step.OUTCOME_EMAIL)


def test_the_text_of_a_strangers_exception_is_kept_out_of_the_failure() -> None:
    """It ends as the cause of a cancellation, which people read; a stranger's text may hold the task token."""
    shop = Workshop({Step.RESUME: RuntimeError(f"invalid token {TOKEN}")})
    with pytest.raises(StepsFailed) as caught:
        carry_out(an_approval(), shop.work(), log=MemoryLog())
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            DeliveryFailed("Slack answered ratelimited"),
            (
                "warning: step failed, will be tried again",
                {"step": "outcome_slack", "reason": "Slack answered ratelimited"},
            ),
        ),
        (ZeroDivisionError(), ("exception: step failed", {"step": "outcome_slack"})),
    ],
)
def test_an_expected_failure_is_a_warning_and_a_bug_leaves_its_traceback(
    error: Exception, line: tuple[str, dict[str, object]]
) -> None:
    log = MemoryLog()
    with pytest.raises(StepsFailed):
        carry_out(an_approval(), Workshop({Step.OUTCOME_SLACK: error}).work(), log=log)
    assert log.lines == [line]
