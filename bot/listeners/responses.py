"""Recording what a person does in Slack."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from aws_lambda_powertools import Logger

from approvals.domain import response_wording, wording
from approvals.domain.eligibility import Reason
from approvals.domain.errors import DeliveryError
from approvals.domain.judgement import ExtensionRequest, Judgement, Verdict, Withdrawal
from approvals.domain.model import Action, Approval, Approver, Response
from approvals.domain.parts import Text, join_texts
from approvals.domain.replies import Note
from approvals.domain.rules import judge
from approvals.services.respond import respond
from approvals.store.table import ApprovalTable
from approvals.store.writes import RecordFullError
from bot.directory import SlackDirectory
from bot.listeners.interactions import Interaction
from bot.listeners.replies import NO_ROOM, reply_to
from bot.surfaces import was_all_in_earlier_message

PersonsEvent: TypeAlias = Response | Withdrawal | ExtensionRequest
MemberCheck: TypeAlias = Callable[[Approver], Approver]

_RECORDED = frozenset({Verdict.DECIDED, Verdict.COUNTED, Verdict.WITHDRAWN})
"""The verdicts on clicks that change the record and are told in a reply."""


class NotYetRecordedError(Exception):
    """The response would count, but the person first has to read all of the request, or to fill in the dialog."""


def record(
    table: ApprovalTable,
    approval: Approval,
    event: PersonsEvent,
    reply: Callable[[Judgement], Note | None],
    check_member: MemberCheck | None,
) -> Judgement:
    """Judge and store an event, and leave its reply; first ask Slack if the person is a member, if that decides it.

    That is one call to Slack before the acknowledgement, for requests that name no approvers. If Slack does not answer,
    nothing is recorded, and the reply says to try again.
    """
    if check_member and judge(approval, event).reason is Reason.UNCHECKED:
        event = replace(event, approver=check_member(event.approver))
    return respond(table, approval, event, note=reply)


def record_click(
    click: Interaction,
    approval: Approval,
    event: PersonsEvent,
    tell: Callable[[Judgement], Text | None],
    *,
    table: ApprovalTable,
    log: Logger,
    check_member: MemberCheck | None,
) -> None:
    """Record a click with a reply that says what `tell` returns, or reply that the record is full.

    What `tell` raises keeps the event from being recorded.
    """

    def reply(judgement: Judgement) -> Note | None:
        said = tell(judgement)
        return reply_to(click, said, recorded=judgement.changed and judgement.verdict in _RECORDED) if said else None

    try:
        verdict = record(table, approval, event, reply, check_member).verdict
    except RecordFullError:
        log.exception("response not recorded, the record is full")
        table.leave_note(reply_to(click, NO_ROOM))
    else:
        action = event.action.value if isinstance(event, Response) else click.word
        log.info("response in slack", extra={"action": action, "verdict": verdict.value})


def check_member(
    directory: SlackDirectory, refresh_secret: Callable[[], bool], log: Logger, approver: Approver
) -> Approver:
    """Return the approver with `member` as Slack says; unchanged if Slack does not answer."""
    try:
        user = directory.user(approver.id)
    except DeliveryError as error:
        log.warning("membership can't be checked", extra={"reason": str(error)})
        refresh_secret()
        return approver
    return replace(approver, member=user is not None and user.is_member)


def is_unread(approval: Approval, action: Action, interaction: Interaction) -> bool:
    """Return True if an approval has to wait until the person was shown all of the request. Rejections never wait."""
    return action is Action.APPROVE and not interaction.all_shown and not was_all_in_earlier_message(approval)


def result_text(judgement: Judgement, response: Response, *, unseen: bool = False) -> Text | None:
    """Return what to tell the person about their response; None if it counts and they see that, unless `unseen`."""
    match judgement.verdict:
        case Verdict.DECIDED | Verdict.COUNTED if not unseen:
            return None
        case Verdict.DECIDED:
            return join_texts([wording.quoted_title(judgement.approval), wording.outcome(judgement.approval)])
        case Verdict.NOT_ALLOWED:
            return refusal_text(judgement)
        case _:
            return response_wording.response_reply(judgement, response)


def refusal_text(judgement: Judgement) -> Text:
    """Return why this person may not respond, and who may."""
    return wording.refusal_reply(judgement.approval, judgement.reason or Reason.NOT_AN_APPROVER)
