"""Write the sentence that every surface shows of an override: that it was one, and whose approval it skipped."""

from __future__ import annotations

from approvals.domain.model import Approval
from approvals.domain.overrides import skipped
from approvals.domain.parts import Names, Text, pluralize, text

MAX_NAMES = 20
"""People whom the sentence names. The others are counted."""


def override_sentence(approval: Approval) -> Text:
    """Return whose approval was skipped; empty if no override decided."""
    if not approval.is_overridden:
        return Text()
    people = skipped(approval)
    if not people:
        named = bool(approval.people and approval.people.approvers)
        return text(_ALONE, "" if named else " Everyone else who received this request was skipped.")
    shown = people if len(people) <= MAX_NAMES else people[: MAX_NAMES - 1]
    others = f" and {pluralize(len(people) - len(shown), 'more approver')}" if len(shown) < len(people) else ""
    return text(f"{_ALONE} Skipped: ", Names(shown), f"{others}.")


_ALONE = "One person decided this alone, as the approval policy allows in an emergency."
