"""The demo's page, as a newcomer uses it in a real browser, at phone and at desktop width."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from demo.stack import LocalStack
from tests.support.chromium import chromium

SECONDS = 60_000

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(params=[(390, 844), (1280, 800)], ids=["phone", "desktop"])
def page(browser: Browser, request: pytest.FixtureRequest, stack: LocalStack) -> Iterator[Page]:
    width, height = request.param
    page = browser.new_page(viewport={"width": width, "height": height})
    page.set_default_timeout(SECONDS)
    page.goto(stack.url)
    yield page
    page.close()


def start(page: Page) -> str:
    """Start what the page offers first; return its name, once it has the focus."""
    page.locator("#start-button").click()
    return page.locator("#executions article:focus").get_attribute("data-execution") or ""


def test_the_first_example_is_a_deployment_that_is_called_so_and_scrolls_into_view(page: Page) -> None:
    name = start(page)
    assert name.startswith("deploy-web-2-4-1-to-production-")
    card = page.locator(f'[data-execution="{name}"]')
    expect(card.locator("h4")).to_have_text("Deploy web 2.4.1 to production")
    expect(card).to_be_in_viewport()


def test_a_dialog_closes_by_key_by_button_and_when_it_is_submitted(page: Page) -> None:
    name = start(page)
    message = page.locator("#messages article", has_text=name).first
    reject, dialog = message.get_by_role("button", name="Reject"), page.locator("form.modal")
    reject.click()
    dialog.locator("textarea, input").first.press("Escape")
    expect(dialog).to_have_count(0, timeout=SECONDS)
    reject.click()
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_have_count(0, timeout=SECONDS)
    reject.click()
    dialog.locator("textarea, input").first.fill("Not on a Friday")
    dialog.locator("[type=submit]").click()
    expect(dialog).to_have_count(0, timeout=SECONDS)
    expect(message).to_contain_text("Rejected", timeout=SECONDS)


def test_open_execution_leads_to_the_execution_on_the_page_from_slack_and_from_the_links_page(
    page: Page, stack: LocalStack
) -> None:
    name = start(page)
    card = page.locator(f'[data-execution="{name}"]')
    message = page.locator("#messages article", has_text=name).first
    message.get_by_role("link", name="Open execution").click()
    expect(card).to_be_focused()
    assert page.url == f"{stack.url}/"
    message.get_by_role("button", name="Approve").click()
    expect(card).to_have_attribute("data-status", "SUCCEEDED", timeout=SECONDS)
    with page.context.expect_page() as opened:
        page.locator("#mails article", has_text=name).last.locator("a").first.click()
    outcome = opened.value
    outcome.get_by_role("link", name="Open the execution").click()
    expect(outcome.locator(f'[data-execution="{name}"]')).to_be_focused(timeout=SECONDS)
    outcome.close()


def test_the_example_of_a_delegate_types_the_command_in_slack_as_alice(page: Page) -> None:
    page.locator("#users label", has_text="Bob").click()
    page.get_by_role("button", name="A delegate").click()
    command = page.locator("#hint-command").text_content() or ""
    assert re.fullmatch(r"/approvals away until \d{4}-\d{2}-\d{2}, ask @dave", command)
    page.get_by_role("button", name="Type it in Slack").click()
    expect(page.locator("#said")).to_have_value(command)
    expect(page.locator("#said")).to_be_focused()
    expect(page.get_by_role("radio", name="Alice")).to_be_checked()


def test_the_example_of_an_override_needs_the_demo_with_a_policy(page: Page) -> None:
    page.get_by_role("button", name="An override").click()
    expect(page.locator("#hint-why")).to_contain_text("make demo ARGS=--policy")
    expect(page.locator("#hint-command")).to_be_empty()
    page.get_by_role("button", name="A deployment").click()
    expect(page.locator("#hint")).to_be_hidden()


def test_the_grant_of_an_exact_action_is_spent_once_and_on_this_action_only(page: Page) -> None:
    page.get_by_role("button", name="An exact action").click()
    expect(page.locator("#hint-command")).to_contain_text("approvals --local run --title")
    name = start(page)
    page.locator("#messages article", has_text=name).first.get_by_role("button", name="Approve").click()
    card = page.locator(f'[data-execution="{name}"]')
    action, spend = card.get_by_label("Action to execute"), card.get_by_role("button", name="Spend the grant")
    told = card.get_by_role("status")
    approved = action.input_value()
    action.fill(approved.replace("production", "test"))
    spend.click()
    expect(told).to_contain_text("ActionChanged: ", timeout=SECONDS)
    expect(told).to_contain_text("/Database")
    action.fill(approved)
    spend.click()
    expect(told).to_contain_text("Spent: use 1 of 1", timeout=SECONDS)
    spend.click()
    expect(told).to_contain_text("GrantSpent: ", timeout=SECONDS)


def test_the_example_of_a_subject_says_what_changed_since_it_was_approved(page: Page) -> None:
    page.get_by_role("button", name="A subject", exact=True).click()
    expect(page.locator("#hint-command")).to_be_empty()
    first = start(page)
    page.locator("#messages article", has_text=first).first.get_by_role("button", name="Approve").click()
    expect(page.locator(f'[data-execution="{first}"]')).to_have_attribute("data-status", "SUCCEEDED", timeout=SECONDS)
    page.get_by_role("button", name="The subject, changed").click()
    page.locator("#name").fill(f"{first}-changed")
    message = page.locator("#messages article", has_text=start(page)).first
    expect(message).to_contain_text("Replicas: 3 \N{RIGHTWARDS ARROW} 300", timeout=SECONDS)
