"""Finds out who is who: which human is behind each email address, Slack user and Slack user group of a request.

Pure but for the lookups that are passed in. Standard library only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from approvals.domain.eligibility import is_quorum
from approvals.domain.email_address import canonical, is_same
from approvals.domain.identifiers import is_email, is_slack_group
from approvals.domain.model import People, Person, Request
from approvals.requests.codec import KEY
from approvals.requests.parse import InvalidRequestError

MAX_PEOPLE = 100
"""People that one request may name, those in groups included: each is a call to Slack, and a part of the record, which
DynamoDB limits to 400 KB.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
"""

_ONLY_REQUESTER = (
    f"the only approver is who asks; name somebody else in {KEY}.Approvers, or set {KEY}.AllowSelfApproval"
)
_NO_SLACK = "this stack has no Slack; set SlackChannel and SlackBotToken, or name an email address"


class Found(Protocol):
    """A Slack user, as Slack describes them. `email` is empty where Slack does not show it."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def email(self) -> str: ...  # noqa: D102
    @property
    def team_id(self) -> str: ...  # noqa: D102
    @property
    def deleted(self) -> bool: ...  # noqa: D102
    @property
    def bot(self) -> bool: ...  # noqa: D102
    @property
    def guest(self) -> bool: ...  # noqa: D102


class Directory(Protocol):
    """The people that Slack knows. Every method raises `DeliveryError` when Slack can't be asked."""

    def find_by_email(self, email: str) -> Found | None:
        """The user with this address, if there is one."""

    def user(self, slack_id: str) -> Found | None:
        """The user with this id, if there is one."""

    def members(self, group_id: str) -> tuple[str, ...]:
        """The ids of a user group's members; empty when there is no such group."""

    def workspace(self) -> str:
        """The id of the app's own workspace."""


def identify(request: Request, *, email: str, subscribed: Mapping[str, str], directory: Directory | None) -> People:
    """The people of a request.

    `email` is the stack's own address. `subscribed` has the addresses with a confirmed subscription: as they are
    subscribed, by their casefolded form. Without Slack there is no `directory`.

    Raises `InvalidRequestError` with a sentence for every name that can't be resolved or reached, and when too few
    people are left to decide; `DeliveryError` when Slack can't be asked: then nothing is known.
    """
    return _Identification(request, email, subscribed, directory).people()


@dataclass(frozen=True, slots=True)
class _Name:
    """A name in the request, and where it stands."""

    text: str
    path: str


