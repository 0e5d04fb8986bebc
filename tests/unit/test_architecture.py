"""docs/architecture.md is true: its picture to the imports, its table to the files."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from demo.process import ROOT
from scripts.draw_architecture import PACKAGES, PAGE, CircleError, arrows, drawn, page, part_of, purpose

TEXT = PAGE.read_text()


def test_the_picture_is_that_of_the_imports() -> None:
    """Else run `python -m scripts.draw_architecture`."""
    assert page(TEXT) == TEXT
    assert TEXT.count(" --> ") > 5, "there is a picture"


def test_every_package_is_in_the_picture() -> None:
    """Else add it to import-linter's `root_packages` in pyproject.toml: without that, no rule holds for it."""
    found = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"scripts", "tests"}
    assert found == set(PACKAGES)


def test_a_part_is_a_package_or_a_folder_of_the_core() -> None:
    assert part_of("approvals.store.table") == "approvals.store"
    assert part_of("bot.views.approval") == "bot"
    assert {"approvals.domain", "approvals.services", "bot", "iam", "mail", "web"} <= set(arrows())
    assert all(purpose(part) for part in arrows())


def test_an_arrow_that_a_longer_path_implies_is_not_drawn() -> None:
    assert drawn({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == {"a": {"b"}, "b": {"c"}, "c": set()}


def test_parts_that_import_each_other_in_a_circle_are_refused() -> None:
    with pytest.raises(CircleError, match="a, b"):
        drawn({"a": {"b"}, "b": {"a"}, "c": {"a"}})


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
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_use_cases_and_channels_load_no_powertools() -> None:
    """They get their logger from the entry points: tests and the command line use them without it."""
    modules = [
        *(f"approvals.services.{path.stem}" for path in (ROOT / "approvals/services").glob("*.py")),
        *("mail.channel", "mail.digest", "bot.channel"),
    ]
    imports = "; ".join(f"import {name.removesuffix('.__init__')}" for name in modules)
    look = f"import sys; {imports}; print([each for each in sys.modules if 'powertools' in each])"
    loaded = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True, cwd=ROOT)
    assert loaded.stdout == "[]\n"
