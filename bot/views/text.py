"""Text in Slack: what others wrote shown exactly as they wrote it, and what a message's text weighs.

What requesters and approvers wrote goes into rich text: nothing in it is formatted, mentioned, linked or run, save what
we make an element of. Our own words go into mrkdwn.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime

from slack_sdk.models.blocks import (
    Block,
    MarkdownTextObject,
    RichTextBlock,
    RichTextElement,
    RichTextElementParts,
    RichTextSectionElement,
    SectionBlock,
)

from approvals.domain.addresses import host_of
from approvals.domain.characters import reveal
from approvals.domain.markdown import Style
from approvals.domain.model import readable, shorten
from approvals.domain.parts import Moment, Text
from bot.surfaces import MAX_RUN, SLACK_MESSAGE, text_weight, weigh

MAX_TOTAL = SLACK_MESSAGE.room
"""What all blocks of a message may weigh."""

Part = RichTextElement

_USUAL_HOST = re.compile(r"[a-z0-9.:-]+")
"""No IP address of version 6, and no _."""

_MARKS = re.compile(r"[*_~`]")
_FORMAT = "{date_short_pretty} at {time}"
_STYLES: dict[Style, dict[str, bool]] = {
    Style.BOLD: {"bold": True},
    Style.ITALIC: {"italic": True},
    Style.CODE: {"code": True},
}


def escape(text: str) -> str:
    """Text as Slack's mrkdwn shows it without mentions and links, its hidden characters shown to be there.

    Source: https://docs.slack.dev/messaging/formatting-message-text/#escaping
    """
    return reveal(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def literal(text: str) -> str:
    """Text as mrkdwn shows it literally: marks are kept from formatting by zero-width spaces, for want of an escape."""
    return _MARKS.sub("\u200b\\g<0>\u200b", escape(text))


def fit(text: str, most: int) -> str:
    """The text as literal mrkdwn, at most `most` characters long. That makes it longer, so it is cut before."""
    limit = most
    while len(rendered := literal(shorten(text, limit))) > most:
        limit -= max(1, (len(rendered) - most) // 5)
    return rendered


def mrkdwn(text: str) -> MarkdownTextObject:
    """Our own words. Addresses and names in them are not linked."""
    return MarkdownTextObject(text=text, verbatim=True)


def heading(text: str) -> Block:
    """A heading of ours."""
    return SectionBlock(text=mrkdwn(f"*{text}*"))


def local_time(moment: datetime) -> str:
    """The moment in each reader's own time zone, as mrkdwn; in UTC for clients that can't."""
    return _date(moment, readable(moment))


def sentence(said: Text | str) -> str:
    """A sentence of ours, with names in it, as mrkdwn: literally, but for moments, which are in the reader's zone."""
    parts = said.parts if isinstance(said, Text) else (said,)
    return "".join(_date(part.at, str(part)) if isinstance(part, Moment) else literal(str(part)) for part in parts)


def _date(moment: datetime, fallback: str) -> str:
    return f"<!date^{int(moment.timestamp())}^{_FORMAT}|{fallback}>"


class DateElement(RichTextElement):
    """A moment in each reader's own time zone, as an element of rich text; in UTC for clients that can't.

    Source: https://docs.slack.dev/reference/block-kit/block-elements/date-element
    """

    type = "date"

    @property
    def attributes(self) -> set[str]:  # type: ignore[override]  # as the SDK's own elements have it
        """The keys of its JSON."""
        return super().attributes | {"timestamp", "format", "fallback"}

    def __init__(self, moment: Moment) -> None:
        super().__init__(type=self.type)
        self.timestamp = int(moment.at.timestamp())
        self.format = _FORMAT
        self.fallback = str(moment)


def runs(text: str, style: Style = Style.PLAIN) -> list[Part]:
    """Text as elements of rich text: one, or several where it is long; none where it is empty, which Slack refuses."""
    text = reveal(text)
    pieces = [text[start : start + MAX_RUN] for start in range(0, len(text), MAX_RUN)]
    return [RichTextElementParts.Text(text=piece, style=_STYLES.get(style)) for piece in pieces]


def mention(user_id: str) -> Part:
    """A user, who is told of it."""
    return RichTextElementParts.User(user_id=user_id)


def link(label: str, url: str) -> Part | None:
    """A link; None for an address so unusual that Slack may refuse the message for it."""
    host = host_of(url)
    return RichTextElementParts.Link(url=url, text=reveal(label)) if host and _USUAL_HOST.fullmatch(host) else None


def rich(elements: Sequence[RichTextElement]) -> Block:
    """A block of rich text, of sections, lists, quotes or code."""
    return RichTextBlock(elements=elements)


def section(parts: Sequence[Part]) -> RichTextElement:
    """Runs of text that follow each other."""
    return RichTextSectionElement(elements=parts)


def weight_of(items: Iterable[Block | RichTextElement]) -> int:
    """What blocks or elements weigh in a message, in characters of JSON."""
    return sum(weight(item.to_dict()) + 1 for item in items)


def weight(node: object) -> int:
    """What a part of a message weighs: UTF-16 units of JSON, with the three characters that Slack escapes."""
    return weigh(json.dumps(node, ensure_ascii=False, separators=(",", ":")))


def prefix(text: str, room: int) -> str:
    """The longest beginning of the text that weighs at most `room`."""
    text = text[: max(room, 0)]
    return text[: bisect_right(range(1, len(text) + 1), room, key=lambda end: text_weight(text[:end]))]
