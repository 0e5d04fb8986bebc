"""How an approval changes. Pure functions: the same approval, event and time always give the same judgement."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from approvals.model import Approval, Channel, Decision, Response, Status


class Verdict(StrEnum):
    """What became of an event."""

    DECIDED = "DECIDED"
    """It decided the approval."""
    REPEATED = "REPEATED"
    """The approval was already decided this way: nothing to do, nothing wrong."""
    OVERRULED = "OVERRULED"
    """The approval was already decided otherwise."""
    TOO_LATE = "TOO_LATE"
    """The approval has expired."""
    CANCELLED = "CANCELLED"
    """The approval was called off."""
    NOT_ALLOWED = "NOT_ALLOWED"
    """This person may not answer. The approval waits on."""
    NOT_DUE = "NOT_DUE"
    """Its deadline has not passed yet."""


@dataclass(frozen=True, slots=True)
class Expiry:
    """The clock's event: the deadline may have passed."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Cancellation:
    """The approval is called off. `cause` is for people; `error` is for a workflow that still waits."""

    at: datetime
    cause: str
    error: str | None = None
    superseded_by: str | None = None


Event = Response | Expiry | Cancellation


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, and the approval as it stands after it. `changed` says whether there is something to store."""

    verdict: Verdict
    approval: Approval
    changed: bool


def judge(approval: Approval, event: Event) -> Judgement:
    """Returns what the event does to the approval. Nobody else decides.

    A decision is final. An answer after the deadline expires the approval instead: silence and lateness never approve.
    """
    if approval.status is not Status.PENDING:
        return Judgement(_after_decision(approval, event), approval, changed=False)
    if isinstance(event, Response) and not _may_answer(approval, event):
        return Judgement(Verdict.NOT_ALLOWED, approval, changed=False)
    if event.at >= approval.deadline:
        return Judgement(Verdict.TOO_LATE, _expired(approval, event.at), changed=True)
    match event:
        case Response():
            return Judgement(Verdict.DECIDED, _answered(approval, event), changed=True)
        case Cancellation():
            return Judgement(Verdict.CANCELLED, _cancelled(approval, event), changed=True)
        case Expiry():
            return Judgement(Verdict.NOT_DUE, approval, changed=False)


def _may_answer(approval: Approval, response: Response) -> bool:
    """Whether a Slack user is of the app's own workspace: a shared channel has guests from others.

    In the moment between a message's posting and its noting the app's workspace is not known yet: a click is refused
    then, too, and may be repeated.
    """
    if response.approver.channel is not Channel.SLACK:
        return True
    message = approval.slack_message
    return message is not None and response.approver.workspace == message.workspace


def _after_decision(approval: Approval, event: Event) -> Verdict:
    if approval.status is Status.EXPIRED:
        return Verdict.TOO_LATE
    if approval.status is Status.CANCELLED:
        return Verdict.CANCELLED
    if isinstance(event, Response) and event.action.status is approval.status:
        return Verdict.REPEATED
    return Verdict.OVERRULED


def _answered(approval: Approval, response: Response) -> Approval:
    decision = Decision(
        status=response.action.status,
        at=response.at,
        channel=response.approver.channel,
        approver=response.approver,
        comment=response.comment,
    )
    return _decided(replace(approval, responses=(*approval.responses, response)), decision)


def _expired(approval: Approval, at: datetime) -> Approval:
    cause = "Nobody answered before the deadline, so the request was not approved."
    return _decided(
        approval,
        Decision(status=Status.EXPIRED, at=at, channel=Channel.SYSTEM, error="ApprovalExpired", cause=cause),
    )


def _cancelled(approval: Approval, event: Cancellation) -> Approval:
    return _decided(
        approval,
        Decision(
            status=Status.CANCELLED,
            at=event.at,
            channel=Channel.SYSTEM,
            error=event.error,
            cause=event.cause,
            superseded_by=event.superseded_by,
        ),
    )


def _decided(approval: Approval, decision: Decision) -> Approval:
    return replace(approval, status=decision.status, decision=decision, version=approval.version + 1)
