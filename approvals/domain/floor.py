"""Merge a request with the operator's policy. Pure.

The merge only tightens: the greater number, the stricter value, fewer people. It never replaces what the request asks.
A rule that refuses judges the request as it was written; a rule that raises changes it afterwards. So the order of
rules makes no difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from approvals.domain.email_address import canonical
from approvals.domain.groups import MAX_GROUPS, REQUESTED, Group
from approvals.domain.model import OnTimeout, Presence, Request, Severity
from approvals.domain.parts import join_names, pluralize
from approvals.domain.pinned_policy import AppliedRule, PinnedPolicy, is_outside
from approvals.domain.policy import DOCUMENT, Enforce, Policy, PolicyRule, Statement, applies

_MINUTE = timedelta(minutes=1)
_PRESENCE = (Presence.OFF, Presence.OPTIONAL, Presence.REQUIRED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """A request after the merge. With `problems` it is below the floor."""

    request: Request
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Shortfall:
    """A key of a request below a rule, and the sentence that says so. `raised` says what raising it changes."""

    problem: str
    raised: str


def merge(policy: Policy, request: Request, statement: Statement, *, default_timeout: bool) -> Merged:
    """Merge a request, as it was written, with a policy.

    `default_timeout` says that the time limit is the stack's own default: then it gives way without a word. Problems
    begin with the key that is wrong, and name the rule and the next step.
    """
    used = [rule for rule in policy.rules if applies(rule, statement)]
    problems = list(_always_refused(policy, used, request))
    applied = []
    for rule in used:
        shortfalls = list(_shortfalls(rule, request, default_timeout=default_timeout))
        raises = rule.enforce is Enforce.RAISE
        problems += [] if raises else [each.problem for each in shortfalls]
        raised = tuple(each.raised for each in shortfalls if raises)
        applied.append(AppliedRule(name=rule.name, required=tuple(requirements(rule)), raised=raised))
    merged = _raised(policy, used, request)
    problems += _too_many_groups(merged)
    problems += _late_escalation(merged)
    problems += _whole_domains(merged)
    longest = _longest(used)
    pinned = PinnedPolicy(
        parameter=policy.parameter,
        version=policy.version,
        sha256=policy.sha256,
        rules=tuple(applied),
        allowed=tuple(rule.approvers for rule in used if rule.approvers is not None),
        groups=tuple(policy.groups[each.name] for each in merged.groups if each.name in policy.groups),
        longest_minutes=longest // _MINUTE if longest else None,
        person_roles=policy.person_roles,
        delegation_allowed=policy.delegation_allowed,
        longest_delegation_days=policy.longest_delegation.days,
    )
    return Merged(request=replace(merged, policy=pinned), problems=tuple(dict.fromkeys(problems)))


def _always_refused(policy: Policy, used: Sequence[PolicyRule], request: Request) -> Iterator[str]:
    """Yield what no rule raises: what only the requester can say, and what rules contradict each other about."""
    if request.requested_by is None and any(rule.requester_required for rule in used):
        yield "RequestedBy: required by the policy, so that requesters can't approve their own requests."
    adds_group = any(rule.required_groups for rule in used if rule.enforce is Enforce.RAISE)
    if request.is_open and not adds_group and not all(rule.open_requests for rule in used):
        yield "Approvers: the policy does not allow open requests. Name approvers or groups."
    yield from _contradictions(used)
    for place, name in _one_by_one(request):
        for rule in used:
            if rule.approvers is not None and is_outside(name, rule.approvers):
                yield f"{place}: {name} may not approve here. The policy allows {join_names(rule.approvers)}."
                break
    for number, group in enumerate(request.groups):
        if group.name == REQUESTED:
            yield f'Groups[{number}].Name: "{REQUESTED}" is reserved. Choose another name.'
        if not group.approvers and group.name not in policy.groups:
            known = join_names([f'"{name}"' for name in policy.groups]) or "none"
            why = f'the policy has no group "{group.name}" (it has {known})'
            yield f"Groups[{number}].Approvers: required, since {why}."


def _contradictions(used: Sequence[PolicyRule]) -> Iterator[str]:
    for key, asked in (
        ("OnTimeout", [(rule, str(rule.on_timeout)) for rule in used if rule.on_timeout]),
        ("Channel", [(rule, rule.channel) for rule in used if rule.channel]),
    ):
        differ = next(((one, other) for one, a in asked for other, b in asked if a != b), None)
        if differ:
            names = " and ".join(f'"{rule.name}"' for rule in differ)
            what = "channels" if key == "Channel" else "outcomes of silence"
            fix = "Ask the operator of this stack to fix the policy."
            yield f"{key}: policy rules {names} name different {what}. {fix}"


def _one_by_one(request: Request) -> Iterator[tuple[str, str]]:
    """Yield the names that the request itself writes, with their places."""
    named = {
        "Approvers": request.approvers,
        **{f"Groups[{number}].Approvers": group.approvers for number, group in enumerate(request.groups)},
        "Silent": request.silent,
        "EscalateTo": request.escalate_to,
    }
    for place, names in named.items():
        for number, name in enumerate(names):
            yield f"{place}[{number}]", name


def _shortfalls(rule: PolicyRule, request: Request, *, default_timeout: bool) -> Iterator[_Shortfall]:
    """Yield each key of the request, as it was written, that is below the rule."""
    by = "policy" if rule.name == DOCUMENT else f'policy rule "{rule.name}"'
    yield from _counts(rule, request, by)
    if request.allow_self_approval and not rule.self_approval:
        problem = "AllowSelfApproval: the policy does not allow self-approval. Remove this key."
        yield _Shortfall(problem, "AllowSelfApproval: true to false")
    if rule.severity is Severity.HIGH and request.severity is not Severity.HIGH:
        yield _required("Severity", request.severity, "high", by)
    for action, presence in rule.comments.items():
        if _PRESENCE.index(request.comments[action]) < _PRESENCE.index(presence):
            yield _required(f"Comment.{action.capitalize()}", request.comments[action], presence, by)
    if rule.longest and request.timeout > rule.longest and not default_timeout:
        minutes, most = request.timeout // _MINUTE, rule.longest // _MINUTE
        problem = (
            f"TimeoutMinutes: {minutes:,} is longer than the {most:,} that the {by} allows. Ask for at most {most:,}."
        )
        yield _Shortfall(problem, f"TimeoutMinutes: {minutes} to {most}")
    if rule.on_timeout and request.on_timeout is not rule.on_timeout:
        yield _required("OnTimeout", request.on_timeout, rule.on_timeout, by)
    if rule.channel and request.channel != rule.channel:
        yield _required("Channel", request.channel or "none", rule.channel, by)


def _counts(rule: PolicyRule, request: Request, by: str) -> Iterator[_Shortfall]:
    needed, written = rule.minimum_approvals, request.required_approvals
    if written < needed:
        problem = f"RequiredApprovals: {written} is below the minimum of {needed} ({by}). Ask for at least {needed}."
        yield _Shortfall(problem, f"RequiredApprovals: {written} to {needed}")
    most, written = rule.maximum_rejections, request.required_rejections
    if most and written > most:
        problem = f"RequiredRejections: {written} is above the maximum of {most} ({by}). Ask for at most {most}."
        yield _Shortfall(problem, f"RequiredRejections: {written} to {most}")
    written_groups = {group.name: group.required for group in request.groups}
    for name, needed in rule.required_groups.items():
        written = written_groups.get(name, 0)
        if written < needed:
            required = f', "Required": {needed}' if needed > 1 else ""
            problem = (
                f'Groups: {pluralize(needed, "approval")} from "{name}" {"is" if needed == 1 else "are"} required '
                f'({by}). Add {{"Name": "{name}"{required}}}.'
            )
            yield _Shortfall(problem, f"Groups.{name}: {written} to {needed}")


def _required(key: str, written: str, needed: str, by: str) -> _Shortfall:
    return _Shortfall(
        f'{key}: "{needed}" is required ({by}), got "{written}". Set it to "{needed}".', f"{key}: {written} to {needed}"
    )


def _raised(policy: Policy, used: Sequence[PolicyRule], request: Request) -> Request:
    """Return the request with the stricter value of each key. Where no rule raises, it is the request as written."""
    longest = _longest(used)
    timeout = min(request.timeout, longest) if longest else request.timeout
    comments = dict(request.comments)
    for rule in used:
        for action, presence in rule.comments.items():
            comments[action] = max(comments[action], presence, key=_PRESENCE.index)
    return replace(
        request,
        groups=tuple(_groups(policy, used, request)),
        required_approvals=max([request.required_approvals, *(rule.minimum_approvals for rule in used)]),
        required_rejections=min(
            [request.required_rejections, *(rule.maximum_rejections for rule in used if rule.maximum_rejections)]
        ),
        allow_self_approval=request.allow_self_approval and all(rule.self_approval for rule in used),
        severity=Severity.HIGH if any(rule.severity is Severity.HIGH for rule in used) else request.severity,
        comments=comments,
        timeout=timeout,
        on_timeout=next((rule.on_timeout for rule in used if rule.on_timeout), request.on_timeout),
        channel=next((rule.channel for rule in used if rule.channel), request.channel),
        reminders=tuple(after for after in request.reminders if after < timeout),
    )


def _groups(policy: Policy, used: Sequence[PolicyRule], request: Request) -> Iterator[Group]:
    """Yield the request's groups, those that rules add, and the people whom the request names as a further group.

    The last keeps the request's own number: without it, the added group could approve what only others were asked.
    """
    needed: dict[str, int] = {}
    for rule in used:
        for name, number in rule.required_groups.items():
            needed[name] = max(number, needed.get(name, 0))
    written = {group.name for group in request.groups}
    own = [replace(group, approvers=_members(policy, group)) for group in request.groups]
    for group in own:
        yield replace(group, required=max(group.required, needed.get(group.name, 0)))
    added = [name for name in needed if name not in written]
    for name in added:
        yield Group(name=name, approvers=policy.groups[name].approvers, required=needed[name])
    named = tuple(dict.fromkeys((*request.approvers, *(n for g in own for n in g.approvers), *request.silent)))
    joining = {canonical(name) for group in added for name in policy.groups[group].approvers}
    if added and named and not joining <= {canonical(name) for name in named}:
        yield Group(name=REQUESTED, approvers=named, required=request.required_approvals)


def _members(policy: Policy, group: Group) -> tuple[str, ...]:
    """Return the members of a group as the request has it. Those of the policy's own need not be written."""
    return group.approvers or (policy.groups[group.name].approvers if group.name in policy.groups else ())


