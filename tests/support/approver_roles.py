"""Roles of the emulated account that respond by IAM, and their sessions."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

import boto3

from demo import aws
from scripts.cli_reference import policy

_TRUST = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}'


def an_approver_role(outputs: Mapping[str, str], name: str, *, may_call: bool, stack: str = "human-approval") -> str:
    """Create a role that may read as the command line does, and perhaps respond. Return its ARN."""
    iam = aws.session().client("iam")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_TRUST)["Role"]["Arn"]
    rights = policy(aws.ACCOUNT, aws.REGION, stack, dict(outputs))
    iam.put_role_policy(RoleName=name, PolicyName="reads", PolicyDocument=json.dumps(rights))
    if may_call:
        iam.attach_role_policy(RoleName=name, PolicyArn=outputs["ApproverPolicyArn"])
    return str(role)


def a_session(role: str, name: str) -> boto3.Session:
    """Return a session of a role."""
    lent = aws.session().client("sts").assume_role(RoleArn=role, RoleSessionName=name)["Credentials"]
    return boto3.Session(lent["AccessKeyId"], lent["SecretAccessKey"], lent["SessionToken"], region_name=aws.REGION)


def environ_of(session: boto3.Session, port: int) -> dict[str, str]:
    """Return the environment in which the command line uses a session on the emulator."""
    credentials = session.get_credentials()
    assert credentials
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {
        "AWS_ENDPOINT_URL": aws.endpoint(port),
        "AWS_REGION": aws.REGION,
        "AWS_ACCESS_KEY_ID": str(credentials.access_key),
        "AWS_SECRET_ACCESS_KEY": str(credentials.secret_key),
        "AWS_SESSION_TOKEN": str(credentials.token),
    }
