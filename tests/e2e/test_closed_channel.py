"""On the deployed stack, a deleted message and an archived channel keep nobody from being asked and told."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from demo import aws
from demo.person import Person
from demo.slack import Message
from demo.stack import LocalStack
from tests.support.deployments import deployed
from tests.support.leaks import LeakDetector
from tests.support.polling import seen

BOB, CAROL = "U0BOB00002", "U0CAROL003"
APPROVE = "approval:approve"


@pytest.fixture(scope="module")
def closing(aws_port: int, leak_detector: LeakDetector) -> Iterator[LocalStack]:
    """A stack whose channel is archived in the end: no other test shares it."""
    with deployed(leak_detector, aws_port, "closing") as stack:
        yield stack


def ask(person: Person, name: str, reminder: int) -> str:
    asked = {"Title": f"About {name}", "Approvers": [BOB], "RequestedBy": CAROL, "Reminders": [reminder]}
    return person.start(name, {"Approval": asked})


def posts(stack: LocalStack, name: str, channel: str) -> list[Message]:
    """The messages in a channel that ask for an approval or tell how it ended, the replies left out."""
    here = [message for message in stack.slack.messages() if message.channel == channel and not message.thread_ts]
    return [message for message in here if f"About {name}" in message.text]


def test_deleted_message_and_archived_channel_keep_nobody_from_being_asked_and_told(closing: LocalStack) -> None:
    person, slack = Person(closing.url), closing.slack
    deleted, archived = ask(person, "deleted", 1), ask(person, "archived", 2)
    first = seen(lambda: next(iter(posts(closing, deleted, slack.channel)), None), "the request", 60)
    seen(lambda: posts(closing, archived, slack.channel) or None, "the other request", 60)
    slack.delete(first.ts)

    again = seen(lambda: next(iter(posts(closing, deleted, slack.channel)), None), "the request, asked again", 150)
    reminder = seen(
        lambda: next((each for each in slack.messages() if each.thread_ts == again.ts), None), "the reminder", 30
    )
    assert f"<@{BOB}> \u201cAbout {deleted}\u201d" in reminder.text

    slack.closed = "is_archived"
    direct = seen(lambda: next(iter(posts(closing, archived, f"D{BOB[1:]}")), None), "a direct message", 150)
    shown = seen(
        lambda: next((each for each in person.state()["slack"]["messages"] if each["ts"] == direct.ts), None),
        "the direct message on the page",
        10,
    )
    assert person.click(shown, "approve", BOB).status == 200
    assert person.ended(archived)["output"]["Approval"]["Result"]["DecidedBy"] == BOB
    told = seen(lambda: next(iter(posts(closing, archived, f"D{CAROL[1:]}")), None), "the outcome", 60)
    assert re.search(rf"\u201cAbout {archived}\u201d \[[a-z2-7]{{6}}\]: Approved by bob in Slack", told.text)

    seen(lambda: None if waiting(closing) else True, "empty queues: no retry, no dead letter", 60)


def waiting(stack: LocalStack) -> dict[str, int]:
    """The stack's queues that are not empty, the dead-letter queue among them, and how much is in them."""
    sqs = aws.session().client("sqs")
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    counts = {}
    for url in sqs.list_queues(QueueNamePrefix="closing")["QueueUrls"]:
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]  # type: ignore[arg-type]
        counts[url.rpartition("/")[2]] = sum(map(int, found.values()))
    return {name: count for name, count in counts.items() if count and not name.endswith("-inbox")}
