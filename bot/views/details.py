"""What the requester wrote, as quoted rich text, cut to what a message holds."""

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
    RichTextSectionElement,
)

from approvals.domain import facts, markdown, omissions
from approvals.domain.markdown import Kind, Span, Style
from approvals.domain.omissions import MAX_RUN, MAX_STYLED_FACTS, Shown, text_weight
from approvals.domain.parts import Moment, Names, Text, joined
from bot.views.text import Part, date, link, paragraph, prefix, rich, runs, weight_of

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
    """The weight that may still be added. `hidden` counts the characters that are left out."""

    left: int
    hidden: int = 0

    def fill(self, part: str | Moment | Names) -> list[Part]:
        """Return as much of a part as there is room for, and take that room. A moment is whole or left out."""
        if not isinstance(part, Moment):
            return runs(self._take(str(part)))
        element = date(part)
        needed = weight_of([element])
        if self.hidden or self.left < needed:
            self.left = 0  # Nothing smaller may slip in behind it.
            self.hidden += len(str(part))
            return []
        self.left -= needed
        return [element]

    def _take(self, text: str) -> str:
        beside = ELEMENT * (1 + min(len(text), max(self.left, 0)) // MAX_RUN)
        shown = prefix(text, self.left - beside) if self.left > beside and not self.hidden else ""
        self.hidden += len(text) - len(shown)
        if shown:
            self.left -= beside + text_weight(shown)
        return shown


def from_request(shown: Shown) -> list[Block]:
    """Return all that is shown of a request, quoted: nothing in it looks like our own words."""
    links = [link(label, url, f"{label}: {url}") for label, url in shown.links]
    context = "\n".join(f"{label}: {facts.indent(value)}" for label, value in shown.context)
    parts: list[tuple[str, list[RichTextElement]]] = [
        ("Facts", _quoted(_facts(shown))),
        ("Details", list(_details(shown.details))),
        ("Links", [_list(links)] if links else []),
        ("Workflow input", _quoted(runs(context))),
    ]
    blocks = [rich(_section(runs(title, Style.BOLD)), *elements) for title, elements in parts if elements]
    return [paragraph(f"*{FROM_REQUEST}*"), *blocks] if blocks else []


def quote(text: str, room: int) -> list[Block]:
    """Return what a person said, as a quotation without a heading."""
    return _cut(RichTextQuoteElement, [text], room)


def lines(rows: Sequence[str | Text], room: int) -> list[Block]:
    """Return our own sentences with names and moments in them, a line each, without a heading."""
    return _cut(RichTextSectionElement, joined(rows, "\n").parts, room)


def _cut(
    element: type[RichTextQuoteElement | RichTextSectionElement], parts: Sequence[str | Moment | Names], room: int
) -> list[Block]:
    """Return the parts in one element, as much as there is room for, and how much is left out."""
    space = Room(room - BLOCK - NOTE)
    shown = [each for part in parts for each in space.fill(part)]
    if space.hidden:
        shown += runs(f"\u2026 ({space.hidden:,} more characters)", Style.ITALIC)
    return [rich(element(elements=shown))] if shown else []


def _facts(shown: Shown) -> list[Part]:
    rows = shown.facts
    if len(rows) > MAX_STYLED_FACTS or any(omission.part is omissions.Part.FACTS for omission in shown.omissions):
        return runs("\n".join(f"{label}: {value}" for label, value in rows))
    parts: list[Part] = []
    for number, (label, value) in enumerate(rows):
        end = "" if number == len(rows) - 1 else "\n"
        parts += [*runs(label, Style.BOLD), *runs(f": {value}{end}")]
    return parts


def _quoted(parts: Sequence[Part]) -> list[RichTextElement]:
    return [RichTextQuoteElement(elements=parts)] if parts else []


def _details(blocks: Sequence[markdown.Block]) -> Iterator[RichTextElement]:
    """Return neighboring items as one list, neighboring paragraphs and headings as one quote with blank lines."""
    # Slack refuses an element without text: an empty block of code.
    for kind, group in groupby((block for block in blocks if _parts(block)), key=markdown.shape):
        found = list(group)
        if kind is Kind.ITEM:
            yield _list([_parts(block) for block in found])
        elif kind is Kind.CODE:
            yield from (RichTextPreformattedElement(elements=_parts(block), border=BORDER) for block in found)
        else:
            yield RichTextQuoteElement(elements=_joined(found))


def _parts(block: markdown.Block) -> list[Part]:
    return [part for span in block.spans for part in _span(span, block.kind)]


def _span(span: Span, kind: Kind) -> list[Part]:
    if span.style is Style.LINK:
        return link(span.text, span.url, f"{span.text} ({span.url})")
    return runs(span.text, Style.BOLD if kind is Kind.HEADING and span.style is Style.PLAIN else span.style)


def _joined(blocks: Sequence[markdown.Block]) -> list[Part]:
    parts: list[Part] = []
    for number, block in enumerate(blocks):
        between = "\n" if number and blocks[number - 1].kind is Kind.HEADING else "\n\n"
        parts += [*(runs(between) if number else []), *_parts(block)]
    return parts


def _list(items: Sequence[Sequence[Part]]) -> RichTextElement:
    return RichTextListElement(style="bullet", elements=[_section(parts) for parts in items], border=BORDER)


def _section(parts: Sequence[Part]) -> RichTextElement:
    return RichTextSectionElement(elements=parts)
