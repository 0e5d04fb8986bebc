"""The approver's pages: plain HTML for a phone in a hurry. No script, nothing loaded from elsewhere.

The request is always shown in full: messages and mails that had to be cut lead here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import groupby
from xml.etree import ElementTree as ET

from approvals import markup, present
from approvals.form import said
from approvals.history import history
from approvals.markup import Block, Kind, Span, Style
from approvals.model import Action, Approval, Json, OnTimeout, Response, Severity, is_hidden, readable
from approvals.people import unanswered
from approvals.rules import may_postpone
from approvals.schema import is_address
from approvals.workflow import console_url
from handlers.html import HEADERS, away, bullets, document, rows, tag
from handlers.inputs import Typed, element_id, inputs, labels

__all__ = ["HEADERS", "MORE_TIME", "WITHDRAW", "confirm", "error", "not_allowed", "outcome", "recorded"]

WITHDRAW, MORE_TIME = "withdraw", "more-time"
"""What a button asks for beside an answer, in the field `do`."""

_WORDS = {Action.APPROVE: "Approve", Action.REJECT: "Reject"}
_DONE = {Action.APPROVE: "approved", Action.REJECT: "rejected"}
_OTHER = {Action.APPROVE: Action.REJECT, Action.REJECT: Action.APPROVE}
_SILENCE = {
    OnTimeout.EXPIRE: "Without any answer the request expires, unapproved.",
    OnTimeout.REJECT: "Without any answer the request counts as rejected.",
}
_TAGS = {Style.BOLD: "strong", Style.ITALIC: "em", Style.CODE: "code"}

_NOTHING_TYPED = Typed()


def confirm(
    approval: Approval,
    action: Action,
    fields: Mapping[str, str],
    *,
    max_comment: int,
    typed: Typed = _NOTHING_TYPED,
) -> str:
    """The page that shows the request and asks to confirm. `fields` are the link's, posted back by the button.

    `typed` is what could not be taken: it is shown again, with what is wrong at each input.
    """
    word = _WORDS[action]
    asked = inputs(approval, action, typed, max_comment=max_comment)
    # A short form stays in sight; a long one would hide the request.
    short = len(asked) <= 1 and not typed.problems
    return document(
        f"{'Not yet: ' if typed.problems else ''}{word}? {approval.title}",
        tag("p", {"class": "eyebrow"}, f"{word} this request?"),
        tag("h1", {"dir": "auto"}, approval.title),
        *_mistakes(approval, action, typed),
        *_request(approval),
        _form(fields, *asked, tag("button", {"class": action.value}, word), kind="short" if short else "long"),
        tag(
            "p",
            {"class": "other"},
            f"Nothing is decided until you press {word}. To {_OTHER[action]} instead, use the other link in the mail. "
            f"{_SILENCE[approval.request.on_timeout]}",
        ),
        *_more_time(approval, fields),
    )


def recorded(approval: Approval, response: Response, fields: Mapping[str, str], note: str = "") -> str:
    """The page for somebody whose answer stands while the request still waits. `note` says what to know besides."""
    heading = "Your answer is recorded"
    return document(
        f"{heading}: {approval.title}",
        tag("p", {"class": "eyebrow", "dir": "auto"}, approval.title),
        tag("h1", {}, heading),
        *([tag("p", {"class": "problem", "dir": "auto"}, note)] if note else []),
        tag("p", {}, f"You {_DONE[response.action]} this on {readable(response.at)}. {_still_needed(approval)}"),
        *_said(approval, response),
        _form(
            fields,
            tag("p", {"class": "hint"}, "Until it is decided you may take your answer back, and answer anew."),
            tag("button", {"class": "plain", "name": "do", "value": WITHDRAW}, "Take back my answer"),
            kind="long",
        ),
        *_request(approval),
    )


def not_allowed(approval: Approval, sentence: str, *, too_early: bool) -> str:
    """The page for somebody who may not answer, or not yet. The sentence says why, and who may."""
    heading = "Try again in a moment" if too_early else "You can't answer this request"
    return document(
        f"{heading}: {approval.title}",
        tag("p", {"class": "eyebrow", "dir": "auto"}, approval.title),
        tag("h1", {}, heading),
        tag("p", {"dir": "auto"}, sentence),
        *_request(approval),
    )


def outcome(approval: Approval, action: Action, newer: str | None = None, note: str = "") -> str:
    """The page that shows how the approval ended, to somebody whose link says `action`.

    `newer` is the same link for the request that took this one's place; `note` says what to know besides.
    """
    decision = present.decided(approval)
    late = approval.status is not action.status
    return document(
        f"{present.headline(approval)}: {approval.title}",
        tag("p", {"class": "eyebrow", "dir": "auto"}, approval.title),
        tag("h1", {"class": approval.status.lower()}, present.headline(approval)),
        *([tag("p", {"class": "problem"}, note)] if note else []),
        tag("p", {"dir": "auto"}, present.outcome(approval)),
        *([tag("p", {"class": "text", "dir": "auto"}, f"Comment: {decision.comment}")] if decision.comment else []),
        *([tag("p", {}, tag("a", {"href": newer}, "Open the newer request"))] if newer else []),
        *([tag("p", {}, f"So this link can no longer {action}.")] if late else []),
        *_answers(approval),
        *_request(approval),
        tag("h2", {}, "What happened"),
        bullets(_history(approval)),
        tag(
            "p",
            {},
            tag(
                "a",
                {"href": console_url(approval.workflow.execution_arn)},
                "Open the execution in the Step Functions console",
            ),
        ),
    )


def error(sentence: str, heading: str = "This link can't be used") -> str:
    """The page for what can't be done, and what to do about it."""
    return document(heading, tag("h1", {}, heading), tag("p", {}, sentence))


