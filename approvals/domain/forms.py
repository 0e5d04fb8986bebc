"""What an approver fills in: whether a form makes sense, and whether the answers to it do. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from approvals.domain.characters import hidden_in, one_line
from approvals.domain.form_fields import FieldType, FormField, FormValue
from approvals.domain.model import Json, Presence
from approvals.domain.values import day, kind

COMMENT = "comment"
"""The name of the comment among an answer's problems: no field has it."""

MAX_COMMENT = 1000
"""Characters of a comment."""

MAX_CHOICES = 4
"""Choices of a field that are named before it is filled in; more are counted."""

MAX_DIGITS = 15
"""Digits of a number before its point: a reader of JSON that knows IEEE doubles alone keeps so many exactly."""

YES, NO = "yes", "no"
"""How pages and modals send a yes or no."""

_WHOLE = re.compile(rf"[+-]?[0-9]{{1,{MAX_DIGITS}}}")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_MAX_LENGTH = 3000
_TOO_MUCH = int(10**MAX_DIGITS)
_LIMITS = {
    FieldType.NUMBER: f"a number of at most {MAX_DIGITS} digits for the type number",
    FieldType.DATE: "a date such as 2026-11-23 for the type date",
}
_NO_LIMIT = "none, since only the types number and date have one"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one answer, for the person who gave it. `field` is the field's name."""

    field: str
    text: str


def said(value: FormValue) -> str:
    """A value as people read it."""
    if isinstance(value, bool):
        return YES if value else NO
    return str(value)


def contradictions(form: tuple[FormField, ...], path: str) -> Iterator[str]:
    """What the author of a form must mend."""
    for number, field in enumerate(form):
        here = f"{path}[{number}]"
        if field.name in {other.name for other in form[:number]}:
            yield f"{here}.Name: {field.name} is there already"
        if bool(field.choices) != (field.type is FieldType.CHOICE):
            yield f"{here}.Choices: expected with the type choice, and only there"
        if field.name == COMMENT:
            yield f"{here}.Name: expected another name than {COMMENT}, which is the answer's own comment"
        if field.max_length != _MAX_LENGTH and field.type is not FieldType.TEXT:
            yield f"{here}.MaxLength: expected with the type text alone"
        limits = list(_limit_contradictions(field, here))
        yield from limits
        # With limits of another type there is nothing to compare a default with.
        if not limits and field.default is not None and (problem := _problem(field, field.default)):
            yield f"{here}.Default: {problem}"


def parse(form: tuple[FormField, ...], sent: Mapping[str, str]) -> tuple[dict[str, FormValue], list[Problem]]:
    """The values in what a page or a modal sent as texts, and what is wrong with them. What is empty is left out."""
    values: dict[str, FormValue] = {}
    found: list[Problem] = []
    for field in form:
        text = sent.get(field.name, "").replace("\r\n", "\n").strip()
        value = _value(field, text) if text else None
        if value is not None:
            values[field.name] = value
        elif text:
            found.append(Problem(field.name, _unseen(text) or _expected(field)))
    found += [problem for problem in problems(form, values) if problem.field not in {known.field for known in found}]
    return values, found


def problems(form: tuple[FormField, ...], values: Mapping[str, FormValue]) -> list[Problem]:
    """What is wrong with the answers, field by field."""
    found = []
    for field in form:
        value = values.get(field.name)
        missing = "Please fill this in." if field.required else None
        text = missing if value is None else _problem(field, value)
        if text:
            found.append(Problem(field.name, text))
    return found


def comment_problems(comment: str, presence: Presence) -> list[Problem]:
    """Return what is wrong with the comment of an answer."""
    missing = presence is Presence.REQUIRED and not comment.strip()
    text = "Please say why." if missing else _unseen(comment)
    return [Problem(COMMENT, text)] if text else []


def _unseen(text: str) -> str | None:
    """Ask the person who typed a text to remove its first hidden character, if it has one."""
    hidden = hidden_in(text)
    return f"Please remove the hidden character {hidden}." if hidden else None


