"""The history of an approval, from its record: for pages, the command line, events and auditors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from approvals.domain import facts, form_wording, wording
from approvals.domain.cancellation import cancelled_by
from approvals.domain.delegate_wording import for_owner, owner_name
from approvals.domain.form_changes import is_withdrawn, reset_cause
from approvals.domain.grant_wording import spend_sentence
from approvals.domain.kind_wording import ended, words_of
from approvals.domain.model import Action, Approval, Decision, Response, Status, readable
from approvals.domain.override_wording import override_sentence
from approvals.domain.parts import Names, display_name, join_names
from approvals.domain.people import Approver
from approvals.domain.policy_change_wording import change_sentence
from approvals.domain.profiles import profile_of
from approvals.domain.spending import in_order
from approvals.domain.steps import Step


class Kind(StrEnum):
    """What happened. The values are names of events, for machines."""

    REQUESTED = "ApprovalRequested"
    DELEGATED = "DelegateAsked"
    ADDED = "ApproverAdded"
    TOLD = "ApproverTold"
    RESPONDED = "ResponseRecorded"
    WITHDRAWN = "ResponseWithdrawn"
    RESET = "ResponseReset"
    ASKED_AGAIN = "ApprovalAskedAgain"
    REFUSED = "ResponseRefused"
    EXTENDED = "DeadlineExtended"
    REMINDED = "ReminderSent"
    ESCALATED = "ApprovalEscalated"
    DECIDED = "ApprovalDecided"
    RESUMED = "WorkflowResumed"
    GONE = "WorkflowGone"
    SPENT = "GrantSpent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that happened.

    `key` names it among the approval's entries and never changes: `response-2`. `text` is a sentence for people,
    without its time. `approver` is the person who did it, if one did. `comment` is their words, or the cause of a
    cancellation. `answers` are the labels and values of the form that they filled in. `to` is the person who was told.
    """

    key: str
    kind: Kind
    at: datetime
    text: str
    approver: Approver | None = None
    comment: str | None = None
    answers: tuple[tuple[str, str], ...] = ()
    to: str | None = None


def history(approval: Approval) -> tuple[Entry, ...]:
    """Return everything on record, in order of time, and within a moment in the order of cause and effect."""
    return tuple(sorted(_entries(approval), key=lambda entry: entry.at))


def _entries(approval: Approval) -> Iterator[Entry]:
    requester = facts.requester(approval)
    by = f" by {requester}" if requester else ""
    yield Entry(key="requested", kind=Kind.REQUESTED, at=approval.requested_at, text=f"Requested{by}.")
    yield from _delegations(approval)
    yield from _on_call(approval)
    yield from _told(approval)
    for number, response in enumerate(approval.responses, 1):
        yield from _response(approval, number, response)
    yield from _resets(approval)
    for number, change in enumerate(approval.asked_again, 1):
        text = change_sentence(approval, change)
        yield Entry(key=f"asked-again-{number}", kind=Kind.ASKED_AGAIN, at=change.at, text=text)
    yield from _refusals(approval)
    for number, extension in enumerate(approval.extensions, 1):
        yield Entry(
            key=f"extension-{number}",
            kind=Kind.EXTENDED,
            at=extension.at,
            text=str(wording.extension_sentence(extension)),
            approver=extension.approver,
        )
    if approval.escalated_at:
        who = Names(approval.people.escalation if approval.people else ())
        yield Entry(
            key="escalated",
            kind=Kind.ESCALATED,
            at=approval.escalated_at,
            text=f"Escalated: {who} can now respond as well.",
        )
    if approval.decision:
        yield _decision(approval, approval.decision)
    yield from _workflow(approval)
    yield from _spends(approval)


_REMINDER = re.compile(r"reminder-\d+")
"""The step that is marked when all who had not responded were reminded."""

_PERSON = {"request": "Sent to {who} {how}.", "notice": "Sent to {who} {how}, for information only."}
"""What begins the steps that tell one person of the request; the channel's name and the recipient follow."""

_PLACE = {"request": "Posted {how}.", "notice": "Posted {how}, for information only."}
"""The same for a place that many people read: no recipient follows."""


def _told(approval: Approval) -> Iterator[Entry]:
    for step, at in approval.steps.items():
        kind, _, recipient = step.partition(":")
        verb, _, channel = kind.partition("_")
        if verb in _PLACE and not recipient:
            text = _PLACE[verb].format(how=wording.where(channel))
            yield Entry(key=f"told-{step}", kind=Kind.TOLD, at=at, text=text)
        elif _REMINDER.fullmatch(step):
            yield Entry(key=step, kind=Kind.REMINDED, at=at, text="Reminded the approvers who had not responded.")
        elif verb in _PERSON and recipient:
            profile = profile_of(channel)
            how = profile.directly or profile.where
            text = (profile.opened or _PERSON[verb]).format(who=_name(approval, channel, recipient), how=how)
            yield Entry(key=f"told-{step}", kind=Kind.TOLD, at=at, text=text, to=recipient)


