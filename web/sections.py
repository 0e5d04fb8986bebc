"""The parts of a page that show an approval: the request, who can respond, its source and its activity.

The author's words stand in a block with a border and a heading that says so, and other people's words behind a bar, so
that neither can pose as the product's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from xml.etree import ElementTree as ET

from approvals.domain import facts, form_wording, markdown, wording
from approvals.domain.addresses import is_address
from approvals.domain.comparison import sees_values
from approvals.domain.comparison_wording import change_rows, comparison_lead, comparison_notes
from approvals.domain.history import Entry, history
from approvals.domain.markdown import Block, Span, Style
from approvals.domain.model import Approval, Response, iso, readable
from approvals.domain.parts import format_time_left, join_names
from approvals.domain.signed_links import approver_of, is_in_place
from web.html import Rows, external_link, rows, tag

MAX_OPEN_ENTRIES = 8
"""Entries of an activity list that is shown open. A longer one is folded."""

_TAGS = {Style.BOLD: "strong", Style.ITALIC: "em", Style.CODE: "code"}


def request(approval: Approval, recipient: str, now: datetime) -> list[ET.Element]:
    """Return all of a request that waits, for the recipient of a link. The remaining time counts from `now`."""
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
        f"{who}. {wording.quorum_sentence(approval)} {wording.warnings(approval)}".rstrip(),
    )
    can_respond = [tag("h2", {}, "Who can respond"), rules]
    return [rows(head), *from_request(approval), *can_respond, *source(approval), *activity(approval)]


def comparison(approval: Approval, recipient: str) -> list[ET.Element]:
    """Return what differs from the last approved request of the subject, with the values that the recipient may see."""
    values = sees_values(approval, approver_of(approval, recipient), in_place=is_in_place(recipient))
    lead, changes = comparison_lead(approval), change_rows(approval, values=values)
    if not lead:
        return []
    listed = [tag("blockquote", {}, rows(changes))] if changes else []
    notes = comparison_notes(approval, values=values)
    after = [tag("p", {"dir": "auto"}, notes)] if notes else []
    return [tag("p", {"class": "changes", "dir": "auto"}, str(lead)), *listed, *after]


def from_request(approval: Approval) -> list[ET.Element]:
    """Return the block with all that the request's author wrote except the title, if there is anything."""
    asked = approval.request
    parts: list[ET.Element] = []
    if claims := facts.claims(approval):
        parts += [tag("h3", {}, "Facts"), rows(claims)]
    if action := facts.action(asked):
        parts += [tag("h3", {}, facts.ACTION), rows(action)]
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
    """Return the execution and the workflow that made the request."""
    return [tag("h2", {}, "Source"), rows(wording.source(approval))]


def activity(approval: Approval) -> list[ET.Element]:
    """Return the whole history, folded if it is long or the request waits."""
    entries = history(approval)
    listed = tag("ol", {"class": "history"}, *(_entry(approval, entry) for entry in entries))
    if approval.decision and len(entries) <= MAX_OPEN_ENTRIES:
        return [tag("h2", {}, "Activity"), listed]
    if len(entries) == 1:
        return []
    return [tag("details", {}, tag("summary", {}, f"Activity ({len(entries)})"), listed)]


def response_details(approval: Approval, response: Response, *, with_comment: bool = True) -> list[ET.Element]:
    """Return what a person said with a response: their comment and the form's fields that they filled in."""
    filled_in = form_wording.answers(approval, response)
    content = [_words(response.comment)] if response.comment and with_comment else []
    content += [rows(filled_in)] if filled_in else []
    return [tag("blockquote", {}, *content)] if content else []


def quote(text: str) -> list[ET.Element]:
    """Return a person's words behind a bar, if there are any."""
    return [tag("blockquote", {}, _words(text))] if text.strip() else []


def moment(at: datetime) -> ET.Element:
    """Return a point in time for people, and for programs that read pages aloud or translate them."""
    return tag("time", {"datetime": iso(at)}, readable(at))


def _deadline(approval: Approval, now: datetime) -> ET.Element:
    left = tag("strong", {}, f"{format_time_left(approval.deadline, now)} left")
    return tag("span", {}, left, ", ", moment(approval.deadline))


def _entry(approval: Approval, entry: Entry) -> ET.Element:
    responses = {f"response-{number}": response for number, response in enumerate(approval.responses, 1)}
    response = responses.get(entry.key)
    decision = approval.decision
    # The page shows the comment of the deciding response at its top.
    decisive = response and decision and (response.approver, response.at) == (decision.approver, decision.at)
    content = response_details(approval, response, with_comment=not decisive) if response else []
    return tag("li", {}, moment(entry.at), tag("span", {"dir": "auto"}, entry.text), *content)


def _words(text: str) -> ET.Element:
    return tag("p", {"class": "text", "dir": "auto"}, text)


def _link(label: str, url: str) -> ET.Element:
    named = external_link(label, url) if is_address(url) else tag("span", {}, label)
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
        return external_link(span.text, span.url)
    return tag(_TAGS[span.style], {}, span.text) if span.style in _TAGS else span.text
