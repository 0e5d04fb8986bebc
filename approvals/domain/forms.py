"""Check forms, and the answers that approvers give to them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from approvals.domain.characters import hidden_in, one_line
from approvals.domain.form_fields import FieldType, FormField, FormValue
from approvals.domain.model import Action, Presence
from approvals.domain.values import day, kind

COMMENT = "comment"
"""The name of the comment among the problems of a response. No field has it."""

MAX_COMMENT = 1000
"""Characters of a comment."""

MAX_CHOICES = 4
"""Choices of a field that `hint` names. More are counted."""

MAX_LENGTH = 3000
"""Characters of a text field without a limit of its own."""

MAX_DIGITS = 15
"""Digits of a number before its point: an IEEE double keeps as many exactly."""

YES, NO = "yes", "no"
"""Answers to a yes-no field, as pages and modals send them."""

# Unlike these, int() and float() take 1_000.
_WHOLE = re.compile(rf"[+-]?[0-9]{{1,{MAX_DIGITS}}}")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_TOO_MUCH = int(10**MAX_DIGITS)
_LIMITS = {FieldType.NUMBER: f"a number of at most {MAX_DIGITS} digits", FieldType.DATE: "a date such as 2026-11-23"}
_NO_LIMIT = "only for the types number and date. Remove it, or change the type."
_MISSING = {FieldType.TEXT: "Enter text.", FieldType.NUMBER: "Enter a number.", FieldType.DATE: "Enter a date."}


@dataclass(frozen=True, slots=True)
class Problem:
    """A text for the approver that says what is wrong with an answer. `field` is the field's name."""

    field: str
    text: str


def format_answer(value: FormValue) -> str:
    """Return an answer as people read it."""
    if isinstance(value, bool):
        return YES if value else NO
    return str(value)


def contradictions(form: tuple[FormField, ...], path: str) -> Iterator[str]:
    """Yield what the author of a form must fix."""
    for number, field in enumerate(form):
        here = f"{path}[{number}]"
        if field.name in {other.name for other in form[:number]}:
            yield f"{here}.Name: {field.name} is a duplicate. Use another name."
        if field.type is FieldType.CHOICE and not field.choices:
            yield f"{here}.Choices: missing. Add the options of the choice."
        if field.choices and field.type is not FieldType.CHOICE:
            yield f"{here}.Choices: only for the type choice. Remove it, or change the type."
        if field.name == COMMENT:
            yield f'{here}.Name: "{COMMENT}" is reserved for the comment of a response. Use another name.'
        if field.max_length != MAX_LENGTH and field.type is not FieldType.TEXT:
            yield f"{here}.MaxLength: only for the type text. Remove it, or change the type."
        limits = list(_limit_contradictions(field, here))
        yield from limits
        # A default can only be compared with limits of its own type.
        if not limits and field.default is not None and (problem := _default_problem(field, field.default)):
            yield f"{here}.Default: {problem}"


def parse(form: tuple[FormField, ...], sent: Mapping[str, str]) -> tuple[dict[str, FormValue], list[Problem]]:
    """Return the answers in the texts of a page or a modal, without empty ones, and what is wrong with them."""
    values: dict[str, FormValue] = {}
    found: list[Problem] = []
    for field in form:
        text = sent.get(field.name, "").replace("\r\n", "\n").strip()
        value = _value(field, text) if text else None
        if value is not None:
            values[field.name] = value
        elif text:
            found.append(Problem(field.name, _hidden_problem(text) or _expected(field)))
    unreadable = {problem.field for problem in found}
    return values, [*found, *(problem for problem in problems(form, values) if problem.field not in unreadable)]


def problems(form: tuple[FormField, ...], values: Mapping[str, FormValue]) -> list[Problem]:
    """Return what is wrong with the answers, field by field."""
    found = []
    for field in form:
        value = values.get(field.name)
        missing = _MISSING.get(field.type, "Choose an option.") if field.required else None
        text = missing if value is None else _problem(field, value)
        if text:
            found.append(Problem(field.name, text))
    return found


