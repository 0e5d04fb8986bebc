"""The table in Markdown and the plot, from what was measured. Everything is a ratio within the run."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

from tests.bench.deployed import Flood, Seconds
from tests.bench.functions import Run

BUDGETS = {"callback": 1.1, "bot": 1.3} | dict.fromkeys(("request", "notify", "decision", "lifecycle", "digest"), 1.5)
"""The most that a cold start may take, as a ratio to its baseline."""

AS_OURS = ", compiled as ours"
"""Behind the name of a bare handler that is compiled like our code, not as pip does it."""


class Size(NamedTuple):
    """Bytes."""

    unzipped: int
    zipped: int


@dataclass
class Results:
    """All that one run measured. `cold` has the runs of each function, by whether Slack is on."""

    python: str
    size: dict[str, Size]
    cold: dict[str, dict[str, list[Run]]] = field(default_factory=dict)
    calls: dict[str, str] = field(default_factory=dict)
    seconds: Seconds | None = None
    flood: Flood | None = None


def baseline(name: str) -> str:
    """Return the bare handler that a function is measured against."""
    return "bolt" if name == "bot" else "bare"


def ratios(found: dict[str, list[Run]], name: str, measure: Callable[[Run], float], how: str = "") -> list[float]:
    """Return the ratios to the baseline, run by run: neighbours in time saw the same machine."""
    pairs = zip(found[name], found[f"{baseline(name)}{how}"], strict=True)
    return [measure(ours) / measure(bare) for ours, bare in pairs]


def write(results: Results, folder: Path) -> str:
    """Write results.md and results.png into a folder; return the text."""
    folder.mkdir(exist_ok=True)
    text = "\n".join(_lines(results)) + "\n"
    (folder / "results.md").write_text(text)
    _plot(results, folder / "results.png")
    return text


def _lines(results: Results) -> list[str]:
    lines = [
        "# What `make bench` measured",
        "",
        f"Python {results.python}, {os.cpu_count()} cores, {_load()}.",
        "(a) `bare`: a handler that imports boto3 and calls SendTaskSuccess.",
        "(b) `bolt`: Bolt's own adapter for Lambda, and one listener that acknowledges.",
        "Both are compiled as pip does it, and again as this product's code: without a check of the sources' age.",
        "Figures are medians, with the middle half of all runs in brackets. A ratio is the median of all runs.",
    ]
    for title, found in results.cold.items():
        lines += ["", f"## Cold start, {title}: a fresh interpreter, from import to the first response", ""]
        lines += _table(_COLD, [_cold_row(found, name) for name in found])
    lines += ["", "## Size, in bytes", ""]
    lines += _table(
        ("", "unzipped", "zipped"),
        [(name, f"{size.unzipped:,}", f"{size.zipped:,}") for name, size in _with_total(results.size).items()],
    )
    if results.calls:
        lines += [
            "",
            "## Calls to other services",
            "",
            *(f"- {count}: {names}" for count, names in results.calls.items()),
        ]
    if results.seconds:
        lines += ["", "## On the deployed local stack, in ms", "", *_latencies(results.seconds)]
    if results.flood:
        flood = results.flood
        pace = f"{flood.decided / flood.seconds:.1f} a second, 8 people at a time"
        clicks = f"a click took {_percentiles(flood.clicks)} ms (p50, p95, p99)"
        decided = f"{flood.decided:,} approvals decided without an error in {flood.seconds:.0f} s"
        lines += ["", f"{decided}, {pace}: {clicks}."]
    return lines


def _load() -> str:
    return f"load average {os.getloadavg()[1]:.1f}" if os.getloadavg()[1] > 1 else "otherwise idle"


_COLD = (
    "",
    "wall ms",
    "user CPU ms",
    "budget",
    "ratio of walls",
    "of user CPU",
    f"ratio of walls{AS_OURS}",
    "of user CPU",
    "memory MB",
    "warm ms",
)


def _cold_row(found: dict[str, list[Run]], name: str) -> tuple[str, ...]:
    runs = found[name]
    compared = [""] * 4
    if not name.startswith(("bare", "bolt")):
        compared = [
            f"{median(ratios(found, name, measure, how)):.2f}"
            for how in ("", AS_OURS)
            for measure in (attrgetter("wall"), attrgetter("user"))
        ]
    return (
        f"`{name}`",
        _spread([run.wall for run in runs]),
        _spread([run.user for run in runs]),
        f"{BUDGETS[name]:.2f} of {baseline(name)}" if name in BUDGETS else "",
        *compared,
        f"{median(run.memory for run in runs) / 1e6:.0f}",
        f"{1000 * median(waited for run in runs for waited in run.warm):.1f}",
    )


def _with_total(sizes: dict[str, Size]) -> dict[str, Size]:
    total = Size(sum(size.unzipped for size in sizes.values()), sum(size.zipped for size in sizes.values()))
    return {**sizes, "together": total}


def _latencies(seconds: Seconds) -> list[str]:
    rows = []
    for name, ours in seconds.ours.items():
        row = [name, _percentiles(ours)]
        for other in (seconds.bare, seconds.silent):
            bare = other.get(name)
            row += [_percentiles(bare), f"{median(ours) / median(bare):.2f}"] if bare else ["", ""]
        rows.append(tuple(row))
    return _table(("p50, p95, p99", "ours", "(a)", "ratio", "(a) without a log line", "ratio"), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]


def _spread(values: Sequence[float]) -> str:
    low, middle, high = quantiles(values, n=4)
    return f"{1000 * middle:.0f} [{1000 * low:.0f}-{1000 * high:.0f}]"


def _percentiles(values: Sequence[float]) -> str:
    cuts = quantiles(values, n=100, method="inclusive")
    return ", ".join(f"{1000 * cuts[each - 1]:.0f}" for each in (50, 95, 99))


def _plot(results: Results, path: Path) -> None:
    import matplotlib as mpl  # slow to import, and the table needs none of it

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, len(results.cold), figsize=(12, 4.5), sharey=True, squeeze=False)
    for axis, (title, found) in zip(axes[0], results.cold.items(), strict=True):
        names = [name for name in found if name in BUDGETS]
        for how, aside, color in (("", -0.2, "lightgray"), (AS_OURS, 0.2, "white")):
            axis.boxplot(
                [ratios(found, name, attrgetter("wall"), how) for name in names],
                positions=[place + aside for place in range(len(names))],
                widths=0.3,
                showfliers=False,
                patch_artist=True,
                boxprops={"facecolor": color},
                label=f"bare handler{how or ', compiled as pip does it'}",
            )
        for place, name in enumerate(names):
            axis.hlines(BUDGETS[name], place - 0.4, place + 0.4, colors="tab:red")
        axis.set_xticks(range(len(names)), names)
        axis.axhline(1, color="gray", linewidth=0.5)
        axis.set_title(f"Cold start, {title}")
        axis.tick_params(axis="x", rotation=30)
    axes[0][0].set_ylabel("ratio to the bare handler (red: budget)")
    axes[0][0].set_ylim(bottom=0)
    axes[0][0].legend(loc="lower left")
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
