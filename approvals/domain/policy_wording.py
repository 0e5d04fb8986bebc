"""Say what the operator's policy required of a request, for people and for programs."""

from __future__ import annotations

from approvals.domain.model import Json, iso, shorten
from approvals.domain.pinned_policy import AppliedRule, AskedAgain, PinnedPolicy, PolicyVersion
from approvals.domain.policy import DOCUMENT

LABEL = "Policy"

MAX_WORDS = 500
"""Characters of the sentence: a policy may have 30 rules, and the result, the record and an export name each."""


def describe_policy(policy: PinnedPolicy) -> str:
    """Return what each rule required: `version 7 requires 2 approvals, 1 approval from security (rule prod)`.

    A later version that the approval does not follow is named: `version 7 (now 9) requires …`.
    """
    parts = [_part(rule) for rule in policy.rules if rule.required or rule.raised]
    requires = f" requires {'; '.join(parts)}" if parts else ""
    now = f" (now {policy.noted.version})" if policy.noted else ""
    return shorten(f"version {policy.version}{now}{requires}", MAX_WORDS)


def policy_document(policy: PinnedPolicy) -> dict[str, Json]:
    """Return the policy's version and digest, and the rules that applied: what each required and raised."""
    return {
        "Version": policy.version,
        "Sha256": policy.sha256,
        "Rules": [
            {"Name": rule.name, "Required": list(rule.required), "Raised": list(rule.raised)} for rule in policy.rules
        ],
    }


def policy_changes_document(policy: PinnedPolicy | None) -> dict[str, Json]:
    """Return the version that the policy has now, if the approval does not follow it, and when it was asked again.

    `From` is None where the request was made without a policy.
    """
    noted, changes = (policy.noted, policy.asked_again) if policy else (None, ())
    return {"PolicyNow": version_document(noted), "AskedAgain": [_change(each) for each in changes]}


def _change(change: AskedAgain) -> dict[str, Json]:
    return {"At": iso(change.at), "From": version_document(change.before), "To": version_document(change.after)}


def version_document(version: PolicyVersion | None) -> Json:
    """Return a version of the policy; None if there is none."""
    return {"Version": version.version, "Sha256": version.sha256} if version else None


def _part(rule: AppliedRule) -> str:
    when = "always" if rule.name == DOCUMENT else f"rule {rule.name}"
    raised = ", raised the request" if rule.raised else ""
    return f"{', '.join(rule.required or rule.raised)} ({when}{raised})"
