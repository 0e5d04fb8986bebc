"""A click on Approve or Reject: recorded first, acknowledged then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from slack_bolt import Ack

from approvals import present
from approvals.model import Action, Approver, Channel, Note, Response
from approvals.respond import respond
from approvals.rules import Verdict
from approvals.table import ApprovalTable, NotFound

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger


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
        approval_id = str(body["actions"][0]["value"])
        with self._logger.append_context_keys(approval_id=approval_id):
            text = self._record(approval_id, body)
            if text:
                self._table.leave_note(_note(body, text), self._clock())
        ack()

    def _record(self, approval_id: str, body: dict[str, Any]) -> str | None:
        """Records the answer; returns what to tell the person who clicked, if it did not decide."""
        try:
            approval = self._table.get(approval_id)
        except NotFound:
            self._logger.warning("click on an unknown approval")
            return "This request is no longer on record, so your answer could not be taken."
        response = Response(approver=_approver(body), action=self._action, at=self._clock())
        judgement = respond(self._table, approval, response)
        verdict = judgement.verdict
        self._logger.info("answer in slack", extra={"action": self._action.value, "verdict": verdict.value})
        return None if verdict is Verdict.DECIDED else present.late_answer(judgement.approval, response)


def _approver(body: dict[str, Any]) -> Approver:
    user = body["user"]
    return Approver(id=user["id"], name=user.get("name") or user.get("username") or user["id"], channel=Channel.SLACK)


def _note(body: dict[str, Any], text: str) -> Note:
    user, message = body["user"]["id"], body["container"]
    # Slack repeats a click it holds for lost, with the same trigger: the note it leads to is the same one.
    key = sha256(str(body.get("trigger_id", body["actions"][0].get("action_ts"))).encode()).hexdigest()[:32]
    return Note(id=key, channel=message["channel_id"], user=user, text=text)
