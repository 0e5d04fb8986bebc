"""Who may respond: the humans behind the names by which channels know them. Standard library only."""

from __future__ import annotations

from enum import StrEnum

from approvals.domain.email_address import canonical
from approvals.domain.model import Approval, Request, Response
from approvals.domain.people import Approver, LeftOut, People, Person
from approvals.domain.pinned_policy import is_allowed
from approvals.domain.profiles import open_channels


class Reason(StrEnum):
    """Why a response is not recorded."""

    TOO_EARLY = "TOO_EARLY"
    """Identities are not resolved yet. Nothing is wrong: they may try again in a moment."""
    OTHER_WORKSPACE = "OTHER_WORKSPACE"
    """A user of another realm than the one that was asked: a shared channel has guests."""
    NOT_AN_APPROVER = "NOT_AN_APPROVER"
    """The request names its approvers, and this person is not among them."""
    OWN_REQUEST = "OWN_REQUEST"
    """They are the requester."""
    SHARED_ADDRESS = "SHARED_ADDRESS"
    """An address that several people read, where the request needs different people."""
    NOT_A_MEMBER = "NOT_A_MEMBER"
    """A guest, a bot or a deactivated user of the realm, where the request names nobody."""
    POLICY = "POLICY"
    """The operator's policy does not let them approve."""
    NOT_ASKED = "NOT_ASKED"
    """They respond through a channel that asks nobody by itself, and the request names nobody."""
    REQUESTERS_DELEGATE = "REQUESTERS_DELEGATE"
    """The person whose delegate they are is the requester."""
    NOT_A_DELEGATE = "NOT_A_DELEGATE"
    """They are not the delegate of an approver any more, or the request goes on without them."""
    SEAT_FILLED = "SEAT_FILLED"
    """Those whose delegate they are have responded, by themselves or by others. They may try again."""
    NOT_PROVEN = "NOT_PROVEN"
    """The channel can't tell which person responds: the session of an AWS role that several people may use."""
    NOT_AN_OVERRIDER = "NOT_AN_OVERRIDER"
    """Today's policy does not let their role override."""
    UNKNOWN_REQUESTER = "UNKNOWN_REQUESTER"
    """An override where the requester is not known by address: it could be their own request."""
    UNCHECKED = "UNCHECKED"
    """It is not known yet whether they are a member, where the request names nobody. They may try again."""

    @property
    def is_passing(self) -> bool:
        """Return True if nothing is wrong with the person, so that their attempt is none to keep."""
        return self in (Reason.TOO_EARLY, Reason.UNCHECKED, Reason.SEAT_FILLED)


def is_quorum(request: Request) -> bool:
    """Return True if the request needs more than one person for an outcome: then identities matter."""
    return max(request.required_approvals, request.required_rejections) > 1 or bool(request.groups)


def needs_lookup(request: Request) -> bool:
    """Return True if identities must be resolved before anyone can respond."""
    own = request.requested_by is not None and not request.allow_self_approval
    listed = request.policy is not None and bool(request.policy.allowed)
    return not request.is_open or is_quorum(request) or own or listed


def eligible(approval: Approval) -> tuple[Person, ...]:
    """Return the people who may respond now. Empty if everyone who is asked may."""
    people = approval.people
    if people is None or not people.approvers:
        return ()
    named = {person.id: person for person in _named(approval, people)}
    return tuple(person for person in named.values() if not _is_own_request(approval, person))


def invited(approval: Approval) -> tuple[Person, ...]:
    """Return those of them who are told of the request. An escalation tells silent people whom it names.

    An override tells everyone: it decided without them.
    """
    people = approval.people
    silent = set(people.silent) if people and not approval.is_overridden else set()
    if silent and people and approval.escalated_at:
        silent -= {person.id for person in people.escalation}
    return tuple(person for person in eligible(approval) if person.id not in silent)


def owns_seat(approval: Approval, person: Person, approver: Approver) -> bool:
    """Return True if a person who may respond does so in a seat of their own, and not as a delegate."""
    people = approval.people
    if people is None or (approval.request.is_open and not people.approvers):
        return True
    named = _named(approval, people)
    return any(each.id == person.id or each.admits(approver) for each in named)


def barred_requester(approval: Approval) -> Person | None:
    """Return the requester if they may not respond to their own request; None also if they are not known."""
    return approval.people.requester if approval.people and not approval.request.allow_self_approval else None


def answer_of(approval: Approval, person: Person) -> Response | None:
    """Return this person's response on any channel, if it stands."""
    return next((response for response in approval.standing if response.person == person.id), None)


def own_response(approval: Approval, approver: Approver) -> Response | None:
    """Return the response that counts of the person who has this identity, on any channel."""
    person = responder(approval, approver)
    return next(
        (
            response
            for response in approval.standing
            if (isinstance(person, Person) and response.person == person.id)
            or (response.approver.channel, response.approver.id) == (approver.channel, approver.id)
        ),
        None,
    )


