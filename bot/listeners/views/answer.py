"""An answer sent off in the dialog: recorded first, acknowledged then; what is missing is said at its field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from slack_bolt import Ack

from approvals.domain import forms
from approvals.domain.forms import YES
from approvals.domain.model import Action, Approval, Approver, Note, Response, Severity
from approvals.domain.rules import COMMENT, Judgement, Verdict
from approvals.store.table import RecordFullError
from bot.listeners.desk import GONE, NO_ROOM, Desk, approver, must_read, told, used_once
from bot.listeners.malformed import Malformed
from bot.views.modal import MAX_COMMENT, SURE, About, block_id, told_modal, typed

NOT_ALL_SHOWN = (
    "Your answer was not recorded: this dialog was opened from a message that does not show all of the request. "
    "You get a message with a link to the page that does."
)
NOT_SURE = "Please tick the box, or press Cancel."


@dataclass(frozen=True, slots=True)
class Sent:
    """What is read of a `view_submission` payload. `typed` has texts by block id.

    Source: https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload
    """

    view_id: str
    about: About
    approver: Approver
    typed: dict[str, str]

    @classmethod
    def parse(cls, body: dict[str, Any]) -> Sent:
        """Reads the payload. Raises `Malformed` when it is not our dialog."""
        try:
            view = body["view"]
            about = About.read(view["private_metadata"])
            return cls(str(view.get("id")), about, approver(body), typed(view["state"]["values"]))
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError) as error:
            raise Malformed(f"not our dialog: {type(error).__name__}") from error


class Submission:
    """The listener for the dialog."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def __call__(self, ack: Ack, body: dict[str, Any]) -> None:
        """Records the answer, then closes the dialog; or says in it what is missing, or why nothing was recorded."""
        sent = Sent.parse(body)
        self._desk.logger.append_keys(approval_id=sent.about.approval_id)
        approval = self._desk.find(sent.about.approval_id)
        if approval is None:
            ack(response_action="update", view=told_modal(GONE))
        else:
            self._answer(ack, approval, sent)

    def _answer(self, ack: Ack, approval: Approval, sent: Sent) -> None:
        response, errors = _read(approval, sent, self._desk)
        if errors:
            ack(response_action="errors", errors=errors)
            return

        unread = must_read(approval, response.action, all_shown=sent.about.all_shown)

        def note(judgement: Judgement) -> Note | None:
            counts = judgement.verdict in (Verdict.DECIDED, Verdict.COUNTED)
            if counts and unread:
                raise _MustRead
            said = told(judgement, response, unseen=sent.about.unseen) if counts else None
            key = self._desk.key(approval.id, sent.approver.id, sent.view_id)
            return self._desk.note(sent.approver, sent.about.channel, said, key) if said else None

        try:
            judgement = self._desk.respond(approval, response, note)
        except _MustRead:
            self._desk.leave(self._desk.page_link(approval, sent.approver, sent.about.channel))
            ack(response_action="update", view=told_modal(NOT_ALL_SHOWN))
            return
        except RecordFullError:
            self._desk.logger.exception("response not recorded, the record is full")
            ack(response_action="update", view=told_modal(NO_ROOM, "Not recorded"))
            return
        verdict = judgement.verdict
        self._desk.logger.info("answer in slack", extra={"action": response.action.value, "verdict": verdict.value})
        if verdict is Verdict.INCOMPLETE:
            ack(response_action="errors", errors={block_id(each.field): each.text for each in judgement.problems})
        elif text := told(judgement, response):
            title = "Nothing to do" if verdict is Verdict.REPEATED else "Not recorded"
            ack(response_action="update", view=told_modal(text, title))
        else:
            ack()


def _read(approval: Approval, sent: Sent, desk: Desk) -> tuple[Response, dict[str, str]]:
    """The answer as it was typed, and what is wrong with it by block id."""
    request, action = approval.request, sent.about.action
    comment = sent.typed.get(COMMENT, "").replace("\r\n", "\n").strip()
    asked = request.form if action is Action.APPROVE else ()
    values, problems = forms.parse(asked, {field.name: sent.typed.get(block_id(field.name), "") for field in asked})
    errors = {block_id(problem.field): problem.text for problem in problems}
    if len(comment) > MAX_COMMENT:
        errors[COMMENT] = f"Please write at most {MAX_COMMENT:,} characters."
    if request.severity is Severity.HIGH and sent.typed.get(SURE) != YES:
        errors[SURE] = NOT_SURE
    response = Response(
        approver=sent.approver,
        action=action,
        at=desk.clock(),
        comment=comment or None,
        form=values,
        key=used_once(sent.view_id),
    )
    return response, errors


class _MustRead(Exception):  # noqa: N818
    """The answer would count, but not all of the request was shown before it was given."""
