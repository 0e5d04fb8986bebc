"""What the bench writes, from runs that are made up: the bench itself is not run here."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench import report
from tests.bench.deployed import Flood, Seconds
from tests.bench.functions import Run
from tests.bench.report import AS_OURS, Results, Size


def a_run(wall: float) -> Run:
    return Run(
        answer=None, wall=wall, init=wall, cpu=wall, user=wall, memory=40_000_000, modules=(), warm=(0.002, 0.004)
    )


@pytest.fixture
def found() -> dict[str, list[Run]]:
    """The second of three runs met a machine that was busy: it slowed both down."""
    return {
        "bare": [a_run(0.2), a_run(0.8), a_run(0.2)],
        "bolt": [a_run(0.3)] * 3,
        f"bare{AS_OURS}": [a_run(0.125), a_run(0.5), a_run(0.125)],
        f"bolt{AS_OURS}": [a_run(0.3)] * 3,
        "callback": [a_run(0.1), a_run(0.4), a_run(0.1)],
        "bot": [a_run(0.33)] * 3,
    }


def test_a_ratio_is_within_the_same_round(found: dict[str, list[Run]]) -> None:
    assert report.ratios(found, "callback", lambda run: run.wall) == pytest.approx([0.5] * 3)
    assert report.ratios(found, "callback", lambda run: run.wall, AS_OURS) == pytest.approx([0.8] * 3)
    assert report.ratios(found, "bot", lambda run: run.wall) == pytest.approx([1.1] * 3)


def test_the_table_has_every_measure_and_the_plot_is_a_picture(found: dict[str, list[Run]], tmp_path: Path) -> None:
    results = Results(
        python="3.13.0",
        size={"layer": Size(11_000_000, 4_000_000), "code": Size(1_000_000, 400_000)},
        cold={"email only": found},
        calls={"15 calls without Slack": "Request PutItem"},
        seconds=Seconds(ours={"click to answer": [0.06, 0.08]}, bare={"click to answer": [0.1, 0.1]}),
        flood=Flood(50, 10.0, [0.05, 0.07, 0.09]),
    )
    text = report.write(results, tmp_path)
    assert text == (tmp_path / "results.md").read_text()
    for part in (
        "| `callback` | 100 [100-400] | 100 [100-400] | 1.10 of bare | 0.50 | 0.50 | 0.80 | 0.80 | 40 | 3.0 |",
        "| together | 12,000,000 | 4,400,000 |",
        "- 15 calls without Slack: Request PutItem",
        "| click to answer | 70, 79, 80 | 100, 100, 100 | 0.70 |",
        "50 approvals decided without an error in 10 s, 5.0 a second",
    ):
        assert part in text
    assert (tmp_path / "results.png").read_bytes().startswith(b"\x89PNG")
