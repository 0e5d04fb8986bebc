"""What the requester wrote, as quoted rich text, cut to what a message holds."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
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
from approvals.domain.markdown import BlockKind, Span, Style
from approvals.domain.omissions import MAX_STYLED_FACTS, Shown
from approvals.domain.parts import Moment, Text, join_texts, truncate
from bot.views.text import Part, date, link, paragraph, rich, runs, weight_of

FROM_REQUEST = "From the request"
"""The heading of what the requester wrote."""

BORDER = 1
"""Draws the bar of a quote beside lists and code.

Source: https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
"""


def from_request(shown: Shown) -> list[Block]:
    """Return all that is shown of a request, quoted: nothing in it looks like our own words."""
    links = [link(label, url, f"{label}: {url}") for label, url in shown.links]
    parts: list[tuple[str, list[RichTextElement]]] = [
        ("Facts", _quoted(_facts(shown))),
        (facts.ACTION, _quoted(_values(shown.action))),
        ("Details", list(_details(shown.details))),
        ("Links", [_list(links)] if links else []),
        ("Workflow input", _quoted(_values(shown.context))),
    ]
    blocks = [rich(_section(runs(title, Style.BOLD)), *elements) for title, elements in parts if elements]
    return [paragraph(f"*{FROM_REQUEST}*"), *blocks] if blocks else []


def quote(text: str, room: int) -> list[Block]:
    """Return what a person said, as a quotation without a heading."""
    return _cut(text, room, RichTextQuoteElement)


def lines(rows: Sequence[str | Text], room: int) -> list[Block]:
    """Return our own sentences with names and moments in them, a line each, without a heading."""
    return _cut(join_texts(rows, "\n"), room, RichTextSectionElement)


def _cut(said: str | Text, room: int, element: type[RichTextQuoteElement | RichTextSectionElement]) -> list[Block]:
    """Return a block with as much of a text as weighs at most `room`, and how much is left out."""
    length = len(str(said))

    def block(most: int) -> Block:
        shown = truncate(said, most)
        parts = [
            each for part in shown.parts for each in ([date(part)] if isinstance(part, Moment) else runs(str(part)))
        ]
        hidden = length - len(str(shown))
        note = runs(f"\u2026 ({hidden:,} more characters)", Style.ITALIC) if hidden else []
        return rich(element(elements=[*parts, *note]))

    def weight(most: int) -> int:
        return weight_of([block(most)])

    if length <= room and weight(length) <= room:
        return [block(length)] if length else []
    return [block(bisect_right(range(1, room), room, key=weight))]


def _facts(shown: Shown) -> list[Part]:
    rows = shown.facts
    if len(rows) > MAX_STYLED_FACTS or omissions.RequestPart.FACTS in shown.omissions:
        return runs("\n".join(f"{label}: {value}" for label, value in rows))
    parts: list[Part] = []
    for number, (label, value) in enumerate(rows):
        end = "" if number == len(rows) - 1 else "\n"
        parts += [*runs(label, Style.BOLD), *runs(f": {value}{end}")]
    return parts


def _values(rows: Sequence[tuple[str, str]]) -> list[Part]:
    return runs("\n".join(f"{label}: {facts.indent(value)}" for label, value in rows))


def _quoted(parts: Sequence[Part]) -> list[RichTextElement]:
    return [RichTextQuoteElement(elements=parts)] if parts else []


def _details(blocks: Sequence[markdown.Block]) -> Iterator[RichTextElement]:
    """Return neighboring items as one list, neighboring paragraphs and headings as one quote with blank lines."""
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
        return link(span.text, span.url, f"{span.text} ({span.url})")
    return runs(span.text, Style.BOLD if kind is BlockKind.HEADING and span.style is Style.PLAIN else span.style)


def _joined(blocks: Sequence[markdown.Block]) -> list[Part]:
    parts: list[Part] = []
    for number, block in enumerate(blocks):
        between = "\n" if number and blocks[number - 1].kind is BlockKind.HEADING else "\n\n"
        parts += [*(runs(between) if number else []), *_parts(block)]
    return parts


def _list(items: Sequence[Sequence[Part]]) -> RichTextElement:
    return RichTextListElement(style="bullet", elements=[_section(parts) for parts in items], border=BORDER)


def _section(parts: Sequence[Part]) -> RichTextElement:
    return RichTextSectionElement(elements=parts)
