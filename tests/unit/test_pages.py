"""The approver's pages, read as a browser would."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.model import Action, Approval, Request
from approvals.workflow import console_url
from handlers import pages
from tests.builders import BOB, TOKEN, WORKFLOW, an_approval, cancelled, decided, expired

FIELDS = {
    "action": "approve",
    "ex": "run-1",
    "sm": "Deploy",
    "id": "a" * 32,
    "to": "alice@example.com",
    "sig": "b" * 32,
}

HOSTILE = [
    "<script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' onfocus='alert(1)' autofocus='",
    "</textarea><form action=https://evil.example><button>OK</button></form>",
    '<meta http-equiv="refresh" content="0;url=https://evil.example">',
    "&lt;script&gt; stays as it was written &amp; so does this",
    "<!-- ",
    "]]><![CDATA[ <b>",
    "javascript:alert(1)",
]


class Page(HTMLParser):
    """A page's elements in order, and all of its text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.parts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    @property
    def text(self) -> str:
        return "".join(self.parts)

    @property
    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(tag, tuple(attributes)) for tag, attributes in self.elements]

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def saying(text: str) -> Approval:
    """A request that says the text wherever a requester can."""
    request = Request(
        title=text, details=text, requested_by=text, timeout=timedelta(hours=1), context={text: text, "list": [text]}
    )
    return an_approval(request=request)


def confirm(approval: Approval, fields: dict[str, str] | None = None, action: Action = Action.APPROVE) -> Page:
    return Page(pages.confirm(approval, action, fields or FIELDS, max_comment=1000))


def outcome(approval: Approval, action: Action = Action.APPROVE) -> Page:
    return Page(pages.outcome(approval, action))


