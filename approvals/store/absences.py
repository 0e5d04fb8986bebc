"""Absences in the approvals table: one item of its own, which the internet-facing functions can't write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from approvals.domain.absences import Absence
from approvals.store.dynamodb import deserialize, serialize
from approvals.store.records import from_item, to_item
from approvals.store.writes import Writes

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ABSENCES = "absences"
"""The id of the item, and the attribute of it that holds the list. No approval has this id."""

MAX_ABSENCES = 500
"""Absences that the item may hold: each has at most about 700 bytes, and DynamoDB limits an item to 400 KB."""


class AbsencesChangedError(Exception):
    """Another caller changed the absences since they were read. Nothing was stored."""


class AbsenceTable:
    """Reads and writes the absences, as an operator does."""

    def __init__(self, dynamodb: DynamoDBClient, name: str) -> None:
        self._dynamodb = dynamodb
        self._name = name

    def read(self) -> tuple[Absence, ...]:
        """Return all absences, also those that are over."""
        answer = self._dynamodb.get_item(
            TableName=self._name,
            Key={"id": {"S": ABSENCES}},
            ConsistentRead=True,
            ProjectionExpression="#absences",
            ExpressionAttributeNames={"#absences": ABSENCES},
        )
        return read_absences(answer.get("Item", {}))

    def replace(self, before: Sequence[Absence], after: Sequence[Absence]) -> None:
        """Store other absences in the place of those that were read. Raise `AbsencesChangedError`."""
        unchanged = "#absences = :before" if before else "attribute_not_exists(#absences) OR #absences = :before"
        try:
            Writes(self._dynamodb, lambda _: None).update(
                TableName=self._name,
                Key={"id": {"S": ABSENCES}},
                UpdateExpression="SET #absences = :after",
                ConditionExpression=unchanged,
                ExpressionAttributeNames={"#absences": ABSENCES},
                ExpressionAttributeValues={":before": _written(before), ":after": _written(after)},
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException as error:
            raise AbsencesChangedError from error


def read_absences(attributes: Mapping[str, Any]) -> tuple[Absence, ...]:
    """Return the absences in the item's attributes; none if there is no such item."""
    found = attributes.get(ABSENCES)
    return tuple(from_item(Absence, each) for each in deserialize(found)) if found else ()


def _written(absences: Sequence[Absence]) -> Any:
    return serialize([to_item(each) for each in absences])
