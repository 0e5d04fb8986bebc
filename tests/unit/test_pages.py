"""The approver's pages, read as a browser would."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from html.parser import HTMLParser
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.adapters.step_functions import console_url
from approvals.domain import facts, wording
from approvals.domain.addresses import label_with_host
from approvals.domain.characters import hidden_in, reveal
from approvals.domain.form_changes import form_key
from approvals.domain.form_fields import FieldType, FormField, FormValue
from approvals.domain.history import Kind, history
from approvals.domain.markdown import parse
from approvals.domain.model import (
    Action,
    Approval,
    Decision,
    Extension,
    MoreTime,
    OnTimeout,
    Presence,
    Refusal,
    Request,
    Severity,
    Status,
    iso,
    readable,
)
from approvals.domain.parts import format_time_left
from approvals.domain.people import People, Person
from approvals.domain.rules import judge
from approvals.domain.steps import Step
from tests.support import page_variants
from tests.support.builders import (
    ALICE,
    BOB,
    HOUR,
    NOW,
    TOKEN,
    WORKFLOW,
    a_response,
    an_approval,
    cancelled,
    decided,
    expired,
)
from tests.support.page_variants import (
    CAROL,
    FIELDS,
    FORM,
    LATER,
    VARIANTS,
    asking,
    eventful,
    recorded,
    typical,
    waiting,
)
from web import pages
from web.form_inputs import Typed
from web.html import HEADERS

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
        self.html = html
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

    def inside(self, tag: str, of_class: str | None = None) -> list[str]:
        """Return the text in each outermost element of a kind, and of a class if one is given."""
        return list(_Inside(self.html, tag, of_class).found)

    def outside(self, tag: str, of_class: str | None = None) -> str:
        """Return all other text."""
        return _Inside(self.html, tag, of_class).rest

    @property
    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(tag, tuple(attributes)) for tag, attributes in self.elements]

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


class _Inside(HTMLParser):
    """The text in each outermost element of a kind and class, and the rest."""

    def __init__(self, html: str, tag: str, of_class: str | None) -> None:
        super().__init__(convert_charrefs=True)
        self._wanted = (tag, of_class)
        self._depth = 0
        self.found: list[str] = []
        self.rest = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        wanted, of_class = self._wanted
        if self._depth and tag == wanted:
            self._depth += 1
        elif not self._depth and tag == wanted and of_class in (None, dict(attrs).get("class")):
            self._depth = 1
            self.found.append("")

    def handle_endtag(self, tag: str) -> None:
        if self._depth and tag == self._wanted[0]:
            self._depth -= 1

    def handle_data(self, data: str) -> None:
        if self._depth:
            self.found[-1] += data
        else:
            self.rest += data


def saying(text: str, details: str | None = None) -> Approval:
    """A request that says the text wherever a requester can; its details only by choice, for they have markup."""
    request = Request(
        title=text,
        details=details,
        requested_by=f"by {text}",
        timeout=HOUR,
        facts=((text, text),),
        links=((text, "https://example.com/"),),
        severity=Severity.HIGH,
        form=(
            FormField(name="A", label=text, type=FieldType.TEXT, default=text),
            FormField(name="B", label=text, type=FieldType.TEXT, default=text, max_length=20),
            FormField(name="C", label=text, type=FieldType.CHOICE, choices=(text, f"{text}2")),
            FormField(name="D", label=text, type=FieldType.CHOICE, choices=tuple(f"{text}{n}" for n in range(5))),
        ),
        context={text: text, "list": [text]},
    )
    people = People(approvers=(Person(id="alice@example.com", name=text, identities={"email": "alice@example.com"}),))
    return an_approval(request=request, people=people)


def confirm(approval: Approval, action: Action = Action.APPROVE, typed: Typed | None = None) -> Page:
    return Page(page_variants.confirm(approval, action, typed))


def outcome(approval: Approval, action: Action = Action.APPROVE) -> Page:
    return Page(pages.outcome(approval, action))


def listed(page: Page) -> list[dict[str, str | None]]:
    """Return the links that the request has: those that lead away in a tab of their own."""
    return [link for link in page.named("a") if "target" in link]


WRONG = Typed({"form.Share": "many", "comment": "\nwhy"}, {"form.Share": "Enter a number.", "comment": "Too long."})

EVERY_PAGE = [pytest.param(html, id=name) for name, html in VARIANTS.items()]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_as_it_is_and_adds_nothing_to_the_page(text: str) -> None:
    page = confirm(saying(text, details=text))
    assert page.shape == confirm(saying("harmless", details="harmless")).shape
    # In the titles of the page and the request and its confirmation, as details, requester, fact, link, labels,
    # defaults, choices, key and value.
    assert page.text.count(text) >= 20


@given(st.text(min_size=1, max_size=60).filter(lambda text: text.strip() != ""))  # a blank requester is left out
def test_any_text_is_shown_as_it_is_and_adds_nothing_to_the_page(text: str) -> None:
    page = confirm(saying(text))
    assert page.shape == confirm(saying("harmless")).shape
    assert reveal(text) in page.text


MARKED = st.lists(
    st.sampled_from(["**", "*", "`", "```", "\n", "# ", "- ", "[", "](https://x.y/)", "<b>", "&", "a b", " "])
)


@given(MARKED.map("".join))
def test_any_details_are_shown_with_no_element_that_their_marks_do_not_ask_for(details: str) -> None:
    """Nothing is lost but the marks."""
    page = confirm(asking(details=details))
    allowed = {"section", "h3", "h4", "p", "ul", "li", "pre", "code", "strong", "em", "a", "h2"}
    without = confirm(asking())
    assert {tag for tag, _ in page.elements} - {tag for tag, _ in without.elements} <= allowed
    texts = [label_with_host(span.text, span.url) for block in parse(details) for span in block.spans]
    assert "".join(texts) in page.text
    leading = [link["href"] for link in listed(page)]
    assert set(leading) <= {"https://x.y/"}


@given(st.text(max_size=60).map(lambda text: f"x{text}"))
def test_any_comment_is_shown_as_it_is_and_adds_nothing_to_the_page(comment: str) -> None:
    page = outcome(decided(comment=comment))
    assert page.shape == outcome(decided(comment="harmless")).shape
    assert page.inside("blockquote") == [reveal(comment)]


def test_a_page_of_an_earlier_versions_record_hides_nothing_and_takes_its_choices() -> None:
    text = "a\x1b\u200b\u202e\u2800\u3164\U000e0041\xadb"
    workflow = replace(WORKFLOW, execution_name=text, state_machine_name=text)
    asked = replace(saying(text, details=f"{text} **{text}** `{text}` [{text}](https://x.io/)"), workflow=workflow)
    for page in (confirm(asked), outcome(decided(comment=text, workflow=workflow)), outcome(cancelled(text))):
        assert hidden_in(page.text) is None
        shown = [each for each in page.named("input") if each["type"] == "text"]
        assert [each["value"] for each in shown if hidden_in(each["value"] or "")] == []
    assert text in [each.get("value") for each in confirm(asked).named("input") if each["type"] == "radio"]


LIE = "https://github.com/acme/pull/7"


def test_a_link_on_a_page_shows_the_host_that_it_leads_to() -> None:
    links = ((LIE, "https://evil.example/x"),)
    page = confirm(asking(details=f"[{LIE}](https://evil.example/y)", links=links))
    assert [link["href"] for link in listed(page)] == ["https://evil.example/y", "https://evil.example/x"]
    assert page.text.count(f"{LIE} (evil.example)") == 2


@pytest.mark.parametrize("url", ["https://good.example@evil.example/", "https://g\u043e\u043egle.com/"])
def test_an_address_that_could_deceive_is_no_link_on_a_page(url: str) -> None:
    page = confirm(asking(details=f"See [label]({url}).", links=(("Plan", url),)))
    assert listed(page) == []
    assert f"See [label]({url})." in page.text
    assert f"Plan{url}" in page.text


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
    assert pages.error("x") == pages.error("x", "This link doesn't work")


@given(st.dictionaries(st.text(min_size=1, max_size=20), st.text(max_size=60), max_size=6))
def test_the_form_posts_back_exactly_the_links_fields(fields: dict[str, str]) -> None:
    page = Page(pages.confirm(an_approval(), Action.APPROVE, fields, now=LATER))
    hidden = [field for field in page.named("input") if field["type"] == "hidden"]
    assert {field["name"]: field["value"] for field in hidden} == fields


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("form", [(), FORM[:1]])
def test_the_button_says_what_it_does_and_posts_to_where_the_page_came_from(
    action: Action, form: tuple[FormField, ...]
) -> None:
    page = confirm(asking(form=form), action=action)
    answers = form and action is Action.APPROVE
    button = "Answer and approve" if answers else action.value.capitalize()
    kind = "answer" if answers else "answer sticky"
    assert page.named("form") == [{"method": "post", "action": "execution", "class": kind, "id": "answer"}]
    assert page.named("button") == [{"class": action.value}]
    assert page.inside("button") == [button]
    assert page.inside("title") == ["Deploy"]
    assert ("Answer and approve" if answers else f"{button} this request") in page.inside("h2")
    assert f"Nothing is recorded until you press {button}. If nobody responds by the deadline, the request" in page.text


def test_a_comment_is_asked_for_within_the_limit() -> None:
    page = confirm(an_approval())
    (area,) = page.named("textarea")
    assert (area["name"], area["maxlength"]) == ("comment", "1000")
    assert "Up to 1,000 characters. Kept in the record and passed to the workflow." in page.parts
    assert "Comment (optional)" in page.parts


def test_the_request_is_shown_before_it_is_confirmed() -> None:
    request = Request(
        title="Deploy",
        details="two\nlines",
        requested_by="jo",
        timeout=timedelta(hours=1),
        context={"Version": "2.4.1"},
    )
    text = confirm(an_approval(request=request)).text
    for shown in (
        "Respond by",
        "jo",
        "two\nlines",
        "Version",
        "2.4.1",
        "Deploy",
        "run-1",
        "23 Nov 2026, 10:00 UTC",
    ):
        assert shown in text


def test_a_request_without_details_and_input_has_no_block_for_them() -> None:
    page = confirm(an_approval())
    assert page.inside("h2") == ["Who can respond", "Source", "Approve this request"]
    assert page.named("section") == []


@pytest.mark.parametrize("action", list(Action))
def test_the_other_answer_is_a_link_away_and_its_page_only_looks(action: Action) -> None:
    """Also in one-click mode, where the mail's own link would answer."""
    (link,) = confirm(an_approval(), action=action).named("a")
    other = next(each for each in Action if each is not action)
    query = dict(parse_qsl(str(link["href"]).removeprefix("execution?")))
    assert query == {**FIELDS, "action": other.value, "do": "look"}


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (timedelta(days=2), "2 days"),
        (timedelta(days=1, hours=23, minutes=59), "47 hours"),
        (timedelta(hours=2), "2 hours"),
        (timedelta(minutes=119, seconds=59), "119 minutes"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(seconds=59), "less than a minute"),
        (timedelta(seconds=-1), "less than a minute"),
    ],
)
def test_the_deadline_is_also_said_as_the_time_that_is_left_rounded_down(left: timedelta, words: str) -> None:
    assert format_time_left(NOW + left, NOW) == words


