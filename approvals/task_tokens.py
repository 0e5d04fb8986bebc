"""Task tokens: `request` stores them and `decision` alone reads them. Their table has no stream."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

RETENTION = timedelta(days=400)
"""How long a token is kept after the request: longer than a task can wait, which is a year.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
"""


class TaskTokens:
    """Stores the token that resumes a workflow under its approval's id."""

    def __init__(self, dynamodb: DynamoDBClient, name: str) -> None:
        self._dynamodb = dynamodb
        self._name = name

    def put(self, approval_id: str, task_token: str, requested_at: datetime) -> None:
        """Store a token. The id is the token's digest, so storing it twice is storing it once."""
        expires_at = int((requested_at + RETENTION).timestamp())
        item = {"id": {"S": approval_id}, "task_token": {"S": task_token}, "expires_at": {"N": str(expires_at)}}
        self._dynamodb.put_item(TableName=self._name, Item=item)

    def get(self, approval_id: str) -> str | None:
        """Return the token; None for approvals of versions that kept it in the record."""
        answer = self._dynamodb.get_item(TableName=self._name, Key={"id": {"S": approval_id}}, ConsistentRead=True)
        return answer["Item"]["task_token"]["S"] if "Item" in answer else None
