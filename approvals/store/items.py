"""Approvals as items of the table. `Any` ends here: everything that leaves this module is typed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from zlib import crc32

from approvals.domain.grants import Spend
from approvals.domain.limits import MAX_TIMEOUT_MINUTES
from approvals.domain.model import (
    Approval,
    Decision,
    Delivery,
    Extension,
    Json,
    Refusal,
    Request,
    Response,
    Status,
    iso,
)
from approvals.domain.nesting import MAX_READABLE_DEPTH, deeper_than
from approvals.domain.parts import Moment, Part, Text, text
from approvals.domain.people import People
from approvals.domain.pinned_policy import PinnedPolicy
from approvals.domain.previous import Previous
from approvals.domain.replies import DeferredReply, ReplyKind
from approvals.domain.schedule import next_due
from approvals.domain.workflow import Workflow
from approvals.requests.codec import read, write
from approvals.store import legacy
from approvals.store.records import from_item, moment, to_item

Item = dict[str, Any]
T = TypeVar("T")

RETENTION = timedelta(days=400)
"""How long a record is kept after the latest deadline that it can have: auditors ask a year later."""

NOTIFY_GRACE = timedelta(minutes=5)
"""After this the scheduler checks that a request was announced."""

RESUME_GRACE = timedelta(minutes=2)
"""After this the scheduler checks that a decision has reached the workflow, and again as often."""

DUE_SHARDS = 8
"""The index's partitions: one takes about 1,000 writes a second."""

LISTED_SHARDS = 8
"""The partitions of each month in the index by time of request: one takes about 1,000 writes a second."""

READABLE = (
    "id",
    "status",
    "version",
    "link_key",
    "request",
    "workflow",
    "requested_at",
    "deadline",
    "people",
    "responses",
    "refusals",
    "extensions",
    "reminded",
    "escalated_at",
    "decision",
    "steps",
    "deliveries",
    *legacy.DELIVERIES,
    "published",
    "previous",
    "spends",
)
"""The attributes to read of a record. Before 0.2 it also had the task token, which IAM lets only `decision` read."""

LISTED = tuple(name for name in READABLE if name != "link_key")
"""The attributes to read where no link is made or checked: the key allows a response in any recipient's name."""

SPENDABLE = (*LISTED, "grant_hash")
"""The attributes to read where a grant is spent."""

REQUEST_WITHOUT_CONTEXT = (
    *("asked", legacy.ASKED_WITH_ACTION, legacy.ASKED_IN_GROUPS, "digest", "policy"),
    *legacy.ASKED,
)
"""The parts of a request that a list reads."""


def month(moment: datetime) -> str:
    """Return the month in UTC, as the index by time of request has it: `2026-11`."""
    return moment.astimezone(UTC).strftime("%Y-%m")


def changeable_to_item(approval: Approval) -> Item:
    """Return what an event may change. IAM lets the internet-facing functions write no more than this."""
    due = approval.decision.at + RESUME_GRACE if approval.decision else next_due(approval)
    return {
        "status": approval.status.value,
        "version": approval.version,
        "deadline": iso(approval.deadline),
        "responses": [to_item(response) for response in approval.responses],
        "refusals": [to_item(refusal) for refusal in approval.refusals],
        "extensions": [to_item(extension) for extension in approval.extensions],
        "reminded": approval.reminded,
        "escalated_at": iso(approval.escalated_at) if approval.escalated_at else None,
        "decision": to_item(approval.decision) if approval.decision else None,
        "due_at": iso(due),
        "news": "no" if approval.decision else "yes",
    }


def asked_again_to_item(approval: Approval) -> Item:
    """Return what changes with the rules of an approval that is asked again. Only the scheduler writes it."""
    found = {
        **changeable_to_item(approval),
        "request": _request_to_item(approval.request),
        "people": people_to_item(approval.people) if approval.people else None,
    }
    if approval.decision is None:
        found["due_at"] = iso(min(next_due(approval), approval.last_asked + NOTIFY_GRACE))
    return found


def approval_to_item(approval: Approval) -> Item:
    """Return the item of a new approval."""
    return {
        **changeable_to_item(approval),
        "id": approval.id,
        "link_key": approval.link_key,
        "request": _request_to_item(approval.request),
        "workflow": to_item(approval.workflow),
        "requested_at": iso(approval.requested_at),
        "people": people_to_item(approval.people) if approval.people else None,
        "steps": {str(step): iso(at) for step, at in approval.steps.items()},
        "deliveries": [delivery_to_item(delivery) for delivery in approval.deliveries],
        **legacy.deliveries_beside(approval.deliveries),
        **(_grant_to_item(approval) if approval.request.grant else {}),
        **({"previous": previous_to_item(approval.previous)} if approval.previous else {}),
        "due_shard": str(crc32(approval.id.encode()) % DUE_SHARDS),
        "due_at": iso(min(next_due(approval), approval.requested_at + NOTIFY_GRACE)),
        "news": "no",
        "waiting": approval.workflow.execution_arn,
        "requested_shard": f"{month(approval.requested_at)}#{crc32(approval.id.encode()) % LISTED_SHARDS}",
        # It never changes: a response may move the deadline, and must not be able to delete the record.
        "expires_at": int((approval.requested_at + timedelta(minutes=MAX_TIMEOUT_MINUTES) + RETENTION).timestamp()),
    }


