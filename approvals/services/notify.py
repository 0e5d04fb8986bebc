"""Resolve who may respond to a new request, have every channel tell them, and tell them what changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Protocol

from approvals.adapters.queues import RetryQueue
from approvals.domain.absences import Absence
from approvals.domain.errors import INVALID_REQUEST, NOTIFICATION_FAILED, DeliveryError
from approvals.domain.form_changes import number_of_changes, people_to_respond_again
from approvals.domain.judgement import Cancellation
from approvals.domain.model import Approval, Request, Status
from approvals.domain.people import Delegation, People
from approvals.domain.policy_changes import changed
from approvals.domain.steps import request_step
from approvals.requests.delegations import changed_delegations
from approvals.requests.parse import InvalidRequestError
from approvals.requests.result_size import check_result_size, input_of
from approvals.services.channel import Channel, News, NewsKind
from approvals.services.compare import Comparer
from approvals.services.publish import EVENTS, Publisher
from approvals.services.respond import respond
from approvals.services.tasks import NEWS, Run, StepsFailedError
from approvals.store.reading import UnreadableError
from approvals.store.record_size import check_size
from approvals.store.table import ApprovalTable, NotFoundError

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

IDENTIFY = "identify"
"""Work that is never marked as done: the record holds the identities."""

ROUNDS = 5
"""How often an approval may change while its news are told, before the retry queue takes over."""

HAND_OVER = 30
"""Seconds until `decision` looks again at what was decided while people were told: by then its first look is over."""


class Identities(Protocol):
    """Resolves identities."""

    def find(self, request: Request, absences: Sequence[Absence] = ()) -> People:
        """Return the people of a request. Raise `InvalidRequestError`, and `DeliveryError` if it can't be known."""

    def find_partly(self, request: Request, absences: Sequence[Absence] = ()) -> People | None:
        """Return the people as far as they are known while a service is down; None if that is not enough."""

    def find_delegations(self, request: Request, people: People, absences: Sequence[Absence]) -> tuple[Delegation, ...]:
        """Return the delegations of people who are known. Raise `DeliveryError` if it can't be known."""

    def add_on_call(self, request: Request, people: People, at: datetime) -> People:
        """Return the people with those who joined their groups since. Raise `DeliveryError` if it can't be known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notifier:
    """Tells each person once, on each channel. Where no channel can be reached in the end, it cancels the approval."""

    table: ApprovalTable
    channels: Sequence[Channel]
    identities: Identities
    compare: Comparer
    decisions: RetryQueue
    clock: Callable[[], datetime]
    logger: Logger
    publisher: Publisher | None = None

    def __call__(self, item_id: str, *, last: bool) -> None:
        """Work on an approval that is new or has news."""
        try:
            self._bring_up_to_date(*self.table.get_with_absences(item_id), last=last)
        except StepsFailedError:
            with suppress(StepsFailedError):  # It is tried again with the rest.
                self._publish(item_id)
            raise
        self._publish(item_id)

    def _bring_up_to_date(self, approval: Approval, absences: Sequence[Absence], *, last: bool) -> None:
        if approval.status is Status.PENDING:
            if approval.workflow.attempt and not approval.told:
                self._supersede_earlier_attempts(approval)
            try:
                approval = self.compare(self._identified(approval, absences), last=last)
                approval = self._tell(approval, absences)
            except StepsFailedError as failure:
                if last:
                    self._give_up(approval.id, failure)
                if not (last and failure.refused):
                    raise
                # No dead letter: it would be refused again. The record and the log say why.
                approval = self.table.get(approval.id)
        run = self._run(approval)
        self._show_outcome(run)
        self._hand_over(approval)
        run.raise_failures()

    def _publish(self, item_id: str) -> None:
        """Publish what has happened. Afterwards and by itself: a broken bus must not keep people from being told."""
        if self.publisher:
            run = self._run(self.table.get(item_id))
            run.attempt(EVENTS, self.publisher.publish)
            run.raise_failures()

    def _run(self, approval: Approval) -> Run:
        return Run(approval, self.table, self.clock, self.logger, until_decided=True)

    def _identified(self, approval: Approval, absences: Sequence[Absence]) -> Approval:
        """Resolve identities if they are not. Raise `StepsFailedError` if even a part of them can't be resolved now."""
        if approval.people is not None or approval.status is not Status.PENDING:
            return approval
        try:
            return self._look_up(approval, absences)
        except DeliveryError as error:
            self.logger.warning("approvers can't be looked up yet", extra={"reason": str(error)})
            people = self.identities.find_partly(approval.request, self._current(approval, absences))
            if people is None:
                raise StepsFailedError({IDENTIFY: error}) from error
            return self.table.identify(approval, people)

    def _look_up(self, approval: Approval, absences: Sequence[Absence]) -> Approval:
        """Resolve identities, or cancel the approval if that shows that it can't be decided."""
        try:
            people = self._with_room(
                approval, self.identities.find(approval.request, self._current(approval, absences))
            )
            check_size(replace(approval, people=people))  # A user group may have many members.
            if approval.request.groups:
                check_result_size(input_of(approval.request), approval.request, people)
            return self.table.identify(approval, people)
        except InvalidRequestError as error:
            current = self.table.get(approval.id)
            if current.people != approval.people or current.asked_again != approval.asked_again:
                # They were resolved before, and people were asked: what has changed with them since is no reason.
                return current
            self.logger.warning("invalid request", extra={"problems": error.problems})
            event = Cancellation(self.clock(), _why_invalid(current, error), error=INVALID_REQUEST)
            return respond(self.table, current, event).approval

    def _current(self, approval: Approval, absences: Sequence[Absence]) -> list[Absence]:
        """Return the absences that concern an approval whose people are looked up now."""
        now = self.clock()
        return [each for each in absences if each.approval in ("", approval.id) and each.is_current(now)]

    def _with_room(self, approval: Approval, people: People) -> People:
        """Return the people, without delegates if there is no room for them in the record."""
        try:
            check_size(replace(approval, people=people))
        except InvalidRequestError:
            self.logger.warning("delegates left out, the record has no room", extra={"number": len(people.delegations)})
            return replace(people, delegations=())
        return people

    def _tell(self, approval: Approval, absences: Sequence[Absence]) -> Approval:
        """Send all missing messages, until everyone knows the approval as it is. Raise `StepsFailedError`."""
        for _ in range(ROUNDS):
            approval = self._identified(approval, absences)
            if approval.status is not Status.PENDING:
                return approval
            approval = self._with_on_call(self._with_delegations(approval, absences))
            if approval.people is None:
                continue  # It was asked again while its people were looked up for the rules before.
            run = self._run(approval)
            self._invite(run, absences)
            if run.tells_nobody():
                return self._cancel_untold(run.approval, "; ".join(run.unreachable.values()))
            if approval.version > 1:
                if run.approval.deliveries and not run.approval.decision:
                    run.show(self.channels)
                for news in _news(approval):
                    self._update(run, approval, news)
            run.raise_failures()
            if approval.version == 1 or self.table.announced(approval):
                return run.approval
            approval, absences = self.table.get_with_absences(approval.id)
        raise StepsFailedError({NEWS: DeliveryError("the approval changes faster than approvers can be notified")})

    def _with_delegations(self, approval: Approval, absences: Sequence[Absence]) -> Approval:
        """Store what operators changed since the request: seats that were reassigned, and absences that were ended."""
        people, now = approval.people, self.clock()
        if people is None or (changed := changed_delegations(approval, absences, now)) is None:
            return approval
        try:
            added = self.identities.find_delegations(approval.request, people, changed.added)
        except DeliveryError as error:
            raise StepsFailedError({IDENTIFY: error}) from error
        delegations = (*changed.kept, *added)
        if delegations == people.delegations:
            return approval  # A reassigned seat is of nobody who may respond.
        people = replace(people, delegations=delegations)
        return self.table.delegate(approval, people) or self.table.get(approval.id)

    def _with_on_call(self, approval: Approval) -> Approval:
        """Add the people who are on call now, when a reminder is due. It goes out in any case."""
        people, reminded = approval.people, approval.reminded
        if people is None or not people.complete or not reminded or _reminder(reminded) in approval.steps:
            return approval
        try:
            found = self.identities.add_on_call(approval.request, people, self.clock())
            if found == people:
                return approval
            check_size(replace(approval, people=found))
        except (DeliveryError, InvalidRequestError) as error:
            self.logger.warning("people on call not added", extra={"reason": str(error)})
            return approval
        self.logger.info("people on call added", extra={"number": len(found.on_call) - len(people.on_call)})
        return self.table.delegate(approval, found) or self.table.get(approval.id)

    def _invite(self, run: Run, absences: Sequence[Absence]) -> None:
        self._ask(run)
        if not run.approval.decision and run.approval.people and not run.approval.people.complete:
            run.attempt(IDENTIFY, partial(self._look_up, absences=absences))
            self._ask(run)

    def _ask(self, run: Run) -> None:
        for channel in self.channels:
            # From the record as it is now: the channel before may have taken its time.
            tasks = run.plan(request_step(channel.name), partial(channel.invite, run.approval))
            run.carry_out(tasks or {})

    def _update(self, run: Run, before: Approval, news: News) -> None:
        """Tell one piece of news to those who were asked `before`: the others were shown the approval as it is."""
        if news.topic in run.approval.steps:
            return
        plans = [run.plan(f"{news.topic}:{each.name}", partial(each.update, before, news)) for each in self.channels]
        for tasks in plans:
            run.carry_out(tasks or {})
        if None not in plans and all(run.is_settled(step) for tasks in plans for step in tasks or ()):
            run.attempt(news.topic, partial(self._close, news.topic))

    def _close(self, topic: str, approval: Approval) -> Approval:
        # The marks of its parts are not needed any more, and a record has 400 KB at most.
        parts = [step for step in approval.steps if step.startswith(f"{topic}:")]
        return self.table.mark(approval, topic, self.clock(), parts=parts)

    def _supersede_earlier_attempts(self, approval: Approval) -> None:
        """Cancel the requests of earlier attempts of a retried state: their task tokens no longer work."""
        for earlier_id in self.table.waiting(approval.workflow.execution_arn):
            try:
                earlier = self.table.get(earlier_id)
            except (NotFoundError, UnreadableError) as error:
                # The newer request is told all the same.
                self.logger.warning(
                    "earlier attempt can't be read", extra={"superseded": earlier_id, "reason": str(error)}
                )
                continue
            if approval.workflow.retries(earlier.workflow):
                cause = "The workflow retried. A newer request replaces this one."
                respond(self.table, earlier, Cancellation(self.clock(), cause, superseded_by=approval.id))
                self.logger.info("superseded an earlier attempt", extra={"superseded": earlier_id})

    def _show_outcome(self, run: Run) -> None:
        """Decided while messages were on their way: `decision` may not know of them, so their buttons go now."""
        before = run.approval
        if not (before.decision and before.deliveries):
            return
        run.show(self.channels)
        # `decision` may have learned meanwhile whether the workflow heard of it: its edit must not be undone.
        run.approval = self.table.get(before.id)
        if run.approval.resumed is not before.resumed:
            run.show(self.channels)

    def _hand_over(self, approval: Approval) -> None:
        """Decided while people were being told: `decision` may not have known that they were, and looks again."""
        if approval.decision and (approval.told or approval.deliveries):
            self.decisions.add(approval.id, HAND_OVER)

    def _give_up(self, approval_id: str, failure: StepsFailedError) -> None:
        approval = self.table.get(approval_id)
        if approval.told:
            # A person was told and can respond. Later changes invoke this function again.
            self.logger.error("some recipients not notified", extra={"reason": str(failure)})
            self.table.announced(approval)
            return
        self._cancel_untold(approval, str(failure))

    def _cancel_untold(self, approval: Approval, reason: str) -> Approval:
        self.logger.error("no recipient notified, approval cancelled")
        cause = f"Nobody could be told about the request. {reason}"
        return respond(self.table, approval, Cancellation(self.clock(), cause, error=NOTIFICATION_FAILED)).approval


def _why_invalid(approval: Approval, error: InvalidRequestError) -> str:
    changes = approval.asked_again
    return f"{changed(changes[-1].before, changes[-1].after)}. {error}" if changes else str(error)


def _news(approval: Approval) -> Iterator[News]:
    """Yield what happened since the request. Of several reminders, extensions or resets only the latest is told."""
    if approval.escalated_at:
        yield News(NewsKind.ESCALATION, NewsKind.ESCALATION)
    if approval.extensions:
        yield News(NewsKind.EXTENSION, f"{NewsKind.EXTENSION}-{len(approval.extensions)}")
    if changes := approval.asked_again:
        yield News(NewsKind.POLICY, f"{NewsKind.POLICY}-{len(changes)}")
    if people_to_respond_again(approval):
        yield News(NewsKind.RESET, f"{NewsKind.RESET}-{number_of_changes(approval)}")
    if approval.reminded:
        yield News(NewsKind.REMINDER, _reminder(approval.reminded))


def _reminder(number: int) -> str:
    return f"{NewsKind.REMINDER}-{number}"
