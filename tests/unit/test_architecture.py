"""docs/architecture.md is true: its picture to the imports, its table to the files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scripts.draw_architecture import PAGE, PARTS, Misplaced, arrows, drawn, page, part_of

ROOT = Path(__file__).parents[2]
TEXT = PAGE.read_text()


def test_the_picture_is_that_of_the_imports() -> None:
    """Else run `python -m scripts.draw_architecture`."""
    assert page(TEXT) == TEXT
    assert TEXT.count(" --> ") > len(PARTS) / 2, "there is a picture"


def test_the_parts_that_the_rules_are_about_are_where_the_picture_has_them() -> None:
    assert part_of("web.handler") == "pages"
    assert part_of("handlers.decision") == "backend"
    assert part_of("bot.views.approval") == "messages"
    assert part_of("bot.listeners.actions.answer") == "slack"


def test_a_module_that_is_in_no_part_is_named() -> None:
    with pytest.raises(Misplaced, match=r"approvals\.elsewhere is in no part"):
        part_of("approvals.elsewhere")


def test_what_a_longer_way_says_is_not_drawn() -> None:
    assert drawn({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == {"a": {"b"}, "b": {"c"}, "c": set()}


def test_parts_that_import_each_other_in_a_circle_are_refused() -> None:
    with pytest.raises(Misplaced, match="a, b"):
        drawn({"a": {"b"}, "b": {"a"}, "c": {"a"}})


def test_the_domain_imports_no_entry_point() -> None:
    found, domain = arrows(), {part for part, (_, names) in PARTS.items() if names[0].startswith("approvals.")}
    assert all(found[part] <= domain for part in domain)


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([\w./]+/[\w.]*|[\w-]+\.(?:yaml|toml))`", TEXT))))
def test_every_file_it_names_is_there(name: str) -> None:
    assert (ROOT / name).exists()


@pytest.mark.parametrize("name", ["docs/architecture.md", "docs/operate.md", "docs/reliability.md", "CONTRIBUTING.md"])
def test_every_link_of_a_page_leads_somewhere(name: str) -> None:
    path = ROOT / name
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", path.read_text()):
        linked = (path.parent / target) if target else path
        assert linked.exists(), target
        headings = re.findall(r"^#+ (.*)$", linked.read_text(), re.MULTILINE) if anchor else []
        assert not anchor or anchor in {slug(heading) for heading in headings}, f"{target}#{anchor}"


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
