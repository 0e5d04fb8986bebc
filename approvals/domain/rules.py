"""Judge what an event does to an approval. Pure: the same approval and event always give the same judgement."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from approvals.domain import forms
from approvals.domain.delegates import replace_delegate, withdrawer, withdrawn
from approvals.domain.eligibility import Reason, answer_of, responder
from approvals.domain.errors import INVALID_REQUEST
from approvals.domain.form_changes import add_response, change_problems, differing, form_key, is_withdrawn
from approvals.domain.form_fields import FormValue
from approvals.domain.forms import Problem
from approvals.domain.judgement import (
    ApprovalEvent,
    Cancellation,
    Expiry,
    ExtensionRequest,
    Judgement,
    Override,
    PolicyChange,
    ScheduledCheck,
    Verdict,
    Withdrawal,
)
from approvals.domain.limits import MAX_TIMEOUT_MINUTES
from approvals.domain.model import (
    SYSTEM,
    Action,
    Approval,
    Decision,
    Extension,
    OnTimeout,
    Presence,
    Refusal,
    Request,
    Response,
    Status,
)
from approvals.domain.overrides import override_decision, override_problem
from approvals.domain.people import Person
from approvals.domain.policy_changes import refusal_cause, under_changed_policy
from approvals.domain.repeats import is_repeat, is_used, last_withdrawal
from approvals.domain.schedule import escalation_time, reminder_times
from approvals.domain.seats import delegates_answer, find_seat, is_one_too_many, outcome

MAX_REFUSALS = 50
"""Refused attempts that a record keeps, since it has 400 KB at most. Later ones are refused alike, and not kept."""

MAX_WITHDRAWALS = 5
MAX_WITHDRAWALS_IN_ALL = 50
"""Responses that one person, and all people together, can withdraw, for the same reason. The second limit never takes
a person's first withdrawal. A withdrawn response keeps neither comment nor form."""

_ENOUGH = "Enough people of your group have approved. The request waits for another group. You can still reject it."


def judge(approval: Approval, event: ApprovalEvent) -> Judgement:
    """Return what the event does to the approval. No other code decides.

    A decision is final. A response after the deadline expires the approval: silence and lateness never approve.
    """
    if approval.status is not Status.PENDING:
        return _unchanged(_after_decision(approval, event), approval)
    if event.at >= approval.deadline:
        return _decided(Verdict.TOO_LATE, approval, _expiry(approval, event.at))
    return _judge_in_time(approval, event)


def _judge_in_time(approval: Approval, event: ApprovalEvent) -> Judgement:  # noqa: PLR0911 one of many kinds
    match event:
        case Response():
            return _judge_response(approval, event)
        case Override():
            return _judge_override(approval, event)
        case Withdrawal():
            return _judge_withdrawal(approval, event)
        case ExtensionRequest():
            return _judge_extension(approval, event)
        case Cancellation():
            return _decided(Verdict.CANCELLED, approval, _cancellation(event))
        case ScheduledCheck():
            return _judge_check(approval, event)
        case PolicyChange():
            return _judge_policy_change(approval, event)
        case Expiry():
            return _unchanged(Verdict.NOT_DUE, approval)


def can_extend(approval: Approval) -> bool:
    """Return True if approvers can still extend the deadline."""
    is_left = len(approval.extensions) < approval.request.more_time.times
    return is_left and _extended_deadline(approval) > approval.deadline


def _judge_response(approval: Approval, response: Response) -> Judgement:
    person = responder(approval, response.approver)
    if isinstance(person, Reason):
        return _refused(approval, response, person)
    response = _trimmed(approval, replace(response, person=person.id, on_behalf_of=""))
    if earlier := answer_of(approval, person):
        same = earlier.action is response.action and earlier.form == response.form
        return _unchanged(Verdict.REPEATED if same else Verdict.ANSWERED_OTHERWISE, approval)
    if is_used(approval, response, person):
        return _unchanged(Verdict.ALREADY_USED, approval)
    owner = find_seat(approval, person, response.approver, response.at)
    if isinstance(owner, Reason):
        return _refused(approval, response, owner)
    response = replace(response, on_behalf_of=owner.id if owner.id != person.id else "")
    judgement = _judge_in_seat(replace_delegate(approval, response), response)
    return judgement if judgement.changed else replace(judgement, approval=approval)


