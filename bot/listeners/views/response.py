"""The dialog's submission: recorded and then acknowledged; errors are shown at their fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger
from slack_bolt import Ack

from approvals.domain import forms
from approvals.domain.forms import YES
from approvals.domain.model import Action, Approval, Approver, Note, Response, Severity
from approvals.domain.rules import COMMENT, Judgement, Verdict
from approvals.store.table import ApprovalTable, NotFound, RecordFullError
from bot.listeners.payloads import approver, reading
from bot.listeners.replies import GONE, NO_ROOM, message, page_link, reply_id
from bot.listeners.responses import MemberCheck, NotYetRecordedError, event_key, is_unread, record, result_text
from bot.views.modal import MAX_COMMENT, SURE, About, block_id, told_modal, typed

NOT_ALL_SHOWN = (
    "Your answer was not recorded: this dialog was opened from a message that does not show all of the request. "
    "You get a message with a link to the page that does."
)
NOT_SURE = "Please tick the box, or press Cancel."


@dataclass(frozen=True, slots=True)
class Submission:
    """A `view_submission` payload. `typed` has texts by block ID.

    Source: https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload
    """

    view_id: str
    about: About
    approver: Approver
    typed: dict[str, str]

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> Submission:
        """Read the payload. Raises `MalformedError` if it is not a dialog of ours."""
        with reading("our dialog"):
            view = body["view"]
            about = About.read(view["private_metadata"])
            return cls(str(view.get("id")), about, approver(body), typed(view["state"]["values"]))


def submit(
    ack: Ack,
    body: Mapping[str, Any],
    table: ApprovalTable,
    now: datetime,
    log: Logger,
    check_member: MemberCheck,
) -> None:
    """Record the response and close the dialog, or show in it what is missing or why nothing was recorded."""
    submission = Submission.parse(body)
    about = submission.about
    log.append_keys(approval_id=about.approval_id)
    try:
        approval = table.get(about.approval_id)
    except NotFound:
        log.warning("submission about an unknown approval")
        ack(response_action="update", view=told_modal(GONE))
        return
    response, errors = _read_response(approval, submission, now)
    if errors:
        ack(response_action="errors", errors=errors)
        return
    unread = is_unread(approval, response.action, all_shown=about.all_shown)

    def reply(judgement: Judgement) -> Note | None:
        if judgement.verdict not in (Verdict.DECIDED, Verdict.COUNTED):
            return None
        if unread:
            raise NotYetRecordedError
        said = result_text(judgement, response, unseen=about.unseen)
        id_ = reply_id(approval.id, submission.approver.id, submission.view_id)
        return message(id_, submission.approver, about.channel, said, now) if said else None

    try:
        judgement = record(table, approval, response, reply, check_member)
    except NotYetRecordedError:
        table.leave_note(page_link(approval.id, submission.approver, about.channel, submission.view_id, now))
        ack(response_action="update", view=told_modal(NOT_ALL_SHOWN))
        return
    except RecordFullError:
        log.exception("response not recorded, the record is full")
        ack(response_action="update", view=told_modal(NO_ROOM))
        return
    log.info("response in slack", extra={"event": response.action.value, "verdict": judgement.verdict.value})
    _acknowledge(ack, judgement, response)


def _acknowledge(ack: Ack, judgement: Judgement, response: Response) -> None:
    if judgement.verdict is Verdict.INCOMPLETE:
        ack(response_action="errors", errors={block_id(each.field): each.text for each in judgement.problems})
    elif said := result_text(judgement, response):
        title = "Nothing to do" if judgement.verdict is Verdict.REPEATED else "Not recorded"
        ack(response_action="update", view=told_modal(said, title))
    else:
        ack()


def _read_response(approval: Approval, submission: Submission, now: datetime) -> tuple[Response, dict[str, str]]:
    """Return the response as it was typed, and what is wrong with it, by block ID."""
    request, action = approval.request, submission.about.action
    comment = submission.typed.get(COMMENT, "").replace("\r\n", "\n").strip()
    asked = request.form if action is Action.APPROVE else ()
    entries = {field.name: submission.typed.get(block_id(field.name), "") for field in asked}
    values, problems = forms.parse(asked, entries)
    errors = {block_id(problem.field): problem.text for problem in problems}
    if len(comment) > MAX_COMMENT:
        errors[COMMENT] = f"Please write at most {MAX_COMMENT:,} characters."
    if request.severity is Severity.HIGH and submission.typed.get(SURE) != YES:
        errors[SURE] = NOT_SURE
    response = Response(
        approver=submission.approver,
        action=action,
        at=now,
        comment=comment or None,
        form=values,
        key=event_key(submission.view_id),
    )
    return response, errors
