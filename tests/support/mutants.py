"""Mutants: a function of the product with one part of its source replaced."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from operator import attrgetter
from pathlib import Path
from types import CodeType, ModuleType

import pytest

Change = tuple[ModuleType, str, str]
"""A module, a part of its source that is there once, and what takes its place."""


def mutate(monkeypatch: pytest.MonkeyPatch, changes: list[Change]) -> None:
    """Change the functions in place, so that every caller gets them."""
    for module, old, new in changes:
        source = Path(str(module.__file__)).read_text()
        assert source.count(old) == 1, f"the source has changed: change the mutant {old!r}"
        for name, code in _changed_functions(source, source.replace(old, new)):
            with suppress(AttributeError):  # a class, whose methods come after it
                monkeypatch.setattr(attrgetter(name)(module), "__code__", code)


def _changed_functions(source: str, changed: str) -> Iterator[tuple[str, CodeType]]:
    """Yield the functions that differ, with their code in the changed source."""
    before, after = (dict(_functions(compile(text, "module", "exec"))) for text in (source, changed))
    yield from ((name, code) for name, code in after.items() if code != before[name])


def _functions(code: CodeType) -> Iterator[tuple[str, CodeType]]:
    for each in code.co_consts:
        if isinstance(each, CodeType) and "<" not in each.co_qualname:
            yield each.co_qualname, each
            yield from _functions(each)