def _judge_in_seat(approval: Approval, response: Response) -> Judgement:
    """Judge a response of a person who has given no other, in an empty seat."""
    changes_form = bool(differing(approval, response))
    problems = _problems(approval.request, response)
    if not problems and changes_form:
        if response.seen != form_key(approval):
            return _unchanged(Verdict.OUTDATED, approval)
        problems = change_problems(approval, response)
    elif not problems and is_one_too_many(approval, response):
        problems = (Problem(forms.COMMENT, _ENOUGH),)
    if problems:
        return Judgement(Verdict.INCOMPLETE, approval, changed=False, problems=problems)
    return _recorded(approval, response, Verdict.RESET if changes_form else Verdict.COUNTED)


def _recorded(approval: Approval, response: Response, verdict: Verdict) -> Judgement:
    """Add a response, which decides or has this verdict."""
    answered = add_response(approval, response)
    status = outcome(answered)
    if status is None:
        return _changed(verdict, answered)
    decision = Decision(
        status=status,
        at=response.at,
        channel=response.approver.channel,
        approver=response.approver,
        comment=response.comment,
    )
    return _decided(Verdict.DECIDED, answered, decision)


def _judge_override(approval: Approval, override: Override) -> Judgement:
    """Decide at once. The responses so far stay on record, and don't count."""
    if reason := override_problem(approval, override):
        return _refused(approval, override, reason)
    problems = forms.reason_problems(override.reason or "")
    if override.action is Action.APPROVE:
        problems += forms.problems(approval.request.form, override.form)
    if problems:
        return Judgement(Verdict.INCOMPLETE, approval, changed=False, problems=tuple(problems))
    override = replace(override, form=_asked_values(approval, override))
    return _decided(Verdict.DECIDED, approval, override_decision(override))


def _trimmed(approval: Approval, response: Response) -> Response:
    """Return the response without what the request does not ask for. A rejection has no form."""
    comment = None if approval.request.comments[response.action] is Presence.OFF else response.comment
    return replace(response, comment=comment, form=_asked_values(approval, response))


def _asked_values(approval: Approval, response: Response | Override) -> dict[str, FormValue]:
    asked = {field.name for field in approval.request.form} if response.action is Action.APPROVE else set()
    return {name: value for name, value in response.form.items() if name in asked}


def _problems(request: Request, response: Response) -> tuple[Problem, ...]:
    found = forms.comment_problems(response.comment or "", request.comments[response.action], response.action)
    if response.action is Action.APPROVE:
        found += forms.problems(request.form, response.form)
    return tuple(found)


def _judge_withdrawal(approval: Approval, event: Withdrawal) -> Judgement:
    # Membership is not checked again: they have nothing to withdraw, or were a member when they responded.
    person = responder(approval, replace(event.approver, member=True))
    if isinstance(person, Reason):
        return _unchanged(Verdict.NOT_ALLOWED, approval, person)
    earlier = answer_of(approval, person) or delegates_answer(approval, person)
    if earlier is None and is_repeat(last_withdrawal(approval, person), event.at):
        return _unchanged(Verdict.WITHDRAWN, approval)
    if is_used(approval, event, person):
        return _unchanged(Verdict.ALREADY_USED, approval)
    if earlier is None or not _may_withdraw(approval, person):
        return _unchanged(Verdict.NOT_DUE, approval)
    taken = withdrawn(earlier, event.at, person.id, event.key)
    responses = tuple(taken if response is earlier else response for response in approval.responses)
    return _changed(Verdict.WITHDRAWN, replace(approval, responses=responses))


def _may_withdraw(approval: Approval, person: Person) -> bool:
    withdrawn_by = [withdrawer(response) for response in approval.responses if is_withdrawn(response)]
    mine = withdrawn_by.count(person.id)
    return mine == 0 or (mine < MAX_WITHDRAWALS and len(withdrawn_by) < MAX_WITHDRAWALS_IN_ALL)


def _judge_extension(approval: Approval, event: ExtensionRequest) -> Judgement:
    person = responder(approval, event.approver)
    if isinstance(person, Reason):
        return _unchanged(Verdict.NOT_ALLOWED, approval, person)
    if find_seat(approval, person, event.approver, event.at) is Reason.NOT_A_DELEGATE:
        return _unchanged(Verdict.NOT_ALLOWED, approval, Reason.NOT_A_DELEGATE)
    mine = [extension.at for extension in approval.extensions if extension.approver == event.approver]
    if is_repeat(max(mine, default=None), event.at):
        return _unchanged(Verdict.EXTENDED, approval)
    if is_used(approval, event, person):
        return _unchanged(Verdict.ALREADY_USED, approval)
    if not can_extend(approval):
        return _unchanged(Verdict.NOT_DUE, approval)
    deadline = _extended_deadline(approval)
    extension = Extension(approver=event.approver, at=event.at, deadline=deadline, key=event.key)
    return _changed(
        Verdict.EXTENDED, replace(approval, deadline=deadline, extensions=(*approval.extensions, extension))
    )


