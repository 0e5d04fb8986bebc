"""What a record keeps of the operator's policy: the rules under which its approval was asked. Standard library only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from approvals.domain.email_address import canonical, is_same


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyGroup:
    """A group that the policy owns, and who may stand in for its members."""

    name: str
    approvers: tuple[str, ...]
    delegates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRole:
    """An IAM role whose sessions are named after people. `role` is its ARN.

    A session's name is the person's address. With `domain` it may also be what stands before `@domain`, and an address
    of another domain identifies nobody.
    """

    role: str
    domain: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVersion:
    """A version of the policy: the parameter that held it, its number there, and the SHA-256 of the document."""

    parameter: str
    version: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedAgain:
    """A change of the policy, `at` which the approval was asked again: all responses before it are void.

    `before` is None if the request was made without a policy.
    """

    at: datetime
    before: PolicyVersion | None
    after: PolicyVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedRule:
    """A rule that applied: what it `required`, and what it `raised`, in words (`RequiredApprovals: 1 to 2`)."""

    name: str
    required: tuple[str, ...] = ()
    raised: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedPolicy:
    """The policy as it stood when an approval was asked, or asked again: the record keeps it.

    Approvers must be in each list of `allowed`. `groups` are the policy's own among the request's; `longest_minutes`
    counts from the request, and no extension passes it. Only sessions of `person_roles` identify people.

    `written` are the keys of the request that the merge changed, as its author wrote them: None for a key that was left
    out. `default_timeout` says that the time limit was the stack's own default. `noted` is a later version of the
    policy that the approval does not follow, and `asked_again` are the changes that it does.
    """

    parameter: str
    version: int
    sha256: str
    rules: tuple[AppliedRule, ...] = ()
    allowed: tuple[tuple[str, ...], ...] = ()
    groups: tuple[PolicyGroup, ...] = ()
    longest_minutes: int | None = None
    person_roles: tuple[PersonRole, ...] = field(default=(), metadata={"omitted": ()})
    delegation_allowed: bool = field(default=True, metadata={"omitted": True})
    longest_delegation_days: int = field(default=60, metadata={"omitted": 60})
    written: Mapping[str, object] = field(default_factory=dict, metadata={"omitted": {}})
    default_timeout: bool = field(default=False, metadata={"omitted": False})
    noted: PolicyVersion | None = field(default=None, metadata={"omitted": None})
    asked_again: tuple[AskedAgain, ...] = field(default=(), metadata={"omitted": ()})

    @property
    def identity(self) -> PolicyVersion:
        """The version under which the approval was asked."""
        return PolicyVersion(parameter=self.parameter, version=self.version, sha256=self.sha256)


def is_named(name: str, entry: str) -> bool:
    """Return True if an entry of the policy names a person by this name, or by the domain of this address."""
    if entry.startswith("@"):
        return canonical(name).endswith(entry.casefold())
    return is_same(name, entry)


def is_outside(name: str, listed: Sequence[str]) -> bool:
    """Return True if no look-up is needed to say that a list does not name this person: all are addresses."""
    return "@" in name and all("@" in entry for entry in listed) and not any(is_named(name, each) for each in listed)


def is_allowed(names: Sequence[str], lists: Iterable[Sequence[str]]) -> bool:
    """Return True if each of the policy's lists names a person by one of their `names`."""
    return all(any(is_named(name, entry) for name in names for entry in listed) for listed in lists)
