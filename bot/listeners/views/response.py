"""The dialog's submission: recorded and then acknowledged; errors are shown at their fields."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger
from slack_bolt import Ack

from approvals.domain import forms
from approvals.domain.forms import COMMENT, MAX_COMMENT, YES
from approvals.domain.judgement import Judgement, Verdict
from approvals.domain.model import Action, Approval, Response, Severity
from approvals.domain.replies import Note
from approvals.store.table import ApprovalTable, NotFoundError
from approvals.store.writes import RecordFullError
from bot.listeners.interactions import Interaction
from bot.listeners.payloads import approver, reading, text
from bot.listeners.replies import GONE, NO_ROOM, page_link, reply_to
from bot.listeners.responses import MemberCheck, NotYetRecordedError, is_unread, record, result_text
from bot.views.modal import SURE, DialogMetadata, block_id, told_modal, typed

NOT_ALL_SHOWN = (
    "Your answer was not recorded: this dialog was opened from a message that does not show all of the request. "
    "You get a message with a link to the page that does."
)
NOT_SURE = "Please tick the box, or press Cancel."


def submit(
    ack: Ack, body: Mapping[str, Any], table: ApprovalTable, now: datetime, log: Logger, check_member: MemberCheck
) -> None:
    """Record the response and close the dialog, or show in it what is missing or why nothing was recorded.

    Raises `MalformedError`.
    Source: https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload
    """
    with reading("our dialog"):
        view, person = body["view"], approver(body)
        key = text(str(view.get("id")))
        metadata, inputs = DialogMetadata.from_json(view["private_metadata"]), typed(view["state"]["values"])
    dialog = Interaction(
        approval_id=metadata.approval_id,
        approver=person,
        channel=metadata.channel,
        key=key,
        at=now,
        unseen=metadata.unseen,
        all_shown=metadata.all_shown,
    )
    log.append_keys(approval_id=metadata.approval_id)
    try:
        approval = table.get(metadata.approval_id)
    except NotFoundError:
        log.warning("dialog about an unknown approval")
        ack(response_action="update", view=told_modal(GONE))
        return
    response, errors = _read_response(approval, dialog, metadata.action, inputs)
    if errors:
        ack(response_action="errors", errors=errors)
        return

    def reply(judgement: Judgement) -> Note | None:
        if judgement.verdict not in (Verdict.DECIDED, Verdict.COUNTED):
            return None
        if is_unread(approval, metadata.action, dialog):
            raise NotYetRecordedError
        said = result_text(judgement, response, unseen=dialog.unseen)
        return reply_to(dialog, said, recorded=True) if said else None

    try:
        judgement = record(table, approval, response, reply, check_member)
    except NotYetRecordedError:
        table.leave_note(page_link(dialog))
        ack(response_action="update", view=told_modal(NOT_ALL_SHOWN))
    except RecordFullError:
        log.exception("response not recorded, the record is full")
        ack(response_action="update", view=told_modal(NO_ROOM))
    else:
        log.info("response in slack", extra={"action": metadata.action.value, "verdict": judgement.verdict.value})
        _acknowledge(ack, judgement, response)


def _acknowledge(ack: Ack, judgement: Judgement, response: Response) -> None:
    if judgement.verdict is Verdict.INCOMPLETE:
        ack(response_action="errors", errors={block_id(each.field): each.text for each in judgement.problems})
    elif said := result_text(judgement, response):
        title = "Nothing to do" if judgement.verdict is Verdict.REPEATED else "Not recorded"
        ack(response_action="update", view=told_modal(said, title))
    else:
        ack()


def _read_response(
    approval: Approval, dialog: Interaction, action: Action, inputs: Mapping[str, str]
) -> tuple[Response, dict[str, str]]:
    """Return the response as it was typed, and what is wrong with it, by block ID."""
    comment = inputs.get(COMMENT, "").replace("\r\n", "\n").strip()
    asked = approval.request.form if action is Action.APPROVE else ()
    values, problems = forms.parse(asked, {field.name: inputs.get(block_id(field.name), "") for field in asked})
    errors = {block_id(problem.field): problem.text for problem in problems}
    if len(comment) > MAX_COMMENT:
        errors[COMMENT] = f"Please write at most {MAX_COMMENT:,} characters."
    if approval.request.severity is Severity.HIGH and inputs.get(SURE) != YES:
        errors[SURE] = NOT_SURE
    response = Response(
        approver=dialog.approver,
        action=action,
        at=dialog.at,
        comment=comment or None,
        form=values,
        key=dialog.event_key,
    )
    return response, errors