def _extended_deadline(approval: Approval) -> datetime:
    policy = approval.request.policy
    longest = policy.longest_minutes if policy and policy.longest_minutes else MAX_TIMEOUT_MINUTES
    return min(approval.deadline + approval.request.more_time.by, approval.requested_at + timedelta(minutes=longest))


def _judge_check(approval: Approval, event: ScheduledCheck) -> Judgement:
    reminded = sum(moment <= event.at for moment in reminder_times(approval))
    escalation = escalation_time(approval)
    escalates = escalation is not None and escalation <= event.at
    if reminded <= approval.reminded and not escalates:
        return _unchanged(Verdict.NOT_DUE, approval)
    changed = replace(
        approval,
        reminded=max(reminded, approval.reminded),
        escalated_at=event.at if escalates else approval.escalated_at,
    )
    return _changed(Verdict.MOVED_ON, changed)


def _judge_policy_change(approval: Approval, event: PolicyChange) -> Judgement:
    again = under_changed_policy(approval, event)
    if again is None:
        return _unchanged(Verdict.NOT_DUE, approval)
    if event.request is None:
        cause = refusal_cause(event, approval.request.policy)
        return _decided(Verdict.CANCELLED, again, _cancellation(Cancellation(event.at, cause, error=INVALID_REQUEST)))
    if event.at >= again.deadline:
        return _decided(Verdict.TOO_LATE, again, _expiry(again, event.at))
    return _changed(Verdict.ASKED_AGAIN, again)


def _refused(approval: Approval, response: Response | Override, reason: Reason) -> Judgement:
    """Keep the attempt, once for each person, reason, and whether it was an override."""
    is_override = isinstance(response, Override)
    known = {(each.approver.channel, each.approver.id, each.reason, each.is_override) for each in approval.refusals}
    who = (response.approver.channel, response.approver.id, reason, is_override)
    if reason.is_passing or who in known or len(known) >= MAX_REFUSALS:
        return _unchanged(Verdict.NOT_ALLOWED, approval, reason)
    refusal = Refusal(
        approver=response.approver, action=response.action, at=response.at, reason=reason, is_override=is_override
    )
    return _changed(Verdict.NOT_ALLOWED, replace(approval, refusals=(*approval.refusals, refusal)), reason)


def _after_decision(approval: Approval, event: ApprovalEvent) -> Verdict:
    nobody_answered = approval.decision is not None and approval.decision.approver is None
    if approval.status is Status.EXPIRED or (approval.status is Status.REJECTED and nobody_answered):
        return Verdict.TOO_LATE
    if approval.status is Status.CANCELLED:
        return Verdict.CANCELLED
    if isinstance(event, Response | Override) and event.action.status is approval.status:
        return Verdict.REPEATED
    return Verdict.OVERRULED


def _expiry(approval: Approval, at: datetime) -> Decision:
    if approval.request.on_timeout is OnTimeout.REJECT:
        cause = "There was no decision before the deadline, so the request was rejected."
        return Decision(status=Status.REJECTED, at=at, channel=SYSTEM, cause=cause)
    who = "Too few people" if approval.standing else "Nobody"
    cause = f"{who} responded before the deadline, so the workflow was not approved."
    return Decision(status=Status.EXPIRED, at=at, channel=SYSTEM, error="ApprovalExpired", cause=cause)


def _cancellation(event: Cancellation) -> Decision:
    return Decision(
        status=Status.CANCELLED,
        at=event.at,
        channel=SYSTEM,
        error=event.error,
        cause=event.cause,
        superseded_by=event.superseded_by,
        comment=event.reason,
        cancelled_by=event.caller,
    )


def _decided(verdict: Verdict, approval: Approval, decision: Decision) -> Judgement:
    return _changed(verdict, replace(approval, status=decision.status, decision=decision))


def _changed(verdict: Verdict, approval: Approval, reason: Reason | None = None) -> Judgement:
    return Judgement(verdict, replace(approval, version=approval.version + 1), changed=True, reason=reason)


def _unchanged(verdict: Verdict, approval: Approval, reason: Reason | None = None) -> Judgement:
    return Judgement(verdict, approval, changed=False, reason=reason)
