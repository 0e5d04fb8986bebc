"""Who gets emails, and SNS, which sends them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from unittest.mock import create_autospec

import boto3
import pytest
from aws_lambda_powertools import Logger
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

from approvals.domain.errors import DeliveryError
from approvals.domain.form_changes import form_key
from approvals.domain.form_fields import FieldType, FormField
from approvals.domain.model import Request
from approvals.domain.people import Approver, People, Person
from approvals.domain.rules import judge
from approvals.services.channel import News, NewsKind, NotDone
from mail.addresses import is_email
from mail.channel import EmailChannel
from mail.messages import Links
from mail.recipients import asked, asked_again, reminded, told
from mail.sns import Mail, Mailer, confirmed_addresses, queue_address
from tests.support.builders import HOUR, NOW, a_response, an_approval

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

TO = "alice@example.com"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:approvals"

ANN, BEN = (
    Person(id=f"{name}@x.org", name=name, identities={"email": f"{name}@x.org", "slack": f"U0{name}"})
    for name in ("ann", "ben")
)


def who(**changes: Any) -> tuple[list[str], list[str], list[str]]:
    """Who is asked, told and reminded; the stack's address is that of Alice."""
    people = changes.pop("people", People())
    request = Request(timeout=HOUR, **changes)
    approval = an_approval(request=request, people=people)
    return asked(approval, TO), told(approval, TO), reminded(approval, TO)


def test_without_approvers_the_stacks_address_is_asked() -> None:
    assert who() == ([TO], [], [TO])


def test_approvers_who_are_named_by_address_are_asked_and_nobody_else() -> None:
    people = People(approvers=(ANN, BEN))
    assert who(approvers=("ANN@x.org", "U0BEN"), people=people) == ([ANN.address], [], [ANN.address])


def test_people_to_be_told_are_told_once_and_not_when_asked() -> None:
    people = People(approvers=(ANN,))
    found = who(approvers=("ann@x.org",), notify=("Ann@x.org", "ben@x.org", "U0BEN"), people=people)
    assert found == ([ANN.address], ["ben@x.org"], [ANN.address])


def test_the_requester_is_not_asked() -> None:
    people = People(approvers=(ANN, BEN), requester=ANN)
    assert who(approvers=("ann@x.org", "ben@x.org"), requested_by="ann@x.org", people=people)[0] == [BEN.address]
    own = People(requester=Person(id=TO, name=TO, identities={"email": TO}))
    assert who(requested_by=TO, people=own)[:2] == ([], [TO])
    assert who(requested_by=TO, people=own, allow_self_approval=True)[:2] == ([TO], [])


def test_people_who_have_responded_are_not_reminded() -> None:
    request = Request(timeout=HOUR, required_approvals=2, approvers=("ann@x.org", "ben@x.org"))
    approval = an_approval(request=request, people=People(approvers=(ANN, BEN)))
    by_slack = Approver(id="U0ann", name="ann", channel="slack", realm="T0APPROVAL")
    answered = judge(approval, a_response(approver=by_slack)).approval
    assert reminded(answered, TO) == [BEN.address]
    anybody = an_approval(request=Request(timeout=HOUR, required_approvals=2))
    assert reminded(judge(anybody, a_response()).approval, TO) == []


def test_who_must_approve_again_is_told_and_nobody_else() -> None:
    form = (FormField(name="share", label="Share", type=FieldType.NUMBER),)
    request = Request(timeout=HOUR, required_approvals=2, approvers=("ann@x.org", "ben@x.org"), form=form)
    approval = an_approval(request=request, people=People(approvers=(ANN, BEN)))
    for person, share in ((ANN, 1), (BEN, 2)):
        response = a_response(approver=Approver(id=person.address, name=person.name, channel="email"))
        said = replace(response, form={"share": share}, seen=form_key(approval))
        approval = judge(approval, said).approval
    assert asked_again(approval, TO) == [ANN.address]


def test_who_can_not_respond_hears_of_the_request_and_its_outcome_alone(sns: SNSClient) -> None:
    request = Request(timeout=HOUR, approvers=("ann@x.org",), notify=("eve@x.org",), escalate_to=("ben@x.org",))
    people = People(approvers=(ANN,), escalation=(BEN,))
    approval = an_approval(request=request, people=people, steps={"request_email:ann@x.org": NOW})
    channel = EmailChannel(
        mailer=a_mailer(sns),
        defer=lambda *_: None,
        confirmed=dict,
        email=TO,
        links=Links("https://x", one_click=False),
        logger=Logger(),
    )
    for kind in NewsKind:
        told = {step.partition(":")[2] for step in channel.update(approval, News(kind, f"{kind}-1"))}
        assert told <= {"ann@x.org", "ben@x.org"}, kind
    assert "notice_email:eve@x.org" in channel.invite(approval)
    ended = judge(approval, a_response(approver=Approver(id="ann@x.org", name="ann", channel="email"))).approval
    assert "outcome_email:eve@x.org" in channel.conclude(ended)