def test_the_deadline_is_shown_in_both_ways() -> None:
    page = confirm(an_approval())
    assert "Respond by25 minutes left, 23 Nov 2026, 10:00 UTC" in page.text
    assert page.named("time") == [{"datetime": "2026-11-23T10:00:00.000Z"}]


def test_the_page_begins_with_what_matters_for_the_decision() -> None:
    text = confirm(typical(context={"Key": "value"}, links=(("Plan", "https://x.y/"),))).text
    parts = (
        "jo@example.com",
        "25 minutes left",
        "12 EUR",
        "Adds the new",
        "https://x.y/",
        "Workflow input",
        "Key",
        "Approval execution",
    )
    assert [text.index(part) for part in parts] == sorted(text.index(part) for part in parts)


@pytest.mark.parametrize(
    ("approval", "action", "sentence", "late"),
    [
        (decided(), Action.APPROVE, "By alice@example.com by email on 23 Nov 2026, 09:01 UTC.", False),
        (decided(), Action.REJECT, "By alice@example.com by email", True),
        (decided(Action.REJECT, BOB), Action.REJECT, "By bob in Slack", False),
        (decided(Action.REJECT, BOB), Action.APPROVE, "By bob in Slack", True),
        (expired(), Action.APPROVE, "On 23 Nov 2026, 10:00 UTC. Nobody responded before the deadline", True),
        (expired(), Action.REJECT, "On 23 Nov 2026, 10:00 UTC. Nobody responded before the deadline", True),
        (cancelled(), Action.APPROVE, "The execution was aborted.", True),
        (cancelled(), Action.REJECT, "The execution was aborted.", True),
    ],
)
def test_the_outcome_page_says_who_and_whether_this_link_came_too_late(
    approval: Approval, action: Action, sentence: str, late: bool
) -> None:
    page = outcome(approval, action)
    assert page.inside("h1") == [wording.headline(approval)]
    assert sentence in page.text
    expected = [f"This link can no longer {action} the request."] if late else []
    assert [part for part in page.parts if "can no longer" in part] == expected


