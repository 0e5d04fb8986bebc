"""Build the documentation site: `make docs`.

The pages are the repository's own Markdown files, at the same relative addresses, so that every link works on both.
MkDocs wants them in one folder without the code: this script copies README.md and everything that links lead to.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / ".local" / "docs" / "pages"
"""The `docs_dir` of mkdocs.yml."""

START = ("README.md", "llms.txt")
_LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")


def linked(start: Path) -> set[Path]:
    """Return the files that can be reached from a file by relative links, itself included.

    Raises `FileNotFoundError` for a link to a file that does not exist, and `IsADirectoryError` for one to a folder.
    """
    found: set[Path] = set()
    waiting = [start]
    while waiting:
        page = waiting.pop()
        if page in found:
            continue
        found.add(page)
        if page.suffix not in {".md", ".txt"}:
            continue
        for link in _LINK.findall(page.read_text(encoding="utf-8")):
            target = (page.parent / link).resolve()
            if not target.exists():
                raise FileNotFoundError(f"{page}: the link {link} leads to no file.")
            if target.is_dir():
                raise IsADirectoryError(f"{page}: {link} is a folder. Link to a file in it.")
            waiting.append(target)
    return found


def copy_pages() -> None:
    """Copy README.md, llms.txt and what they link to into `PAGES`, at the same relative addresses."""
    shutil.rmtree(PAGES, ignore_errors=True)
    files = sorted({file.relative_to(ROOT) for name in START if (ROOT / name).exists() for file in linked(ROOT / name)})
    for file in files:
        (PAGES / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / file, PAGES / file)


if __name__ == "__main__":
    copy_pages()
