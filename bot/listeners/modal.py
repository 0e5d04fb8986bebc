"""The submitted modal: recorded and then acknowledged; errors are shown at their fields."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger
from slack_bolt import Ack

from approvals.domain import form_wording, forms
from approvals.domain.delegate_wording import seat_sentence
from approvals.domain.form_changes import form_key
from approvals.domain.forms import COMMENT, YES
from approvals.domain.judgement import Judgement, Verdict
from approvals.domain.model import Action, Approval, Response, Severity
from approvals.domain.parts import Text
from approvals.store.table import ApprovalTable, NotFoundError
from approvals.store.writes import RecordFullError
from bot.listeners.payloads import Interaction, read_submission, reading
from bot.listeners.recorder import NotYetRecordedError, Recorder, is_unread, result_text
from bot.listeners.replies import GONE, NO_ROOM
from bot.views.modal import CONFIRMATION, block_id, fits_in_modal, notice_modal, read_inputs, response_modal

NOT_ALL_SHOWN = (
    "Your response was not recorded: the message behind this dialog does not show all of the request. "
    "You get a message with a link to the page that does."
)
ON_THE_PAGE = "The form with all values is too large for this dialog. You get a message with a link to the page."
_TITLES = {Verdict.REPEATED: "Already recorded", Verdict.RESET: "Recorded"}
"""Titles of the notice in place of the modal."""

NOT_CONFIRMED = "Tick the box to confirm, or press Cancel."


def submit(
    ack: Ack,
    body: Mapping[str, Any],
    table: ApprovalTable,
    now: datetime,
    sent_at: datetime,
    recorder: Recorder,
    log: Logger,
) -> None:
    """Record the response and close the modal, or show its problems in it, or why nothing was recorded.

    Raises `MalformedError`.
    """
    submission = read_submission(body, now, sent_at)
    with reading("our modal"):
        inputs = read_inputs(body["view"]["state"]["values"])
    action = Action(submission.choice)
    log.append_keys(approval_id=submission.approval_id)
    try:
        approval = table.get(submission.approval_id)
    except NotFoundError:
        log.warning("modal about an unknown approval")
        ack(response_action="update", view=notice_modal(GONE))
        return
    response, errors = _read_response(approval, submission, action, inputs)
    if errors:
        ack(response_action="errors", errors=errors)
        return

    def tell(judgement: Judgement) -> Text | None:
        # Everything else is told in the modal.
        if judgement.verdict not in (Verdict.DECIDED, Verdict.COUNTED, Verdict.RESET):
            return None
        if is_unread(approval, action, submission):
            raise NotYetRecordedError
        if judgement.verdict is Verdict.RESET:
            return None
        return result_text(judgement, response, unseen=submission.unseen)

    try:
        judgement = recorder.record(submission, approval, response, tell)
    except NotYetRecordedError:
        recorder.leave_page_link(submission)
        ack(response_action="update", view=notice_modal(NOT_ALL_SHOWN))
    except RecordFullError:
        ack(response_action="update", view=notice_modal(NO_ROOM))
    else:
        _acknowledge(ack, judgement, response, submission, recorder)


def _show_outdated(
    ack: Ack, approval: Approval, response: Response, submission: Interaction, recorder: Recorder
) -> None:
    """Show the values of others with what was typed, or lead to the page if both are too much for a modal."""
    outdated = form_wording.outdated_sentence(approval)
    note = " ".join(filter(None, (outdated, seat_sentence(approval, submission.approver, submission.at))))
    if fits_in_modal(approval, response.action, response.form):
        metadata = submission.modal_metadata(response.action, form_key(approval))
        user = submission.approver.id
        view = response_modal(approval, response.action, metadata, typed=response.form, note=note, user=user)
        ack(response_action="update", view=view)
        return
    recorder.leave_page_link(submission)
    # As an error of a field: the modal keeps what was typed, to be copied to the page.
    first = approval.request.form[0].name
    ack(response_action="errors", errors={block_id(first): f"{outdated} {ON_THE_PAGE}"})


def _acknowledge(
    ack: Ack, judgement: Judgement, response: Response, submission: Interaction, recorder: Recorder
) -> None:
    if judgement.verdict is Verdict.OUTDATED:
        _show_outdated(ack, judgement.approval, response, submission, recorder)
    elif judgement.verdict is Verdict.INCOMPLETE:
        ack(response_action="errors", errors={block_id(each.field): each.text for each in judgement.problems})
    elif said := result_text(judgement, response):
        ack(response_action="update", view=notice_modal(said, _TITLES.get(judgement.verdict, "Not recorded")))
    else:
        ack()


def _read_response(
    approval: Approval, submission: Interaction, action: Action, inputs: Mapping[str, str]
) -> tuple[Response, dict[str, str]]:
    """Return the response as it was typed, and what is wrong with it, by block ID."""
    comment = inputs.get(COMMENT, "").replace("\r\n", "\n").strip()
    fields = approval.request.form if action is Action.APPROVE else ()
    values, problems = forms.parse(fields, {field.name: inputs.get(block_id(field.name), "") for field in fields})
    errors = {block_id(problem.field): problem.text for problem in problems}
    if approval.request.severity is Severity.HIGH and inputs.get(CONFIRMATION) != YES:
        errors[CONFIRMATION] = NOT_CONFIRMED
    response = Response(
        approver=submission.approver,
        action=action,
        at=submission.at,
        comment=comment or None,
        form=values,
        key=submission.event_key,
        sent_at=submission.sent_at,
        seen=submission.values,
    )
    return response, errors
