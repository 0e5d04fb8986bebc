"""How an approval looks as an item of the table. `Any` ends here: everything that leaves this module is typed."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from zlib import crc32

from approvals.domain.limits import MAX_TIMEOUT_MINUTES
from approvals.domain.model import (
    Action,
    Approval,
    Approver,
    Decision,
    Extension,
    FormValue,
    Json,
    Note,
    NoteKind,
    People,
    Person,
    Refusal,
    Request,
    Response,
    SlackMessage,
    Status,
    Workflow,
    iso,
)
from approvals.domain.nesting import MAX_READABLE_DEPTH, deeper_than
from approvals.domain.rules import next_due
from approvals.requests.codec import read, write
from approvals.store import legacy

Item = dict[str, Any]

RETENTION = timedelta(days=400)
"""How long a record is kept after the latest deadline that it can have: an auditor asks a year later."""

NOTIFY_GRACE = timedelta(minutes=5)
"""After this the clock makes sure that somebody was told of a request."""

RESUME_GRACE = timedelta(minutes=2)
"""After this the clock makes sure that a decision has reached the workflow, and again as often."""

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
    "slack_message",
    "direct_messages",
    "published",
)
"""What is read of a record. Versions before 0.2 kept the task token in it, too: IAM lets `decision` alone read that."""

LISTED = tuple(name for name in READABLE if name != "link_key")
"""What is read where no link is made or checked: with the key, one could respond in any recipient's name."""

REQUEST_WITHOUT_CONTEXT = ("asked", "digest", *legacy.ASKED)
"""What a list reads of a request."""


def month(moment: datetime) -> str:
    """The month in UTC, as the index by time of request has it: `2026-11`."""
    return moment.astimezone(UTC).strftime("%Y-%m")


def changeable_to_item(approval: Approval) -> Item:
    """What an event may change. IAM lets the internet-facing functions write no more than this."""
    due = approval.decision.at + RESUME_GRACE if approval.decision else next_due(approval)
    return {
        "status": approval.status.value,
        "version": approval.version,
        "deadline": iso(approval.deadline),
        "responses": [_response_to_item(response) for response in approval.responses],
        "refusals": [_refusal_to_item(refusal) for refusal in approval.refusals],
        "extensions": [_extension_to_item(extension) for extension in approval.extensions],
        "reminded": approval.reminded,
        "escalated_at": iso(approval.escalated_at) if approval.escalated_at else None,
        "decision": _decision_to_item(approval.decision) if approval.decision else None,
        "due_at": iso(due),
        "news": "no" if approval.decision else "yes",
    }


def approval_to_item(approval: Approval) -> Item:
    """The item of a new approval."""
    return {
        **changeable_to_item(approval),
        "id": approval.id,
        "link_key": approval.link_key,
        "request": _request_to_item(approval.request),
        "workflow": {
            "execution_arn": approval.workflow.execution_arn,
            "execution_name": approval.workflow.execution_name,
            "state_machine_name": approval.workflow.state_machine_name,
            "state_name": approval.workflow.state_name,
            "entered_at": approval.workflow.entered_at,
            "attempt": approval.workflow.attempt,
        },
        "requested_at": iso(approval.requested_at),
        "people": people_to_item(approval.people) if approval.people else None,
        "steps": {str(step): iso(at) for step, at in approval.steps.items()},
        **({"slack_message": slack_message_to_item(approval.slack_message)} if approval.slack_message else {}),
        "direct_messages": [slack_message_to_item(message) for message in approval.direct_messages],
        "due_shard": str(crc32(approval.id.encode()) % DUE_SHARDS),
        "due_at": iso(min(next_due(approval), approval.requested_at + NOTIFY_GRACE)),
        "news": "no",
        "waiting": approval.workflow.execution_arn,
        "requested_shard": f"{month(approval.requested_at)}#{crc32(approval.id.encode()) % LISTED_SHARDS}",
        # For good: an answer may move the deadline, and must not be able to have the record deleted.
        "expires_at": int((approval.requested_at + timedelta(minutes=MAX_TIMEOUT_MINUTES) + RETENTION).timestamp()),
    }


def approval_from_item(item: Item, *, listed: bool = False) -> Approval:
    """The approval in an item, without its link key where that was not read.

    `listed` says that the context was not read either.
    """
    item = legacy.current(item)
    message, decision, people = item.get("slack_message"), item.get("decision"), item.get("people")
    return Approval(
        id=item["id"],
        status=Status(item["status"]),
        version=int(item["version"]),
        link_key=bytes(item.get("link_key", b"")),
        request=_request_from_item(item["request"], listed=listed),
        workflow=_workflow_from_item(item["workflow"]),
        requested_at=_moment(item["requested_at"]),
        deadline=_moment(item["deadline"]),
        people=_people_from_item(people) if people else None,
        responses=tuple(_response_from_item(response) for response in item["responses"]),
        refusals=tuple(_refusal_from_item(refusal) for refusal in item["refusals"]),
        extensions=tuple(_extension_from_item(extension) for extension in item["extensions"]),
        reminded=int(item["reminded"]),
        escalated_at=_moment(item["escalated_at"]) if item["escalated_at"] else None,
        decision=_decision_from_item(decision) if decision else None,
        steps={step: _moment(at) for step, at in item["steps"].items()},
        slack_message=SlackMessage(**message) if message else None,
        direct_messages=tuple(SlackMessage(**each) for each in item.get("direct_messages", ())),
        published=frozenset(item.get("published", ())),
    )


