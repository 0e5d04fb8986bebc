"""IAM boundaries: what each function's role may do and must not, by IAM's policy simulator.

The simulator judges the policies of the role as they are now, with its permissions boundary and the organization's
policies. It takes no policy of the topic for a role, so what that one denies besides is not in it.
Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from approvals.store.items import LISTED, READABLE, SPENDABLE
from cli.context import Context
from cli.doctor.fixes import aws
from cli.verify.proofs import Chapter, Proof, failed, ok

if TYPE_CHECKING:
    from mypy_boto3_iam.type_defs import ContextEntryTypeDef

PUBLISHERS = ("NotifyFunction", "DecisionFunction", "DigestFunction")

RESPONSE = (
    "id",
    "status",
    "version",
    "deadline",
    "responses",
    "refusals",
    "extensions",
    "reminded",
    "escalated_at",
    "decision",
    "due_at",
    "news",
    "waiting",
)
"""The attributes that a response writes."""

SPEND = ("id", "spends", "spend_parity")
"""The attributes that the use of a grant writes."""

CALLED_BY_OTHERS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "CallbackFunction": (READABLE, RESPONSE),
    "BotFunction": (LISTED, RESPONSE),
    "AnswerFunction": (LISTED, RESPONSE),
    "SpendFunction": (SPENDABLE, SPEND),
}
"""The functions that others than the stack call, and what each reads and writes of a record."""

FUNCTIONS = ("RequestFunction", *PUBLISHERS, "LifecycleFunction", *CALLED_BY_OTHERS)

_RESUME = ("states:SendTaskSuccess", "states:SendTaskFailure")
_LISTS = ("dynamodb:Scan", "dynamodb:Query", "dynamodb:BatchGetItem")
_WRITES = ("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem")

Keys = Mapping[str, str | Sequence[str]]
"""Condition keys of a call. A sequence is a key with several values."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Calls that a role has to be able to make, or must not, on one resource. `what` completes "it can"."""

    what: str
    actions: tuple[str, ...]
    resource: str
    keys: Keys
    allowed: bool


@dataclass(frozen=True, slots=True)
class Names:
    """The ARNs of the stack's resources that probes name."""

    table: str
    tokens: str
    replies: str
    topic: str
    secret: str


def check_boundaries(context: Context) -> Iterator[tuple[str, Chapter]]:
    """Yield for each function the name of its proof and the chapter that gives it."""
    for function in FUNCTIONS:
        name = f"permissions of {function.removesuffix('Function').lower()}"
        yield name, partial(_check_role, context, function, name)


def _check_role(context: Context, function: str, name: str) -> Iterator[Proof]:
    role = role_of(context, function)
    wrong, tried = [], 0
    for probe in probes(function, names_of(context)):
        decisions = simulate(context, role, probe)
        tried += len(decisions)
        wrong += [_fault(probe, action) for action in probe.actions if decisions.get(action) is not probe.allowed]
    if not wrong:
        yield ok(name, f"{tried} calls simulated: the role allows those that its work needs, and denies all others")
        return
    list_policies = [
        aws(context, "iam", f"list-{kind}", "--role-name", role.rpartition("/")[2])
        for kind in ("role-policies", "attached-role-policies")
    ]
    where = "Compare the policies of the role with template.yaml, and undo what was changed:"
    yield failed(name, f"{function}'s role {'; '.join(wrong)}", "\n".join([where, *list_policies]))


def _fault(probe: Probe, action: str) -> str:
    if probe.allowed:
        return f"lacks {action}, so it can't {probe.what}"
    return f"has {action}, so it can {probe.what}"


def role_of(context: Context, function: str) -> str:
    """Return the ARN of a function's role. `function` is a logical ID."""
    found = context.resource(function)
    arn = found.id if found else function
    return context.client("lambda").get_function(FunctionName=arn)["Configuration"]["Role"]


def names_of(context: Context) -> Names:
    """Return the ARNs of the stack's resources."""
    topic = context.output("ApprovalTopicArn")
    partition, _, region, account = topic.split(":")[1:5]

    def table(logical_id: str) -> str:
        found = context.resource(logical_id)
        return f"arn:{partition}:dynamodb:{region}:{account}:table/{found.id if found else logical_id}"

    secret = context.output("SlackSecretArn")
    return Names(table("ApprovalTable"), table("TaskTokenTable"), table("SlackReplyTable"), topic, secret)


def simulate(context: Context, role: str, probe: Probe) -> dict[str, bool]:
    """Return for each action of a probe whether the role may do it. Raises what boto3 raises."""
    pages = (
        context.client("iam")
        .get_paginator("simulate_principal_policy")
        .paginate(
            PolicySourceArn=role,
            ActionNames=list(probe.actions),
            ResourceArns=[probe.resource],
            ContextEntries=[_entry(name, value) for name, value in probe.keys.items()],
        )
    )
    return {
        result["EvalActionName"]: result["EvalDecision"] == "allowed"
        for page in pages
        for result in page["EvaluationResults"]
    }


