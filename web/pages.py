"""The approver's pages. They show all of a request: messages and emails that can't do so lead here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

from approvals.adapters.step_functions import console_url
from approvals.domain import facts, form_wording, policy_change_wording, wording
from approvals.domain.delegate_wording import for_owner, for_owner_of, seat_sentence
from approvals.domain.eligibility import deciders, responder
from approvals.domain.form_changes import reset_response
from approvals.domain.group_wording import group_shortfall
from approvals.domain.kind_wording import rejections_decide, words_of
from approvals.domain.model import Action, Approval, RequestKind, Response, Severity, readable
from approvals.domain.override_wording import override_sentence
from approvals.domain.parts import display_name, duration, join_names, pluralize, with_address
from approvals.domain.people import Approver, Person
from approvals.domain.references import short
from approvals.domain.rules import can_extend
from approvals.domain.seats import awaited
from approvals.domain.signed_links import approver_of
from web import sections
from web.form_inputs import Typed, element_id, inputs, labels
from web.html import document, rows, tag
from web.http import UNUSABLE
from web.link import withdrawals

WITHDRAW, MORE_TIME = "withdraw", "more-time"
"""Values of the field `do`: what a button asks for other than a response."""

LOOK = "look"
"""With `do=look`, a link only shows the page, in one-click mode too."""

MAX_STICKY_TITLE = 80
"""Characters. A form that stays in sight repeats a high-severity title and must leave room for the request."""

_FORM_ID = "answer"


def confirm(
    approval: Approval,
    action: Action,
    fields: Mapping[str, str],
    *,
    now: datetime,
    typed: Typed | None = None,
    note: str = "",
) -> str:
    """Return the page that shows the request and asks to confirm. Its buttons send back `fields`.

    `typed` is what the person sent before, shown again with the problem at each input; `note` is a warning. A short
    form stays in sight. A long form would hide the request, so a link to it stays in sight instead.
    """
    typed = typed or Typed()
    recipient = fields.get("to", "")
    is_short = _is_short(approval, action)
    words = words_of(approval)
    jump = tag("p", {"class": "jump"}, tag("a", {"href": f"#{_FORM_ID}"}, "Go to the form"))
    return document(
        f"{'Error: ' if typed.problems else ''}{approval.title}",
        tag(
            "div",
            {},
            _eyebrow(approval, "Question" if approval.request.kind is RequestKind.QUESTION else "Approval request"),
            tag("h1", {"dir": "auto"}, approval.title),
            *sections.comparison(approval, recipient),
            _warning(note) if note else _no_longer_counts(approval, recipient),
            *_reset(approval, recipient),
            _mistakes(approval, action, typed),
            *sections.request(approval, recipient, now),
            "" if is_short else jump,
        ),
        _form(
            fields,
            tag("h2", {}, words.headings[action]),
            _paragraph(seat_sentence(approval, approver_of(approval, recipient), now)),
            *_to_confirm(approval, action),
            *inputs(approval, action, typed),
            _buttons(approval, action, fields),
            style="answer sticky" if is_short else "answer",
            id_=_FORM_ID,
        ),
        tag(
            "p",
            {"class": "other"},
            f"Nothing is recorded until you press {words.buttons[action]}. {wording.timeout_sentence(approval)}",
        ),
        _extension(approval, fields),
    )


def recorded(
    approval: Approval, response: Response, fields: Mapping[str, str], *, now: datetime, note: str = ""
) -> str:
    """Return the page for a person whose response is recorded while the request waits. `note` is a warning."""
    return _status_page(
        approval,
        "Your response is recorded",
        _warning(note),
        _paragraph(
            f"You {_done(approval, response.action)}{for_owner(approval, response)} on {readable(response.at)}."
        ),
        *sections.response_details(approval, response),
        *(tag("p", {"dir": "auto"}, sentence) for sentence in _still_needed(approval) if sentence),
        _form(
            fields,
            tag(
                "p",
                {"class": "hint"},
                f"You can withdraw your response until the {words_of(approval).request} is decided.",
            ),
            tag("button", {"class": "plain", "name": "do", "value": WITHDRAW}, "Withdraw my response"),
        ),
        *sections.comparison(approval, fields.get("to", "")),
        *sections.request(approval, fields.get("to", ""), now),
    )


def not_allowed(approval: Approval, sentence: str, *, too_early: bool, now: datetime) -> str:
    """Return the page for a person who can't respond, or not yet. The sentence says why, and who can."""
    return _status_page(
        approval,
        "Try again in a moment" if too_early else "You can't respond to this request",
        tag("p", {"dir": "auto"}, sentence),
        *sections.comparison(approval, ""),
        *sections.request(approval, "", now),
    )


