"""The layout of an email's text: our own lines, and the lines of others, each behind a bar. Standard library only.

Mail programs and servers fold lines beyond 998 octets, and what is folded continues at the left edge: all lines are
shorter. Source: https://www.rfc-editor.org/rfc/rfc5322#section-2.1.1
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from approvals.domain.characters import one_line, reveal
from approvals.domain.parts import join_names

BAR = "| "
"""Begins each line that somebody else wrote. No line of ours begins with it."""

WIDTH = 70
"""Characters of a line that somebody else wrote, without its bar. An address is longer if need be."""

MAX_OCTETS = 900
"""UTF-8 bytes of a line, with room for what programs put in front of it when they quote."""

_OUR_WIDTH = 100
_MAX_INDENT = 20
_LABEL = 20
"""Characters of a label up to which the values beside are aligned."""

Row = list[str]
"""The lines of one label and value, without their bars."""


def naming(lead: str, names: list[str]) -> str:
    """Return a sentence of ours that ends in names: in one line, or with each on a line of its own.

    Wrapped, a name would begin a line, where it could pose as a line of ours.
    """
    sentence = f"{lead} {join_names(names)}."
    return sentence if len(sentence) <= _OUR_WIDTH else "\n".join([lead, *(f"  - {name}" for name in names)])


def table(rows: Sequence[tuple[str, str]]) -> str:
    """Return labels and values of ours, aligned."""
    width = max(len(label) for label, _ in rows) + 1
    return "\n".join(f"{label + ':':<{width}} {value}" for label, value in rows)


def quoted(text: str) -> str:
    """Return what somebody else wrote, each line behind a bar."""
    return barred(wrapped(text))


def barred(lines: Iterable[str]) -> str:
    """Return lines of somebody else, wrapped before, each behind a bar."""
    return "\n".join(f"{BAR}{line}" for line in lines)


def rows(pairs: Sequence[tuple[str, str]]) -> list[Row]:
    """Return the labels and values of somebody else, indented below their heading, each with its lines."""
    width = min(max((len(label) for label, _ in pairs), default=0), _LABEL) + 1
    return [_row(f"{one_line(label, len(label) + 1) + ':':<{width}} {value}") for label, value in pairs]


def fitting(found: Sequence[Row], most: int) -> tuple[list[str], int]:
    """Return the lines of as many rows as take at most `most` bytes, and how many rows are left out."""
    lines: list[str] = []
    for number, row in enumerate(found):
        most -= size(row)
        if most < 0:
            return lines, len(found) - number
        lines += row
    return lines, 0


def size(lines: Iterable[str]) -> int:
    """Return the UTF-8 bytes of lines with their bars and line breaks."""
    return sum(len(line.encode()) + len(BAR) + 1 for line in lines)


def wrapped(text: str, indent: str = "", hang: str = "") -> Iterator[str]:
    """Yield a text in lines of at most `WIDTH` characters, broken at spaces where there are any; addresses stay whole.

    `indent` begins each line, and `hang` follows it in all but the first of a wrapped one.
    """
    for line in reveal(text).splitlines():
        own = line[: len(line) - len(line.lstrip())][:_MAX_INDENT]
        first, later = indent + own, indent + own + hang
        pieces = textwrap.wrap(
            line.strip(),
            WIDTH,
            initial_indent=first,
            subsequent_indent=later,
            expand_tabs=False,
            replace_whitespace=False,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for piece in pieces or [""]:
            yield from _broken(piece, later)


def paragraphs(parts: Iterable[str]) -> str:
    """Return an email's text: its parts that are not empty, with a blank line between them."""
    return "\n\n".join(part for part in parts if part) + "\n"


def _row(text: str) -> Row:
    first, *rest = reveal(text).splitlines()
    return [*wrapped(first, "  ", "    "), *wrapped("\n".join(rest), "      ")]


def _broken(line: str, indent: str) -> Iterator[str]:
    """Yield a line in pieces that are short enough: one without spaces has not been broken yet."""
    while len(line) > WIDTH:
        piece = _beginning(line, MAX_OCTETS - len(BAR)) if "://" in line else line[:WIDTH]
        if piece == line:
            break
        yield piece
        line = indent + line[len(piece) :]
    yield line


def _beginning(line: str, octets: int) -> str:
    return line.encode()[:octets].decode(errors="ignore")
