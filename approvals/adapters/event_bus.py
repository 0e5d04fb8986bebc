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
"""Events in one PutEvents.

Source: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
"""


class EventBus:
    """An event bus of the account."""

    def __init__(self, eventbridge: Callable[[], EventBridgeClient], name: str) -> None:
        # Created with the first event, since creating a client takes time.
        self._eventbridge = eventbridge
        self._name = name

    def put(self, published: Sequence[Event]) -> dict[str, str]:
        """Publish at most `MAX_ENTRIES` events with one call. Return the error codes of failed ones, by their marks.

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
                        "Detail": json.dumps(event.detail, ensure_ascii=False),
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