def approval_from_item(item: Item, *, listed: bool = False) -> Approval:
    """Return the approval in an item, without its link key if that was not read.

    `listed` says that the context was not read either.
    """
    item = legacy.current(item)
    decision, people = item.get("decision"), item.get("people")
    return Approval(
        id=item["id"],
        status=Status(item["status"]),
        version=int(item["version"]),
        link_key=bytes(item.get("link_key", b"")),
        request=_request_from_item(item["request"], listed=listed),
        workflow=from_item(Workflow, item["workflow"]),
        requested_at=moment(item["requested_at"]),
        deadline=moment(item["deadline"]),
        people=from_item(People, people) if people else None,
        responses=_all(Response, item["responses"]),
        refusals=_all(Refusal, item["refusals"]),
        extensions=_all(Extension, item["extensions"]),
        reminded=int(item["reminded"]),
        escalated_at=moment(item["escalated_at"]) if item["escalated_at"] else None,
        decision=from_item(Decision, decision) if decision else None,
        steps={step: moment(at) for step, at in item["steps"].items()},
        deliveries=_all(Delivery, item["deliveries"]),
        published=frozenset(item.get("published", ())),
        grant_hash=item.get("grant_hash", ""),
        spends={key: from_item(Spend, spend) for key, spend in item.get("spends", {}).items()},
        previous=from_item(Previous, item["previous"]) if item.get("previous") else None,
    )


def _grant_to_item(approval: Approval) -> Item:
    spends = {key: to_item(spend) for key, spend in approval.spends.items()}
    return {"grant_hash": approval.grant_hash, "spends": spends, "spend_parity": parity(len(spends))}


def parity(uses: int) -> str:
    """Return what changes with every use: the stream's filter finds uses by it, which can't compare numbers."""
    return "odd" if uses % 2 else "even"


def _all(kind: type[T], items: Iterable[Item]) -> tuple[T, ...]:
    return tuple(from_item(kind, each) for each in items)


def _request_to_item(request: Request) -> Item:
    # JSON text: DynamoDB's numbers would change 1.0 to 1, and refuse what JSON allows.
    return {
        legacy.name_of_asked(request): json.dumps(write(request), ensure_ascii=False),
        "context": json.dumps(dict(request.whole_context), ensure_ascii=False),
        "digest": request.digest,
        **({"policy": to_item(request.policy)} if request.policy else {}),
    }


def _request_from_item(item: Item, *, listed: bool) -> Request:
    context = None if listed else _object(item["context"])
    request = read(_object(item["asked"]), default_timeout=timedelta(), context=context, digest=item["digest"])
    return replace(request, policy=from_item(PinnedPolicy, item["policy"])) if item.get("policy") else request


def _object(text: str) -> dict[str, Json]:
    found = json.loads(text)
    if not isinstance(found, dict) or deeper_than(found, MAX_READABLE_DEPTH):
        raise ValueError("not an object, or nested too deep")
    return found


def people_to_item(people: People) -> Item:
    """Return the attribute that holds the resolved identities."""
    return legacy.people_beside(to_item(people))


def previous_to_item(previous: Previous) -> Item:
    """Return the attribute that holds the comparison with the last approved request of the subject."""
    return to_item(previous)


def delivery_to_item(delivery: Delivery) -> Item:
    """Return the attributes of a message that can be edited."""
    return {name: value for name, value in to_item(delivery).items() if value}


def reply_to_item(reply: DeferredReply, at: datetime) -> Item:
    """Return the attributes of a deferred reply that is left now. Its key names the user."""
    return {
        "kind": reply.kind.value,
        "channel": reply.channel,
        "text": str(reply.text),
        "parts": [_part_to_item(part) for part in reply.text.parts] if isinstance(reply.text, Text) else None,
        "workspace": reply.workspace,
        "response_url": reply.response_url,
        "left_at": iso(at),
    }


def reply_from_item(reply_id: str, user: str, item: Item) -> DeferredReply:
    """Return the reply in an item, to the user that its key names."""
    return DeferredReply(
        id=reply_id,
        user=user,
        kind=ReplyKind(item["kind"]),
        channel=item["channel"],
        text=text(*map(_part_from_item, item["parts"])) if item.get("parts") else item["text"],
        workspace=item["workspace"],
        response_url=item["response_url"],
        left_at=moment(item["left_at"]),
    )


def _part_to_item(part: Part) -> Item | str:
    return {"at": iso(part.at), "lead": part.lead} if isinstance(part, Moment) else str(part)


def _part_from_item(part: Item | str) -> Part:
    return part if isinstance(part, str) else Moment(moment(part["at"]), part["lead"])
