"""Approve and Reject: a click is recorded and then acknowledged, or opens the dialog that asks for more."""

from __future__ import annotations

from collections.abc import Callable
from http.client import HTTPException

from aws_lambda_powertools import Logger
from slack_bolt import Ack
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackRequestError
from slack_sdk.models.views import View

from approvals.domain.eligibility import Reason
from approvals.domain.judgement import Judgement, Verdict
from approvals.domain.model import Action, Approval, Response
from approvals.domain.parts import Text
from approvals.store.table import ApprovalTable
from bot.client import STALE
from bot.listeners.interactions import Interaction
from bot.listeners.replies import page_link, reply_to
from bot.listeners.responses import MemberCheck, NotYetRecordedError, is_unread, record_click, result_text
from bot.views.buttons import needs_modal
from bot.views.modal import DialogMetadata, answer_modal

NOT_OPENED = "Slack did not open the form in time, and nothing was recorded. Please click again."

_WOULD_COUNT = (Verdict.DECIDED, Verdict.COUNTED, Verdict.INCOMPLETE)


def respond_with(
    action: Action,
    ack: Ack,
    click: Interaction,
    approval: Approval,
    client: WebClient,
    table: ApprovalTable,
    log: Logger,
    check_member: MemberCheck,
    refresh_secret: Callable[[], bool],
) -> None:
    """Record the response, open the dialog, or leave a request for a link to the page; then acknowledge.

    The write that records a click leaves its reply, too, for `notify` to deliver: a click takes two calls to the table
    and none to Slack. Only the dialog opens from here, as its trigger expires after 3 seconds.
    """
    response = Response(approver=click.approver, action=action, at=click.at, key=click.event_key)
    asks, unread = needs_modal(approval, action), is_unread(approval, action, click)

    def tell(judgement: Judgement) -> Text | None:
        # A refusal or an expiry is recorded at once: there is nothing to ask for.
        if (asks or unread) and (judgement.verdict in _WOULD_COUNT or judgement.reason is Reason.UNCHECKED):
            raise NotYetRecordedError
        return result_text(judgement, response, unseen=click.unseen)

    # Where a dialog asks for more, membership is checked when it is submitted: its trigger leaves no time for it.
    check = None if asks else check_member
    try:
        record_click(click, approval, response, tell, table=table, log=log, check_member=check)
    except NotYetRecordedError:
        if unread:
            log.info("not approved: not all was shown")
            table.leave_note(page_link(click))
        else:
            metadata = DialogMetadata(
                approval.id, action, click.channel, unseen=click.unseen, all_shown=click.all_shown
            )
            if error := _open_dialog(client, click.trigger, answer_modal(approval, metadata)):
                log.warning("no dialog opened", extra={"reason": error})
                if error in STALE:
                    refresh_secret()
                table.leave_note(reply_to(click, NOT_OPENED))
    ack()


def _open_dialog(client: WebClient, trigger: str, view: View) -> str:
    """Open the dialog. Return why Slack does not; an empty text if it does."""
    try:
        client.views_open(trigger_id=trigger, view=view)
    except SlackApiError as error:
        return str(error.response.get("error") or type(error).__name__)
    except (SlackRequestError, HTTPException, OSError) as error:
        return type(error).__name__
    return ""
