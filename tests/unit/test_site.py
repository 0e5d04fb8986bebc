"""The documentation site: what belongs to it, and which links are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.site import linked


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
