"""The events of a deployed stack, as the target of a rule gets them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from approvals.requests.schema import published
from demo import aws
from demo.person import Person, links
from demo.stack import LocalStack
from tests.support.polling import seen
from tests.support.redirects import location

VALIDATOR = Draft202012Validator(dict(published("events.schema.json")))
KINDS = {"ApprovalRequested", "ApproverTold", "ResponseRecorded", "ApprovalDecided", "WorkflowResumed"}


class Queue:
    """A queue that a rule sends all our events to."""

    def __init__(self) -> None:
        self._sqs = aws.session().client("sqs", config=aws.CONFIG)
        self._url = self._sqs.create_queue(QueueName="seen-events")["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        events = aws.session().client("events", config=aws.CONFIG)
        events.put_rule(Name="all-approvals", EventPattern=json.dumps({"source": ["human-approval"]}))
        events.put_targets(Rule="all-approvals", Targets=[{"Id": "queue", "Arn": arn}])
        self._received: list[dict[str, Any]] = []

    def events(self) -> list[dict[str, Any]]:
        """Return all events received so far."""
        while found := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages"):
            for message in found:
                self._received.append(json.loads(message["Body"]))
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return self._received


@pytest.fixture(scope="module")
def queue(aws_port: int) -> Queue:
    return Queue()


def test_a_rule_gets_an_event_for_each_step_of_an_approval(email_only: LocalStack, queue: Queue) -> None:
    person = Person(email_only.url)
    name = person.start("with-events", {"Approval": {"Title": "Deploy with events", "RequestedBy": "jo@example.com"}})
    location(links(person.mail(name))["approve"])
    ended = person.ended(name)

    def ours() -> list[dict[str, Any]] | None:
        found = [event for event in queue.events() if event["detail"]["Title"] == "Deploy with events"]
        return found if {event["detail-type"] for event in found} >= KINDS else None

    by_kind = {event["detail-type"]: event for event in seen(ours, "an event of every kind")}
    assert by_kind.keys() == KINDS
    for event in by_kind.values():
        VALIDATOR.validate(event)
        assert event["resources"] == [event["detail"]["ExecutionArn"]] == [ended["arn"]]
        assert event["detail"]["Stack"] == "email-only"
    result = ended["output"]["Approval"]["Result"]
    decided = by_kind["ApprovalDecided"]["detail"]
    assert {key: decided[key] for key in ("ApprovalId", "DecidedBy", "Channel", "Comment")} == {
        key: result[key] for key in ("ApprovalId", "DecidedBy", "Channel", "Comment")
    }
    assert (decided["Status"], decided["At"]) == ("APPROVED", result["DecidedAt"])
    assert by_kind["ApprovalRequested"]["detail"]["Digest"] == result["Digest"]


def test_a_stack_without_a_bus_publishes_nothing(person: Person, queue: Queue) -> None:
    name = person.start("no-events", {"Approval": {"Title": "Deploy without events"}})
    mail = person.mail(name)
    person.confirm(person.open(links(mail)["approve"]))
    person.mail(name, outcome=True)
    assert [event for event in queue.events() if event["detail"]["Stack"] != "email-only"] == []
