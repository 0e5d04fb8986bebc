"""Publish the events of an approval that are not published yet."""

from __future__ import annotations

from approvals.adapters.event_bus import EventBus, batches
from approvals.domain.errors import DeliveryError
from approvals.domain.events import owed
from approvals.domain.model import Approval
from approvals.store.table import ApprovalTable

EVENTS = "events"
"""Work that is never marked as done: the record has the published events."""


class Publisher:
    """Publishes each event at least once, and marks it in the record."""

    def __init__(self, bus: EventBus, table: ApprovalTable, *, stack: str) -> None:
        self._bus = bus
        self._table = table
        self._stack = stack

    def publish(self, approval: Approval) -> Approval:
        """Publish the missing events. Return the approval as it is then.

        Raise `DeliveryError` if the bus did not accept some events. The accepted ones are marked all the same.
        """
        for batch in batches(owed(approval, self._stack)):
            refused = self._bus.put(batch)
            taken = frozenset(event.mark for event in batch if event.mark not in refused)
            if taken:
                approval = self._table.published(approval, taken)
            if refused:
                raise DeliveryError(f"EventBridge returned {', '.join(sorted(set(refused.values())))}")
        return approval
