"""A person at a real browser: the demo's page, the links in a mail, the buttons in Slack."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from demo.person import Person, links
from demo.process import WORK
from demo.stack import LocalStack
from demo.story import DEPLOYMENT, TUTORIAL_INPUT
from tests.support.chromium import SIZES, chromium

SCREENSHOTS = WORK / "screenshots"

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


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


def test_from_the_form_over_the_email_to_the_outcome(page: Page, stack: LocalStack, person: Person) -> None:
    width = page.viewport_size["width"] if page.viewport_size else 0
    name = f"browser-mail-{width}"
    page.goto(stack.url)
    page.locator("#name").fill(name)
    page.get_by_role("button", name="The tutorial's input").click()
    page.locator("#start-button").click()
    execution = page.locator(f'[data-execution*="{name}"]')
    expect(execution).to_have_attribute("data-status", "RUNNING", timeout=60_000)
    mail = page.locator("[data-mail-id]", has_text=name).first
    expect(mail).to_contain_text("Required approval from AWS Step Functions", timeout=60_000)
    shoot(page, "demo")

    with page.context.expect_page() as opened:
        mail.locator("a").first.click()
    confirm = opened.value
    expect(confirm.locator("h1")).to_have_text(f"Continue execution {name}?")
    shoot(confirm, "confirm")
    confirm.get_by_role("link", name="Reject instead").click()
    expect(confirm.get_by_text("Reject this request")).to_be_visible()
    confirm.get_by_role("link", name="Approve instead").click()
    confirm.get_by_label("Comment").fill("Looks good <script>alert(1)</script>")
    confirm.get_by_role("button", name="Approve").click()
    expect(confirm.locator("h1")).to_have_text("Approved")
    expect(confirm.locator("main")).to_contain_text("Looks good <script>alert(1)</script>")
    shoot(confirm, "outcome")

    expect(execution).to_have_attribute("data-status", "SUCCEEDED", timeout=60_000)
    expect(execution).to_contain_text("ApprovedPassState")


QUESTION = {
    "Approval": {
        "Title": "Deploy web 2.4.1 to production \u05e9\u05dc\u05d5\u05dd \U0001f680",
        "Severity": "high",
        "Facts": [{"Label": "Cost", "Value": "12 EUR"}, {"Label": "Downtime", "Value": "none"}],
        "Links": [{"Label": "Plan", "Url": "https://ci.example.com/plan"}],
        "Details": "# What changes\n- **web** from `2.4.0` to `2.4.1`\n- <script>alert(1)</script>",
        "Comment": {"Approve": "required"},
        "Form": [
            {"Name": "Version", "Label": "Version to deploy", "Type": "text", "Default": "2.4.1", "MaxLength": 20},
            {
                "Name": "Share",
                "Label": "Share of traffic",
                "Type": "number",
                "Minimum": 1,
                "Maximum": 100,
                "Required": True,
            },
            {"Name": "Ring", "Label": "Ring", "Type": "choice", "Choices": ["inner", "outer"], "Required": True},
            {"Name": "Freeze", "Label": "Freeze after it?", "Type": "yes-no"},
            {"Name": "Day", "Label": "Day", "Type": "date", "Default": "2026-11-24"},
        ],
    }
}


def test_a_question_is_answered_with_a_form_a_reason_and_a_second_confirmation(page: Page, person: Person) -> None:
    """The browser holds an answer back in which something is missing."""
    width = page.viewport_size["width"] if page.viewport_size else 0
    name = person.start(f"browser-form-{width}", QUESTION)
    page.goto(links(person.mail(name))["approve"])
    expect(page.get_by_text("High severity", exact=True)).to_be_visible()
    expect(page.locator("main")).to_contain_text("<script>alert(1)</script>")
    expect(page.locator("h4")).to_have_text("What changes")
    # By keyboard: before a click Playwright scrolls to where the link would stand, and there the form covers it.
    page.get_by_role("link", name="Go to the form").press("Enter")
    expect(page.get_by_label("Version to deploy")).to_be_in_viewport()
    page.get_by_label("Version to deploy").fill("2.4.2")
    page.get_by_label("Share of traffic").fill("50")
    page.get_by_label("outer").check()
    page.get_by_role("radiogroup", name="Freeze after it?").get_by_label("Yes").check()
    page.get_by_label("Comment").fill("Tested")
    shoot(page, "form")
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("#sure:invalid")).to_have_count(1)
    assert person.execution(name)["status"] == "RUNNING"
    page.get_by_label("I confirm: approve").check()
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("h1")).to_have_text("Approved")
    expect(page.locator("main")).to_contain_text("2.4.2")
    shoot(page, "form-outcome")
    assert person.ended(name)["output"]["Approval"]["Result"]["Form"] == {
        "Version": "2.4.2",
        "Share": 50,
        "Ring": "outer",
        "Freeze": True,
        "Day": "2026-11-24",
    }


def test_a_mistake_that_a_browser_lets_pass_is_named_and_what_was_typed_is_kept(
    browser: Browser, person: Person
) -> None:
    name = person.start("browser-mistake", QUESTION)
    page = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
    page.goto(links(person.mail(name))["approve"])
    page.get_by_label("Share of traffic").fill("50")
    page.get_by_label("Comment").fill("Tested")
    # As a browser does that knows no constraints.
    page.locator("form.answer").evaluate("form => { form.noValidate = true }")
    with page.expect_response(lambda response: response.request.method == "POST") as answer:
        page.get_by_role("button", name="Approve").click()
    assert answer.value.status == 400
    expect(page.get_by_role("alert")).to_contain_text("Ring: Choose an option.")
    expect(page.get_by_label("Share of traffic")).to_have_value("50")
    expect(page.get_by_label("Comment")).to_have_value("Tested")
    shoot(page, "mistake-dark")
    page.get_by_role("link", name="Ring: Choose an option.").click()
    expect(page.get_by_role("radiogroup", name="Ring")).to_be_in_viewport()
    page.close()


def test_more_time_then_an_answer_that_is_withdrawn(page: Page, person: Person) -> None:
    width = page.viewport_size["width"] if page.viewport_size else 0
    asked = {"Approvers": ["alice@example.com", "bob@example.com"], "RequiredApprovals": 2}
    name = person.start(f"browser-change-{width}", {"Approval": asked})
    page.goto(links(person.mail(name, to="alice@"))["approve"])
    page.get_by_role("button", name="Extend by").click()
    expect(page.get_by_text("Activity (")).to_be_visible()
    expect(page.get_by_role("button", name="Extend by")).to_have_count(0)
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("h1")).to_have_text("Your response is recorded")
    expect(page.locator("main")).to_contain_text("1 of 2 approvals")
    shoot(page, "recorded")
    page.get_by_role("button", name="Withdraw my response").click()
    expect(page.get_by_role("button", name="Approve")).to_be_visible()
    expect(page.locator("main")).to_contain_text("0 of 2 approvals")
    assert person.execution(name)["status"] == "RUNNING"


def test_request_and_approvers_are_shown_as_written_and_no_markup_runs(page: Page, person: Person) -> None:
    evil = "<img src=x onerror=alert(1)> <!channel>"
    asked = {
        "Title": f"Title {evil}",
        "Details": f"# Why\n{evil} **bold** *italic* `code` [ticket](https://example.com/t/1)\n\n- one\n- two",
        "Facts": [{"Label": "Customer", "Value": evil}],
        "Links": [{"Label": "Plan", "Url": "https://example.com/plan"}],
        "Approvers": ["alice@example.com", "bob@example.com"],
        "RequiredApprovals": 2,
        "RequestedBy": "carol@example.com",
    }
    page.on("dialog", lambda dialog: pytest.fail(f"something ran: {dialog.message}"))
    name = f"shown-{page.viewport_size['width'] if page.viewport_size else 0}"
    person.start(name, {"Approval": asked})
    page.goto(links(person.mail(name, to="alice@"))["approve"])
    assert page.locator("h1").inner_text() == f"Title {evil}"
    assert page.locator("img").count() == 0
    for tag, text in (
        ("p > strong", "bold"),
        ("em", "italic"),
        ("code", "code"),
        ("li >> text=two", "two"),
        ("h4", "Why"),
    ):
        assert page.locator(tag).first.inner_text() == text
    link = page.get_by_role("link", name="Plan")
    assert (link.get_attribute("href"), link.get_attribute("rel")) == (
        "https://example.com/plan",
        "noreferrer noopener",
    )
    assert page.get_by_text("You and bob@example.com. Needs 2 approvals; 1 rejection rejects it.").count() == 1
    assert page.get_by_text("0 of 2 approvals").count() == 1
    shoot(page, "shown")


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
    person.click(person.message(name), "approve")
    person.ended(name)
    page = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
    answer = page.goto(links(person.mail(name))["reject"])
    assert answer is not None
    assert answer.status == 409
    expect(page.locator("h1")).to_have_text("Approved")
    expect(page.locator("main")).to_contain_text("By alice in Slack on")
    shoot(page, "late-dark")
    page.close()


@pytest.mark.parametrize("action", ["approve", "reject"])
def test_a_scanner_that_runs_a_whole_browser_decides_nothing(browser: Browser, person: Person, action: str) -> None:
    """It opens the link with scripts on, and stays until the network is idle."""
    name = person.start(f"browser-scanner-{action}", TUTORIAL_INPUT)
    page = browser.new_page()
    page.goto(links(person.mail(name))[action])
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("button", name=action.capitalize())).to_be_visible()
    page.close()
    assert person.execution(name)["status"] == "RUNNING"
