"""The approver's pages: plain HTML for a phone in a hurry. No script, nothing loaded from elsewhere.

The request is always shown in full: messages and mails that had to be cut lead here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

from approvals.adapters.step_functions import console_url
from approvals.domain import wording
from approvals.domain.eligibility import unanswered
from approvals.domain.model import Action, Approval, Response, Severity, readable
from approvals.domain.parts import duration, join_names, pluralize, with_address
from approvals.domain.references import short
from approvals.domain.rules import can_extend
from approvals.domain.signed_links import approver_of
from web import sections
from web.form_inputs import Typed, element_id, inputs, labels
from web.html import HEADERS, document, rows, tag

__all__ = [
    "HEADERS",
    "LOOK",
    "MORE_TIME",
    "WITHDRAW",
    "confirm",
    "error",
    "failure",
    "not_allowed",
    "outcome",
    "recorded",
]

WITHDRAW, MORE_TIME = "withdraw", "more-time"
"""What a button asks for beside an answer, in the field `do`."""

LOOK = "look"
"""`do=look` in a link shows in one-click mode, too, and answers nothing."""

MAX_STICKY_TITLE = 80
"""Characters. A form that stays in sight repeats a title of high severity, which must leave room for the request."""

_DONE = {Action.APPROVE: "approved", Action.REJECT: "rejected"}
_OTHER = {Action.APPROVE: Action.REJECT, Action.REJECT: Action.APPROVE}
_FORM = "answer"
"""The id of the form, for the link that leads to it."""

_NOTHING_TYPED = Typed()


def confirm(
    approval: Approval,
    action: Action,
    fields: Mapping[str, str],
    *,
    now: datetime,
    typed: Typed = _NOTHING_TYPED,
    note: str = "",
) -> str:
    """The page that shows the request and asks to confirm. `fields` are the link's, posted back by the button.

    `note` says what to know besides.

    `typed` is what could not be taken: it is shown again, with what is wrong at each input. A short form stays in
    sight, whatever the length of the request; to a long one, which would hide the request, a link that stays leads.
    """
    short = _is_short(approval, action)
    button = _button(approval, action)
    to_form = tag("p", {"class": "jump"}, tag("a", {"href": f"#{_FORM}"}, "Go to the form"))
    return document(
        f"{'Error: ' if typed.problems else ''}{approval.title}",
        tag(
            "div",
            {},
            _eyebrow(approval, "Approval request"),
            tag("h1", {"dir": "auto"}, approval.title),
            *([tag("p", {"class": "problem"}, note)] if note else []),
            *_mistakes(approval, action, typed),
            *sections.request(approval, fields.get("to", ""), now),
            *sections.activity(approval),
            *([] if short else [to_form]),
        ),
        _form(
            fields,
            tag("h2", {}, button if button.startswith("Answer") else f"{button} this request"),
            *inputs(approval, action, typed),
            _buttons(approval, action, fields),
            kind="answer sticky" if short else "answer",
            id_=_FORM,
        ),
        tag(
            "p",
            {"class": "other"},
            f"Nothing is recorded until you press {button}. {wording.timeout_sentence(approval)}",
        ),
        *_extension(approval, fields),
    )


def recorded(
    approval: Approval, response: Response, fields: Mapping[str, str], *, now: datetime, note: str = ""
) -> str:
    """The page for somebody whose answer stands while the request still waits. `note` says what to know besides."""
    heading = "Your response is recorded"
    return document(
        f"{heading}: {approval.title}",
        _eyebrow(approval, approval.title),
        tag("h1", {}, heading),
        *([tag("p", {"class": "problem"}, note)] if note else []),
        tag("p", {}, f"You {_DONE[response.action]} this request on {readable(response.at)}."),
        *sections.answer(approval, response),
        *(tag("p", {"dir": "auto"}, sentence) for sentence in _still_needed(approval)),
        _form(
            fields,
            tag("p", {"class": "hint"}, "You can withdraw until the request is decided."),
            tag("button", {"class": "plain", "name": "do", "value": WITHDRAW}, "Withdraw my response"),
        ),
        *sections.request(approval, fields.get("to", ""), now),
        *sections.activity(approval),
    )


def not_allowed(approval: Approval, sentence: str, *, too_early: bool, now: datetime) -> str:
    """The page for somebody who can't respond, or not yet. The sentence says why, and who can."""
    heading = "Try again in a moment" if too_early else "You can't respond to this request"
    return document(
        f"{heading}: {approval.title}",
        _eyebrow(approval, approval.title),
        tag("h1", {}, heading),
        tag("p", {"dir": "auto"}, sentence),
        *sections.request(approval, "", now),
        *sections.activity(approval),
    )


