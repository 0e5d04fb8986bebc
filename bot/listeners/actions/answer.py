"""A click on Approve or Reject: recorded first, acknowledged then; or answered with a dialog that asks for more."""

from __future__ import annotations

from http.client import HTTPException
from typing import Any

from slack_bolt import Ack
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackRequestError

from approvals.model import Action, Approval, Response
from approvals.respond import respond
from approvals.rules import Verdict
from approvals.table import ApprovalTable
from bot.api import STALE
from bot.listeners.desk import GONE, Click, Desk, told
from bot.views.buttons import needs_modal
from bot.views.modal import About, answer_modal

NOT_OPENED = "Slack did not open the form in time, and nothing was recorded. Please click again."


class Answer:
    """The listener for one answer's button."""

    def __init__(self, action: Action, desk: Desk) -> None:
        self._action = action
        self._desk = desk

    def __call__(self, ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        """Records the answer, or opens the dialog; then acknowledges.

        What a late click should hear is left as a note for `notify` to send: so a tap that answers needs no call to
        Slack. Only the dialog is opened from here, as what allows it dies within 3 seconds.
        """
        click = Click.parse(body)
        with self._desk.logger.append_context_keys(approval_id=click.approval_id):
            if text := self._answer(click, client):
                self._desk.leave_note(click, text)
        ack()

    def _answer(self, click: Click, client: WebClient) -> str | None:
        """Takes the answer; returns what to tell the person who clicked."""
        approval = self._desk.find(click.approval_id)
        if approval is None:
            return GONE
        response = Response(approver=click.approver, action=self._action, at=self._desk.clock())
        if needs_modal(approval, self._action):
            return self._ask(approval, click, response, client)
        judgement = respond(self._desk.table, approval, response)
        self._log(judgement.verdict)
        return told(judgement, response, unseen=click.unseen)

    def _ask(self, approval: Approval, click: Click, response: Response, client: WebClient) -> str | None:
        """Opens the dialog for those who may answer now; others hear why not, and their attempt is recorded."""
        try:
            judgement = respond(_OnlyLooking(self._desk.table, response), approval, response)
        except _MayAnswer:
            return self._open(approval, click, client)
        if judgement.verdict is Verdict.INCOMPLETE:
            return self._open(approval, click, client)
        self._log(judgement.verdict)
        return told(judgement, response)

    def _open(self, approval: Approval, click: Click, client: WebClient) -> str | None:
        about = About(approval.id, self._action, click.channel, unseen=click.unseen)
        try:
            client.views_open(trigger_id=click.trigger, view=answer_modal(approval, about))
        except SlackApiError as error:
            code = str(error.response.get("error", ""))
            self._desk.logger.warning("no dialog opened", extra={"reason": code})
            if code in STALE:
                self._desk.refresh()
            return NOT_OPENED
        except (SlackRequestError, HTTPException, OSError) as error:
            self._desk.logger.warning("no dialog opened", extra={"reason": type(error).__name__})
            return NOT_OPENED
        return None

    def _log(self, verdict: Verdict) -> None:
        self._desk.logger.info("answer in slack", extra={"action": self._action.value, "verdict": verdict.value})


class _MayAnswer(Exception):  # noqa: N818
    """The answer would count: it is to be asked for in full first."""


class _OnlyLooking:
    """The table for a look: takes what a look may lead to, a refusal or an expiry, but no answer."""

    def __init__(self, table: ApprovalTable, response: Response) -> None:
        self._table = table
        self._response = response

    def get(self, approval_id: str) -> Approval:
        return self._table.get(approval_id)

    def save(self, approval: Approval) -> None:
        last = approval.responses[-1] if approval.responses else None
        if last and (last.approver, last.at) == (self._response.approver, self._response.at):
            raise _MayAnswer
        self._table.save(approval)
