"""The Slack channel: the request's message, direct messages to approvers who are not in its channel, and replies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from approvals.domain import wording
from approvals.domain.eligibility import MAX_DIRECT, unanswered
from approvals.domain.errors import DeliveryRefusedError
from approvals.domain.model import Approval, Person, SlackMessage, Step
from approvals.domain.parts import Text, display_name, join_texts, text
from approvals.services.channel import Done, News, NewsKind, NotDone, Tasks
from approvals.services.tasks import step_for
from bot.messenger import SlackMessenger

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

DIRECT = "direct_slack"
"""The step that is done once approvers outside the channel have their messages; an escalation adds a suffix."""

MAX_MENTIONS = 50
"""People who are mentioned in one message: more would be noise."""


class SlackChannel:
    """Posts requests in their Slack channel, and in direct messages to approvers who are not in it."""

    name = "slack"

    def __init__(self, messenger: SlackMessenger, logger: Logger) -> None:
        self._messenger = messenger
        self._logger = logger

    def invite(self, approval: Approval) -> Tasks:
        """Post the request once identities are resolved: nobody can respond in Slack before."""
        people = approval.people
        if people is None or not people.complete:
            return {}
        if not people.approvers:  # Everybody who can respond is in the channel.
            return {Step.REQUEST_SLACK: self._post}
        step = f"{DIRECT}-escalation" if approval.escalated_at else DIRECT
        return {Step.REQUEST_SLACK: self._post, step: self._invite_directly}

    def update(self, approval: Approval, news: News) -> Tasks:
        """Reply below the request; remind in direct messages, too."""
        if approval.slack_message is None:
            return {}
        step = step_for(news.topic, self.name)
        reply: Tasks = {step: partial(self._reply, news)}
        if news.kind is NewsKind.REMINDER and approval.direct_messages:
            return {**reply, f"{step}-direct": partial(self._remind_directly, f"{step}-direct")}
        return reply

    def conclude(self, approval: Approval) -> Tasks:
        """Show the outcome in place of the buttons, and reply with it below."""
        if approval.slack_message is None:
            return {}
        edit: Tasks = {Step.OUTCOME_SLACK: self._edit}
        if wording.decision_of(approval).superseded_by:
            return edit
        return {**edit, Step.OUTCOME_THREAD: self._reply_outcome}

    def show(self, approval: Approval) -> None:
        """Edit the request's messages: the progress, or the outcome in place of the buttons."""
        if approval.slack_message is None:
            return
        with self._unless_refused():
            self._messenger.update(approval)

    def _post(self, approval: Approval) -> Done:
        message = self._messenger.post_request(approval)
        self._logger.info("slack message posted")
        return Done(message)

    def _invite_directly(self, approval: Approval) -> Tasks | NotDone:
        if approval.slack_message is None:
            return NotDone.MOOT  # Not posted yet.
        absent = self._approvers_outside(approval, approval.slack_message)
        room = max(0, MAX_DIRECT - len(approval.direct_messages))
        if len(absent) > room:
            self._logger.warning("direct messages left out", extra={"left_out": len(absent) - room})
        users = [person.slack_id for person in absent[:room]]
        return {step_for(Step.REQUEST_SLACK, user): partial(self._post_directly, user) for user in users}

    def _post_directly(self, user: str, approval: Approval) -> Done | NotDone:
        try:
            return Done(self._messenger.post_directly(approval, user))
        except DeliveryRefusedError as refused:
            self._logger.warning("direct message refused", extra={"reason": str(refused)})
            return NotDone.MOOT

    def _approvers_outside(self, approval: Approval, posted: SlackMessage) -> list[Person]:
        """Return the approvers who have not responded, are in Slack but not in the channel, and have no message yet."""
        asked = {message.user for message in approval.direct_messages}
        missing = [person for person in unanswered(approval) if person.slack_id and person.slack_id not in asked]
        try:
            here = self._members(approval, posted) if missing else frozenset()
        except DeliveryRefusedError as refused:
            # The app was installed before it needed this scope: the others are asked by email.
            self._logger.warning("members can't be looked up", extra={"reason": str(refused)})
            return []
        return [person for person in missing if person.slack_id not in here]

    def _members(self, approval: Approval, posted: SlackMessage) -> frozenset[str]:
        if posted.channel.startswith("D"):  # The request was posted to one user.
            return frozenset({approval.request.channel or ""})
        return self._messenger.directory.members_of(posted.channel)

    def _reply(self, news: News, approval: Approval) -> Done:
        text, people = _NEWS[news.kind](approval)
        mentions = [person.slack_id for person in people if person.slack_id]
        with self._unless_refused():
            self._messenger.reply(approval, text, mentions[:MAX_MENTIONS])
        return Done()

    def _remind_directly(self, step: str, approval: Approval) -> Tasks:
        """Return a task for each person: the next try reminds only those who could not be reminded now."""
        return {f"{step}-{each.user}": partial(self._remind, each) for each in approval.direct_messages}

    def _remind(self, message: SlackMessage, approval: Approval) -> Done | NotDone:
        if message.user not in {person.slack_id for person in unanswered(approval)}:
            return NotDone.MOOT
        with self._unless_refused():
            self._messenger.reply_directly(message, wording.reminder(approval))
        return Done()

    def _edit(self, approval: Approval) -> Done:
        self.show(approval)
        return Done()

    def _reply_outcome(self, approval: Approval) -> Done:
        with self._unless_refused():
            self._messenger.reply_outcome(approval)
        return Done()

    @contextmanager
    def _unless_refused(self) -> Iterator[None]:
        """Log a refusal, and go on: the message was deleted, or its channel closed, so a retry would change nothing."""
        try:
            yield
        except DeliveryRefusedError as refused:
            self._logger.warning("slack message not changed", extra={"reason": str(refused)})


def _reminder(approval: Approval) -> tuple[Text, Sequence[Person]]:
    missing = unanswered(approval)
    names = ", ".join(display_name(person) for person in missing if not person.slack_id)
    return join_texts([wording.reminder(approval), f"Not answered yet: {names}." if names else ""]), missing


def _escalation(approval: Approval) -> tuple[Text, Sequence[Person]]:
    new = approval.people.escalation if approval.people else ()
    names = ", ".join(map(display_name, new))
    return text(f"There was no decision in time. From now on these may answer, too: {names}."), new


def _extension(approval: Approval) -> tuple[Text, Sequence[Person]]:
    return wording.extension_sentence(approval.extensions[-1]), ()


_NEWS = {NewsKind.REMINDER: _reminder, NewsKind.ESCALATION: _escalation, NewsKind.EXTENSION: _extension}
"""The text for each kind of news, and the people to mention."""
