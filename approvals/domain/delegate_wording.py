"""Say who stands in for whom, the same on every surface. Each is empty where nobody does."""

from __future__ import annotations

from datetime import datetime

from approvals.domain.delegates import in_force, latest_moment
from approvals.domain.eligibility import Reason, eligible, responder
from approvals.domain.model import Approval, Response
from approvals.domain.parts import Moment, Text, display_name, join_names, join_texts, pluralize, text
from approvals.domain.people import Approver, Delegation, LeftOut, Person
from approvals.domain.seats import find_seat

MAX_DELEGATES = 3
"""Delegates that a sentence names. The others are counted."""

_WHY = {
    LeftOut.REQUESTERS_SEAT: "nobody responds for the requester",
    LeftOut.REQUESTER: "the requester can't respond for others",
    LeftOut.ALREADY_ASKED: "they respond for themselves",
    LeftOut.POLICY: "the approval policy does not allow it",
    LeftOut.GROUP: "the policy's group does not name them as a delegate",
    LeftOut.UNREACHABLE: "they can't be reached",
}


def for_owner(approval: Approval, response: Response) -> str:
    """Return whose seat a response fills, to follow the name of who responded: ` for Ann`."""
    return f" for {owner_name(approval, response.on_behalf_of)}" if response.on_behalf_of else ""


def for_owner_of(approval: Approval, approver: Approver) -> str:
    """Return the same for the response of an approver that counts."""
    found = (each for each in approval.standing if each.approver == approver)
    return "".join(for_owner(approval, response) for response in [*found][:1])


def seat_sentence(approval: Approval, approver: Approver, at: datetime) -> str:
    """Return what a person needs to know of the seat that they fill, before they respond.

    `You respond for Ann.` to a delegate, `Dan responded for you. Your response replaces that one.` to the owner.
    Empty in an empty seat of one's own.
    """
    person = responder(approval, approver)
    if isinstance(person, Reason):
        return ""
    owner = find_seat(approval, person, approver, at)
    if isinstance(owner, Reason):
        return ""
    if owner.id != person.id:
        return f"You respond for {display_name(owner)}."
    theirs = [each for each in approval.standing if each.seat == owner.id and each.person != owner.id]
    return f"{display_name(theirs[0].approver)} responded for you. Your response replaces that one." if theirs else ""


def owner_name(approval: Approval, owner: str) -> str:
    """Return the name of a person, by their id."""
    person = find_owner(approval, owner)
    return display_name(person) if person else owner


def find_owner(approval: Approval, owner: str) -> Person | None:
    """Return the approver with this id."""
    people = approval.people
    named = (*people.approvers, *people.escalation) if people else ()
    return next((person for person in named if person.id == owner), None)


def delegates_clause(approval: Approval) -> Text:
    """Return who else can respond, to follow a list of names: `, and Dan for Ann until 23 Nov 2026, 10:31 UTC`."""
    found = active(approval)
    parts = [
        text(f"{display_name(each.delegate)} for {owner_name(approval, each.owner)} until ", Moment(each.until))
        for each in found[:MAX_DELEGATES]
    ]
    more = [pluralize(len(found) - MAX_DELEGATES, "more delegate")] if len(found) > MAX_DELEGATES else []
    return text(", and ", join_texts([*parts, *more], "; ")) if parts else Text()


def active(approval: Approval) -> tuple[Delegation, ...]:
    """Return the delegations of people who may respond now, as far as the record goes."""
    owners = {person.id for person in eligible(approval)}
    return tuple(each for each in in_force(approval, latest_moment(approval)) if each.owner in owners)


def owners_of(approval: Approval, delegate: Person, reader: Approver) -> str:
    """Return those for whom a person can respond, the reader as `you`: `Ann and Bo`."""
    owners = [each.owner for each in active(approval) if each.delegate.id == delegate.id]
    return join_names([_owner_for(approval, owner, reader) for owner in owners])


def _owner_for(approval: Approval, owner: str, reader: Approver) -> str:
    person = find_owner(approval, owner)
    return "you" if person and person.is_(reader) else owner_name(approval, owner)


def left_out_reason(delegation: Delegation) -> str:
    """Return why a request goes on without a delegate, as a part of a sentence; empty if it does not."""
    return _WHY[delegation.left_out] if delegation.left_out else ""


def left_out_sentence(approval: Approval) -> str:
    """Return which delegates a request goes on without, and why."""
    left_out = [each for each in (approval.people.delegations if approval.people else ()) if each.left_out]
    said = [
        f"{display_name(each.delegate)} can't respond for {owner_name(approval, each.owner)}: {left_out_reason(each)}."
        for each in left_out[:MAX_DELEGATES]
    ]
    return " ".join(said)
