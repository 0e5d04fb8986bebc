"""The sparse index of approved requests by their subject. `decision` adds records to it, and `notify` reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SUBJECT_INDEX = "subject"


class SubjectIndex:
    """Finds approved requests. Eventually consistent: the newest may be missing for a moment."""

    def __init__(self, dynamodb: DynamoDBClient, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._name = table_name

    def newest(self, key: str, most: int) -> list[str]:
        """Return the ids of the approvals of a subject, the newest first. `key` is its `comparison.subject_key`."""
        answer = self._dynamodb.query(
            TableName=self._name,
            IndexName=SUBJECT_INDEX,
            KeyConditionExpression="approved_subject = :subject",
            ExpressionAttributeValues={":subject": {"S": key}},
            ScanIndexForward=False,
            Limit=most,
        )
        return [item["id"]["S"] for item in answer["Items"]]
