"""Grants in words."""

from __future__ import annotations

from approvals.domain.characters import one_line
from approvals.domain.grants import GrantTerms, Spend
from approvals.domain.parts import duration, pluralize

LABEL = "Grant"
"""The label of the terms among the facts."""


def describe_terms(terms: GrantTerms) -> str:
    """Return the terms for people: `the action can be executed once, within 1 hour of the approval`."""
    often = "once" if terms.uses == 1 else f"up to {pluralize(terms.uses, 'time')}"
    return f"the action can be executed {often}, within {duration(terms.valid)} of the approval"


def spender(spend: Spend) -> str:
    """Return who spent a grant, in quotes: the caller's own words must not read as the product's."""
    words = one_line(spend.by, len(spend.by)).replace("\N{RIGHT DOUBLE QUOTATION MARK}", '"')
    return f"\N{LEFT DOUBLE QUOTATION MARK}{words}\N{RIGHT DOUBLE QUOTATION MARK}"


def spend_sentence(spend: Spend, terms: GrantTerms | None) -> str:
    """Return who spent a grant: `Grant spent by “{by}”.`, with its number if there can be several uses."""
    number = f" (use {spend.use} of {terms.uses})" if terms and terms.uses > 1 else ""
    return f"Grant spent by {spender(spend)}{number}."
