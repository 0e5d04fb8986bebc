"""Draw the picture in docs/architecture.md from the imports: `python -m scripts.draw_architecture`.

A test fails if the picture is out of date.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/architecture.md"
PACKAGES: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
CORE = "approvals"
"""The package whose folders are parts of their own. Every other package is one part."""

Arrows = Mapping[str, AbstractSet[str]]


class CircleError(Exception):
    """Some parts import each other."""


def part_of(module: str) -> str:
    """Return the part that a module is in: its package, or its folder in the core."""
    package, _, rest = module.partition(".")
    return f"{package}.{rest.partition('.')[0]}" if package == CORE else package


def arrows() -> Arrows:
    """Return which parts each part imports."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    found: dict[str, set[str]] = {}
    for module in graph.modules - {CORE}:
        imported = graph.find_modules_directly_imported_by(module) - {CORE}
        found.setdefault(part_of(module), set()).update(map(part_of, imported))
    return {part: others - {part} for part, others in sorted(found.items())}


def drawn(found: Arrows) -> Arrows:
    """Return the arrows without those that a path over other parts implies. Raises `CircleError`."""
    reached = {part: _reached(found, part) for part in found}
    circle = [part for part in found if part in reached[part]]
    if circle:
        raise CircleError(f"circular imports: {', '.join(circle)}")
    return {
        part: {other for other in others if not any(other in reached[between] for between in others)}
        for part, others in found.items()
    }


def _reached(found: Arrows, start: str) -> set[str]:
    reached: set[str] = set()
    ahead = set(found[start])
    while ahead:
        part = ahead.pop()
        if part not in reached:
            reached.add(part)
            ahead |= found[part]
    return reached


def picture() -> str:
    """Return the picture as Mermaid text."""
    return "\n".join(["flowchart TD", *(f"  {line}" for line in _lines(drawn(arrows())))]) + "\n"


def _lines(found: Arrows) -> Iterator[str]:
    for part in found:
        yield f'{part}["<b>{part}</b><br/>{purpose(part)}"]'
    for part, others in found.items():
        yield from (f"{part} --> {other}" for other in sorted(others))


def purpose(part: str) -> str:
    """Return the first sentence of the docstring of a part's package."""
    text = ast.get_docstring(ast.parse((ROOT / part.replace(".", "/") / "__init__.py").read_text())) or ""
    return text.partition(".")[0].replace("\n", " ").replace('"', "'")


def page(text: str) -> str:
    """Return the page with the current picture."""
    return re.sub(r"(?<=```mermaid\n).*?(?=```)", lambda _: picture(), text, count=1, flags=re.DOTALL)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
