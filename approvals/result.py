"""What the state machine gets back for an approved or rejected request. Standard library only."""

from __future__ import annotations

import json

from approvals.model import Approval, Json, Response, Status, iso

MAX_OUTPUT = 262_144
"""UTF-8 bytes that SendTaskSuccess takes at the most.

Source: https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html
"""


def result(approval: Approval) -> dict[str, Json]:
    """The result of an approval that a person decided, in the state machine's PascalCase.

    Raises `ValueError` for an approval that no person decided: that one ends in an error, not in a result.
    """
    decision = approval.decision
    if decision is None or decision.approver is None:
        raise ValueError(f"approval {approval.id} was not decided by a person")
    word = {Status.APPROVED: "Approved", Status.REJECTED: "Rejected"}[decision.status]
    return {
        "Status": f"{word}! Task {word.lower()} by {decision.approver.name}",
        "Decision": decision.status.value,
        "ApprovalId": approval.id,
        "DecidedBy": decision.approver.id,
        "DecidedAt": iso(decision.at),
        "Channel": decision.channel.value,
        "Comment": decision.comment,
        "Responses": [_response(response) for response in approval.responses],
    }


def output(approval: Approval) -> str:
    """The result as the JSON text for SendTaskSuccess (at most `MAX_OUTPUT` UTF-8 bytes)."""
    return json.dumps(result(approval), ensure_ascii=False)


def _response(response: Response) -> dict[str, Json]:
    return {
        "By": response.approver.id,
        "Name": response.approver.name,
        "Channel": response.approver.channel.value,
        "Response": response.action.status.value,
        "At": iso(response.at),
        "Comment": response.comment,
    }
