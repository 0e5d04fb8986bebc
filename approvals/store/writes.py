"""Writes to DynamoDB, tried again while a transaction of another caller holds an item."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import ClientError

from approvals.domain.errors import TooManyConflictsError

if TYPE_CHECKING:
    from typing import Unpack

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import (
        PutItemInputTypeDef,
        TransactWriteItemTypeDef,
        UpdateItemInputTypeDef,
        UpdateItemOutputTypeDef,
    )

T = TypeVar("T")

PAUSES = (0.02, 0.05, 0.1, 0.2)
"""Seconds, at most, between tries to write what another transaction holds: it takes some 20 ms."""

_CONFLICTS = ("TransactionConflictException", "TransactionCanceledException")
"""What DynamoDB raises for a write, and for a transaction, that met another."""

_PASSING = frozenset({"None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
"""What DynamoDB says of the writes of a transaction that it may take at the next try."""

_TOO_LARGE = re.compile("item size .*exceeded", re.IGNORECASE)
"""What DynamoDB says of an item that is too large: there is no code for it."""


class RecordFullError(Exception):
    """Nothing was written: with it, the record would be larger than an item may be. Trying again is of no use."""


class ConditionsFailedError(Exception):
    """Nothing was written. `places` has those of the transaction's writes, counted from 0, whose condition failed."""

    def __init__(self, places: frozenset[int]) -> None:
        super().__init__(f"the conditions at {sorted(places)} failed")
        self.places = places


class Writes:
    """Writes items. `sleep` waits a number of seconds."""

    def __init__(self, dynamodb: DynamoDBClient, sleep: Callable[[float], None]) -> None:
        self._dynamodb = dynamodb
        self._sleep = sleep

    def put(self, **item: Unpack[PutItemInputTypeDef]) -> None:
        """Put an item."""
        self._repeat(partial(self._dynamodb.put_item, **item))

    def update(self, **update: Unpack[UpdateItemInputTypeDef]) -> UpdateItemOutputTypeDef:
        """Update an item."""
        return self._repeat(partial(self._dynamodb.update_item, **update))

    def transact(self, *writes: TransactWriteItemTypeDef) -> None:
        """Write several items in one call: all of them or none. Raise `ConditionsFailedError`."""
        try:
            self._repeat(partial(self._dynamodb.transact_write_items, TransactItems=writes))
        except self._dynamodb.exceptions.TransactionCanceledException as error:
            reasons = _reasons(error)
            failed = frozenset(n for n, reason in enumerate(reasons) if reason == "ConditionalCheckFailed")
            if not failed:
                raise
            raise ConditionsFailedError(failed) from error

    def _repeat(self, write: Callable[[], T]) -> T:
        """Write, and again while another caller's transaction holds an item: then nothing was written.

        botocore does not do that. Each try of a transaction is one of its own, with a new token.
        Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-conflict-handling
        """
        for pause in PAUSES:
            try:
                return write()
            except ClientError as error:
                if not _is_passing(error):
                    raise
                self._sleep(pause * random.uniform(0.5, 1))  # noqa: S311 those who wait for one another part
        return write()


def explained(error: ClientError, approval_id: str) -> Exception | None:
    """Return the product's exception for a failed write; None if DynamoDB's own error is the clearest."""
    if _is_too_large(error):
        return RecordFullError(f"approval {approval_id} has no room left")
    if _is_passing(error):
        return TooManyConflictsError(f"approval {approval_id}: others kept writing it")
    return None


def _is_passing(error: ClientError) -> bool:
    """Return True if another write was in the way, and the next try may be taken."""
    return error.response["Error"]["Code"] in _CONFLICTS and _PASSING.issuperset(_reasons(error))


def _is_too_large(error: ClientError) -> bool:
    """Return True if an item would be larger than 400 KB."""
    said = [error.response["Error"], *error.response.get("CancellationReasons", ())]
    return any(_TOO_LARGE.search(str(each.get("Message", ""))) for each in said)


def _reasons(error: ClientError) -> list[str]:
    """Return why a transaction was cancelled, for each of its writes: "None" for those that were fine by themselves.

    Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
    """
    return [str(reason["Code"]) for reason in error.response.get("CancellationReasons", ())]
