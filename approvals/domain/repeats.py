"""Tell a click or a form that arrives twice, or too late, from a new one. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from approvals.domain.delegates import withdrawer
from approvals.domain.form_changes import is_withdrawn
from approvals.domain.judgement import ExtensionRequest, Withdrawal
from approvals.domain.model import Approval, Response
from approvals.domain.people import Person

REPEAT_WINDOW = timedelta(minutes=1)
"""Treat repeats within this window as one request (double click or client retry)."""


def is_used(approval: Approval, event: Response | Withdrawal | ExtensionRequest, person: Person) -> bool:
    """Return True if the click or form of this event did something before, or was sent before the person's last change.

    A click may be delivered twice, and a browser may send a form again: what was withdrawn since must not come back.
    Nor must a response that was sent before the approval was asked again.
    A click that changed nothing is not in the record, so its time alone tells that it is old.
    """
    responses = approval.responses
    extensions = [extension for extension in approval.extensions if extension.approver == event.approver]
    keys = {response.key for response in responses if response.person == person.id}
    keys |= {response.withdrawal_key for response in responses if withdrawer(response) == person.id}
    keys |= {extension.key for extension in extensions}
    match event:
        case Response():
            if event.is_outdated or event.at < max((each.at for each in approval.asked_again), default=event.at):
                return True
            undone = [each.withdrawn_at for each in responses if person.id in (each.person, each.withdrawn_by)]
            undone += [each.at for each in approval.asked_again]
        case Withdrawal():
            undone = [each.at for each in responses if person.id in (each.person, each.seat)]
        case ExtensionRequest():
            undone = [extension.at for extension in extensions]
    is_late = any(_is_before(event.sent_at, moment) for moment in undone)
    return is_late or (bool(event.key) and event.key in keys)


def _is_before(sent_at: datetime | None, moment: datetime | None) -> bool:
    """Compare whole seconds: `sent_at` has no fractions."""
    return sent_at is not None and moment is not None and sent_at < moment.replace(microsecond=0)


def last_withdrawal(approval: Approval, person: Person) -> datetime | None:
    """Return when this person last withdrew a response, their own or their delegate's."""
    mine = [each for each in approval.responses if withdrawer(each) == person.id and is_withdrawn(each)]
    return max((response.withdrawn_at for response in mine if response.withdrawn_at), default=None)


def is_repeat(before: datetime | None, now: datetime) -> bool:
    """Return True if an event comes so soon after the one before that it is the same one again."""
    return before is not None and now - before < REPEAT_WINDOW
