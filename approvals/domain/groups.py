"""Groups of a request: each must approve, beside the number of approvals in all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MAX_GROUPS: Final = 10
"""Groups that one request can have."""

MAX_REQUIRED: Final = 50
"""Approvals that one request can ask for, in all and from one group."""

REQUESTED: Final = "requested"
"""The name of the group of those whom the request itself names, where the policy adds a group to them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group as the request names it: its `approvers` by their names, of whom `required` must approve."""

    name: str
    approvers: tuple[str, ...] = ()
    required: int = 1
