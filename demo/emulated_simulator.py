"""IAM's policy simulator, as far as the product asks it. The emulator's own looks at one resource and at no conditions.

It is strict: what it does not model is refused and not left out, and so is a principal that does not exist. Like
`emulated_iam`, it imports nothing of the product, and the emulator only to install itself there.

Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

ACTION = re.compile(r"[a-z0-9-]+:[A-Za-z]+")
"""An action. The simulator takes no wildcards."""

ARN = re.compile(r"\*|arn:[^:]+:[^:]+:[^:]*:[^:]*:.+")
ROLE = re.compile(r"arn:[^:]+:iam::(\d{12}):role/(?:.*/)?([^/]+)")
_INDEXED = re.compile(r"(ActionNames|ResourceArns)\.member\.(\d+)")
_ENTRY = re.compile(r"ContextEntries\.member\.(\d+)\.(ContextKeyName|ContextKeyType|ContextKeyValues\.member\.\d+)")
_PROTOCOL = frozenset({"Action", "Version"})
_DECISIONS = {"Allow": "allowed", "Deny": "explicitDeny", "ImplicitDeny": "implicitDeny"}


class InvalidInputError(Exception):
    """IAM would refuse this input, or this stand-in does not model it."""


@dataclass(frozen=True, slots=True)
class Simulation:
    """A simulation: every action on every resource, with the same condition keys."""

    account: str
    role: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    keys: Mapping[str, str | list[str]]


def parsed(parameters: Mapping[str, Any]) -> Simulation:
    """Parse the parameters of a call, as the Query protocol numbers them. Raise `InvalidInputError`."""
    flat = {name: value[0] if isinstance(value, list) else value for name, value in parameters.items()}
    lists: dict[str, dict[int, str]] = {"ActionNames": {}, "ResourceArns": {}}
    entries: dict[int, dict[str, str]] = {}
    for name, value in flat.items():
        if member := _INDEXED.fullmatch(name):
            lists[member[1]][int(member[2])] = value
        elif entry := _ENTRY.fullmatch(name):
            entries.setdefault(int(entry[1]), {})[entry[2]] = value
        elif name not in _PROTOCOL | {"PolicySourceArn"}:
            raise InvalidInputError(f"{name} is not modelled here")
    role = ROLE.fullmatch(flat.get("PolicySourceArn", ""))
    if not role:
        raise InvalidInputError("PolicySourceArn: expected the ARN of a role")
    actions = _each(lists["ActionNames"], ACTION, "ActionNames")
    if not actions:
        raise InvalidInputError("ActionNames: expected at least one")
    resources = _each(lists["ResourceArns"], ARN, "ResourceArns") or ("*",)
    return Simulation(role[1], role[2], actions, resources, dict(map(_key, entries.values())))


def _each(found: Mapping[int, str], form: re.Pattern[str], name: str) -> tuple[str, ...]:
    """Return the members of a list in their order. Raise `InvalidInputError` for one of another form."""
    for value in found.values():
        if not form.fullmatch(value):
            raise InvalidInputError(f"{name}: {value!r} is not of the form that IAM takes")
    return tuple(value for _, value in sorted(found.items()))


def _key(entry: Mapping[str, str]) -> tuple[str, str | list[str]]:
    values = [value for name, value in entry.items() if name.startswith("ContextKeyValues")]
    name, kind = entry.get("ContextKeyName", ""), entry.get("ContextKeyType")
    if not name or kind not in ("string", "stringList") or not values or (kind == "string" and len(values) > 1):
        raise InvalidInputError(f"ContextEntries: {name or 'an entry'} of type {kind} has {len(values)} values")
    return name.lower(), values if kind == "stringList" else values[0]


def install() -> None:
    """Make the emulator's IAM answer with this simulator."""
    from ministack.core import iam_evaluator  # type: ignore[import-not-found]  # noqa: PLC0415
    from ministack.core.responses import get_account_id, get_region  # type: ignore[import-not-found]  # noqa: PLC0415
    from ministack.services import iam  # type: ignore[import-not-found]  # noqa: PLC0415

    def decision(asked: Simulation, action: str, resource: str) -> str:
        evaluated = iam_evaluator.EvalContext(
            principal_arn=f"arn:aws:iam::{asked.account}:role/{asked.role}",
            principal_type="AssumedRole",
            principal_account=asked.account,
            action=action,
            resource_arn=resource,
            region=get_region(),
            service_context=dict(asked.keys),
        )
        policies = iam_evaluator._gather_role_policies(asked.role, asked.account)  # noqa: SLF001 it has no other way
        limits = iam_evaluator._permissions_boundary(iam._roles, asked.role, asked.account)  # noqa: SLF001
        return _DECISIONS[iam_evaluator.evaluate(evaluated, policies, *limits).decision]

    def simulate(parameters: Mapping[str, Any]) -> Any:
        try:
            asked = parsed(parameters)
        except InvalidInputError as error:
            return iam._error(400, "InvalidInput", str(error), ns="iam")  # noqa: SLF001
        if asked.account != get_account_id() or asked.role not in iam._roles:  # noqa: SLF001
            return iam._error(404, "NoSuchEntity", f"There is no role {asked.role}.", ns="iam")  # noqa: SLF001
        results = "".join(
            _result(action, resource, decision(asked, action, resource))
            for action in asked.actions
            for resource in asked.resources
        )
        answer = f"<EvaluationResults>{results}</EvaluationResults><IsTruncated>false</IsTruncated>"
        wrapped = f"<SimulatePrincipalPolicyResult>{answer}</SimulatePrincipalPolicyResult>"
        return iam._xml(200, "SimulatePrincipalPolicyResponse", wrapped, ns="iam")  # noqa: SLF001

    iam._IAM_HANDLERS["SimulatePrincipalPolicy"] = simulate  # noqa: SLF001


def _result(action: str, resource: str, decision: str) -> str:
    return (
        f"<member><EvalActionName>{escape(action)}</EvalActionName>"
        f"<EvalResourceName>{escape(resource)}</EvalResourceName>"
        f"<EvalDecision>{decision}</EvalDecision>"
        "<MatchedStatements></MatchedStatements><MissingContextValues></MissingContextValues></member>"
    )
