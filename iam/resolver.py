"""Resolve identities by IAM: the roles that a request names as approvers."""

from __future__ import annotations

from collections.abc import Sequence

from approvals.domain.model import Request
from approvals.domain.people import Person
from approvals.domain.pinned_policy import PersonRole
from approvals.requests.lookup import UnresolvedError
from iam.addresses import IAM, is_role, role_name, without_path
from iam.sessions import person_roles, proves_person


class RoleResolver:
    """Resolves ARNs of roles of the stack's `account`. It asks nobody.

    A role stands in a request's people for everyone who responds through it: `Person.admits` finds them. Who they are
    is known only when they respond, so a role counts as one person where a request needs several.
    """

    channel = IAM

    def __init__(self, account: str) -> None:
        self._account = account
        self._roles: Sequence[PersonRole] | None = None

    def prepare(self, request: Request) -> None:
        """Take the roles of the policy under which the request was made."""
        self._roles = person_roles(request)

    def understands(self, name: str) -> bool:
        """Return True for the ARN of a role."""
        return is_role(name)

    def resolve(self, name: str) -> list[Person]:
        """Return what stands for the people of a role. Raise `UnresolvedError` if its sessions prove nobody."""
        role = without_path(name)
        if not proves_person(role, self._account, self._roles):
            raise UnresolvedError(f"Sessions of role {role_name(role)} don't identify a person. {self._fix(role)}")
        return [Person(id=role, name=f"role {role_name(role)}", identities={IAM: role})]

    def _fix(self, role: str) -> str:
        if role.split(":")[4] != self._account:
            return f"It is of another account. Use a role of this stack's account, {self._account}."
        if self._roles is None:
            return "Use an IAM Identity Center role, or a policy that has it in PersonRoles."
        return "Ask the operator of this stack to add it to the policy's PersonRoles."

    def recognize(self, name: str) -> Person:
        """Raise `UnresolvedError`: a role asks for nothing."""
        raise UnresolvedError(f"{role_name(name)} is a role. The requester must be a person.")

    def complete(self, person: Person) -> Person:
        """Return the person as they are."""
        return person

    def reachable(self, person: Person) -> Person:
        """Return the person as they are."""
        return person

    def unreachable(self, name: str) -> str:
        """Say that the role reaches nobody."""
        return f"Nobody can respond through {name}."
