"""Fit a request into a surface: one computation for what it shows and what it omits, so that they can't disagree.

A surface that omits anything says what, has no button that approves at once, and leads to the page, which shows
everything.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from approvals.domain import facts, markdown
from approvals.domain.addresses import label_with_host
from approvals.domain.markdown import Block, BlockKind, Span, Style
from approvals.domain.model import Approval, Json, shorten
from approvals.domain.parts import join_names, pluralize

MAX_STYLED_FACTS = 20
"""With more facts, labels are not bold: each run of its own would weigh more than its text."""

MAX_NAMED, MAX_NAME = 3, 30
"""Links that a note names, and the characters of each name."""

MORE = "\N{HORIZONTAL ELLIPSIS}"
"""Stands where a text is cut."""


@dataclass(frozen=True, slots=True)
class Surface:
    """What a place can show of a request. Numbers are in the unit of `measure`, which counts each character.

    `room` is for all parts together. The others are what something takes beside its text: a `part` (with its heading),
    a `row` (a fact, a link, a value of the input), a `block` of the details, a `group` of blocks of one shape, a `run`
    of text, a `style` of it, a `line`. `note` is the size of the text about omissions. `form` tells whether the form
    is shown, or the button opens it.
    """

    room: int
    measure: Callable[[str], int]
    part: int
    row: int
    block: int
    group: int
    run: int
    style: int
    line: int
    note: int = 0
    form: bool = True


class RequestPart(StrEnum):
    """A part of a request. The value is its name for people."""

    FACTS = "facts"
    ACTION = "action"
    DETAILS = "details"
    LINKS = "links"
    CONTEXT = "workflow input"
    FORM = "form"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """All that a surface shows beside the title, and its size.

    `omissions` says what the surface omits of a part, in words: `12 of 52 lines of the workflow input`.
    """

    facts: tuple[tuple[str, str], ...] = ()
    action: tuple[tuple[str, str], ...] = ()
    details: tuple[Block, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    context: tuple[tuple[str, str], ...] = ()
    omissions: Mapping[RequestPart, str] = field(default_factory=dict)
    size: int = 0

    @property
    def is_complete(self) -> bool:
        """Return True if nothing is omitted. Only then may the surface have an approve button."""
        return not self.omissions

    @property
    def left_out(self) -> str:
        """Return all omissions in words."""
        return join_names([*self.omissions.values()])


@dataclass(frozen=True, slots=True)
class _Fitted:
    """The content of a part that fits, its size, and what does not fit, in words."""

    content: tuple[tuple[str, str], ...] | tuple[Block, ...]
    size: int
    left_out: str = ""


def fit(approval: Approval, surface: Surface, *, taken: int = 0) -> Shown:
    """Return what a surface shows of a request. `taken` is the size of other content in the same room.

    If not everything fits, the smallest parts come first and the larger ones share the rest: no part hides another.
    """
    room = max(surface.room - taken, 0)
    fitted = {part: show(approval, surface, room) for part, show in _PARTS.items()}
    if any(each.left_out for each in fitted.values()) or sum(each.size for each in fitted.values()) > room:
        left = max(room - surface.note, 0)
        smallest_first = sorted(fitted, key=lambda part: (bool(fitted[part].left_out), fitted[part].size))
        for waiting, part in zip(range(len(fitted), 0, -1), smallest_first, strict=True):
            fitted[part] = _PARTS[part](approval, surface, left // waiting)
            left -= fitted[part].size
    omissions = {part: fitted[part].left_out for part in _PARTS if fitted[part].left_out}
    if approval.request.form and not surface.form:
        omissions[RequestPart.FORM] = f"the form ({pluralize(len(approval.request.form), 'field')})"
    return Shown(
        **{part.name.lower(): each.content for part, each in fitted.items()},  # type: ignore[arg-type]  # each its own
        omissions=omissions,
        size=sum(each.size for each in fitted.values()),
    )


def _facts(approval: Approval, surface: Surface, room: int) -> _Fitted:
    rows = facts.claims(approval)
    beside = surface.row + (2 * surface.run + surface.style if len(rows) <= MAX_STYLED_FACTS else 0)
    return _rows(RequestPart.FACTS, rows, [beside] * len(rows), surface, room)


def _links(approval: Approval, surface: Surface, room: int) -> _Fitted:
    links = approval.request.links
    hosts = [surface.measure(label_with_host("", url)) for _, url in links]
    beside = [surface.row + surface.block + surface.run + surface.style + host for host in hosts]
    fitted = _rows(RequestPart.LINKS, links, beside, surface, room)
    if not fitted.left_out:
        return fitted
    return replace(fitted, left_out=f"{fitted.left_out} ({_names(links[len(fitted.content) :])})")


def _rows(
    part: RequestPart, rows: tuple[tuple[str, str], ...], beside: Iterable[int], surface: Surface, room: int
) -> _Fitted:
    """Fit labels and values: each whole, or not at all."""
    size, shown = surface.part, 0
    for (label, value), more in zip(rows, beside, strict=True):
        needed = more + surface.measure(label) + _lines_size(value, surface)
        if size + needed > room:
            break
        size += needed
        shown += 1
    hidden = len(rows) - shown
    return _Fitted(rows[:shown], size if shown else 0, _share(hidden, len(rows), part.value[:-1]) if hidden else "")


def _details(approval: Approval, surface: Surface, room: int) -> _Fitted:
    """Fit the details block by block. A paragraph or code that does not fit is cut, a link never."""
    text = approval.request.details or ""
    left = room - surface.part
    blocks: list[Block] = []
    end = 0
    # A character takes at least 1, so text behind these has no room: cut before parsing.
    for block in markdown.parse(text[: max(left, 0)]):
        shape = markdown.shape(block)
        grouped = blocks and shape is markdown.shape(blocks[-1]) and shape is not BlockKind.CODE
        beside = surface.block + (0 if grouped else surface.group)
        needed = beside + sum(_span_size(span, surface) for span in block.spans)
        if needed > left:
            spans = tuple(_cut(block.spans, surface, left - beside))
            if spans:
                blocks.append(Block(block.kind, (*spans, Span(MORE))))
                end += sum(len(span.text) for span in spans)
                left = 0
            break
        left -= needed
        blocks.append(block)
        end = block.end
    else:
        end = min(len(text), max(room - surface.part, 0))
    hidden = len(text) - end
    size = room - left if blocks else 0
    return _Fitted(tuple(blocks), size, f"{_share(hidden, len(text), 'character')} of the details" if hidden else "")


def _cut(spans: Iterable[Span], surface: Surface, room: int) -> Iterator[Span]:
    left = room - surface.run - surface.measure(MORE)
    for span in spans:
        needed = _span_size(span, surface)
        if needed > left:
            room_for_text = left - surface.run - surface.style
            if span.style is not Style.LINK and (text := _beginning(span.text, surface, room_for_text)):
                yield replace(span, text=text)
            return
        left -= needed
        yield span


def _action(approval: Approval, surface: Surface, room: int) -> _Fitted:
    return _values(RequestPart.ACTION, list(facts.action_rows(approval.request)), surface, room)


def _context(approval: Approval, surface: Surface, room: int) -> _Fitted:
    return _values(RequestPart.CONTEXT, list(facts.input_rows(approval)), surface, room)


def _values(part: RequestPart, given: Sequence[tuple[str, Json]], surface: Surface, room: int) -> _Fitted:
    """Fit labels and values one by one, cut between lines if there are several."""
    size = surface.part
    rows: list[tuple[str, str]] = []
    for number, (label, value) in enumerate(given):
        left = room - size - surface.row - surface.measure(label)
        whole = facts.readable_value(value, left + 1) if left > 0 else MORE
        needed = _lines_size(whole, surface)
        if needed <= left:
            rows.append((label, whole))
            size = room - left + needed
            continue
        text = _beginning(whole, surface, left - surface.line - surface.measure(f"\n{MORE}"))
        if "\n" in text:
            text = text.rpartition("\n")[0]
        in_part = bool(text) and whole[len(text)] != "\n"
        if text:
            rows.append((label, f"{text}{'' if in_part else chr(10)}{MORE}"))
        return _Fitted(tuple(rows), room if rows else 0, _hidden_lines(part, given, number, text, in_part=in_part))
    return _Fitted(tuple(rows), size if rows else 0)


def _hidden_lines(part: RequestPart, given: Sequence[tuple[str, Json]], cut: int, text: str, *, in_part: bool) -> str:
    """Name the omission behind the beginning `text` of the value at `cut`, whose last line may be in part."""
    hidden = sum(_lines(value) for _, value in given[cut:]) - (text.count("\n") + 1 if text and not in_part else 0)
    if hidden == 1 and in_part:
        whole = len(facts.as_text(given[cut][1]))
        return f"{_share(whole - len(text), whole, 'character')} of a line of the {part}"
    lines = _share(hidden, sum(_lines(value) for _, value in given), "line")
    return f"{lines} of the {part}{', one of them in part' if in_part else ''}"


def _span_size(span: Span, surface: Surface) -> int:
    size = surface.run + (0 if span.style is Style.PLAIN else surface.style) + surface.measure(span.text)
    return size + surface.measure(span.url) + surface.measure(label_with_host("", span.url)) if span.url else size


def _lines_size(text: str, surface: Surface) -> int:
    return surface.measure(text) + surface.line * len(text.splitlines())


def _beginning(text: str, surface: Surface, room: int) -> str:
    """Return the longest beginning of a text that fits. A character takes at least 1."""
    text = text[: max(room, 0)]
    fitting = bisect_right(range(1, len(text) + 1), room, key=lambda end: _lines_size(text[:end], surface))
    return text[:fitting]


def _names(links: tuple[tuple[str, str], ...]) -> str:
    """Name links by their labels, as far as a note has room for them."""
    quoted = [f"\u201c{shorten(label, MAX_NAME)}\u201d" for label, _ in links[:MAX_NAMED]]
    more = len(links) - len(quoted)
    return ", ".join([*quoted, *([f"{more} more"] if more else [])])


def _lines(value: Json) -> int:
    return 1 + value.count("\n") if isinstance(value, str) else 1


def _share(hidden: int, number: int, noun: str) -> str:
    """Return the number of omitted things: `12 of 52 lines`, or `all 52 lines`."""
    if hidden < number:
        return f"{hidden:,} of {pluralize(number, noun)}"
    return f"all {pluralize(number, noun)}" if number > 1 else pluralize(number, noun)


_PARTS: dict[RequestPart, Callable[[Approval, Surface, int], _Fitted]] = {
    RequestPart.FACTS: _facts,
    RequestPart.ACTION: _action,
    RequestPart.DETAILS: _details,
    RequestPart.LINKS: _links,
    RequestPart.CONTEXT: _context,
}
"""The parts in the order in which surfaces show them. A request that was read without its context raises an error."""
