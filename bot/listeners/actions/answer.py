"""A click on Approve or Reject: recorded first, acknowledged then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from slack_bolt import Ack

from approvals import present
from approvals.links import is_approval_id
from approvals.model import Action, Approver, Channel, Note, Response
from approvals.respond import respond
from approvals.rules import Verdict
from approvals.table import ApprovalTable, NotFound
from bot.listeners.malformed import Malformed

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger


@dataclass(frozen=True, slots=True)
class Click:
    """What is read of a `block_actions` payload.

    Source: https://docs.slack.dev/reference/interaction-payloads/block_actions-payload/
    """

    approval_id: str
    approver: Approver
    channel: str
    trigger: str

    @classmethod
    def parse(cls, body: dict[str, Any]) -> Click:
        """Reads the payload. Raises `Malformed` when it is not a click on one of our buttons."""
        try:
            user, button = body["user"], body["actions"][0]
            workspace = _text(user.get("team_id") or body["team"]["id"])
            name = _text(user.get("name") or user.get("username") or user["id"])
            approver = Approver(id=_text(user["id"]), name=name, channel=Channel.SLACK, workspace=workspace)
            trigger = _text(body.get("trigger_id") or button["action_ts"])
            click = cls(_text(button["value"]), approver, _text(body["container"]["channel_id"]), trigger)
        except (KeyError, IndexError, TypeError, AttributeError, UnicodeEncodeError) as error:
            raise Malformed(f"not a click on a button: {error!r}") from error
        if not is_approval_id(click.approval_id):
            raise Malformed("the button's value is not an approval's id")
        return click


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("expected a text")
    value.encode()  # raises on half of a surrogate pair, which no table takes
    return value


class Answer:
    """The listener for one answer's button."""

    def __init__(self, action: Action, *, table: ApprovalTable, clock: Callable[[], datetime], logger: Logger) -> None:
        self._action = action
        self._table = table
        self._clock = clock
        self._logger = logger

    def __call__(self, ack: Ack, body: dict[str, Any]) -> None:
        """Records the answer, then acknowledges.

        What a late click should hear is left as a note for `notify` to send: so a click needs no call to Slack, and
        this function no right but to record.
        """
        click = Click.parse(body)
        with self._logger.append_context_keys(approval_id=click.approval_id):
            text = self._record(click)
            if text:
                self._table.leave_note(_note(click, text), self._clock())
        ack()

    def _record(self, click: Click) -> str | None:
        """Records the answer; returns what to tell the person who clicked, if it did not decide."""
        try:
            approval = self._table.get(click.approval_id)
        except NotFound:
            self._logger.warning("click on an unknown approval")
            return "This request is no longer on record, so your answer could not be taken."
        response = Response(approver=click.approver, action=self._action, at=self._clock())
        judgement = respond(self._table, approval, response)
        verdict = judgement.verdict
        self._logger.info("answer in slack", extra={"action": self._action.value, "verdict": verdict.value})
        if verdict is Verdict.DECIDED:
            return None
        if verdict is Verdict.NOT_ALLOWED:
            return present.not_allowed(judgement.approval)
        return present.late_answer(judgement.approval, response)


def _note(click: Click, text: str) -> Note:
    # Slack repeats a click it holds for lost, with the same trigger: the note it leads to is the same one.
    key = sha256(f"{click.approval_id}:{click.approver.id}:{click.trigger}".encode()).hexdigest()[:32]
    return Note(id=key, channel=click.channel, user=click.approver.id, text=text)
