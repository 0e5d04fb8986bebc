"""A second stack in the same account: Slack left empty, and links that decide with one click as the tutorial's do."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request

import pytest

from demo.person import Person, links
from demo.stack import LocalStack
from demo.story import TUTORIAL_INPUT
from tests.support.redirects import location
from tests.support.stack_contents import log_lines


@pytest.mark.parametrize(("action", "state"), [("approve", "ApprovedPassState"), ("reject", "RejectedPassState")])
def test_one_get_decides_and_leads_to_the_execution(email_only: LocalStack, action: str, state: str) -> None:
    person = Person(email_only.url)
    name = person.start(f"one-click-{action}", TUTORIAL_INPUT)
    mail = links(person.mail(name))
    status, console = location(mail[action])
    ended = person.ended(name)
    assert status == 302
    assert console.startswith("https://console.aws.amazon.com/states/home?region=us-east-1#/")
    assert console.endswith(ended["arn"])
    assert ended["states"][-1]["name"] == state
    assert person.mail(name, outcome=True)
    assert location(mail[action]) == (status, console), "the same link again shows the same"
    other = next(link for other, link in mail.items() if other != action)
    assert person.open(other).status == 409


def test_without_slack_nothing_logs_an_error_and_slack_is_refused(email_only: LocalStack) -> None:
    person = Person(email_only.url)
    person.mail(person.start("no-slack", TUTORIAL_INPUT))
    asked = urllib.request.Request(f"{email_only.api_url}/slack/events", data=b"payload=%7B%7D")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(asked, timeout=30)
    assert refused.value.code == 401
    refused.value.close()
    assert email_only.slack.calls() == []
    lines = log_lines("email-only")
    assert any("mail sent" in line for line in lines), "the logs are not empty"
    assert [line for line in lines if '"level":"ERROR"' in line or "Traceback" in line] == []
