"""Parse and validate the operator's policy document."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from hashlib import sha256
from itertools import combinations
from typing import Any

from approvals.domain.groups import REQUESTED
from approvals.domain.model import Action, Json, OnTimeout, Presence, Severity
from approvals.domain.nesting import MAX_DEPTH, deeper_than
from approvals.domain.pinned_policy import PersonRole, PolicyGroup
from approvals.domain.policy import (
    DOCUMENT,
    Condition,
    Enforce,
    OpenOnChange,
    Policy,
    PolicyRule,
    Scalar,
)
from approvals.domain.profiles import forms_of, is_group, is_person
from approvals.domain.satisfiability import unsatisfiable
from approvals.requests import schema
from approvals.requests.codec import canonical

MAX_BYTES = 8192
"""UTF-8 bytes of a parameter of the advanced tier; a standard one has 4,096. The emulator has no limit.

Source: https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html
"""

_ROOT = "Policy"
_SURROGATE = re.compile("[\ud800-\udfff]")
_MINUTE = timedelta(minutes=1)
_UNORDERED = ("OnTimeout", "Channel")
"""Keys without a stricter value: two rules must agree if one of them always applies."""


class InvalidPolicyError(Exception):
    """The document is no policy. `problems` has one sentence for each thing to fix, with its path."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        super().__init__(" ".join(self.problems))


def parse_policy(document: str, *, parameter: str = "", version: int = 0) -> Policy:
    """Return the policy in a JSON document. `parameter` and `version` say where it is stored.

    Raise `InvalidPolicyError` with every problem. A duplicate key or a null is a problem: a policy that is misread is
    no floor.
    """
    size = len(document.encode(errors="replace"))
    if size > MAX_BYTES:
        raise InvalidPolicyError([f"{_ROOT}: {size:,} bytes are too many. The maximum is {MAX_BYTES:,}."])
    value = _read(document)
    if path := deeper_than(value, MAX_DEPTH):
        raise InvalidPolicyError([f"{path}: nested deeper than {MAX_DEPTH} levels."])
    problems = [*_nulls(value, _ROOT), *schema.problems(value, schema.load("policy.schema.json"), _ROOT)]
    if problems or not isinstance(value, dict):
        raise InvalidPolicyError(problems)
    if problems := list(_contradictions(value)):
        raise InvalidPolicyError(problems)
    policy = _policy(value, parameter, version)
    if problems := list(_unsatisfiable(policy)):
        raise InvalidPolicyError(problems)
    return policy


def canonical_document(document: str) -> str:
    """Return a valid document as canonical JSON (RFC 8785), the form that is hashed. Raise `InvalidPolicyError`."""
    return canonical(_read(document))


def warnings(policy: Policy) -> list[str]:
    """Return a sentence for each valid part that is easily misunderstood."""
    found = [
        f'Rule "{rule.name}": another spelling of the values under When ("production" for "prod") evades the rule. '
        "Prefer Unless with the harmless values."
        for rule in policy.rules
        if rule.when
    ]
    found += [
        f"Rule \"{rule.name}\": a workflow's name is what the execution's input claims. It proves nothing."
        for rule in policy.rules
        if any(condition and condition.workflow for condition in (rule.when, rule.unless))
    ]
    return found


