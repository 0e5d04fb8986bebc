"""A click on Approve or Reject: recorded first, acknowledged then; or answered with a dialog that asks for more."""

from __future__ import annotations

from functools import partial
from http.client import HTTPException
from typing import Any

from slack_bolt import Ack
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackRequestError

from approvals.domain.eligibility import Reason
from approvals.domain.model import Action, Approval, Note, Response
from approvals.domain.rules import Judgement, Verdict
from approvals.services.respond import respond
from approvals.store.table import RecordFullError
from bot.client import STALE
from bot.listeners.desk import GONE, NO_ROOM, RECORDED, Click, Desk, must_read, told, used_once
from bot.views.buttons import needs_modal
from bot.views.modal import About, answer_modal

_ASKED_IN_FULL = (Verdict.DECIDED, Verdict.COUNTED, Verdict.INCOMPLETE)

NOT_OPENED = "Slack did not open the form in time, and nothing was recorded. Please click again."


class Answer:
    """The listener for one answer's button."""

    def __init__(self, action: Action, desk: Desk) -> None:
        self._action = action
        self._desk = desk

    def __call__(self, ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        """Records the answer, or opens the dialog, or leads to the page if not all was shown; then acknowledges.

        What a late click should hear is left as a note for `notify` to send, by the write that records the click: so
        a tap needs two calls of the table and none of Slack. Only the dialog is opened from here, as what allows it
        dies within 3 seconds.
        """
        click = Click.parse(body)
        self._desk.logger.append_keys(approval_id=click.approval_id)
        self._desk.leave(self._desk.reply(click, self._answer(click, client)))
        ack()

    def _answer(self, click: Click, client: WebClient) -> str | None:
        """Takes the answer; returns what the person who clicked has yet to be told."""
        approval = self._desk.find(click.approval_id)
        if approval is None:
            return GONE
        at, key = self._desk.clock(), used_once(click.key)
        response = Response(approver=click.approver, action=self._action, at=at, key=key)
        asks = needs_modal(approval, self._action)
        unread = must_read(approval, self._action, all_shown=click.all_shown)

        def note(judgement: Judgement) -> Note | None:
            if (asks or unread) and (judgement.verdict in _ASKED_IN_FULL or judgement.reason is Reason.UNCHECKED):
                raise _MayAnswer
            said = told(judgement, response, unseen=click.unseen)
            return self._desk.reply(click, said, recorded=judgement.verdict in RECORDED)

        try:
            # Who is sent a dialog is checked when they send it off: what opens it dies within 3 seconds.
            record = partial(respond, self._desk.table) if asks else self._desk.respond
            verdict = record(approval, response, note=note).verdict
        except _MayAnswer:
            if unread:
                self._desk.leave(self._desk.page_link(approval, click.approver, click.channel))
                self._desk.logger.info("not approved: not all was shown")
                return None
            return self._open(approval, click, client)
        except RecordFullError:
            self._desk.logger.exception("response not recorded, the record is full")
            return NO_ROOM
        self._desk.logger.info("answer in slack", extra={"action": self._action.value, "verdict": verdict.value})
        return None

    def _open(self, approval: Approval, click: Click, client: WebClient) -> str | None:
        about = About(approval.id, self._action, click.channel, unseen=click.unseen, all_shown=click.all_shown)
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


class _MayAnswer(Exception):  # noqa: N818
    """The answer would count: it is to be asked for in full first. A refusal or an expiry is recorded at once."""
