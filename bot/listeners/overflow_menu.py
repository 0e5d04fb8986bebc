"""The message's menu: withdraw a response, or extend the deadline."""

from __future__ import annotations

from functools import partial

from slack_bolt import Ack

from approvals.domain import wording
from approvals.domain.judgement import ExtensionRequest, Judgement, Verdict, Withdrawal
from approvals.domain.model import Approval
from approvals.domain.parts import Text, join_texts
from bot.listeners.payloads import Interaction, MalformedError
from bot.listeners.recorder import Recorder, refusal_text
from bot.views.buttons import EXTEND, WITHDRAW

NOTHING_TO_WITHDRAW = "You haven't responded yet, so there is nothing to withdraw."
NO_EXTENSION = "This request's deadline can't be extended further."
TOO_LATE = "Nothing changed: the request is closed."
TOO_OFTEN = "Your response stays: this request's limit of withdrawals is reached."
USED = "Nothing changed: Slack sent this click before."
WITHDRAWN = "Your response is withdrawn. The request is still open."

_EVENTS: dict[str, type[Withdrawal | ExtensionRequest]] = {WITHDRAW: Withdrawal, EXTEND: ExtensionRequest}


def choose(ack: Ack, click: Interaction, approval: Approval, recorder: Recorder) -> None:
    """Record the choice, then acknowledge. Raises `MalformedError` for a choice that is not in the menu."""
    if click.choice not in _EVENTS:
        raise MalformedError("not a choice of the menu")
    event = _EVENTS[click.choice](click.approver, click.at, click.event_key, click.sent_at)
    recorder.record_click(click, approval, event, partial(_result_text, click))
    ack()


def _result_text(click: Interaction, judgement: Judgement) -> Text | None:
    """Return what to tell the person; None for an extension, of which all are told."""
    approval = judgement.approval
    said: tuple[Text | str, ...]
    match judgement.verdict:
        case Verdict.EXTENDED:
            return None
        case Verdict.NOT_ALLOWED:
            return refusal_text(judgement)
        case Verdict.WITHDRAWN:
            said = (WITHDRAWN,)
        case Verdict.ALREADY_USED:
            said = (USED,)
        case Verdict.NOT_DUE if click.choice == EXTEND:
            said = (NO_EXTENSION,)
        case Verdict.NOT_DUE:
            has_response = any(each.approver.id == click.approver.id for each in approval.standing)
            said = (TOO_OFTEN if has_response else NOTHING_TO_WITHDRAW,)
        case _:
            said = (TOO_LATE, wording.outcome(approval))
    return join_texts([wording.quoted_title(approval), *said])