def outcome(approval: Approval, action: Action, recipient: str = "", newer: str | None = None, note: str = "") -> str:
    """Return the page that shows how the approval ended, for the recipient of a link for `action`.

    `newer` is the address of their link to the request that superseded this one; `note` is a warning.
    """
    decision = wording.decision_of(approval)
    by = " ".join([_decided_by(approval, recipient), *(f"{count}." for count in wording.counts(approval))])
    words = words_of(approval)
    late = approval.status is not action.status
    console = tag("a", {"href": console_url(approval.workflow.execution_arn)}, "Open the execution in the AWS console")
    return _status_page(
        approval,
        wording.headline(approval),
        _warning(note),
        tag("p", {"dir": "auto"}, by),
        _warning(str(override_sentence(approval))),
        *sections.quote(decision.comment or wording.cause(approval)),
        _paragraph(f"This link can no longer {words.verbs[action]} the {words.request}." if late else ""),
        _warning(wording.undelivered_sentence(approval)),
        tag("p", {}, tag("a", {"href": newer}, "Open the newer request")) if newer else "",
        *sections.activity(approval),
        *sections.comparison(approval, recipient),
        *sections.from_request(approval),
        *sections.source(approval),
        tag("p", {}, console, " (requires AWS sign-in)"),
        style=approval.status.lower(),
    )


def error(sentence: str, heading: str = UNUSABLE, *more: ET.Element) -> str:
    """Return the page that says what is wrong and what to do next."""
    return document(heading, tag("h1", {}, heading), tag("p", {}, sentence), *more)


def failure(approval_id: str, request_id: str) -> str:
    """Return the page for an unexpected error, with the references that find it in the log."""
    return error(
        "Open the link again in a minute: the page shows whether your response is recorded.",
        "Something went wrong",
        tag("p", {}, "If this happens again, send these references to your administrator:"),
        rows([*([("Approval", short(approval_id))] if approval_id else []), ("Request ID", request_id)]),
    )


def _status_page(approval: Approval, heading: str, *content: ET.Element | str, style: str = "") -> str:
    """Return a page whose heading says where the approval stands, below its title."""
    return document(
        f"{heading}: {approval.title}",
        _eyebrow(approval, approval.title),
        tag("h1", {"class": style or False}, heading),
        *content,
    )


def _paragraph(text: str) -> ET.Element | str:
    return tag("p", {}, text) if text else ""


def _warning(text: str) -> ET.Element | str:
    return tag("p", {"class": "problem"}, text) if text else ""


def _form(fields: Mapping[str, str], *content: ET.Element | str, style: str = "", id_: str = "") -> ET.Element:
    hidden = (tag("input", {"type": "hidden", "name": name, "value": value}) for name, value in fields.items())
    attributes = {"method": "post", "action": "execution", "class": style or False, "id": id_ or False}
    return tag("form", attributes, *hidden, *content)


def _is_short(approval: Approval, action: Action) -> bool:
    """Return True if the form is at most a comment and a checkbox."""
    if action is Action.APPROVE and approval.request.form:
        return False
    return approval.request.severity is not Severity.HIGH or len(approval.title) <= MAX_STICKY_TITLE


def _done(approval: Approval, action: Action) -> str:
    words = words_of(approval)
    return f"{words.done[action]} this {words.request}"


def _buttons(approval: Approval, action: Action, fields: Mapping[str, str]) -> ET.Element:
    """Return the button, and a link to the page for the other response: a link's signature is valid for both."""
    other = Action.REJECT if action is Action.APPROVE else Action.APPROVE
    link = f"execution?{urlencode({**fields, 'action': other, 'do': LOOK})}"
    buttons = words_of(approval).buttons
    button = tag("button", {"class": action.value}, buttons[action])
    return tag("div", {"class": "buttons"}, button, tag("a", {"href": link}, f"{buttons[other]} instead"))


