"""What the requester wrote, as quoted rich text: a request may say far more than a message holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from slack_sdk.models.blocks import (
    Block,
    RichTextElement,
    RichTextListElement,
    RichTextPreformattedElement,
    RichTextQuoteElement,
)

from approvals.domain import facts, markdown, omissions
from approvals.domain.addresses import label_with_host
from approvals.domain.markdown import BlockKind, Span, Style
from approvals.domain.omissions import MAX_STYLED_FACTS, Shown
from approvals.domain.parts import Moment, Names, Text, join_texts
from bot.surfaces import MAX_RUN, text_weight
from bot.views.text import (
    DateElement,
    Part,
    heading,
    link,
    prefix,
    rich,
    runs,
    section,
    weight_of,
)

FROM_REQUEST = "From the request"
"""The heading of what the requester wrote."""

BORDER = 1
"""Draws the bar of a quote beside lists and code.

Source: https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
"""

ELEMENT = 90
"""What a run of text weighs at most beside its text and address: the JSON around it."""

BLOCK = 180
"""What a block weighs beside its elements."""

NOTE = 180
"""What the note about a cut weighs."""


@dataclass(slots=True)
class Room:
    """What may still be added, as weight; `hidden` counts the characters that found no place."""

    left: int
    hidden: int = 0

    def take(self, text: str) -> str:
        """Returns as much of the text as there is room for, and takes that room."""
        beside = ELEMENT * (1 + min(len(text), max(self.left, 0)) // MAX_RUN)
        shown = prefix(text, self.left - beside) if self.left > beside and not self.hidden else ""
        self.hidden += len(text) - len(shown)
        if shown:
            self.left -= beside + text_weight(shown)
        return shown


def from_request(shown: Shown) -> list[Block]:
    """All that is shown of a request, quoted: nothing in it looks like ours."""
    parts: list[tuple[str, list[RichTextElement]]] = [
        ("Facts", _facts(shown)),
        ("Details", list(_details(shown.details))),
        ("Links", [_list([_link(label, url) for label, url in shown.links])] if shown.links else []),
        ("Workflow input", _context(shown.context)),
    ]
    blocks = [rich([section(runs(title, Style.BOLD)), *elements]) for title, elements in parts if elements]
    return [heading(FROM_REQUEST), *blocks] if blocks else []


def quote(text: str, room: int) -> list[Block]:
    """What somebody said, as a quotation without a heading."""
    space = Room(room - BLOCK - NOTE)
    parts = runs(space.take(text))
    return [rich([RichTextQuoteElement(elements=[*parts, *_note(space)])])] if parts or space.hidden else []


def lines(rows: Sequence[str | Text], room: int) -> list[Block]:
    """Sentences of ours with names and moments in them, a line each, without a heading."""
    space = Room(room - BLOCK - NOTE)
    parts = [part for each in join_texts(rows, "\n").parts for part in _shown(each, space)]
    return [rich([section([*parts, *_note(space)])])] if parts or space.hidden else []


def _shown(part: str | Moment | Names, space: Room) -> list[Part]:
    if not isinstance(part, Moment):
        return runs(space.take(str(part)))
    date = DateElement(part)
    needed = weight_of([date])
    if space.hidden or space.left < needed:
        space.left = 0  # nothing smaller may slip in behind it
        space.hidden += len(str(part))
        return []
    space.left -= needed
    return [date]


def _note(space: Room) -> list[Part]:
    return runs(f"\u2026 ({space.hidden:,} more characters)", Style.ITALIC) if space.hidden else []


def _facts(shown: Shown) -> list[RichTextElement]:
    rows = shown.facts
    if len(rows) > MAX_STYLED_FACTS or omissions.RequestPart.FACTS in shown.omissions:
        return _quoted(runs("\n".join(f"{label}: {value}" for label, value in rows)))
    parts: list[Part] = []
    for number, (label, value) in enumerate(rows):
        end = "" if number == len(rows) - 1 else "\n"
        parts += [*runs(label, Style.BOLD), *runs(f": {value}{end}")]
    return _quoted(parts)


def _context(rows: Sequence[tuple[str, str]]) -> list[RichTextElement]:
    return _quoted(runs("\n".join(f"{label}: {facts.indent(value)}" for label, value in rows)))


def _quoted(parts: Sequence[Part]) -> list[RichTextElement]:
    return [RichTextQuoteElement(elements=parts)] if parts else []


def _link(label: str, url: str) -> list[Part]:
    found = link(label_with_host(label, url), url)
    return [found] if found else runs(f"{label}: {url}")


def _details(blocks: Sequence[markdown.Block]) -> Iterator[RichTextElement]:
    """Neighbouring items are one list, neighbouring paragraphs and headings one quote with empty lines between."""
    # Slack refuses an element without text: an empty block of code.
    for kind, group in groupby((block for block in blocks if _parts(block)), key=markdown.shape):
        found = list(group)
        if kind is BlockKind.ITEM:
            yield _list([_parts(block) for block in found])
        elif kind is BlockKind.CODE:
            yield from (RichTextPreformattedElement(elements=_parts(block), border=BORDER) for block in found)
        else:
            yield RichTextQuoteElement(elements=_joined(found))


def _parts(block: markdown.Block) -> list[Part]:
    return [part for span in block.spans for part in _span(span, block.kind)]


def _span(span: Span, kind: BlockKind) -> list[Part]:
    if span.style is Style.LINK:
        found = link(label_with_host(span.text, span.url), span.url)
        return [found] if found else runs(f"{span.text} ({span.url})")
    return runs(span.text, Style.BOLD if kind is BlockKind.HEADING and span.style is Style.PLAIN else span.style)


def _joined(blocks: Sequence[markdown.Block]) -> list[Part]:
    parts: list[Part] = []
    for number, block in enumerate(blocks):
        between = "\n" if number and blocks[number - 1].kind is BlockKind.HEADING else "\n\n"
        parts += [*(runs(between) if number else []), *_parts(block)]
    return parts


def _list(items: Sequence[Sequence[Part]]) -> RichTextElement:
    return RichTextListElement(style="bullet", elements=[section(parts) for parts in items], border=BORDER)