def test_an_outcome_page_tells_the_one_who_decided_that_it_was_them() -> None:
    mine = Page(pages.outcome(decided(), Action.APPROVE, "Alice@Example.com"))
    assert "You approved this request by email on 23 Nov 2026, 09:01 UTC." in mine.parts
    theirs = Page(pages.outcome(decided(approver=BOB), Action.APPROVE, "alice@example.com"))
    assert "By bob in Slack on 23 Nov 2026, 09:01 UTC." in theirs.parts


def test_an_outcome_that_the_workflow_did_not_receive_says_so() -> None:
    page = outcome(replace(decided(), steps={Step.WORKFLOW_GONE: NOW}))
    assert "The workflow had already ended, so it did not receive this response." in page.parts


@pytest.mark.parametrize("approval", [decided(), decided(Action.REJECT), expired(), cancelled()])
def test_an_outcome_page_no_longer_says_until_when_to_answer(approval: Approval) -> None:
    text = outcome(approval).text
    assert "Respond by" not in text
    assert "Approval execution" in text, "the other facts stay"


@pytest.mark.parametrize("approval", [decided(), decided(Action.REJECT), expired(), cancelled()])
def test_an_outcome_page_has_nothing_to_press_and_one_link_to_the_console(approval: Approval) -> None:
    """It says that it needs a login: nobody lands there unless they choose to."""
    page = outcome(approval)
    assert page.text.endswith("Open the execution in the AWS console (requires AWS sign-in)")
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
    inputs = [each for each in page.named("input") if each["type"] != "hidden"]
    fields = [*inputs, *page.named("textarea"), *page.named("select")]
    assert {each["id"] for each in fields} == labelled
    assert len(page.named("legend")) == len(page.named("fieldset"))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in page.elements:
        described = (attributes.get("aria-describedby") or "").split()
        assert ("aria-invalid" in attributes) == any(each.endswith("-problem") for each in described)
        assert set(described) <= set(ids)


