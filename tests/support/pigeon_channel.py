"""A third channel, as docs/channels.md has one added: carrier pigeons fly to named approvers and bring answers back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from approvals.domain.eligibility import eligible
from approvals.domain.errors import DeliveryError
from approvals.domain.headlines import HEADLINES
from approvals.domain.judgement import Judgement
from approvals.domain.model import Action, Approval, Response
from approvals.domain.people import Approver, Person
from approvals.domain.seats import unanswered
from approvals.domain.steps import step_for
from approvals.services.channel import Done, News, NewsKind, Tasks
from approvals.services.respond import respond
from approvals.store.table import ApprovalTable


@dataclass
class Loft:
    """Where pigeons start. In a storm none does."""

    storm: bool = False
    flown: list[tuple[str, str]] = field(default_factory=list)

    def send(self, to: str, note: str) -> None:
        if self.storm:
            raise DeliveryError("no pigeon flies in a storm")
        self.flown.append((to, note))


class PigeonChannel:
    """Asks approvers by their addresses. A note that a pigeon has brought cannot be edited."""

    name = "pigeon"

    def __init__(self, loft: Loft) -> None:
        self._loft = loft

    def invite(self, approval: Approval) -> Tasks:
        return self._notes("request_pigeon", eligible(approval), f"Approve? {approval.title}")

    def update(self, approval: Approval, news: News) -> Tasks:
        if news.kind is not NewsKind.REMINDER:
            return {}
        return self._notes(f"{news.topic}:pigeon", unanswered(approval), f"Reminder: {approval.title}")

    def conclude(self, approval: Approval) -> Tasks:
        asked = [person for person in eligible(approval) if step_for("request_pigeon", person.id) in approval.steps]
        return self._notes("outcome_pigeon", asked, HEADLINES[approval.status])

    def show(self, approval: Approval) -> None:
        pass

    def answer(self, table: ApprovalTable, approval_id: str, who: str, action: Action, at: datetime) -> Judgement:
        """Record the answer that a pigeon brings."""
        approver = Approver(id=who, name=who, channel=self.name)
        return respond(table, table.get(approval_id), Response(approver=approver, action=action, at=at))

    def _notes(self, kind: str, people: Iterable[Person], note: str) -> Tasks:
        return {step_for(kind, person.id): partial(self._fly, person.id, note) for person in people}

    def _fly(self, to: str, note: str, _approval: Approval) -> Done:
        self._loft.send(to, note)
        return Done()
