"""A person at a real browser: the demo's page, the links in a mail, the buttons in Slack."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from local.process import WORK
from local.stack import LocalStack
from local.story import DEPLOYMENT, TUTORIAL_INPUT, Person, links

CHROMIUM = shutil.which("chromium")
INSTALL = "Chromium is not installed: apt-get install chromium"
SCREENSHOTS = WORK / "screenshots"
SIZES = {"phone": (390, 844), "desktop": (1440, 900)}
SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail(INSTALL)
        pytest.skip(INSTALL)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(SWITCHES))
        yield chromium
        chromium.close()


@pytest.fixture(params=SIZES)
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page at phone and at desktop width, that fails the test on any error in its console."""
    width, height = SIZES[request.param]
    context = browser.new_context(viewport={"width": width, "height": height})
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.set_default_timeout(60_000)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert errors == []


def shoot(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    width = page.viewport_size["width"] if page.viewport_size else 0
    page.screenshot(path=SCREENSHOTS / f"{name}-{width}.png")
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow == 0, "the page scrolls sideways"


def test_from_the_form_over_the_mail_to_the_outcome(page: Page, stack: LocalStack, person: Person) -> None:
    width = page.viewport_size["width"] if page.viewport_size else 0
    name = f"browser-mail-{width}"
    page.goto(stack.url)
    page.locator("#name").fill(name)
    page.locator("#start-button").click()
    execution = page.locator(f'[data-execution*="{name}"]')
    expect(execution).to_have_attribute("data-status", "RUNNING", timeout=60_000)
    mail = page.locator("[data-mail-id]", has_text=name).first
    expect(mail).to_contain_text("Required approval from AWS Step Functions", timeout=60_000)
    shoot(page, "demo")

    with page.context.expect_page() as opened:
        mail.locator("a").first.click()
    confirm = opened.value
    expect(confirm.locator("h1")).to_have_text(f"Let {name} continue?")
    shoot(confirm, "confirm")
    confirm.get_by_label("Comment").fill("Looks good <script>alert(1)</script>")
    confirm.get_by_role("button", name="Approve").click()
    expect(confirm.locator("h1")).to_have_text("Approved")
    expect(confirm.locator("main")).to_contain_text("Looks good <script>alert(1)</script>")
    shoot(confirm, "outcome")

    expect(execution).to_have_attribute("data-status", "SUCCEEDED", timeout=60_000)
    expect(execution).to_contain_text("ApprovedPassState")


def test_a_click_in_the_slack_panel(page: Page, stack: LocalStack, person: Person) -> None:
    width = page.viewport_size["width"] if page.viewport_size else 0
    name = f"browser-slack-{width}"
    page.goto(stack.url)
    person.start(name, DEPLOYMENT)
    message = page.locator(f'[data-ts="{person.message(name)["ts"]}"]')
    message.get_by_role("button", name="Approve").click()
    expect(message).to_contain_text("Approved by @alice in Slack", timeout=60_000)
    expect(message.get_by_role("button")).to_have_count(0)
    expect(page.locator(f'[data-execution*="{name}"]')).to_contain_text("ApprovedPassState", timeout=60_000)
    shoot(page, "slack")


def test_a_link_that_came_too_late_says_who_won(browser: Browser, person: Person) -> None:
    name = person.start("browser-late", TUTORIAL_INPUT)
    person.click(person.message(name), "reject")
    person.ended(name)
    page = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
    answer = page.goto(links(person.mail(name))["approve"])
    assert answer is not None
    assert answer.status == 409
    expect(page.locator("h1")).to_have_text("Rejected")
    expect(page.locator("main")).to_contain_text("Rejected by alice in Slack on")
    shoot(page, "late-dark")
    page.close()


@pytest.mark.parametrize("action", ["approve", "reject"])
def test_a_scanner_that_runs_a_whole_browser_decides_nothing(browser: Browser, person: Person, action: str) -> None:
    """It opens the link with scripts on, and stays until the network is idle."""
    name = person.start(f"browser-scanner-{action}", TUTORIAL_INPUT)
    page = browser.new_page()
    page.goto(links(person.mail(name))[action])
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("button")).to_be_visible()
    page.close()
    assert person.execution(name)["status"] == "RUNNING"
