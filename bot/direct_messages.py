"""Direct messages: to approvers who are in Slack, but not in the channel that a request was posted to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from approvals.domain.eligibility import MAX_DIRECT, unanswered
from approvals.domain.errors import DeliveryRefused
from approvals.domain.model import Approval, Person, Status, Step
from approvals.services.tasks import Work, for_each, step_for
from approvals.store.table import ApprovalTable

if TYPE_CHECKING:
    from bot.messenger import SlackMessenger

DIRECT = "direct_slack"
"""Marked when all who are not in the channel have their message; with a suffix, for whom it was escalated to."""


class DirectMessages:
    """Sends each of them the request, with its buttons, once. Failing with one does not keep it from the others."""

    def __init__(
        self,
        *,
        table: ApprovalTable,
        messenger: SlackMessenger | None,
        clock: Callable[[], datetime],
        logger: Logger,
    ) -> None:
        self._table = table
        self._messenger = messenger
        self._clock = clock
        self._logger = logger

    def work(self, approval: Approval) -> dict[str, Work]:
        """What is owed for the approval as it stands. Where nobody is named, whoever is asked is in the channel."""
        messenger = self._messenger
        if messenger is None or approval.people is None or not approval.people.approvers:
            return {}
        step = f"{DIRECT}-escalation" if approval.escalated_at else DIRECT
        return {step: lambda now: self._ask_absent(step, now, messenger)}

    def _ask_absent(self, step: str, approval: Approval, messenger: SlackMessenger) -> Approval:
        if approval.slack_message is None or approval.status is not Status.PENDING:
            return approval  # Not posted yet, or decided meanwhile.
        now = approval

        def ask(person: Person) -> None:
            nonlocal now
            now = self._ask(now, person, messenger)

        absent = self._absent(approval, messenger)
        room = max(0, MAX_DIRECT - len(approval.direct_messages))
        if len(absent) > room:
            self._logger.warning("not all get a direct message", extra={"left_out": len(absent) - room})
        for_each(absent[:room], ask)
        return self._table.mark(now, step, self._clock())

    def _ask(self, approval: Approval, person: Person, messenger: SlackMessenger) -> Approval:
        if approval.status is not Status.PENDING:
            return approval
        try:
            message = messenger.post_directly(approval, person.slack_id)
        except DeliveryRefused as refused:
            self._logger.warning("no direct message", extra={"reason": str(refused)})
            return approval
        step = step_for(Step.REQUEST_SLACK, person.slack_id)
        return self._table.mark(approval, step, self._clock(), direct_message=message)

    def _absent(self, approval: Approval, messenger: SlackMessenger) -> list[Person]:
        """Who may answer, has not, is in Slack and not in the channel, and has no message yet."""
        asked = {message.user for message in approval.direct_messages}
        missing = [person for person in unanswered(approval) if person.slack_id and person.slack_id not in asked]
        try:
            here = self._members(approval, messenger) if missing else frozenset()
        except DeliveryRefused as refused:
            # Installed before the app needed this scope: who is in the channel is asked there, others by email.
            self._logger.warning("members can't be looked up", extra={"reason": str(refused)})
            return []
        return [person for person in missing if person.slack_id not in here]

    @staticmethod
    def _members(approval: Approval, messenger: SlackMessenger) -> frozenset[str]:
        channel = approval.slack_message.channel if approval.slack_message else ""
        if channel.startswith("D"):  # The request asks in a direct message: who is there is known.
            return frozenset({approval.request.channel or ""})
        return messenger.directory.members_of(channel)
