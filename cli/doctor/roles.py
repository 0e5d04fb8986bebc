"""Look up IAM roles that a policy or a request names: a role that is gone lets nobody respond or override."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from approvals.domain.parts import join_names
from cli.aws_errors import error_code, is_denied
from iam.addresses import role_name
from iam.sessions import IDENTITY_CENTER, IDENTITY_CENTER_PATH

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

MAX_ROLES = 40
"""Roles to look up at most."""

DENIED = "AWS denied iam:GetRole, so nobody knows whether the roles exist"

ASK_FOR_RIGHT = "Ask your administrator to allow iam:GetRole and iam:ListRoles, then run the doctor again"


class RolesDeniedError(Exception):
    """The caller may not look up roles."""


def role_problems(iam: IAMClient, roles: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each role that is gone, or that imitates one of IAM Identity Center, and what is wrong with it.

    Raise `RolesDeniedError` if the caller may not look, and `ClientError`.
    """
    for role in list(dict.fromkeys(roles))[:MAX_ROLES]:
        if problem := _problem(iam, role):
            yield role, problem


def _problem(iam: IAMClient, role: str) -> str:
    name = role_name(role)
    try:
        path = iam.get_role(RoleName=name)["Role"]["Path"]
    except ClientError as error:
        if is_denied(error):
            raise RolesDeniedError from error
        if error_code(error) != "NoSuchEntity":
            raise
        return f"role {name} does not exist.{_successors(iam, name)}"
    if IDENTITY_CENTER.fullmatch(name) and not path.startswith(IDENTITY_CENTER_PATH):
        return (
            f"role {name} was not made by IAM Identity Center, whose roles have the path {IDENTITY_CENTER_PATH}. "
            "Anyone who can assume it can respond in the name of others."
        )
    return ""


def _successors(iam: IAMClient, name: str) -> str:
    """Name the roles that IAM Identity Center made later for the same permission set: their 16 digits differ."""
    if not IDENTITY_CENTER.fullmatch(name):
        return ""
    stem = name.rpartition("_")[0]
    try:
        pages = iam.get_paginator("list_roles").paginate(PathPrefix=IDENTITY_CENTER_PATH)
        arns = [role["Arn"] for page in pages for role in page["Roles"] if role["RoleName"].rpartition("_")[0] == stem]
    except ClientError as error:
        if not is_denied(error):
            raise
        return " AWS denied iam:ListRoles: look in IAM for one with another suffix."
    return f" IAM Identity Center replaced it by {join_names(arns)}." if arns else ""
