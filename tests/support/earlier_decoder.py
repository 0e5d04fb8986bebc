"""How the version before deliveries and identities reads a record, frozen: it runs while a new one is deployed.

Copied from commit e46a2c1, without what interprets a request. Delete it with the functions `..._beside` of
approvals/store/legacy.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    execution_arn: str
    execution_name: str
    state_machine_name: str
    state_name: str
    entered_at: str = ""
    attempt: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Approver:
    id: str
    name: str
    channel: str
    workspace: str = ""
    member: bool | None = field(default=None, compare=False, metadata={"stored": False})


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    id: str
    name: str
    email: str = ""
    slack_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    approvers: tuple[Person, ...] = ()
    escalation: tuple[Person, ...] = ()
    requester: Person | None = None
    complete: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    approver: Approver
    action: str
    at: datetime
    comment: str | None = None
    form: Mapping[str, Any] = field(default_factory=dict)
    person: str = ""
    withdrawn_at: datetime | None = None
    key: str = ""
    withdrawal_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    approver: Approver
    action: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    approver: Approver
    at: datetime
    deadline: datetime
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    status: str
    at: datetime
    channel: str
    approver: Approver | None = None
    comment: str | None = None
    error: str | None = None
    cause: str | None = None
    superseded_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackMessage:
    channel: str
    ts: str
    workspace: str
    user: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    id: str
    version: int
    workflow: Workflow
    requested_at: datetime
    deadline: datetime
    people: People | None
    responses: tuple[Response, ...]
    refusals: tuple[Refusal, ...]
    extensions: tuple[Extension, ...]
    reminded: int
    escalated_at: datetime | None
    decision: Decision | None
    steps: Mapping[str, datetime]
    slack_message: SlackMessage | None
    direct_messages: tuple[SlackMessage, ...]
    published: frozenset[str]


def approval_from_item(item: Mapping[str, Any]) -> Approval:
    message, decision, people = item.get("slack_message"), item.get("decision"), item.get("people")
    return Approval(
        id=item["id"],
        version=int(item["version"]),
        workflow=from_item(Workflow, item["workflow"]),
        requested_at=datetime.fromisoformat(item["requested_at"]),
        deadline=datetime.fromisoformat(item["deadline"]),
        people=from_item(People, people) if people else None,
        responses=tuple(from_item(Response, each) for each in item["responses"]),
        refusals=tuple(from_item(Refusal, each) for each in item["refusals"]),
        extensions=tuple(from_item(Extension, each) for each in item["extensions"]),
        reminded=int(item["reminded"]),
        escalated_at=datetime.fromisoformat(item["escalated_at"]) if item["escalated_at"] else None,
        decision=from_item(Decision, decision) if decision else None,
        steps={step: datetime.fromisoformat(at) for step, at in item["steps"].items()},
        slack_message=from_item(SlackMessage, message) if message else None,
        direct_messages=tuple(from_item(SlackMessage, each) for each in item.get("direct_messages", ())),
        published=frozenset(item.get("published", ())),
    )


def from_item(kind: type[T], item: Mapping[str, Any]) -> T:
    hints = get_type_hints(kind)
    stored = {each.name for each in fields(kind) if each.metadata.get("stored", True)}  # type: ignore[arg-type]
    return kind(**{name: _read(hints[name], value) for name, value in item.items() if name in stored})


def _read(hint: Any, value: Any) -> Any:
    if NoneType in get_args(hint):
        return None if value is None else _read(get_args(hint)[0], value)
    if get_origin(hint) is tuple:
        return tuple(_read(get_args(hint)[0], each) for each in value)
    if get_origin(hint) is Mapping:
        return json.loads(value)
    if hint is datetime:
        return datetime.fromisoformat(value)
    if isinstance(hint, type) and is_dataclass(hint):
        return from_item(hint, value)
    return value