EVERY_PAGE = [
    pytest.param(pages.confirm(an_approval(), Action.APPROVE, FIELDS, max_comment=1000), id="approve"),
    pytest.param(pages.confirm(an_approval(), Action.REJECT, FIELDS, max_comment=1000), id="reject"),
    pytest.param(pages.outcome(decided(comment="fine"), Action.APPROVE), id="approved"),
    pytest.param(pages.outcome(decided(Action.REJECT, BOB), Action.APPROVE), id="rejected"),
    pytest.param(pages.outcome(expired(), Action.APPROVE), id="expired"),
    pytest.param(pages.outcome(cancelled(), Action.APPROVE), id="cancelled"),
    pytest.param(pages.error("There is no such request."), id="error"),
    pytest.param(pages.error("Go back and shorten it.", "The comment is too long"), id="error-heading"),
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_as_it_is_and_adds_nothing_to_the_page(text: str) -> None:
    page = confirm(saying(text))
    assert page.shape == confirm(saying("harmless")).shape
    # In the title of the page and of the request, as details, requester, key and value.
    assert page.text.count(text) >= 6


@given(st.text(min_size=1, max_size=60))
def test_any_text_is_shown_as_it_is_and_adds_nothing_to_the_page(text: str) -> None:
    page = confirm(saying(text))
    assert page.shape == confirm(saying("harmless")).shape
    assert text in page.text


@given(st.text(min_size=1, max_size=60))
def test_any_comment_is_shown_as_it_is_and_adds_nothing_to_the_page(comment: str) -> None:
    page = outcome(decided(comment=comment))
    assert page.shape == outcome(decided(comment="harmless")).shape
    assert f"Comment: {comment}" in page.text


@pytest.mark.parametrize("cause", HOSTILE)
def test_a_hostile_cause_is_shown_as_it_is(cause: str) -> None:
    page = outcome(cancelled(cause))
    assert page.shape == outcome(cancelled("harmless")).shape
    assert cause.strip() in page.text


@pytest.mark.parametrize("sentence", HOSTILE)
def test_an_error_page_escapes_its_sentence(sentence: str) -> None:
    page = Page(pages.error(sentence))
    assert page.shape == Page(pages.error("harmless")).shape
    assert sentence in page.text


@pytest.mark.parametrize("heading", HOSTILE)
def test_an_error_page_escapes_its_heading(heading: str) -> None:
    page = Page(pages.error("x", heading))
    assert page.shape == Page(pages.error("x", "harmless")).shape
    assert page.text.count(heading) == 2, "as the title and on the page"


def test_an_error_page_is_about_the_link_unless_it_says_otherwise() -> None:
    assert pages.error("x") == pages.error("x", "This link can't be used")


@given(st.dictionaries(st.text(min_size=1, max_size=20), st.text(max_size=60), max_size=6))
def test_the_form_posts_back_exactly_the_links_fields(fields: dict[str, str]) -> None:
    page = Page(pages.confirm(an_approval(), Action.APPROVE, fields, max_comment=1000))
    hidden = [field for field in page.named("input") if field["type"] == "hidden"]
    assert {field["name"]: field["value"] for field in hidden} == fields


@pytest.mark.parametrize("action", list(Action))
def test_the_button_says_what_it_does_and_posts_to_where_the_page_came_from(action: Action) -> None:
    page = confirm(an_approval(), action=action)
    word = action.value.capitalize()
    assert page.named("form") == [{"method": "post", "action": "execution"}]
    assert page.named("button") == [{"class": action.value}]
    assert f"{word}? Deploy web 2.4.1" in page.text
    assert f"Nothing is decided until you press {word}." in page.text
    assert f"{word} this request?" in page.parts
    assert "Without any answer the request expires, unapproved." in page.text


def test_a_comment_is_asked_for_within_the_limit() -> None:
    page = confirm(an_approval())
    (area,) = page.named("textarea")
    assert (area["name"], area["maxlength"]) == ("comment", "1000")
    assert "Comment (optional, up to 1,000 characters)" in page.parts


def test_the_request_is_shown_before_it_is_confirmed() -> None:
    request = Request(
        title="Deploy",
        details="two\nlines",
        requested_by="jo",
        timeout=timedelta(hours=1),
        context={"Version": "2.4.1"},
    )
    text = confirm(an_approval(request=request)).text
    for shown in ("Answer by", "jo", "two\nlines", "Version", "2.4.1", "Deploy", "run-1", "Mon 23 Nov 2026, 10:00 UTC"):
        assert shown in text


def test_a_request_without_details_and_input_has_no_headings_for_them() -> None:
    assert confirm(an_approval()).named("h2") == []


@pytest.mark.parametrize(
    ("approval", "action", "sentence", "late"),
    [
        (decided(), Action.APPROVE, "Approved by alice@example.com by email", None),
        (decided(), Action.REJECT, "Approved by alice@example.com by email", "So this link can no longer reject."),
        (decided(Action.REJECT, BOB), Action.REJECT, "Rejected by bob in Slack", None),
        (
            decided(Action.REJECT, BOB),
            Action.APPROVE,
            "Rejected by bob in Slack",
            "So this link can no longer approve.",
        ),
        (expired(), Action.APPROVE, "Nobody answered before the deadline", "So this link can no longer approve."),
        (expired(), Action.REJECT, "Nobody answered before the deadline", "So this link can no longer reject."),
        (cancelled(), Action.APPROVE, "The execution was aborted.", "So this link can no longer approve."),
        (cancelled(), Action.REJECT, "The execution was aborted.", "So this link can no longer reject."),
    ],
)
def test_the_outcome_page_says_who_and_whether_this_link_came_too_late(
    approval: Approval, action: Action, sentence: str, late: str | None
) -> None:
    page = outcome(approval, action)
    assert sentence in page.text
    assert [part for part in page.parts if "can no longer" in part] == ([late] if late else [])


@pytest.mark.parametrize("approval", [decided(), decided(Action.REJECT), expired(), cancelled()])
def test_an_outcome_page_no_longer_says_until_when_to_answer(approval: Approval) -> None:
    text = outcome(approval).text
    assert "Answer by" not in text
    assert "Execution" in text, "the other facts stay"


@pytest.mark.parametrize("approval", [decided(), decided(Action.REJECT), expired(), cancelled()])
def test_an_outcome_page_has_nothing_to_press_and_one_link_to_the_console(approval: Approval) -> None:
    page = outcome(approval)
    assert page.named("form") == page.named("button") == page.named("input") == []
    assert page.named("a") == [{"href": console_url(WORKFLOW.execution_arn)}]


def test_an_open_request_has_no_outcome_page() -> None:
    with pytest.raises(ValueError, match="is not decided"):
        pages.outcome(an_approval(), Action.APPROVE)


def test_a_link_to_an_odd_execution_stays_one_attribute() -> None:
    arn = f'{WORKFLOW.execution_arn}"><script>'
    page = outcome(replace(decided(), workflow=replace(WORKFLOW, execution_arn=arn)))
    assert page.named("a") == [{"href": console_url(arn)}]
    assert page.named("script") == []


@pytest.mark.parametrize("html", EVERY_PAGE)
def test_a_page_runs_no_script_and_loads_nothing(html: str) -> None:
    """A script could submit the form for a mail scanner; something loaded would tell others of the visit."""
    page = Page(html)
    assert not {"script", "link", "img", "iframe", "object", "embed", "base", "svg"} & {tag for tag, _ in page.elements}
    names = {name for _, attributes in page.elements for name in attributes}
    assert not [name for name in names if name.startswith("on") or name in {"src", "autofocus", "formaction", "style"}]
    assert "url(" not in html
    assert "@import" not in html


@pytest.mark.parametrize("html", EVERY_PAGE)
def test_a_page_is_a_complete_accessible_document(html: str) -> None:
    page = Page(html)
    assert html.startswith("<!doctype html>\n")
    assert page.named("html") == [{"lang": "en"}]
    assert {"charset": "utf-8"} in page.named("meta")
    assert len(page.named("title")) == len(page.named("h1")) == 1
    labelled = {label["for"] for label in page.named("label")}
    assert {area["id"] for area in page.named("textarea")} == labelled


@pytest.mark.parametrize("html", EVERY_PAGE)
def test_the_policy_allows_the_pages_own_style_and_nothing_else(html: str) -> None:
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    assert style is not None
    digest = b64encode(sha256(style[1].encode()).digest()).decode()
    policy = dict(part.strip().split(" ", 1) for part in pages.HEADERS["Content-Security-Policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest}'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Cache-Control", "no-store"),
        ("Referrer-Policy", "no-referrer"),
        ("X-Robots-Tag", "noindex"),
        ("X-Content-Type-Options", "nosniff"),
    ],
)
def test_a_page_is_not_kept_passed_on_indexed_or_guessed_at(name: str, value: str) -> None:
    assert pages.HEADERS[name] == value


@pytest.mark.parametrize("html", EVERY_PAGE)
def test_a_page_holds_neither_the_task_token_nor_the_link_key(html: str) -> None:
    assert TOKEN[:20] not in html
    assert an_approval().link_key.decode() not in html
