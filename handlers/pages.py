"""The approver's pages: plain HTML for a phone in a hurry. No script, nothing loaded from elsewhere.

A page is built as a tree and written out by the standard library's HTML serializer, which escapes all text.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from xml.etree import ElementTree as ET

from approvals import present
from approvals.model import Action, Approval
from approvals.workflow import console_url

_CSS = """
:root { color-scheme: light dark; --ground: #f5f6f8; --card: #fff; --ink: #16191d; --soft: #5b6470; --line: #dde1e6;
  --approve: #0b7a43; --reject: #b42318; --link: #0b57d0 }
@media (prefers-color-scheme: dark) { :root { --ground: #101317; --card: #191d23; --ink: #eceff3; --soft: #a3acb8;
  --line: #2f3640; --approve: #117f48; --reject: #c0362b; --link: #8ab4f8 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--ink); line-height: 1.5;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, sans-serif }
main { max-width: 38rem; margin: 0 auto; padding: 1.25rem; background: var(--card); min-height: 100vh }
@media (min-width: 40rem) { main { min-height: 0; margin: 3rem auto; padding: 2rem; border: 1px solid var(--line);
  border-radius: .75rem } }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 1rem; overflow-wrap: anywhere }
h2 { font-size: 1rem; margin: 1.5rem 0 .25rem }
p { margin: 0 0 1rem; overflow-wrap: anywhere }
.eyebrow { margin: 0 0 .25rem; color: var(--soft); font-size: .875rem; font-weight: 600 }
.approved { color: var(--approve) } .rejected, .expired, .cancelled { color: var(--reject) }
@media (prefers-color-scheme: dark) { .approved { color: #5bd492 } .rejected, .expired, .cancelled { color: #ff938a } }
.text { white-space: pre-wrap }
dl { display: grid; grid-template-columns: fit-content(40%) minmax(0, 1fr); gap: .25rem 1rem; margin: 0 0 1rem }
dt { color: var(--soft); overflow-wrap: anywhere } dd { margin: 0; overflow-wrap: anywhere; white-space: pre-wrap }
a { color: var(--link) }
form { position: sticky; bottom: 0; background: var(--card); padding: .75rem 0; border-top: 1px solid var(--line) }
label { display: block; font-weight: 600; margin-bottom: .25rem }
textarea { width: 100%; font: inherit; color: inherit; background: var(--ground); border: 1px solid var(--soft);
  border-radius: .5rem; padding: .5rem; margin-bottom: .75rem }
button { width: 100%; min-height: 3rem; font: inherit; font-weight: 600; color: #fff; border: 0; border-radius: .5rem;
  cursor: pointer }
button.approve { background: var(--approve) } button.reject { background: var(--reject) }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px }
.other { color: var(--soft); font-size: .875rem; margin-top: 1rem }
"""

_CSS_HASH = b64encode(sha256(_CSS.encode()).digest()).decode()

HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_CSS_HASH}'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
}
"""Sent with every page: it is not stored, framed, indexed, or passed on as a referrer, and runs no script."""

_WORDS = {Action.APPROVE: "Approve", Action.REJECT: "Reject"}
_OTHER = {Action.APPROVE: Action.REJECT, Action.REJECT: Action.APPROVE}


def confirm(approval: Approval, action: Action, fields: Mapping[str, str], *, max_comment: int) -> str:
    """The page that shows the request and asks to confirm. `fields` are the link's, posted back by the button."""
    hidden = [_tag("input", {"type": "hidden", "name": name, "value": value}) for name, value in fields.items()]
    word = _WORDS[action]
    form = _tag(
        "form",
        {"method": "post", "action": "execution"},
        *hidden,
        _tag("label", {"for": "comment"}, f"Comment (optional, up to {max_comment:,} characters)"),
        _tag("textarea", {"id": "comment", "name": "comment", "rows": "2", "maxlength": str(max_comment)}),
        _tag("button", {"class": action.value}, word),
    )
    return _page(
        f"{word}? {approval.title}",
        _tag("p", {"class": "eyebrow"}, f"{word} this request?"),
        _tag("h1", {}, approval.title),
        *_request(approval),
        form,
        _tag(
            "p",
            {"class": "other"},
            f"Nothing is decided until you press {word}. To {_OTHER[action]} instead, use the other link in the mail. "
            "Without any answer the request expires, unapproved.",
        ),
    )


def outcome(approval: Approval, action: Action, newer: str | None = None) -> str:
    """The page that shows how the approval ended, to somebody whose link says `action`.

    `newer` is the same link for the request that took this one's place.
    """
    decision = present.decided(approval)
    late = approval.status is not action.status
    return _page(
        f"{present.headline(approval)}: {approval.title}",
        _tag("p", {"class": "eyebrow"}, approval.title),
        _tag("h1", {"class": approval.status.lower()}, present.headline(approval)),
        _tag("p", {}, present.outcome(approval)),
        *([_tag("p", {"class": "text"}, f"Comment: {decision.comment}")] if decision.comment else []),
        *([_tag("p", {}, _tag("a", {"href": newer}, "Open the newer request"))] if newer else []),
        *([_tag("p", {}, f"So this link can no longer {action}.")] if late else []),
        *_request(approval),
        _tag(
            "p",
            {},
            _tag(
                "a",
                {"href": console_url(approval.workflow.execution_arn)},
                "Open the execution in the Step Functions console",
            ),
        ),
    )


def error(sentence: str, heading: str = "This link can't be used") -> str:
    """The page for what can't be done, and what to do about it."""
    return _page(heading, _tag("h1", {}, heading), _tag("p", {}, sentence))


def _request(approval: Approval) -> list[ET.Element]:
    parts = [_list(present.facts(approval))]
    if approval.request.details:
        parts += [_tag("h2", {}, "Details"), _tag("p", {"class": "text"}, approval.request.details)]
    context = present.context(approval)
    if context:
        parts += [_tag("h2", {}, "Input of the workflow"), _list(context)]
    return parts


def _list(rows: list[tuple[str, str]]) -> ET.Element:
    cells = (cell for label, value in rows for cell in (_tag("dt", {}, label), _tag("dd", {}, value)))
    return _tag("dl", {}, *cells)


def _page(title: str, *content: ET.Element) -> str:
    head = _tag(
        "head",
        {},
        _tag("meta", {"charset": "utf-8"}),
        _tag("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        _tag("title", {}, title),
        _tag("style", {}, _CSS),
    )
    page = _tag("html", {"lang": "en"}, head, _tag("body", {}, _tag("main", {}, *content)))
    return f"<!doctype html>\n{ET.tostring(page, encoding='unicode', method='html')}"


def _tag(name: str, attributes: dict[str, str], *children: ET.Element | str) -> ET.Element:
    element = ET.Element(name, attributes)
    for child in children:
        if isinstance(child, ET.Element):
            element.append(child)
        else:
            element.text = child
    return element
