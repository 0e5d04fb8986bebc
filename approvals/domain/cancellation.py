"""Cancellations: what `approvals cancel` writes as the cause of a stopped execution, and how it is read again.

The cause is a claim. Everyone who may stop an execution can write the same text in another caller's name, so surfaces
say where the name comes from. The proof is CloudTrail's event of `StopExecution`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from approvals.domain.characters import one_line
from approvals.domain.model import Decision, Status
from approvals.domain.parts import without_links

ERROR = "ApprovalCancelled"
"""The error of an execution that `approvals cancel` stopped."""

MAX_REASON = 1000
"""Characters of a reason that are kept. Step Functions takes 32,768."""

_NAME = r"[\w+=,.@/-]{1,600}"
_CALLER = rf"arn:aws[a-z-]*:(?:iam|sts)::\d{{12}}:(?:root|(?:user|assumed-role|federated-user)/{_NAME})"
"""Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html"""

_CAUSE = re.compile(rf"Cancelled(?: by ({_CALLER}))?(?:: (.*)|\.)", re.ASCII | re.DOTALL)
_SSO_ROLE = re.compile(r"AWSReservedSSO_(.+)_[0-9a-f]{16}")
"""The role of a permission set of IAM Identity Center, whose sessions have the name of their user."""


@dataclass(frozen=True, slots=True)
class Stop:
    """What the person who stopped an execution said: why, on one line, and the ARN that they gave as theirs."""

    reason: str | None = None
    caller: str | None = None


def write_cause(caller: str, reason: str) -> str:
    """Return the cause for an execution that is stopped by the caller with this ARN, empty if it is not known."""
    by = f"Cancelled by {caller}" if caller else "Cancelled"
    return f"{by}: {reason}" if reason else f"{by}."


def read_cause(error: str | None, cause: str | None) -> Stop:
    """Return what a stopped execution's error and cause say. What others write there is a reason as a whole."""
    found = _CAUSE.fullmatch(cause or "") if error == ERROR else None
    caller, reason = (found[1], found[2]) if found else (None, cause)
    return Stop(one_line(reason or "", MAX_REASON) or None, caller)


def caller_name(arn: str) -> str:
    """Return a caller for people: `alice@example.com, role Deployer`. A session's name never stands without its role.

    Sessions are named by those who begin them.
    """
    account, resource = arn.split(":", 5)[4:]
    kind, _, name = resource.partition("/")
    if kind == "assumed-role":
        role, _, session = name.partition("/")
        permissions = _SSO_ROLE.fullmatch(role)
        return without_links(f"{session}, role {permissions[1] if permissions else role}")
    if kind == "root":
        return f"the root user of {account}"
    return without_links(f"{name.rpartition('/')[2]}, {'IAM' if kind == 'user' else 'federated'} user")


def cancelled_by(decision: Decision) -> str:
    """Return who cancelled, as the execution's cause says; empty if it names nobody."""
    return f"by {caller_name(decision.cancelled_by)} (from the execution's cause)" if decision.cancelled_by else ""


def reason(decision: Decision) -> str:
    """Return the reason of the person who stopped the execution, in their words; empty if they gave none."""
    return (decision.comment or "") if decision.status is Status.CANCELLED else ""