def _value(field: FormField, text: str) -> FormValue | None:
    """The value that a text stands for; None when it is none."""
    match field.type:
        case FieldType.NUMBER:
            return _number(text)
        case FieldType.YES_NO:
            return {YES: True, NO: False}.get(text)
        case _:
            return text


def _number(text: str) -> int | float | None:
    """The number that a text is; `1_000` is none, though Python's own readers take it."""
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else None


def _problem(field: FormField, value: FormValue) -> str | None:
    if not _fits(field, value):
        return _expected(field)
    return _unseen(value) if field.type is FieldType.TEXT and isinstance(value, str) else None


def _fits(field: FormField, value: FormValue) -> bool:
    match field.type:
        case FieldType.TEXT:
            return isinstance(value, str) and len(value) <= field.max_length
        case FieldType.CHOICE:
            return value in field.choices
        case FieldType.YES_NO:
            return isinstance(value, bool)
        case FieldType.DATE:
            return day(value) is not None and _within(field, str(value))
        case FieldType.NUMBER:
            return _is_number(value) and _within(field, value)


def _is_number(value: FormValue) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < _TOO_MUCH


def _within(field: FormField, value: FormValue) -> bool:
    """Dates as texts are in the order of time."""
    least = value if field.minimum is None else field.minimum
    most = value if field.maximum is None else field.maximum
    return bool(least <= value <= most)  # type: ignore[operator]  # numbers with numbers, dates with dates: checked before


def _expected(field: FormField) -> str:
    match field.type:
        case FieldType.TEXT:
            return f"Please write at most {field.max_length:,} characters."
        case FieldType.CHOICE:
            return "Please choose one of the choices."
        case FieldType.YES_NO:
            return "Please answer yes or no."
        case FieldType.DATE:
            return f"Please give a date, such as 2026-11-23{limits(field)}."
        case FieldType.NUMBER:
            return f"Please give a number{limits(field) or f' of at most {MAX_DIGITS} digits'}."


def hint(field: FormField) -> str:
    """Return what a field of a form takes: `number from 1 to 100, required`."""
    match field.type:
        case FieldType.TEXT:
            what = f"text, up to {field.max_length:,} characters"
        case FieldType.CHOICE if len(field.choices) <= MAX_CHOICES:
            what = f"choose {' or '.join(one_line(choice) for choice in field.choices)}"
        case FieldType.CHOICE:
            what = f"choose 1 of {len(field.choices)}"
        case FieldType.YES_NO:
            what = "yes or no"
        case _:
            what = f"{field.type.value}{limits(field)}"
    return f"{what}, {'required' if field.required else 'optional'}"


def limits(field: FormField) -> str:
    """Return the limits of a number or a date, as they follow its name: ` from 1 to 100`."""
    if field.minimum is not None and field.maximum is not None:
        return f" from {field.minimum} to {field.maximum}"
    if field.minimum is not None:
        return f", at least {field.minimum}" if field.type is FieldType.NUMBER else f", not before {field.minimum}"
    if field.maximum is not None:
        return f", at most {field.maximum}" if field.type is FieldType.NUMBER else f", not after {field.maximum}"
    return ""


def _limit_contradictions(field: FormField, here: str) -> Iterator[str]:
    for key, limit in (("Minimum", field.minimum), ("Maximum", field.maximum)):
        if limit is not None and not _is_limit(field.type, limit):
            yield f"{here}.{key}: expected {_LIMITS.get(field.type, _NO_LIMIT)}, got {kind(limit)}"
            return
    if field.minimum is not None and field.maximum is not None and not _ordered(field.minimum, field.maximum):
        yield f"{here}.Minimum: expected at most {here}.Maximum"


def _ordered(minimum: Json, maximum: Json) -> bool:
    return minimum <= maximum  # type: ignore[operator]  # both numbers, or both dates: checked before


def _is_limit(type_: FieldType, limit: float | str) -> bool:
    if type_ is FieldType.NUMBER:
        return _is_number(limit)
    return type_ is FieldType.DATE and day(limit) is not None
