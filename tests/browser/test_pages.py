"""The approver's pages in a browser, with the headers they are sent with; nothing needs to be deployed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, BrowserContext, FloatRect, Page, Route, ViewportSize

from approvals.domain.model import Action, Approval, Severity
from demo.process import WORK
from tests.support.chromium import SIZES, chromium
from tests.support.page_variants import FORM, VARIANTS, confirm, long, typical
from web.html import HEADERS

pytestmark = pytest.mark.browser

SITE = "https://approvals.example/"
SCREENSHOTS = WORK / "screenshots" / "pages"
PROVE = os.environ.get("PROVE") == "1"
PHONES = ((390, 844), (360, 640))
AXE = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
"""All rules of axe that are on by default, WCAG 2 A and AA and best practice; and WCAG 2.2's size of what is tapped."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


def served(context: BrowserContext, html: dict[str, str]) -> Page:
    """Return a page of a browser in which the site has these pages, each with the headers that the function sends."""

    def answer(route: Route) -> None:
        name = urlsplit(route.request.url).path.removeprefix("/")
        if name in html:
            route.fulfill(status=200, headers=HEADERS, body=html[name])
        else:
            route.abort()

    context.route("**/*", answer)
    return context.new_page()


def opened(browser: Browser, html: str, size: tuple[int, int]) -> Page:
    context = browser.new_context(viewport=ViewportSize(width=size[0], height=size[1]))
    page = served(context, {"page": html})
    page.goto(f"{SITE}page")
    return page


