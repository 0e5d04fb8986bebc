"""Tests share through tests/support: no module imports a test module or a conftest, so each can move or go alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from demo.process import ROOT

MAX_LINES = 350


def imported(code: str) -> Iterator[str]:
    """Yield the dotted names that a module imports: of modules, and of what is in them."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module or ''}.{alias.name}" for alias in node.names)


def forbidden(code: str) -> list[str]:
    """Return the imports of test modules and conftests."""
    return [
        name
        for name in imported(code)
        if any(part == "conftest" or part.startswith("test_") for part in name.split("."))
    ]


def test_no_module_imports_a_test_module_or_a_conftest() -> None:
    found = {str(path.relative_to(ROOT)): forbidden(path.read_text()) for path in (ROOT / "tests").rglob("*.py")}
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    "code",
    [
        "import tests.unit.test_rules",
        "from tests.unit.test_rules import RULES",
        "from tests.unit import test_rules",
        "from tests.conftest import leak_detector",
        "from .conftest import leak_detector",
        "from . import conftest",
        "def f():\n    from tests.e2e import conftest",
    ],
)
def test_every_form_of_import_is_found(code: str) -> None:
    assert len(forbidden(code)) == 1


def test_modules_of_support_stay_short() -> None:
    lines = {path.name: len(path.read_text().splitlines()) for path in (ROOT / "tests/support").glob("*.py")}
    assert [name for name, number in lines.items() if number >= MAX_LINES] == []
