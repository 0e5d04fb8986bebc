"""Events as a table's stream, a queue and API Gateway bring them to a function."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode


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


def ask(method: str, fields: dict[str, str] | None) -> dict[str, Any]:
    """Return API Gateway's event for a request with these fields: in the query, or in the body of a POST."""
    body = urlencode(fields or {}) if method == "POST" else None
    query = None if method == "POST" else fields
    return {"httpMethod": method, "queryStringParameters": query, "body": body, "isBase64Encoded": False}
