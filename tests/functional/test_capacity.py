"""What a thousand open requests of the greatest size take: nobody can fill the memory of a list."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

MOST = 128
"""MB of the whole process, Python and libraries included: a function has 512, and others run beside a command line."""

ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "eu-west-1"}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the memory from /proc: run it on Linux")
@pytest.mark.parametrize("bulk", ["lists", "details"])
@pytest.mark.parametrize(
    ("surface", "expected"),
    [
        ("home", "Waiting for you (1000)"),
        ("/approvals", "980 more: use `/approvals search`."),
        ("list", None),
        ("export", None),
    ],
)
def test_a_thousand_open_requests_of_240_kib_are_listed_in_128_mb(
    surface: str, expected: str | None, bulk: str, tmp_path: Path
) -> None:
    """By their contexts, of 60,000 empty lists, and by details whose characters take four bytes each."""
    output = tmp_path / "output" if bulk == "lists" else Path(os.devnull)
    with output.open("wb") as file:
        ran = subprocess.run(
            [sys.executable, "-m", "tests.support.capacity", surface, bulk],
            env=os.environ | ENVIRONMENT,
            stdout=file,
            stderr=subprocess.PIPE,
            check=True,
            timeout=300,
        )
    *_, told = ran.stderr.decode().splitlines()
    assert json.loads(told)["said"] == expected
    assert json.loads(told)["memory"] < MOST
    if surface == "export":
        assert ran.stderr.startswith(b"Exported 1,000 approvals requested")
    if surface == "list" and bulk == "lists":
        assert len(json.loads(output.read_text())) == 1000
