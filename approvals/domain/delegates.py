"""Delegates: people who may respond in the seat of another for some time. Standard library only."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from approvals.domain.absences import Absence
from approvals.domain.model import Approval, Response
from approvals.domain.people import Delegation
from approvals.domain.schedule import reminder_times


def in_force(approval: Approval, at: datetime) -> tuple[Delegation, ...]:
    """Return the delegations that hold at a moment. Whether their owners may respond is not checked."""
    found = approval.people.delegations if approval.people else ()
    return tuple(each for each in found if each.is_in_force(at))


def asks_delegate_of(approval: Approval, absence: Absence, at: datetime) -> bool:
    """Return True if an approval lets the delegate of this absence respond at a moment."""
    key = (absence.delegate, absence.since)
    return any((each.named, each.since) == key for each in in_force(approval, at))


def latest_moment(approval: Approval) -> datetime:
    """Return the latest moment on record at which people were told or something changed.

    Whom to tell depends on the record alone, so that a task that is tried again tells the same people.
    """
    delegations = approval.people.delegations if approval.people else ()
    return max(
        approval.requested_at,
        *(response.withdrawn_at or response.at for response in approval.responses),
        *(extension.at for extension in approval.extensions),
        *reminder_times(approval)[: approval.reminded],
        *(each.at for each in approval.asked_again),
        *(each.since for each in delegations),
        approval.escalated_at or approval.requested_at,
    )


def withdrawer(response: Response) -> str:
    """Return the id of the person who withdrew a response: the owner of the seat, or the one who responded."""
    return response.withdrawn_by or response.person


def withdrawn(response: Response, at: datetime, by: str, key: str = "") -> Response:
    """Return the response as one that this person withdrew. It keeps neither comment nor form."""
    owner = by if by != response.person else ""
    return replace(response, withdrawn_at=at, withdrawn_by=owner, withdrawal_key=key, comment=None, form={})


def replace_delegate(approval: Approval, response: Response) -> Approval:
    """Return the approval without the delegate's response in the seat that the owner's response is to fill."""
    responses = tuple(
        withdrawn(each, response.at, response.person)
        if each.withdrawn_at is None and each.seat == response.seat
        else each
        for each in approval.responses
    )
    return replace(approval, responses=responses)
