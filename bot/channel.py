"""The Slack channel: the request's message, direct messages to approvers who are not in its channel, and replies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from approvals.domain import form_wording, policy_change_wording, wording
from approvals.domain.errors import DeliveryRefusedError
from approvals.domain.form_changes import people_to_respond_again
from approvals.domain.model import Approval, Delivery
from approvals.domain.parts import Text, display_name, join_texts, text
from approvals.domain.people import Delegation, DelegationKind, Person
from approvals.domain.seats import awaited, informed, unanswered
from approvals.domain.steps import outcome_step, request_step, step_for
from approvals.services.channel import Done, News, NewsKind, NotDone, Tasks, Unreachable
from bot.addresses import SLACK
from bot.deliveries import channel_message, direct_messages, messages
from bot.messenger import SlackMessenger
from bot.views.approval import requester_of

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

DIRECT = "direct_slack"
"""The step that is done once approvers outside the channel have their messages. An escalation adds a suffix, and so
does each seat that is reassigned.
"""

OUTCOME_THREAD = "outcome_thread"
"""The step that is done once the outcome is posted in the request's thread."""

MAX_DIRECT = 20
"""Direct messages about one request: each is edited whenever the request moves on, and Slack takes some 50 edits a
minute. Approvers who are left out find the request in the app's Home, and in the email if they get one.

Source: https://docs.slack.dev/apis/web-api/rate-limits (chat.update, tier 3)
"""

