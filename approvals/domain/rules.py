"""How an approval changes. Pure functions: the same approval, event and time always give the same judgement."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from approvals.domain import forms
from approvals.domain.eligibility import Reason, answer_of, responder
from approvals.domain.forms import Problem
from approvals.domain.judgement import Cancellation, Event, Expiry, Judgement, Postponement, Tick, Verdict, Withdrawal
from approvals.domain.limits import MAX_TIMEOUT_MINUTES
from approvals.domain.model import (
    Action,
    Approval,
    Channel,
    Decision,
    Extension,
    OnTimeout,
    Person,
    Presence,
    Refusal,
    Response,
    Status,
)

__all__ = [
    "COMMENT",
    "Cancellation",
    "Event",
    "Expiry",
    "Judgement",
    "Postponement",
    "Tick",
    "Verdict",
    "Withdrawal",
    "judge",
    "may_postpone",
    "next_due",
]

MAX_REFUSALS = 50
"""Attempts that are kept: a record has 400 KB at most. Who comes later is refused and told the same."""

MAX_WITHDRAWALS = 5
MAX_WITHDRAWALS_IN_ALL = 50
"""Responses that one person can withdraw; and all of them together, for the same reason as above. The second number
takes nobody's first withdrawal: no number of people uses up the right of another. A withdrawn response keeps nothing of
what was said in it."""

DOUBLE_TAP = timedelta(minutes=1)
"""Who asks for the same thing again so soon asked once: a double tap, or a request that was sent again."""

COMMENT = forms.COMMENT
"""The name of the comment among the fields of an incomplete answer. No field of a form has it."""


def judge(approval: Approval, event: Event) -> Judgement:
    """Returns what the event does to the approval. Nobody else decides.

    A decision is final. An answer after the deadline expires the approval instead: silence and lateness never approve.
    """
    if approval.status is not Status.PENDING:
        return Judgement(_after_decision(approval, event), approval, changed=False)
    if event.at >= approval.deadline:
        return Judgement(Verdict.TOO_LATE, _expired(approval, event.at), changed=True)
    return _judge_in_time(approval, event)


def _judge_in_time(approval: Approval, event: Event) -> Judgement:
    match event:
        case Response():
            return _judge_response(approval, event)
        case Withdrawal():
            return _judge_withdrawal(approval, event)
        case Postponement():
            return _judge_postponement(approval, event)
        case Cancellation():
            return Judgement(Verdict.CANCELLED, _cancelled(approval, event), changed=True)
        case Tick():
            return _judge_tick(approval, event)
        case Expiry():
            return _unchanged(Verdict.NOT_DUE, approval)


def next_due(approval: Approval) -> datetime:
    """When the clock has something to do next: remind, escalate, or expire."""
    moments = [approval.deadline, *_reminder_times(approval)[approval.reminded :]]
    if approval.request.escalate_after is not None and approval.escalated_at is None:
        moments.append(approval.requested_at + approval.request.escalate_after)
    return min(moments)


def may_postpone(approval: Approval) -> bool:
    """Whether approvers may still ask for more time."""
    return len(approval.extensions) < approval.request.more_time.times and _postponed(approval) > approval.deadline


def _judge_response(approval: Approval, response: Response) -> Judgement:
    person = responder(approval, response.approver)
    if isinstance(person, Reason):
        return _refused(approval, response, person)
    earlier = answer_of(approval, person)
    if earlier:
        same = earlier.action is response.action
        return _unchanged(Verdict.REPEATED if same else Verdict.ANSWERED_OTHERWISE, approval)
    if _is_used(approval, response, person):
        return _unchanged(Verdict.ALREADY_USED, approval)
    response = _trimmed(approval, replace(response, person=person.id))
    if problems := _missing(approval, response):
        return Judgement(Verdict.INCOMPLETE, approval, changed=False, problems=problems)
    answered = replace(approval, responses=(*approval.responses, response))
    status = _outcome(answered)
    if status is None:
        return Judgement(Verdict.COUNTED, _next_version(answered), changed=True)
    decision = Decision(
        status=status,
        at=response.at,
        channel=response.approver.channel,
        approver=response.approver,
        comment=response.comment,
    )
    return Judgement(Verdict.DECIDED, _decided(answered, decision), changed=True)


def _trimmed(approval: Approval, response: Response) -> Response:
    """The answer without what nobody asked for: a rejection has no form."""
    comment = None if approval.request.comments[response.action] is Presence.OFF else response.comment
    return replace(response, comment=comment, form=response.form if response.action is Action.APPROVE else {})


def _missing(approval: Approval, response: Response) -> tuple[Problem, ...]:
    request = approval.request
    found = forms.comment_problems(response.comment or "", request.comments[response.action])
    if response.action is Action.APPROVE:
        found += forms.problems(request.form, response.form)
    return tuple(found)


def _outcome(approval: Approval) -> Status | None:
    """What the answers so far decide, if anything. Each is another person's."""
    said = [response.action for response in approval.standing]
    if said.count(Action.REJECT) >= approval.request.required_rejections:
        return Status.REJECTED
    return Status.APPROVED if said.count(Action.APPROVE) >= approval.request.required_approvals else None


