"""The fields of a request's form, as types. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FieldType(StrEnum):
    """What a field of a form takes."""

    TEXT = "text"
    NUMBER = "number"
    CHOICE = "choice"
    YES_NO = "yes-no"
    DATE = "date"


FormValue = str | int | float | bool
"""What an approver fills in: a text, a number, yes or no; a date as text, 2026-11-23."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """One thing that the approver fills in. The limits are of a number or a date; `max_length` of a text."""

    name: str
    label: str
    type: FieldType
    default: FormValue | None = None
    required: bool = False
    choices: tuple[str, ...] = ()
    minimum: float | str | None = None
    maximum: float | str | None = None
    max_length: int = 3000
