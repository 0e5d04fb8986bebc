"""What an export says of each approval: its columns. No secret is among them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from approvals.domain.characters import reveal
from approvals.domain.facts import LABELS
from approvals.domain.model import Approval, Approver, Json, Person, Refusal, Response, iso
from approvals.domain.result import form
from bot.addresses import SLACK
from mail.addresses import EMAIL

_SEPARATORS = ";\t\r\n"
_FORMULA = re.compile(rf"(?P<before>[\s\"{_SEPARATORS}]+)(?P<sign>[=+\-@\uff1d\uff0b\uff0d\uff20])?")
"""Blanks, quotes and separators, and the sign behind them that begins a formula.

A spreadsheet with `;` or a tab as its separator takes no notice of quotes around a comma, and splits cells at each
separator and line break. Blanks and quotes before the sign make no difference, nor does its full-width form.
What stands before a sign is matched without it, too: else a long run of line breaks would be read again from each.
Source: https://owasp.org/www-community/attacks/CSV_Injection
"""


COLUMNS: Mapping[str, str] = {
    "id": "The approval's id.",
    "status": "`PENDING`, `APPROVED`, `REJECTED`, `EXPIRED` or `CANCELLED`.",
    "title": "What was asked.",
    "details": "What was said about it.",
    "severity": "`normal` or `high`.",
    "requested_by": "Who asked.",
    "requested_at": "When.",
    "deadline": "Until when an answer counted, more time included.",
    "approvers": "Who might answer, as the request names them; empty: whoever was asked.",
    "approver_people": "The people behind these names when it was asked: `name`, `email`, `slack_id`.",
    "required_approvals": "How many had to approve.",
    "required_rejections": "How many had to reject.",
    "self_approval": "Whether who asked might answer.",
    "escalated_to": "Who might answer later, as the request names them.",
    "escalated_at": "When they were asked; empty: never.",
    "decided_at": "When it was decided.",
    "decided_by": "Whose answer decided, an email address or a Slack user id; empty: nobody's.",
    "decided_by_name": "What people call them.",
    "channel": "Where it was decided: `email`, `slack`, or `system` for the clock.",
    "comment": "What they said.",
    "cause": "Why it ended when nobody decided.",
    "form": "What was filled in, by the names of the fields.",
    "responses": "Every answer: `by`, `name`, `channel`, `response`, `at`, `comment`, `withdrawn_at`.",
    "refused": "Who tried to answer and may not: `by`, `name`, `channel`, `response`, `at`, `reason`.",
    "workflow_told": "Whether the decision reached the workflow; empty while that is not known.",
    "state_machine": "The state machine that asked.",
    "execution_arn": "Its execution.",
    "digest": "The SHA-256 of all that was asked.",
    **{name: f"{label}, as the request says it." for name, label in LABELS.items()},
}
"""What is in each column, in their order."""


def row(approval: Approval) -> dict[str, Json]:
    """The values of all columns, by their names."""
    request, decision, workflow = approval.request, approval.decision, approval.workflow
    by = decision.approver if decision else None
    return {
        "id": approval.id,
        "status": approval.status.value,
        "title": approval.title,
        "details": request.details,
        "severity": request.severity.value,
        "requested_by": request.requested_by,
        "requested_at": iso(approval.requested_at),
        "deadline": iso(approval.deadline),
        "approvers": list(request.approvers),
        "approver_people": [_person(person) for person in approval.people.approvers] if approval.people else [],
        "required_approvals": request.required_approvals,
        "required_rejections": request.required_rejections,
        "self_approval": request.allow_self_approval,
        "escalated_to": list(request.escalate_to),
        "escalated_at": iso(approval.escalated_at) if approval.escalated_at else None,
        "decided_at": iso(decision.at) if decision else None,
        "decided_by": by.id if by else None,
        "decided_by_name": by.name if by else None,
        "channel": decision.channel if decision else None,
        "comment": decision.comment if decision else None,
        "cause": decision.cause if decision else None,
        "form": form(approval),
        "responses": [_response(response) for response in approval.responses],
        "refused": [_refusal(refusal) for refusal in approval.refusals],
        "workflow_told": approval.resumed,
        "state_machine": workflow.state_machine_name,
        "execution_arn": workflow.execution_arn,
        "digest": request.digest,
        **{name: getattr(request, name) for name in LABELS},
    }


def cell(value: Json) -> str:
    """Return a value as a cell of CSV: lists and objects as JSON, and a ' before what a spreadsheet would run.

    Hidden characters are shown to be there. Numbers stay numbers.
    """
    match value:
        case None:
            return ""
        case bool() | int() | float():
            return json.dumps(value)
        case str():
            text = value
        case _:
            text = json.dumps(value, ensure_ascii=False)
    # The line break before stands for the start of the cell.
    return _FORMULA.sub(_defused, f"\n{reveal(text)}").removeprefix("\n")


def _defused(found: re.Match[str]) -> str:
    """Put a ' where the cell begins that would be a formula: behind the last separator before its sign."""
    before, sign = found["before"], found["sign"]
    begins = max(before.rfind(separator) for separator in _SEPARATORS) + 1
    return f"{before[:begins]}'{before[begins:]}{sign}" if sign and begins else found[0]


def _person(person: Person) -> Json:
    return {"name": person.name, "email": person.on(EMAIL), "slack_id": person.on(SLACK)}


def _response(response: Response) -> Json:
    return {
        **_approver(response.approver),
        "response": response.action.status.value,
        "at": iso(response.at),
        "comment": response.comment,
        "withdrawn_at": iso(response.withdrawn_at) if response.withdrawn_at else None,
    }


def _refusal(refusal: Refusal) -> Json:
    return {
        **_approver(refusal.approver),
        "response": refusal.action.status.value,
        "at": iso(refusal.at),
        "reason": refusal.reason,
    }


def _approver(approver: Approver) -> dict[str, Json]:
    return {"by": approver.id, "name": approver.name, "channel": approver.channel}
