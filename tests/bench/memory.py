"""`python -m tests.bench.memory`: how long each function takes with each memory size, and what that costs.

Lambda gives a function its memory / 1,769 MB of a core, and a whole one while it starts. So a fresh interpreter imports
the handler unhindered; then it enters a cgroup with that share of a core, and answers there. AWS and Slack are a server
on this machine that answers at once, over TLS. Needs Linux, root and openssl.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import botocore

from scripts import cost
from tests.bench.functions import Bench, Built, Function, Run

SIZES = (128, 256, 512, 1024, 1769)
"""In MB. The last is a whole core."""

_CORE = SIZES[-1]
_PERIOD = 20_000
"""Microseconds. Of each, a function gets its share, and then waits for the next."""

_CGROUPS = Path("/sys/fs/cgroup")
_WARM = 10
_SHARED = """\
import os

os.environ.update(AWS_CA_BUNDLE={trusted!r}, SSL_CERT_FILE={trusted!r})

from {module} import handler as answer

def handler(event, context):
    with open({processes!r}, "w") as processes:
        processes.write("0")
    return answer(event, context)
"""
"""Stands before a handler: whoever calls it is in the cgroup from then on."""


@dataclass(frozen=True, slots=True)
class Took:
    """The best of some runs: what else the machine does can only add. Seconds; `memory` in bytes."""

    init: float
    first: float
    warm: float
    memory: int

    @classmethod
    def best(cls, runs: list[Run]) -> Took:
        """Of several runs of one function."""
        return cls(
            init=min(run.init for run in runs),
            first=min(run.wall - run.init for run in runs),
            warm=min(median(run.warm) for run in runs),
            memory=max(run.memory for run in runs),
        )


def main() -> None:
    """Print two tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.memory", description="What memory buys.")
    parser.add_argument("--runs", type=int, default=7, help="fresh interpreters for each function and size")
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        built = Built.make(folder / "built")
        groups = {size: stack.enter_context(_cgroup(size)) for size in SIZES}
        bench = Bench()
        stack.callback(bench.stop)
        trusted = _with_tls(bench, folder)
        found: dict[tuple[str, int], list[Run]] = {}
        for _ in range(runs):  # by turns: what disturbs the machine disturbs all of them
            for function_name, function in bench.functions().items():
                for size, processes in groups.items():
                    target = folder / f"{function_name}-{size}"
                    shared = _shared(function, target, processes=processes, trusted=trusted)
                    run = bench.run(shared, (target, *built.path), warm=_WARM)
                    found.setdefault((function_name, size), []).append(run)
    print(f"Python {sys.version.split()[0]}, the best of {runs}.\n")
    print(report({key: Took.best(each) for key, each in found.items()}))


def report(took: Mapping[tuple[str, int], Took]) -> str:
    """Both tables: by function and size, what a person waits for, and what a million of it costs."""
    times, costs = [], []
    for name in dict.fromkeys(name for name, _ in took):
        each = [took[name, size] for size in SIZES]
        init = min(one.init for one in each)  # the same whatever the size
        times.append([f"`{name}`", f"{1000 * init:.0f}", *(_ms(one) for one in each)])
        costs.append([f"`{name}`", *(_usd(init, one, size) for one, size in zip(each, SIZES, strict=True))])
    peak = max(one.memory for one in took.values()) / 1e6
    sizes = [f"{size:,} MB" for size in SIZES]
    return "\n".join(
        [
            "First answer, warm answer; in ms:\n",
            *_table(["", "init ms", *sizes], times),
            "\nUSD for a million cold starts, for a million warm answers:\n",
            *_table(["", *sizes], costs),
            f"\nPeak memory: {peak:.0f} MB.",
        ]
    )


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    rule = ["---", *["--:"] * (len(head) - 1)]
    return [f"| {' | '.join(cells)} |" for cells in (head, rule, *rows)]


def _ms(took: Took) -> str:
    return f"{1000 * took.first:,.0f}, {1000 * took.warm:,.0f}"


def _usd(init: float, took: Took, size: int) -> str:
    gigabytes = 1e6 * size / 1024
    cold, warm = (cost.usd("lambda_gb_second", gigabytes * seconds) for seconds in (init + took.first, took.warm))
    return f"{cold:.2f}, {warm:.2f}"


def _shared(function: Function, folder: Path, *, processes: Path, trusted: Path) -> Function:
    """Return the function, which enters a cgroup before it answers."""
    name = "shared"
    folder.mkdir(exist_ok=True)
    text = _SHARED.format(module=function.module, processes=str(processes), trusted=str(trusted))
    (folder / f"{name}.py").write_text(text)
    return replace(function, module=name)


def _with_tls(bench: Bench, folder: Path) -> Path:
    """Have the services speak TLS. Return whom to trust: also all whom botocore trusts, since reading takes time."""
    key, certificate, trusted = (folder / f"{name}.pem" for name in ("key", "certificate", "trusted"))
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=bench"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    everybody = Path(botocore.__file__).with_name("cacert.pem")
    trusted.write_text(everybody.read_text() + certificate.read_text())
    bench.answers.speak_tls(certificate, key)
    return trusted


@contextmanager
def _cgroup(size: int) -> Iterator[Path]:
    """A cgroup with the share of a core that Lambda gives to a function of this size: the file that takes processes."""
    first = _CGROUPS / "cpu"  # version 1 has a folder for each controller, version 2 one for all of them
    group = (first if first.is_dir() else _CGROUPS) / f"human-approval-bench-{os.getpid()}-{size}"
    group.mkdir()
    quota = _PERIOD * size // _CORE
    try:
        if first.is_dir():
            (group / "cpu.cfs_period_us").write_text(str(_PERIOD))
            (group / "cpu.cfs_quota_us").write_text(str(quota))
        else:
            (group / "cpu.max").write_text(f"{quota} {_PERIOD}")
        yield group / "cgroup.procs"
    finally:
        group.rmdir()


if __name__ == "__main__":
    main()
