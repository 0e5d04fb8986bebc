"""A choice in the message's menu: to take an answer back, or to get more time."""

from __future__ import annotations

from typing import Any

from slack_bolt import Ack

from approvals.domain import wording
from approvals.domain.model import Approval, Note
from approvals.domain.rules import Judgement, Postponement, Verdict, Withdrawal
from approvals.store.table import RecordFullError
from bot.listeners.desk import GONE, NO_ROOM, RECORDED, Click, Desk, refused, used_once
from bot.listeners.malformed import Malformed
from bot.views.buttons import MORE_TIME, WITHDRAW

NOTHING_TO_TAKE_BACK = "You have not answered yet, so there is nothing to take back."
NO_MORE_TIME = "There is no more time to be had for this request."
TOO_LATE = "It is too late for that: nothing was changed."
TOO_OFTEN = "Your answer stands: it was taken back too often already."
USED = "Slack sent this click before, so nothing was changed."
TAKEN_BACK = "Your answer was taken back. The request still waits."

_EVENTS: dict[str, type[Withdrawal | Postponement]] = {WITHDRAW: Withdrawal, MORE_TIME: Postponement}
_NOTHING_DONE = {WITHDRAW: NOTHING_TO_TAKE_BACK, MORE_TIME: NO_MORE_TIME}


class More:
    """The listener for the menu."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def __call__(self, ack: Ack, body: dict[str, Any]) -> None:
        """Records what was chosen, then acknowledges. Raises `Malformed` for a choice that is not in the menu."""
        click = Click.parse(body)
        if click.word not in _EVENTS:
            raise Malformed("not a choice of the menu")
        self._desk.logger.append_keys(approval_id=click.approval_id)
        if approval := self._desk.find(click.approval_id):
            self._do(approval, click)
        else:
            self._desk.leave(self._desk.reply(click, GONE))
        ack()

    def _do(self, approval: Approval, click: Click) -> None:
        def note(judgement: Judgement) -> Note | None:
            said = _told(judgement, click.word, click.approver.id)
            return self._desk.reply(click, said, recorded=judgement.changed and judgement.verdict in RECORDED)

        event = _EVENTS[click.word](click.approver, self._desk.clock(), used_once(click.key))
        try:
            verdict = self._desk.respond(approval, event, note).verdict
        except RecordFullError:
            self._desk.logger.exception("response not recorded, the record is full")
            self._desk.leave(self._desk.reply(click, NO_ROOM))
            return
        self._desk.logger.info("menu in slack", extra={"choice": click.word, "verdict": verdict.value})


def _told(judgement: Judgement, word: str, user: str) -> str | None:
    """What to tell the person; nothing about more time, which everybody is told of."""
    match judgement.verdict:
        case Verdict.EXTENDED:
            return None
        case Verdict.WITHDRAWN:
            return _about(judgement.approval, TAKEN_BACK)
        case Verdict.NOT_ALLOWED:
            return refused(judgement)
        case Verdict.ALREADY_USED:
            return _about(judgement.approval, USED)
        case Verdict.NOT_DUE:
            stands = word == WITHDRAW and any(said.approver.id == user for said in judgement.approval.standing)
            return _about(judgement.approval, TOO_OFTEN if stands else _NOTHING_DONE[word])
        case _:
            return _about(judgement.approval, f"{TOO_LATE} {wording.outcome(judgement.approval)}")


def _about(approval: Approval, text: str) -> str:
    return f"\u201c{approval.title}\u201d ({approval.workflow.execution_name}): {text}"