def test_only_a_confirmed_email_subscription_reaches_a_person(sns: SNSClient, stub: Stubber) -> None:
    found = [
        {"Protocol": "email", "Endpoint": "Ann@X.org", "SubscriptionArn": f"{TOPIC}:1"},
        {"Protocol": "email", "Endpoint": "ben@x.org", "SubscriptionArn": "PendingConfirmation"},
        {"Protocol": "email", "Endpoint": "gone@x.org", "SubscriptionArn": "Deleted"},
        {"Protocol": "sqs", "Endpoint": "arn:queue", "SubscriptionArn": f"{TOPIC}:2"},
    ]
    for number, token in ((0, {"NextToken": "more"}), (2, {})):
        stub.add_response("list_subscriptions_by_topic", {"Subscriptions": found[number : number + 2], **token})
    assert confirmed_addresses(sns, TOPIC) == {"ann@x.org": "Ann@X.org"}


def test_a_queue_of_verify_deployment_has_an_address_and_no_other_queue_has(sns: SNSClient, stub: Stubber) -> None:
    queues = {"approvals-verify-1f": f"{TOPIC}:1", "archive": f"{TOPIC}:2", "approvals-verify-2e": "Deleted"}
    found = [
        {"Protocol": "sqs", "Endpoint": f"arn:aws:sqs:eu-west-1:123456789012:{name}", "SubscriptionArn": arn}
        for name, arn in queues.items()
    ]
    stub.add_response("list_subscriptions_by_topic", {"Subscriptions": found})
    address = queue_address("approvals-verify-1f")
    assert confirmed_addresses(sns, TOPIC) == {address: address}
    assert is_email(address), "requests can name it"
    assert address.endswith(".invalid"), "no person has it"


def test_an_outage_of_sns_says_nothing_about_who_is_subscribed(sns: SNSClient, stub: Stubber) -> None:
    stub.add_client_error("list_subscriptions_by_topic", service_error_code="Throttling")
    with pytest.raises(DeliveryError, match="SNS answered Throttling"):
        confirmed_addresses(sns, TOPIC)


@pytest.fixture
def sns() -> SNSClient:
    return boto3.client("sns", region_name="eu-west-1", aws_access_key_id="testing", aws_secret_access_key="testing")


@pytest.fixture
def stub(sns: SNSClient) -> Iterator[Stubber]:
    with Stubber(sns) as stubber:
        yield stubber


def a_mailer(sns: SNSClient) -> Mailer:
    return Mailer(sns, TOPIC, lambda _: True)


def test_a_email_is_published_for_its_recipient_alone(sns: SNSClient, stub: Stubber) -> None:
    recipient = {"recipient": {"DataType": "String", "StringValue": TO}}
    sent = {"TopicArn": TOPIC, "Subject": "Approved: x", "Message": "text", "MessageAttributes": recipient}
    stub.add_response("publish", {"MessageId": "1"}, sent)
    a_mailer(sns).send(Mail(TO, "Approved: x", "text"))
    stub.assert_no_pending_responses()


def test_an_email_takes_a_slot_before_it_is_published(sns: SNSClient, stub: Stubber) -> None:
    seen: list[str] = []
    sns.meta.events.register("before-parameter-build.sns.Publish", lambda **_: seen.append("publish"))
    stub.add_response("publish", {"MessageId": "1"})

    def take_slot(recipient: str) -> bool:
        seen.append(recipient)
        return True

    assert Mailer(sns, TOPIC, take_slot).send(Mail(TO, "s", "t"))
    assert seen == [TO, "publish"]


@pytest.mark.usefixtures("stub")
def test_an_email_without_a_slot_is_not_published(sns: SNSClient) -> None:
    """SNS suspends an address that gets too many emails in a second."""
    assert not Mailer(sns, TOPIC, lambda _: False).send(Mail(TO, "s", "t"))


def test_an_email_without_a_slot_is_left_to_the_digest_by_its_approvals_id_and_step(sns: SNSClient) -> None:
    left: list[tuple[str, str]] = []
    channel = EmailChannel(
        mailer=Mailer(sns, TOPIC, lambda _: False),
        defer=lambda approval_id, step: left.append((approval_id, step)),
        email=TO,
        confirmed=lambda: {TO: TO},
        links=Links("https://x", one_click=False),
        logger=create_autospec(Logger, instance=True),
    )
    approval = an_approval(request=Request(timeout=HOUR, notify=("ben@x.org",)))
    assert [task(approval) for task in channel.invite(approval).values()] == [NotDone.QUEUED] * 2
    assert left == [(approval.id, f"request_email:{TO}"), (approval.id, "notice_email:ben@x.org")]


@pytest.mark.parametrize("code", ["Throttling", "InvalidParameter", "AuthorizationError"])
def test_a_refusal_by_sns_is_a_failed_delivery_that_names_the_code_alone(
    sns: SNSClient, stub: Stubber, code: str
) -> None:
    stub.add_client_error("publish", service_error_code=code, service_message="the text of the mail")
    with pytest.raises(DeliveryError) as caught:
        a_mailer(sns).send(Mail(TO, "s", "t"))
    assert str(caught.value) == f"SNS answered {code}"


def test_an_unreachable_sns_is_a_failed_delivery(sns: SNSClient) -> None:
    def unreachable(**_: object) -> None:
        raise EndpointConnectionError(endpoint_url="https://sns.example")

    sns.meta.events.register("before-call.sns.Publish", unreachable)
    with pytest.raises(DeliveryError, match=r"^SNS can't be reached: EndpointConnectionError$"):
        a_mailer(sns).send(Mail(TO, "s", "t"))
