"""The demo's people as users of IAM Identity Center: a role session and a profile for each.

`approvals --local --profile alice approve …` then responds by IAM as alice@example.com. Ivy alone may override.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from demo import aws
from demo.slack import MEMBERS

APPROVER = "AWSReservedSSO_Approver_0123456789abcdef"
BREAK_GLASS = "AWSReservedSSO_BreakGlass_fedcba9876543210"
"""Names as IAM Identity Center makes them: the sessions of such roles identify people."""

_PATH = "/aws-reserved/sso.amazonaws.com/"
OVERRIDER = "ivy"

_ROLES = {**dict.fromkeys(MEMBERS.values(), APPROVER), OVERRIDER: BREAK_GLASS}
_TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}
_READS = ["cloudformation:DescribeStacks", "dynamodb:BatchGetItem", "dynamodb:Query", "states:DescribeExecution"]
_RIGHTS = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": _READS, "Resource": "*"}]}
"""What `approvals approve` reads. docs/cli.md has the narrower policy for a real account."""

_SECONDS = 12 * 60 * 60
"""How long a session lasts: longer than anyone plays. It is also IAM's maximum.

Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
"""


def policy_keys() -> dict[str, Any]:
    """Return the keys of a policy by which the roles identify people, and Ivy may override."""
    persons = [{"Role": _arn(role)} for role in (APPROVER, BREAK_GLASS)]
    return {"PersonRoles": persons, "Override": {"Roles": [_arn(BREAK_GLASS)]}}


def write_profiles(file: Path, outputs: Mapping[str, str]) -> None:
    """Create the roles for the stack with these outputs. Append a profile for each person to a credentials file."""
    iam, sts = aws.session().client("iam", config=aws.CONFIG), aws.session().client("sts", config=aws.CONFIG)
    for role in (APPROVER, BREAK_GLASS):
        _create(iam, role, outputs["ApproverPolicyArn"])
    with file.open("a") as opened:
        for name, role in _ROLES.items():
            session = f"{name}@example.com"
            lent = sts.assume_role(RoleArn=_arn(role), RoleSessionName=session, DurationSeconds=_SECONDS)
            key = lent["Credentials"]
            opened.write(
                f"\n[{name}]\naws_access_key_id = {key['AccessKeyId']}\n"
                f"aws_secret_access_key = {key['SecretAccessKey']}\naws_session_token = {key['SessionToken']}\n"
            )


def _create(iam: Any, name: str, policy_arn: str) -> None:
    iam.create_role(RoleName=name, Path=_PATH, AssumeRolePolicyDocument=json.dumps(_TRUST), MaxSessionDuration=_SECONDS)
    iam.put_role_policy(RoleName=name, PolicyName="reads", PolicyDocument=json.dumps(_RIGHTS))
    iam.attach_role_policy(RoleName=name, PolicyArn=policy_arn)


def _arn(role: str) -> str:
    return f"arn:aws:iam::{aws.ACCOUNT}:role{_PATH}{role}"