CHANNEL_CLOSED = "The request's Slack channel no longer accepts messages, so nobody else in it was notified."

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
        if not people.approvers:  # All who can respond are in the channel.
            return {request_step(SLACK): self._post}
        return {request_step(SLACK): self._post, _direct_step(approval): self._invite_directly}

    def update(self, approval: Approval, news: News) -> Tasks:
        """Reply below the request; remind in direct messages, too, and tell there whose approval was reset."""
        if not messages(approval):
            return {}
        step = step_for(news.topic, self.name)
        tasks: Tasks = {step: partial(self._tell, step, news)}
        direct = direct_messages(approval)
        if news.kind in _DIRECTLY and direct:
            return {**tasks, f"{step}-direct": partial(self._reply_directly, news, f"{step}-direct", direct)}
        return tasks

    def conclude(self, approval: Approval) -> Tasks:
        """Show the outcome in place of the buttons, and reply with it below."""
        if not messages(approval):
            return {}
        edit: Tasks = {outcome_step(SLACK): self._edit}
        if wording.decision_of(approval).superseded_by:
            return edit
        return {**edit, OUTCOME_THREAD: self._tell_outcome}

    def show(self, approval: Approval) -> None:
        """Edit the request's messages: the progress, or the outcome in place of the buttons."""
        try:
            self._messenger.update(approval)
        except DeliveryRefusedError as refused:
            self._log_refusal(refused)

    def _post(self, approval: Approval) -> Done | Tasks:
        """Post the request in its channel; if Slack refuses that for good, to each approver in Slack."""
        try:
            message = self._messenger.post_request(approval)
        except DeliveryRefusedError as refused:
            if not (users := _users_to_ask(approval)):
                raise
            self._log_refusal(refused)
            return {request_step(SLACK, user): partial(self._post_to, user) for user in users}
        self._logger.info("slack message posted")
        return Done(message)

    def _invite_directly(self, approval: Approval) -> Tasks | NotDone:
        posted = channel_message(approval)
        if posted is None:
            return NotDone.MOOT  # Not posted yet.
        absent = self._approvers_outside(approval, posted)
        room = _room(approval)
        if len(absent) > room:
            self._logger.warning("direct messages left out", extra={"left_out": len(absent) - room})
        users = [person.on(SLACK) for person in absent[:room]]
        return {request_step(SLACK, user): partial(self._post_directly, user) for user in users}

    def _post_directly(self, user: str, approval: Approval) -> Done | NotDone:
        try:
            return self._post_to(user, approval)
        except DeliveryRefusedError as refused:
            self._log_refusal(refused)
            return NotDone.MOOT  # The channel has the request.

    def _post_instead(self, user: str, approval: Approval) -> Done | Unreachable:
        return self._send(lambda: self._messenger.post_directly(approval, user))

    def _post_to(self, user: str, approval: Approval) -> Done:
        return Done(self._messenger.post_directly(approval, user))

    def _approvers_outside(self, approval: Approval, posted: Delivery) -> list[Person]:
        """Return the approvers who have not responded, are in Slack but not in the channel, and have no message yet.

        People to whom a seat was reassigned are among them even if they are in the channel, which is not told.
        """
        missing = _unasked(approval)
        try:
            here = self._members(approval, posted) if missing else frozenset()
        except DeliveryRefusedError as refused:
            # The app was installed before it needed this scope: the others are asked by email.
            self._logger.warning("members can't be looked up", extra={"reason": str(refused)})
            return []
        reassigned = {each.delegate.id for each in _reassigned(approval)}
        return [person for person in missing if person.on(SLACK) not in here or person.id in reassigned]

    def _members(self, approval: Approval, posted: Delivery) -> frozenset[str]:
        if posted.place.startswith("D"):  # The request was posted to one user.
            return frozenset({approval.request.channel or ""})
        return self._messenger.directory.members_of(posted.place)

    def _tell(self, step: str, news: News, approval: Approval) -> Done | NotDone | Unreachable | Tasks:
        """Reply with news below the request. If its message was deleted, post the request again first.

        So too if a changed policy wants it in another channel.
        """
        if news.kind is NewsKind.RESET and not _NEWS[news.kind](approval).people:
            return NotDone.MOOT  # They responded in the meantime.
        posted = channel_message(approval)
        if posted and self._messenger.is_in_place(posted, approval) and self._is_there(posted, approval):
            return self._reply(news, approval)
        return {f"{step}-again": self._post_again, f"{step}-thread": partial(self._reply, news)}

    def _is_there(self, posted: Delivery, approval: Approval) -> bool:
        try:
            return self._messenger.edit(posted, approval)
        except DeliveryRefusedError:  # It may be too old to be edited; the reply shows whether its channel is open.
            return True

    def _post_again(self, approval: Approval) -> Done | Unreachable:
        return self._send(lambda: self._messenger.post_request(approval))

    def _reply(self, news: News, approval: Approval) -> Done | Unreachable | Tasks:
        said = _NEWS[news.kind](approval)
        named = join_texts([wording.quoted_title(approval), said.text])
        mentions = [person.on(SLACK) for person in said.people if person.on(SLACK)]
        if channel_message(approval):
            sent = self._send(lambda: self._messenger.reply(approval, named, mentions[:MAX_MENTIONS], said.quoted))
            if isinstance(sent, Done):
                return sent
        return self._ask_directly(approval, named)

    def _ask_directly(self, approval: Approval, said: Text) -> Done | Unreachable | Tasks:
        """Ask each approver directly, as the channel takes no messages. If none is in Slack, tell the requester."""
        if users := _users_to_ask(approval):
            return {request_step(SLACK, user): partial(self._post_instead, user) for user in users}
        if direct_messages(approval):  # They are reminded in a step of their own, or see their message edited.
            return Done()
        requester = requester_of(approval)
        if not requester:
            return self._nobody()
        return self._send(lambda: self._messenger.tell(requester, join_texts([said, CHANNEL_CLOSED])))

    def _reply_directly(self, news: News, step: str, asked: Sequence[Delivery], _approval: Approval) -> Tasks:
        """Return a task for each person: the next try tells only those who could not be told now."""
        return {f"{step}-{each.to}": partial(self._reply_to, news, each) for each in asked}

    def _reply_to(self, news: News, message: Delivery, approval: Approval) -> Done | NotDone | Unreachable:
        said = _DIRECTLY[news.kind](approval)
        if news.kind is not NewsKind.POLICY and message.to not in {person.on(SLACK) for person in said.people}:
            return NotDone.MOOT
        named = join_texts([wording.quoted_title(approval), said.text])
        return self._send(lambda: self._messenger.reply_directly(message, named, said.quoted))

    def _edit(self, approval: Approval) -> Done | Unreachable:
        return self._send(lambda: self._messenger.update(approval))

    def _tell_outcome(self, approval: Approval) -> Done | Unreachable | Tasks:
        """Reply with the outcome in the thread; if the channel takes no messages, tell each person by themselves."""
        if channel_message(approval):
            sent = self._send(lambda: self._messenger.reply_outcome(approval))
            if isinstance(sent, Done):
                return sent
        asked = {message.to for message in direct_messages(approval)}  # They see the outcome in their message.
        named = [person.on(SLACK) for person in informed(approval)]
        users = [user for user in dict.fromkeys([requester_of(approval), *named]) if user and user not in asked]
        if not users:
            return Done() if asked else self._nobody()
        return {f"{OUTCOME_THREAD}-{user}": partial(self._tell_outcome_to, user) for user in users[:MAX_DIRECT]}

    def _tell_outcome_to(self, user: str, approval: Approval) -> Done | Unreachable:
        return self._send(lambda: self._messenger.tell_outcome(approval, user))

    def _nobody(self) -> Unreachable:
        self._logger.error("nobody reached in slack: the request's channel takes no messages")
        return Unreachable(CHANNEL_CLOSED)

    def _send(self, send: Callable[[], Delivery | None]) -> Done | Unreachable:
        """Send something that may leave a message; `Unreachable` if Slack refuses it for good."""
        try:
            return Done(send())
        except DeliveryRefusedError as refused:
            self._log_refusal(refused)
            return Unreachable(str(refused))

    def _log_refusal(self, refused: DeliveryRefusedError) -> None:
        self._logger.warning("slack refuses", extra={"reason": str(refused)})


