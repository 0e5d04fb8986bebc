"""Two channels, one decision."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from approvals.store.table import ApprovalTable
from demo import aws
from demo.person import Answer, Person, links
from demo.slack import USERS
from demo.stack import LocalStack
from demo.story import ALL_AT_ONCE, DEPLOYMENT, TUTORIAL_INPUT, agree

ALICE, BOB = USERS
STATES = {"APPROVED": "ApprovedPassState", "REJECTED": "RejectedPassState"}


def stored(stack: LocalStack) -> ApprovalTable:
    return ApprovalTable(aws.session().client("dynamodb"), stack.outputs["ApprovalTableName"])


@pytest.mark.parametrize(("action", "state"), [("approve", "ApprovedPassState"), ("reject", "RejectedPassState")])
def test_slack_resolves_the_same_token(person: Person, action: str, state: str) -> None:
    name = person.start(f"by-slack-{action}", DEPLOYMENT)
    message = person.message(name)
    answer = person.click(message, action) if action == "approve" else person.reject(message, "Too early")
    assert answer.status == 200
    agree(person, name, state, "slack")


@pytest.mark.parametrize("number", range(3))
def test_20_clicks_at_once_are_one_decision_and_all_agree(person: Person, stack: LocalStack, number: int) -> None:
    """Over both channels and both actions: the branch, the record, the page, the message and the mail say the same."""
    name = person.start(f"race-{number}", ALL_AT_ONCE)
    mail, message = person.mail(name), person.message(name)
    pages = {action: person.open(link) for action, link in links(mail).items()}

    def by_email(action: str) -> Callable[[], Answer]:
        return lambda: person.confirm(pages[action])

    def by_slack(action: str, user: str) -> Callable[[], Answer]:
        return lambda: person.click(message, action, user)

    clicks = [click for action in pages for _ in range(5) for click in (by_email(action), by_slack(action, ALICE))]
    assert len(clicks) == 20
    with ThreadPoolExecutor(20) as pool:
        answers = [future.result() for future in [pool.submit(click) for click in clicks]]

    # A page says yes or says who won; Slack takes every click, unless the message has lost its buttons already.
    assert {answer.status for answer in answers} <= {200, 409}
    result = person.ended(name)["output"]["Approval"]["Result"]
    assert len(result["Responses"]) == 1
    agree(person, name, STATES[result["Decision"]], result["Channel"])
    record = stored(stack).get(result["ApprovalId"])
    assert (record.status, len(record.responses), record.version) == (result["Decision"], 1, 2)


def test_a_late_click_in_slack_is_told_who_won(person: Person) -> None:
    name = person.start("late-in-slack", ALL_AT_ONCE)
    message = person.message(name)
    page = person.open(links(person.mail(name))["approve"])
    with ThreadPoolExecutor(2) as pool:
        pool.submit(person.confirm, page)
        clicked = pool.submit(person.click, message, "reject", BOB).result()
    winner = person.ended(name)["output"]["Approval"]["Result"]
    if clicked.status == 200 and winner["Channel"] == "email":
        assert "Approved by approver@example.com by email on" in person.ephemeral_text(BOB, message["ts"])
    agree(person, name, STATES[winner["Decision"]], winner["Channel"])


def test_a_click_that_lost_gets_a_private_note(person: Person) -> None:
    name = person.start("click-that-lost", ALL_AT_ONCE)
    message = person.message(name)
    with ThreadPoolExecutor(2) as pool:
        clicks = [pool.submit(person.click, message, *click) for click in (("approve", ALICE), ("reject", BOB))]
        assert {click.result().status for click in clicks} == {200}
    result = person.ended(name)["output"]["Approval"]["Result"]
    loser = BOB if result["DecidedBy"] == ALICE else ALICE
    word = "Approved" if result["Decision"] == "APPROVED" else "Rejected"
    assert f"{word} by {USERS[result['DecidedBy']]} in Slack on" in person.ephemeral_text(loser, message["ts"])


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_opening_the_links_50_times_changes_nothing(person: Person, stack: LocalStack, method: str) -> None:
    name = person.start(f"scanned-{method.lower()}", TUTORIAL_INPUT)
    mail = person.mail(name)
    approval_id = links(mail)["approve"].split("&id=")[1].split("&")[0]
    person.message(name)
    before = stored(stack).get(approval_id)
    for link in links(mail).values():
        for _ in range(25):
            with urllib.request.urlopen(urllib.request.Request(link, method=method), timeout=30) as answer:
                assert answer.status == 200
                assert (answer.read() == b"") == (method == "HEAD")
    assert stored(stack).get(approval_id) == before
    assert person.execution(name)["status"] == "RUNNING"


def test_slack_failing_delays_only_the_slack_message(person: Person, stack: LocalStack) -> None:
    stack.slack.fail_with = 500
    name = person.start("outage", DEPLOYMENT)
    person.mail(name)
    person.wait(lambda _state: stack.slack.failures >= 2 or None, "no retry")
    assert name not in str(stack.slack.messages())
    stack.slack.fail_with = None
    person.click(person.message(name), "approve")
    agree(person, name, "ApprovedPassState", "slack")
    assert len([mail for mail in person.state()["inbox"] if f" {name}\n" in mail["text"]]) == 2


def test_requests_not_signed_by_slack_get_401(stack: LocalStack) -> None:
    for body in (b"", b"payload=%7B%7D", b"\xff\xfe", b"x" * 1_000_000):
        asked = urllib.request.Request(f"{stack.api_url}/slack/events", data=body)
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(asked, timeout=30)
        assert refused.value.code == 401
        refused.value.close()