def _judge_withdrawal(approval: Approval, event: Withdrawal) -> Judgement:
    # Slack is not asked again who they are: they have nothing to withdraw, or were a member when they responded.
    person = responder(approval, replace(event.approver, member=True))
    if isinstance(person, Reason):
        return Judgement(Verdict.NOT_ALLOWED, approval, changed=False, reason=person)
    earlier = answer_of(approval, person)
    if earlier is None and _just(_last_withdrawal(approval, person), event.at):
        return _unchanged(Verdict.WITHDRAWN, approval)
    if _is_used(approval, event, person):
        return _unchanged(Verdict.ALREADY_USED, approval)
    if earlier is None or not _may_withdraw(approval, person):
        return _unchanged(Verdict.NOT_DUE, approval)
    withdrawn = replace(earlier, withdrawn_at=event.at, withdrawal_key=event.key, comment=None, form={})
    responses = tuple(withdrawn if response is earlier else response for response in approval.responses)
    return Judgement(Verdict.WITHDRAWN, _next_version(replace(approval, responses=responses)), changed=True)


def _may_withdraw(approval: Approval, person: Person) -> bool:
    withdrawn_by = [response.person for response in approval.responses if response.withdrawn_at]
    mine = withdrawn_by.count(person.id)
    return mine == 0 or (mine < MAX_WITHDRAWALS and len(withdrawn_by) < MAX_WITHDRAWALS_IN_ALL)


def _is_used(approval: Approval, event: Response | Withdrawal | Postponement, person: Person) -> bool:
    """Return True if the click or form of this event did something before, or was sent before the person's last change.

    Slack may deliver a click twice, and a browser may send a form again: what was withdrawn since must not come back.
    A click that changed nothing is not in the record, so its time alone tells that it is old.
    """
    mine = [response for response in approval.responses if response.person == person.id]
    extensions = [extension for extension in approval.extensions if extension.approver == event.approver]
    keys = {key for response in mine for key in (response.key, response.withdrawal_key)}
    keys |= {extension.key for extension in extensions}
    match event:
        case Response():
            undone = [response.withdrawn_at for response in mine]
        case Withdrawal():
            undone = [response.at for response in mine]
        case Postponement():
            undone = [extension.at for extension in extensions]
    is_late = any(_is_before(event.sent_at, moment) for moment in undone)
    return is_late or (bool(event.key) and event.key in keys)


def _is_before(sent_at: datetime | None, moment: datetime | None) -> bool:
    """Compare whole seconds: `sent_at` has no fractions."""
    return sent_at is not None and moment is not None and sent_at < moment.replace(microsecond=0)


def _judge_postponement(approval: Approval, event: Postponement) -> Judgement:
    person = responder(approval, event.approver)
    if isinstance(person, Reason):
        return Judgement(Verdict.NOT_ALLOWED, approval, changed=False, reason=person)
    mine = [extension.at for extension in approval.extensions if extension.approver == event.approver]
    if _just(max(mine, default=None), event.at):
        return _unchanged(Verdict.EXTENDED, approval)
    if _is_used(approval, event, person):
        return _unchanged(Verdict.ALREADY_USED, approval)
    if not may_postpone(approval):
        return _unchanged(Verdict.NOT_DUE, approval)
    deadline = _postponed(approval)
    extension = Extension(approver=event.approver, at=event.at, deadline=deadline, key=event.key)
    changed = replace(approval, deadline=deadline, extensions=(*approval.extensions, extension))
    return Judgement(Verdict.EXTENDED, _next_version(changed), changed=True)


