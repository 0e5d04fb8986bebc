"""What tests.bench.memory prints, from runs that are made up: the bench itself is not run here."""

from __future__ import annotations

import pytest

from scripts import cost
from tests.bench.functions import Run
from tests.bench.memory import SIZES, Took, report


def a_run(init: float, first: float, warm: float) -> Run:
    return Run(
        answer=None, wall=init + first, init=init, cpu=0, user=0, memory=50_000_000, modules=(), warm=(warm, warm, 9)
    )


def test_the_best_of_the_runs_counts() -> None:
    took = Took.best([a_run(0.3, 0.1, 0.02), a_run(0.2, 0.4, 0.03)])
    assert (took.init, took.warm) == (0.2, 0.02)
    assert took.first == pytest.approx(0.1)


def test_a_cold_start_costs_its_init_and_its_answer_by_the_price_list() -> None:
    """The init is the same whatever the size, so the shortest one holds for all."""
    took = {("bot", size): Took(init=0.2 + size / 1e5, first=64 / size, warm=32 / size, memory=1) for size in SIZES}
    init = 0.2 + 128 / 1e5
    cold = cost.usd("lambda_gb_second", 1e6 * 0.5 * (init + 0.125))
    warm = cost.usd("lambda_gb_second", 1e6 * 0.5 * 0.0625)
    text = report(took)
    assert "| `bot` | 201 | 500, 250 | 250, 125 | 125, 62 | 62, 31 | 36, 18 |" in text
    assert f" {cold:.2f}, {warm:.2f} |" in text
