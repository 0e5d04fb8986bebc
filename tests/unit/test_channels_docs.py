"""docs/channels.md is true: to the Protocol and to the files that it names."""

from __future__ import annotations

import re

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
