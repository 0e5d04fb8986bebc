"""Events on EventBridge: one for each thing that happened to an approval. `events.schema.json` describes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from approvals.domain import wording
from approvals.domain.form_changes import form_of, reset_cause
from approvals.domain.history import Entry, Kind, history
from approvals.domain.model import Approval, Json, Status, iso, shorten
from approvals.domain.people import Approver, People
from approvals.domain.policy_changes import voided
from approvals.domain.policy_wording import version_document
from approvals.domain.result import groups, override, under_policy
from approvals.domain.spending import in_order

SOURCE = "human-approval"

MAX_CAUSE = 1000
"""Characters of a cause in an event: the person who stops an execution writes it, and an event has 256 KB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event. `mark` is stored in the record once it is published; `detail` is JSON, in PascalCase."""

    mark: str
    kind: Kind
    at: datetime
    detail: Mapping[str, Json]


def owed(approval: Approval, stack: str) -> tuple[Event, ...]:
    """Return the events that are not published yet, in order of time. `stack` is the stack's name.

    An event that is published again has the same `Id`.
    """
    return tuple(event for event in events(approval, stack) if event.mark not in approval.published)


def events(approval: Approval, stack: str) -> Iterator[Event]:
    """Yield an event for every entry of the history."""
    status = Status.PENDING
    for entry in history(approval):
        if entry.kind is Kind.DECIDED:
            status = approval.status
        detail = {**_common(approval, entry, status, stack), **_OWN[entry.kind](approval, entry)}
        yield Event(mark=_mark(entry.key), kind=entry.kind, at=entry.at, detail=detail)


def _mark(key: str) -> str:
    """Return the entry's key, short: a hundred addresses would fill the record, which has 400 KB at most."""
    step, colon, recipient = key.partition(":")
    return f"{step}:{sha256(recipient.encode()).hexdigest()[:16]}" if colon else key


def _common(approval: Approval, entry: Entry, status: Status, stack: str) -> dict[str, Json]:
    return {
        "Id": f"{approval.id}/{entry.key}",
        "Stack": stack,
        "ApprovalId": approval.id,
        "ExecutionArn": approval.workflow.execution_arn,
        "StateMachine": approval.workflow.state_machine_name,
        "Title": approval.title,
        "RequestedBy": approval.request.requested_by,
        "Status": status.value,
        "At": iso(entry.at),
    }


def _requested(approval: Approval, _entry: Entry) -> dict[str, Json]:
    request = approval.request
    return {
        "Approvers": list(request.approvers),
        "Groups": [
            {"Name": group.name, "Required": group.required, "Approvers": list(group.approvers)}
            for group in request.groups
        ],
        "Severity": request.severity.value,
        "Deadline": iso(approval.requested_at + request.timeout),  # the original one: extensions move it
        "Digest": request.digest,
        **under_policy(request),
    }


def _told(_approval: Approval, entry: Entry) -> dict[str, Json]:
    kind = entry.key.partition(":")[0]
    return {"To": entry.to, "Channel": kind.rpartition("_")[2]}


def _responded(approval: Approval, entry: Entry) -> dict[str, Json]:
    response = approval.responses[_number(entry) - 1]
    form: Json = dict(form_of(approval, response))
    replaced: Json = None if response.replaced is None else dict(response.replaced)
    return {**_withdrawn(approval, entry), "Comment": entry.comment, "Form": form, "Replaced": replaced}


def _withdrawn(approval: Approval, entry: Entry) -> dict[str, Json]:
    response = approval.responses[_number(entry) - 1]
    seat: dict[str, Json] = {"For": response.on_behalf_of} if response.on_behalf_of else {}
    if entry.kind is Kind.WITHDRAWN and response.withdrawn_by:
        seat["WithdrawnBy"] = response.withdrawn_by
    return {**_who(response.approver), **seat, "Number": _number(entry), "Response": response.action.status.value}


