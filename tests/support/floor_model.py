"""Small policies and requests, played by the real parser and rules, and a checker that knows neither.

The checker `unjustified` shares no code with the merge: it looks for a one-to-one assignment of the people who approved
to themselves, or to people who chose them, that satisfies each rule which applies and the request as it was written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cache
from itertools import product
from typing import Any

from approvals.domain import rules
from approvals.domain.absences import Absence
from approvals.domain.judgement import ScheduledCheck
from approvals.domain.model import Action, Approval, Json, Request, Response, Status
from approvals.domain.people import Approver, Person
from approvals.domain.policy import Policy
from approvals.requests import identities, policy_floor
from approvals.requests.parse import InvalidRequestError
from approvals.requests.policy import InvalidPolicyError, parse_policy
from tests.support.builders import NOW, WORKFLOW, WORKSPACE, an_approval
from tests.support.floor_instances import EVERYONE, TEAMS, Asked, Floor, Instance, Names, Rule
from tests.support.policies import KnownPeople

DEFAULT_TIMEOUT, _MINUTE = timedelta(hours=1), timedelta(minutes=1)


class Workspace(KnownPeople):
    """A channel where everyone may respond to a request that names nobody. Its users have the addresses of people."""

    channel = "slack"

    def recognize(self, name: str) -> Person:
        """Return the person with an address."""
        return Person(id=name, name=name, identities={"email": name, "slack": f"U0{name}"})


def read_once(read: Callable[..., Request]) -> Callable[..., Request]:
    """Return a parser that reads each input once. Many instances share a request."""
    found: dict[str, Request] = {}

    def read_or_remember(execution_input: Json, *, default_timeout: timedelta) -> Request:
        key = json.dumps(execution_input)
        if key not in found:
            found[key] = read(execution_input, default_timeout=default_timeout)
        return found[key]

    return read_or_remember


@cache
def policy_of(floor: Floor) -> Policy | None:
    """Return the policy; None if it is refused, since no request could meet it."""
    try:
        return parse_policy(json.dumps(floor.written), parameter="/approvals/policy", version=1)
    except InvalidPolicyError:
        return None


def asked_under(policy: Policy, instance: Instance) -> Approval | None:
    """Return the approval that the product makes of a request; None if it refuses it."""
    try:
        request = policy_floor.parse_under(
            policy, instance.asked.written, default_timeout=DEFAULT_TIMEOUT, workflow=WORKFLOW
        )
        people = identities.identify(
            request, [Workspace(TEAMS)], shared="stack@example.com", absences=[*map(_absence, instance.away)]
        )
    except InvalidRequestError:
        return None
    return an_approval(request=request, people=people, deadline=NOW + request.timeout)


def _absence(pair: tuple[str, str]) -> Absence:
    owner, delegate = pair
    since, until = NOW - timedelta(hours=1), NOW + timedelta(days=1)
    return Absence(owner=owner, delegate=delegate, since=since, until=until, set_by=owner)


def played(approval: Approval, people: Names = EVERYONE) -> Iterator[Approval]:
    """Yield all that becomes of a request in which some approve and at most one rejects before.

    Delegates fill seats in the order in which people respond, so they are played in each order.
    """
    in_any_order = approval.people is not None and bool(approval.people.delegations)
    todo = [(begun, people) for begun in _begun(approval, people)]
    seen = set[tuple[Any, ...]]()
    while todo:
        now, left = todo.pop()
        yield now
        if now.status is not Status.PENDING:
            continue
        for number, name in enumerate(left):
            later = rules.judge(now, _response(now, name, Action.APPROVE)).approval
            said = frozenset((each.approver.id, each.seat, each.action) for each in later.standing)
            if len(later.responses) > len(now.responses) and (said, later.escalated_at) not in seen:
                seen.add((said, later.escalated_at))
                todo.append((later, people if in_any_order else left[number + 1 :]))


def _begun(approval: Approval, people: Names) -> Iterator[Approval]:
    escalated = rules.judge(approval, ScheduledCheck(NOW + 5 * _MINUTE)).approval
    for begun in (approval, escalated) if approval.request.escalate_to else (approval,):
        yield begun
        for name in people:
            rejected = rules.judge(begun, _response(begun, name, Action.REJECT)).approval
            if rejected.standing:
                yield rejected


def _response(approval: Approval, name: str, action: Action) -> Response:
    at = (approval.escalated_at or NOW) + _MINUTE * (1 + len(approval.responses))
    approver = Approver(id=name, name=name, channel="email")
    if approval.request.is_open:  # Several people may read the address that is asked by email.
        approver = Approver(id=f"U0{name}", name=name, channel="slack", realm=WORKSPACE, member=True, address=name)
    return Response(approver=approver, action=action, at=at)


# The checker: it reads only what was written.


def unjustified(instance: Instance, approval: Approval) -> str | None:
    """Return what is wrong with what became of a request, or None."""
    floor, asked = instance.floor, instance.asked
    used = [floor.document, *(rule for rule in floor.rules if _applies(rule, asked))]
    rejected = sum(each.action is Action.REJECT for each in approval.standing)
    if rejected >= min(asked.rejections, _most_rejections(used)) and approval.status is not Status.REJECTED:
        return "rejections that the policy counts are ignored"
    if approval.status is not Status.APPROVED:
        return None
    if floor.requester_needed and asked.requester is None:
        return "the requester is not known"
    adds = any(rule.raises and rule.groups for rule in used)
    if not (asked.approvers or asked.groups or asked.silent) and not floor.open_ok and not adds:
        return "an open request"
    humans = [each.approver.id.removeprefix("U0") for each in approval.standing if each.action is Action.APPROVE]
    if len({*humans}) < len(humans):
        return "one person counts twice"
    reasons = [_reason(instance, used, dict(zip(humans, seats, strict=True))) for seats in _seatings(instance, humans)]
    return None if None in reasons else f"{reasons[0]} ({' and '.join(humans)} approved)"


def is_below(instance: Instance) -> bool:
    """Return True if a request, as it is written, is below a rule that applies."""
    floor, asked = instance.floor, instance.asked
    used = [floor.document, *(rule for rule in floor.rules if _applies(rule, asked))]
    written = {name: number for name, _, number in asked.groups}
    return (
        (asked.own and not floor.self_ok)
        or asked.rejections > _most_rejections(used)
        or any(_written_approvals(asked) < rule.needed for rule in used)
        or any(written.get(name, 0) < number for rule in used for name, number in rule.groups)
    )


def _most_rejections(used: list[Rule]) -> int:
    """Return how many rejections reject at the latest: by default one, by the document's own keys."""
    document, *others = used
    return min([document.cap or 1, *(rule.cap for rule in others if rule.cap)])