@pytest.mark.parametrize("html", EVERY_PAGE)
def test_the_policy_allows_the_pages_own_style_and_nothing_else(html: str) -> None:
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    assert style is not None
    digest = b64encode(sha256(style[1].encode()).digest()).decode()
    policy = dict(part.strip().split(" ", 1) for part in HEADERS["Content-Security-Policy"].split(";"))
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
    assert HEADERS[name] == value


@pytest.mark.parametrize("html", EVERY_PAGE)
def test_a_page_holds_neither_the_task_token_nor_the_link_key(html: str) -> None:
    assert TOKEN[:20] not in html
    assert an_approval().link_key.decode() not in html


@pytest.mark.parametrize("html", EVERY_PAGE)
def test_a_page_is_light_enough_for_a_phone(html: str) -> None:
    assert len(html.encode()) <= 30_000


def test_the_longest_form_is_light_enough_for_a_phone() -> None:
    form = tuple(
        FormField(name=f"F{n}", label=f"F{n}", type=FieldType.CHOICE, choices=("a", "b", "c", "d")) for n in range(20)
    )
    problems = {f"form.F{n}": "Please choose one of the choices." for n in range(20)}
    html = page_variants.confirm(asking(form=form), typed=Typed({}, problems))
    assert len(html.encode()) <= 30_000


def test_a_page_adds_little_to_the_longest_request() -> None:
    assert len(page_variants.confirm(asking(details="x" * 200_000)).encode()) <= 200_000 + 8_000


HUGE_WORDS = "\U0001f680 \u05e9\u05dc\u05d5\u05dd <script>alert(1)</script> <!channel> & "


