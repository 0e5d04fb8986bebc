"""CONTRIBUTING.md, the pre-commit hooks and the GitHub workflow: they call what is there, and the same as CI."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from demo.process import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]


@pytest.mark.parametrize(
    "name", sorted(set(re.findall(r"(?<![\w/])((?:tests|approvals|docs|handlers)/[\w/]+(?:\.\w+)*)", TEXT)))
)
def test_every_file_it_names_exists(name: str) -> None:
    assert (ROOT / name).exists()


def test_the_edits_of_the_example_are_enough(tmp_path: Path) -> None:
    for folder in ("approvals", "bot", "cli", "iam", "mail", "tests", "web"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    [key] = re.findall(r"```json\n\s*(.*)\n", TEXT)
    [field] = re.findall(r"```python\n\s*(.*)\n", TEXT)
    _insert(tmp_path / "approvals/requests/request.schema.json", '"properties": {\n', f"{key}\n")
    _insert(tmp_path / "approvals/domain/model.py", "    title: str | None = None\n", f"    {field}\n")
    judge = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/unit/test_request_keys.py"]
    judged = subprocess.run(judge, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert judged.returncode == 0, judged.stdout
    assert "Ticket" in key


def _insert(path: Path, before: str, line: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, f"{before}{line}", 1))


def test_github_runs_the_gate_and_nothing_else() -> None:
    [job] = WORKFLOW["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    assert WORKFLOW["permissions"] == {"contents": "read"}


def test_githubs_oldest_python_is_the_oldest_that_the_project_takes() -> None:
    [job] = WORKFLOW["jobs"].values()
    oldest = job["strategy"]["matrix"]["python"][0]
    assert f'requires-python = ">={oldest}"' in (ROOT / "pyproject.toml").read_text()


def test_the_hooks_are_the_projects_own_tools() -> None:
    """None of them is fetched from elsewhere, and each is one of those that `make lint` runs."""
    assert {found["repo"] for found in HOOKS} == {"local"}
    lint = MAKEFILE.split("\nlint:", 1)[1].split("\n\n", 1)[0]
    entries = [hook["entry"] for found in HOOKS for hook in found["hooks"]]
    assert entries
    assert all(entry.replace(" --force-exclude", "") in lint for entry in entries)


def test_every_variable_that_tests_and_make_take_has_a_row() -> None:
    """Not what is only passed on to AWS, nor what a baseline of the bench reads as a function would."""
    python = "\n".join(path.read_text() for folder in ("tests", "demo") for path in (ROOT / folder).rglob("*.py"))
    taken = set(re.findall(r'environ\.get\(\s*"([A-Z_]+)"', python)) | set(re.findall(r'_port\("([A-Z_]+)"', python))
    taken |= set(re.findall(r"^([A-Z_]+) \?=", MAKEFILE, re.MULTILINE))
    rows = re.findall(r"^\| (`[A-Z].*?) \|", TEXT, re.MULTILINE)
    assert taken <= {name for row in rows for name in re.findall(r"`(\w+)`", row)}