class _Identification:
    """One request's people while they are gathered: a human who is named twice is there once."""

    def __init__(
        self, request: Request, email: str, subscribed: Mapping[str, str], directory: Directory | None
    ) -> None:
        self._request = request
        self._email = email
        self._subscribed = subscribed
        self._directory = directory
        self._humans: list[Person] = []
        self._problems: list[str] = []
        self._asked: dict[str, Found | None] = {}

    def people(self) -> People:
        approvers = self._named(self._request.approvers, "Approvers")
        escalation = self._named(self._request.escalate_to, "EscalateTo")
        requester = self._requester()
        found = People(
            approvers=self._at(approvers),
            escalation=self._at(escalation),
            requester=self._humans[requester] if requester is not None else None,
        )
        if len(self._humans) > MAX_PEOPLE:
            self._problems.append(f"{KEY}.Approvers: expected at most {MAX_PEOPLE} people, got {len(self._humans)}")
        if not self._problems:
            self._problems += self._impossibilities(found)
        if self._problems:
            raise InvalidRequestError(self._problems)
        return found

    def _named(self, names: tuple[str, ...], key: str) -> list[int]:
        """Where the humans behind the names stand among all; notes what is wrong with the names."""
        found: list[int] = []
        for number, text in enumerate(names):
            found += [self._add(self._mailable(each)) for each in self._resolved(_Name(text, f"{KEY}.{key}[{number}]"))]
        return list(dict.fromkeys(found))

    def _resolved(self, name: _Name) -> Iterator[Person]:
        if is_email(name.text):
            yield from self._reachable(name)
        elif self._directory is None:
            self._problem(name, _NO_SLACK)
        elif is_slack_group(name.text):
            yield from self._members(name, self._directory)
        elif problem := self._slack_problem(name.text):
            self._problem(name, problem)
        elif user := self._user(name.text):
            yield self._slack_person(user)

    def _reachable(self, name: _Name) -> Iterator[Person]:
        person = self._by_email(name.text)
        if name.text.casefold() in self._subscribed:
            yield person
        elif person.slack_id:
            yield person  # Asked in Slack alone.
        else:
            problem = f"{name.text} has no confirmed subscription to ApprovalTopicArn, so no mail gets there"
            self._problem(name, f"{problem}; subscribe the address, let it confirm, and start again")

    def _mailable(self, person: Person) -> Person:
        """The person, without an address that no mail would reach: they are not asked by mail."""
        return person if person.email.casefold() in self._subscribed else replace(person, email="")

    def _members(self, name: _Name, directory: Directory) -> Iterator[Person]:
        members = directory.members(name.text)
        if len(members) > MAX_PEOPLE:
            self._problem(name, f"expected at most {MAX_PEOPLE} people, the user group has {len(members)}")
            return
        # A group may have members who left, and users of another workspace. It names none of its guests and bots.
        found = [user for user in map(self._user, members) if user and self._may(user) and not user.guest]
        if members and not found:
            self._problem(name, f"nobody in the user group {name.text} is a full member; name guests by themselves")
        elif not found:
            self._problem(name, f"Slack knows no user group {name.text} that has members")
        for user in found:
            yield self._slack_person(user)

    def _requester(self) -> int | None:
        text = self._request.requested_by
        if text is None:
            return None
        if is_email(text):
            return self._add(self._by_email(text))
        user = self._user(text)
        if user:
            return self._add(self._slack_person(user))
        if self._request.allow_self_approval:
            return None
        # Not known, they could not be told from an approver who is named by email.
        problem = _NO_SLACK if self._directory is None else f"Slack knows no user {text}"
        self._problem(_Name(text, f"{KEY}.RequestedBy"), problem)
        return None

    def _impossibilities(self, people: People) -> Iterator[str]:
        if not people.approvers:
            yield from self._open_impossibilities(people)
            return
        needed = self._request.required_approvals
        own = {people.requester.id} if people.requester and not self._request.allow_self_approval else set()
        may = {person.id for person in people.approvers} - own
        if not may:
            yield f"{KEY}.Approvers: {_ONLY_REQUESTER}"
        elif len(may) < needed:
            yield f"{KEY}.RequiredApprovals: expected at most {len(may)}, since so many may answer, got {needed}"
        elif needed + self._request.required_rejections > len(may) + 1:
            yield (
                f"{KEY}.RequiredRejections: with {needed} approvals needed, expected at most {len(may) + 1 - needed}; "
                f"else all {len(may)} could answer without a decision"
            )

    def _open_impossibilities(self, people: People) -> Iterator[str]:
        """Where nobody is named, everybody in Slack may answer; without Slack the stack's own address alone."""
        if self._directory:
            return
        requester, request = people.requester, self._request
        if is_quorum(request):
            key = "RequiredApprovals" if request.required_approvals > 1 else "RequiredRejections"
            yield (
                f"{KEY}.{key}: expected 1 without {KEY}.Approvers, since this stack has no Slack: several people may "
                f"read {self._email}, so it counts only where one response is enough; name people in {KEY}.Approvers"
            )
        elif requester and not request.allow_self_approval and is_same(requester.email, self._email):
            yield f"{KEY}.RequestedBy: {_ONLY_REQUESTER}"

    def _by_email(self, address: str) -> Person:
        """The human with an address: the same as a Slack user where Slack says so, of a sub-address too."""
        spellings = dict.fromkeys((address, canonical(address)) if "+" in address else (address,))
        users = (self._directory.find_by_email(each) for each in spellings) if self._directory else ()
        found = next((user for user in users if user and self._may(user)), None)
        # SNS compares a filter policy's addresses letter by letter.
        spelled = self._subscribed.get(address.casefold(), address)
        key = (found.email if found else "") or address
        return Person(id=canonical(key), name=spelled, email=spelled, slack_id=found.id if found else "")

    def _slack_person(self, user: Found) -> Person:
        email = self._subscribed.get(user.email.casefold(), user.email)
        return Person(id=canonical(email) or user.id, name=user.name, email=email, slack_id=user.id)

    def _slack_problem(self, slack_id: str) -> str | None:
        user = self._user(slack_id)
        if user is None:
            return f"Slack knows no user {slack_id}"
        if user.deleted:
            return f"the Slack user {slack_id} was deactivated"
        if user.bot:
            return f"the Slack user {slack_id} is a bot"
        return f"the Slack user {slack_id} belongs to another workspace" if self._is_stranger(user) else None

    def _may(self, user: Found) -> bool:
        return not user.deleted and not user.bot and not self._is_stranger(user)

    def _is_stranger(self, user: Found) -> bool:
        return self._directory is not None and user.team_id != self._directory.workspace()

    def _user(self, slack_id: str) -> Found | None:
        if self._directory is None:
            return None
        if slack_id not in self._asked:
            self._asked[slack_id] = self._directory.user(slack_id)
        return self._asked[slack_id]

    def _add(self, person: Person) -> int:
        """Adds a human, or what is new about one who is there; returns where they stand."""
        for number, other in enumerate(self._humans):
            if person.id == other.id or (person.slack_id and person.slack_id == other.slack_id):
                self._humans[number] = replace(
                    other, email=other.email or person.email, slack_id=other.slack_id or person.slack_id
                )
                return number
        self._humans.append(person)
        return len(self._humans) - 1

    def _at(self, numbers: list[int]) -> tuple[Person, ...]:
        return tuple(self._humans[number] for number in numbers)

    def _problem(self, name: _Name, what: str) -> None:
        self._problems.append(f"{name.path}: {what}")
