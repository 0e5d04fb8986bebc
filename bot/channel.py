"""The Slack channel: the request's message, direct messages to approvers who are not in its channel, and replies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from approvals.domain import form_wording, wording
from approvals.domain.eligibility import unanswered
from approvals.domain.errors import DeliveryRefusedError
from approvals.domain.form_changes import people_to_respond_again
from approvals.domain.model import Approval, Delivery, Person
from approvals.domain.parts import Text, display_name, join_texts, text
from approvals.domain.steps import outcome_step, request_step, step_for
from approvals.services.channel import Done, News, NewsKind, NotDone, Tasks
from bot.addresses import SLACK
from bot.deliveries import channel_message, direct_messages
from bot.messenger import SlackMessenger

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

DIRECT = "direct_slack"
"""The step that is done once approvers outside the channel have their messages; an escalation adds a suffix."""

OUTCOME_THREAD = "outcome_thread"
"""The step that is done once the outcome is posted in the request's thread."""

MAX_DIRECT = 20
"""Direct messages about one request: each is edited whenever the request moves on, and Slack takes some 50 edits a
minute. Approvers who are left out find the request in the app's Home, and in the email if they get one.

Source: https://docs.slack.dev/apis/web-api/rate-limits (chat.update, tier 3)
"""

MAX_MENTIONS = 50
"""People who are mentioned in one message: more would be noise."""


class SlackChannel:
    """Posts requests in their Slack channel, and in direct messages to approvers who are not in it."""

    name = SLACK

    def __init__(self, messenger: SlackMessenger, logger: Logger) -> None:
        self._messenger = messenger
        self._logger = logger

    def invite(self, approval: Approval) -> Tasks:
        """Post the request once identities are resolved: nobody can respond in Slack before."""
        people = approval.people
        if people is None or not people.complete:
            return {}
        if not people.approvers:  # Everybody who can respond is in the channel.
            return {request_step(SLACK): self._post}
        step = f"{DIRECT}-escalation" if approval.escalated_at else DIRECT
        return {request_step(SLACK): self._post, step: self._invite_directly}

    def update(self, approval: Approval, news: News) -> Tasks:
        """Reply below the request; remind in direct messages, too, and tell there whose approval was reset."""
        if channel_message(approval) is None:
            return {}
        step = step_for(news.topic, self.name)
        reply: Tasks = {step: partial(self._reply, news)}
        if news.kind in _DIRECTLY and direct_messages(approval):
            return {**reply, f"{step}-direct": partial(self._reply_directly, news, f"{step}-direct")}
        return reply

    def conclude(self, approval: Approval) -> Tasks:
        """Show the outcome in place of the buttons, and reply with it below."""
        if channel_message(approval) is None:
            return {}
        edit: Tasks = {outcome_step(SLACK): self._edit}
        if wording.decision_of(approval).superseded_by:
            return edit
        return {**edit, OUTCOME_THREAD: self._reply_outcome}

    def show(self, approval: Approval) -> None:
        """Edit the request's messages: the progress, or the outcome in place of the buttons."""
        if channel_message(approval) is None:
            return
        with self._unless_refused():
            self._messenger.update(approval)

    def _post(self, approval: Approval) -> Done:
        message = self._messenger.post_request(approval)
        self._logger.info("slack message posted")
        return Done(message)

    def _invite_directly(self, approval: Approval) -> Tasks | NotDone:
        posted = channel_message(approval)
        if posted is None:
            return NotDone.MOOT  # Not posted yet.
        absent = self._approvers_outside(approval, posted)
        room = max(0, MAX_DIRECT - len(direct_messages(approval)))
        if len(absent) > room:
            self._logger.warning("direct messages left out", extra={"left_out": len(absent) - room})
        users = [person.on(SLACK) for person in absent[:room]]
        return {request_step(SLACK, user): partial(self._post_directly, user) for user in users}

    def _post_directly(self, user: str, approval: Approval) -> Done | NotDone:
        try:
            return Done(self._messenger.post_directly(approval, user))
        except DeliveryRefusedError as refused:
            self._logger.warning("direct message refused", extra={"reason": str(refused)})
            return NotDone.MOOT

    def _approvers_outside(self, approval: Approval, posted: Delivery) -> list[Person]:
        """Return the approvers who have not responded, are in Slack but not in the channel, and have no message yet."""
        asked = {message.to for message in direct_messages(approval)}
        missing = [person for person in unanswered(approval) if person.on(SLACK) not in ("", *asked)]
        try:
            here = self._members(approval, posted) if missing else frozenset()
        except DeliveryRefusedError as refused:
            # The app was installed before it needed this scope: the others are asked by email.
            self._logger.warning("members can't be looked up", extra={"reason": str(refused)})
            return []
        return [person for person in missing if person.on(SLACK) not in here]

    def _members(self, approval: Approval, posted: Delivery) -> frozenset[str]:
        if posted.place.startswith("D"):  # The request was posted to one user.
            return frozenset({approval.request.channel or ""})
        return self._messenger.directory.members_of(posted.place)

    def _reply(self, news: News, approval: Approval) -> Done | NotDone:
        said = _NEWS[news.kind](approval)
        if news.kind is NewsKind.RESET and not said.people:
            return NotDone.MOOT  # They responded in the meantime.
        mentions = [person.on(SLACK) for person in said.people if person.on(SLACK)]
        with self._unless_refused():
            self._messenger.reply(approval, said.text, mentions[:MAX_MENTIONS], said.quoted)
        return Done()

    def _reply_directly(self, news: News, step: str, approval: Approval) -> Tasks:
        """Return a task for each person: the next try tells only those who could not be told now."""
        return {f"{step}-{each.to}": partial(self._tell, news, each) for each in direct_messages(approval)}

    def _tell(self, news: News, message: Delivery, approval: Approval) -> Done | NotDone:
        said = _DIRECTLY[news.kind](approval)
        if message.to not in {person.on(SLACK) for person in said.people}:
            return NotDone.MOOT
        with self._unless_refused():
            self._messenger.reply_directly(message, said.text, said.quoted)
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


