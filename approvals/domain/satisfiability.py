"""Find policies under which no request could ever be approved. Pure.

Only what the document itself says is judged. Names that stand for any number of people (domains, groups of a channel,
roles) are taken to be enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from approvals.domain.email_address import canonical
from approvals.domain.groups import MAX_GROUPS, MAX_REQUIRED
from approvals.domain.parts import pluralize
from approvals.domain.pinned_policy import is_outside
from approvals.domain.policy import Policy, PolicyRule
from approvals.domain.profiles import is_group


def unsatisfiable(policy: Policy) -> Iterator[tuple[int, str]]:
    """Yield the number of each rule that no request can meet, and a sentence that says why.

    Each rule is judged together with those that always apply. What these require alone is a problem of the first rule,
    the document's own keys.
    """
    always = [rule for rule in policy.rules if not (rule.when or rule.unless)]
    found = list(_problems(policy, always))
    yield from ((0, problem) for problem in found)
    for number, rule in enumerate(policy.rules):
        if rule.when or rule.unless:
            yield from ((number, each) for each in _problems(policy, [*always, rule]) if each not in found)


def _problems(policy: Policy, used: Sequence[PolicyRule]) -> Iterator[str]:
    """Yield what keeps every request from meeting all of these rules."""
    needed: dict[str, int] = {}
    for rule in used:
        for name, number in rule.required_groups.items():
            needed[name] = max(number, needed.get(name, 0))
    if len(needed) > MAX_GROUPS:
        yield f"{len(needed)} groups are required, but a request can have at most {MAX_GROUPS}. Require fewer."
    minimum = max((rule.minimum_approvals for rule in used), default=1)
    if minimum > MAX_REQUIRED:
        yield (
            f"{minimum} approvals are required in all, the sum of RequiredGroups, but a request can ask for at most "
            f"{MAX_REQUIRED}. Lower the numbers. If people are in several groups, set MinimumApprovals."
        )
    allowed = [rule.approvers for rule in used if rule.approvers is not None]
    most = _most(allowed)
    if most == 0:
        yield "nobody can approve: no name is in each list of Approvers that applies."
        return
    if most is not None and min(minimum, MAX_REQUIRED) > most:
        yield f"{_approvals(minimum)}, but Approvers allows only {_people(most)}. Add people, or lower the number."
    for name, number in needed.items():
        members = _most([policy.groups[name].approvers, *allowed])
        if members is not None and number > members:
            yield (
                f'{_approvals(number, name)}, but only {_people(members)} of "{name}" can approve. '
                "Add people, or lower the number."
            )


def _approvals(number: int, group: str = "") -> str:
    of_group = f' from "{group}"' if group else ""
    return f"{pluralize(number, 'approval')}{of_group} {'is' if number == 1 else 'are'} required"


def _people(number: int) -> str:
    return "nobody" if number == 0 else "1 person" if number == 1 else f"{number} people"


def _most(lists: Sequence[Sequence[str]]) -> int | None:
    """Return how many people can be in each of the lists; None if names in all of them stand for any number."""
    counts = [
        len({canonical(name) for name in listed if not any(is_outside(name, other) for other in lists)})
        for listed in lists
        if not any(name.startswith("@") or is_group(name) for name in listed)
    ]
    return min(counts, default=None)
