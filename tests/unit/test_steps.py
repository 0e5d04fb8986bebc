"""Work that is owed: each step once, each failing by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.domain.errors import DeliveryDelayedError, DeliveryError, DeliveryRefusedError
from approvals.domain.model import Approval, Decision, Delivery, Status
from approvals.domain.steps import Step
from approvals.services.channel import Done, NotDone, Task, Tasks
from approvals.services.tasks import Run, StepsFailedError
from tests.support.builders import NOW, TOKEN, an_approval

ORDER = (Step.RESUME, "outcome_email", "outcome_slack")


class MemoryLog:
    """Keeps what was logged."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, Mapping[str, object]]] = []
        self.news: list[tuple[str, Mapping[str, object]]] = []

    def info(self, msg: object, *, extra: Mapping[str, object]) -> None:
        self.news.append((str(msg), extra))

    def warning(self, msg: object, *, extra: Mapping[str, object]) -> None:
        self.lines.append((f"warning: {msg}", extra))

    def exception(self, msg: object, *, extra: Mapping[str, object]) -> None:
        self.lines.append((f"exception: {msg}", extra))


@dataclass
class MemoryTable:
    """Marks steps in a record that it keeps."""

    approval: Approval
    delivered: dict[str, Delivery] = field(default_factory=dict)

    def mark(self, approval: Approval, step: str, at: datetime, *, delivery: Delivery | None = None) -> Approval:
        assert approval.id == self.approval.id
        if delivery:
            self.delivered[step] = delivery
        self.approval = replace(self.approval, steps={**self.approval.steps, step: at})
        return self.approval


class Workshop:
    """Tasks for each step in `ORDER` that note what was done; the steps in `failures` raise instead."""

    def __init__(self, failures: Mapping[str, Exception] | None = None) -> None:
        self.done: list[str] = []
        self._failures = failures or {}

    def tasks(self, steps: Sequence[str] = ORDER) -> dict[str, Task]:
        return {step: self._job(step) for step in steps}

    def _job(self, step: str) -> Task:
        def do(approval: Approval) -> Done:
            assert step not in approval.steps
            if step in self._failures:
                raise self._failures[step]
            self.done.append(step)
            return Done()

        return do


def a_run(approval: Approval | None = None, log: MemoryLog | None = None, *, until_decided: bool = False) -> Run:
    approval = approval or an_approval()
    return Run(approval, MemoryTable(approval), lambda: NOW, log or MemoryLog(), until_decided=until_decided)


def carry_out(tasks: Tasks, approval: Approval | None = None, log: MemoryLog | None = None) -> Approval:
    run = a_run(approval, log)
    run.carry_out(tasks)
    run.raise_failures()
    return run.approval


def test_every_step_is_done_in_order_and_marked() -> None:
    shop = Workshop()
    approval = carry_out(shop.tasks())
    assert shop.done == list(ORDER)
    assert approval.steps == dict.fromkeys(ORDER, NOW)


def test_a_step_that_the_record_marks_as_done_is_not_done_again() -> None:
    shop = Workshop()
    carry_out(shop.tasks(), an_approval(steps={Step.RESUME: NOW}))
    assert shop.done == ["outcome_email", "outcome_slack"]


def test_no_task_changes_nothing() -> None:
    assert carry_out({}) == an_approval()


@given(st.sets(st.sampled_from(ORDER), min_size=1), st.sets(st.sampled_from(ORDER)))
def test_a_failing_step_holds_up_no_other(failing: set[Step], done_before: set[Step]) -> None:
    shop = Workshop({step: DeliveryError("busy") for step in failing})
    approval = an_approval(steps=dict.fromkeys(done_before, NOW))
    owed = failing - done_before
    if owed:
        with pytest.raises(StepsFailedError) as caught:
            carry_out(shop.tasks(), approval)
        assert set(caught.value.steps) == owed
    else:
        carry_out(shop.tasks(), approval)
    assert set(shop.done) == set(ORDER) - failing - done_before


def test_the_next_try_does_only_what_failed() -> None:
    run = a_run()
    run.carry_out(Workshop({"outcome_email": DeliveryError("busy")}).tasks())
    second = Workshop()
    carry_out(second.tasks(), run.approval)
    assert second.done == ["outcome_email"]


def test_moot_and_queued_tasks_are_not_marked_and_only_queued_ones_are_settled() -> None:
    run = a_run()
    run.carry_out({"moot": lambda _: NotDone.MOOT, "queued": lambda _: NotDone.QUEUED, "done": lambda _: Done()})
    assert run.approval.steps.keys() == {"done"}
    assert [run.is_settled(step) for step in ("moot", "queued", "done")] == [False, True, True]
    run.raise_failures()


