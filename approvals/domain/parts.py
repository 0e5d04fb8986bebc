"""Build sentences from parts, which each channel renders in its own way.

`str(text)` is the sentence in plain text, for messages, pages and the command line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain

from approvals.domain.characters import one_line
from approvals.domain.email_address import is_same
from approvals.domain.model import readable
from approvals.domain.people import Approver, Person

_AT = re.compile(r"\s*[@\uff20\ufe6b]\s*")
"""The sign of an address, in all its widths."""

_UNITS = (("day", timedelta(days=1)), ("hour", timedelta(hours=1)))
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time. `lead` precedes it in plain text alone: before `today` no `on` stands."""

    at: datetime
    lead: str = ""

    def __str__(self) -> str:
        """Return the moment in UTC."""
        return f"{self.lead}{readable(self.at)}"


@dataclass(frozen=True, slots=True)
class Names:
    """People as part of a sentence."""

    people: tuple[Person, ...]

    def __str__(self) -> str:
        """Return the names: `a, b and c`."""
        return join_names([display_name(person) for person in self.people])


Part = str | Moment | Names


@dataclass(frozen=True, slots=True)
class Text:
    """A sentence in parts, none of them empty. It is false if it has none."""

    parts: tuple[Part, ...] = ()

    def __str__(self) -> str:
        """Return the sentence in plain text."""
        return "".join(map(str, self.parts))

    def __bool__(self) -> bool:
        """Return True if there are any parts."""
        return bool(self.parts)


def text(*pieces: Part | Text) -> Text:
    """Return the pieces as one text. Neighboring strings become one part."""
    parts: list[Part] = []
    for part in chain.from_iterable(each.parts if isinstance(each, Text) else (each,) for each in pieces):
        if isinstance(part, str) and parts and isinstance(last := parts[-1], str):
            parts[-1] = last + part
        elif part != "":
            parts.append(part)
    return Text(tuple(parts))


def join_texts(pieces: Sequence[Part | Text], between: str = " ") -> Text:
    """Return the pieces that are not empty as one text, with `between` between them."""
    said = [piece for piece in pieces if piece]
    return text(*(each for number, piece in enumerate(said) for each in ((between, piece) if number else (piece,))))


def truncate(said: Text | str, most: int) -> Text:
    """Return at most `most` characters of a text. A moment is whole, or omitted with all that follows."""
    parts: list[Part] = []
    for part in text(said).parts:
        if len(str(part)) > most:
            return text(*parts, "" if isinstance(part, Moment) else str(part)[:most])
        parts.append(part)
        most -= len(str(part))
    return Text(tuple(parts))


def display_name(who: Person | Approver) -> str:
    """Return the name that people see: one line of at most 80 characters that no program takes for a link.

    An @ stays only in a person's own address: users may name themselves like a colleague's address.
    """
    name = who.name or who.id
    if name in (who.id, getattr(who, "address", "")) or is_same(name, who.id):
        return name
    return without_links(_AT.sub(" at ", name))


def with_address(person: Person) -> str:
    """Return a person's name with their address, where both are known and differ."""
    name = display_name(person)
    return f"{name} ({person.address})" if person.address and name != person.address else name


def without_links(name: str) -> str:
    """Return a name on one line, without slashes, by which programs recognize links."""
    return one_line(name.replace("/", " "))


def join_names(names: Sequence[str]) -> str:
    """Return names as part of a sentence: `a, b and c`."""
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1] if names else "") if part)


def before_value(label: str) -> str:
    """Return a label as it stands before its value: with a colon, unless it is a question."""
    return label if label.endswith("?") else f"{label}:"


def pluralize(number: int, what: str) -> str:
    """Return a number with its noun: `1 approval`, `2 approvals`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def duration(time: timedelta) -> str:
    """Return a duration in its greatest whole unit: `90 minutes`, `1 hour`."""
    for unit, size in _UNITS:
        if time % size < _MINUTE:
            return pluralize(time // size, unit)
    return pluralize(time // _MINUTE, "minute")


def time_left(deadline: datetime, now: datetime) -> tuple[int, str]:
    """Return the whole days or hours that are left if there are at least two, else minutes; and the unit."""
    left = deadline - now
    for unit, size in _UNITS:
        if left >= 2 * size:
            return left // size, unit
    return left // _MINUTE, "minute"


def format_time_left(deadline: datetime, now: datetime) -> str:
    """Return the time that is left, rounded down: `25 minutes`, `2 hours`."""
    number, unit = time_left(deadline, now)
    return pluralize(number, unit) if number >= 1 else "less than a minute"
