"""Approvals and events for tests: valid ones, to be changed in the one respect that a test is about."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from approvals.domain.characters import reveal
from approvals.domain.judgement import Cancellation, Expiry
from approvals.domain.model import Action, Approval, Delivery, Request, Response
from approvals.domain.people import Approver, People
from approvals.domain.previous import ComparedPart, Comparison, NamedChange, Part, Previous
from approvals.domain.rules import judge
from approvals.domain.signed_links import approval_id
from approvals.domain.workflow import Workflow
from approvals.requests import schema
from approvals.store.items import approval_to_item
from approvals.store.table import serialized

HOUR = timedelta(hours=1)
APPROVE, REJECT = Action

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
"""When approvals of tests are requested."""

TOKEN = "AQCoAAAAKgAAAAM" + "t0ken+/=" * 254 + "E"
"""A task token of the greatest length, 2048 characters: emulated ones have 36."""

ALICE = Approver(id="alice@example.com", name="alice@example.com", channel="email")
WORKSPACE = "T0APPROVAL"
BOB = Approver(id="U0BOB00002", name="bob", channel="slack", realm=WORKSPACE, member=True)
CAROL = Approver(id="U0CAROL003", name="carol", channel="slack", realm=WORKSPACE, member=True)
MESSAGE = Delivery(channel="slack", place="C0APPROVALS", id="1795424400.000100", realm=WORKSPACE)

WORKFLOW = Workflow(
    execution_arn="arn:aws:states:eu-west-1:123456789012:execution:Deploy:run-1",
    execution_name="run-1",
    state_machine_name="Deploy",
    state_name="Lambda Callback",
    entered_at="2026-11-23T09:00:00.000Z",
)


_SCHEMA = schema.load("request.schema.json")["properties"]
MAX_TITLE: int = _SCHEMA["Title"]["maxLength"]
MAX_DETAILS: int = _SCHEMA["Details"]["maxLength"]
MAX_REQUESTED_BY: int = _SCHEMA["RequestedBy"]["maxLength"]


def an_approval(**changes: Any) -> Approval:
    """Return a pending approval, just requested, with a deadline in an hour."""
    approval = Approval(
        id=approval_id(TOKEN),
        link_key=b"k" * 32,
        request=Request(title="Deploy web 2.4.1", requested_by="jo@example.com", timeout=timedelta(hours=1)),
        workflow=WORKFLOW,
        requested_at=NOW,
        deadline=NOW + timedelta(hours=1),
        people=People(),
        deliveries=(MESSAGE,),
    )
    return replace(approval, **changes)


def a_response(
    action: Action = Action.APPROVE, approver: Approver = ALICE, *, minutes: float = 1, comment: str | None = None
) -> Response:
    """Return a response, some minutes after the request."""
    return Response(approver=approver, action=action, at=NOW + timedelta(minutes=minutes), comment=comment)


def a_call(
    execution_input: Any, token: str = TOKEN, *, entered: str = "2026-11-23T09:00:00.000Z", attempt: int = 0
) -> dict[str, Any]:
    """Return the payload of the state `Lambda Callback`."""
    return {
        "TaskToken": token,
        "Input": execution_input,
        "Execution": {"Id": WORKFLOW.execution_arn, "Name": WORKFLOW.execution_name},
        "StateMachine": {"Name": WORKFLOW.state_machine_name},
        "State": {"Name": WORKFLOW.state_name, "EnteredTime": entered, "RetryCount": attempt},
    }


def decided(action: Action = Action.APPROVE, approver: Approver = ALICE, **changes: Any) -> Approval:
    """Return an approval that the approver decided a minute after the request.

    `comment` goes into the response, even if it has hidden characters: earlier versions took those.
    """
    comment = changes.pop("comment", None)
    shown = None if comment is None else reveal(comment)
    found = judge(an_approval(**changes), a_response(action, approver, comment=shown)).approval
    if found.decision is None or found.decision.comment is None:
        return found
    responses = (*found.responses[:-1], replace(found.responses[-1], comment=comment))
    return replace(found, responses=responses, decision=replace(found.decision, comment=comment))


def expired(**changes: Any) -> Approval:
    """Return an approval that expired at its deadline."""
    approval = an_approval(**changes)
    return judge(approval, Expiry(approval.deadline)).approval


def cancelled(cause: str = "The execution was aborted.", **changes: Any) -> Approval:
    """Return an approval that was cancelled a minute after the request."""
    event = Cancellation(NOW + timedelta(minutes=1), cause, error="ApprovalCancelled")
    return judge(an_approval(**changes), event).approval


def an_image(approval: Approval) -> dict[str, Any]:
    """Return the approval's record as the table's stream brings it."""
    return {name: transported(value) for name, value in serialized(approval_to_item(approval)).items()}


def transported(attribute: Any) -> Any:
    """Return an attribute as an event of Lambda has it, in JSON: bytes as base64."""
    match attribute:
        case bytes():
            return b64encode(attribute).decode()
        case dict():
            return {name: transported(value) for name, value in attribute.items()}
        case list():
            return [transported(each) for each in attribute]
        case _:
            return attribute


def a_previous(before: str, place: str) -> Previous:
    """Return a comparison with an earlier request that was posted in a place, whose password was `before`."""
    return Previous(
        comparison=Comparison.COMPARED,
        parts=(ComparedPart(part=Part.FACTS, changes=1),),
        changes=(NamedChange(name="Password", before=before, after="new"),),
        places=(place,),
    )