def _entry(name: str, value: str | Sequence[str]) -> ContextEntryTypeDef:
    if isinstance(value, str):
        return {"ContextKeyName": name, "ContextKeyValues": [value], "ContextKeyType": "string"}
    return {"ContextKeyName": name, "ContextKeyValues": list(value), "ContextKeyType": "stringList"}


def probes(function: str, names: Names) -> Iterator[Probe]:
    """Yield what a function has to be able to do, and what it must not."""
    yield from _resuming(function)
    yield from _publishing(function, names)
    yield from _task_tokens(function, names)
    if function in CALLED_BY_OTHERS:
        yield from _called_by_others(function, names)


def _resuming(function: str) -> Iterator[Probe]:
    """`decision` alone resumes workflows; `request` can only fail the task whose request is not valid."""
    may = {"DecisionFunction": _RESUME, "RequestFunction": ("states:SendTaskFailure",)}.get(function, ())
    if may:
        yield _may("end the task that waits", may, "*")
    never = tuple(action for action in (*_RESUME, "states:SendTaskHeartbeat") if action not in may)
    yield _never("end a task that waits", never, "*")


def _publishing(function: str, names: Names) -> Iterator[Probe]:
    probe = _may if function in PUBLISHERS else _never
    yield probe("send emails through the topic", ("sns:Publish",), names.topic)


def _task_tokens(function: str, names: Names) -> Iterator[Probe]:
    """`request` writes the task token and `decision` reads it; no other function reaches it."""
    may = {"RequestFunction": ("dynamodb:PutItem",), "DecisionFunction": ("dynamodb:GetItem",)}.get(function, ())
    keys = _reading("id", "task_token")
    if may:
        yield _may("use the table of task tokens", may, names.tokens, keys)
    never = tuple(action for action in ("dynamodb:GetItem", *_LISTS, *_WRITES) if action not in may)
    yield _never("use the table of task tokens", never, names.tokens, keys)
    if function not in ("RequestFunction", "DecisionFunction"):
        old = "read a task token in a record of an earlier version"
        yield _never(old, ("dynamodb:GetItem",), names.table, keys)


def _called_by_others(function: str, names: Names) -> Iterator[Probe]:
    """Functions that others call read and update single records, within a list of attributes."""
    readable, writable = CALLED_BY_OTHERS[function]
    read, update = ("dynamodb:GetItem",), ("dynamodb:UpdateItem",)
    yield _may("read a request", read, names.table, _reading(*readable))
    yield _may("store its own part of a record", update, names.table, _writing(*writable))
    whole = {"dynamodb:Attributes": ["id"], "dynamodb:Select": "ALL_ATTRIBUTES"}
    yield _never("read a whole record", read, names.table, whole)
    other = ("responses", "decision") if writable == SPEND else SPEND[1:]
    for attribute in ("link_key", "request", "people", "workflow", "expires_at", "grant_hash", *other):
        yield _never(f"change {attribute} of a record", update, names.table, _writing("id", attribute))
    returned = _writing(*writable[:2], returned="ALL_NEW")
    yield _never("read a record by changing it", update, names.table, returned)
    yield _never("list records", _LISTS, names.table, _reading("id"))
    for index in ("due", "waiting", "requested"):
        yield _never("list records", _LISTS[:2], f"{names.table}/index/{index}", _reading("id"))
    others = ("dynamodb:PutItem", "dynamodb:DeleteItem")
    yield _never("create or delete a record", others, names.table, _writing("id"))
    yield _never("read replies", (*read, *_LISTS), names.replies, _reading("id"))
    if function != "BotFunction":
        yield _never("read Slack's secret", ("secretsmanager:GetSecretValue",), names.secret)
    if function != "CallbackFunction":
        yield _never("read the link key", read, names.table, _reading("id", "link_key"))


def _may(what: str, actions: tuple[str, ...], resource: str, keys: Keys | None = None) -> Probe:
    return Probe(what, actions, resource, keys or {}, allowed=True)


def _never(what: str, actions: tuple[str, ...], resource: str, keys: Keys | None = None) -> Probe:
    return Probe(what, actions, resource, keys or {}, allowed=False)


def _reading(*attributes: str) -> Keys:
    return {"dynamodb:Attributes": attributes, "dynamodb:Select": "SPECIFIC_ATTRIBUTES"}


def _writing(*attributes: str, returned: str = "NONE") -> Keys:
    return {"dynamodb:Attributes": attributes, "dynamodb:ReturnValues": returned}
