"""Recording what people do in Slack, and what to tell them about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from aws_lambda_powertools import Logger

from approvals.domain import response_wording, wording
from approvals.domain.eligibility import Reason
from approvals.domain.errors import DeliveryError
from approvals.domain.judgement import ExtensionRequest, Judgement, Verdict, Withdrawal
from approvals.domain.model import Action, Approval, Response
from approvals.domain.parts import Text, join_texts
from approvals.domain.people import Approver
from approvals.domain.refusal_wording import refusal_reply
from approvals.domain.replies import DeferredReply
from approvals.domain.rules import judge
from approvals.services.respond import respond
from approvals.store.table import ApprovalTable
from approvals.store.writes import RecordFullError
from bot.deliveries import messages
from bot.directory import SlackDirectory, SlackUser
from bot.listeners.payloads import Interaction
from bot.listeners.replies import NO_ROOM, page_link, reply_to
from bot.surfaces import was_all_in_earlier_message

Tell: TypeAlias = Callable[[Judgement], Text | None]
"""Returns what to tell the person. What it raises keeps the event from being recorded."""

_RECORDED = frozenset({Verdict.DECIDED, Verdict.COUNTED, Verdict.RESET, Verdict.WITHDRAWN})
"""The verdicts on events that change the record and are told in a reply."""


class NotYetRecordedError(Exception):
    """The response would count, but the person first has to read all of the request, or to fill in the modal."""


class Recorder:
    """Stores responses, withdrawals and extensions, and leaves replies to them."""

    def __init__(
        self, table: ApprovalTable, directory: SlackDirectory, refresh_secret: Callable[[], bool], logger: Logger
    ) -> None:
        self._table = table
        self._directory = directory
        self._refresh_secret = refresh_secret
        self._logger = logger

    def record(
        self,
        interaction: Interaction,
        approval: Approval,
        event: Response | Withdrawal | ExtensionRequest,
        tell: Tell,
        *,
        checks_member: bool = True,
    ) -> Judgement:
        """Judge and store an event with its reply. Raises `RecordFullError`, which is logged.

        If a request names no approvers, it first asks Slack whether the person is a member: one call before the
        acknowledgement. If Slack does not answer, nothing is recorded, and the reply says to try again. So it does for
        users of Enterprise Grid: they may belong to the app's workspace beside the one that Slack names.
        """

        def reply(judgement: Judgement) -> DeferredReply | None:
            said = tell(judgement)
            recorded = judgement.changed and judgement.verdict in _RECORDED
            return reply_to(interaction, said, recorded=recorded) if said else None

        reason = judge(approval, event).reason
        if checks_member and reason is Reason.UNCHECKED:
            event = replace(event, approver=self._check_member(event.approver))
        elif interaction.on_grid and reason is Reason.OTHER_WORKSPACE:
            # Slack names one workspace of several. Source: https://github.com/slackapi/bolt-js/issues/1875
            approver = self._find_in_workspace(event.approver, approval) if checks_member else None
            if approver is None:
                return self._unchecked(approval, reply)
            event = replace(event, approver=approver)
        try:
            judgement = respond(self._table, approval, event, reply=reply)
        except RecordFullError:
            self._logger.exception("response not recorded, the record is full")
            raise
        action = event.action.value if isinstance(event, Response) else interaction.choice
        self._logger.info("response in slack", extra={"action": action, "verdict": judgement.verdict.value})
        return judgement

    def record_click(
        self,
        click: Interaction,
        approval: Approval,
        event: Response | Withdrawal | ExtensionRequest,
        tell: Tell,
        *,
        checks_member: bool = True,
    ) -> None:
        """Record a click, or reply that the record is full."""
        try:
            self.record(click, approval, event, tell, checks_member=checks_member)
        except RecordFullError:
            self._table.leave_reply(reply_to(click, NO_ROOM))

    def leave_page_link(self, interaction: Interaction) -> None:
        """Reply with a link to the page, which shows all of the request."""
        self._logger.info("not approved here: left to the page")
        self._table.leave_reply(page_link(interaction))

    def leave_reply(self, interaction: Interaction, said: str) -> None:
        """Reply to an interaction that is not recorded."""
        self._table.leave_reply(reply_to(interaction, said))

    def _unchecked(self, approval: Approval, reply: Callable[[Judgement], DeferredReply | None]) -> Judgement:
        judgement = Judgement(Verdict.NOT_ALLOWED, approval, changed=False, reason=Reason.UNCHECKED)
        if left := reply(judgement):
            self._table.leave_reply(left)
        return judgement

    def _check_member(self, approver: Approver) -> Approver:
        try:
            user = self._look_up(approver)
        except DeliveryError:
            return approver
        if user is None:
            return replace(approver, member=False)
        return replace(approver, member=user.is_member, address=user.email)

    def _find_in_workspace(self, approver: Approver, approval: Approval) -> Approver | None:
        """Return the approver as a user of the request's workspace if they belong to it; None if Slack can't say."""
        try:
            user = self._look_up(approver)
        except DeliveryError:
            return None
        realm = next((each.realm for each in messages(approval)), "")
        if user is None or realm not in user.workspaces:
            return approver
        return replace(approver, realm=realm, member=user.is_member, address=user.email)

    def _look_up(self, approver: Approver) -> SlackUser | None:
        try:
            return self._directory.user(approver.id)
        except DeliveryError as error:
            self._logger.warning("membership can't be checked", extra={"reason": str(error)})
            self._refresh_secret()
            raise


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
    return refusal_reply(judgement.approval, judgement.reason or Reason.NOT_AN_APPROVER)
