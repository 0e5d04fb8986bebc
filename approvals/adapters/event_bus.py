"""EventBridge: publish events to a bus of the account."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from approvals.adapters.failures import delivery_error
from approvals.domain.events import SOURCE, Event

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

MAX_ENTRIES = 10
"""Events that one PutEvents takes.

Source: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
"""


class EventBus:
    """Publishes events to a bus of the account."""

    def __init__(self, eventbridge: Callable[[], EventBridgeClient], name: str) -> None:
        # A client costs time to build: it is built when there is something to publish.
        self._eventbridge = eventbridge
        self._name = name

    def put(self, published: Sequence[Event]) -> dict[str, str]:
        """Publishes at most `MAX_ENTRIES` events with one call. Returns the reasons of those that were not taken.

        The reasons are EventBridge's codes, by the events' marks. Raises `DeliveryError` when none was taken.
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
                        "Detail": json.dumps(event.detail, ensure_ascii=False),
                    }
                    for event in published
                ]
            )
        except (ClientError, BotoCoreError) as error:
            raise delivery_error("EventBridge", error) from error
        # The answers are in the order of the entries; what was taken has an id.
        return {
            event.mark: taken.get("ErrorCode", "no reason")
            for event, taken in zip(published, answer["Entries"], strict=True)
            if "EventId" not in taken
        }
