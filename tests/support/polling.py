"""Waiting for what is to be seen, without a page in between."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def seen(look: Callable[[], Found | None], what: str, seconds: float = 60) -> Found:
    """What is seen at last. Fails when it is not within the seconds."""
    deadline = time.monotonic() + seconds
    while (found := look()) is None:
        assert time.monotonic() < deadline, f"not seen within {seconds:.0f} s: {what}"
        time.sleep(0.1)
    return found
