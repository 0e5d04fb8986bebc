"""What the requester wrote, as rich text that fits: a request may say far more than a message holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from slack_sdk.models.blocks import (
    Block,
    RichTextElement,
    RichTextListElement,
    RichTextPreformattedElement,
    RichTextQuoteElement,
)

from approvals import markup
from approvals.addresses import labelled
from approvals.markup import Kind, Span, Style
from bot.views.text import (
    CUT,
    MAX_RUN,
    Moment,
    Part,
    heading,
    link,
    moments,
    prefix,
    rich,
    runs,
    section,
    text_weight,
    weight_of,
)

ELEMENT = 90
"""What a run of text weighs at most beside its text and address: the JSON around it."""

BLOCK = 180
"""What a heading and the block below it weigh beside their elements."""

NOTE = 180
"""What the note about a cut weighs."""

MAX_STYLED_FACTS = 20
"""With more facts, labels are not bold: each run of its own would weigh more than its text."""


@dataclass(slots=True)
class Room:
    """What may still be added, as weight; `hidden` counts the characters that found no place."""

    left: int
    hidden: int = 0

    def take(self, text: str, url: str = "") -> str:
        """Returns as much of the text as there is room for, and takes that room."""
        beside = ELEMENT * (1 + min(len(text), max(self.left, 0)) // MAX_RUN) + text_weight(url)
        shown = prefix(text, self.left - beside) if self.left > beside and not self.hidden else ""
        self.hidden += len(text) - len(shown)
        if shown:
            self.left -= beside + text_weight(shown)
        return shown


@dataclass(frozen=True, slots=True)
class Piece:
    """One block of the details as elements of rich text."""

    kind: Kind
    parts: list[Part] = field(default_factory=list)


def details(text: str, room: int) -> list[Block]:
    """The details below a heading, cut to the room, in which a note about the cut fits, too."""
    space = Room(room - BLOCK - NOTE)
    pieces = list(_pieces(text, space))
    return _under("Details", list(_elements(pieces)), space)


def context(text: str, room: int) -> list[Block]:
    """The rest of the execution's input below a heading, as plain lines."""
    return _plain("Input of the workflow", text, room)


def facts(rows: Sequence[tuple[str, str]], room: int) -> list[Block]:
    """Labels and values below a heading, a line each."""
    if len(rows) > MAX_STYLED_FACTS:
        return _plain("Facts", "\n".join(f"{label}: {value}" for label, value in rows), room)
    space = Room(room - BLOCK - NOTE)
    parts: list[Part] = []
    for number, (label, value) in enumerate(rows):
        end = "" if number == len(rows) - 1 else "\n"
        parts += [*runs(space.take(label), Style.BOLD), *runs(space.take(f": {value}{end}"))]
    return _under("Facts", [section(parts)] if parts else [], space)


def links(rows: Sequence[tuple[str, str]], room: int) -> list[Block]:
    """Links below a heading, an item each. One whose address finds no room is only named."""
    space = Room(room - BLOCK - NOTE)
    items = [parts for label, url in rows if (parts := _link(label, url, space))]
    return _under("Links", [_list(items)] if items else [], space)


def quote(text: str, room: int) -> list[Block]:
    """What somebody said, as a quotation without a heading."""
    space = Room(room - BLOCK - NOTE)
    parts = runs(space.take(text))
    return [rich([RichTextQuoteElement(elements=[*parts, *_note(space)])])] if parts or space.hidden else []


def lines(rows: Sequence[str], room: int) -> list[Block]:
    """Sentences of ours with names and moments in them, a line each, without a heading."""
    space = Room(room - BLOCK - NOTE)
    parts = [part for piece in moments("\n".join(rows)) for part in _shown(piece, space)]
    return [rich([section([*parts, *_note(space)])])] if parts or space.hidden else []


def _shown(piece: str | Moment, space: Room) -> list[Part]:
    if isinstance(piece, str):
        return runs(space.take(piece))
    needed = weight_of([piece])
    if space.hidden or space.left < needed:
        space.left = 0  # nothing smaller may slip in behind it
        space.hidden += len(piece.fallback)
        return []
    space.left -= needed
    return [piece]


def _plain(title: str, text: str, room: int) -> list[Block]:
    space = Room(room - BLOCK - NOTE)
    shown = space.take(text)
    return _under(title, [section(runs(shown))] if shown else [], space)


def _under(title: str, elements: list[RichTextElement], space: Room) -> list[Block]:
    if space.hidden:
        elements = [*elements, section(_note(space))]
    return [heading(title), rich(elements)] if elements else []


def _note(space: Room) -> list[Part]:
    return runs(f"\u2026 ({space.hidden:,} more characters: {CUT})", Style.ITALIC) if space.hidden else []


def _link(label: str, url: str, space: Room) -> list[Part]:
    shown = labelled(label, url)
    if space.left < ELEMENT + text_weight(shown) + text_weight(url):
        space.left -= 2  # nothing smaller may slip in behind it
        space.hidden += len(shown) + len(url)
        return []
    found = link(shown, url)
    if found is None:
        return runs(space.take(f"{label}: {url}"))
    space.take(shown, url)
    return [found]


def _pieces(text: str, space: Room) -> Iterator[Piece]:
    for block in markup.parse(text):
        space.left -= ELEMENT
        piece = Piece(block.kind)
        for span in block.spans:
            piece.parts.extend(_span(span, block.kind, space))
        if piece.parts:
            yield piece


def _span(span: Span, kind: Kind, space: Room) -> list[Part]:
    if span.style is Style.LINK:
        label = labelled(span.text, span.url)
        found = link(label, span.url)
        if found is None:
            return runs(space.take(f"{span.text} ({span.url})"))
        return [found] if _fits(label, span.url, space) and space.take(label, span.url) else []
    style = Style.BOLD if kind is Kind.HEADING and span.style is Style.PLAIN else span.style
    return runs(space.take(span.text), style)


def _fits(label: str, url: str, space: Room) -> bool:
    """A link is shown whole or not at all."""
    fits = not space.hidden and space.left >= ELEMENT + text_weight(url) + text_weight(label)
    if not fits:
        space.hidden += len(label)
    return fits


def _elements(pieces: Sequence[Piece]) -> Iterator[RichTextElement]:
    """Neighbouring items are one list, neighbouring paragraphs and headings one section with empty lines between."""
    for kind, group in groupby(pieces, key=lambda piece: _shape(piece.kind)):
        found = list(group)
        if kind is Kind.ITEM:
            yield _list([piece.parts for piece in found])
        elif kind is Kind.CODE:
            yield from (RichTextPreformattedElement(elements=piece.parts) for piece in found)
        else:
            yield section(_joined(found))


def _shape(kind: Kind) -> Kind:
    return Kind.PARAGRAPH if kind is Kind.HEADING else kind


def _joined(pieces: Sequence[Piece]) -> list[Part]:
    parts: list[Part] = []
    for number, piece in enumerate(pieces):
        between = "\n" if number and pieces[number - 1].kind is Kind.HEADING else "\n\n"
        parts += [*(runs(between) if number else []), *piece.parts]
    return parts


def _list(items: Sequence[Sequence[Part]]) -> RichTextElement:
    return RichTextListElement(style="bullet", elements=[section(parts) for parts in items])