def test_a_huge_request_is_shown_whole_and_none_of_it_is_markup() -> None:
    details = (HUGE_WORDS * 5000)[:200_000]
    title = (HUGE_WORDS * 20)[:300]
    facts = tuple((f"{n} {HUGE_WORDS}", HUGE_WORDS * 5) for n in range(100))
    context = {f"key {n}": HUGE_WORDS * 50 for n in range(60)}
    page = confirm(asking(title=title, details=details, facts=facts, context=context))
    assert page.named("script") == []
    for text in (title, details, *(part for fact in facts for part in fact), *context, *context.values()):
        assert text in page.text
    harmless = confirm(asking(details="x", facts=(("x", "x"),), context={"x": "x"}))
    assert {tag for tag, _ in page.elements} == {tag for tag, _ in harmless.elements}


def test_facts_are_shown_in_their_order_and_links_with_where_they_lead() -> None:
    page = confirm(
        asking(facts=(("Zone", "eu"), ("Cost", "12")), links=(("Plan", "https://ci.example.com/plan?a=1&b=2"),))
    )
    assert page.text.index("Zone") < page.text.index("Cost")
    (link,) = listed(page)
    assert (link["href"], link["rel"]) == ("https://ci.example.com/plan?a=1&b=2", "noreferrer noopener")
    assert "https://ci.example.com/plan?a=1&b=2" in page.parts


def test_texts_that_are_no_web_address_are_no_link() -> None:
    page = confirm(asking(links=(("Plan", "javascript:alert(1)"),)))
    assert listed(page) == []
    assert "javascript:alert(1)" in page.text


def test_details_are_headings_lists_code_and_links() -> None:
    details = "# Plan\n- **one**\n- *two*\n\nSee [it](https://a.example/) or `ls`\n```\nx\n```\n- three"
    page = confirm(asking(details=details))
    tags = [tag for tag, _ in page.elements]
    expected = ["h4", "ul", "li", "strong", "li", "em", "p", "a", "code", "pre", "code", "ul", "li"]
    assert tags[tags.index("h4") : tags.index("h2", tags.index("h4"))] == expected
    assert "See it (a.example) or ls" in page.text


@pytest.mark.parametrize(("severity", "badges"), [(Severity.NORMAL, 0), (Severity.HIGH, 1)])
def test_high_severity_is_a_badge_and_asks_a_second_time(severity: Severity, badges: int) -> None:
    page = confirm(asking(severity=severity))
    assert page.text.count("High severity") == badges
    boxes = [each for each in page.named("input") if each["type"] == "checkbox"]
    assert [(box["name"], box["value"], "required" in box, "checked" in box) for box in boxes] == [
        ("sure", "yes", True, False)
    ] * badges
    assert page.text.count("I confirm: approve \u201cDeploy\u201d") == badges


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("presence", list(Presence))
def test_a_comment_is_asked_for_as_the_request_says(presence: Presence, action: Action) -> None:
    other = next(each for each in Action if each is not action)
    page = confirm(asking(comments={action: presence, other: Presence.OFF}), action=action)
    areas = page.named("textarea")
    assert len(areas) == (presence is not Presence.OFF)
    assert all(("required" in area) == (presence is Presence.REQUIRED) for area in areas)
    label = "Comment" if action is Action.APPROVE else "Reason"
    assert page.text.count(f"{label} ({presence.value})") == len(areas)


def test_a_form_has_an_input_for_each_field_with_its_default_and_limits() -> None:
    page = confirm(asking(form=FORM))
    lines = {each["name"]: each for each in page.named("input") if each.get("class") == "line"}
    version, share, day = lines["form.Version"], lines["form.Share"], lines["form.Day"]
    assert (version["type"], version["value"], version["maxlength"]) == ("text", "2.4.1", "20")
    assert "required" in version
    assert (share["type"], share["value"], share["step"], share["min"], share["max"]) == (
        "number",
        "10",
        "any",
        "1",
        "99.5",
    )
    assert (day["type"], day["value"], day["min"], "max" in day) == ("date", "2026-11-24", "2026-11-23", False)
    assert "required" not in day
    assert page.named("textarea")[0]["name"] == "form.Notes"
    assert "a\nb" in page.parts
    radios = [
        (each["name"], each["value"], "checked" in each) for each in page.named("input") if each["type"] == "radio"
    ]
    assert radios == [
        ("form.Ring", "inner", False),
        ("form.Ring", "outer", True),
        ("form.Freeze", "yes", False),
        ("form.Freeze", "no", True),
        ("form.Freeze", "", False),
    ]
    assert [each["name"] for each in page.named("select")] == ["form.Zone"]
    assert [each["value"] for each in page.named("option") if "selected" in each] == ["c"]


