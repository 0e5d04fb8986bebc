"""The email channel: one email for each recipient, sent at once or left for the digest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from approvals.domain import wording
from approvals.domain.model import Approval
from approvals.domain.steps import notice_step, outcome_step, request_step, step_for
from approvals.services.channel import Done, News, NewsKind, NotDone, Tasks, Unreachable
from mail.addresses import EMAIL
from mail.delivery import Outbox
from mail.messages import Links, mail_for
from mail.sns import asked, reminded, told

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger


UNCONFIRMED = "the address of the stack has no confirmed subscription"
"""A metric filter of the template counts this line, and `UnconfirmedEmailAlarm` rings."""

Sent: TypeAlias = "Done | NotDone | Unreachable"


class EmailChannel:
    """Asks and tells by email. An email can't be edited: `show` does nothing.

    `email` is the stack's own address, `confirmed` returns who can get emails, by casefolded address.
    """

    name = EMAIL

    def __init__(
        self, *, outbox: Outbox, email: str, confirmed: Callable[[], Mapping[str, str]], links: Links, logger: Logger
    ) -> None:
        self._outbox = outbox
        self._email = email
        self._confirmed = confirmed
        self._links = links
        self._logger = logger

    def invite(self, approval: Approval) -> Tasks:
        """Ask those who can respond by email; tell those who can't."""
        # Named approvers were found to be reachable when they were identified.
        send = self._send if approval.request.approvers else self._ask_own_address
        asks = self._mails(request_step(EMAIL), asked(approval, self._email), send)
        return {**asks, **self._mails(notice_step(EMAIL), told(approval, self._email))}

    def update(self, approval: Approval, news: News) -> Tasks:
        """Tell everybody, but remind only those who have not responded, and ask new approvers by the request itself."""
        if news.kind is NewsKind.REMINDER:
            return self._mails(news.topic, reminded(approval, self._email))
        recipients = self._everybody(approval)
        if news.kind is NewsKind.ESCALATION and approval.people:
            new = {person.on(EMAIL) for person in approval.people.escalation}
            recipients = [recipient for recipient in recipients if recipient not in new]
        return self._mails(news.topic, recipients)

    def conclude(self, approval: Approval) -> Tasks:
        """Tell everybody how it ended."""
        decision = wording.decision_of(approval)
        # Whoever responded was told, whatever the steps say so far. A superseded request is asked again by another one.
        if decision.superseded_by or not (approval.told or decision.approver):
            return {}
        return self._mails(outcome_step(EMAIL), self._everybody(approval))

    def show(self, approval: Approval) -> None:
        """Do nothing: an email stays as it was sent."""

    def _everybody(self, approval: Approval) -> list[str]:
        return [*asked(approval, self._email), *told(approval, self._email)]

    def _mails(
        self, kind: str, recipients: Iterable[str], send: Callable[[str, Approval], Sent] | None = None
    ) -> Tasks:
        steps = [step_for(kind, recipient) for recipient in recipients]
        return {step: partial(send or self._send, step) for step in steps}

    def _ask_own_address(self, step: str, approval: Approval) -> Sent:
        """Send the request if AWS may: to an address that is not confirmed, SNS sends nothing and reports no error."""
        if self._email.casefold() not in self._confirmed():
            self._logger.error(UNCONFIRMED)
            return Unreachable(
                f"{self._email}, the stack's own address, has no confirmed subscription to ApprovalTopicArn; "
                "confirm it, or name Approvers, and start again"
            )
        return self._send(step, approval)

    def _send(self, step: str, approval: Approval) -> Done | NotDone:
        mail = mail_for(approval, step, self._links)
        if mail is None:
            return NotDone.MOOT  # Decided meanwhile.
        if not self._outbox.send(approval.id, step, mail):
            return NotDone.QUEUED
        self._logger.info("mail sent")
        return Done()