class Shapes(HTMLParser):
    """The elements of a page by their tag, class and type, each with the one that it stands in."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: set[tuple[str, str]] = set()
        self._path = [""]
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        shape = f"{tag}.{named.get('class')}.{named.get('type')}"
        self.found.add((self._path[-1], shape))
        if tag not in {"input", "meta", "link", "br"}:
            self._path.append(shape)

    def handle_endtag(self, tag: str) -> None:
        while not self._path.pop().startswith(f"{tag}."):
            pass


def of_all_shapes() -> list[str]:
    """Return a few pages that together have every element that any page has: what a style can tell apart."""
    shapes = {name: Shapes(html).found for name, html in VARIANTS.items()}
    missing, chosen = set[tuple[str, str]]().union(*shapes.values()), []
    while missing:
        chosen.append(max(shapes, key=lambda name: len(shapes[name] & missing)))
        missing -= shapes[chosen[-1]]
    return chosen


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing_wrong_with_any_page(browser: Browser, scheme: str, size: str) -> None:
    """Contrast, labels, landmarks, headings, sizes. `SCREENSHOTS=1` keeps a picture of each.

    In the gate all pages in one size and scheme, in the others some that have every element. `make prove`: all.
    """
    every = (size, scheme) == ("phone", "light") or PROVE or os.environ.get("SCREENSHOTS")
    width, height = SIZES[size]
    context = browser.new_context(
        viewport=ViewportSize(width=width, height=height),
        color_scheme="dark" if scheme == "dark" else "light",
        bypass_csp=True,  # The pages' policy lets no script in, axe neither.
    )
    page = served(context, VARIANTS)
    found = {}
    for name in VARIANTS if every else of_all_shapes():
        page.goto(f"{SITE}{name}")
        for folded in page.locator("details").all():
            folded.evaluate("each => { each.open = true }")
        if results := Axe().run(page, options=AXE).response["violations"]:
            found[name] = [(each["id"], [node["html"] for node in each["nodes"]]) for each in results]
        assert _sideways(page) == 0, f"{name} scrolls sideways"
        if os.environ.get("SCREENSHOTS"):
            SCREENSHOTS.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=SCREENSHOTS / f"{name}-{size}-{scheme}.png")
            page.screenshot(path=SCREENSHOTS / f"{name}-{size}-{scheme}-full.png", full_page=True)
    context.close()
    assert found == {}


def test_axe_does_find_what_is_wrong(browser: Browser) -> None:
    """So that its silence means something."""
    context = browser.new_context(bypass_csp=True)
    html = confirm(typical())
    for right, wrong in (("--soft: #5b6470", "--soft: #c5c9ce"), ('for="comment"', "")):
        assert right in html
        html = html.replace(right, wrong)
    page = served(context, {"page": html})
    page.goto(f"{SITE}page")
    found = {each["id"] for each in Axe().run(page, options=AXE).response["violations"]}
    context.close()
    assert {"color-contrast", "label"} <= found


@pytest.mark.parametrize("size", PHONES)
@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("severity", list(Severity))
def test_a_phone_shows_all_it_takes_to_decide_without_scrolling(
    browser: Browser, size: tuple[int, int], action: Action, severity: Severity
) -> None:
    page = opened(browser, confirm(typical(severity=severity), action), size)
    form = _box(page, "form")
    assert _sideways(page) == 0
    for text in ("jo@example.com", "25 minutes left", "10:00 UTC", "1,204 passed", "redeploying 2.4.0"):
        assert _bottom(page, f"text={text} >> nth=0") <= form["y"], f"{text} is not in sight"
    assert _bottom(page, "h1") <= form["y"]
    for part in ("label[for=comment]", "textarea", "button", "text=instead"):
        assert 0 <= _box(page, part)["y"] <= _bottom(page, part) <= size[1], f"{part} is not in sight"
    page.context.close()


@pytest.mark.parametrize("size", PHONES)
@pytest.mark.parametrize("approval", [long(), long(severity=Severity.HIGH), long(title="Deploy " * 40)])
def test_the_button_of_a_long_request_is_in_sight_wherever_one_reads(
    browser: Browser, size: tuple[int, int], approval: Approval
) -> None:
    page = opened(browser, confirm(approval), size)
    assert page.evaluate("document.documentElement.scrollHeight") > 3 * size[1]
    for part in (0, 0.5, 1):
        page.evaluate("part => scrollTo(0, part * document.documentElement.scrollHeight)", part)
        assert 0 <= _box(page, "button")["y"] <= _bottom(page, "button") <= size[1]
        assert _box(page, "form")["height"] < size[1] / 2, "the form hides the request"
    page.context.close()


@pytest.mark.parametrize("size", PHONES)
@pytest.mark.parametrize(
    "approval", [long(form=FORM), long(title="Delete " * 40, severity=Severity.HIGH)], ids=["form", "title"]
)
def test_to_a_long_form_one_tap_leads(browser: Browser, size: tuple[int, int], approval: Approval) -> None:
    page = opened(browser, confirm(approval), size)
    jump = page.get_by_role("link", name="Go to the form")
    assert _bottom(page, ".jump a") <= size[1]
    jump.click()
    first = page.locator("form.answer :is(input:not([type=hidden]), textarea)").first
    box = first.bounding_box()
    assert box is not None
    assert 0 <= box["y"] < size[1] - box["height"]
    page.context.close()


def test_the_link_to_the_form_goes_once_the_form_is_in_sight_and_comes_back_with_the_focus(browser: Browser) -> None:
    page = opened(browser, confirm(long(form=FORM)), (390, 844))
    on_top = """link => { const box = link.getBoundingClientRect();
        return link.contains(document.elementFromPoint(box.x + 9, box.y + 9)) }"""
    link = page.get_by_role("link", name="Go to the form")
    assert link.evaluate(on_top)
    page.locator("form.answer h2").evaluate("heading => heading.scrollIntoView({block: 'center'})")
    assert not link.evaluate(on_top)
    link.focus()
    assert link.evaluate(on_top)
    page.context.close()


def test_on_a_screen_of_little_height_the_form_does_not_cover_the_request(browser: Browser) -> None:
    """A phone on its side, or a page that is enlarged to 400 %."""
    for size in ((844, 390), (320, 256)):
        page = opened(browser, confirm(long()), size)
        assert _box(page, "form")["y"] > size[1]
        assert _sideways(page) == 0
        page.context.close()


def test_a_keyboard_reaches_everything_and_what_has_the_focus_is_in_sight(browser: Browser) -> None:
    page = opened(browser, confirm(long(severity=Severity.HIGH)), (390, 844))
    seen = []
    for _ in range(6):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.name || document.activeElement.textContent"))
        covered = page.evaluate(
            """() => { const box = document.activeElement.getBoundingClientRect();
            const top = document.elementFromPoint(box.x + box.width / 2, box.y + Math.min(box.height / 2, 10));
            return !(top && (top === document.activeElement || document.activeElement.contains(top))) }"""
        )
        assert not covered, f"{seen[-1]} is hidden"
    links = ["Plan (ci.example.com)", "Dashboard (example.com)"]
    assert seen == [*links, "comment", "sure", "Approve", "Reject instead"]
    page.context.close()


@pytest.mark.parametrize("name", ["high-form", "mistakes", "eventful"])
def test_a_page_works_without_its_style(browser: Browser, name: str) -> None:
    """In the order in which it is read: what is asked, by whom and until when; then the form and its button."""
    style_less = VARIANTS[name].split("<style>")[0] + VARIANTS[name].split("</style>")[1]
    page = opened(browser, style_less, (390, 844))
    assert page.evaluate("getComputedStyle(document.body).fontFamily") != ""
    tops = [page.locator(part).first.bounding_box() for part in ("h1", "dl", "form, .history", "button, .history li")]
    heights = [box["y"] for box in tops if box]
    assert len(heights) == len(tops)
    assert heights == sorted(heights)
    page.context.close()


def _box(page: Page, selector: str) -> FloatRect:
    box = page.locator(selector).first.bounding_box()
    assert box is not None, f"no {selector}"
    return box


def _bottom(page: Page, selector: str) -> float:
    box = _box(page, selector)
    return box["y"] + box["height"]


def _sideways(page: Page) -> int:
    overflow: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return overflow
