"""The subset of Markdown that a request's details may use, taken apart once for every surface. Standard library only.

Known: `# headings`, `- lists`, ``` blocks of code, **bold**, *italic*, `code` and [links](https://...). All else is
text: no HTML, no images, nothing nested, and no link whose address could deceive (see `addresses`). What is taken apart
is complete: no character of the text is lost, save the marks; nor is it ever slow, as every pattern reads a character a
few times at most.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import takewhile

from approvals.domain.addresses import is_address


class Style(StrEnum):
    """How a run of text looks."""

    PLAIN = "plain"
    BOLD = "bold"
    ITALIC = "italic"
    CODE = "code"
    LINK = "link"


class Kind(StrEnum):
    """What a block is. A PARAGRAPH may have line breaks in it; a CODE block is one plain run."""

    PARAGRAPH = "paragraph"
    HEADING = "heading"
    ITEM = "item"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text in one style; `url` is where a link leads."""

    text: str
    style: Style = Style.PLAIN
    url: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a heading, an item of a list, or a block of code. It ends before the character `end` of its text."""

    kind: Kind
    spans: tuple[Span, ...]
    end: int = field(default=0, compare=False)


_INLINE = re.compile(
    r"`(?P<code>[^`\n]+)`"
    r"|\*\*(?P<bold>[^*\s](?:[^*\n]*[^*\s])?)\*\*"
    r"|(?<![\w*])\*(?P<italic>[^*\s](?:[^*\n]*[^*\s])?)\*(?![\w*])"
    # No [ in a label: else each of many would begin a search of its own.
    r"|\[(?P<label>[^\[\]\n]{1,300})\]\((?P<url>[^()\s]{1,2000})\)"
)
_HEADING = re.compile(r"#{1,6} +(\S.*)")
_ITEM = re.compile(r"\s{0,8}[-*] +(\S.*)")
_FENCE = re.compile(r"\s*```[\w+#.-]{0,20}\s*")
"""A language may stand behind it, and is left out; a longer text may not: it would be lost."""


def parse(text: str) -> Iterator[Block]:
    """Take a text apart, block by block as they are asked for."""
    return _blocks(_Lines(text))


def plain(blocks: Iterable[Block]) -> str:
    """Write blocks for a mail: marks are kept where they help to read, and the address of a link stands behind it."""
    written = ""
    before: Kind | None = None
    for block in blocks:
        words = "".join(f"{span.text} ({span.url})" if span.style is Style.LINK else span.text for span in block.spans)
        # Blocks stand apart; what follows a heading, and the items of a list, stand together.
        together = before is Kind.HEADING or (before is Kind.ITEM and block.kind is Kind.ITEM)
        between = "" if before is None else "\n" if together else "\n\n"
        written += between + (f"- {words}" if block.kind is Kind.ITEM else words)
        before = block.kind
    return written


def shape(block: Block) -> Kind:
    """Return what a block is among its neighbors: a heading stands with the paragraphs around it."""
    return Kind.PARAGRAPH if block.kind is Kind.HEADING else block.kind


class _Lines(Iterator[str]):
    """The lines of a text; `read` counts the characters of those that were handed out."""

    def __init__(self, text: str) -> None:
        self._lines = iter(text.split("\n"))
        self._end = len(text)
        self.read = 0

    def __next__(self) -> str:
        line = next(self._lines)
        self.read = min(self.read + len(line) + 1, self._end)
        return line


def _blocks(lines: _Lines) -> Iterator[Block]:
    """Each line begins a block, or goes on with the paragraph before it; a fence takes all lines to the next one."""
    paragraph: list[str] = []
    end = 0
    for line in lines:
        fence = _FENCE.fullmatch(line) is not None
        found = None if fence else _heading_or_item(line)
        if paragraph and (fence or found or not line.strip()):
            yield Block(Kind.PARAGRAPH, _spans("\n".join(paragraph)), end)
            paragraph = []
        if fence:
            code = "\n".join(takewhile(lambda inner: inner.strip() != "```", lines))
            yield Block(Kind.CODE, (Span(code),), lines.read)
        elif found:
            kind, text = found
            yield Block(kind, _spans(text), lines.read)
        elif line.strip():
            paragraph.append(line)
            end = lines.read
    if paragraph:
        yield Block(Kind.PARAGRAPH, _spans("\n".join(paragraph)), end)


def _heading_or_item(line: str) -> tuple[Kind, str] | None:
    if heading := _HEADING.fullmatch(line):
        return Kind.HEADING, heading[1]
    item = _ITEM.fullmatch(line)
    return (Kind.ITEM, item[1]) if item else None


def _spans(text: str) -> tuple[Span, ...]:
    return tuple(_taken_apart(text))


def _taken_apart(text: str) -> Iterator[Span]:
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
    if found["code"]:
        return Span(found["code"], Style.CODE)
    if found["bold"]:
        return Span(found["bold"], Style.BOLD)
    if found["italic"]:
        return Span(found["italic"], Style.ITALIC)
    return Span(found["label"], Style.LINK, found["url"]) if is_address(found["url"]) else None
