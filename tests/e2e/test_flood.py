"""A burst of requests: none is lost, and nobody's mailbox or Slack channel gets more than it bears."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest

from local.inbox import Mail
from local.stack import LocalStack
from local.story import Person, links

REQUESTS = 500 if os.environ.get("PROVE") else 60


def asked_in(mails: tuple[Mail, ...], names: set[str]) -> set[str]:
    """The executions that some mail asks about, with links."""
    asked: set[str] = set()
    for mail in mails:
        asked |= {link.split("&ex=")[1].split("&")[0] for link in mail.text.splitlines() if "&ex=" in link}
    return asked & names


def most_in_a_second(mails: list[Mail]) -> int:
    moments = sorted(datetime.fromisoformat(mail.received_at).timestamp() for mail in mails)
    return max(sum(1 for other in moments if moment <= other < moment + 1) for moment in moments)


@pytest.mark.timeout(900)
def test_a_burst_loses_no_request_and_keeps_to_snss_rate(stack: LocalStack, person: Person) -> None:
    """Slack asks to slow down at first; every request ends up in some mail and in Slack, and can be answered."""
    before = len(stack.seen.mails)
    names = [f"flood-{number}" for number in range(REQUESTS)]
    stack.slack.fail_with = 429
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: stack.executions.start(name, json.dumps({"n": name})), names))
    person.wait(lambda _state: asked_in(stack.seen.mails, set(names)) == set(names) or None, "not all mailed", 300)
    stack.slack.fail_with = None
    person.wait(
        lambda _state: (
            all(f"*{name}*" in text or f"\\n{name}" in text for text, name in _messages(stack, names)) or None
        ),
        "not all posted",
        300,
    )
    burst = list(stack.seen.mails[before:])
    print(f"\n{REQUESTS} requests: {len(burst)} mails, at most {most_in_a_second(burst)} in a second")
    assert most_in_a_second(burst) <= 8
    assert len(burst) < REQUESTS, "some were folded"


def _messages(stack: LocalStack, names: list[str]) -> list[tuple[str, str]]:
    everything = json.dumps([message.blocks for message in stack.slack.messages()])
    return [(everything, name) for name in names]


def test_requests_that_were_folded_are_decided_like_any_other(stack: LocalStack, person: Person) -> None:
    digest = next(mail for mail in stack.seen.mails if "waiting for you" in mail.subject)
    link = next(line for line in digest.text.splitlines() if "action=approve" in line and "ex=flood-" in line)
    name = link.split("&ex=")[1].split("&")[0]
    assert person.confirm(person.open(link)).status == 200
    assert person.ended(name)["output"]["Approval"]["Result"]["Decision"] == "APPROVED"
    assert links({"text": digest.text})