@dataclass(frozen=True, slots=True)
class _Said:
    """A reply: our text, the people whom it is for, and what others wrote, quoted below it."""

    text: Text
    people: Sequence[Person] = ()
    quoted: Sequence[str] = ()


def _reminder(approval: Approval) -> _Said:
    missing = unanswered(approval)
    names = ", ".join(display_name(person) for person in missing if not person.on(SLACK))
    return _Said(join_texts([wording.reminder(approval), f"Not answered yet: {names}." if names else ""]), missing)


def _direct_reminder(approval: Approval) -> _Said:
    return _Said(wording.reminder(approval), unanswered(approval))


def _escalation(approval: Approval) -> _Said:
    new = approval.people.escalation if approval.people else ()
    names = ", ".join(map(display_name, new))
    return _Said(text(f"There was no decision in time. From now on these may answer, too: {names}."), new)


def _extension(approval: Approval) -> _Said:
    return _Said(wording.extension_sentence(approval.extensions[-1]))


def _reset(approval: Approval) -> _Said:
    changed = [response for response in approval.responses if response.replaced is not None]
    quoted = form_wording.changed_fields(approval, changed[-1]) if changed else []
    return _Said(text(form_wording.reset_news(approval)), people_to_respond_again(approval), quoted)


_NEWS: Mapping[NewsKind, Callable[[Approval], _Said]] = {
    NewsKind.REMINDER: _reminder,
    NewsKind.ESCALATION: _escalation,
    NewsKind.EXTENSION: _extension,
    NewsKind.RESET: _reset,
}
"""The reply for each kind of news in the request's thread."""

_DIRECTLY: Mapping[NewsKind, Callable[[Approval], _Said]] = {
    NewsKind.REMINDER: _direct_reminder,
    NewsKind.RESET: _reset,
}
"""The kinds of news that people outside the channel are told in direct messages, too."""
