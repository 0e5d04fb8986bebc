"""The parts that a sentence for people is made of. A channel renders each part in its own way; pure.

`str(text)` is the sentence in plain text, for messages, pages and the command line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from approvals.domain.characters import one_line
from approvals.domain.email_address import is_same
from approvals.domain.model import Approver, Person, readable

_AT = re.compile(r"\s*[@\uff20\ufe6b]\s*")
"""The sign of an address, in all its widths."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time. `lead` stands before it in plain text alone: `on` has no place before `today`."""

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
        return enumerated([display_name(person) for person in self.people])


Part = str | Moment | Names


@dataclass(frozen=True, slots=True)
class Text:
    """A sentence in parts, none of them empty. It is false when it has none."""

    parts: tuple[Part, ...] = ()

    def __str__(self) -> str:
        """Return the sentence in plain text."""
        return "".join(map(str, self.parts))

    def __bool__(self) -> bool:
        """Return True if there is anything to say."""
        return bool(self.parts)


def text(*pieces: Part | Text) -> Text:
    """Return the pieces as one text. Neighboring strings become one part."""
    parts: list[Part] = []
    for part in _flat(pieces):
        if isinstance(part, str) and parts and isinstance(last := parts[-1], str):
            parts[-1] = last + part
        elif part != "":
            parts.append(part)
    return Text(tuple(parts))


def joined(pieces: Sequence[Part | Text], between: str = " ") -> Text:
    """Return the pieces that say anything as one text, with `between` between them."""
    said = [piece for piece in pieces if piece]
    return text(*(each for number, piece in enumerate(said) for each in ((between, piece) if number else (piece,))))


def beginning(said: Text | str, most: int) -> Text:
    """Return at most `most` characters of a text. A moment is whole, or left out with all that follows."""
    parts: list[Part] = []
    for part in text(said).parts:
        if len(str(part)) > most:
            return text(*parts, "" if isinstance(part, Moment) else str(part)[:most])
        parts.append(part)
        most -= len(str(part))
    return Text(tuple(parts))


def display_name(who: Person | Approver) -> str:
    """Return the name that people see: one line of at most 80 characters that no program takes for a link.

    An @ alone is kept in a person's own address: a user may call themselves like a colleague's.
    """
    name = who.name or who.id
    if name in (who.id, getattr(who, "address", "")) or is_same(name, who.id):
        return name
    return unlinked(_AT.sub(" at ", name))


def with_address(person: Person) -> str:
    """Return a person's name with their address, where both are known and differ."""
    name = display_name(person)
    return f"{name} ({person.address})" if person.address and name != person.address else name


def unlinked(name: str) -> str:
    """Return a name on one line, without the slashes by which programs recognize links."""
    return one_line(name.replace("/", " "))


def enumerated(names: Sequence[str]) -> str:
    """Return names as part of a sentence: `a, b and c`."""
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1] if names else "") if part)


def counted(number: int, what: str) -> str:
    """Return a number with its noun: `1 approval`, `2 approvals`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def duration(time: timedelta) -> str:
    """Return a duration in its greatest whole unit: `90 minutes`, `1 hour`."""
    minutes = time // timedelta(minutes=1)
    for size, word in ((24 * 60, "day"), (60, "hour")):
        if minutes % size == 0:
            return counted(minutes // size, word)
    return counted(minutes, "minute")


def time_left(deadline: datetime, now: datetime) -> tuple[int, str]:
    """Return how many whole days, hours or minutes are left, at least two of the first two; and their unit."""
    left = deadline - now
    for unit, size in (("day", timedelta(days=1)), ("hour", timedelta(hours=1))):
        if left >= 2 * size:
            return left // size, unit
    return left // timedelta(minutes=1), "minute"


def remaining(deadline: datetime, now: datetime) -> str:
    """Return how much time is left, rounded down: `25 minutes`, `2 hours`."""
    number, unit = time_left(deadline, now)
    return counted(number, unit) if number >= 1 else "less than a minute"


def _flat(pieces: Sequence[Part | Text]) -> Iterator[Part]:
    for piece in pieces:
        if isinstance(piece, Text):
            yield from piece.parts
        else:
            yield piece