def _eyebrow(approval: Approval, text: str) -> ET.Element:
    badge = tag("strong", {"class": "badge"}, "High severity") if wording.is_high_severity(approval) else ""
    return tag("p", {"class": "eyebrow", "dir": "auto"}, text, " ", badge)


def _mistakes(approval: Approval, action: Action, typed: Typed) -> ET.Element | str:
    """Return what to fix, with a link to each input: the form stands below a request that may be long."""
    if not typed.problems:
        return ""
    named = labels(approval, action)
    lines = (
        tag("li", {}, tag("a", {"href": f"#{element_id(name)}", "dir": "auto"}, f"{named.get(name, name)}: {text}"))
        for name, text in typed.problems.items()
    )
    problems = pluralize(len(typed.problems), "problem")
    intro = tag("p", {}, tag("strong", {}, "Your response is not recorded yet."), f" Fix {problems}:")
    return tag("div", {"class": "problem", "role": "alert"}, intro, tag("ul", {}, *lines))


def _no_longer_counts(approval: Approval, recipient: str) -> ET.Element | str:
    """Return why the person's last response does not count: they withdrew it, or it was reset."""
    reader = approver_of(approval, recipient)
    if why := policy_change_wording.again_notice(approval, reader):
        return _warning(why)
    at = max(withdrawals(approval, reader), default=None)
    return _paragraph(f"You withdrew your response on {readable(at)}. It no longer counts." if at else "")


def _reset(approval: Approval, recipient: str) -> list[ET.Element]:
    """Return what was changed if the person's approval was reset."""
    person = responder(approval, approver_of(approval, recipient))
    response = reset_response(approval, person) if isinstance(person, Person) else None
    return sections.quote("\n".join(form_wording.reset_changes(approval, response))) if response else []


def _to_confirm(approval: Approval, action: Action) -> list[ET.Element]:
    """Return what others filled in: the inputs may hold what the person typed instead."""
    sentence = form_wording.confirm_sentence(approval) if action is Action.APPROVE else ""
    if not sentence:
        return []
    values = facts.form_answers(approval)
    return [tag("p", {"dir": "auto"}, sentence), *([tag("blockquote", {}, rows(values))] if values else [])]


def _extension(approval: Approval, fields: Mapping[str, str]) -> ET.Element | str:
    if not can_extend(approval):
        return ""
    longer = duration(approval.request.more_time.by)
    hint = tag("p", {"class": "hint"}, f"Need more time? Extend the deadline by {longer} for all approvers.")
    button = tag("button", {"class": "plain", "name": "do", "value": MORE_TIME}, f"Extend by {longer}")
    return _form(fields, hint, button, style="small")


def _decided_by(approval: Approval, recipient: str) -> str:
    """Return who decided, where and when, and say "you" of the recipient."""
    decision = wording.decision_of(approval)
    by, reader = decision.approver, approver_of(approval, recipient)
    if len(deciders(approval)) > 1:
        all_of_them = wording.named_deciders(
            approval, lambda each: "you" if _is_same(each, reader) else display_name(each)
        )
        return f"By {all_of_them} on {readable(decision.at)}."
    action = next((each for each in Action if each.status is approval.status), None)
    if action and by and _is_same(by, reader):
        done = f"{_done(approval, action)}{for_owner_of(approval, by)}"
        return f"You {done} {wording.where(by.channel)} on {readable(decision.at)}."
    sentence = str(wording.decided_by(approval))
    return sentence[0].upper() + sentence[1:]


def _is_same(one: Approver, other: Approver) -> bool:
    return (one.channel, one.id.casefold()) == (other.channel, other.id.casefold())


def _still_needed(approval: Approval) -> list[str]:
    """Return how many more responses decide the request, and who has not responded."""
    request = approval.request
    actions = [response.action for response in approval.standing]
    words, left = words_of(approval), request.required_approvals - actions.count(Action.APPROVE)
    missing = [f"{group_shortfall(approval) or pluralize(left, f'more {words.approval}')} needed."]
    if request.required_rejections > 1:
        left = request.required_rejections - actions.count(Action.REJECT)
        missing.append(f"{rejections_decide(approval, left, 'more ')} the {words.request}.")
    names = [with_address(person) for person in awaited(approval)]
    again = form_wording.again_sentence(approval)
    return [" ".join(missing), again, *([f"Waiting for {join_names(wording.limit_names(names))}."] if names else [])]
