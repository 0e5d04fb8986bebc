"""The approver's pages: plain HTML for a phone in a hurry. No script, nothing loaded from elsewhere.

The request is always shown in full: messages and mails that had to be cut lead here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

from approvals import present
from approvals.model import Action, Approval, OnTimeout, Response, Severity, readable
from approvals.people import unanswered
from approvals.rules import may_postpone
from approvals.workflow import console_url
from handlers import shown
from handlers.html import HEADERS, document, tag
from handlers.inputs import Typed, element_id, inputs, labels

__all__ = ["HEADERS", "LOOK", "MORE_TIME", "WITHDRAW", "confirm", "error", "not_allowed", "outcome", "recorded"]

WITHDRAW, MORE_TIME = "withdraw", "more-time"
"""What a button asks for beside an answer, in the field `do`."""

LOOK = "look"
"""`do=look` in a link shows in one-click mode, too, and answers nothing."""

MAX_STICKY_TITLE = 80
"""Characters. A form that stays in sight repeats a title of high severity, which must leave room for the request."""

_WORDS = {Action.APPROVE: "Approve", Action.REJECT: "Reject"}
_DONE = {Action.APPROVE: "approved", Action.REJECT: "rejected"}
_OTHER = {Action.APPROVE: Action.REJECT, Action.REJECT: Action.APPROVE}
_SILENCE = {
    OnTimeout.EXPIRE: "Without any answer the request expires, unapproved.",
    OnTimeout.REJECT: "Without any answer the request counts as rejected.",
}
_FORM = "answer"
"""The id of the form, for the link that leads to it."""

_NOTHING_TYPED = Typed()


def confirm(
    approval: Approval,
    action: Action,
    fields: Mapping[str, str],
    *,
    max_comment: int,
    now: datetime,
    typed: Typed = _NOTHING_TYPED,
    note: str = "",
) -> str:
    """The page that shows the request and asks to confirm. `fields` are the link's, posted back by the button.

    `note` says what to know besides.

    `typed` is what could not be taken: it is shown again, with what is wrong at each input. A short form stays in
    sight, whatever the length of the request; to a long one, which would hide the request, a link that stays leads.
    """
    word = _WORDS[action]
    short = _is_short(approval, action)
    to_form = tag("p", {"class": "jump"}, tag("a", {"href": f"#{_FORM}"}, f"Fill in and {action}"))
    return document(
        f"{'Not yet: ' if typed.problems else ''}{word}? {approval.title}",
        tag(
            "div",
            {},
            _eyebrow(approval, f"{word} this request?"),
            tag("h1", {"dir": "auto"}, approval.title),
            *([tag("p", {"class": "problem"}, note)] if note else []),
            *_mistakes(approval, action, typed),
            *shown.request(approval, now),
            *shown.what_happened(approval),
            *([] if short else [to_form]),
        ),
        _form(
            fields,
            *inputs(approval, action, typed, max_comment=max_comment),
            _buttons(action, fields),
            kind="answer sticky" if short else "answer",
            id_=_FORM,
        ),
        tag(
            "p",
            {"class": "other"},
            f"Nothing is decided until you press {word}. {_SILENCE[approval.request.on_timeout]}",
        ),
        *_more_time(approval, fields),
    )


def recorded(
    approval: Approval, response: Response, fields: Mapping[str, str], *, now: datetime, note: str = ""
) -> str:
    """The page for somebody whose answer stands while the request still waits. `note` says what to know besides."""
    heading = "Your answer is recorded"
    return document(
        f"{heading}: {approval.title}",
        _eyebrow(approval, approval.title),
        tag("h1", {}, heading),
        *([tag("p", {"class": "problem", "dir": "auto"}, note)] if note else []),
        tag("p", {}, f"You {_DONE[response.action]} this on {readable(response.at)}. {_still_needed(approval)}"),
        *shown.answer(approval, response),
        _form(
            fields,
            tag("p", {"class": "hint"}, "Until it is decided you may take your answer back, and answer anew."),
            tag("button", {"class": "plain", "name": "do", "value": WITHDRAW}, "Take back my answer"),
        ),
        *shown.request(approval, now),
        *shown.what_happened(approval),
    )


def not_allowed(approval: Approval, sentence: str, *, too_early: bool, now: datetime) -> str:
    """The page for somebody who may not answer, or not yet. The sentence says why, and who may."""
    heading = "Try again in a moment" if too_early else "You can't answer this request"
    return document(
        f"{heading}: {approval.title}",
        _eyebrow(approval, approval.title),
        tag("h1", {}, heading),
        tag("p", {"dir": "auto"}, sentence),
        *shown.request(approval, now),
        *shown.what_happened(approval),
    )


def outcome(approval: Approval, action: Action, newer: str | None = None, note: str = "") -> str:
    """The page that shows how the approval ended, to somebody whose link says `action`.

    `newer` is the same link for the request that took this one's place; `note` says what to know besides.
    """
    decision = present.decided(approval)
    late = approval.status is not action.status
    return document(
        f"{present.headline(approval)}: {approval.title}",
        _eyebrow(approval, approval.title),
        tag("h1", {"class": approval.status.lower()}, present.headline(approval)),
        *([tag("p", {"class": "problem"}, note)] if note else []),
        tag("p", {"dir": "auto"}, present.outcome(approval)),
        *([tag("p", {"class": "text", "dir": "auto"}, f"Comment: {decision.comment}")] if decision.comment else []),
        *([tag("p", {}, tag("a", {"href": newer}, "Open the newer request"))] if newer else []),
        *([tag("p", {}, f"So this link can no longer {action}.")] if late else []),
        *shown.what_happened(approval),
        tag("h2", {}, "What was asked"),
        *shown.request(approval, decision.at),
        tag(
            "p",
            {},
            tag("a", {"href": console_url(approval.workflow.execution_arn)}, "Open the execution in the AWS console"),
            " (needs an AWS login)",
        ),
    )


def error(sentence: str, heading: str = "This link can't be used") -> str:
    """The page for what can't be done, and what to do about it."""
    return document(heading, tag("h1", {}, heading), tag("p", {}, sentence))


