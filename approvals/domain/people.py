"""The people of an approval: approvers as a channel knows them, and humans whatever the channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from approvals.domain.characters import MAX_NAME, one_line
from approvals.domain.demands import Demand
from approvals.domain.email_address import is_same


@dataclass(frozen=True, slots=True, kw_only=True)
class Approver:
    """A user who responds. `id` is their name on the channel, `name` what people call them, on one line.

    `realm` is the organization on the channel that they belong to, such as a workspace; None where the channel has
    none, empty where theirs is not known, which is refused. `member` says whether they are a full member of it, no
    guest, bot or deactivated user; it is None where the channel was not asked. `address` is theirs as the channel knows
    it. Neither is stored. `role` is the ARN of the AWS role whose session responds, without the role's path; then
    `name` is the session's name. It is empty on channels without roles. `is_proven` is False if the channel can't tell
    which person responds: they are refused.
    """

    id: str
    name: str
    channel: str
    realm: str | None = field(default=None, metadata={"stored": "workspace", "none": ""})
    member: bool | None = field(default=None, compare=False, metadata={"stored": False})
    address: str = field(default="", compare=False, metadata={"stored": False})
    role: str = field(default="", compare=False, metadata={"omitted": ""})
    is_proven: bool = field(default=True, compare=False, metadata={"stored": False})

    def __post_init__(self) -> None:
        """Keep the name to one line: with line breaks, it could pose as our words. An address is never cut."""
        object.__setattr__(self, "name", one_line(self.name, max(MAX_NAME, len(self.id))) or self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One human, whatever the channel. `name` is one line, `id` an address in canonical form, or else a user id.

    `identities` are their names by channel: several where a channel says that they are the same person's.
    """

    id: str
    name: str
    identities: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        """Keep the name to one line, as an approver's."""
        object.__setattr__(self, "name", one_line(self.name, max(MAX_NAME, len(self.id))))

    def on(self, channel: str) -> str:
        """Return their name on a channel; empty if they have none there."""
        return self.identities.get(channel, "")

    @property
    def address(self) -> str:
        """Their address, which names them on every channel; empty if none is known."""
        return next((identity for identity in self.identities.values() if "@" in identity), "")

    def is_(self, approver: Approver) -> bool:
        """Return True if this person responds. An address names them on every channel without realms."""
        if approver.realm is None and "@" in approver.id:
            # The id is an address even where no email would reach the person, and so is not among the identities.
            return any(is_same(identity, approver.id) for identity in (self.id, *self.identities.values()))
        return bool(approver.id) and approver.id == self.on(approver.channel)

    def admits(self, approver: Approver) -> bool:
        """Return True if this stands for a role, and the approver responds through a session of it."""
        return bool(approver.role) and approver.role == self.on(approver.channel)


class DelegationKind(StrEnum):
    """How a delegation came about."""

    AWAY = "away"
    """The owner of the seat was away when the request was made."""
    REASSIGNED = "reassigned"
    """Their seat of this request was passed on."""


class LeftOut(StrEnum):
    """Why a request goes on without a delegate."""

    REQUESTERS_SEAT = "REQUESTERS_SEAT"
    """Nobody stands in for the requester."""
    REQUESTER = "REQUESTER"
    """The requester stands in for nobody."""
    ALREADY_ASKED = "ALREADY_ASKED"
    """They have a seat of their own."""
    POLICY = "POLICY"
    """The operator's policy does not let them approve, or allows no delegates."""
    GROUP = "GROUP"
    """The policy's group of the person who is away does not name them as a delegate."""
    UNREACHABLE = "UNREACHABLE"
    """No channel knows or reaches them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """A person who may respond in the seat of another, from `since` to before `until`.

    `owner` is the id of the person whose seat it is. `named` is the name by which the delegate was chosen, and `set_by`
    is who chose them: the ARN of an AWS identity, or a user of a channel. If the request goes on without the delegate,
    `left_out` says why.
    """

    owner: str
    delegate: Person
    named: str
    since: datetime
    until: datetime
    set_by: str
    kind: DelegationKind = DelegationKind.AWAY
    left_out: LeftOut | None = None

    def is_in_force(self, at: datetime) -> bool:
        """Return True if the delegate may respond at this moment."""
        return self.left_out is None and self.since <= at < self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class OnCall:
    """A person, by their id, who was added when a reminder was due, since they had joined a group that is asked."""

    person: str
    group: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """The resolved identities of a request. `approvers` is empty if everyone who is asked may respond.

    `approvers` are all who may respond from the start, the members of groups and silent people among them. `silent` are
    the ids of those who are not told. `demands` are what must hold, with the ids of the people of each group; they are
    empty where the number of approvals in all is the only one.

    Where everyone who is asked may respond, `allowed` are the policy's lists of those who may approve at all, with the
    members of groups. `on_call` are those who were added later. `delegations` are those that concern the approvers,
    also those without which it goes on. It is not `complete` while a channel could not be asked who its users are: they
    can't respond there yet.
    """

    approvers: tuple[Person, ...] = ()
    escalation: tuple[Person, ...] = ()
    requester: Person | None = None
    complete: bool = True
    silent: tuple[str, ...] = field(default=(), metadata={"omitted": ()})
    demands: tuple[Demand, ...] = field(default=(), metadata={"omitted": ()})
    allowed: tuple[tuple[str, ...], ...] = field(default=(), metadata={"omitted": ()})
    delegations: tuple[Delegation, ...] = field(default=(), metadata={"omitted": ()})
    on_call: tuple[OnCall, ...] = field(default=(), metadata={"omitted": ()})