def test_what_is_done_or_queued_is_logged_and_what_is_moot_is_not() -> None:
    """docs/operate.md has the queries that find these lines."""
    log = MemoryLog()
    tasks: dict[str, Task] = {
        "moot": lambda _: NotDone.MOOT,
        "queued": lambda _: NotDone.QUEUED,
        "done": lambda _: Done(),
    }
    Run(an_approval(), MemoryTable(an_approval()), lambda: NOW, log).carry_out(tasks)
    assert log.news == [("step queued", {"step": "queued"}), ("step done", {"step": "done"})]


def test_a_message_is_stored_with_the_mark() -> None:
    message = Delivery(channel="slack", place="C1", id="1.2", realm="T1")
    table = MemoryTable(an_approval())
    Run(an_approval(), table, lambda: NOW, MemoryLog()).carry_out({"request_slack": lambda _: Done(message)})
    assert table.delivered == {"request_slack": message}


def test_parts_are_marked_each_and_then_the_whole() -> None:
    shop = Workshop()
    approval = carry_out(
        {"direct": lambda _: shop.tasks(["direct:a", "direct:b"])}, an_approval(steps={"direct:a": NOW})
    )
    assert shop.done == ["direct:b"]
    assert [*approval.steps] == ["direct:a", "direct:b", "direct"]


def test_a_failing_part_keeps_the_whole_open_and_holds_up_no_other_part() -> None:
    shop = Workshop({"direct:a": DeliveryRefusedError("closed")})
    run = a_run()
    run.carry_out({"direct": lambda _: shop.tasks(["direct:a", "direct:b"])})
    assert [*run.approval.steps] == ["direct:b"]
    with pytest.raises(StepsFailedError, match="direct: closed"):
        run.raise_failures()


def test_a_service_that_asks_to_wait_ends_the_parts_at_once() -> None:
    shop = Workshop({"direct:a": DeliveryDelayedError("slow down", 7)})
    run = a_run()
    run.carry_out({"direct": lambda _: shop.tasks(["direct:a", "direct:b"])})
    assert shop.done == []
    with pytest.raises(StepsFailedError) as failed:
        run.raise_failures()
    assert failed.value.retry_after == 7


def test_a_bug_in_a_part_is_that_of_the_whole_and_what_was_done_stays_marked() -> None:
    shop = Workshop({"direct:b": KeyError("x")})
    run = a_run()
    run.carry_out({"direct": lambda _: shop.tasks(["direct:a", "direct:b"])})
    assert [*run.approval.steps] == ["direct:a"]
    with pytest.raises(StepsFailedError, match="direct: KeyError"):
        run.raise_failures()


def test_once_it_is_decided_the_rest_is_dropped_where_only_what_is_open_is_told() -> None:
    shop, run = Workshop(), a_run(until_decided=True)
    decision = Decision(status=Status.CANCELLED, at=NOW, channel="system")

    def decide(approval: Approval) -> Approval:
        return replace(approval, decision=decision, status=decision.status)

    run.attempt("decides", decide)
    run.carry_out(shop.tasks())
    assert shop.done == []


def test_a_plan_that_fails_is_named_and_is_no_plan() -> None:
    def broken() -> Tasks:
        raise KeyError("people")

    run = a_run()
    assert run.plan("request_slack", broken) is None
    with pytest.raises(StepsFailedError, match="request_slack: KeyError"):
        run.raise_failures()


def test_the_failure_names_each_step_with_our_own_reason() -> None:
    shop = Workshop({Step.RESUME: DeliveryError("SNS answered Throttling"), "outcome_email": KeyError("x")})
    with pytest.raises(StepsFailedError) as caught:
        carry_out(shop.tasks())
    assert str(caught.value) == "resume: SNS answered Throttling; outcome_email: KeyError"
    assert caught.value.steps == (Step.RESUME, "outcome_email")


def test_the_text_of_a_strangers_exception_is_kept_out_of_the_failure() -> None:
    """It ends as the cause of a cancellation, which people read; a stranger's text may hold the task token."""
    shop = Workshop({Step.RESUME: RuntimeError(f"invalid token {TOKEN}")})
    with pytest.raises(StepsFailedError) as caught:
        carry_out(shop.tasks())
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            DeliveryError("Slack answered ratelimited"),
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
    with pytest.raises(StepsFailedError):
        carry_out(Workshop({"outcome_slack": error}).tasks(), log=log)
    assert log.lines == [line]
