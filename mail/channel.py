"""The email channel: one email for each recipient, sent at once or left to the digest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from approvals.domain import wording
from approvals.domain.model import Approval
from approvals.domain.steps import notice_step, outcome_step, request_step, step_for
from approvals.services.channel import Done, News, NewsKind, NotDone, Tasks, Unreachable
from mail.addresses import EMAIL
from mail.messages import Links, mail_for
from mail.recipients import asked, asked_again, asked_before_change, reminded, told
from mail.sns import Mailer

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger


UNCONFIRMED = "the address of the stack has no confirmed subscription"
"""A metric filter of the template counts this line, and `UnconfirmedEmailAlarm` rings."""

Sent: TypeAlias = "Done | NotDone | Unreachable"


class EmailChannel:
    """Asks and tells people by email.

    `email` is the stack's own address. `defer` leaves the email of an approval's id and step to the digest. `confirmed`
    returns who can get emails, by casefolded address.
    """

    name = EMAIL

    def __init__(
        self,
        *,
        mailer: Mailer,
        defer: Callable[[str, str], None],
        email: str,
        confirmed: Callable[[], Mapping[str, str]],
        links: Links,
        logger: Logger,
    ) -> None:
        self._mailer = mailer
        self._defer = defer
        self._email = email
        self._confirmed = confirmed
        self._links = links
        self._logger = logger

    def invite(self, approval: Approval) -> Tasks:
        """Ask the people who can respond by email, and tell those who can't."""
        # Named approvers were found to be reachable when they were identified.
        send = self._ask_own_address if approval.request.is_open else self._send
        asks = self._mails(request_step(EMAIL), asked(approval, self._email), send)
        return {**asks, **self._mails(notice_step(EMAIL), told(approval, self._email))}

    def update(self, approval: Approval, news: News) -> Tasks:
        """Tell the people who can respond. A reminder goes only to those who have not, a reset to those who must again.

        People whom an escalation or a changed policy adds get the request itself instead. A changed policy is also told
        to those who can no longer respond.
        """
        if news.kind is NewsKind.REMINDER:
            return self._mails(news.topic, reminded(approval, self._email))
        if news.kind is NewsKind.POLICY:
            return self._mails(news.topic, asked_before_change(approval, self._email))
        if news.kind is NewsKind.RESET:
            return self._mails(news.topic, asked_again(approval, self._email))
        recipients = asked(approval, self._email)
        if news.kind is NewsKind.ESCALATION and approval.people:
            new = {person.on(EMAIL) for person in approval.people.escalation}
            recipients = [recipient for recipient in recipients if recipient not in new]
        return self._mails(news.topic, recipients)

    def conclude(self, approval: Approval) -> Tasks:
        """Tell all recipients how the approval ended."""
        decision = wording.decision_of(approval)
        # A person who responded had been told, whatever the steps say. Another request follows a superseded one.
        if decision.superseded_by or not (approval.told or decision.approver):
            return {}
        return self._mails(outcome_step(EMAIL), self._all_recipients(approval))

    def show(self, approval: Approval) -> None:
        """Do nothing: a sent email can't be edited."""

    def _all_recipients(self, approval: Approval) -> list[str]:
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
            return NotDone.MOOT  # Decided in the meantime.
        if not self._mailer.send(mail):
            self._defer(approval.id, step)
            return NotDone.QUEUED  # The digest marks the step.
        self._logger.info("email sent")
        return Done()