def _written_approvals(asked: Asked) -> int:
    return (sum(number for *_, number in asked.groups) or 1) if asked.needed is None else asked.needed


def _applies(rule: Rule, asked: Asked) -> bool:
    """Return True unless the request states an environment, and each that it states is harmless."""
    read = [each.strip().lower() for each in asked.environments]
    if not rule.is_conditional or not read:
        return True
    return any(each not in rule.harmless if rule.harmless else each in rule.dangerous for each in read)


def _seatings(instance: Instance, humans: list[str]) -> Iterator[tuple[str, ...]]:
    """Yield each way in which these people fill seats: their own, or one of a person who chose them."""
    chosen_by = {human: [owner for owner, delegate in instance.away if delegate == human] for human in humans}
    return product(*([human, *chosen_by[human]] for human in humans))


def _reason(instance: Instance, used: list[Rule], seat_of: dict[str, str]) -> str | None:  # noqa: PLR0911 one of many
    floor, asked, seats = instance.floor, instance.asked, {*seat_of.values()}
    barred = asked.requester if not (floor.self_ok and asked.own) else None
    allowed = [floor.allowed, *(rule.approvers for rule in used if rule.approvers is not None)]
    if len(seats) < len(seat_of):
        return "one seat counts twice"
    if barred in {*seat_of, *seats}:
        return "the requester has a part in it"
    if any(not _is_in(name, names) for names in allowed for name in {*seat_of, *seats}):
        return "a person whom the policy does not allow"
    written = _written_approvals(asked)
    if len(seats) < max(written, *(rule.needed for rule in used)):
        return "too few"
    owned = {name: members for name, members, _ in floor.groups}
    needs = {name: (members or owned.get(name, ()), number) for name, members, number in asked.groups}
    for name, number in (each for rule in used for each in rule.groups):
        members, most = needs.get(name, (owned[name], 0))
        needs[name] = members, max(most, number)
    for name, (members, number) in needs.items():
        if len([each for each in seats if _is_in(each, members) and _is_in(each, owned.get(name, members))]) < number:
            return f"too few of {name}"
    if any(human != seat and not _may_stand_in(floor, needs, human, seat) for human, seat in seat_of.items()):
        return "a delegate whom the policy does not let stand in"
    mentioned = [asked.approvers, asked.silent, asked.escalation, *(needs[name][0] for name, *_ in asked.groups)]
    if (asked.approvers or asked.groups) and len([e for e in seats if any(_is_in(e, n) for n in mentioned)]) < written:
        return "people approve whom the request did not ask"
    return None


def _may_stand_in(floor: Floor, needs: dict[str, tuple[Names, int]], human: str, seat: str) -> bool:
    of_seat = [deputies for name, _, deputies in floor.groups if name in needs and _is_in(seat, needs[name][0])]
    return floor.delegation and all(_is_in(human, deputies) for deputies in of_seat)


def _is_in(person: str, names: Names) -> bool:
    return any(
        person == name or person in TEAMS.get(name, ()) or (name[0] == "@" and person.endswith(name)) for name in names
    )