def _workflow_from_item(item: Item) -> Workflow:
    return Workflow(**{**item, "attempt": int(item["attempt"])})


def _request_to_item(request: Request) -> Item:
    # JSON text: DynamoDB's numbers would change 1.0 to 1, and refuse what JSON allows.
    return {
        "asked": json.dumps(write(request), ensure_ascii=False),
        "context": json.dumps(dict(request.whole_context), ensure_ascii=False),
        "digest": request.digest,
    }


def _request_from_item(item: Item, *, listed: bool) -> Request:
    context = None if listed else _object(item["context"])
    return read(_object(item["asked"]), default_timeout=timedelta(), context=context, digest=item["digest"])


def _object(text: str) -> dict[str, Json]:
    found = json.loads(text)
    if not isinstance(found, dict) or deeper_than(found, MAX_READABLE_DEPTH):
        raise ValueError("not an object, or nested too deep")
    return found


def people_to_item(people: People) -> Item:
    """The attribute that says who is who."""
    return {
        "approvers": [asdict(person) for person in people.approvers],
        "escalation": [asdict(person) for person in people.escalation],
        "requester": asdict(people.requester) if people.requester else None,
        "known": [],  # for a function of an earlier version, which still runs while a new one is deployed
        "complete": people.complete,
    }


def _people_from_item(item: Item) -> People:
    return People(
        approvers=tuple(Person(**person) for person in item["approvers"]),
        escalation=tuple(Person(**person) for person in item["escalation"]),
        requester=Person(**item["requester"]) if item["requester"] else None,
        complete=item["complete"],
    )


def _response_to_item(response: Response) -> Item:
    return {
        "approver": _approver_to_item(response.approver),
        "action": response.action.value,
        "at": iso(response.at),
        "comment": response.comment,
        "form": json.dumps(dict(response.form), ensure_ascii=False),
        "person": response.person,
        "withdrawn_at": iso(response.withdrawn_at) if response.withdrawn_at else None,
        "key": response.key,
        "withdrawal_key": response.withdrawal_key,
    }


def _response_from_item(item: Item) -> Response:
    return Response(
        approver=_approver_from_item(item["approver"]),
        action=Action(item["action"]),
        at=_moment(item["at"]),
        comment=item["comment"],
        form=cast("dict[str, FormValue]", json.loads(item["form"])),
        person=item["person"],
        withdrawn_at=_moment(item["withdrawn_at"]) if item["withdrawn_at"] else None,
        key=item.get("key", ""),
        withdrawal_key=item.get("withdrawal_key", ""),
    )


def _refusal_to_item(refusal: Refusal) -> Item:
    return {
        "approver": _approver_to_item(refusal.approver),
        "action": refusal.action.value,
        "at": iso(refusal.at),
        "reason": refusal.reason,
    }


def _refusal_from_item(item: Item) -> Refusal:
    return Refusal(
        approver=_approver_from_item(item["approver"]),
        action=Action(item["action"]),
        at=_moment(item["at"]),
        reason=item["reason"],
    )


def _extension_to_item(extension: Extension) -> Item:
    return {
        "approver": _approver_to_item(extension.approver),
        "at": iso(extension.at),
        "deadline": iso(extension.deadline),
        "key": extension.key,
    }


def _extension_from_item(item: Item) -> Extension:
    return Extension(
        approver=_approver_from_item(item["approver"]),
        at=_moment(item["at"]),
        deadline=_moment(item["deadline"]),
        key=item.get("key", ""),
    )


def _decision_to_item(decision: Decision) -> Item:
    return {
        "status": decision.status.value,
        "at": iso(decision.at),
        "channel": decision.channel,
        "approver": _approver_to_item(decision.approver) if decision.approver else None,
        "comment": decision.comment,
        "error": decision.error,
        "cause": decision.cause,
        "superseded_by": decision.superseded_by,
    }


def _decision_from_item(item: Item) -> Decision:
    decision = Decision(
        status=Status(item["status"]),
        at=_moment(item["at"]),
        channel=item["channel"],
        comment=item["comment"],
        error=item["error"],
        cause=item["cause"],
        superseded_by=item["superseded_by"],
    )
    return replace(decision, approver=_approver_from_item(item["approver"])) if item["approver"] else decision


def _approver_to_item(approver: Approver) -> Item:
    return {
        "id": approver.id,
        "name": approver.name,
        "channel": approver.channel,
        "workspace": approver.workspace,
    }


def _approver_from_item(item: Item) -> Approver:
    return Approver(id=item["id"], name=item["name"], channel=item["channel"], workspace=item["workspace"])


def slack_message_to_item(message: SlackMessage) -> Item:
    """Where a Slack message stands."""
    item = {"channel": message.channel, "ts": message.ts, "workspace": message.workspace}
    return item | {"user": message.user} if message.user else item


def note_to_item(note: Note, at: datetime) -> Item:
    """The attributes of a deferred Slack reply that is left now. Its key names the user."""
    return {
        "kind": note.kind.value,
        "channel": note.channel,
        "text": note.text,
        "workspace": note.workspace,
        "response_url": note.response_url,
        "left_at": iso(at),
    }


def note_from_item(note_id: str, user: str, item: Item) -> Note:
    """The reply in an item, to the user that its key names."""
    return Note(
        id=note_id,
        user=user,
        kind=NoteKind(item["kind"]),
        channel=item["channel"],
        text=item["text"],
        workspace=item["workspace"],
        response_url=item["response_url"],
        left_at=_moment(item["left_at"]),
    )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment without its time zone")
    return moment
