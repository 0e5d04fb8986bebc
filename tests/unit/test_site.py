"""The documentation site: what belongs to it, and which links are refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from scripts.site import ROOT, linked


def test_site_has_every_file_that_a_page_leads_to(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text("[guide](docs/guide.md#start), [AWS](https://aws.amazon.com), [here](#here)")
    (tmp_path / "docs/guide.md").write_text("[back](../README.md) ![plot](plot.png)")
    (tmp_path / "docs/plot.png").write_bytes(b"")
    (tmp_path / "docs/draft.md").write_text("Nothing links to this.")
    found = {str(file.relative_to(tmp_path)) for file in linked(tmp_path / "README.md")}
    assert found == {"README.md", "docs/guide.md", "docs/plot.png"}


@pytest.mark.parametrize(("link", "error"), [("gone.md", FileNotFoundError), ("folder", IsADirectoryError)])
def test_site_refuses_a_link_that_leads_nowhere(tmp_path: Path, link: str, error: type[OSError]) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "README.md").write_text(f"[there]({link})")
    with pytest.raises(error, match=f"{link}"):
        linked(tmp_path / "README.md")


def test_every_page_is_in_the_navigation_in_llms_txt_and_in_the_readme() -> None:
    """Start, Use, Operate, Trust, Extend: each page has one place."""
    # Other settings of the file are Python objects, which a safe loader refuses.
    sections = yaml.safe_load((ROOT / "mkdocs.yml").read_text().partition("\nnav:\n")[2])
    placed = [page for section in sections for pages in section.values() for entry in pages for page in entry.values()]
    assert len(placed) == len(set(placed))
    pages = {str(page.relative_to(ROOT)) for page in (ROOT / "docs").glob("*.md")}
    assert pages <= set(placed)
    for name in ("README.md", "llms.txt"):
        assert pages <= set(re.findall(r"\]\(([^)#]+)", (ROOT / name).read_text())), name
