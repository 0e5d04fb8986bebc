"""The check of the operator's policy: readable, valid, and one that people can meet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from approvals.domain.errors import DeliveryError
from approvals.domain.groups import Group
from approvals.domain.model import Request
from approvals.domain.parts import pluralize
from approvals.domain.pinned_policy import PinnedPolicy, PolicyGroup
from approvals.domain.policy import DOCUMENT, Policy, PolicyRule
from approvals.domain.profiles import is_group
from approvals.requests.identities import identify
from approvals.requests.lookup import Resolver
from approvals.requests.parse import InvalidRequestError
from approvals.requests.policy import InvalidPolicyError, parse_policy
from cli.context import Context
from cli.doctor.approvers import MAX_NAMES, find_resolvers, reason_of
from cli.doctor.findings import Check, Finding, fault, ok, unknown, warning
from cli.doctor.fixes import again
from cli.doctor.roles import ASK_FOR_RIGHT, DENIED, RolesDeniedError, role_problems
from cli.policy_parameter import Stored, parameter_name, read
from iam.addresses import is_role

_HOUR = timedelta(hours=1)


def check_policy(context: Context) -> Iterator[Finding]:
    """Check that the policy can be read, is valid, and leaves people who can approve."""
    if not context.policy_parameter:
        yield ok(Check.POLICY, "the stack has no policy; each request names its own rules")
        return
    name = parameter_name(context)
    stored = read(context)
    if stored is None:
        fix = context.command("policy", "set", "FILE")
        yield fault(Check.POLICY, f"{name} does not exist, so every request fails", fix)
        return
    try:
        policy = parse_policy(stored.document, parameter=name, version=stored.version)
    except InvalidPolicyError as error:
        yield fault(Check.POLICY, f"{name} is not valid, so every request fails: {error}", _replace(context, stored))
        return
    try:
        faults = [*_unmet(context, policy, find_resolvers(context))]
    except DeliveryError as error:
        yield unknown(Check.POLICY, f"can't look up the policy's people: {reason_of(context, error)}", again(context))
        return
    try:
        faults += [f"{where}: {text}" for where, text in _missing_roles(context, policy)]
    except RolesDeniedError:
        yield warning(Check.POLICY, DENIED, ASK_FOR_RIGHT)
    yield from (fault(Check.POLICY, text, _replace(context, stored)) for text in faults)
    if not faults:
        rules, groups = pluralize(len(policy.rules), "rule"), pluralize(len(policy.groups), "group")
        yield ok(Check.POLICY, f"version {stored.version} of {name} is valid: {rules}, {groups}")


def _missing_roles(context: Context, policy: Policy) -> Iterator[tuple[str, str]]:
    """Yield where the policy names a role that is gone or not what it seems, and what is wrong with it."""
    named: dict[str, str] = dict.fromkeys(policy.override_roles, "Override")
    for person_role in policy.person_roles:
        named.setdefault(person_role.role, "PersonRoles")
    for entry in policy.rules[0].approvers or ():
        named.setdefault(entry, "Approvers")
    for group in policy.groups.values():
        for entry in group.approvers:
            named.setdefault(entry, f'group "{group.name}"')
    roles = [name for name in named if is_role(name)]
    if roles:
        yield from ((named[role], text) for role, text in role_problems(context.client("iam"), roles))


def _unmet(context: Context, policy: Policy, resolvers: Sequence[Resolver]) -> Iterator[str]:
    """Yield what nobody can meet: lists that name nobody, and groups with too few people who can be reached."""
    shared = context.parameters["Email"]
    looked_up = 0
    for number, entry in enumerate(policy.rules[0].approvers or ()):
        if is_group(entry):
            asked = Request(timeout=_HOUR, approvers=(entry,), policy=_pinned(policy, [policy.rules[0]]))
            yield from _problems(asked, resolvers, shared, f"Approvers[{number}]")
    for rule, names in _demands(policy):
        looked_up += sum(len(policy.groups[name].approvers) for name in names)
        if looked_up > MAX_NAMES:  # Slack allows some 50 lookups a minute.
            return
        groups = tuple(
            Group(name=name, approvers=policy.groups[name].approvers, required=required)
            for name, required in names.items()
        )
        applying = [policy.rules[0], rule]
        pinned = _pinned(policy, applying, tuple(policy.groups[name] for name in names))
        asked = Request(timeout=_HOUR, groups=groups, policy=pinned)
        yield from _problems(asked, resolvers, shared, f'rule "{rule.name}"' if rule.required_groups else "Groups")


def _demands(policy: Policy) -> Iterator[tuple[PolicyRule, dict[str, int]]]:
    """Yield each rule with the groups that it requires, and last the groups that no rule requires."""
    required = {name for rule in policy.rules for name in rule.required_groups}
    yield from ((rule, dict(rule.required_groups)) for rule in policy.rules if rule.required_groups)
    if others := [name for name in policy.groups if name not in required]:
        yield PolicyRule(name=DOCUMENT), dict.fromkeys(others, 1)


def _pinned(policy: Policy, rules: Sequence[PolicyRule], groups: tuple[PolicyGroup, ...] = ()) -> PinnedPolicy:
    return PinnedPolicy(
        parameter=policy.parameter,
        version=policy.version,
        sha256=policy.sha256,
        allowed=tuple(rule.approvers for rule in rules if rule.approvers is not None),
        groups=groups,
        person_roles=policy.person_roles,
    )


def _problems(asked: Request, resolvers: Sequence[Resolver], shared: str, where: str) -> Iterator[str]:
    """Yield what is wrong with the people of a request that asks for what the policy does."""
    try:
        identify(asked, resolvers, shared=shared)
    except InvalidRequestError as error:
        for problem in error.problems:
            path, _, sentence = problem.partition(": ")
            names = [f'group "{each.name}": ' for n, each in enumerate(asked.groups) if f".Groups[{n}]." in path]
            yield f"{where}: {''.join(names)}{sentence}"


def _replace(context: Context, stored: Stored) -> str:
    get = f"{context.command('policy', 'get')} > policy.json"
    put = context.command("policy", "set", "policy.json", "--if-version", str(stored.version))
    return f"{get}   # correct it, then:\n{put}"