def _form(fields: Mapping[str, str], *content: ET.Element, kind: str = "", id_: str = "") -> ET.Element:
    hidden = (tag("input", {"type": "hidden", "name": name, "value": value}) for name, value in fields.items())
    named = {name: value for name, value in (("class", kind), ("id", id_)) if value}
    return tag("form", {"method": "post", "action": "execution"} | named, *hidden, *content)


def _is_short(approval: Approval, action: Action) -> bool:
    """Whether the form is at most a comment and a box to tick."""
    if action is Action.APPROVE and approval.request.form:
        return False
    return approval.request.severity is not Severity.HIGH or len(approval.title) <= MAX_STICKY_TITLE


def _buttons(action: Action, fields: Mapping[str, str]) -> ET.Element:
    """The button, and the way to the other answer's page: the signature of a link is good for both."""
    other = _OTHER[action]
    link = f"execution?{urlencode({**fields, 'action': other, 'do': LOOK})}"
    button = tag("button", {"class": action.value}, _WORDS[action])
    return tag("div", {"class": "buttons"}, button, tag("a", {"href": link}, f"{_WORDS[other]} instead"))


def _eyebrow(approval: Approval, text: str) -> ET.Element:
    high = approval.request.severity is Severity.HIGH
    badge: list[ET.Element | str] = [" ", tag("strong", {"class": "badge"}, "High severity")] if high else []
    return tag("p", {"class": "eyebrow", "dir": "auto"}, text, *badge)


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
    names = ", ".join(map(present.display_name, unanswered(approval)))
    return f"{sentence} Not answered yet: {names}." if names else sentence
