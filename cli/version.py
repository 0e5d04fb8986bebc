"""The version of this command line."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

_PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"
_VERSION = re.compile(r'^version = "([^"]+)"$', re.MULTILINE)


def installed() -> str:
    """Return the version of the checkout that this runs from, else of the installed package.

    The metadata of an editable installation may be older than its checkout.
    """
    if _PYPROJECT.is_file() and (found := _VERSION.search(_PYPROJECT.read_text())):
        return found[1]
    return metadata.version("human-approval")


def is_older(version: str, than: str) -> bool:
    """Return True if a version comes before another. Parts that are not numbers count as 0."""
    return _numbers(version) < _numbers(than)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else 0 for part in version.split("."))