def outcome(approval: Approval, action: Action, recipient: str = "", newer: str | None = None, note: str = "") -> str:
    """The page that shows how the approval ended, to the recipient of a link that says `action`.

    `newer` is the same link for the request that took this one's place; `note` says what to know besides.
    """
    decision = wording.decision_of(approval)
    by = " ".join([_decided_by(approval, recipient), *(f"{count}." for count in wording.counts(approval))])
    vain = wording.undelivered_sentence(approval)
    late = approval.status is not action.status
    return document(
        f"{wording.headline(approval)}: {approval.title}",
        _eyebrow(approval, approval.title),
        tag("h1", {"class": approval.status.lower()}, wording.headline(approval)),
        *([tag("p", {"class": "problem"}, note)] if note else []),
        tag("p", {"dir": "auto"}, by),
        *sections.quote(decision.comment or wording.cause(approval)),
        *([tag("p", {}, f"This link can no longer {action} the request.")] if late else []),
        *([tag("p", {"class": "problem"}, vain)] if vain else []),
        *([tag("p", {}, tag("a", {"href": newer}, "Open the newer request"))] if newer else []),
        *sections.activity(approval),
        *sections.from_request(approval),
        *sections.source(approval),
        tag(
            "p",
            {},
            tag("a", {"href": console_url(approval.workflow.execution_arn)}, "Open the execution in the AWS console"),
            " (requires AWS sign-in)",
        ),
    )


def error(sentence: str, heading: str = "This link can't be used") -> str:
    """The page for what can't be done, and what to do about it."""
    return document(heading, tag("h1", {}, heading), tag("p", {}, sentence))


def failure(approval_id: str, request_id: str) -> str:
    """The page after an unexpected error, with what finds it in the log. An empty id is left out."""
    heading = "Something went wrong"
    sentence = "Open the link again in a minute: the page shows whether your response is recorded."
    named = [("Approval", short(approval_id))] if approval_id else []
    return document(
        heading,
        tag("h1", {}, heading),
        tag("p", {}, sentence),
        tag("p", {}, "If this happens again, send these references to whoever runs this service:"),
        rows([*named, ("Request ID", request_id)]),
    )


def _form(fields: Mapping[str, str], *content: ET.Element, kind: str = "", id_: str = "") -> ET.Element:
    hidden = (tag("input", {"type": "hidden", "name": name, "value": value}) for name, value in fields.items())
    named = {name: value for name, value in (("class", kind), ("id", id_)) if value}
    return tag("form", {"method": "post", "action": "execution"} | named, *hidden, *content)


def _is_short(approval: Approval, action: Action) -> bool:
    """Whether the form is at most a comment and a box to tick."""
    if action is Action.APPROVE and approval.request.form:
        return False
    return approval.request.severity is not Severity.HIGH or len(approval.title) <= MAX_STICKY_TITLE


def _button(approval: Approval, action: Action) -> str:
    if action is Action.APPROVE:
        return "Answer and approve" if approval.request.form else "Approve"
    return "Reject"


def _buttons(approval: Approval, action: Action, fields: Mapping[str, str]) -> ET.Element:
    """The button, and the way to the other answer's page: the signature of a link is good for both."""
    other = _OTHER[action]
    link = f"execution?{urlencode({**fields, 'action': other, 'do': LOOK})}"
    button = tag("button", {"class": action.value}, _button(approval, action))
    return tag("div", {"class": "buttons"}, button, tag("a", {"href": link}, f"{_button(approval, other)} instead"))


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
    problems = pluralize(len(typed.problems), "problem")
    intro = tag("p", {}, tag("strong", {}, "Your response is not recorded yet."), f" Fix {problems}:")
    return [tag("div", {"class": "problem", "role": "alert"}, intro, tag("ul", {}, *lines))]


def _extension(approval: Approval, fields: Mapping[str, str]) -> list[ET.Element]:
    if not can_extend(approval):
        return []
    longer = duration(approval.request.more_time.by)
    return [
        _form(
            fields,
            tag("p", {"class": "hint"}, f"Need more time? Extend the deadline by {longer} for all approvers."),
            tag("button", {"class": "plain", "name": "do", "value": MORE_TIME}, f"Extend by {longer}"),
            kind="small",
        )
    ]


def _decided_by(approval: Approval, recipient: str) -> str:
    """Who decided, where and when: the recipient themselves, or another."""
    decision = wording.decision_of(approval)
    by, reader = decision.approver, approver_of(approval, recipient)
    if by and (by.channel, by.id.casefold()) == (reader.channel, reader.id.casefold()):
        return f"You {approval.status.lower()} this request {wording.where(by.channel)} on {readable(decision.at)}."
    sentence = str(wording.decided_by(approval))
    return sentence[0].upper() + sentence[1:]


def _still_needed(approval: Approval) -> list[str]:
    """How many responses decide a request that somebody has responded to, and whose are missing."""
    request = approval.request
    said_so = [response.action for response in approval.standing]
    missing = [_more(request.required_approvals - said_so.count(Action.APPROVE), "approval") + " needed."]
    if request.required_rejections > 1:
        left = request.required_rejections - said_so.count(Action.REJECT)
        missing.append(f"{_more(left, 'rejection')} {'reject' if left > 1 else 'rejects'} the request.")
    names = [with_address(person) for person in unanswered(approval)]
    return [" ".join(missing), *([f"Waiting for {join_names(wording.limit_names(names))}."] if names else [])]


def _more(number: int, what: str) -> str:
    return f"{number} more {what}{'' if number == 1 else 's'}"
