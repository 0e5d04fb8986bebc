"""Grants in words."""

from __future__ import annotations

from approvals.domain.grants import GrantTerms
from approvals.domain.parts import duration, pluralize

LABEL = "Grant"
"""The label of the terms among the facts."""


def describe_terms(terms: GrantTerms) -> str:
    """Return the terms for people: `the action can be executed once, within 1 hour of the approval`."""
    often = "once" if terms.uses == 1 else f"up to {pluralize(terms.uses, 'time')}"
    return f"the action can be executed {often}, within {duration(terms.valid)} of the approval"
