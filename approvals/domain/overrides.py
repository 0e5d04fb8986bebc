"""Overrides (break glass): who may decide alone, and whose approval that skips. Standard library only."""

from __future__ import annotations

from approvals.domain.eligibility import Reason, eligible
from approvals.domain.email_address import is_same
from approvals.domain.judgement import Override
from approvals.domain.model import Approval, Decision
from approvals.domain.people import Approver, Person


def override_problem(approval: Approval, override: Override) -> Reason | None:
    """Return why a person may not override; None if they may.

    Today's policy decides, so that the right can be given and taken away at once. An empty list of roles means nobody.
    Never the requester, not even where the request allows self-approval. A request that was asked without a policy has
    no override: all is as it was, and the sizes of its result and record leave no room for one.
    """
    approver = override.approver
    if not approver.is_proven:
        return Reason.NOT_PROVEN
    if approval.request.policy is None or not approver.role or approver.role not in override.roles:
        return Reason.NOT_AN_OVERRIDER
    if approval.people is None or not approval.people.complete:
        return Reason.TOO_EARLY
    return _requester_problem(approval, approver)


def override_decision(override: Override) -> Decision:
    """Return the decision of an override."""
    return Decision(
        status=override.action.status,
        at=override.at,
        channel=override.approver.channel,
        approver=override.approver,
        comment=override.reason,
        override=override.policy,
        form=override.form,
    )


def skipped(approval: Approval) -> tuple[Person, ...]:
    """Return the people whose approval an override skipped: who could respond, and did not respond like it.

    Empty where everyone who is asked may respond. A role is not skipped if an approver responded through it.
    """
    if not approval.is_overridden:
        return ()
    agreed = [response for response in approval.standing if response.action.status is approval.status]
    return tuple(
        person
        for person in eligible(approval)
        if not any(person.id == each.seat or person.admits(each.approver) for each in agreed)
    )


def _requester_problem(approval: Approval, approver: Approver) -> Reason | None:
    """Return why the requester can't be ruled out. Roles show people by address alone."""
    named, known = approval.request.requested_by, approval.people.requester if approval.people else None
    if (known and known.is_(approver)) or is_same(named or "", approver.id):
        return Reason.OWN_REQUEST
    address = known.address if known else named
    return Reason.UNKNOWN_REQUESTER if address is not None and "@" not in address else None
