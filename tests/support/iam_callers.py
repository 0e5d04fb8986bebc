"""Callers of the IAM channel, as API Gateway describes them."""

from __future__ import annotations

import json
from typing import Any

from approvals.domain.form_changes import form_key
from approvals.domain.model import Approval
from approvals.domain.people import Approver
from iam.body import withdrawn_count

ACCOUNT = "123456789012"
SSO = "AWSReservedSSO_Approver_0123456789abcdef"
SSO_ROLE = f"arn:aws:iam::{ACCOUNT}:role/{SSO}"
SSO_ROLE_WITH_PATH = f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/eu-west-1/{SSO}"


def a_caller(
    name: str = "alice@example.com", role: str = SSO, account: str = ACCOUNT, **changes: Any
) -> dict[str, Any]:
    """Return `requestContext.identity` of a signed call, with the keys that API Gateway sends."""
    found: dict[str, Any] = {
        "cognitoIdentityPoolId": None,
        "accountId": account,
        "cognitoIdentityId": None,
        "caller": f"AROAEXAMPLE1234567890:{name}",
        "sourceIp": "203.0.113.5",
        "principalOrgId": "o-example123",
        "accessKey": "ASIAEXAMPLE123456789",
        "cognitoAuthenticationType": None,
        "cognitoAuthenticationProvider": None,
        "userArn": f"arn:aws:sts::{account}:assumed-role/{role}/{name}",
        "userAgent": "approvals",
        "user": f"AROAEXAMPLE1234567890:{name}",
    }
    return found | changes


def by_iam(name: str, role: str = SSO_ROLE) -> Approver:
    """Return the approver behind a session that identifies a person."""
    return Approver(id=name, name=name, channel="iam", role=role)


def a_signed_call(body: Any, identity: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return API Gateway's event for a signed call: `body` is JSON, or a text as it is."""
    return {
        "httpMethod": "POST",
        "path": "/answers",
        "body": body if isinstance(body, str) else json.dumps(body),
        "isBase64Encoded": False,
        "requestContext": {"requestId": "req-1", "identity": a_caller() if identity is None else identity},
    }


def a_body(approval: Approval, action: str = "approve", **more: Any) -> dict[str, Any]:
    """Return the body with which a person responds to an approval as they see it now."""
    seen = {"Form": form_key(approval), "Withdrawn": withdrawn_count(approval)}
    body = {"ApprovalId": approval.id, "Digest": approval.request.digest, "Action": action, "Seen": seen}
    return body | more
