"""Text in Slack, shown exactly as people wrote it, and what it weighs in a message.

What requesters and approvers wrote goes into rich text, where nothing is formatted, mentioned or linked unless it is an
element of its own. Our own words go into mrkdwn.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import datetime

from slack_sdk.models.blocks import (
    Block,
    ContextBlock,
    MarkdownTextObject,
    RichTextBlock,
    RichTextElement,
    RichTextElementParts,
    SectionBlock,
)

from approvals.domain.addresses import host_of, label_with_host
from approvals.domain.characters import reveal
from approvals.domain.markdown import Style
from approvals.domain.model import readable, shorten
from approvals.domain.parts import Moment, Text, display_name
from approvals.domain.people import Approver
from bot.addresses import SLACK, is_slack_user
from bot.surfaces import MAX_RUN, SLACK_MESSAGE, weigh

MAX_TOTAL = SLACK_MESSAGE.room
"""What all blocks of a message may weigh."""

Part = RichTextElement

_USUAL_HOST = re.compile(r"[a-z0-9.:-]+")
"""No IP address of version 6, and no _."""

_MARKS = re.compile(r"[*_~`]|:(?=[\w+'-]+:)")
"""What formats mrkdwn, and the colon before the name of an emoji: `:tada:` reads as it was written, as in headers and
rich text.

Source: https://docs.slack.dev/messaging/formatting-message-text/#emoji
"""

_FORMAT = "{date_short_pretty} at {time}"
_STYLES: dict[Style, dict[str, bool]] = {
    Style.BOLD: {"bold": True},
    Style.ITALIC: {"italic": True},
    Style.CODE: {"code": True},
}


def escape(text: str) -> str:
    """Escape a text for mrkdwn: no mentions or links are made of it, and its hidden characters are made visible.

    Source: https://docs.slack.dev/messaging/formatting-message-text/#escaping
    """
    return reveal(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def literal(text: str) -> str:
    """Escape a text for mrkdwn, with zero-width spaces around marks: mrkdwn has no escape for them."""
    return _MARKS.sub("\u200b\\g<0>\u200b", escape(text))


def fit_literal(text: str, most: int) -> str:
    """Return the text as literal mrkdwn of at most `most` characters. It is cut before it is escaped."""
    limit = most
    while len(rendered := literal(shorten(text, limit))) > most:
        limit -= max(1, (len(rendered) - most) // 5)
    return rendered


def mention_or_name(user_id: str, name: str, most: int) -> str:
    """Return a mention of a Slack user, as mrkdwn; the name of a person who is none, at most `most` characters long."""
    return f"<@{user_id}>" if is_slack_user(user_id) else fit_literal(name, most)


def mention_of(approver: Approver) -> str:
    """Return a person by mention, or by name if they responded on another channel."""
    return f"<@{approver.id}>" if approver.channel == SLACK else literal(display_name(approver))


def with_quotes(said: str, quoted: Iterable[str]) -> str:
    """Return mrkdwn with lines that others wrote below it, as quotes."""
    return "\n".join([said, *(f">{literal(line)}" for line in quoted)])


def mrkdwn(text: str) -> MarkdownTextObject:
    """Return our own words as mrkdwn. Addresses and names in them are not linked."""
    return MarkdownTextObject(text=text, verbatim=True)


def paragraph(text: str) -> Block:
    """Return a block of our own words, as mrkdwn."""
    return SectionBlock(text=mrkdwn(text))


def footnote(*texts: str) -> Block:
    """Return a block of our own words in small print, as mrkdwn."""
    return ContextBlock(elements=[mrkdwn(text) for text in texts])


def local_time(moment: datetime) -> str:
    """Return the moment in each reader's own time zone, as mrkdwn; in UTC for clients that can't."""
    return _date(moment, readable(moment))


def sentence(said: Text | str) -> str:
    """Return our own sentence as mrkdwn: names in it literally, moments in each reader's time zone."""
    parts = said.parts if isinstance(said, Text) else (said,)
    return "".join(_date(part.at, str(part)) if isinstance(part, Moment) else literal(str(part)) for part in parts)


def _date(moment: datetime, fallback: str) -> str:
    return f"<!date^{int(moment.timestamp())}^{_FORMAT}|{fallback}>"


def date(moment: Moment) -> Part:
    """Return a moment in each reader's own time zone, as an element of rich text; in UTC for clients that can't."""
    return RichTextElementParts.Date(timestamp=int(moment.at.timestamp()), format=_FORMAT, fallback=str(moment))


def runs(text: str, style: Style = Style.PLAIN) -> list[Part]:
    """Return text as elements of rich text: several if it is long; none if it is empty, which Slack refuses."""
    text = reveal(text)
    pieces = [text[start : start + MAX_RUN] for start in range(0, len(text), MAX_RUN)]
    return [RichTextElementParts.Text(text=piece, style=_STYLES.get(style)) for piece in pieces]


def mention(user_id: str) -> Part:
    """Return a user as an element of rich text. They are notified."""
    return RichTextElementParts.User(user_id=user_id)


def link(label: str, url: str, otherwise: str) -> list[Part]:
    """Return a link; the text `otherwise` for an address so unusual that Slack may refuse the message for it."""
    host = host_of(url)
    if host and _USUAL_HOST.fullmatch(host):
        return [RichTextElementParts.Link(url=url, text=reveal(label_with_host(label, url)))]
    return runs(otherwise)


def rich(*elements: RichTextElement) -> Block:
    """Return a block of rich text, of sections, lists, quotes or code."""
    return RichTextBlock(elements=elements)


def weight_of(items: Iterable[Block | RichTextElement]) -> int:
    """Return what blocks or elements weigh in a message: UTF-16 units of JSON, with what Slack escapes."""
    written = (json.dumps(item.to_dict(), ensure_ascii=False, separators=(",", ":")) for item in items)
    return sum(weigh(each) + 1 for each in written)