def _response(approval: Approval, number: int, response: Response) -> Iterator[Entry]:
    name, where = display_name(response.approver), _how(response.approver)
    changed = "" if response.replaced is None else " and changed the form"
    yield Entry(
        key=f"response-{number}",
        kind=Kind.RESPONDED,
        at=response.at,
        text=f"{name} {words_of(approval).done[response.action]}{for_owner(approval, response)} {where}{changed}.",
        approver=response.approver,
        comment=response.comment,
        answers=tuple(form_wording.answers(approval, response)),
    )
    if is_withdrawn(response) and response.withdrawn_at:
        yield Entry(
            key=f"withdrawal-{number}",
            kind=Kind.WITHDRAWN,
            at=response.withdrawn_at,
            text=_withdrawal(approval, response, name),
            approver=response.approver,
        )


def _withdrawal(approval: Approval, response: Response, name: str) -> str:
    if not response.withdrawn_by:
        return f"{name} withdrew this response."
    owner = owner_name(approval, response.withdrawn_by)
    if any(each.person == response.withdrawn_by and each.at == response.withdrawn_at for each in approval.responses):
        return f"{owner} responded in person, so the response of {name} no longer counts."
    return f"{owner} withdrew the response of {name}."


def _delegations(approval: Approval) -> Iterator[Entry]:
    for number, each in enumerate(approval.people.delegations if approval.people else (), 1):
        if each.left_out is None:
            owner = owner_name(approval, each.owner)
            text = f"{display_name(each.delegate)} can respond for {owner} until {readable(each.until)}."
            at = max(each.since, approval.requested_at)
            yield Entry(key=f"delegation-{number}", kind=Kind.DELEGATED, at=at, text=text)


def _on_call(approval: Approval) -> Iterator[Entry]:
    for number, each in enumerate(approval.people.on_call if approval.people else (), 1):
        text = f"{owner_name(approval, each.person)} can respond as well, since they joined {each.group}."
        yield Entry(key=f"on-call-{number}", kind=Kind.ADDED, at=each.at, text=text)


def _resets(approval: Approval) -> Iterator[Entry]:
    for number, response in enumerate(approval.responses, 1):
        if cause := reset_cause(approval, response):
            name, who = display_name(response.approver), display_name(cause.approver)
            text = f"{name} must {words_of(approval).verbs[Action.APPROVE]} again, since {who} changed the form."
            yield Entry(key=f"reset-{number}", kind=Kind.RESET, at=cause.at, text=text, approver=cause.approver)


def _refusals(approval: Approval) -> Iterator[Entry]:
    for number, refusal in enumerate(approval.refusals, 1):
        where = _how(refusal.approver)
        who, verb = display_name(refusal.approver), words_of(approval).verbs[refusal.action]
        tried, allowed = (f"override and {verb}", "override") if refusal.is_override else (verb, "respond")
        text = f"{who} tried to {tried} {where}, but is not allowed to {allowed}."
        yield Entry(key=f"refusal-{number}", kind=Kind.REFUSED, at=refusal.at, text=text, approver=refusal.approver)


def _decision(approval: Approval, decision: Decision) -> Entry:
    if decision.override and decision.approver:
        return _override(approval, decision, decision.approver)
    names = join_names(wording.decider_names(approval))
    by = f"by {names}" if names else cancelled_by(decision)
    # A refusal's cause quotes the request. The reason of a cancellation was written by who stopped the execution.
    said = decision.status is Status.CANCELLED
    how = f" {decision.cause}" if decision.cause and not said else ""
    return Entry(
        key="decided",
        kind=Kind.DECIDED,
        at=decision.at,
        text=f"{' '.join(filter(None, [ended(approval, decision), by]))}.{how}",
        approver=decision.approver,
        comment=(decision.comment or decision.cause or None) if said else None,
    )


def _override(approval: Approval, decision: Decision, approver: Approver) -> Entry:
    policy = decision.override
    under = f", under version {policy.version} of the policy {policy.parameter}" if policy else ""
    return Entry(
        key="decided",
        kind=Kind.DECIDED,
        at=decision.at,
        text=f"{ended(approval, decision)} by {display_name(approver)} {_how(approver)}{under}. "
        f"{override_sentence(approval)}",
        approver=approver,
        comment=decision.comment,
        answers=tuple(facts.form_answers(approval)),
    )


def _workflow(approval: Approval) -> Iterator[Entry]:
    for step, kind, text in (
        (Step.RESUME, Kind.RESUMED, "The workflow received the decision."),
        (Step.WORKFLOW_GONE, Kind.GONE, "The workflow was no longer waiting."),
    ):
        if step in approval.steps:
            yield Entry(key="workflow", kind=kind, at=approval.steps[step], text=text)


def _spends(approval: Approval) -> Iterator[Entry]:
    for spend in in_order(approval.spends.values()):
        yield Entry(
            key=f"spend-{spend.use}", kind=Kind.SPENT, at=spend.at, text=spend_sentence(spend, approval.request.grant)
        )


def _how(approver: Approver) -> str:
    """Return how a response came in, with the role that proves who responded: `by IAM, role Approver`."""
    where = wording.where(approver.channel)
    return f"{where}, role {approver.role.rpartition('/')[2]}" if approver.role else where


def _name(approval: Approval, channel: str, recipient: str) -> str:
    """Return an address as it is, and the name of the person behind a user id."""
    people = approval.people if "@" not in recipient else None
    delegates = [each.delegate for each in people.delegations] if people else []
    named = (*people.approvers, *people.escalation, *delegates) if people else ()
    return next((display_name(person) for person in named if person.on(channel) == recipient), recipient)
