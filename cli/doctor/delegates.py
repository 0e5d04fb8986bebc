"""The check of delegates: those who are named now can respond."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from approvals.domain.absences import Absence
from approvals.domain.email_address import is_same
from approvals.domain.errors import DeliveryError
from approvals.domain.parts import pluralize
from approvals.requests.lookup import Resolver
from cli import absences
from cli.context import Context
from cli.doctor.approvers import MAX_NAMES, find_resolvers, problem_of, reason_of
from cli.doctor.findings import Check, Finding, ok, unknown, warning
from cli.doctor.fixes import again


def check_delegates(context: Context) -> Iterator[Finding]:
    """Check that the delegates of people who are away can be reached, and are not away themselves."""
    now = context.clock()
    away = [each for each in absences.read(context) if each.is_current(now) and not each.approval]
    if not away:
        yield ok(Check.DELEGATES, "nobody has a delegate now")
        return
    policy = absences.policy(context)
    if policy and not policy.delegation_allowed:
        text = f"{pluralize(len(away), 'delegate')} can't respond: the policy allows no delegates"
        yield warning(Check.DELEGATES, text, context.command("delegate", "--list"))
        return
    try:
        problems = list(_problems(context, away, find_resolvers(context)))
    except DeliveryError as error:
        yield unknown(Check.DELEGATES, f"can't look up delegates: {reason_of(context, error)}", again(context))
        return
    for absence, problem in problems:
        yield warning(Check.DELEGATES, problem, context.command("delegate", absence.owner, "--end"))
    if not problems:
        yield ok(Check.DELEGATES, f"{pluralize(len(away), 'delegate')} can respond for people who are away")


def _problems(
    context: Context, away: Sequence[Absence], resolvers: Sequence[Resolver]
) -> Iterator[tuple[Absence, str]]:
    for each in away[:MAX_NAMES]:
        if any(is_same(other.owner, each.delegate) for other in away):
            yield each, f"{each.delegate}, the delegate of {each.owner}, is away as well: delegations are not passed on"
        elif problem := problem_of(each.delegate, context, resolvers):
            yield each, f"{each.delegate}, the delegate of {each.owner}, can't be reached: {problem}"
