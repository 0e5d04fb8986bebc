"""What a change of the operator's policy does to an open approval. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from approvals.domain.eligibility import needs_lookup
from approvals.domain.judgement import PolicyChange
from approvals.domain.model import Approval, Request, Response
from approvals.domain.people import People
from approvals.domain.pinned_policy import AskedAgain, PinnedPolicy, PolicyVersion


def voided(approval: Approval, change: AskedAgain) -> tuple[Response, ...]:
    """Return the responses that a change of the policy made void."""
    return tuple(each for each in approval.responses if each.is_void and each.withdrawn_at == change.at)


def under_changed_policy(approval: Approval, change: PolicyChange) -> Approval | None:
    """Return the approval under the rules of a changed policy, with all its responses void.

    The deadline never moves later. Nobody may respond until identities are resolved again. A request that the policy
    refuses keeps its rules. Return None if the approval has these rules, or was asked after the policy was read.
    """
    policy = approval.request.policy
    if change.at < approval.last_asked or (policy and policy.sha256 == change.policy.sha256):
        return None
    entry = AskedAgain(at=change.at, before=policy.identity if policy else None, after=change.policy)
    entries = (*approval.asked_again, entry)
    responses = tuple(_void(each, change) if each.withdrawn_at is None else each for each in approval.responses)
    approval = replace(approval, responses=responses)
    new = change.request
    if new is None or new.policy is None:
        return _noting(approval, policy, entries)
    timeout = min(new.timeout, approval.request.timeout)
    request = replace(
        new,
        timeout=timeout,
        reminders=tuple(after for after in new.reminders if after < timeout),
        policy=replace(new.policy, asked_again=entries),
    )
    people = None if needs_lookup(request) else People()
    return replace(approval, request=request, deadline=_deadline(approval, request), people=people)


def changed(before: PolicyVersion | None, after: PolicyVersion) -> str:
    """Return the beginning of a sentence: `The approval policy changed from version 7 to 9`."""
    if before is None:
        return f"The request was made without an approval policy, and version {after.version} applies now"
    return f"The approval policy changed from version {before.version} to {after.version}"


def refusal_cause(change: PolicyChange, policy: PinnedPolicy | None) -> str:
    """Return why a changed policy cancels an approval. The problems name the rules."""
    how = changed(policy.identity if policy else None, change.policy)
    return f"{how}. It refuses this request: {' '.join(change.problems)}"


def _noting(approval: Approval, policy: PinnedPolicy | None, entries: tuple[AskedAgain, ...]) -> Approval:
    """Return the approval with the changes on record. One that was made without a policy has no place for them."""
    kept = replace(policy, asked_again=entries) if policy else None
    return replace(approval, request=replace(approval.request, policy=kept))


def _void(response: Response, change: PolicyChange) -> Response:
    void = replace(response, withdrawn_at=change.at, is_void=True)
    if change.has_room:
        return void
    return replace(void, comment=None, form={}, replaced=None if void.replaced is None else {})


def _deadline(approval: Approval, request: Request) -> datetime:
    """Return the deadline with the extensions so far. None passes the longest time that the policy allows."""
    extended = approval.deadline - approval.requested_at - approval.request.timeout
    longest = request.policy.longest_minutes if request.policy else None
    after = request.timeout + extended
    return approval.requested_at + (min(after, timedelta(minutes=longest)) if longest else after)
