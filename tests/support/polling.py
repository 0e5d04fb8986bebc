"""Waits until something can be seen."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def seen(look: Callable[[], Found | None], what: str, seconds: float = 60) -> Found:
    """Look until there is something, and return it. Fail when there is nothing within the seconds."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"not seen within {seconds:.0f} s: {what}"
        time.sleep(0.1)
    return found
