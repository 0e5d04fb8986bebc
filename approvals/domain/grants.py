"""Grants: how often, and how long, an approval can be spent on the action that was approved. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

MAX_SPENT_BY = 300
"""Characters of the text that says who spends a grant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantTerms:
    """The terms of a grant: it can be spent `uses` times, for as long as `valid` from the decision."""

    uses: int
    valid: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """One use of a grant: the first is number 1. `by` is the caller's word, `at` is in UTC."""

    use: int
    by: str
    at: datetime