def test_a_rejection_has_no_form() -> None:
    with_form, without = (confirm(asking(form=form), action=Action.REJECT) for form in (FORM, ()))
    assert with_form.text.replace("Answer and approve instead", "Approve instead") == without.text


def test_typed_input_is_kept_and_each_error_is_named_at_the_top_and_at_its_input() -> None:
    page = confirm(asking(form=FORM), typed=WRONG)
    share = next(each for each in page.named("input") if each["name"] == "form.Share")
    # A browser shows nothing in an input for numbers whose value is none.
    assert (share["type"], share["value"]) == ("text", "many")
    assert (share["aria-invalid"], share["aria-describedby"]) == ("true", "form-Share-hint form-Share-problem")
    assert page.text.count("Enter a number.") == 2
    assert {"href": "#form-Share", "dir": "auto"} in page.named("a")
    assert "\n\nwhy" in page.parts, "a browser drops the first line break"
    assert page.inside("title") == ["Error: Deploy"]
    assert "Your response is not recorded yet. Fix 2 problems:" in page.text
    assert [each["class"] for each in page.named("form")] == ["answer"], "a long form must not hide the request"


@given(st.text(min_size=1, max_size=60))
def test_anything_typed_is_shown_again_as_it_is(text: str) -> None:
    names = [f"form.{field.name}" for field in FORM] + ["comment"]
    page = confirm(asking(form=FORM), typed=Typed(dict.fromkeys(names, text), dict.fromkeys(names, "No.")))
    other = confirm(asking(form=FORM), typed=Typed(dict.fromkeys(names, "x"), dict.fromkeys(names, "No.")))
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in other.elements]
    assert reveal(text) in [each.get("value") for each in page.named("input")]


@pytest.mark.parametrize(("times", "offered"), [(0, False), (1, True)])
def test_more_time_is_offered_as_long_as_there_is_some(times: int, offered: bool) -> None:
    page = confirm(asking(more_time=MoreTime(times, timedelta(minutes=90))))
    buttons = [each for each in page.named("button") if each.get("name") == "do"]
    assert [each["value"] for each in buttons] == ["more-time"] * offered
    assert ("Extend the deadline by 90 minutes for all approvers." in page.text) == offered
    assert page.inside("button")[1:] == ["Extend by 90 minutes"] * offered


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (timedelta(minutes=1), "1 minute"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(hours=2), "2 hours"),
        (timedelta(days=1), "1 day"),
        (timedelta(days=300), "300 days"),
    ],
)
def test_a_duration_is_said_in_the_greatest_whole_unit(time: timedelta, words: str) -> None:
    assert f"Extend by {words}" in confirm(asking(more_time=MoreTime(1, time))).text


@pytest.mark.parametrize(
    ("on_timeout", "sentence"),
    [
        (OnTimeout.EXPIRE, "the request expires and the workflow is not approved."),
        (OnTimeout.REJECT, "the request is rejected."),
    ],
)
def test_the_page_says_what_silence_means(on_timeout: OnTimeout, sentence: str) -> None:
    assert f"If nobody responds by the deadline, {sentence}" in confirm(asking(on_timeout=on_timeout)).text


def test_every_page_of_a_waiting_request_shows_approvers_and_progress() -> None:
    approval = waiting()
    shown = [
        confirm(approval).text,
        Page(recorded()).text,
        Page(pages.not_allowed(approval, "No.", too_early=False, now=LATER)).text,
    ]
    for text in shown:
        for line in (
            "Needs 2 approvals; 1 rejection rejects it.",
            "dave (dave@example.com)",
            *map(str, wording.progress(approval)),
        ):
            assert line in text


def test_a_recorded_answer_shows_what_is_still_needed_and_can_be_withdrawn() -> None:
    page = Page(recorded())
    assert page.inside("h1") == ["Your response is recorded"]
    assert "You approved this request on 23 Nov 2026, 09:01 UTC." in page.text
    assert "1 more approval needed." in page.parts
    assert "Waiting for carol (carol@example.com) and dave (dave@example.com)." in page.text
    assert "You can withdraw your response until the request is decided." in page.text
    assert page.inside("button") == ["Withdraw my response"]
    assert "Looks good" in page.text
    assert page.named("button") == [{"class": "plain", "name": "do", "value": "withdraw"}]
    hidden = [field for field in page.named("input") if field["type"] == "hidden"]
    assert {field["name"]: field["value"] for field in hidden} == FIELDS


