"""Say what the groups of a request need and have, the same on every surface. Each is empty without groups."""

from __future__ import annotations

from approvals.domain.demands import Demand
from approvals.domain.eligibility import eligible
from approvals.domain.kind_wording import words_of
from approvals.domain.model import Approval
from approvals.domain.parts import display_name, join_names, pluralize
from approvals.domain.seats import approving, demands

MAX_MEMBERS = 5
"""Members of a group that a sentence names. The others are counted: a surface names all who can respond anyway."""


def group_counts(approval: Approval) -> str:
    """Return the approvals of each group: `security: 1 of 1, ops: 0 of 1`."""
    found = approving(approval)
    return ", ".join(f"{group.name}: {group.count(found)} of {group.required}" for group in _groups(approval))


def group_needs(approval: Approval) -> str:
    """Return what each group needs, with its members: `1 approval from security (Sue or Pia) and 1 from ops (Otto)`.

    The number of approvals in all follows where the groups alone do not say it.
    """
    groups = _groups(approval)
    parts = [
        f"{_of(approval, group, first=not number)}{_members(approval, group)}" for number, group in enumerate(groups)
    ]
    return f"{join_names(parts)}{_in_all(approval, groups)}" if groups else ""


def group_shortfall(approval: Approval) -> str:
    """Return the missing approvals: `1 more approval from ops`."""
    found, groups = approving(approval), _groups(approval)
    if not groups:
        return ""
    left = [Demand(name=group.name, required=group.missing(found)) for group in groups if group.missing(found)]
    [in_all] = (demand for demand in demands(approval) if demand.people is None)
    missing = in_all.missing(found)
    parts = [_of(approval, group, first=not number, more="more ") for number, group in enumerate(left)]
    listed = sum(group.required for group in left)
    if missing <= listed:
        return join_names(parts)
    more = pluralize(missing, f"more {words_of(approval).approval}")
    return f"{more}, {join_names([f'{group.required} of them from {group.name}' for group in left])}" if left else more


def _groups(approval: Approval) -> list[Demand]:
    return [demand for demand in demands(approval) if demand.people is not None]


def _of(approval: Approval, group: Demand, *, first: bool, more: str = "") -> str:
    number = pluralize(group.required, f"{more}{words_of(approval).approval}") if first else f"{group.required}"
    return f"{number} from {group.name}"


def _members(approval: Approval, group: Demand) -> str:
    people = {person.id: person for person in eligible(approval)}
    names = [display_name(people[member]) for member in group.people or () if member in people]
    more = len(names) - MAX_MEMBERS
    shown = [*names[:MAX_MEMBERS], f"{more} more"] if more > 1 else names
    return f" ({', '.join(shown)})" if shown else ""


def _in_all(approval: Approval, groups: list[Demand]) -> str:
    required, listed = approval.request.required_approvals, sum(group.required for group in groups)
    members = [person for group in groups for person in group.people or ()]
    if required > listed:
        return f", {required} in all"
    if len(set(members)) == len(members):
        return ""
    if required == listed:
        return f", from {required} different people"
    return ", where one person counts in each of their groups"
