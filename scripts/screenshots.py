"""Take the pictures of the docs from a running demo: `make demo`, then `python -m scripts.screenshots`.

A test plays the same scenes, so the pictures stay up to date.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from demo.person import Person
from demo.slack import USERS

DOCS = Path(__file__).parents[1] / "docs"
DESKTOP, PHONE = (1440, 900), (390, 844)
_ALICE, _BOB = USERS
_DAVE = "U0DAVE0006"
_SECONDS = 60_000

REFUND = {
    "Approval": {
        "Title": "Give Northwind a refund",
        "Details": "The parcel was **lost twice**. See the [ticket](https://example.com/tickets/4711).",
        "Facts": [{"Label": "Customer", "Value": "Northwind"}, {"Label": "Order", "Value": "2026-0815"}],
        "RequestedBy": "carol@example.com",
        "Approvers": ["alice@example.com", "bob@example.com", _DAVE],
        "RequiredApprovals": 2,
        "TimeoutMinutes": 240,
    }
}
RELEASE = {
    "Approval": {
        "Title": "Deploy web 2.4.1 to production",
        "Details": "Adds the new checkout.\nRolls back by redeploying 2.4.0.",
        "RequestedBy": "carol@example.com",
        "Approvers": ["alice@example.com", "bob@example.com"],
        "TimeoutMinutes": 30,
        "Comment": {"Approve": "off", "Reject": "off"},
    },
    "Version": "2.4.1",
}
KEYS = {
    "Approval": {
        "Title": "Rotate the signing keys",
        "RequestedBy": "alice@example.com",
        "Severity": "high",
        "TimeoutMinutes": 60,
    }
}


def play(url: str, suffix: str = "") -> None:
    """Start what the pictures show: an approved release, a request of alice's, a refund with 1 of 2 approvals."""
    person = Person(url)
    release, refund = f"release-2-4-1{suffix}", f"refund-northwind{suffix}"
    person.start(release, RELEASE)
    person.click(person.message(release), "approve", _BOB)
    person.ended(release)
    person.start(f"rotate-keys{suffix}", KEYS)
    person.start(refund, REFUND)
    person.click(person.message(refund), "approve", _BOB)
    person.wait(lambda state: "1 of 2 approvals" in str(state["slack"]["messages"]) or None, "no progress")


def take(page: Page, url: str, folder: Path) -> list[Path]:
    """Take the pictures and return their paths. The caller sets the width of `page`."""
    page.goto(url)
    expect(page.locator("#messages")).to_contain_text("1 of 2 approvals", timeout=_SECONDS)
    width = page.viewport_size["width"] if page.viewport_size else 0
    name = "" if width >= DESKTOP[0] else "-phone"
    taken = [_shot(page, folder / f"demo{name}.png")]
    page.locator("#tab-home").click()
    expect(page.locator("#home")).to_contain_text("Give Northwind a refund", timeout=_SECONDS)
    slack = page.locator("#slack")
    slack.scroll_into_view_if_needed()
    path = folder / f"slack-home{name}.png"
    slack.screenshot(path=path)
    return [*taken, path]


def _shot(page: Page, path: Path) -> Path:
    page.wait_for_timeout(2500)  # new messages are highlighted for a moment
    page.screenshot(path=path)
    return path


def main() -> None:
    """Take all pictures from the demo at `DEMO_PORT`."""
    url = f"http://127.0.0.1:{os.environ.get('DEMO_PORT') or 8080}"
    play(url)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        width, height = DESKTOP
        page = browser.new_page(viewport={"width": width, "height": height})
        print(*take(page, url, DOCS), sep="\n")  # noqa: T201
        browser.close()


if __name__ == "__main__":
    main()
