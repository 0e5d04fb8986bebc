"""`make bench`: measures, writes bench/results.md and bench/results.png. `--quick` takes a few runs of each alone."""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from tests.bench import deployed, report
from tests.bench.functions import ROOT, Bench, Built, Run
from tests.bench.report import AS_OURS, Results, Size

_BASELINES = Path(__file__).with_name("baselines")

_PACKAGES = (
    "boto3",
    "botocore",
    "dateutil",
    "jmespath",
    "s3transfer",
    "slack_bolt",
    "slack_sdk",
    "six.py",
    "typing_extensions.py",
    "urllib3",
)
"""What the bare handlers need."""

_COMPILED = {"": (), AS_OURS: ("--invalidation-mode", "unchecked-hash")}
"""How the bare handlers are compiled, all that they import included: as pip does it, and as our layer and code are."""


def main() -> None:
    """Measure everything; write the table and the plot."""
    parser = argparse.ArgumentParser(prog="make bench", description="How light the product is, beside bare handlers.")
    parser.add_argument("--quick", action="store_true", help="a few runs of each, in two minutes")
    parser.add_argument("--cold-only", action="store_true", help="cold starts and sizes alone, without a local stack")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        built = Built.make(folder / "built")
        results = Results(python=sys.version.split()[0], size=_size(built, folder))
        _cold(built, _installed(folder), results, runs=5 if options.quick else 20)
    if not options.cold_only:
        results.calls = _calls()
        with deployed.deployed() as (stack, bare):
            results.seconds = deployed.latencies(stack, bare, 10 if options.quick else 50)
            results.flood = deployed.flood(stack, 50 if options.quick else 1000)
    print(report.write(results, ROOT / "bench"))


def _cold(built: Built, installed: dict[str, Path], results: Results, *, runs: int) -> None:
    """Run fresh interpreters in turns: what disturbs the machine disturbs all of them."""
    for slack in (True, False):
        bench = Bench(slack=slack)
        ours = {name: (function, built.path) for name, function in bench.functions().items()}
        bare = {
            f"{name}{how}": (function, (path,))
            for how, path in installed.items()
            for name, function in bench.baselines().items()
        }
        found: dict[str, list[Run]] = {}
        try:
            for _ in range(runs):
                for name, (function, path) in {**bare, **ours}.items():
                    found.setdefault(name, []).append(bench.run(function, path, warm=20))
        finally:
            bench.stop()
        results.cold["with Slack" if slack else "email only"] = found


def _installed(folder: Path) -> dict[str, Path]:
    """Return the bare handlers with their dependencies, complete, by how they are compiled."""
    site = next(Path(each) for each in sys.path if (Path(each) / "boto3").is_dir())
    installed = {}
    for how, options in _COMPILED.items():
        target = installed[how] = folder / f"installed{how}"
        shutil.copytree(_BASELINES, target)
        for package in _PACKAGES:
            source = site / package
            if source.is_dir():
                shutil.copytree(source, target / package, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)
        subprocess.run([sys.executable, "-m", "compileall", "-q", "-f", *options, str(target)], check=True)
    return installed


def _size(built: Built, folder: Path) -> dict[str, Size]:
    """Layer and code: bytes unzipped and zipped, compiled files included."""
    sizes = {}
    for name, part in (("layer", built.layer), ("code of one function", built.code)):
        files = [file for file in part.rglob("*") if file.is_file()]
        archive_path = folder / f"{part.name}.zip"
        with zipfile.ZipFile(archive_path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in files:
                archive.write(file, file.relative_to(part))
        sizes[name] = Size(sum(file.stat().st_size for file in files), archive_path.stat().st_size)
    return sizes


def _calls() -> dict[str, str]:
    """Return the numbers of calls that tests counted."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-s",
        "tests/functional/test_calls.py",
        "tests/functional/test_tick.py",
    ]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return dict(re.findall(r"(\d+ [^:\n]*?(?:without|with) Slack|\d+ reads [^:\n]*): (.*)", done.stdout))


if __name__ == "__main__":
    main()