def deciders(approval: Approval) -> tuple[Approver, ...]:
    """Return all whose responses decided, in order: in a quorum, the last one is only the decision's own."""
    decision = approval.decision
    if decision is None or decision.approver is None:
        return ()
    if decision.override or not is_quorum(approval.request):
        return (decision.approver,)
    return tuple(each.approver for each in approval.standing if each.action.status is decision.status)


def responder(approval: Approval, approver: Approver) -> Person | Reason:
    """Return the person who responds, or why they may not."""
    if not approver.is_proven:
        return Reason.NOT_PROVEN
    if problem := _realm_problem(approval, approver):
        return problem
    people = approval.people
    if people is None or (approver.realm is not None and not people.complete):
        return Reason.TOO_EARLY
    named = _named(approval, people)
    everybody = (*([people.requester] if people.requester else []), *named)
    known = next((person for person in everybody if person.is_(approver)), None)
    if known and _is_own_request(approval, known):
        return Reason.OWN_REQUEST
    if people.approvers or not approval.request.is_open:
        person = _named_responder(approver, known, people, named)
        return person or _delegate(approver, people)
    return _open_problem(approval, approver) or known or stranger(approver)


def unknown_requester(approval: Approval) -> Person | None:
    """Return the requester if they could approve their own request unrecognized: no open channel knows them.

    Where the request names its approvers, its author has chosen who they are.
    """
    people = approval.people
    if people is None or people.approvers or not people.complete or approval.request.allow_self_approval:
        return None
    requester = people.requester
    return requester if requester and not all(requester.on(channel) for channel in open_channels()) else None


def stranger(approver: Approver, person: str = "") -> Person:
    """Return a person who is known only as they respond. `person` is their id, if it is on record."""
    known = person or (canonical(approver.id) if "@" in approver.id else approver.id)
    return Person(id=known, name=approver.name, identities={approver.channel: approver.id})


def _named(approval: Approval, people: People) -> tuple[Person, ...]:
    """Return the people whom the request names: those it is escalated to only from then on.

    `eligible` and `responder` both ask here, so that surfaces name the people who can respond.
    """
    return (*people.approvers, *(people.escalation if approval.escalated_at else ()))


def _named_responder(
    approver: Approver, known: Person | None, people: People, named: tuple[Person, ...]
) -> Person | None:
    """Return the person who responds in a seat of their own, where the request names approvers.

    A role stands for everyone who responds through it: each is a person of their own, and the same one as elsewhere.
    """
    if known and known.id in {person.id for person in named}:
        return known
    if not any(person.admits(approver) for person in named):
        return None
    later = next((person for person in people.escalation if person.is_(approver)), None)
    return known or later or stranger(approver)


def _delegate(approver: Approver, people: People) -> Person | Reason:
    """Return the delegate who responds. Whether their time has passed is for `seats.find_seat` to say."""
    theirs = [each for each in people.delegations if each.delegate.is_(approver)]
    if found := next((each.delegate for each in theirs if each.left_out is None), None):
        return found
    if any(each.left_out is LeftOut.REQUESTERS_SEAT for each in theirs):
        return Reason.REQUESTERS_DELEGATE
    return Reason.NOT_A_DELEGATE if theirs else Reason.NOT_AN_APPROVER


def _open_problem(approval: Approval, approver: Approver) -> Reason | None:
    """Return why a user may not respond to a request that names nobody.

    Where a channel has no realms, only the stack's own address is asked then. Several people may read it: they may
    have responded on another channel as well, or be the requester.
    """
    if approver.role:
        return Reason.NOT_ASKED
    if approver.realm is None and is_quorum(approval.request):
        return Reason.SHARED_ADDRESS
    if approver.realm is not None and approver.member is None:
        return Reason.UNCHECKED
    if approver.realm is not None and not approver.member:
        return Reason.NOT_A_MEMBER
    return None if _is_allowed(approval.people, approver) else Reason.POLICY


def _is_allowed(people: People | None, approver: Approver) -> bool:
    """Return True if each of the policy's lists names this user, by their id or by their address."""
    names = [name for name in (approver.id, approver.address) if name]
    return is_allowed(names, people.allowed if people else ())


def _realm_problem(approval: Approval, approver: Approver) -> Reason | None:
    """Return why a user of this realm may not respond. Before a delivery is on record, its realm is not known."""
    realms = [delivery.realm for delivery in approval.deliveries if delivery.channel == approver.channel]
    if approver.realm is None and not any(realms):
        return None
    if not realms:
        return Reason.TOO_EARLY
    return None if approver.realm and approver.realm == realms[0] else Reason.OTHER_WORKSPACE


def _is_own_request(approval: Approval, person: Person) -> bool:
    barred = barred_requester(approval)
    return barred is not None and barred.id == person.id
