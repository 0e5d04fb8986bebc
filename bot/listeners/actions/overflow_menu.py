"""The message's menu: withdraw a response, or extend the deadline."""

from __future__ import annotations

from functools import partial

from aws_lambda_powertools import Logger
from slack_bolt import Ack

from approvals.domain import wording
from approvals.domain.judgement import ExtensionRequest, Judgement, Verdict, Withdrawal
from approvals.domain.model import Approval
from approvals.domain.parts import Text, join_texts
from approvals.store.table import ApprovalTable
from bot.listeners.interactions import Interaction
from bot.listeners.payloads import MalformedError
from bot.listeners.responses import MemberCheck, record_click, refusal_text
from bot.views.buttons import MORE_TIME, WITHDRAW

NOTHING_TO_TAKE_BACK = "You have not answered yet, so there is nothing to take back."
NO_MORE_TIME = "There is no more time to be had for this request."
TOO_LATE = "It is too late for that: nothing was changed."
TOO_OFTEN = "Your answer stands: it was taken back too often already."
USED = "Slack sent this click before, so nothing was changed."
TAKEN_BACK = "Your answer was taken back. The request still waits."

_EVENTS: dict[str, type[Withdrawal | ExtensionRequest]] = {WITHDRAW: Withdrawal, MORE_TIME: ExtensionRequest}
_NOTHING_DONE = {WITHDRAW: NOTHING_TO_TAKE_BACK, MORE_TIME: NO_MORE_TIME}


def choose(
    ack: Ack, click: Interaction, approval: Approval, table: ApprovalTable, log: Logger, check_member: MemberCheck
) -> None:
    """Record the choice, then acknowledge. Raises `MalformedError` for a choice that is not in the menu."""
    if click.word not in _EVENTS:
        raise MalformedError("not a choice of the menu")
    event = _EVENTS[click.word](click.approver, click.at, click.event_key)
    tell = partial(_result_text, click)
    record_click(click, approval, event, tell, table=table, log=log, check_member=check_member)
    ack()


def _result_text(click: Interaction, judgement: Judgement) -> Text | None:
    """Return what to tell the person; None for an extension, of which all are told."""
    match judgement.verdict:
        case Verdict.EXTENDED:
            return None
        case Verdict.WITHDRAWN:
            return _about(judgement.approval, TAKEN_BACK)
        case Verdict.NOT_ALLOWED:
            return refusal_text(judgement)
        case Verdict.ALREADY_USED:
            return _about(judgement.approval, USED)
        case Verdict.NOT_DUE:
            has_response = any(each.approver.id == click.approver.id for each in judgement.approval.standing)
            too_often = has_response and click.word == WITHDRAW
            return _about(judgement.approval, TOO_OFTEN if too_often else _NOTHING_DONE[click.word])
        case _:
            return _about(judgement.approval, TOO_LATE, wording.outcome(judgement.approval))


def _about(approval: Approval, *said: Text | str) -> Text:
    return join_texts([wording.quoted_title(approval), *said])