def test_the_page_says_how_many_must_reject() -> None:
    assert "1 more approval needed. 2 more rejections reject the request." in Page(recorded(required_rejections=2)).text


def test_the_page_of_a_waiting_request_shows_its_history() -> None:
    refusal = Refusal(approver=BOB, action=Action.REJECT, at=NOW + timedelta(minutes=2), reason="NOT_AN_APPROVER")
    extension = Extension(approver=ALICE, at=NOW + timedelta(minutes=3), deadline=NOW + timedelta(hours=2))
    approval = replace(an_approval(), refusals=(refusal,), extensions=(extension,))
    page = confirm(approval)
    assert page.named("summary") == [{}]
    assert all(entry.text in page.text for entry in history(approval))
    assert confirm(an_approval()).named("details") == []


def test_an_outcome_shows_the_whole_history_all_comments_and_all_forms() -> None:
    values: dict[str, FormValue] = {"Version": "2.5", "Freeze": True, "Share": 2.5}
    approval = waiting(form=(FORM[0], FORM[2], FORM[5]))
    first, second = (
        a_response(Action.APPROVE, comment="Go"),
        a_response(Action.APPROVE, CAROL, minutes=2, comment="Faster"),
    )
    approval = judge(replace(approval, responses=()), replace(first, form=values)).approval
    changed: dict[str, FormValue] = {**values, "Version": "2.6"}
    approval = judge(approval, replace(second, form=changed, seen=form_key(approval))).approval
    page = outcome(
        judge(approval, replace(first, at=NOW + timedelta(minutes=3), comment="Yes!", form=changed)).approval
    )
    assert page.inside("blockquote").count("Yes!") == 1
    for shown in ("Go", "2.5", "2.6", "2.6 (before: 2.5)", "Version to deploy", "yes"):
        assert shown in page.parts
    for text in ("09:00 UTCRequested.", "alice@example.com approved by email.", "carol@example.com approved"):
        assert text in page.text


def test_an_outcome_shows_all_that_happened_in_order_each_with_its_time() -> None:
    approval = eventful()
    entries = history(approval)
    never = {Kind.GONE, Kind.ASKED_AGAIN, Kind.ADDED}
    assert {entry.kind for entry in entries} == set(Kind) - never, "all that can happen happened"
    page = outcome(approval)
    rest = page.text[page.text.index("Activity (") :]
    for entry in entries:
        _, found, rest = rest.partition(f"{readable(entry.at)}{entry.text}")
        assert found, entry.text
    assert [time["datetime"] for time in page.named("time")] == [iso(entry.at) for entry in entries]
    assert [tag for tag, _ in page.elements if tag in ("ol", "details", "summary")] == ["details", "summary", "ol"]
    assert "Activity (19)" in page.text
    assert "Go <b>now</b>" in page.text


def test_a_short_history_of_what_is_decided_is_not_folded() -> None:
    page = outcome(decided())
    assert page.named("details") == []
    assert len(page.named("ol")) == 1


def test_the_page_says_why_a_person_may_not_respond_and_has_no_form() -> None:
    page = Page(pages.not_allowed(waiting(), "Only carol can respond.", too_early=False, now=LATER))
    assert "You can't respond to this request" in page.parts
    assert "Only carol can respond." in page.parts
    assert page.named("form") == []
    early = Page(pages.not_allowed(waiting(), "Not yet.", too_early=True, now=LATER))
    assert "Try again in a moment" in early.parts


def told(text: str) -> Approval:
    """A request for two approvals, one of them given, that says the text wherever people can beside title and names."""
    approval = waiting(
        details=text,
        facts=((text, text),),
        links=((text, "https://example.com/"),),
        form=(FormField(name="F", label=text, type=FieldType.TEXT, default=text),),
        context={text: text, facts.STARTED_BY: text},
    )
    given = replace(approval.responses[0], comment=text, form={"F": text})
    return replace(approval, responses=(given,))


def pages_that_say(text: str) -> list[Page]:
    """Return each kind of page about an approval that says the text."""
    approval = told(text)
    last = replace(approval.responses[0], approver=CAROL, at=NOW + timedelta(minutes=2))
    decision = Decision(status=Status.APPROVED, at=last.at, channel="email", approver=CAROL, comment=text)
    responses = (*approval.responses, last)
    approved = replace(approval, responses=responses, decision=decision, status=Status.APPROVED)
    by_cancel = Decision(status=Status.CANCELLED, at=last.at, channel="system", cause=text)
    return [
        confirm(approval),
        Page(pages.recorded(approval, approval.responses[0], FIELDS, now=LATER)),
        Page(pages.not_allowed(approval, "No.", too_early=False, now=LATER)),
        outcome(approved),
        outcome(replace(approval, decision=by_cancel, status=Status.CANCELLED)),
    ]