def _direct_step(approval: Approval) -> str:
    reassigned = len(_reassigned(approval))
    changes = len(approval.asked_again)
    added = len(approval.people.on_call) if approval.people else 0
    suffixes = [
        "escalation" if approval.escalated_at else "",
        f"reassigned-{reassigned}" if reassigned else "",
        f"policy-{changes}" if changes else "",
        f"on-call-{added}" if added else "",
    ]
    return "-".join(filter(None, [DIRECT, *suffixes]))


def _reassigned(approval: Approval) -> list[Delegation]:
    """Return the delegations by which seats of this request were passed on."""
    found = approval.people.delegations if approval.people else ()
    return [each for each in found if each.kind is DelegationKind.REASSIGNED and each.left_out is None]


def _unasked(approval: Approval) -> list[Person]:
    """Return the approvers in Slack who have not responded and have no direct message yet."""
    asked = {message.to for message in direct_messages(approval)}
    return [person for person in unanswered(approval) if person.on(SLACK) not in ("", *asked)]


def _users_to_ask(approval: Approval) -> list[str]:
    """Return their Slack IDs, as many as there is room for."""
    return [person.on(SLACK) for person in _unasked(approval)][: _room(approval)]


def _room(approval: Approval) -> int:
    """Return how many more direct messages there may be about the request."""
    return max(0, MAX_DIRECT - len(direct_messages(approval)))


@dataclass(frozen=True, slots=True)
class _Said:
    """A reply: our text, the people whom it is for, and what others wrote, quoted below it."""

    text: Text
    people: Sequence[Person] = ()
    quoted: Sequence[str] = ()


def _reminder(approval: Approval) -> _Said:
    missing = awaited(approval)
    names = ", ".join(display_name(person) for person in missing if not person.on(SLACK))
    return _Said(join_texts([wording.reminder(approval), f"Still waiting for {names}." if names else ""]), missing)


def _direct_reminder(approval: Approval) -> _Said:
    return _Said(wording.reminder(approval), awaited(approval))


def _escalation(approval: Approval) -> _Said:
    new = approval.people.escalation if approval.people else ()
    names = ", ".join(map(display_name, new))
    return _Said(text(f"No decision yet. {names} can now respond as well."), new)


def _extension(approval: Approval) -> _Said:
    return _Said(wording.extension_sentence(approval.extensions[-1]))


def _reset(approval: Approval) -> _Said:
    changed = [response for response in approval.responses if response.replaced is not None]
    quoted = form_wording.changed_fields(approval, changed[-1]) if changed else []
    return _Said(text(form_wording.reset_news(approval)), people_to_respond_again(approval), quoted)


def _policy(approval: Approval) -> _Said:
    return _Said(text(policy_change_wording.asked_again_sentence(approval)), unanswered(approval))


_NEWS: Mapping[NewsKind, Callable[[Approval], _Said]] = {
    NewsKind.REMINDER: _reminder,
    NewsKind.ESCALATION: _escalation,
    NewsKind.EXTENSION: _extension,
    NewsKind.POLICY: _policy,
    NewsKind.RESET: _reset,
}
"""The reply for each kind of news in the request's thread."""

_DIRECTLY: Mapping[NewsKind, Callable[[Approval], _Said]] = {
    NewsKind.POLICY: _policy,
    NewsKind.REMINDER: _direct_reminder,
    NewsKind.RESET: _reset,
}
"""The kinds of news that people outside the channel are told in direct messages, too."""