def _delegated(approval: Approval, entry: Entry) -> dict[str, Json]:
    delegation = (approval.people or People()).delegations[_number(entry) - 1]
    return {
        "Delegate": delegation.delegate.id,
        "For": delegation.owner,
        "Until": iso(delegation.until),
        "SetBy": delegation.set_by,
        "How": delegation.kind.value,
    }


def _added(approval: Approval, entry: Entry) -> dict[str, Json]:
    added = (approval.people or People()).on_call[_number(entry) - 1]
    return {"Approver": added.person, "Group": added.group}


def _reset(approval: Approval, entry: Entry) -> dict[str, Json]:
    response = approval.responses[_number(entry) - 1]
    cause = reset_cause(approval, response)
    by = _who(cause.approver) if cause else {}
    return {**by, "Number": _number(entry), "Response": response.action.status.value, "Of": response.approver.id}


def _asked_again(approval: Approval, entry: Entry) -> dict[str, Json]:
    change = approval.asked_again[_number(entry) - 1]
    return {
        "From": version_document(change.before),
        "To": version_document(change.after),
        "Void": [response.approver.id for response in voided(approval, change)],
    }


def _refused(approval: Approval, entry: Entry) -> dict[str, Json]:
    refusal = approval.refusals[_number(entry) - 1]
    said: dict[str, Json] = {"Response": refusal.action.status.value, "Reason": refusal.reason}
    return {**_who(refusal.approver), **said, **({"Override": True} if refusal.is_override else {})}


def _extended(approval: Approval, entry: Entry) -> dict[str, Json]:
    extension = approval.extensions[_number(entry) - 1]
    return {**_who(extension.approver), "Deadline": iso(extension.deadline)}


def _reminded(_approval: Approval, entry: Entry) -> dict[str, Json]:
    return {"Number": _number(entry)}


def _escalated(approval: Approval, _entry: Entry) -> dict[str, Json]:
    return {"To": list(approval.request.escalate_to)}


def _decided(approval: Approval, _entry: Entry) -> dict[str, Json]:
    decision = wording.decision_of(approval)
    return {
        "DecidedBy": decision.approver.id if decision.approver else None,
        "Channel": decision.channel,
        "Comment": decision.comment,
        "CancelledBy": decision.cancelled_by,
        "Error": decision.error,
        "Cause": shorten(decision.cause, MAX_CAUSE) if decision.cause else None,
        "SupersededBy": decision.superseded_by,
        "Groups": [*groups(approval)],
        **under_policy(approval.request),
        **({"Override": found} if (found := override(approval)) else {}),
    }


def _spent(approval: Approval, entry: Entry) -> dict[str, Json]:
    spend = in_order(approval.spends.values())[_number(entry) - 1]
    uses = approval.request.grant.uses if approval.request.grant else None
    return {"SpentBy": spend.by, "SpentAt": iso(spend.at), "Use": spend.use, "Uses": uses}


def _nothing(_approval: Approval, _entry: Entry) -> dict[str, Json]:
    return {}


_OWN: Mapping[Kind, Callable[[Approval, Entry], dict[str, Json]]] = {
    Kind.REQUESTED: _requested,
    Kind.DELEGATED: _delegated,
    Kind.ADDED: _added,
    Kind.TOLD: _told,
    Kind.RESPONDED: _responded,
    Kind.WITHDRAWN: _withdrawn,
    Kind.RESET: _reset,
    Kind.ASKED_AGAIN: _asked_again,
    Kind.REFUSED: _refused,
    Kind.EXTENDED: _extended,
    Kind.REMINDED: _reminded,
    Kind.ESCALATED: _escalated,
    Kind.DECIDED: _decided,
    Kind.RESUMED: _nothing,
    Kind.GONE: _nothing,
    Kind.SPENT: _spent,
}
"""What events have besides the common keys."""


def _who(approver: Approver) -> dict[str, Json]:
    who: dict[str, Json] = {"By": approver.id, "Name": approver.name, "Channel": approver.channel}
    return {**who, "Role": approver.role} if approver.role else who


def _number(entry: Entry) -> int:
    """Return the number at the end of an entry's key: 2 of `response-2`."""
    return int(entry.key.rpartition("-")[2])
