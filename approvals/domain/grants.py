"""Grants: how often, and how long, an approval can be spent on the action that was approved. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantTerms:
    """The terms of a grant: it can be spent `uses` times, for as long as `valid` from the decision."""

    uses: int
    valid: timedelta
