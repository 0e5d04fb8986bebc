"""A release: one version in every file, and its notes from the changelog."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import pytest

from scripts.release import ROOT, ReleaseError, notes, prepare

FILES = ("CHANGELOG.md", "pyproject.toml", "template.yaml")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in FILES:
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_prepared_release_has_one_version_everywhere(checkout: Path) -> None:
    prepare(checkout, "9.8.7", "2026-12-01")
    assert tomllib.loads((checkout / "pyproject.toml").read_text())["project"]["version"] == "9.8.7"
    template = (checkout / "template.yaml").read_text()
    assert "    SemanticVersion: 9.8.7\n" in template
    assert '    Version: { Number: "9.8.7" }\n' in template


def test_prepare_changes_nothing_but_the_version_and_the_heading(checkout: Path) -> None:
    before = {name: (checkout / name).read_text().splitlines() for name in FILES}
    prepare(checkout, "9.8.7", "2026-12-01")
    for name, count in zip(FILES, (2, 1, 2), strict=True):
        new = [line for line in (checkout / name).read_text().splitlines() if line not in before[name]]
        assert len(new) <= count, new


def test_notes_are_the_changes_since_the_last_release(checkout: Path) -> None:
    text = (checkout / "CHANGELOG.md").read_text()
    (checkout / "CHANGELOG.md").write_text(text.replace("## Unreleased\n", "## Unreleased\n\n- First\n\n## 0.0.1\n", 1))
    prepare(checkout, "9.8.7", "2026-12-01")
    assert notes(checkout, "9.8.7") == "- First"


def test_release_without_changes_is_refused(checkout: Path) -> None:
    prepare(checkout, "9.8.6", "2026-12-01")
    with pytest.raises(ReleaseError, match="no unreleased changes"):
        prepare(checkout, "9.8.7", "2026-12-01")


def test_notes_of_another_version_are_refused(checkout: Path) -> None:
    with pytest.raises(ReleaseError, match=r"pyproject\.toml has version"):
        notes(checkout, "9.8.7")


@pytest.mark.parametrize(("version", "date"), [("1.2", "2026-12-01"), ("v1.2.3", "2026-12-01"), ("1.2.3", "today")])
def test_malformed_version_or_date_is_refused(checkout: Path, version: str, date: str) -> None:
    with pytest.raises(ReleaseError, match="three numbers and a date"):
        prepare(checkout, version, date)