def _too_many_groups(merged: Request) -> Iterator[str]:
    if (number := len(merged.groups)) > MAX_GROUPS:
        yield f"Groups: {number} groups are too many, those that the policy adds included. The maximum is {MAX_GROUPS}."


def _late_escalation(merged: Request) -> Iterator[str]:
    if merged.escalate_after and merged.escalate_after >= merged.timeout:
        after, minutes = merged.escalate_after // _MINUTE, merged.timeout // _MINUTE
        yield f"EscalateAfterMinutes: {after:,} is not less than the {minutes:,} minutes that the policy allows."


def _whole_domains(merged: Request) -> Iterator[str]:
    """Yield the groups of the policy that nobody can be asked of: a domain names people whom it does not list."""
    for group in merged.groups:
        if domains := [name for name in group.approvers if name.startswith("@")]:
            yield (
                f'Groups: the policy\'s group "{group.name}" has everyone at {join_names(domains)}. Say whom to ask: '
                f'{{"Name": "{group.name}", "Approvers": [...]}}.'
            )


def _longest(used: Sequence[PolicyRule]) -> timedelta | None:
    return min((rule.longest for rule in used if rule.longest), default=None)


def requirements(rule: PolicyRule) -> Iterator[str]:
    """Yield what a rule asks for, in words, where it asks for more than every request has."""
    if rule.minimum_approvals > 1:
        yield f"{rule.minimum_approvals} approvals"
    for name, number in rule.required_groups.items():
        yield f"{pluralize(number, 'approval')} from {name}"
    if rule.severity is Severity.HIGH:
        yield "high severity"
    for action, presence in rule.comments.items():
        if presence is Presence.REQUIRED:
            yield f"a comment to {action}"
    if rule.longest:
        yield f"at most {rule.longest // _MINUTE:,} minutes"
    if rule.on_timeout:
        yield "rejection at the deadline" if rule.on_timeout is OnTimeout.REJECT else "expiry at the deadline"
    if rule.channel:
        yield f"the channel {rule.channel}"
