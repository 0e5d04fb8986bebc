"""HTML pages without scripts: elements, one style sheet, and the headers that allow nothing else.

A page is built as a tree. The standard library's HTML serializer writes it out and escapes all text.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TypeAlias
from xml.etree import ElementTree as ET

from approvals.domain.addresses import label_with_host
from approvals.domain.characters import reveal

_CSS = Path(__file__).with_name("style.css").read_text()

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
"""Headers of every page: browsers do not store, frame, index or name it as a referrer, and run no script in it."""


Attributes: TypeAlias = Mapping[str, str | bool]
"""Attributes of an element. True is an attribute without a value, False is none."""


def tag(name: str, attributes: Attributes, *children: ET.Element | str) -> ET.Element:
    """Return an element with its children in order. Hidden characters in texts are made visible."""
    given = {name: "" if value is True else value for name, value in attributes.items() if value is not False}
    element = ET.Element(name, given)
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
"""Labels and their values."""


def rows(pairs: Rows) -> ET.Element:
    """Return a list of labels and values. Each label and value has its own text direction."""
    auto = {"dir": "auto"}
    cells = (cell for label, value in pairs for cell in (tag("dt", auto, label), tag("dd", auto, value)))
    return tag("dl", {}, *cells)


def external_link(label: str, url: str) -> ET.Element:
    """Return a link to another site, with the host behind its label. It opens in a new tab and sends no referrer."""
    return tag("a", {"href": url, "rel": "noreferrer noopener", "target": "_blank"}, label_with_host(label, url))


def document(title: str, *content: ET.Element | str) -> str:
    """Return the HTML document."""
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