def _form(fields: Mapping[str, str], *content: ET.Element, kind: str) -> ET.Element:
    hidden = (tag("input", {"type": "hidden", "name": name, "value": value}) for name, value in fields.items())
    return tag("form", {"method": "post", "action": "execution", "class": kind}, *hidden, *content)


def _mistakes(approval: Approval, action: Action, typed: Typed) -> list[ET.Element]:
    """What to mend, each leading to its input: the form stands below a request that may be long."""
    if not typed.problems:
        return []
    named = labels(approval, action)
    lines = (
        tag("li", {}, tag("a", {"href": f"#{element_id(name)}", "dir": "auto"}, f"{named.get(name, name)}: {text}"))
        for name, text in typed.problems.items()
    )
    intro = tag("p", {}, "Your answer was not recorded yet. Please mend this first:")
    return [tag("div", {"class": "problem", "role": "alert"}, intro, tag("ul", {}, *lines))]


def _more_time(approval: Approval, fields: Mapping[str, str]) -> list[ET.Element]:
    if not may_postpone(approval):
        return []
    longer = _duration(approval.request.more_time.by)
    return [
        _form(
            fields,
            tag("p", {"class": "hint"}, f"Too early to say? The deadline can move by {longer}, for everybody."),
            tag("button", {"class": "plain", "name": "do", "value": MORE_TIME}, "Ask for more time"),
            kind="small",
        )
    ]


def _duration(time: timedelta) -> str:
    minutes = time // timedelta(minutes=1)
    for size, word in ((24 * 60, "day"), (60, "hour")):
        if minutes % size == 0:
            return f"{minutes // size:,} {word}{'' if minutes == size else 's'}"
    return f"{minutes:,} minute{'' if minutes == 1 else 's'}"


def _still_needed(approval: Approval) -> str:
    request = approval.request
    said_so = [response.action for response in approval.standing]
    more = request.required_approvals - said_so.count(Action.APPROVE)
    sentence = f"To approve the request, {more} more must approve."
    if request.required_rejections > 1:
        sentence += f" To reject it, {request.required_rejections - said_so.count(Action.REJECT)} more must reject."
    names = ", ".join(person.name or person.id for person in unanswered(approval))
    return f"{sentence} Not answered yet: {names}." if names else sentence


def _answers(approval: Approval) -> list[ET.Element]:
    """What everybody whose answer counts wrote and filled in, save the comment that stands above already."""
    decision = present.decided(approval)
    parts = []
    for response in approval.standing:
        decisive = (response.approver, response.at) == (decision.approver, decision.at)
        content = _said(approval, response, with_comment=not decisive)
        if content:
            parts += [tag("h3", {"dir": "auto"}, response.approver.name or response.approver.id), *content]
    return [tag("h2", {}, "What was answered"), *parts] if parts else []


def _said(approval: Approval, response: Response, *, with_comment: bool = True) -> list[ET.Element]:
    """The comment and the form of one answer."""
    pairs = [("Comment", response.comment)] if response.comment and with_comment else []
    pairs += [
        (field.label, said(response.form[field.name])) for field in approval.request.form if field.name in response.form
    ]
    return [rows(pairs)] if pairs else []


def _request(approval: Approval) -> list[ET.Element]:
    request = approval.request
    parts = []
    if request.severity is Severity.HIGH:
        parts.append(tag("p", {"class": "badge"}, "High severity"))
    parts.append(rows([*present.facts(approval), *_where_it_stands(approval)]))
    if request.facts:
        parts += [tag("h2", {}, "Facts"), rows(list(request.facts))]
    if request.links:
        parts += [tag("h2", {}, "Links"), tag("ul", {}, *(_link(label, url) for label, url in request.links))]
    if request.details:
        parts += [tag("h2", {}, "Details"), *_details(request.details)]
    context = list(_context(approval))
    if context:
        parts += [tag("h2", {}, "Input of the workflow"), rows(context)]
    return parts + _history_so_far(approval)


def _where_it_stands(approval: Approval) -> list[tuple[str, str]]:
    if approval.decision:
        return []
    so_far = present.progress(approval)
    return [("Who may answer", present.who_may(approval)), *([("So far", "\n".join(so_far))] if so_far else [])]


def _history_so_far(approval: Approval) -> list[ET.Element]:
    """Folded away, and only when something happened since the request was made."""
    lines = [] if approval.decision else _history(approval)
    return [tag("details", {}, tag("summary", {}, "What happened so far"), bullets(lines))] if len(lines) > 1 else []


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


def _context(approval: Approval) -> Iterator[tuple[str, str]]:
    """The rest of the execution's input, in full."""
    started_by = "Started by" in dict(present.facts(approval))
    for key, value in approval.request.context.items():
        if key != present.STARTED_BY or not started_by:
            yield _plain(key), _plain(value)


def _plain(value: Json) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "".join("\ufffd" if is_hidden(character) else character for character in text)


def _history(approval: Approval) -> list[str]:
    return [f"{readable(entry.at)}: {entry.text}" for entry in history(approval)]
