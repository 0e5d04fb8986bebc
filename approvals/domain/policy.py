"""The operator's policy: a floor under every request. Types, and when a rule applies. Pure.

A request can be stricter than the policy, and never weaker. `floor` merges the two.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Final

from approvals.domain.characters import hidden_in
from approvals.domain.model import Action, Json, OnTimeout, Presence, Severity
from approvals.domain.pinned_policy import PersonRole, PolicyGroup, PolicyVersion

Scalar = str | int | float | bool

DOCUMENT: Final = "policy"
"""The name of the rule that the document's own keys are. It always applies."""


class Enforce(StrEnum):
    """What a rule does with a request below it."""

    REFUSE = "refuse"
    RAISE = "raise"


class OpenOnChange(StrEnum):
    """What happens to open approvals when the policy changes."""

    KEEP = "keep"
    ASK_AGAIN = "ask-again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """The values that a request states: facts by label, context by JSON Pointer, and the workflow's name."""

    facts: Mapping[str, tuple[Scalar, ...]] = field(default_factory=dict)
    context: Mapping[str, tuple[Scalar, ...]] = field(default_factory=dict)
    workflow: tuple[Scalar, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRule:
    """What a request must have where the rule applies.

    `unless` lists harmless values, `when` dangerous ones; without either the rule always applies. `approvers` are names
    and domains (`@example.com`) of those who may approve at all, None for no limit.
    """

    name: str
    unless: Condition | None = None
    when: Condition | None = None
    enforce: Enforce = Enforce.REFUSE
    approvers: tuple[str, ...] | None = None
    open_requests: bool = True
    self_approval: bool = True
    requester_required: bool = False
    minimum_approvals: int = 1
    maximum_rejections: int | None = None
    required_groups: Mapping[str, int] = field(default_factory=dict)
    severity: Severity | None = None
    comments: Mapping[Action, Presence] = field(default_factory=dict)
    longest: timedelta | None = None
    on_timeout: OnTimeout | None = None
    channel: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy. `rules` begins with the document's own keys, by the name `policy`.

    `sha256` is the digest of the document, `version` its number where it is stored, `parameter` the place's name.
    """

    rules: tuple[PolicyRule, ...]
    groups: Mapping[str, PolicyGroup] = field(default_factory=dict)
    delegation_allowed: bool = True
    longest_delegation: timedelta = timedelta(days=60)
    person_roles: tuple[PersonRole, ...] = ()
    override_roles: tuple[str, ...] = ()
    open_on_change: OpenOnChange = OpenOnChange.KEEP
    sha256: str = ""
    parameter: str = ""
    version: int = 0

    @property
    def identity(self) -> PolicyVersion:
        """The version that this is."""
        return PolicyVersion(parameter=self.parameter, version=self.version, sha256=self.sha256)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a request states of itself: all that conditions read. A requester can claim any of it."""

    facts: Sequence[tuple[str, str]]
    context: Mapping[str, Json]
    workflow: str


class _Unreadable(str):
    """A value in a list that is no text, number, true or false, as JSON."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a request states for one key of a rule's condition: whether the rule `applies` for it, and why.

    `key` names it in words, `listed` are the condition's own values. A value that people can't read, such as an object
    in a list, is in `stated` as JSON, and applies the rule.
    """

    key: str
    stated: tuple[Scalar, ...]
    listed: tuple[Scalar, ...]
    applies: bool


def applies(rule: PolicyRule, statement: Statement) -> bool:
    """Return True unless the request states a value and each value that it states is harmless.

    A value that is missing never exempts: anyone who can start the workflow could leave it out.
    """
    found = readings(rule, statement)
    return not found or any(reading.applies for reading in found)


def readings(rule: PolicyRule, statement: Statement) -> list[Reading]:
    """Return what a request states for each key of a rule's condition. A rule without a condition always applies."""
    condition = rule.unless or rule.when
    if condition is None:
        return []
    decides = _is_dangerous_unless if rule.unless else _is_dangerous_when
    return [
        Reading(
            key=key,
            stated=tuple(stated),
            listed=listed,
            applies=any(map(is_unreadable, stated)) or decides(stated, listed),
        )
        for key, stated, listed in _stated(condition, statement)
    ]


def plain(value: Scalar) -> str:
    """Return a value as approvers read it: without case, outer blanks and look-alike forms of the same letters."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return unicodedata.normalize("NFKC", str(value)).strip().casefold()


def _stated(condition: Condition, statement: Statement) -> Iterator[tuple[str, list[Scalar], tuple[Scalar, ...]]]:
    """Yield each key of a condition, the values that the request states, and those that the condition lists."""
    for label, listed in condition.facts.items():
        yield f'fact "{label}"', [value for name, value in statement.facts if plain(name) == plain(label)], listed
    for pointer, listed in condition.context.items():
        yield f"context {pointer}", list(_at(statement.context, pointer)), listed
    if condition.workflow:
        yield "workflow", [statement.workflow], condition.workflow


def is_unreadable(value: Scalar) -> bool:
    """Return True for a value that approvers do not read as it is: it could stand for any."""
    return isinstance(value, _Unreadable) or (isinstance(value, str) and hidden_in(value) is not None)


def _at(context: Json | Mapping[str, Json], pointer: str) -> Iterator[Scalar]:
    """Yield the values at a JSON Pointer (RFC 6901). A list states each element, an object states nothing."""
    found: Json | Mapping[str, Json] = context
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping):
            found = found.get(key)
        elif isinstance(found, list) and key.isdecimal() and int(key) < len(found):
            found = found[int(key)]
        else:
            return
    for value in found if isinstance(found, list) else [found]:
        if isinstance(value, str | int | float):
            yield value
        elif isinstance(found, list):
            yield _Unreadable(json.dumps(value))  # In a list it hides behind its neighbors.


def _is_dangerous_unless(stated: Sequence[Scalar], harmless: Sequence[Scalar]) -> bool:
    known = {plain(each) for each in harmless}
    return not stated or any(plain(value) not in known for value in stated)


def _is_dangerous_when(stated: Sequence[Scalar], dangerous: Sequence[Scalar]) -> bool:
    known = {plain(each) for each in dangerous}
    return not stated or any(plain(value) in known for value in stated)