def _read(document: str) -> Json:
    def once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        keys = [key for key, _ in pairs]
        if twice := next((key for key in keys if keys.count(key) > 1), None):
            raise InvalidPolicyError([f'{_ROOT}: the key "{twice}" is a duplicate. Remove one.'])
        return dict(pairs)

    def refuse(constant: str) -> Json:
        raise InvalidPolicyError([f"{_ROOT}: {constant} is not JSON."])

    try:
        value: Json = json.loads(document, object_pairs_hook=once, parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise InvalidPolicyError(
            [f"{_ROOT}: not JSON, line {error.lineno}, column {error.colno}: {error.msg}."]
        ) from None
    except RecursionError:
        raise InvalidPolicyError([f"{_ROOT}: nested deeper than {MAX_DEPTH} levels."]) from None
    except ValueError:  # Python reads integers of at most 4,300 digits.
        raise InvalidPolicyError([f"{_ROOT}: a number has too many digits."]) from None
    if _SURROGATE.search(json.dumps(value, ensure_ascii=False)):
        raise InvalidPolicyError(
            [f"{_ROOT}: contains half of a surrogate pair, which is not valid Unicode. Remove it."]
        )
    return value


def _nulls(value: Json, path: str) -> Iterator[str]:
    match value:
        case None:
            yield f"{path}: null is not a value of the policy. Leave the key out."
        case dict():
            for key, item in value.items():
                yield from _nulls(item, f"{path}.{key}")
        case list():
            for number, item in enumerate(value):
                yield from _nulls(item, f"{path}[{number}]")


def _contradictions(value: Mapping[str, Any]) -> Iterator[str]:
    """Yield what no schema can say."""
    for path, names in _people(value):
        for number, name in enumerate(names):
            if not _is_name(name):
                forms = " or ".join([*forms_of("approver"), 'a domain such as "@example.com"'])
                yield f'{path}[{number}]: "{name}" is not {forms}.'
    if REQUESTED in value.get("Groups", {}):
        yield f"{_ROOT}.Groups.{REQUESTED}: the name is reserved. Choose another."
    yield from _rule_contradictions(value.get("Rules", []))
    for path, floor in _floors(value):
        for name in floor.get("RequiredGroups", {}):
            if name not in value.get("Groups", {}):
                yield f'{path}.RequiredGroups: there is no group "{name}". Add it under Groups.'
    yield from _differences(value)
    proven = {each["Role"] for each in value.get("PersonRoles", [])}
    for number, role in enumerate(value.get("Override", {}).get("Roles", [])):
        if role not in proven:
            yield f"{_ROOT}.Override.Roles[{number}]: {role} is not among PersonRoles. An override needs a person."


def _unsatisfiable(policy: Policy) -> Iterator[str]:
    """Yield the rules that no request can meet: such a policy would refuse all requests to which they apply."""
    for number, problem in unsatisfiable(policy):
        path = f"{_ROOT}.Rules[{number - 1}]" if number else _ROOT
        yield f"{path}: {problem}"


def _rule_contradictions(rules: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    names = [rule["Name"] for rule in rules]
    for number, rule in enumerate(rules):
        path = f"{_ROOT}.Rules[{number}]"
        if rule["Name"] == DOCUMENT:
            yield f'{path}.Name: "{DOCUMENT}" is the name of the document\'s own keys. Choose another.'
        if rule["Name"] in names[:number]:
            yield f'{path}.Name: another rule is named "{rule["Name"]}". Choose another name.'
        if "When" in rule and "Unless" in rule:
            yield f"{path}: When and Unless can't be combined. Write two rules."


def _floors(value: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield _ROOT, value
    for number, rule in enumerate(value.get("Rules", [])):
        yield f"{_ROOT}.Rules[{number}]", rule


def _differences(value: Mapping[str, Any]) -> Iterator[str]:
    """Yield the keys without a stricter value about which two rules differ of which one always applies.

    Where the other applies, both do, and no request can meet them.
    """
    rules = [(DOCUMENT, value), *((rule["Name"], rule) for rule in value.get("Rules", []))]
    for key in _UNORDERED:
        for (one, a), (other, b) in combinations([(name, floor) for name, floor in rules if key in floor], 2):
            first, second = (not floor.keys() & {"When", "Unless"} for floor in (a, b))
            if a[key] == b[key] or not (first or second):
                continue
            if first and second:
                yield f'{_ROOT}.{key}: rules "{one}" and "{other}" always apply and differ. Keep one value.'
            else:
                unconditional, rule = (one, other) if first else (other, one)
                yield f'{_ROOT}.{key}: "{unconditional}" always applies, and rule "{rule}" differs. Keep one value.'


def _people(value: Mapping[str, Any]) -> Iterator[tuple[str, Sequence[str]]]:
    yield f"{_ROOT}.Approvers", value["Approvers"]
    for name, group in value.get("Groups", {}).items():
        for key in ("Approvers", "Delegates"):
            yield f"{_ROOT}.Groups.{name}.{key}", group.get(key, [])
    for number, rule in enumerate(value.get("Rules", [])):
        yield f"{_ROOT}.Rules[{number}].Approvers", rule.get("Approvers", [])


def _is_name(name: str) -> bool:
    return is_person(name) or is_group(name) or (name.startswith("@") and is_person(f"a{name}"))


def _policy(value: Mapping[str, Any], parameter: str, version: int) -> Policy:
    delegation = value.get("Delegation", {})
    return Policy(
        rules=(_document(value), *(_rule(rule) for rule in value.get("Rules", []))),
        groups={
            name: PolicyGroup(
                name=name, approvers=tuple(group["Approvers"]), delegates=tuple(group.get("Delegates", ()))
            )
            for name, group in value.get("Groups", {}).items()
        },
        delegation_allowed=delegation.get("Allowed", True),
        longest_delegation=timedelta(days=int(delegation.get("LongestDays", 60))),
        person_roles=tuple(
            PersonRole(role=p["Role"], domain=p.get("Domain", "")) for p in value.get("PersonRoles", [])
        ),
        override_roles=tuple(value.get("Override", {}).get("Roles", ())),
        open_on_change=OpenOnChange(value.get("OpenOnChange", OpenOnChange.KEEP)),
        sha256=sha256(canonical(dict(value)).encode()).hexdigest(),
        parameter=parameter,
        version=version,
    )


def _document(value: Mapping[str, Any]) -> PolicyRule:
    """Return the rule that the document's own keys are: a policy forbids everything that it does not allow."""
    keys = {"OpenRequests": False, "SelfApproval": False, "RequestedBy": "required", "MaximumRejections": 1, **value}
    return _rule({**keys, "Name": DOCUMENT})


def _rule(value: Mapping[str, Any]) -> PolicyRule:
    groups = {name: int(number) for name, number in value.get("RequiredGroups", {}).items()}
    return PolicyRule(
        name=value["Name"],
        unless=_condition(value.get("Unless")),
        when=_condition(value.get("When")),
        enforce=Enforce(value.get("Enforce", Enforce.REFUSE)),
        approvers=tuple(value["Approvers"]) if "Approvers" in value else None,
        open_requests=value.get("OpenRequests", True),
        self_approval=value.get("SelfApproval", True),
        requester_required=value.get("RequestedBy") == "required",
        minimum_approvals=int(value.get("MinimumApprovals", max(1, sum(groups.values())))),
        maximum_rejections=int(value["MaximumRejections"]) if "MaximumRejections" in value else None,
        required_groups=groups,
        severity=Severity(value["Severity"]) if "Severity" in value else None,
        comments={Action(key.lower()): Presence(presence) for key, presence in value.get("Comment", {}).items()},
        longest=int(value["LongestMinutes"]) * _MINUTE if "LongestMinutes" in value else None,
        on_timeout=OnTimeout(value["OnTimeout"]) if "OnTimeout" in value else None,
        channel=value.get("Channel"),
    )


def _condition(value: Mapping[str, Any] | None) -> Condition | None:
    if value is None:
        return None

    def values(key: str) -> dict[str, tuple[Scalar, ...]]:
        return {name: tuple(listed) for name, listed in value.get(key, {}).items()}

    return Condition(facts=values("Facts"), context=values("Context"), workflow=tuple(value.get("Workflow", ())))
