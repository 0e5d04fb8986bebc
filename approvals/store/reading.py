"""Read records as the table has them, and name the one that can't be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from approvals.domain.model import Approval
from approvals.store.dynamodb import deserialize
from approvals.store.items import approval_from_item

_BROKEN = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What Python raises for a record of another shape: written by hand, by a newer version, or nested too deep."""


class UnreadableError(Exception):
    """A record that this version can't read. A retry is of no use until another version runs."""

    def __init__(self, approval_id: str, reason: str) -> None:
        super().__init__(f"the record of approval {approval_id} can't be read ({reason})")
        self.approval_id = approval_id
        self.reason = reason


def read_approval(attributes: Mapping[str, Any], *, listed: bool = False) -> Approval:
    """Return the approval in a record's attributes.

    `listed` says that the context was left out when the record was read. Raises `UnreadableError`.
    """
    try:
        item = {name: deserialize(value) for name, value in attributes.items()}
        return approval_from_item(item, listed=listed)
    except _BROKEN as error:
        # Only the type: a message may repeat values of the record.
        raise UnreadableError(_id_of(attributes), type(error).__name__) from error


def _id_of(attributes: Mapping[str, Any]) -> str:
    found = attributes.get("id")
    return str(found.get("S", "?")) if isinstance(found, Mapping) else "?"