def _postponed(approval: Approval) -> datetime:
    latest = approval.requested_at + timedelta(minutes=MAX_TIMEOUT_MINUTES)
    return min(approval.deadline + approval.request.more_time.by, latest)


def _last_withdrawal(approval: Approval, person: Person) -> datetime | None:
    mine = [response for response in approval.responses if response.person == person.id]
    return max((response.withdrawn_at for response in mine if response.withdrawn_at), default=None)


def _just(before: datetime | None, now: datetime) -> bool:
    return before is not None and now - before < DOUBLE_TAP


def _judge_tick(approval: Approval, event: Tick) -> Judgement:
    request = approval.request
    reminded = sum(moment <= event.at for moment in _reminder_times(approval))
    escalates = (
        request.escalate_after is not None
        and approval.escalated_at is None
        and event.at >= approval.requested_at + request.escalate_after
    )
    if reminded <= approval.reminded and not escalates:
        return _unchanged(Verdict.NOT_DUE, approval)
    changed = replace(
        approval,
        reminded=max(reminded, approval.reminded),
        escalated_at=event.at if escalates else approval.escalated_at,
    )
    return Judgement(Verdict.MOVED_ON, _next_version(changed), changed=True)


def _reminder_times(approval: Approval) -> list[datetime]:
    """When to remind. More time moves them, too."""
    more_time = approval.deadline - (approval.requested_at + approval.request.timeout)
    return [approval.requested_at + after + more_time for after in approval.request.reminders]


def _refused(approval: Approval, response: Response, reason: Reason) -> Judgement:
    """The attempt is kept, once for each person and reason."""
    known = {(refusal.approver.channel, refusal.approver.id, refusal.reason) for refusal in approval.refusals}
    who = (response.approver.channel, response.approver.id, reason)
    if reason.is_passing or who in known or len(known) >= MAX_REFUSALS:
        return Judgement(Verdict.NOT_ALLOWED, approval, changed=False, reason=reason)
    refusal = Refusal(approver=response.approver, action=response.action, at=response.at, reason=reason)
    changed = replace(approval, refusals=(*approval.refusals, refusal))
    return Judgement(Verdict.NOT_ALLOWED, _next_version(changed), changed=True, reason=reason)


def _after_decision(approval: Approval, event: Event) -> Verdict:
    nobody_answered = approval.decision is not None and approval.decision.approver is None
    if approval.status is Status.EXPIRED or (approval.status is Status.REJECTED and nobody_answered):
        return Verdict.TOO_LATE
    if approval.status is Status.CANCELLED:
        return Verdict.CANCELLED
    if isinstance(event, Response) and event.action.status is approval.status:
        return Verdict.REPEATED
    return Verdict.OVERRULED


def _expired(approval: Approval, at: datetime) -> Approval:
    if approval.request.on_timeout is OnTimeout.REJECT:
        cause = "There was no decision before the deadline, which counts as a rejection."
        return _decided(approval, Decision(status=Status.REJECTED, at=at, channel=Channel.SYSTEM, cause=cause))
    cause = "Nobody answered before the deadline, so the request was not approved."
    if approval.standing:
        cause = "Too few answered before the deadline, so the request was not approved."
    return _decided(
        approval,
        Decision(status=Status.EXPIRED, at=at, channel=Channel.SYSTEM, error="ApprovalExpired", cause=cause),
    )


def _cancelled(approval: Approval, event: Cancellation) -> Approval:
    return _decided(
        approval,
        Decision(
            status=Status.CANCELLED,
            at=event.at,
            channel=Channel.SYSTEM,
            error=event.error,
            cause=event.cause,
            superseded_by=event.superseded_by,
        ),
    )


def _decided(approval: Approval, decision: Decision) -> Approval:
    return _next_version(replace(approval, status=decision.status, decision=decision))


def _next_version(approval: Approval) -> Approval:
    return replace(approval, version=approval.version + 1)


def _unchanged(verdict: Verdict, approval: Approval) -> Judgement:
    return Judgement(verdict, approval, changed=False)
