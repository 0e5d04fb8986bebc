"""Which person a role session stands for, by what AWS says of a signed call. Pure.

A session's name proves a person only if the role's caller can't choose it. IAM Identity Center chooses it for the roles
that it makes (`AWSReservedSSO_…`): the user's name. A role's trust policy can prescribe it as well. Anyone else
who can assume a role names the session as they like.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#ck_rolesessionname
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from approvals.domain.model import Request
from approvals.domain.people import Approver
from approvals.domain.pinned_policy import PersonRole
from iam.addresses import IAM, is_role, role_name, without_path

MAX_ADDRESS = 128
"""Characters of an address that is made of a session's name: the record has room for no more."""

_SESSION = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):sts::(?P<account>[0-9]{12}):assumed-role/"
    r"(?P<role>[A-Za-z0-9_+=,.@-]{1,64})/(?P<name>[A-Za-z0-9_+=,.@-]{2,64})"
)
_CALLER = re.compile(r"AROA[A-Z0-9]{1,124}:(?P<name>[A-Za-z0-9_+=,.@-]{2,64})")
"""A role's unique ID and the session's name.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
"""

IDENTITY_CENTER = re.compile(r"AWSReservedSSO_[A-Za-z0-9_+=,.@-]{1,32}_[0-9a-f]{16}")
"""The whole name of a role that IAM Identity Center makes: a permission set's name and 16 digits.

Source: https://docs.aws.amazon.com/singlesignon/latest/userguide/using-sso-with-iam-roles.html
"""

IDENTITY_CENTER_PATH = "/aws-reserved/sso.amazonaws.com/"
"""How the paths of these roles begin. Nobody else can use it; a session does not show it.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-names
"""

_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"[A-Za-z0-9_.+-]+@(?:{_LABEL}\.)+[A-Za-z][A-Za-z0-9-]{{0,61}}[A-Za-z0-9]")


@dataclass(frozen=True, slots=True)
class PersonSession:
    """A session that identifies a person: their address, the session's name, and the role's ARN without its path."""

    address: str
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class UnprovenSession:
    """A caller who can't be taken for a person: an ARN, of the role where there is one, and why, for the log.

    `name` is the session's name, which proves nothing.
    """

    arn: str
    why: str
    name: str = ""


def person_roles(request: Request) -> tuple[PersonRole, ...] | None:
    """Return the roles whose sessions identify people, by the policy under which the request was made; None without."""
    return request.policy.person_roles if request.policy else None


def identify(
    identity: Mapping[str, Any], account: str, roles: Iterable[PersonRole] | None
) -> PersonSession | UnprovenSession:
    """Return who called, from `requestContext.identity` of API Gateway's event. `account` is the stack's own.

    `roles` are those of the operator's policy, or None without one: then the roles of IAM Identity Center
    count. No other role, no IAM user and no root user proves a person, nor does a session of another account.
    """
    arn = str(identity.get("userArn") or "")
    session, caller = _SESSION.fullmatch(arn), _CALLER.fullmatch(str(identity.get("caller") or ""))
    if session is None:
        return UnprovenSession(arn[:MAX_ADDRESS] or "unknown", "not a session of a role")
    role = f"arn:{session['partition']}:iam::{session['account']}:role/{session['role']}"
    if {session["account"], str(identity.get("accountId"))} != {account}:
        return UnprovenSession(role, "of another account", session["name"])
    if caller is None or caller["name"] != session["name"]:
        return UnprovenSession(role, "caller and ARN differ", session["name"])
    found = _person_role(role, roles)
    if found is None:
        return UnprovenSession(role, "the role does not prove a person", session["name"])
    address = _address(session["name"], found.domain)
    if not address:
        return UnprovenSession(role, "the session's name is not a person's address", session["name"])
    return PersonSession(address, session["name"], role)


def approver_of(session: PersonSession | UnprovenSession) -> Approver:
    """Return the approver for a session: a person, or the role, which proves nobody."""
    if isinstance(session, PersonSession):
        return Approver(id=session.address, name=session.name, channel=IAM, role=session.role)
    # By the role, and not by the session's name: its caller may choose a new one for every call.
    role = session.arn if is_role(session.arn) else ""
    return Approver(id=session.arn, name=session.name or session.arn, channel=IAM, role=role, is_proven=False)


def proves_person(role: str, account: str, roles: Iterable[PersonRole] | None) -> bool:
    """Return True if sessions of the role (an ARN, with or without its path) identify people."""
    return role.split(":")[4] == account and _person_role(without_path(role), roles) is not None


def _person_role(role: str, roles: Iterable[PersonRole] | None) -> PersonRole | None:
    if roles is None:
        return PersonRole(role=role) if IDENTITY_CENTER.fullmatch(role_name(role)) else None
    return next((each for each in roles if without_path(each.role) == role), None)


def _address(name: str, domain: str) -> str:
    address = f"{name}@{domain}" if domain and "@" not in name else name
    is_right = _ADDRESS.fullmatch(address) and len(address) <= MAX_ADDRESS
    is_of_domain = not domain or address.rpartition("@")[2].casefold() == domain.casefold()
    return address if is_right and is_of_domain else ""
