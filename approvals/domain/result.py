"""The result that the workflow gets for an approved or rejected request. Standard library only."""

from __future__ import annotations

import json

from approvals.domain.characters import reveal
from approvals.domain.form_changes import current_form
from approvals.domain.form_fields import FieldType, FormField
from approvals.domain.forms import MAX_COMMENT
from approvals.domain.model import Action, Approval, Json, Presence, Request, Response, Status, iso
from approvals.domain.overrides import skipped
from approvals.domain.people import Approver, People
from approvals.domain.policy_wording import policy_document
from approvals.domain.profiles import is_group
from approvals.domain.seats import approvals_in, demands
from approvals.domain.spending import terms_of, valid_until

MAX_OUTPUT = 262_144
"""UTF-8 bytes that SendTaskSuccess takes at the most, and that a state's output may have: the input with the result.

Source: https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html
and https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
"""

_WIDEST = 4
"""UTF-8 bytes of a character at the most; what JSON escapes takes two, since control characters are left out."""

_MOST_DIGITS = 32
"""Characters of a number at the most: a form takes whole numbers of few digits, and a float has no more than 25."""

_FRAME = 1000
"""Bytes of the result's keys and of its short parts: status, ids, times, the digest, its key in the input."""

_RESPONDENT = 1200
"""Bytes of one response but for its comment: keys, and an id and a name with at most 254 characters each."""

_ID = 254 + len('"", ')
"""Bytes of an id in a list."""

_OVERRIDE = 2500
"""Bytes of an override's keys, of its role and of its policy, whose parameter's name has at most 1,011 characters."""

_GRANT = 200
"""Bytes of the grant: its id of 65 characters, its uses and its end."""

_GROUP = 200
"""Bytes of a group's keys, name and number."""


def result(approval: Approval, grant_id: str = "") -> dict[str, Json]:
    """Return the result of an approval that was approved or rejected, in PascalCase.

    Only the workflow learns the `grant_id`: for others, `Grant` is without it.

    `Responses` are those that count, each with its `Form`; the request's `Form` has the values of all approvals among
    them. Raise `ValueError` for an approval that ended otherwise, in an error.
    """
    decision = approval.decision
    if decision is None or decision.status not in _WORDS:
        raise ValueError(f"approval {approval.id} was neither approved nor rejected")
    return {
        "Status": _status(approval, decision.approver),
        "Decision": decision.status.value,
        "ApprovalId": approval.id,
        "DecidedBy": decision.approver.id if decision.approver else None,
        "DecidedAt": iso(decision.at),
        "Channel": decision.channel,
        "Comment": reveal(decision.comment) if decision.comment is not None else None,
        "Responses": [_response(response) for response in approval.standing],
        "Form": form(approval),
        "Digest": approval.request.digest,
        **({"Groups": [*groups(approval)]} if approval.request.groups else {}),
        **under_policy(approval.request),
        **({"Override": found} if (found := override(approval)) else {}),
        **({"Grant": found} if (found := _grant(approval, grant_id)) else {}),
    }


def _grant(approval: Approval, grant_id: str) -> dict[str, Json] | None:
    terms = terms_of(approval)
    if terms is None:
        return None
    own: dict[str, Json] = {"Id": grant_id} if grant_id else {}
    return {**own, "Uses": terms.uses, "ValidUntil": iso(valid_until(approval, terms))}


def override(approval: Approval) -> dict[str, Json] | None:
    """Return who overrode, by which role and policy, and whose approval that skipped; None if it was no override.

    The reason is the decision's `Comment`.
    """
    decision = approval.decision
    if decision is None or decision.override is None or decision.approver is None:
        return None
    policy, approver = decision.override, decision.approver
    return {
        "By": approver.id,
        "Name": approver.name,
        "Role": approver.role,
        "Policy": {"Parameter": policy.parameter, "Version": policy.version, "Sha256": policy.sha256},
        "Skipped": [person.id for person in skipped(approval)],
    }


def under_policy(request: Request) -> dict[str, Json]:
    """Return the key `Policy`: the operator's policy that the request was merged with. Empty without a policy."""
    return {"Policy": policy_document(request.policy)} if request.policy else {}


