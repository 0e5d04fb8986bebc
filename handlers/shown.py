"""What pages show of an approval: what is asked, where it stands, what happened. All of it, and first what decides."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby
from xml.etree import ElementTree as ET

from approvals import markup, present
from approvals.addresses import is_address
from approvals.form import said
from approvals.history import Entry, history
from approvals.markup import Block, Kind, Span, Style
from approvals.model import Approval, Response, iso, readable
from handlers.html import Rows, away, rows, tag

MANY = 8
"""Entries of a history that are shown at once; a longer one is folded."""

_FIRST = (present.REQUESTER, present.DEADLINE)
"""The facts that come before what the requester wrote. The others come after it: a phone shows little at once."""

_TAGS = {Style.BOLD: "strong", Style.ITALIC: "em", Style.CODE: "code"}


def request(approval: Approval, now: datetime) -> list[ET.Element]:
    """All that is asked, by whom and until when. `now` is for how long there is still time."""
    asked = approval.request
    facts = present.facts(approval)
    first: Rows = [(label, _deadline(approval, now) if label == present.DEADLINE else value) for label, value in facts]
    so_far = [] if approval.decision else present.progress(approval)
    parts = [rows([row for row in first if row[0] in _FIRST] + ([("So far", "\n".join(so_far))] if so_far else []))]
    if asked.facts:
        parts += [tag("h2", {}, "Facts"), rows(asked.facts)]
    if asked.details:
        parts += [tag("h2", {}, "Details"), *_details(asked.details)]
    if asked.links:
        parts += [tag("h2", {}, "Links"), tag("ul", {}, *(_link(label, url) for label, url in asked.links))]
    who_may = [] if approval.decision else [("Who may answer", present.who_may(approval))]
    others = [row for row in facts if row[0] not in _FIRST]
    parts += [tag("h2", {}, "Where it comes from"), rows(others + who_may)]
    context = present.context(approval)
    return [*parts, tag("h2", {}, "Input of the workflow"), rows(context)] if context else parts


def what_happened(approval: Approval) -> list[ET.Element]:
    """The whole history. Folded while an answer is waited for, unless nothing happened; and when it is long."""
    entries = history(approval)
    listed = tag("ol", {"class": "history"}, *(_entry(approval, entry) for entry in entries))
    if approval.decision and len(entries) <= MANY:
        return [tag("h2", {}, "What happened"), listed]
    if len(entries) == 1:
        return []
    title = "What happened" if approval.decision else "What happened so far"
    return [tag("details", {}, tag("summary", {}, f"{title} ({len(entries)})"), listed)]


def answer(approval: Approval, response: Response, *, with_comment: bool = True) -> list[ET.Element]:
    """The comment and the form of one answer."""
    pairs = [("Comment", response.comment)] if response.comment and with_comment else []
    pairs += [
        (field.label, said(response.form[field.name])) for field in approval.request.form if field.name in response.form
    ]
    return [rows(pairs)] if pairs else []


def remaining(deadline: datetime, now: datetime) -> str:
    """How long there is still time, rounded down: `25 minutes`. A page without script can't know its reader's zone."""
    left = deadline - now
    for size, word in ((timedelta(days=1), "days"), (timedelta(hours=1), "hours")):
        if left >= 2 * size:
            return f"{left // size:,} {word}"
    minutes = left // timedelta(minutes=1)
    if minutes < 1:
        return "less than a minute"
    return f"{minutes} minute{'' if minutes == 1 else 's'}"


def moment(at: datetime) -> ET.Element:
    """A point in time for people, and for what reads pages aloud or translates them."""
    return tag("time", {"datetime": iso(at)}, readable(at))


def _deadline(approval: Approval, now: datetime) -> ET.Element:
    left = tag("strong", {}, f"in {remaining(approval.deadline, now)}")
    return tag("span", {}, left, ", ", moment(approval.deadline))


def _entry(approval: Approval, entry: Entry) -> ET.Element:
    responses = {f"response-{number}": response for number, response in enumerate(approval.responses, 1)}
    response = responses.get(entry.key)
    decision = approval.decision
    # The comment of the answer that decided stands at the top of the page already.
    decisive = response and decision and (response.approver, response.at) == (decision.approver, decision.at)
    content = answer(approval, response, with_comment=not decisive) if response else []
    return tag("li", {}, moment(entry.at), tag("span", {"dir": "auto"}, entry.text), *content)


def _link(label: str, url: str) -> ET.Element:
    named = away(label, url) if is_address(url) else tag("span", {}, label)
    return tag("li", {"dir": "auto"}, named, tag("br", {}), tag("span", {"class": "url", "dir": "ltr"}, url))


def _details(text: str) -> Iterator[ET.Element]:
    for kind, blocks in groupby(markup.parse(text), key=lambda block: block.kind):
        if kind is Kind.ITEM:
            yield tag("ul", {}, *(_block("li", {"dir": "auto"}, block) for block in blocks))
        else:
            yield from (_text_block(block) for block in blocks)


def _text_block(block: Block) -> ET.Element:
    if block.kind is Kind.CODE:
        return tag("pre", {}, _block("code", {}, block))
    if block.kind is Kind.HEADING:
        return _block("h3", {"dir": "auto"}, block)
    return _block("p", {"class": "text", "dir": "auto"}, block)


def _block(name: str, attributes: dict[str, str], block: Block) -> ET.Element:
    return tag(name, attributes, *(_span(span) for span in block.spans))


def _span(span: Span) -> ET.Element | str:
    if span.style is Style.LINK:
        return away(span.text, span.url)
    return tag(_TAGS[span.style], {}, span.text) if span.style in _TAGS else span.text
