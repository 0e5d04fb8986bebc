"""The buttons below a request: Approve, Reject, and the one that leads to the page."""

from __future__ import annotations

from collections.abc import Callable
from http.client import HTTPException

from aws_lambda_powertools import Logger
from slack_bolt import Ack
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackRequestError
from slack_sdk.models.views import View

from approvals.domain import policy_change_wording
from approvals.domain.delegate_wording import seat_sentence
from approvals.domain.eligibility import Reason
from approvals.domain.form_changes import current_form, form_key
from approvals.domain.judgement import Judgement, Verdict
from approvals.domain.model import Action, Approval, Response
from approvals.domain.parts import Text
from approvals.store.table import ApprovalTable
from bot.client import STALE
from bot.listeners.payloads import Interaction
from bot.listeners.recorder import NotYetRecordedError, Recorder, is_unread, result_text
from bot.listeners.replies import page_link
from bot.views.buttons import needs_modal
from bot.views.modal import fits_in_modal, response_modal

NOT_OPENED = "Nothing was recorded: Slack didn't open the form in time. Click again."

_NOT_SHOWABLE = frozenset({"invalid_arguments", "invalid_blocks", "view_too_large"})
"""Errors of a modal that Slack will not show however often it is opened: the page shows it.

Source: https://docs.slack.dev/reference/methods/views.open#errors
"""

_WOULD_COUNT = (Verdict.DECIDED, Verdict.COUNTED, Verdict.RESET, Verdict.OUTDATED, Verdict.INCOMPLETE)


def respond_with(
    action: Action,
    ack: Ack,
    click: Interaction,
    approval: Approval,
    client: WebClient,
    recorder: Recorder,
    refresh_secret: Callable[[], bool],
    log: Logger,
) -> None:
    """Record the response, open the modal, or leave a request for a link to the page; then acknowledge.

    The write that records a click leaves its reply, too, for `notify` to deliver: a click takes two calls to the table
    and none to Slack. Only the modal opens from here, as its trigger expires after 3 seconds.
    """
    response = Response(
        approver=click.approver,
        action=action,
        at=click.at,
        form=current_form(approval) or {},  # A person who has approved these values has nothing to fill in.
        key=click.event_key,
        sent_at=click.sent_at,
    )
    in_modal = needs_modal(approval, action)
    on_page = is_unread(approval, action, click) or (in_modal and not fits_in_modal(approval, action))

    def tell(judgement: Judgement) -> Text | None:
        # A refusal or an expiry is recorded at once: there is nothing to ask for.
        if (in_modal or on_page) and (judgement.verdict in _WOULD_COUNT or judgement.reason is Reason.UNCHECKED):
            raise NotYetRecordedError
        return result_text(judgement, response, unseen=click.unseen)

    try:
        # Membership is checked when the modal is submitted: its trigger leaves no time for it here.
        recorder.record_click(click, approval, response, tell, checks_member=not in_modal)
    except NotYetRecordedError:
        notes = (
            seat_sentence(approval, click.approver, click.at),
            policy_change_wording.again_notice(approval, click.approver),
        )
        note = " ".join(filter(None, notes))
        metadata, user = click.modal_metadata(action, form_key(approval)), click.approver.id
        modal = response_modal(approval, action, metadata, note=note, user=user)
        if on_page:
            recorder.leave_page_link(click)
        elif error := _open_modal(client, click.trigger, modal):
            log.warning("no modal opened", extra={"reason": error})
            if error in STALE:
                refresh_secret()
            if error in _NOT_SHOWABLE:
                recorder.leave_page_link(click)
            else:
                recorder.leave_reply(click, NOT_OPENED)
    ack()


def send_page_link(ack: Ack, click: Interaction, table: ApprovalTable) -> None:
    """Leave a request for a link to the page, then acknowledge."""
    table.leave_reply(page_link(click))
    ack()


def _open_modal(client: WebClient, trigger: str, view: View) -> str:
    """Open the modal. Return why Slack does not; an empty text if it does."""
    try:
        client.views_open(trigger_id=trigger, view=view)
    except SlackApiError as error:
        return str(error.response.get("error") or type(error).__name__)
    except (SlackRequestError, HTTPException, OSError) as error:
        return type(error).__name__
    return ""
