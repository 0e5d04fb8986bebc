"""EventBridge: publish events to a bus of the account."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from approvals.adapters.failures import delivery_error
from approvals.domain.events import SOURCE, Event

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

MAX_ENTRIES = 10
"""Events in one PutEvents.

Source: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
"""

MAX_BYTES = 256 * 1024
"""Bytes of all entries of one PutEvents.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html
"""

_OVERHEAD = 3_000
"""Bytes of an entry besides its detail: time, source, bus, resource."""


def batches(published: Iterable[Event]) -> Iterator[list[Event]]:
    """Yield the events in order, in batches for one `EventBus.put` each: a form can take most of the room."""
    batch: list[Event] = []
    room = MAX_BYTES
    for event in published:
        size = len(_detail(event).encode()) + _OVERHEAD
        if batch and (len(batch) == MAX_ENTRIES or size > room):
            yield batch
            batch, room = [], MAX_BYTES
        batch.append(event)
        room -= size
    if batch:
        yield batch


def _detail(event: Event) -> str:
    return json.dumps(event.detail, ensure_ascii=False)


class EventBus:
    """An event bus of the account."""

    def __init__(self, eventbridge: Callable[[], EventBridgeClient], name: str) -> None:
        # Created with the first event, since creating a client takes time.
        self._eventbridge = eventbridge
        self._name = name

    def put(self, published: Sequence[Event]) -> dict[str, str]:
        """Publish a batch of events with one call. Return the error codes of failed ones, by their marks.

        Raise `DeliveryError` if the call fails.
        """
        try:
            answer = self._eventbridge().put_events(
                Entries=[
                    {
                        "EventBusName": self._name,
                        "Source": SOURCE,
                        "DetailType": event.kind.value,
                        "Time": event.at,
                        "Resources": [str(event.detail["ExecutionArn"])],
                        "Detail": _detail(event),
                    }
                    for event in published
                ]
            )
        except (ClientError, BotoCoreError) as error:
            raise delivery_error("EventBridge", error) from error
        # The results are in the order of the entries. A published event has an ID.
        return {
            event.mark: result.get("ErrorCode", "no reason")
            for event, result in zip(published, answer["Entries"], strict=True)
            if "EventId" not in result
        }
