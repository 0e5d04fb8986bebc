"""A burst of requests: none is lost, nobody's mailbox or Slack channel gets more than it bears, all can be answered."""

from __future__ import annotations

import json
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial

import pytest

from approvals.domain.model import Action
from demo.inbox import Email
from demo.person import Answer, Person
from demo.slack import Message
from demo.stack import LocalStack
from tests.support.polling import seen

PROVE = bool(os.environ.get("PROVE"))
REQUESTS = 500 if PROVE else 60
BURST = 10
"""Seconds in which all of them are started, at most."""
SLACK_BUSY = 30 if PROVE else 5
"""Seconds in which Slack answers 429, at least."""

NAMES = [f"flood-{number}" for number in range(REQUESTS)]
_LINK = re.compile(r"^https?://\S+$", re.MULTILINE)


@pytest.mark.timeout(1200)
def test_a_burst_is_asked_in_full_within_snss_rate_and_decided_as_people_answer(
    stack: LocalStack, person: Person
) -> None:
    """Slack is busy at first. Then half of all are answered by mail, half in Slack, half each way."""
    before = len(stack.seen.mails)
    stack.slack.fail_with = 429
    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        arns = list(
            pool.map(
                lambda name: stack.executions.start(
                    name, json.dumps({"Approval": {"Comment": {"Reject": "off"}}, "n": name})
                ),
                NAMES,
            )
        )
    assert time.monotonic() - began < BURST

    links = seen(lambda: _links(stack, before), "not all mailed", 300)
    seen(lambda: time.monotonic() - began >= SLACK_BUSY, "30 s", 60)
    assert stack.slack.failures > 0
    stack.slack.fail_with = None
    messages = seen(lambda: _messages(stack, edited=False), "not all posted", 300)
    asked = list(stack.seen.mails[before:])
    assert len(asked) < REQUESTS, "some were folded"

    wanted = {name: list(Action)[number // 2 % 2] for number, name in enumerate(NAMES)}

    def answer(number: int, name: str) -> Answer:
        action = wanted[name]
        if number % 2:
            return person.click({"ts": messages[name].ts}, action.value)
        return person.confirm(person.open(links[name][action]))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(answer, range(REQUESTS), NAMES))
    assert {answer.status for answer in answers} == {200}
    for name, arn in zip(NAMES, arns, strict=True):
        ended = seen(partial(_result, stack, arn), f"{name} did not end", 120)
        assert ended == wanted[name].status
    closed = seen(lambda: _messages(stack, edited=True), "not all edited", 120)
    assert all(closed[name].text.startswith(wanted[name].status.capitalize()) for name in NAMES)

    most = _most_in_a_second(list(stack.seen.mails[before:]))
    print(f"\n{REQUESTS} requests sent in {len(asked)} emails and decided; at most {most} emails in a second")
    assert most <= 8


def _links(stack: LocalStack, before: int) -> dict[str, dict[Action, str]] | None:
    """Return the links to each execution's request, once some mail has them for all."""
    found: dict[str, dict[Action, str]] = {name: {} for name in NAMES}
    for mail in stack.seen.mails[before:]:
        for link in _LINK.findall(mail.text):
            named = re.search(r"[?]action=(approve|reject)&ex=([^&]+)&", link)
            if named and named[2] in found:
                found[named[2]][Action(named[1])] = link
    return found if all(len(links) == len(Action) for links in found.values()) else None


def _messages(stack: LocalStack, *, edited: bool) -> dict[str, Message] | None:
    """Return the Slack message about each execution, once all are there."""
    found = {
        message.text.split("Continue execution ")[-1].removesuffix("?"): message for message in stack.slack.messages()
    }
    there = all(name in found and found[name].edited is edited for name in NAMES)
    return {name: found[name] for name in NAMES} if there else None


def _result(stack: LocalStack, arn: str) -> str | None:
    execution = stack.executions.get(arn)
    if execution.status == "RUNNING":
        return None
    assert execution.status == "SUCCEEDED", execution
    return str(execution.output["Approval"]["Result"]["Decision"])


def _most_in_a_second(mails: list[Email]) -> int:
    moments = sorted(datetime.fromisoformat(mail.received_at).timestamp() for mail in mails)
    return max(sum(1 for other in moments if moment <= other < moment + 1) for moment in moments)
