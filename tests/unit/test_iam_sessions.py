"""Which sessions of AWS roles stand for a person, and for whom."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.domain.pinned_policy import PersonRole
from iam.addresses import is_role, without_path
from iam.sessions import MAX_ADDRESS, PersonSession, UnprovenSession, identify, proves_person
from tests.support.iam_callers import ACCOUNT, SSO, SSO_ROLE, SSO_ROLE_WITH_PATH, a_caller

DEPLOYER = f"arn:aws:iam::{ACCOUNT}:role/Deployer"
ARN = f"arn:aws:sts::{ACCOUNT}:assumed-role"
AN_EVENT = a_caller("first.last@example.com", "AWSReservedSSO_AdministratorAccess_8219a806ceb01083")
"""As a stored event of a REST API has it, but for the names."""


def test_identity_centers_user_name_is_the_person() -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/AWSReservedSSO_AdministratorAccess_8219a806ceb01083"
    expected = PersonSession("first.last@example.com", "first.last@example.com", role)
    assert identify(AN_EVENT, ACCOUNT, None) == expected


@pytest.mark.parametrize(
    ("identity", "roles", "address"),
    [
        (a_caller(), [PersonRole(role=SSO_ROLE)], "alice@example.com"),
        (a_caller(), [PersonRole(role=SSO_ROLE_WITH_PATH)], "alice@example.com"),
        (a_caller(role="Deployer"), [PersonRole(role=SSO_ROLE), PersonRole(role=DEPLOYER)], "alice@example.com"),
        (a_caller("alice"), [PersonRole(role=SSO_ROLE, domain="example.com")], "alice@example.com"),
        (a_caller("alice@example.com"), [PersonRole(role=SSO_ROLE, domain="example.com")], "alice@example.com"),
        (a_caller("alice@Example.com"), [PersonRole(role=SSO_ROLE, domain="example.COM")], "alice@Example.com"),
        (a_caller(userArn=f"arn:aws-us-gov:sts::{ACCOUNT}:assumed-role/{SSO}/alice@example.com"), None, None),
    ],
)
def test_a_session_of_a_role_that_proves_people_is_a_person(
    identity: dict[str, Any], roles: list[PersonRole] | None, address: str | None
) -> None:
    found = identify(identity, ACCOUNT, roles)
    assert isinstance(found, PersonSession)
    assert found.address == (address or "alice@example.com")


@pytest.mark.parametrize(
    "identity",
    [
        {},
        a_caller(userArn=None, caller=None),
        a_caller(userArn=f"arn:aws:iam::{ACCOUNT}:root", caller=ACCOUNT),
        a_caller(userArn=f"arn:aws:iam::{ACCOUNT}:user/alice@example.com", caller="AIDAEXAMPLE:alice@example.com"),
        a_caller(userArn=f"arn:aws:sts::{ACCOUNT}:federated-user/alice@example.com"),
        a_caller(userArn=f"arn:aws:iam::{ACCOUNT}:role/{SSO}"),
        a_caller(userArn=f"{ARN}/path/{SSO}/alice@example.com"),
        a_caller(userArn=f"{ARN}/{SSO}/alice@example.com/more"),
        a_caller(userArn=f"{ARN}/{SSO}/alice@example.com\n"),
        a_caller(account="210987654321"),
        a_caller(accountId="210987654321"),
        a_caller(accountId=None),
        a_caller(userArn=f"arn:aws:sts::210987654321:assumed-role/{SSO}/alice@example.com"),
        a_caller(caller="AROAEXAMPLE1234567890:eve@example.com"),
        a_caller(caller="AIDAEXAMPLE1234567890:alice@example.com"),
        a_caller(caller="alice@example.com"),
        a_caller(role="Deployer"),
        a_caller(role="AWSReservedSSO_Approver"),
        a_caller(role="AWSReservedSSO_Approver_0123456789ABCDEF"),
        a_caller(role="AWSReservedSSO_Approver_0123456789abcdef0"),
        a_caller(role="xAWSReservedSSO_Approver_0123456789abcdef"),
        a_caller(role="AWSReservedSSO__0123456789abcdef"),
        a_caller("alice"),
        a_caller("alice@localhost"),
        a_caller("alice@@example.com"),
        a_caller("@example.com"),
        a_caller("botocore-session-1795424400"),
    ],
    ids=lambda identity: str(identity.get("userArn")),
)
def test_nobody_else_is_a_person_without_a_policy(identity: dict[str, Any]) -> None:
    assert isinstance(identify(identity, ACCOUNT, None), UnprovenSession)


@pytest.mark.parametrize(
    ("identity", "roles"),
    [
        (a_caller(), []),
        (a_caller(), [PersonRole(role=DEPLOYER)]),
        (a_caller(role="AWSReservedSSO_Approver_fedcba9876543210"), [PersonRole(role=SSO_ROLE)]),
        (a_caller(role="AWSReservedSSO_Approve"), [PersonRole(role=SSO_ROLE)]),
        (a_caller(role=f"{SSO}0"), [PersonRole(role=SSO_ROLE)]),
        (a_caller(), [PersonRole(role=SSO_ROLE.replace(ACCOUNT, "210987654321"))]),
        (a_caller(account="210987654321"), [PersonRole(role=SSO_ROLE.replace(ACCOUNT, "210987654321"))]),
        (a_caller("alice@other.org"), [PersonRole(role=SSO_ROLE, domain="example.com")]),
        (a_caller("alice"), [PersonRole(role=SSO_ROLE)]),
        (a_caller("a" * 64), [PersonRole(role=SSO_ROLE, domain=f"{'d' * 63}.example.com")]),
    ],
)
def test_with_a_policy_only_sessions_of_its_roles_are_people(identity: dict[str, Any], roles: list[PersonRole]) -> None:
    assert isinstance(identify(identity, ACCOUNT, roles), UnprovenSession)


def test_who_is_no_person_is_named_by_their_role_and_not_by_a_session_that_they_chose() -> None:
    assert identify(a_caller(role="Deployer"), ACCOUNT, None) == UnprovenSession(
        DEPLOYER, "the role does not prove a person", "alice@example.com"
    )
    user = f"arn:aws:iam::{ACCOUNT}:user/{'path/' * 100}bob"
    found = identify(a_caller(userArn=user), ACCOUNT, None)
    assert isinstance(found, UnprovenSession)
    assert found.arn == user[:MAX_ADDRESS]


@given(name=st.text(string.printable, max_size=70), role=st.text(string.printable, max_size=70), forged=st.booleans())
def test_a_person_is_always_whom_aws_names(name: str, role: str, forged: bool) -> None:
    """No spelling of a role or a session passes for another."""
    identity = a_caller(name, role)
    if forged:
        identity["userArn"] = f"{ARN}/{role}/{SSO}/{name}"
    found = identify(identity, ACCOUNT, [PersonRole(role=SSO_ROLE)])
    if isinstance(found, PersonSession):
        assert (found.role, found.name) == (SSO_ROLE, name)
        assert role == SSO


@pytest.mark.parametrize(
    ("role", "roles", "proves"),
    [
        (SSO_ROLE, None, True),
        (SSO_ROLE_WITH_PATH, None, True),
        (DEPLOYER, None, False),
        (DEPLOYER, [PersonRole(role=DEPLOYER)], True),
        (SSO_ROLE, [PersonRole(role=DEPLOYER)], False),
        (SSO_ROLE.replace(ACCOUNT, "210987654321"), None, False),
    ],
)
def test_a_role_proves_people_in_the_stacks_own_account(
    role: str, roles: list[PersonRole] | None, proves: bool
) -> None:
    assert proves_person(role, ACCOUNT, roles) is proves


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        (SSO_ROLE, True),
        (SSO_ROLE_WITH_PATH, True),
        (f"arn:aws-cn:iam::{ACCOUNT}:role/x", True),
        (f"arn:aws:iam::{ACCOUNT}:user/x", False),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/x/y", False),
        (f"arn:aws:iam::{ACCOUNT}:role/", False),
        (f"arn:aws:iam::{ACCOUNT}:role/ann@example.com", False),
        ("arn:aws:iam::1234:role/x", False),
        (f"{SSO_ROLE} ", False),
    ],
)
def test_the_form_of_a_roles_arn(text: str, is_one: bool) -> None:
    assert is_role(text) is is_one


def test_a_role_is_known_without_its_path() -> None:
    assert without_path(SSO_ROLE_WITH_PATH) == without_path(SSO_ROLE) == SSO_ROLE