def of_ours(page: Page) -> str:
    """Return what a page says outside the blocks of others' words."""
    html = page.html
    for tag, of_class in (("section", "author"), ("div", "author"), ("blockquote", None)):
        for block in re.findall(rf"<{tag}{f' class=.{of_class}.' if of_class else ''}>.*?</{tag}>", html, re.DOTALL):
            html = html.replace(block, f"[{tag}]")
    return html


FORGED = [
    "1 of 2 approvals\nApproved by ciso@example.com by email on 23 Nov 2026, 09:03 UTC",
    "\n" * 400 + "Approved by ciso@example.com",
    "# Who can respond\nOnly eve@evil.example can respond.",
    "```\n" + "\n" * 90 + "Progress\n```",
    "</section></blockquote><h2>Progress</h2>",
    "Approve: https://evil.example/execution?action=approve",
    "Z" + "\u0336\u0489" * 200,
    "\u2028Progress\u20292 of 2 approvals",
]


@pytest.mark.parametrize("text", FORGED)
def test_texts_of_others_stand_in_blocks_of_their_own(text: str) -> None:
    for page, neutral in zip(pages_that_say(text), pages_that_say("neutral"), strict=True):
        assert of_ours(page) == of_ours(neutral)
        assert text.strip()[:30] not in of_ours(page)


@given(st.text(min_size=1, max_size=60).filter(str.strip))
def test_any_text_stands_in_blocks_of_its_own(text: str) -> None:
    for page, neutral in zip(pages_that_say(text), pages_that_say("neutral"), strict=True):
        assert of_ours(page) == of_ours(neutral)


def test_the_block_of_the_author_says_whose_words_it_has_and_its_headings_stand_below_ours() -> None:
    page = confirm(typical(details="# Progress\nx", context={"Key": "value"}, links=(("Plan", "https://x.y/"),)))
    [block] = page.inside("section", "author")
    assert block.startswith("From the requestFacts")
    assert [page.inside(tag) for tag in ("h3", "h4")] == [["Facts", "Details", "Links", "Workflow input"], ["Progress"]]
    assert all(label not in block for label in ("Requested by", "Respond by", "AWS account"))


def test_the_input_claims_who_started_the_execution_so_that_stands_in_the_authors_block() -> None:
    parent = "arn:aws:states:eu-west-1:123456789012:execution:Release:run-9"
    page = confirm(typical(context={facts.STARTED_BY: parent}))
    [block] = page.inside("section", "author")
    assert block.startswith("From the requestFactsStarted by (from the input)Release, execution run-9")
    assert "Release" not in page.outside("section", "author")
    assert "AWS account123456789012AWS regioneu-west-1" in page.outside("section", "author")


@pytest.mark.parametrize("line_break", ["\n", "\r", "\x0b", "\x85", "\u2028"])
def test_a_name_is_one_line_on_every_page(line_break: str) -> None:
    name = line_break.join(["Bo", "2 of 2 approvals", "https://evil.example/"])
    bo = replace(BOB, name=name)
    approval = replace(waiting(), responses=(replace(waiting().responses[0], approver=bo),))
    for page in (
        confirm(approval),
        outcome(decided(approver=bo)),
        Page(pages.recorded(approval, approval.responses[0], FIELDS, now=LATER)),
    ):
        assert "2 of 2 approvals" in page.text
        assert not [line for line in page.text.splitlines() if line.startswith(("2 of 2", "https:"))]
        assert "evil.example/" not in page.text


def test_a_field_with_limits_states_them_before_the_first_try() -> None:
    page = confirm(asking(form=FORM))
    hints = [text for text in page.inside("p") if text.startswith(("A ", "Up to "))]
    assert hints[:3] == ["Up to 20 characters.", "A number from 1 to 99.5.", "A date, not before 2026-11-23."]
    [share] = [each for each in page.named("input") if each["name"] == "form.Share"]
    assert share["aria-describedby"] == "form-Share-hint"
