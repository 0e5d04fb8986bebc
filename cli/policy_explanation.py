"""Explain a policy, and what it does with a request, line by line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from difflib import unified_diff

import click

from approvals.domain.characters import escape_hidden
from approvals.domain.floor import requirements
from approvals.domain.model import Json
from approvals.domain.parts import join_names
from approvals.domain.pinned_policy import AppliedRule
from approvals.domain.policy import (
    DOCUMENT,
    Enforce,
    Policy,
    PolicyRule,
    Reading,
    Scalar,
    Statement,
    is_unreadable,
    readings,
)
from approvals.domain.policy import plain as comparable
from approvals.requests.codec import KEY
from approvals.requests.parse import InvalidRequestError
from approvals.requests.policy_floor import Judged, judge, raised_input
from cli.output import as_json, plain

_NOTHING = Statement(facts=(), context={}, workflow="")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a policy does with a request."""

    policy: Policy
    asked: Mapping[str, Json]
    judged: Judged

    @property
    def name(self) -> str:
        """Whether the request is accepted as it is, raised or refused."""
        if self.judged.problems:
            return "refused"
        return "raised" if self.raised != self.asked else "accepted"

    @property
    def raised(self) -> Mapping[str, Json]:
        """The input as the policy raises it: one that no rule refuses or raises."""
        return raised_input(self.policy, self.judged, self.asked) if self._changes else self.asked

    @property
    def _changes(self) -> bool:
        return any(rule.raised for rule in self._applied.values()) or self.judged.request.timeout != (
            self.judged.written.timeout
        )

    @property
    def _applied(self) -> Mapping[str, AppliedRule]:
        pinned = self.judged.request.policy
        return {rule.name: rule for rule in pinned.rules} if pinned else {}

    def lines(self) -> Iterator[str]:
        """Yield each rule, whether it applies and why, what it requires and raises, and what becomes of the request."""
        changes = "would change" if self.judged.problems else "changes"
        for rule in self.policy.rules:
            yield plain(f"{_label(rule)}: {self._why(rule)}")
            if applied := self._applied.get(rule.name):
                yield from _limits(rule)
                yield from (f"  requires {plain(each)}" for each in applied.required)
                yield from (f"  {changes} {plain(each.replace(': ', ' from ', 1))}" for each in applied.raised)
        yield ""
        match self.name:
            case "refused":
                yield "Refused. An execution with this request fails at once:"
                yield from (f"  {plain(problem)}" for problem in self.judged.problems)
            case "raised":
                yield "Accepted, and raised. The request becomes:"
                yield from as_json(dict(self.raised), indent=2).splitlines()
            case _:
                yield "Accepted as it is."

    def document(self) -> dict[str, Json]:
        """Return the same for programs."""
        return {
            "Outcome": self.name,
            "Rules": [self._rule(rule) for rule in self.policy.rules],
            "Problems": list(self.judged.problems),
            "Request": None if self.judged.problems else dict(self.raised),
        }

    def _rule(self, rule: PolicyRule) -> Json:
        applied = self._applied.get(rule.name)
        return {
            "Name": rule.name,
            "Applies": applied is not None,
            "Why": self._why(rule),
            "Required": list(applied.required) if applied else [],
            "Raised": list(applied.raised) if applied else [],
        }

    def _why(self, rule: PolicyRule) -> str:
        found = readings(rule, self.judged.statement)
        if not found:
            return "always applies"
        causes = [each for each in found if each.applies]
        verb, shown = ("applies", causes) if causes else ("does not apply", found)
        return f"{verb}, since {join_names([_reason(each, unless=rule.unless is not None) for each in shown])}"


def explain(
    policy: Policy, asked: Mapping[str, Json], *, default_timeout: timedelta, state_machine: Callable[[], str]
) -> Outcome:
    """Return what a policy does with the request in an input. Raise click's `UsageError` for an invalid request."""
    try:
        judged = judge(policy, dict(asked), default_timeout=default_timeout, state_machine=state_machine)
    except InvalidRequestError as error:
        raise click.UsageError("\n  ".join(["The request is not valid:", *error.problems])) from error
    return Outcome(policy, asked, judged)


def as_input(document: Mapping[str, Json]) -> dict[str, Json]:
    """Return a document as an execution's input: it is one, or the request alone."""
    return dict(document) if KEY in document else {KEY: dict(document)}


def describe(policy: Policy) -> Iterator[str]:
    """Yield each rule of a policy: when it applies, what it does with a request that asks for less, what it requires.

    Then yield the groups, and who can override.
    """
    for rule in policy.rules:
        deed = "is raised" if rule.enforce is Enforce.RAISE else "is refused"
        yield plain(f"{_label(rule)}: {_condition(rule)}; a request that asks for less {deed}")
        yield from _limits(rule)
        yield from (f"  requires {plain(each)}" for each in requirements(rule))
    for name, group in policy.groups.items():
        delegates = f"; delegates: {join_names(group.delegates)}" if group.delegates else ""
        yield plain(f"group {name}: {join_names(group.approvers)}{delegates}")
    if policy.override_roles:
        yield plain(f"override: through {join_names(policy.override_roles)}")


def _label(rule: PolicyRule) -> str:
    return "policy (the document's own keys)" if rule.name == DOCUMENT else rule.name


def _limits(rule: PolicyRule) -> Iterator[str]:
    """Yield what a request can't do where the rule applies, whatever it asks for."""
    if rule.approvers is not None:
        yield f"  lets only {plain(join_names(rule.approvers))} approve" if rule.approvers else "  lets nobody approve"
    if rule.requester_required:
        yield "  requires RequestedBy"
    if not rule.open_requests:
        yield "  requires approvers or groups by name (no open requests)"
    if not rule.self_approval:
        yield "  lets nobody approve their own request"


def changes(before: str | None, after: str) -> list[str]:
    """Return the lines that change from one document to the next, as `diff -u` has them."""
    found = unified_diff(_pretty(before) if before else [], _pretty(after), n=2, lineterm="")
    return list(found)[2:]  # without the names of files


def _pretty(document: str) -> list[str]:
    try:
        return as_json(json.loads(document), indent=2).splitlines()
    except ValueError:
        return escape_hidden(document).splitlines()  # The stored document may be no JSON.


def _condition(rule: PolicyRule) -> str:
    keys = [(each.key, f"is {' or '.join(map(_value, each.listed))}") for each in readings(rule, _NOTHING)]
    if not keys:
        return "always applies"
    if rule.unless:
        return f"applies unless {' and '.join(f'{key} {values}' for key, values in keys)}"
    return f"applies when {' or '.join(f'{key} {values} or not stated' for key, values in keys)}"


def _reason(reading: Reading, *, unless: bool) -> str:
    if not reading.stated:
        return f"the request states no {reading.key}"
    if unreadable := [_value(each) for each in reading.stated if is_unreadable(each)]:
        return (
            f"{reading.key} has {join_names(unreadable)}, which is no text, number, true or false that people can read"
        )
    known = {comparable(each) for each in reading.listed}
    is_listed = reading.applies is not unless
    decisive = [_value(each) for each in reading.stated if (comparable(each) in known) is is_listed]
    key = "Unless" if unless else "When"
    return f"{reading.key} is {join_names(decisive)}, which its {key} {'lists' if is_listed else 'does not list'}"


def _value(value: Scalar) -> str:
    return json.dumps(value, ensure_ascii=False)
