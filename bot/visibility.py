"""The approvals that a Slack user can see. Standard library only.

Users see the approvals to which they can respond or did, which they requested or are notified of, and those posted to
a channel they are in. Users of other workspaces see nothing: no `Viewer` is made for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from approvals.domain.delegate_wording import active
from approvals.domain.delegates import latest_moment
from approvals.domain.eligibility import Reason, answer_of, responder
from approvals.domain.email_address import is_same
from approvals.domain.model import Approval
from approvals.domain.people import Approver, Person
from approvals.domain.seats import find_seat
from approvals.domain.summary import Summary, summarize
from bot.addresses import SLACK
from bot.deliveries import channel_message


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """A Slack user of the app's own workspace. `member` is set for a full member, not for a guest.

    `email` is the one that Slack has, empty if the app may not see it. `channels` are the IDs of their channels, as far
    as the app may see them.
    """

    id: str
    name: str
    workspace: str
    member: bool
    email: str = ""
    channels: frozenset[str] = field(default_factory=frozenset)

    def has_name(self, name: str) -> bool:
        """Return True if a Slack user ID or an email address is theirs."""
        return name == self.id or is_same(name, self.email)

    @property
    def approver(self) -> Approver:
        """The person as they respond in Slack."""
        return Approver(id=self.id, name=self.name, channel=SLACK, realm=self.workspace, member=self.member)

    def is_(self, person: Person) -> bool:
        """Return True for the same human. If the record has a Slack ID, it alone counts: email addresses change."""
        known = person.on(SLACK)
        return known == self.id if known else self.has_name(person.address)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The approvals shown to one person: those waiting for them, the nearest deadline first; others, newest first."""

    waiting: Sequence[Summary] = ()
    requested: Sequence[Summary] = ()
    decided: Sequence[Summary] = ()


def is_awaited(approval: Approval, viewer: Viewer) -> bool:
    """Return True if the viewer can respond and has not done so.

    A request that names no approvers waits for the people in the channel it was posted to.
    """
    if approval.decision:
        return False
    approver = viewer.approver
    person = responder(approval, approver)
    if not isinstance(person, Person) or answer_of(approval, person):
        return False
    if isinstance(find_seat(approval, person, approver, latest_moment(approval)), Reason):
        return False  # A delegate, with nobody to respond for.
    named = approval.people is not None and bool(approval.people.approvers)
    return named or is_posted_to(approval, viewer)


def can_respond(approval: Approval, viewer: Viewer) -> bool:
    """Return True if the viewer's response would count in any channel."""
    return isinstance(responder(approval, viewer.approver), Person)


def is_requester(approval: Approval, viewer: Viewer) -> bool:
    """Return True if the viewer requested it."""
    requester = approval.people.requester if approval.people else None
    return viewer.is_(requester) if requester else viewer.has_name(approval.request.requested_by or "")


def is_involved(approval: Approval, viewer: Viewer) -> bool:
    """Return True if the viewer requested it, can respond or did, or is notified."""
    people = approval.people
    named = (*people.approvers, *(people.escalation if approval.escalated_at else ())) if people else ()
    delegates = [each.delegate for each in active(approval)]
    return (
        is_requester(approval, viewer)
        or any(viewer.is_(person) for person in (*named, *delegates))
        or any(viewer.has_name(name) for name in approval.request.notify)
        or any(viewer.has_name(response.approver.id) for response in approval.responses)
    )


def can_see(approval: Approval, viewer: Viewer) -> bool:
    """Return True if the viewer is involved, or in the channel it was posted to."""
    return is_involved(approval, viewer) or is_posted_to(approval, viewer)


def overview(viewer: Viewer, pending: Iterable[Approval], recent: Iterable[Approval]) -> Overview:
    """Return the viewer's part of the open and the recent approvals, which come newest first.

    Reads each approval once and keeps none.
    """
    mine: list[Summary] = []
    others: list[Summary] = []
    for approval in recent:
        if is_requester(approval, viewer):
            mine.append(summarize(approval))
        elif approval.decision and is_involved(approval, viewer):
            others.append(summarize(approval))
    waiting = [summarize(approval) for approval in pending if is_awaited(approval, viewer)]
    return Overview(
        waiting=sorted(waiting, key=lambda each: each.deadline),
        requested=mine,
        decided=sorted(others, key=lambda each: each.decision.at if each.decision else each.deadline, reverse=True),
    )


def is_posted_to(approval: Approval, viewer: Viewer) -> bool:
    """Return True for the people in the channel it was posted to; for one user, if `Channel` names them."""
    posted = channel_message(approval)
    return posted is not None and (posted.place in viewer.channels or approval.request.channel == viewer.id)
