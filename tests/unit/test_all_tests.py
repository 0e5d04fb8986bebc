"""`make test` as tests/__main__.py runs it: six processes, one sum, no process left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from demo.process import ROOT

TESTS = ROOT / "tests"
MIXED = """
import pytest

def test_passes(): pass

@pytest.mark.skip("to be counted")
def test_skips(): pass

@pytest.fixture
def broken(): raise ValueError

def test_errs(broken): pass
"""
WAITS = """
import time
from pathlib import Path
import pytest

@pytest.fixture
def started():
    Path(__file__).with_name("started").touch()
    yield
    time.sleep(0.5)
    Path(__file__).with_name("cleaned").touch()

def test_waits(started): time.sleep(100)
"""


def start(*shares: Path) -> subprocess.Popen[str]:
    """Run shares as `python -m tests` does its own."""
    code = f"import sys; from tests.__main__ import main; sys.exit(main({tuple((str(share),) for share in shares)}))"
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def share(folder: Path, text: str) -> Path:
    folder.mkdir()
    path = folder / "test_share.py"
    path.write_text(text)
    return path


def test_the_last_line_has_the_sum_and_the_worst_code_is_the_exit_code(tmp_path: Path) -> None:
    """A process that dies before it has counted is a failure."""
    dies = "import os\ndef test_dies(): os._exit(3)"
    shares = [share(tmp_path / str(number), text) for number, text in enumerate((MIXED, MIXED, dies))]
    run = start(*shares)
    said, _ = run.communicate(timeout=60)
    assert said.splitlines()[-1] == "2 passed, 3 failed, 2 skipped"
    assert run.returncode == 3
    assert said.count("1 passed, 1 skipped, 1 error in") == 2, "each says its own"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_processes_once_they_cleaned_up(tmp_path: Path, number: signal.Signals) -> None:
    """Also where SIGINT is ignored, as in a shell's background job."""
    shares = [share(tmp_path / name, WAITS) for name in ("one", "two")]
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        run = start(*shares)
    finally:
        signal.signal(signal.SIGINT, before)
    deadline = time.monotonic() + 60
    while not all(path.with_name("started").exists() for path in shares):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    run.send_signal(number)
    said, _ = run.communicate(timeout=60)
    assert run.returncode == 130
    assert said.splitlines()[-1].startswith("0 passed, 2 failed")
    assert all(path.with_name("cleaned").exists() for path in shares)
    assert processes_with(str(tmp_path)) == []


def test_a_run_that_wrote_a_secret_fails(tmp_path: Path) -> None:
    """Whatever its tests say of themselves."""
    text = """
def test_leaks(leak_detector):
    leak_detector.use("a-task-token-0123456789")
    leak_detector.use_key(bytes(range(32)))
    leak_detector.written["log of a function"] = bytes(range(32)).hex()
    print("a-task-token-0123456789")
"""
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", str(share(tmp_path / "leaks", text))]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 1
    assert "1 passed in" in run.stdout
    [told] = [line for line in run.stderr.splitlines() if line.startswith("Secrets that begin so were written: ")]
    assert "test_leaks': ['a-task']" in told
    assert "'log of a function': ['000102']" in told


def processes_with(text: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            command = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if text in command and int(path.name) != os.getpid():
            found.append(command)
    return found


def test_each_skip_says_how_to_make_it_run() -> None:
    skip = re.compile(r'(?:\.skip\(|skipif\(.*?reason=|^_INSTALL = )"([^"]+)"', re.MULTILINE | re.DOTALL)
    reasons = [
        reason for path in TESTS.rglob("*.py") if path != Path(__file__) for reason in skip.findall(path.read_text())
    ]
    assert len(reasons) >= 6
    assert [reason for reason in reasons if not re.search(r": (install|run) ", reason)] == []
