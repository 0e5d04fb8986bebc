"""The version of this code."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

DISTRIBUTION = "human-approval"

_PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"
_VERSION = re.compile(r'^version = "([^"]+)"$', re.MULTILINE)


def installed() -> str:
    """The version: as the checkout says that this runs from, whose metadata may be older, else as it was installed."""
    if _PYPROJECT.is_file() and (found := _VERSION.search(_PYPROJECT.read_text())):
        return found[1]
    return metadata.version(DISTRIBUTION)


def is_older(version: str, than: str) -> bool:
    """Whether a version, numbers with dots between them, comes before another. What is no number counts as 0."""
    return _numbers(version) < _numbers(than)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else 0 for part in version.split("."))
