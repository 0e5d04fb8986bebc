"""docs/channels.md is true: to the Protocol and to the files that it names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from approvals.services.channel import Channel, NotDone
from demo.process import ROOT

TEXT = (ROOT / "docs/channels.md").read_text()


def test_every_member_of_the_protocol_has_its_row() -> None:
    members = {name for name in vars(Channel) if not name.startswith("_")}
    assert set(re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE)) == members


def test_every_result_of_a_task_is_named() -> None:
    assert all(f"`NotDone.{each.name}`" in TEXT for each in NotDone)


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([\w./]+/[\w.]*|[\w-]+\.(?:yaml|toml))`", TEXT))))
def test_every_file_it_names_is_there(name: str) -> None:
    assert (ROOT / name).exists()


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.stem)
def test_every_list_of_channels_has_all(page: Path) -> None:
    lists = [line for line in page.read_text().splitlines() if re.search(r"`email`(,| or) `slack`", line)]
    assert [line for line in lists if "`iam`" not in line] == []
