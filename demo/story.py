"""Play the story of `make demo ARGS=--auto`: do what a person would do on the page, and check each step."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import Any

from demo.person import ALICE, BOB, DAVE, Answer, Json, Person, check, heading, links

TUTORIAL_INPUT: Json = {"Comment": "Testing the human approval tutorial."}
DEPLOYMENT: Json = {
    "Approval": {"Title": "Deploy web 2.4.1 to production", "RequestedBy": "jo@example.com", "TimeoutMinutes": 30},
    "Version": "2.4.1",
}
ALL_AT_ONCE: Json = {"Approval": {**DEPLOYMENT["Approval"], "Comment": {"Reject": "off"}}, "Version": "2.4.1"}
"""No dialog for the reason: each click is a response."""

REFUND: Json = {
    "Approval": {
        "Title": "Give Northwind a refund",
        "Approvers": ["alice@example.com", "bob@example.com", "carol@example.com"],
        "RequiredApprovals": 2,
        "Form": [{"Name": "Amount", "Type": "number", "Minimum": 1, "Maximum": 500, "Required": True}],
    }
}
FIREWALL: Json = {
    "Approval": {
        "Title": "Open port 8443 to partners",
        "Groups": [
            {"Name": "security", "Approvers": ["alice@example.com", "carol@example.com"]},
            {"Name": "ops", "Approvers": ["bob@example.com", "carol@example.com"]},
        ],
    }
}
ROTATION: Json = {"Approval": {"Title": "Rotate the database password", "Approvers": ["alice@example.com"]}}
DROP: Json = {"Statement": "DROP TABLE orders_2019", "Database": "shop-production"}
EXACT_ACTION: Json = {"Approval": {"Title": "Drop the orders of 2019", "Action": DROP, "Grant": {"Uses": 1}}}
DELETION: Json = {"Approval": {"Title": "Delete the old production database", "Severity": "high"}}
RENEWAL: Json = {
    "Approval": {
        "Title": "Renew the certificate",
        "Approvers": ["alice@example.com"],
        "Reminders": [1],
        "EscalateTo": ["bob@example.com"],
        "EscalateAfterMinutes": 1,
        "TimeoutMinutes": 10,
    }
}
_SCHEDULED = 200
"""Seconds to wait for the scheduler, which runs every minute."""


def play(url: str) -> None:
    """Play every part and print the results. Raise `NotSeenError` if a check fails."""
    person = Person(url)
    started = time.monotonic()
    renewal = person.start("renewal", RENEWAL)  # Its first minute passes during the other parts.
    for action, state in (("approve", "ApprovedPassState"), ("reject", "RejectedPassState")):
        _by_email(person, action, state)
        _by_slack(person, action, state)
    _both_at_once(person)
    _clicked_again(person)
    _two_of_three_with_a_form(person)
    _one_of_each_group(person)
    _delegate(person)
    _changed_since_last_time(person)
    _spent_once(person)
    _high_severity(person)
    _reminded_and_escalated(person, renewal)
    print(f"\nAll steps passed in {time.monotonic() - started:.0f} s.", flush=True)


def _by_email(person: Person, action: str, state: str) -> None:
    _part(f"Email: {action}")
    name = person.start(f"email-{action}", TUTORIAL_INPUT)
    waiting = person.execution(name)["states"][0]
    _saw(f"{name} waits in {waiting['name']}")
    mail = person.mail(name)
    _saw(f'an email arrived: "{mail["subject"]}"')
    page = person.open(links(mail)[action])
    check(page.status == HTTPStatus.OK and "<form" in page.text, "the link shows no button")
    check(person.execution(name)["status"] == "RUNNING", "opening the link decided the request")
    _saw("the link opened a page with a button, and decided nothing")
    page = person.confirm(page, comment="Looks good" if action == "approve" else "Not today")
    _saw(f"after the button: {heading(page)}")
    agree(person, name, state, "email")


def _by_slack(person: Person, action: str, state: str) -> None:
    _part(f"Slack: {action}")
    name = person.start(f"slack-{action}", DEPLOYMENT)
    message = person.message(name)
    _saw(f'a message with buttons was posted: "{message["text"]}"')
    answer = person.click(message, action) if action == "approve" else person.reject(message, "Not on a Friday")
    check(answer.status == HTTPStatus.OK, "the click was refused")
    _saw(f"alice clicked {action.capitalize()}{' and gave a reason' if action == 'reject' else ''}")
    agree(person, name, state, "slack")


def _both_at_once(person: Person) -> None:
    _part("Both channels at once: 8 clicks, approve and reject")
    name = person.start("both-at-once", ALL_AT_ONCE)
    mail, message = person.mail(name), person.message(name)
    clicks: list[Callable[[], Answer]] = []
    for action, link in links(mail).items():
        clicks += 2 * [partial(person.confirm, person.open(link)), partial(person.click, message, action, BOB)]
    answers = _at_once(clicks)
    check(all(answer.status < HTTPStatus.INTERNAL_SERVER_ERROR for answer in answers), "a click got a server error")
    result = person.ended(name)["output"]["Approval"]["Result"]
    state = "ApprovedPassState" if result["Decision"] == "APPROVED" else "RejectedPassState"
    agree(person, name, state, result["Channel"])
    check(len(result["Responses"]) == 1, f"{len(result['Responses'])} responses were recorded")
    _saw(f"1 of 8 clicks decided the request: {result['Status']}")


def _clicked_again(person: Person) -> None:
    _part("Second clicks and late clicks, in both channels")
    name = person.start("clicked-again", DEPLOYMENT)
    mail, message = person.mail(name), person.message(name)
    pages = {action: person.open(link) for action, link in links(mail).items()}
    # Both clicks are on their way before the message can lose its buttons.
    _at_once([partial(person.click, message, "approve", user) for user in (ALICE, BOB)])
    winner = person.ended(name)["output"]["Approval"]["Result"]["DecidedBy"]
    told = person.ephemeral_text(BOB if winner == ALICE else ALICE, message["ts"])
    _saw(f"alice and bob clicked Approve in Slack; the second got an ephemeral message: {told}")
    late = person.confirm(pages["reject"])
    check(late.status == HTTPStatus.CONFLICT, f"a late response by email got HTTP {late.status}")
    _saw(f"Reject by email came too late: HTTP {late.status}, {heading(late)}")
    again = person.confirm(pages["approve"])
    check(again.status == HTTPStatus.OK, f"the same response again got HTTP {again.status}")
    edited = person.message(name, edited=True)
    check(all(block["type"] != "actions" for block in edited["blocks"]), "the message still has buttons")
    agree(person, name, "ApprovedPassState", "slack")


def _two_of_three_with_a_form(person: Person) -> None:
    _part("Two of three approvers, and a form")
    name = person.start("refund", REFUND)
    mail, message = person.mail(name, to="alice@"), person.message(name)
    page = person.open(links(mail)["approve"])
    wrong = person.confirm(page, **{"form.Amount": "501"})
    check(wrong.status == HTTPStatus.BAD_REQUEST and "from 1 to 500" in wrong.text, "the page accepted a wrong amount")
    _saw("alice entered an amount of 501: her page refused it with the reason")
    page = person.confirm(page, **{"form.Amount": "120"})
    check("1 of 2 approvals" in page.text, "the page shows no progress")
    check(person.execution(name)["status"] == "RUNNING", "one of two approvals decided the request")
    _saw("alice approved by email: 1 of 2 approvals, and the workflow still waits")
    person.click(message, "approve", BOB)
    check(person.submit({"form.Amount": "130"}, BOB).status == HTTPStatus.OK, "the dialog was refused")
    _saw("bob changed the amount to 130 in the Slack dialog: alice must approve again")
    told = person.wait(
        lambda state: next((each for each in state["inbox"] if "Amount: 130 (before: 120)" in each["text"]), None),
        "no email about the changed form",
    )
    page = person.open(links(told)["approve"])
    check('value="130"' in page.text, "alice's page does not hold the amount of 130")
    person.confirm(page, **{"form.Amount": "130"})
    result = person.ended(name)["output"]["Approval"]["Result"]
    check(result["Form"] == {"Amount": 130}, f"the result has the form {result['Form']}")
    check(len(result["Responses"]) == 2, "the result does not have both responses")  # noqa: PLR2004
    _saw(f"alice got an email about the change, and confirmed it: {result['Status']}, with the amount 130")


def _one_of_each_group(person: Person) -> None:
    _part("One of security and one of ops")
    name = person.start("firewall", FIREWALL)
    message = person.message(name)
    page = person.confirm(person.open(links(person.mail(name, to="alice@"))["approve"]))
    check("security: 1 of 1, ops: 0 of 1" in page.text, "the page shows no progress of the groups")
    check(person.execution(name)["status"] == "RUNNING", "one group alone decided the request")
    _saw("alice of security approved by email: security: 1 of 1, ops: 0 of 1, and the workflow still waits")
    person.click(message, "approve", BOB)
    result = person.ended(name)["output"]["Approval"]["Result"]
    groups = [(group["Name"], len(group["ApprovedBy"])) for group in result["Groups"]]
    check(groups == [("security", 1), ("ops", 1)], f"the result has the groups {groups}")
    _saw(f"bob of ops approved in Slack: {result['Status']}, and the result names who approved of each group")


def _delegate(person: Person) -> None:
    _part("Alice is away, and dave responds for her")
    day = datetime.now(UTC).date() + timedelta(days=7)
    person.command(f"away until {day}, ask @dave")
    person.ephemeral_text(ALICE, "", "End your absence")
    _saw(f"alice typed in Slack: /approvals away until {day}, ask @dave")
    name = person.start("rotation", ROTATION)
    message = person.message(name, to=DAVE)
    person.mail(name, to="alice@")
    _saw("dave, who is not in the channel, was asked in a direct message, and alice by email as ever")
    person.click(message, "approve", DAVE)
    result = person.ended(name)["output"]["Approval"]["Result"]
    [response] = result["Responses"]
    check(response.get("For") == "alice@example.com", f"the result has the response {response}")
    _saw(f"dave approved: {result['Status']}, for alice@example.com")
    person.command("away off")
    person.ephemeral_text(ALICE, message["ts"], "no longer responds for you")
    _saw("alice ended her absence: /approvals away off")


def _changed_since_last_time(person: Person) -> None:
    _part("What changed since the last approval of the same subject")
    first = person.start("3-replicas", _deployment("3"))
    person.click(person.message(first), "approve", BOB)
    person.ended(first)
    _saw("bob approved a deployment with 3 replicas in Slack")
    name = person.start("300-replicas", _deployment("300"))
    mail, message = person.mail(name, to="alice@"), person.message(name)
    page = person.open(links(mail)["approve"])
    for surface, shown in (("message", json.dumps(message, ensure_ascii=False)), ("email", mail["text"])):
        check("3 → 300" in shown, f"the {surface} does not say what changed")
    check("3 → 300" in page.text, "the page does not say what changed")
    _saw("the next request has 300: the Slack message, the email and the page say Replicas: 3 → 300")
    person.confirm(person.open(links(mail)["reject"]), comment="300 is a typing error")
    agree(person, name, "RejectedPassState", "email")


def _deployment(replicas: str) -> Json:
    facts = [{"Label": "Replicas", "Value": replicas}]
    asked = {"Title": "Deploy web to production", "Subject": "deploy web production", "Facts": facts}
    return {"Approval": {**asked, "Approvers": ["alice@example.com", "bob@example.com"]}}


def _spent_once(person: Person) -> None:
    _part("An approval of an exact action, spent once")
    name = person.start("exact-action", EXACT_ACTION)
    link = links(person.mail(name))["approve"]
    person.confirm(person.open(link))
    grant = person.ended(name)["output"]["Approval"]["Result"]["Grant"]["Id"]
    for action, status, said in (
        ({**DROP, "Database": "shop-test"}, HTTPStatus.CONFLICT, "ActionChanged"),
        (DROP, HTTPStatus.OK, "SpentAt"),
        (DROP, HTTPStatus.CONFLICT, "GrantSpent"),
    ):
        answer = person.spend(grant, action)
        check(answer.status == status and said in answer.text, f"the grant was spent on {action}: {answer.text}")
    _saw("spending the approval on another database was refused: ActionChanged")
    _saw("spending it on the approved action worked once; the second time was refused: GrantSpent")
    check("Grant spent by" in person.open(link).text, "the page does not say who spent the approval")
    _saw("the page says who spent it, and when")


def _high_severity(person: Person) -> None:
    _part("High severity needs a second confirmation")
    name = person.start("deletion", DELETION)
    page = person.open(links(person.mail(name))["approve"])
    check(person.confirm(page).status == HTTPStatus.BAD_REQUEST, "the page approved without a second confirmation")
    _saw("the page refused the response until the box was ticked")
    person.confirm(page, sure="yes")
    agree(person, name, "ApprovedPassState", "email")


def _reminded_and_escalated(person: Person, name: str) -> None:
    _part("A reminder, then an escalation (the scheduler runs every minute)")
    message = person.message(name)
    person.wait(lambda state: _reply(state, message["ts"], "reminder"), "no reminder in the thread", _SCHEDULED)
    _saw("alice did not respond: she got a reminder in the thread and by email")
    mail = person.mail(name, to="bob@", seconds=_SCHEDULED)
    _saw(f'bob got the request, too: "{mail["subject"]}"')
    person.confirm(person.open(links(mail)["reject"]), comment="Renewed already")
    result = person.ended(name)["output"]["Approval"]["Result"]
    check((result["Decision"], result["DecidedBy"]) == ("REJECTED", "bob@example.com"), f"the result is {result}")
    _saw(f"{name} ended: {result['Status']}")


def agree(person: Person, name: str, state: str, channel: str) -> None:
    """Check that the workflow's branch, its result, the Slack message, the email and the page show the same outcome."""
    execution = person.ended(name)
    result = execution["output"]["Approval"]["Result"]
    check(execution["states"][-1]["name"] == state, f"{name} ended in {execution['states'][-1]['name']}, not {state}")
    check(result["Channel"] == channel, f"the result names the channel {result['Channel']}")
    word = "Approved" if state == "ApprovedPassState" else "Rejected"
    message = person.message(name, edited=True)
    check(message["text"].startswith(word), f"the Slack message says: {message['text']}")
    mail, asking = person.mail(name, outcome=True), person.mail(name)
    check(mail["text"].startswith(word), f"the outcome email says: {mail['text']}")
    check(mail["subject"] == f"Re: {asking['subject']}", f"the outcome email has the subject {mail['subject']}")
    page = person.open(links(asking)["approve" if word == "Approved" else "reject"])
    check(page.status == HTTPStatus.OK and heading(page) == word, f"the link's page says: {heading(page)}")
    _saw(f"{name} ended in {state}: {result['Status']}")
    _saw("the Slack message, the outcome email and the page show the same outcome")


def _reply(state: Json, thread: str, text: str) -> bool | None:
    replies = (seen["text"] for seen in state["slack"]["messages"] if seen["thread_ts"] == thread)
    return any(text in reply.lower() for reply in replies) or None


def _at_once(clicks: list[Callable[[], Any]]) -> list[Any]:
    with ThreadPoolExecutor(len(clicks)) as pool:
        return [click.result() for click in [pool.submit(click) for click in clicks]]


def _part(title: str) -> None:
    print(f"\n{title}", flush=True)


def _saw(what: str) -> None:
    print(f"  ok  {what}", flush=True)