def groups(approval: Approval) -> list[dict[str, Json]]:
    """Return the groups that must approve, and the ids of those who did. Each may be in several groups."""
    return [
        {
            "Name": demand.name,
            "Required": demand.required,
            "ApprovedBy": [response.approver.id for response in approvals_in(approval, demand)],
        }
        for demand in demands(approval)
        if demand.people is not None
    ]


def output(approval: Approval, grant_id: str = "") -> str:
    """Return the result as the JSON text for SendTaskSuccess (at most `MAX_OUTPUT` UTF-8 bytes)."""
    return json.dumps(result(approval, grant_id), ensure_ascii=False)


def most_approvals(request: Request, people: People | None) -> int:
    """Return how many approvals can stand when a request is decided.

    With groups, everyone may have approved before the last group does. A name counts as one person until `people` are
    known. People who approve through a role count as far as a demand needs them: see `seats.is_one_too_many`.
    """
    if not request.groups:
        return request.required_approvals
    named = {person.id for person in (*people.approvers, *people.escalation)} if people else {*request.names}
    needed = request.required_approvals + sum(group.required for group in request.groups)
    return len(named) + needed if any(map(is_group, named)) else max(len(named), request.required_approvals)


def most_bytes(request: Request, people: People | None = None) -> int:
    """Return the UTF-8 bytes that the result of a request can have, whatever the responses."""
    most = most_approvals(request, people)
    approvals, rejections = (_RESPONDENT + comment_bytes(request, action) for action in (Action.APPROVE, Action.REJECT))
    least_of_each = (most - 1) * approvals + (request.required_rejections - 1) * rejections
    last = max(approvals, rejections)
    decision = max(comment_bytes(request, action) for action in Action) + _RESPONDENT
    forms = (most + 1) * form_bytes(request)
    in_groups = sum(_GROUP + most * _ID for _ in request.groups)
    policy = len(json.dumps(under_policy(request)).encode())
    grant = _GRANT if request.grant else 0
    found = _FRAME + least_of_each + last + decision + forms + in_groups + policy + grant
    return found + _override_bytes(request, people)


def _override_bytes(request: Request, people: People | None) -> int:
    """Return the bytes that an override adds. Its reason takes the place of a comment, if the request takes any."""
    if request.policy is None:
        return 0
    reason = 0 if any(comment_bytes(request, action) for action in Action) else MAX_COMMENT * _WIDEST
    named = (*people.approvers, *people.escalation) if people else request.names
    return _OVERRIDE + reason + len(named) * _ID


def form_bytes(request: Request) -> int:
    """Return the UTF-8 bytes that one response's form can have."""
    return sum(_field_bytes(field) for field in request.form)


_WORDS = {Status.APPROVED: "Approved", Status.REJECTED: "Rejected"}


def _status(approval: Approval, approver: Approver | None) -> str:
    """Return the tutorial's sentence."""
    word = _WORDS[approval.status]
    if approver is None:
        return f"{word}! {'Too few' if approval.standing else 'Nobody'} answered in time"
    return f"{word}! Task {word.lower()} by {approver.name}"


def form(approval: Approval) -> dict[str, Json]:
    """Return the values that all approvals that count have. A rejection has no form."""
    return dict(current_form(approval) or {}) if approval.status is Status.APPROVED else {}


def _response(response: Response) -> dict[str, Json]:
    return {
        "By": response.approver.id,
        "Name": response.approver.name,
        "Channel": response.approver.channel,
        **({"Role": response.approver.role} if response.approver.role else {}),
        **({"For": response.on_behalf_of} if response.on_behalf_of else {}),
        "Response": response.action.status.value,
        "At": iso(response.at),
        "Comment": reveal(response.comment) if response.comment is not None else None,
        "Form": dict(response.form),
    }


def comment_bytes(request: Request, action: Action) -> int:
    """Return the UTF-8 bytes of the longest comment that the request takes with a response."""
    return 0 if request.comments[action] is Presence.OFF else MAX_COMMENT * _WIDEST


def _field_bytes(field: FormField) -> int:
    """Return the bytes of a field's key and value."""
    match field.type:
        case FieldType.TEXT:
            most = field.max_length * _WIDEST
        case FieldType.CHOICE:
            most = max(len(choice) for choice in field.choices) * _WIDEST
        case FieldType.NUMBER:
            most = _MOST_DIGITS
        case FieldType.YES_NO | FieldType.DATE:
            most = len("2026-11-23")
    return len(field.name) + most + len('"": "", ')
