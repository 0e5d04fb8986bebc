"""Records as versions before 0.1.0 wrote them, brought into today's shape: an upgrade breaks no open approval.

Nothing is rewritten in the table. A record keeps what was true when it was asked: whoever was asked may answer, who
asked among them, once and without a form. tests/e2e/upgrade has such records, as those versions wrote them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_ANYBODY: Mapping[str, Any] = {"approvers": [], "escalation": [], "requester": None, "known": [], "complete": True}

ASKED = ("title", "details", "requested_by", "timeout_minutes")
"""The parts that a request had in the place of `asked`."""

_ADDED: Mapping[str, Any] = {
    "people": _ANYBODY,
    "refusals": [],
    "extensions": [],
    "reminded": 0,
    "escalated_at": None,
}
"""What came later, as it would have been. Today's records have all of it, if only as null."""


def current(item: Mapping[str, Any]) -> dict[str, Any]:
    """The item as this version would have written it."""
    responses = [_response(response) for response in item["responses"]]
    return {**_ADDED, **item, "request": _request(item["request"]), "responses": responses}


def _request(request: Mapping[str, Any]) -> Mapping[str, Any]:
    if "asked" in request:
        return request
    asked = {
        "Title": request["title"],
        "Details": request["details"],
        "RequestedBy": request["requested_by"],
        "TimeoutMinutes": int(request["timeout_minutes"]),
        "AllowSelfApproval": True,
        "MoreTime": {"Times": 0},
    }
    return {**request, "asked": json.dumps(asked), "digest": ""}


def _response(response: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"form": "{}", "person": response["approver"]["id"], "withdrawn_at": None, **response}
