"""The HTTP status and the sentence that a signed call is answered with."""

from __future__ import annotations

from http import HTTPStatus

from approvals.domain import response_wording, wording
from approvals.domain.eligibility import Reason
from approvals.domain.judgement import Judgement, Override, Verdict, Withdrawal
from approvals.domain.model import Approval, Response, Status
from approvals.domain.parts import join_texts
from approvals.domain.profiles import refusal
from approvals.domain.refusal_wording import refusal_reply

OTHER_REQUEST = "The digest is not this request's. Look at the request again: approvals show"
OUTDATED = (
    "A response was withdrawn or reset, or the policy changed, after you looked at this request. Look at it again: "
    "approvals show"
)
CHANGED = "The request changed just now. Try again."
FULL = "The record of this request has no room left. Shorten your comment and your answers."
NOT_FOUND = "This request was not found, or its record has been deleted."
POLICY_UNAVAILABLE = "The approval policy can't be read, so nobody can override. Nothing was recorded."
ALREADY_DECIDED = "Your override was not recorded: it was already decided."
TOO_LATE = "It is too late to withdraw your response."
NOTHING = "You have no response to withdraw, or have withdrawn too often."

_STATUS = {
    Verdict.INCOMPLETE: HTTPStatus.BAD_REQUEST,
    Verdict.OUTDATED: HTTPStatus.CONFLICT,
    Verdict.ALREADY_USED: HTTPStatus.CONFLICT,
    Verdict.ANSWERED_OTHERWISE: HTTPStatus.CONFLICT,
    Verdict.NOT_DUE: HTTPStatus.CONFLICT,
}
"""Others are 200 while the approval waits."""


def status_of(judgement: Judgement, event: Response | Override | Withdrawal) -> HTTPStatus:
    """Return the status: as for a link, 409 if it is decided otherwise, 410 if it expired or was cancelled."""
    approval = judgement.approval
    if judgement.reason:
        return HTTPStatus.CONFLICT if judgement.reason.is_passing else HTTPStatus.FORBIDDEN
    if approval.decision is None:
        return _STATUS.get(judgement.verdict, HTTPStatus.OK)
    if approval.status in (Status.EXPIRED, Status.CANCELLED):
        return HTTPStatus.GONE
    agreed = not isinstance(event, Withdrawal) and approval.status is event.action.status
    return HTTPStatus.OK if agreed else HTTPStatus.CONFLICT


def message_of(judgement: Judgement, event: Response | Override | Withdrawal) -> str:
    """Return what became of the call, in a sentence or two."""
    approval, verdict = judgement.approval, judgement.verdict
    if judgement.reason:
        return refusal_message(approval, judgement.reason)
    if verdict is Verdict.DECIDED:
        return str(join_texts([wording.quoted_title(approval), wording.outcome(approval)]))
    if isinstance(event, Override):
        return _override_message(judgement)
    if isinstance(event, Response):
        return OUTDATED if verdict is Verdict.ALREADY_USED else str(response_wording.response_reply(judgement, event))
    if approval.decision:
        return str(join_texts([wording.quoted_title(approval), TOO_LATE, wording.outcome(approval)]))
    said = {Verdict.WITHDRAWN: response_wording.WITHDRAWN, Verdict.ALREADY_USED: OUTDATED}
    return said.get(verdict, NOTHING)


def _override_message(judgement: Judgement) -> str:
    if judgement.approval.decision:
        title, outcome = wording.quoted_title(judgement.approval), wording.outcome(judgement.approval)
        return str(join_texts([title, ALREADY_DECIDED, outcome]))
    if judgement.verdict is Verdict.ALREADY_USED:
        return OUTDATED
    return " ".join(problem.text for problem in judgement.problems)


def refusal_message(approval: Approval, reason: Reason) -> str:
    """Return why the caller may not respond. Of a session that proves nobody, the request is none of its business."""
    if reason in (Reason.NOT_PROVEN, Reason.NOT_AN_OVERRIDER, Reason.UNKNOWN_REQUESTER):
        return refusal(reason)
    return str(refusal_reply(approval, reason))
