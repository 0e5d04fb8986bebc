"""A browser for the approver's pages: opens a link and sends its form as a browser does."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from approvals.domain.signed_links import ALL_SHOWN
from cli.context import Context

_SIGNATURE = "sig"
"""The field of a link and of a form that holds the signature."""


@dataclass(frozen=True, slots=True)
class Page:
    """What the stack answered. `location` is where it redirects to."""

    status: int
    url: str
    text: str
    location: str


def open_page(context: Context, url: str, method: str = "GET") -> Page:
    """Open an address without following redirects. Raises `HTTPError` if it can't be reached."""
    return _request(context, method, context.api_url(url))


def submit(context: Context, page: Page, *, forged: bool = False) -> Page:
    """Send the page's first form with its hidden fields, and an empty comment. Raises `HTTPError`.

    `forged` changes the signature in it.
    """
    form = _form(page)
    fields = {**form.fields, "comment": ""}
    if forged:
        fields[_SIGNATURE] = _changed(fields[_SIGNATURE])
    return _request(context, "POST", urljoin(page.url, form.action), urlencode(fields))


def follow(context: Context, page: Page) -> Page:
    """Open the address that a page redirects to. Raises `HTTPError`."""
    return _request(context, "GET", urljoin(page.url, page.location))


def has_form(page: Page) -> bool:
    """Return True if the page has a form with which to respond."""
    return _SIGNATURE in _form(page).fields


def page_link(link: str) -> str:
    """Return the link without the mark by which opening it responds in a stack with `EmailLinkMode=one-click`."""
    return _with_fields(link, {name: value for name, value in _fields(link).items() if name != ALL_SHOWN})


def forged_link(link: str) -> str:
    """Return the link with the last character of its signature changed."""
    fields = _fields(link)
    return _with_fields(link, {**fields, _SIGNATURE: _changed(fields[_SIGNATURE])})


def _changed(signature: str) -> str:
    return f"{signature[:-1]}{'b' if signature.endswith('a') else 'a'}"


def _form(page: Page) -> _Form:
    form = _Form()
    form.feed(page.text.partition("</form>")[0])
    return form


def _fields(link: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(link).query))


def _with_fields(link: str, fields: dict[str, str]) -> str:
    return urlunsplit(urlsplit(link)._replace(query=urlencode(fields)))


def _request(context: Context, method: str, url: str, body: str | None = None) -> Page:
    headers = {"Content-Type": "application/x-www-form-urlencoded"} if body is not None else {}
    answer = context.http.request(method, url, body=body, headers=headers, redirect=False)
    return Page(answer.status, url, answer.data.decode(errors="replace"), answer.headers.get("Location", ""))


class _Form(HTMLParser):
    """The action and the hidden fields of a form."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = found.get("action", "")
        elif tag == "input" and found.get("type") == "hidden":
            self.fields[found["name"]] = found.get("value", "")
