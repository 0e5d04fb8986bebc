"""The subset of Markdown that a request's details may use, taken apart once for every surface. Standard library only.

Known: `# headings`, `- lists`, ``` blocks of code, **bold**, *italic*, `code` and [links](https://...). All else is
text: no HTML, no images, nothing nested, and no link whose address could deceive (see `addresses`). What is taken apart
is complete: no character of the text is lost, save the marks; nor is it ever slow, as every pattern reads a character a
few times at most.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile

from approvals.addresses import is_address


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
    """A paragraph, a heading, an item of a list, or a block of code."""

    kind: Kind
    spans: tuple[Span, ...]


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


def parse(text: str) -> list[Block]:
    """Takes a text apart."""
    return list(_blocks(text.split("\n")))


def plain(text: str) -> str:
    """The text for a mail: marks are kept where they help to read, and the address of a link stands behind it."""
    written = ""
    before: Kind | None = None
    for block in parse(text):
        words = "".join(f"{span.text} ({span.url})" if span.style is Style.LINK else span.text for span in block.spans)
        # Blocks stand apart; what follows a heading, and the items of a list, stand together.
        together = before is Kind.HEADING or (before is Kind.ITEM and block.kind is Kind.ITEM)
        between = "" if before is None else "\n" if together else "\n\n"
        written += between + (f"- {words}" if block.kind is Kind.ITEM else words)
        before = block.kind
    return written


def _blocks(lines: list[str]) -> Iterator[Block]:
    """Each line begins a block, or goes on with the paragraph before it; a fence takes all lines to the next one."""
    rest = iter(lines)
    paragraph: list[str] = []
    for line in rest:
        fence = _FENCE.fullmatch(line) is not None
        block = None if fence else _block_of_a_line(line)
        if paragraph and (fence or block or not line.strip()):
            yield _block(Kind.PARAGRAPH, "\n".join(paragraph))
            paragraph = []
        if fence:
            code = takewhile(lambda inner: inner.strip() != "```", rest)
            yield Block(Kind.CODE, (Span("\n".join(code)),))
        elif block:
            yield block
        elif line.strip():
            paragraph.append(line)
    if paragraph:
        yield _block(Kind.PARAGRAPH, "\n".join(paragraph))


def _block_of_a_line(line: str) -> Block | None:
    if heading := _HEADING.fullmatch(line):
        return _block(Kind.HEADING, heading[1])
    item = _ITEM.fullmatch(line)
    return _block(Kind.ITEM, item[1]) if item else None


def _block(kind: Kind, text: str) -> Block:
    return Block(kind, tuple(_spans(text)))


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
    if found["code"]:
        return Span(found["code"], Style.CODE)
    if found["bold"]:
        return Span(found["bold"], Style.BOLD)
    if found["italic"]:
        return Span(found["italic"], Style.ITALIC)
    return Span(found["label"], Style.LINK, found["url"]) if is_address(found["url"]) else None
