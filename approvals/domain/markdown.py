"""Parse the subset of Markdown that a request's details may use. Every surface renders its blocks.

Known: `# headings`, `- lists`, ``` blocks of code, **bold**, *italic*, `code` and [links](https://...). All else is
text: no HTML, no images, nothing nested, and no link whose address could deceive (see `addresses`). No character is
lost but the marks, and every pattern reads a character a few times at most.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import accumulate

from approvals.domain.addresses import is_address


class Style(StrEnum):
    """The style of a run of text."""

    PLAIN = "plain"
    BOLD = "bold"
    ITALIC = "italic"
    CODE = "code"
    LINK = "link"


class BlockKind(StrEnum):
    """The kind of a block. A PARAGRAPH may have line breaks in it; a CODE block is one plain run."""

    PARAGRAPH = "paragraph"
    HEADING = "heading"
    ITEM = "item"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text in one style. `url` is the address of a link."""

    text: str
    style: Style = Style.PLAIN
    url: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a heading, an item of a list, or a block of code. `end` is where it ends in the text."""

    kind: BlockKind
    spans: tuple[Span, ...]
    end: int = field(default=0, compare=False)


_INLINE = re.compile(
    r"`(?P<code>[^`\n]+)`"
    r"|\*\*(?P<bold>[^*\s](?:[^*\n]*[^*\s])?)\*\*"
    r"|(?<![\w*])\*(?P<italic>[^*\s](?:[^*\n]*[^*\s])?)\*(?![\w*])"
    # No [ in a label: otherwise each of many would start a search of its own.
    r"|\[(?P<label>[^\[\]\n]{1,300})\]\((?P<url>[^()\s]{1,2000})\)"
)
_HEADING = re.compile(r"#{1,6} +(\S.*)")
_ITEM = re.compile(r"\s{0,8}[-*] +(\S.*)")
_FENCE = re.compile(r"\s*```[\w+#.-]{0,20}\s*")
"""A language may follow it and is left out. A longer text may not follow: it would be lost."""


def parse(text: str) -> Iterator[Block]:
    """Yield the blocks of a text. Each line starts a block or continues the paragraph before it."""
    lines = text.split("\n")
    ends = [min(end, len(text)) for end in accumulate(len(line) + 1 for line in lines)]
    paragraph: list[str] = []
    at = 0
    while at < len(lines):
        line, start = lines[at], at
        at += 1
        is_fence = _FENCE.fullmatch(line) is not None
        found = None if is_fence else _heading_or_item(line)
        if paragraph and (is_fence or found or not line.strip()):
            yield _block(BlockKind.PARAGRAPH, "\n".join(paragraph), ends[start - 1])
            paragraph = []
        if is_fence:
            closing = next((number for number in range(at, len(lines)) if lines[number].strip() == "```"), len(lines))
            yield Block(BlockKind.CODE, (Span("\n".join(lines[at:closing])),), ends[min(closing, len(lines) - 1)])
            at = closing + 1
        elif found:
            yield _block(*found, ends[start])
        elif line.strip():
            paragraph.append(line)
    if paragraph:
        yield _block(BlockKind.PARAGRAPH, "\n".join(paragraph), ends[-1])


def plain(blocks: Iterable[Block]) -> str:
    """Return blocks as plain text. Marks stay where they help to read, and a link's address follows it."""
    written = ""
    before: BlockKind | None = None
    for block in blocks:
        words = "".join(f"{span.text} ({span.url})" if span.style is Style.LINK else span.text for span in block.spans)
        # An empty line separates blocks, but not a heading from what follows it, nor the items of a list.
        together = before is BlockKind.HEADING or (before is BlockKind.ITEM and block.kind is BlockKind.ITEM)
        between = "" if before is None else "\n" if together else "\n\n"
        written += between + (f"- {words}" if block.kind is BlockKind.ITEM else words)
        before = block.kind
    return written


def shape(block: Block) -> BlockKind:
    """Return the kind by which neighbors are grouped: a heading stands with the paragraphs around it."""
    return BlockKind.PARAGRAPH if block.kind is BlockKind.HEADING else block.kind


def _block(kind: BlockKind, text: str, end: int) -> Block:
    return Block(kind, tuple(_spans(text)), end)


def _heading_or_item(line: str) -> tuple[BlockKind, str] | None:
    if heading := _HEADING.fullmatch(line):
        return BlockKind.HEADING, heading[1]
    item = _ITEM.fullmatch(line)
    return (BlockKind.ITEM, item[1]) if item else None


def _spans(text: str) -> Iterator[Span]:
    at = 0
    for found in _INLINE.finditer(text):
        span = _span(found)
        if span is None:
            continue
        if found.start() > at:
            yield Span(text[at : found.start()])
        yield span
        at = found.end()
    if at < len(text):
        yield Span(text[at:])


def _span(found: re.Match[str]) -> Span | None:
    if found["url"]:
        return Span(found["label"], Style.LINK, found["url"]) if is_address(found["url"]) else None
    style = Style(found.lastgroup or "")
    return Span(found[style], style)
