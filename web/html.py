"""HTML without script: one style, the headers that hold it to that, and elements that escape all text.

A page is built as a tree and written out by the standard library's HTML serializer, which escapes all text.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import TypeAlias
from xml.etree import ElementTree as ET

from approvals.domain.addresses import label_with_host
from approvals.domain.characters import reveal

_CSS = """
:root { color-scheme: light dark; --ground: #f5f6f8; --card: #fff; --ink: #16191d; --soft: #5b6470; --line: #dde1e6;
  --approve: #0b7a43; --reject: #b42318; --link: #0b57d0; --good: #0b7a43; --bad: #b42318;
  scroll-padding: 1rem 0 14rem }
@media (prefers-color-scheme: dark) { :root { --ground: #101317; --card: #191d23; --ink: #eceff3; --soft: #a3acb8;
  --line: #2f3640; --approve: #117f48; --reject: #c0362b; --link: #8ab4f8; --good: #5bd492; --bad: #ff938a } }
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--ink); line-height: 1.4; overflow-wrap: anywhere;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, sans-serif }
main { max-width: 38rem; margin: 0 auto; padding: 1rem; background: var(--card); min-height: 100vh }
@media (min-width: 40rem) { main { min-height: 0; margin: 3rem auto; padding: 2rem; border: 1px solid var(--line);
  border-radius: .75rem } }
h1 { font-size: 1.375rem; line-height: 1.25; margin: 0 0 .5rem }
h2, h3, h4 { font-size: 1rem; margin: .75rem 0 .125rem }
p, ul, ol, pre, dl { margin: 0 0 .5rem }
/* What others wrote. Letters with many marks reach far out of their line: they are cut off at the border. */
.author, blockquote { margin: .5rem 0; padding: .375rem .75rem; overflow: clip; background: var(--ground);
  border: 1px solid var(--soft); border-radius: .5rem }
.author pre, .author .line, .author textarea, .author select { background: var(--card) }
blockquote { margin: 0 0 .5rem; padding: .25rem .75rem; border-width: 0 0 0 .25rem; border-radius: 0 }
.author h3, .author h4 { margin: .25rem 0 0 }
.author > :last-child, blockquote > :last-child { margin-bottom: 0 }
.whose { margin: 0; color: var(--soft); font-size: .8125rem; letter-spacing: .05em; text-transform: uppercase }
ul { padding-inline-start: 1.25rem }
pre { padding: .5rem; background: var(--ground); border-radius: .5rem; white-space: pre-wrap }
code { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: .9em }
.eyebrow { margin: 0 0 .25rem; color: var(--soft); font-size: .875rem; font-weight: 600 }
.badge { display: inline-block; margin-inline-start: .25rem; padding: 0 .5rem; border-radius: 1rem; color: #fff;
  background: var(--reject) }
.approved { color: var(--good) } .rejected, .expired, .cancelled, .problem { color: var(--bad) }
.problem { font-weight: 600 }
.problem a { display: inline-block; vertical-align: top; padding: .25rem 0; color: inherit }
.text { white-space: pre-wrap }
dl { display: grid; grid-template-columns: fit-content(40%) minmax(0, 1fr); gap: .125rem .75rem }
dt, time { color: var(--soft) } dd time { display: inline-block; font-size: .875rem }
dd { margin: 0; white-space: pre-wrap }
a { color: var(--link) }
.url { color: var(--soft); font-size: .875rem }
summary { color: var(--link); font-weight: 600; cursor: pointer; min-height: 2.75rem; padding-top: .75rem }
.history { list-style: none; padding: 0 0 0 .75rem; border-inline-start: 2px solid var(--line) }
.history li { margin-bottom: .5rem } .history time { display: block; font-size: .875rem }
form { padding: .75rem 0 }
.answer { position: relative; padding: .5rem 0; background: var(--card); border-top: 1px solid var(--line) }
.answer h2 { margin: 0 0 .25rem; font-size: 1.125rem }
/* The form covers the link that leads to it, once it is in sight. */
.jump { position: sticky; bottom: 0; margin: 0 -1rem -3.75rem; padding: .75rem 1rem; background: var(--card);
  border-top: 1px solid var(--line) }
.jump:focus-within { z-index: 1 }
.jump a { display: block; padding: .375rem 0; font-weight: 600 }
@media (max-height: 42rem) { .sticky .hint { display: none } .sticky h2 { margin: 0 } }
@media (min-height: 30rem) { .sticky { position: sticky; bottom: 0 } }
fieldset { margin: 0 0 .75rem; padding: 0; border: 0; min-width: 0 }
label, legend { display: block; font-weight: 600; margin-bottom: .25rem; padding: 0 }
.hint { margin: 0 0 .25rem; color: var(--soft); font-size: .875rem } .field > .problem { margin: 0 0 .25rem }
.field { margin-bottom: .5rem }
.tick { display: flex; gap: .75rem; align-items: flex-start; font-weight: 400; padding: .625rem 0; margin: 0 }
.tick input { width: 1.5rem; height: 1.5rem; margin: 0; flex: none }
textarea, select, .line { display: block; width: 100%; min-height: 2.75rem; font: inherit; color: inherit;
  background: var(--ground); border: 1px solid var(--soft); border-radius: .5rem; padding: .5rem }
::placeholder { color: var(--soft); opacity: 1 }
[aria-invalid] { border-color: var(--bad) }
.buttons { display: flex; gap: 1rem; align-items: center } .buttons a { padding: .75rem 0 }
button { min-height: 3rem; padding: 0 1rem; font: inherit; font-weight: 600; color: #fff; border: 0;
  border-radius: .5rem; cursor: pointer }
.approve, .reject { flex: 1 } .approve { background: var(--approve) } .reject { background: var(--reject) }
button.plain { color: var(--ink); background: var(--card); border: 1px solid var(--soft) }
.small { padding: 0 } .small button.plain { padding: 0; border: 0; color: var(--link); font-weight: 400;
  text-decoration: underline }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px }
.other { color: var(--soft); font-size: .875rem }
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


def tag(name: str, attributes: dict[str, str], *children: ET.Element | str) -> ET.Element:
    """An element with its children in order: elements and texts, whose hidden characters are shown to be there."""
    element = ET.Element(name, attributes)
    last: ET.Element | None = None
    for child in children:
        if isinstance(child, ET.Element):
            element.append(child)
            last = child
        elif last is None:
            element.text = (element.text or "") + reveal(child)
        else:
            last.tail = (last.tail or "") + reveal(child)
    return element


Rows: TypeAlias = Sequence[tuple[str, ET.Element | str]]
"""Labels and values."""


def rows(pairs: Rows) -> ET.Element:
    """Labels and values. Each writes in its own direction."""
    auto = {"dir": "auto"}
    cells = (cell for label, value in pairs for cell in (tag("dt", auto, label), tag("dd", auto, value)))
    return tag("dl", {}, *cells)


def away(label: str, url: str) -> ET.Element:
    """A link that leads away: in a tab of its own, so that the page stays, and without telling where it came from.

    The host stands in the link, behind the label.
    """
    return tag("a", {"href": url, "rel": "noreferrer noopener", "target": "_blank"}, label_with_host(label, url))


def document(title: str, *content: ET.Element) -> str:
    """The whole page."""
    head = tag(
        "head",
        {},
        tag("meta", {"charset": "utf-8"}),
        tag("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        tag("title", {}, title),
        tag("style", {}, _CSS),
    )
    page = tag("html", {"lang": "en"}, head, tag("body", {}, tag("main", {}, *content)))
    return f"<!doctype html>\n{ET.tostring(page, encoding='unicode', method='html')}"