def comment_problems(comment: str, presence: Presence, action: Action) -> list[Problem]:
    """Return what is wrong with the comment of a response."""
    what = "reason" if action is Action.REJECT else "comment"
    if presence is Presence.REQUIRED and not comment.strip():
        return [Problem(COMMENT, f"Enter a {what}.")]
    if len(comment) > MAX_COMMENT:
        return [Problem(COMMENT, f"The {what} has {len(comment):,} characters. Use at most {MAX_COMMENT:,}.")]
    text = _hidden_problem(comment)
    return [Problem(COMMENT, text)] if text else []


def reason_problems(reason: str) -> list[Problem]:
    """Return what is wrong with the reason of an override, which is always required."""
    return comment_problems(reason, Presence.REQUIRED, Action.REJECT)


def _hidden_problem(text: str) -> str | None:
    hidden = hidden_in(text)
    return f"Remove the hidden character {hidden}." if hidden else None


def _value(field: FormField, text: str) -> FormValue | None:
    match field.type:
        case FieldType.NUMBER:
            return _number(text)
        case FieldType.YES_NO:
            return {YES: True, NO: False}.get(text)
        case _:
            return text


def _number(text: str) -> int | float | None:
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else None


def _problem(field: FormField, value: FormValue) -> str | None:
    if not _fits(field, value):
        return _expected(field)
    return _hidden_problem(value) if field.type is FieldType.TEXT and isinstance(value, str) else None


def _default_problem(field: FormField, value: FormValue) -> str | None:
    """Return what is wrong with an initial value, for the author of the form."""
    if _fits(field, value):
        return _problem(field, value)
    match field.type:
        case FieldType.TEXT:
            return f"must be a string of at most {field.max_length:,} characters."
        case FieldType.CHOICE:
            return f"{kind(value)} is not one of Choices."
        case FieldType.YES_NO:
            return "must be true or false."
        case FieldType.DATE:
            return f"must be a date, such as 2026-11-23{limits(field)}."
        case FieldType.NUMBER:
            return f"must be a number{limits(field) or f' of at most {MAX_DIGITS} digits'}."


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
            is_number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _TOO_MUCH
            return is_number and _within(field, value)


def _within(field: FormField, value: FormValue) -> bool:
    """Compare numbers with numbers, or dates with dates, whose order as texts is that of time."""
    least = value if field.minimum is None else field.minimum
    most = value if field.maximum is None else field.maximum
    return bool(least <= value <= most)  # type: ignore[operator]  # one type: checked before


def _expected(field: FormField) -> str:
    match field.type:
        case FieldType.TEXT:
            return f"Use at most {field.max_length:,} characters."
        case FieldType.CHOICE:
            return f"Choose one of the {len(field.choices)} options."
        case FieldType.YES_NO:
            return "Choose yes or no."
        case FieldType.DATE:
            return f"Enter a date, such as 2026-11-23{limits(field)}."
        case FieldType.NUMBER:
            return f"Enter a number{limits(field) or f' of at most {MAX_DIGITS} digits'}."


def hint(field: FormField) -> str:
    """Return what a field takes: `number from 1 to 100, required`."""
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
    """Return the limits of a number or a date, to follow its name: ` from 1 to 100`."""
    least, most = ("at least", "at most") if field.type is FieldType.NUMBER else ("not before", "not after")
    if field.minimum is not None and field.maximum is not None:
        return f" from {field.minimum} to {field.maximum}"
    if field.minimum is not None:
        return f", {least} {field.minimum}"
    return f", {most} {field.maximum}" if field.maximum is not None else ""


def _limit_contradictions(field: FormField, here: str) -> Iterator[str]:
    unlimited = replace(field, minimum=None, maximum=None)
    for key, limit in (("Minimum", field.minimum), ("Maximum", field.maximum)):
        if limit is not None and not (field.type in _LIMITS and _fits(unlimited, limit)):
            wrong = f"{kind(limit)} is not {_LIMITS[field.type]}." if field.type in _LIMITS else _NO_LIMIT
            yield f"{here}.{key}: {wrong}"
            return
    if field.minimum is not None and not _within(field, field.minimum):
        yield f"{here}.Minimum: must not be greater than Maximum."
