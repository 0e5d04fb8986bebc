"""The layout of an email's text: the product's own lines, and other people's lines, each behind a bar.

Email programs and servers fold lines of more than 998 octets, and the rest continues at the left edge without a bar.
All lines are shorter. Source: https://www.rfc-editor.org/rfc/rfc5322#section-2.1.1
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from approvals.domain.characters import one_line, reveal
from approvals.domain.parts import before_value, join_names

BAR = "| "
"""Begins each line that another person wrote. No line of the product's own text begins with it."""

WIDTH = 70
"""Characters of another person's line, without its bar. A line with a URL can be longer."""

MAX_OCTETS = 900
"""UTF-8 bytes of a line, with room for the marks that programs put in front of a quoted line."""

_OUR_WIDTH = 100
_MAX_INDENT = 20
_LABEL = 20
"""Characters of a label. The values beside longer labels are not aligned."""


def naming(lead: str, names: list[str]) -> str:
    """Return a sentence that ends in names: on one line, or with each name on a line of its own.

    In a wrapped sentence a name could begin a line and pose as the product's own text.
    """
    sentence = f"{lead} {join_names(names)}."
    return sentence if len(sentence) <= _OUR_WIDTH else "\n".join([lead, *(f"  - {name}" for name in names)])


def table(rows: Sequence[tuple[str, str]]) -> str:
    """Return the product's own labels and values, aligned."""
    width = max(len(label) for label, _ in rows) + 1
    return "\n".join(f"{label + ':':<{width}} {value}" for label, value in rows)


def quoted(text: str, indent: str = "") -> str:
    """Return another person's text, each line behind a bar."""
    return _barred(wrapped(text, indent))


def rows(pairs: Sequence[tuple[str, str]]) -> list[str]:
    """Return another person's labels and values, indented below their heading, each line behind a bar."""
    width = min(max((len(label) for label, _ in pairs), default=0), _LABEL) + 1
    return [_row(f"{before_value(one_line(label, len(label) + 1)):<{width}} {value}") for label, value in pairs]


def wrapped(text: str, indent: str = "", hang: str = "") -> Iterator[str]:
    """Yield a text in lines of at most `WIDTH` characters, broken at spaces if possible. URLs stay whole.

    `indent` begins each line. `hang` follows it in the later lines of a wrapped line.
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
    """Return an email's text: its nonempty parts, with a blank line between them."""
    return "\n\n".join(part for part in parts if part) + "\n"


def _row(text: str) -> str:
    first, *rest = reveal(text).splitlines()
    return _barred([*wrapped(first, "  ", "    "), *wrapped("\n".join(rest), "      ")])


def _barred(lines: Iterable[str]) -> str:
    return "\n".join(f"{BAR}{line}" for line in lines)


def _broken(line: str, indent: str) -> Iterator[str]:
    """Yield a line in pieces that are short enough: `textwrap` breaks no line without spaces."""
    while len(line) > WIDTH:
        piece = _beginning(line, MAX_OCTETS - len(BAR)) if "://" in line else line[:WIDTH]
        if piece == line:
            break
        yield piece
        line = indent + line[len(piece) :]
    yield line


def _beginning(line: str, octets: int) -> str:
    return line.encode()[:octets].decode(errors="ignore")
