"""Say what the operator's policy required of a request, for people and for programs."""

from __future__ import annotations

from approvals.domain.model import Json, shorten
from approvals.domain.pinned_policy import AppliedRule, PinnedPolicy
from approvals.domain.policy import DOCUMENT

LABEL = "Policy"

MAX_WORDS = 500
"""Characters of the sentence: a policy may have 30 rules, and the result, the record and an export name each."""


def describe_policy(policy: PinnedPolicy) -> str:
    """Return what each rule required: `version 7 requires 2 approvals, 1 approval from security (rule prod)`."""
    parts = [_part(rule) for rule in policy.rules if rule.required or rule.raised]
    requires = f" requires {'; '.join(parts)}" if parts else ""
    return shorten(f"version {policy.version}{requires}", MAX_WORDS)


def policy_document(policy: PinnedPolicy) -> dict[str, Json]:
    """Return the policy's version and digest, and the rules that applied: what each required and raised."""
    return {
        "Version": policy.version,
        "Sha256": policy.sha256,
        "Rules": [
            {"Name": rule.name, "Required": list(rule.required), "Raised": list(rule.raised)} for rule in policy.rules
        ],
    }


def _part(rule: AppliedRule) -> str:
    when = "always" if rule.name == DOCUMENT else f"rule {rule.name}"
    raised = ", raised the request" if rule.raised else ""
    return f"{', '.join(rule.required or rule.raised)} ({when}{raised})"
