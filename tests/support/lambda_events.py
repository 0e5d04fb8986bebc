"""Events as Lambda brings them from a table's stream and from a queue."""

from __future__ import annotations

import json
from typing import Any


def from_stream(*ids: str) -> dict[str, Any]:
    return {
        "Records": [
            {
                "eventSource": "aws:dynamodb",
                "eventName": "INSERT",
                "dynamodb": {
                    "Keys": {"id": {"S": item_id}},
                    "NewImage": {"id": {"S": item_id}},
                    "SequenceNumber": f"seq-{item_id}",
                },
            }
            for item_id in ids
        ]
    }


def from_queue(*ids: str, attempt: int = 1) -> dict[str, Any]:
    return {
        "Records": [
            {
                "eventSource": "aws:sqs",
                "messageId": f"message-{item_id}",
                "receiptHandle": f"handle-{item_id}",
                "body": json.dumps({"id": item_id}),
                "attributes": {"ApproximateReceiveCount": str(attempt)},
            }
            for item_id in ids
        ]
    }
