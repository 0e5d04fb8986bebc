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
    """Stores the token that resumes a workflow under its approval's id.

    `records` is the approvals table: versions before 0.2 kept the token in the record. It is looked for there until 400
    days after the last of them: then none of their approvals can be open.
    """

    def __init__(self, dynamodb: DynamoDBClient, name: str, records: str) -> None:
        self._dynamodb = dynamodb
        self._name = name
        self._records = records

    def put(self, approval_id: str, task_token: str, requested_at: datetime) -> None:
        """Store a token. The id is the token's digest, so storing it twice is storing it once."""
        expires_at = int((requested_at + RETENTION).timestamp())
        item = {"id": {"S": approval_id}, "task_token": {"S": task_token}, "expires_at": {"N": str(expires_at)}}
        self._dynamodb.put_item(TableName=self._name, Item=item)

    def get(self, approval_id: str) -> str | None:
        """Return the token; None if there is none on record."""
        return self._read(self._name, approval_id) or self._read(self._records, approval_id)

    def _read(self, table: str, approval_id: str) -> str | None:
        key, token = {"id": {"S": approval_id}}, "task_token"
        answer = self._dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True, ProjectionExpression=token)
        return answer["Item"][token]["S"] if token in answer.get("Item", {}) else None
