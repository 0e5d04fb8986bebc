"""Find requests that nobody could decide, and say what to change. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from approvals.domain.demands import Demand, Lack, Obstacle, find_obstacles
from approvals.domain.model import Request
from approvals.domain.parts import pluralize
from approvals.requests.codec import KEY

ONLY_REQUESTER = "the requester is the only approver. Add another approver, or set AllowSelfApproval to true."


def demands_of(request: Request, members: Sequence[Sequence[str]]) -> tuple[Demand, ...]:
    """Return what must hold for an approval: the number of approvals in all, then each group with its `members`."""
    groups = zip(request.groups, members, strict=True)
    return (
        Demand(required=request.required_approvals),
        *(Demand(name=group.name, people=tuple(people), required=group.required) for group, people in groups),
    )


def impossibilities(
    request: Request,
    demands: Sequence[Demand],
    *,
    named: Collection[str],
    silent: Collection[str],
    requester: str | None,
) -> Iterator[str]:
    """Yield a sentence for each demand that the people who may respond could leave undecided.

    `named` are all people whom the request names, those whom an escalation adds left out; a `requester` among them
    may not respond, unless the request allows it.
    """
    barred = None if request.allow_self_approval else requester
    seats = set(named) - {barred}
    if not seats:
        yield f"{KEY}.Approvers: {ONLY_REQUESTER}" if request.approvers else f"{KEY}.Groups: {ONLY_REQUESTER}"
        return
    needed = request.required_rejections
    for obstacle in find_obstacles(demands, seats=seats, silent=silent, required_rejections=needed):
        if obstacle.demand.people is None:
            yield _in_all(obstacle, needed)
        else:
            yield _in_group(request, obstacle, barred)


def _in_all(obstacle: Obstacle, rejections: int) -> str:
    approvals, people = obstacle.demand.required, len(obstacle.people)
    match obstacle.lack:
        case Lack.MEMBERS:
            return f"{KEY}.RequiredApprovals: {approvals} is too many; only {_people(people)} can respond."
        case Lack.DECISION:
            return (
                f"{KEY}.RequiredRejections: {rejections} is too many; with {pluralize(approvals, 'approval')} "
                f"required, the maximum is {people + 1 - approvals}. "
                f"Otherwise all {people} could respond without a decision."
            )
        case Lack.TOLD:
            key, number = "RequiredApprovals", approvals
        case Lack.TOLD_REJECTERS:
            key, number = "RequiredRejections", rejections
    return f"{KEY}.{key}: {number} is too many; only {_people(people)} {_are(people)} told. The others are Silent."


def _in_group(request: Request, obstacle: Obstacle, barred: str | None) -> str:
    demand, people = obstacle.demand, len(obstacle.people)
    number = [group.name for group in request.groups].index(demand.name)
    needs = f'{KEY}.Groups[{number}]: "{demand.name}" needs {pluralize(demand.required, "approval")}'
    match obstacle.lack:
        case Lack.MEMBERS:
            left_out = f": {request.requested_by} asked for this" if demand.includes(barred or "") else ""
            return f"{needs}, but {_only_members(people)} can respond{left_out}."
        case Lack.DECISION:
            return (
                f"{needs}; with {pluralize(people, 'member')} who can respond, RequiredRejections is at most "
                f"{people + 1 - demand.required}. Otherwise all could respond without a decision."
            )
        case _:
            return f"{needs}, but {_only_members(people)} {_are(people)} told. The others are Silent."


def _people(number: int) -> str:
    return "1 person" if number == 1 else f"{number:,} people"


def _only_members(number: int) -> str:
    return f"only {pluralize(number, 'member')}" if number else "no member"


def _are(number: int) -> str:
    return "is" if number <= 1 else "are"
