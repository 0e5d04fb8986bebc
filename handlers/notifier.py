"""Finds out who may answer a new request, and tells them by email and in Slack; tells what changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from approvals.adapters.queues import RetryQueue
from approvals.domain.eligibility import unanswered
from approvals.domain.errors import DeliveryFailed
from approvals.domain.identifiers import is_email
from approvals.domain.model import Approval, Channel, People, Person, Request, SlackMessage, Status, Step, readable
from approvals.domain.rules import Cancellation
from approvals.domain.wording import display_name
from approvals.requests.identities import identify
from approvals.requests.parse import InvalidApprovalRequest
from approvals.services.publish import EVENTS, Publisher
from approvals.services.respond import respond
from approvals.services.tasks import StepsFailed, Work, carry_out, for_each, step_for
from approvals.store.reading import UnreadableError
from approvals.store.record_size import check_size
from approvals.store.replies import EARLIER_PREFIX, REPLY_PREFIX
from approvals.store.table import ApprovalTable, NotFound
from bot import refusals
from bot.direct_messages import DirectMessages
from bot.ephemeral import Notes
from mail.delivery import Outbox
from mail.messages import Links, mail_for
from mail.sns import Note as MailNote
from mail.sns import Subscribers, asked, reminded, told

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

    from bot.messenger import SlackMessenger

IDENTIFY, NEWS = "identify", "news"
"""Work that is never marked as done: the record says itself who is who, and whether everybody knows it."""

ROUNDS = 5
"""How often an approval may change while its news are told, before the retry queue takes over."""

HAND_OVER = 30
"""Seconds until `decision` looks again at what was decided while people were told: its first look is over by then."""

MAX_MENTIONS = 50
"""People who are mentioned in one message: more would be noise."""


class Notifier:
    """Tells each person once, on each channel. Where no channel can be reached in the end, it cancels the approval."""

    def __init__(
        self,
        *,
        table: ApprovalTable,
        outbox: Outbox,
        subscribers: Subscribers,
        messenger: SlackMessenger | None,
        notes: Notes,
        decisions: RetryQueue,
        email: str,
        links: Links,
        clock: Callable[[], datetime],
        logger: Logger,
        publisher: Publisher | None = None,
    ) -> None:
        self._table = table
        self._outbox = outbox
        self._subscribers = subscribers
        self._messenger = messenger
        self._notes = notes
        self._decisions = decisions
        self._direct = DirectMessages(table=table, messenger=messenger, clock=clock, logger=logger)
        self._email = email
        self._links = links
        self._clock = clock
        self._logger = logger
        self._publisher = publisher

    def __call__(self, item_id: str, *, last: bool) -> None:
        """Works on an item that is new or has news: an approval, or a deferred Slack reply."""
        if item_id.startswith((REPLY_PREFIX, EARLIER_PREFIX)):
            self._notes.deliver(item_id)
            return
        try:
            self._bring_up_to_date(self._table.get(item_id), last=last)
        except StepsFailed:
            with suppress(StepsFailed):  # It is tried again with the rest.
                self._publish(item_id)
            raise
        self._publish(item_id)

    def _bring_up_to_date(self, approval: Approval, *, last: bool) -> None:
        if approval.status is Status.PENDING:
            if approval.workflow.attempt and not approval.told:
                self._supersede_earlier_attempts(approval)
            try:
                approval = self._tell(self._identified(approval))
            except StepsFailed as failure:
                if last:
                    self._give_up(approval.id, failure)
                raise
        self._close_message(approval)
        self._hand_over(approval)

    def _publish(self, item_id: str) -> None:
        """Publishes what has happened. Afterwards and by itself: a broken bus must not keep people from being told."""
        if self._publisher:
            owed = {EVENTS: self._publisher.publish}
            carry_out(self._table.get(item_id), owed, log=self._logger)

    def _identified(self, approval: Approval) -> Approval:
        """Finds out who is who. Raises `StepsFailed` when that can't be done now, not even for those with mail."""
        if approval.people is not None:
            return approval
        try:
            return self._look_up(approval)
        except DeliveryFailed as error:
            self._logger.warning("who is who can't be found out yet", extra={"reason": str(error)})
            people = self._people_by_mail(approval.request)
            if people is None:
                raise StepsFailed({IDENTIFY: error}) from error
            return self._table.identify(approval, people)

    def _look_up(self, approval: Approval) -> Approval:
        """Finds out who is who, or calls the approval off when that shows that it can't be decided."""
        try:
            people = self._people(approval.request)
            check_size(replace(approval, people=people))  # A user group may have many members.
            return self._table.identify(approval, people)
        except InvalidApprovalRequest as error:
            current = self._table.get(approval.id)
            if current.people != approval.people:
                # It was found out before, and people were asked: what has changed with them since is no reason.
                return current
            self._logger.warning("invalid request", extra={"problems": error.problems})
            event = Cancellation(self._clock(), str(error), error=type(error).__name__)
            return respond(self._table, current, event).approval

    def _people_by_mail(self, request: Request) -> People | None:
        """The people as far as they are known without Slack: its outage holds up nobody who is asked by mail."""
        names = (*request.approvers, *request.escalate_to, *([request.requested_by] if request.requested_by else []))
        if not all(is_email(name) for name in names):
            return None
        try:
            return replace(self._people(request, by_mail=True), complete=False)
        except (InvalidApprovalRequest, DeliveryFailed):  # Somebody is reached by Slack alone, then.
            return None

    def _people(self, request: Request, *, by_mail: bool = False) -> People:
        by_email = any(is_email(name) for name in (*request.approvers, *request.escalate_to))
        return identify(
            request,
            email=self._email,
            subscribed=self._subscribers.confirmed() if by_email else {},
            directory=self._messenger.directory if self._messenger and not by_mail else None,
        )

    def _tell(self, approval: Approval) -> Approval:
        """Tells all that is not told yet, until everybody knows the approval as it stands. Raises `StepsFailed`."""
        for _ in range(ROUNDS):
            if approval.status is not Status.PENDING:
                return approval
            now = carry_out(approval, self._work(approval), log=self._logger)
            if approval.version == 1 or self._table.announced(approval):
                return now
            approval = self._table.get(approval.id)
        raise StepsFailed({NEWS: DeliveryFailed("it changes faster than people can be told")})

    def _supersede_earlier_attempts(self, approval: Approval) -> None:
        """The state was retried: its earlier token is dead, so what is asked with it must not be answered any more."""
        for earlier_id in self._table.waiting(approval.workflow.execution_arn):
            try:
                earlier = self._table.get(earlier_id)
            except (NotFound, UnreadableError) as error:  # It must not keep people from being told of the newer one.
                self._logger.warning("no earlier attempt", extra={"superseded": earlier_id, "reason": str(error)})
                continue
            if approval.workflow.retries(earlier.workflow):
                cause = "The workflow tried again: a newer request takes the place of this one."
                respond(self._table, earlier, Cancellation(self._clock(), cause, superseded_by=approval.id))
                self._logger.info("superseded an earlier attempt", extra={"superseded": earlier_id})

    def _work(self, approval: Approval) -> dict[str, Work]:
        """What is owed for the approval as it stands, the newest last. What is done is skipped by its mark."""
        work: dict[str, Work] = {}
        for kind, recipients in ((Step.REQUEST_EMAIL, self._asked(approval)), (MailNote.NOTICE, self._told(approval))):
            for recipient in recipients:
                step = step_for(kind, recipient)
                work[step] = partial(self._send_mail, step, set())
        if approval.people and not approval.people.complete:
            work[IDENTIFY] = self._look_up
        if self._messenger:
            work[Step.REQUEST_SLACK] = self._post
            work |= self._direct.work(approval)
        if approval.version > 1:
            work |= self._news(approval)
        return work

    def _asked(self, approval: Approval) -> list[str]:
        return asked(approval, self._email)

    def _told(self, approval: Approval) -> list[str]:
        return told(approval, self._email)

    def _news(self, approval: Approval) -> dict[str, Work]:
        """What happened since the request. Of several reminders or extensions only the latest is told."""
        everybody = [*self._asked(approval), *self._told(approval)]
        work: dict[str, Work] = {NEWS: self._show_progress}
        if approval.escalated_at:
            new = {person.email for person in approval.people.escalation} if approval.people else set()
            others = [recipient for recipient in everybody if recipient not in new]
            work |= self._topic(approval, MailNote.ESCALATION, others, self._reply_escalated)
        if approval.extensions:
            topic = f"{MailNote.EXTENSION}-{len(approval.extensions)}"
            work |= self._topic(approval, topic, everybody, self._reply_more_time)
        if approval.reminded:
            topic = f"{MailNote.REMINDER}-{approval.reminded}"
            recipients = reminded(approval, self._email)
            work |= self._topic(approval, topic, recipients, self._reply_reminder, self._remind_directly)
        return work

    def _topic(
        self,
        approval: Approval,
        topic: str,
        recipients: list[str],
        reply: Callable[[Approval], None],
        directly: Callable[[str, Approval], Approval] | None = None,
    ) -> dict[str, Work]:
        """One piece of news for everybody whom it concerns when it is new: who answers otherwise later is not told."""
        if topic in approval.steps:
            return {}
        deferred: set[str] = set()
        mails = [step_for(topic, recipient) for recipient in recipients]
        work: dict[str, Work] = {step: partial(self._send_mail, step, deferred) for step in mails}
        refusals = step_for(topic, Channel.SLACK)
        if self._messenger and approval.slack_message:
            work[refusals] = partial(self._reply, refusals, reply)
            if directly and approval.direct_messages:
                work[f"{refusals}-direct"] = partial(directly, f"{refusals}-direct")

        def close(now: Approval) -> Approval:
            steps = tuple(work)[:-1]
            if all(step in now.steps or step in deferred for step in steps):
                # The marks of its parts are not needed any more, and a record has 400 KB at most.
                parts = [step for step in now.steps if step.startswith(f"{topic}:")]
                return self._table.mark(now, topic, self._clock(), parts=parts)
            return now

        work[topic] = close
        return work

    def _send_mail(self, step: str, deferred: set[str], approval: Approval) -> Approval:
        mail = mail_for(approval, step, self._links)
        if mail is None:
            return approval  # Decided meanwhile.
        if not self._outbox.send(approval.id, step, mail):
            deferred.add(step)
            return approval
        self._logger.info("mail sent")
        return self._table.mark(approval, step, self._clock())

    def _post(self, approval: Approval) -> Approval:
        incomplete = approval.people is None or not approval.people.complete
        if self._messenger is None or approval.status is not Status.PENDING or incomplete:
            return approval  # In Slack nobody could answer before it is known who is who.
        message = self._messenger.post_request(approval)
        self._logger.info("slack message posted")
        return self._table.mark(approval, Step.REQUEST_SLACK, self._clock(), slack_message=message)

    def _show_progress(self, approval: Approval) -> Approval:
        if self._messenger and approval.slack_message and approval.status is Status.PENDING:
            with refusals.unless_refused(self._logger):
                self._messenger.show_progress(approval)
        return approval

    def _reply(self, step: str, reply: Callable[[Approval], None], approval: Approval) -> Approval:
        if approval.status is not Status.PENDING:
            return approval
        with refusals.unless_refused(self._logger):
            reply(approval)
        return self._table.mark(approval, step, self._clock())

    def _reply_reminder(self, approval: Approval) -> None:
        missing = unanswered(approval)
        names = ", ".join(display_name(person) for person in missing if not person.slack_id)
        still = f" Not answered yet: {names}." if names else ""
        self._thread(approval, f"{_reminder(approval)}{still}", missing)

    def _remind_directly(self, step: str, approval: Approval) -> Approval:
        """One mark for each: who could not be reminded now is by the next try, and nobody else again."""
        now, messenger = approval, self._messenger

        def remind(message: SlackMessage) -> None:
            nonlocal now
            part = f"{step}-{message.user}"
            if messenger and part not in now.steps and message.user in {each.slack_id for each in unanswered(now)}:
                now = self._reply(part, lambda on: messenger.reply_directly(message, _reminder(on)), now)

        for_each(approval.direct_messages, remind)
        return self._table.mark(now, step, self._clock())

    def _reply_escalated(self, approval: Approval) -> None:
        new = approval.people.escalation if approval.people else ()
        names = ", ".join(map(display_name, new))
        self._thread(approval, f"There was no decision in time. From now on these may answer, too: {names}.", new)

    def _reply_more_time(self, approval: Approval) -> None:
        who = display_name(approval.extensions[-1].approver)
        self._thread(approval, f"{who} asked for more time: until {readable(approval.deadline)}.", ())

    def _thread(self, approval: Approval, text: str, people: Sequence[Person]) -> None:
        if self._messenger:
            mentions = [person.slack_id for person in people if person.slack_id]
            self._messenger.reply(approval, text, mentions[:MAX_MENTIONS])

    def _close_message(self, approval: Approval) -> None:
        # Decided while the message was on its way: `decision` did not know of it then, so its buttons go now.
        if self._messenger and approval.decision and approval.slack_message:
            with refusals.unless_refused(self._logger):
                self._messenger.show_outcome(approval)
            # `decision` may have learned meanwhile whether the workflow heard of it: its edit must not be undone.
            latest = self._table.get(approval.id)
            if latest.resumed is not approval.resumed:
                with refusals.unless_refused(self._logger):
                    self._messenger.show_outcome(latest)

    def _hand_over(self, approval: Approval) -> None:
        """Decided while people were being told: `decision` may not have known that they were, and looks again."""
        if approval.decision and (approval.told or approval.slack_message):
            self._decisions.add(approval.id, HAND_OVER)

    def _give_up(self, approval_id: str, failure: StepsFailed) -> None:
        approval = self._table.get(approval_id)
        if approval.told:
            # Somebody was told and can answer. What is new from now on wakes this function again.
            self._table.announced(approval)
            return
        cause = f"Nobody could be told about the request. {failure}"
        respond(self._table, approval, Cancellation(self._clock(), cause, error="NotificationFailed"))
        self._logger.error("no channel could be reached, approval cancelled")


def _reminder(approval: Approval) -> str:
    return f"A reminder: this still waits for an answer, until {readable(approval.deadline)}."
