"""Groups of a request: each must approve, beside the number of approvals in all."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group as the request names it: its `approvers` by their names, of whom `required` must approve."""

    name: str
    approvers: tuple[str, ...] = ()
    required: int = 1
