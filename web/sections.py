"""What pages show of an approval: what is asked, where it stands, what happened. All of it, and first what decides.

What the request's author wrote stands in a block of its own with a border and a heading that says so, what others said
behind a bar: none of it can pose as ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from xml.etree import ElementTree as ET

from approvals.domain import facts, markdown, wording
from approvals.domain.addresses import is_address
from approvals.domain.forms import format_answer
from approvals.domain.history import Entry, history
from approvals.domain.markdown import Block, Span, Style
from approvals.domain.model import Approval, Response, iso, readable
from approvals.domain.parts import format_time_left, join_names
from web.html import Rows, away, rows, tag

MANY = 8
"""Entries of a history that are shown at once; a longer one is folded."""

_TAGS = {Style.BOLD: "strong", Style.ITALIC: "em", Style.CODE: "code"}


def request(approval: Approval, recipient: str, now: datetime) -> list[ET.Element]:
    """Return all of an open request, for the recipient of a link. `now` is for how much time is left."""
    requester = facts.requester(approval)
    progress = "\n".join(map(str, wording.progress(approval)))
    head: Rows = [
        *([(facts.REQUESTER, requester)] if requester else []),
        (facts.DEADLINE, _deadline(approval, now)),
        *([("Progress", progress)] if progress else []),
    ]
    who = join_names(wording.responders(approval, recipient, begins=True))
    rules = tag(
        "p",
        {"dir": "auto"},
        f"{who}. {wording.quorum_sentence(approval)} {wording.requester_warning(approval)}".rstrip(),
    )
    return [rows(head), *from_request(approval), tag("h2", {}, "Who can respond"), rules, *source(approval)]


def from_request(approval: Approval) -> list[ET.Element]:
    """Return the block of what the author of a request wrote beside its title; nothing where they wrote no more."""
    asked = approval.request
    parts: list[ET.Element] = []
    if author_facts := facts.author_facts(asked):
        parts += [tag("h3", {}, "Facts"), rows(author_facts)]
    if asked.details:
        parts += [tag("h3", {}, "Details"), *_details(asked.details)]
    if asked.links:
        parts += [tag("h3", {}, "Links"), tag("ul", {}, *(_link(label, url) for label, url in asked.links))]
    context = facts.context(approval)
    if context:
        parts += [tag("h3", {}, "Workflow input"), rows(context)]
    heading = tag("h2", {"class": "whose"}, "From the request")
    return [tag("section", {"class": "author"}, heading, *parts)] if parts else []


def source(approval: Approval) -> list[ET.Element]:
    """Return which execution of which workflow a request comes from."""
    return [tag("h2", {}, "Source"), rows(wording.source(approval))]


def activity(approval: Approval) -> list[ET.Element]:
    """Return the whole history. It is folded while the request is open, and when it is long."""
    entries = history(approval)
    listed = tag("ol", {"class": "history"}, *(_entry(approval, entry) for entry in entries))
    if approval.decision and len(entries) <= MANY:
        return [tag("h2", {}, "Activity"), listed]
    if len(entries) == 1:
        return []
    return [tag("details", {}, tag("summary", {}, f"Activity ({len(entries)})"), listed)]


def answer(approval: Approval, response: Response, *, with_comment: bool = True) -> list[ET.Element]:
    """Return what somebody said with a response: their comment and the fields that they filled in."""
    filled_in = [
        (field.label, format_answer(response.form[field.name]))
        for field in approval.request.form
        if field.name in response.form
    ]
    comment = [response.comment] if response.comment and with_comment else []
    content = [*(tag("p", {"class": "text", "dir": "auto"}, text) for text in comment)]
    content += [rows(filled_in)] if filled_in else []
    return [tag("blockquote", {}, *content)] if content else []


def quote(text: str) -> list[ET.Element]:
    """Return somebody's own words behind a bar; nothing for none."""
    return [tag("blockquote", {}, tag("p", {"class": "text", "dir": "auto"}, text))] if text.strip() else []


def moment(at: datetime) -> ET.Element:
    """A point in time for people, and for what reads pages aloud or translates them."""
    return tag("time", {"datetime": iso(at)}, readable(at))


def _deadline(approval: Approval, now: datetime) -> ET.Element:
    left = tag("strong", {}, f"{format_time_left(approval.deadline, now)} left")
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
    for kind, blocks in groupby(markdown.parse(text), key=lambda block: block.kind):
        if kind is markdown.BlockKind.ITEM:
            yield tag("ul", {}, *(_block("li", {"dir": "auto"}, block) for block in blocks))
        else:
            yield from (_text_block(block) for block in blocks)


def _text_block(block: Block) -> ET.Element:
    if block.kind is markdown.BlockKind.CODE:
        return tag("pre", {}, _block("code", {}, block))
    if block.kind is markdown.BlockKind.HEADING:
        return _block("h4", {"dir": "auto"}, block)
    return _block("p", {"class": "text", "dir": "auto"}, block)


def _block(name: str, attributes: dict[str, str], block: Block) -> ET.Element:
    return tag(name, attributes, *(_span(span) for span in block.spans))


def _span(span: Span) -> ET.Element | str:
    if span.style is Style.LINK:
        return away(span.text, span.url)
    return tag(_TAGS[span.style], {}, span.text) if span.style in _TAGS else span.text
