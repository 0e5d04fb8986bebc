"""What a record keeps of the comparison with the last approved request of its subject. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Part(StrEnum):
    """A part of a request that is compared, in the order in which changes are told."""

    FACTS = "Facts"
    ACTION = "Action"
    FORM = "Form"
    CONTEXT = "Context"


class Comparison(StrEnum):
    """How the comparison ended."""

    COMPARED = "compared"
    NONE = "none"
    """No earlier approval of the subject is one to compare with."""
    FAILED = "failed"
    """The earlier approvals could not be read in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedChange:
    """A change as people read it: its name and values, each on one line and cut. None is a value that is not there."""

    name: str
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedPart:
    """A part that one of the two requests has, and the number of its changes."""

    part: Part
    changes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Previous:
    """The last approved request that a request is compared with, as `notify` found it once.

    `approved_by` are names. `changes` are at most `comparison.MAX_CHANGES` of those that `parts` count. The values of
    the earlier request are for `viewers` alone (ids of people on their channels, addresses in canonical form), and for
    the `places` where it was posted. `ignored` is the number of newer approvals of the subject that were passed over.
    """

    comparison: Comparison
    approval_id: str = ""
    approved_by: tuple[str, ...] = ()
    approved_at: datetime | None = None
    parts: tuple[ComparedPart, ...] = ()
    changes: tuple[NamedChange, ...] = ()
    viewers: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    ignored: int = 0

    @property
    def number_of_changes(self) -> int:
        """Return the number of all changes."""
        return sum(part.changes for part in self.parts)
