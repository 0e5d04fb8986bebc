"""`approvals approvers`: who receives emails, and that each address receives only its own."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from tests.support.shell import EMAIL, Shell


def listed(shell: Shell) -> dict[str, dict[str, Any]]:
    result = shell.run("approvers", "list", "--json")
    assert result.exit_code == 0, result.output
    return {each["Address"]: each for each in json.loads(result.stdout)}


def pending(parsed: dict[str, Any], **_: Any) -> None:
    """Here all are confirmed at once; AWS says this until the owner has followed the link."""
    for each in parsed["Subscriptions"]:
        each["SubscriptionArn"] = "PendingConfirmation"


def deleted(parsed: dict[str, Any], **_: Any) -> None:
    """AWS lists what was unsubscribed for some days."""
    for each in parsed["Subscriptions"]:
        each["SubscriptionArn"] = "Deleted"


@pytest.mark.parametrize("address", ["ann@example.com", "o'neil+x@example.com"])
def test_an_added_address_gets_what_is_addressed_to_it_alone(shell: Shell, address: str) -> None:
    result = shell.run("approvers", "add", address)
    assert result.exit_code == 0
    assert "approvals approvers confirm LINK" in " ".join(result.stdout.split())
    assert listed(shell)[address] == {
        "Address": address,
        "State": "confirmed",
        "Recipients": [address],
        "Advice": None,
    }


def test_adding_twice_is_no_error(shell: Shell) -> None:
    shell.run("approvers", "add", "ann@example.com")
    again = shell.run("approvers", "add", "Ann@Example.com")
    assert again.exit_code == 0
    assert "ann@example.com is confirmed" in again.stdout
    assert list(listed(shell)) == ["ann@example.com"]


def test_adding_one_that_is_pending_sends_the_email_again(shell: Shell) -> None:
    shell.run("approvers", "add", "ann@example.com")
    subscribed: list[Any] = []
    with shell.intercepted("sns", "ListSubscriptionsByTopic", pending):
        shell.context.client("sns").meta.events.register(
            "provide-client-params.sns.Subscribe", lambda params, **_: subscribed.append(params)
        )
        result = shell.run("approvers", "add", "ann@example.com", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["State"] == "pending"
    [call] = subscribed
    assert json.loads(call["Attributes"]["FilterPolicy"]) == {"recipient": ["ann@example.com"]}


def test_adding_fixes_a_subscription_that_gets_everybodys_emails(shell: Shell) -> None:
    boto3.client("sns").subscribe(
        TopicArn=shell.outputs["ApprovalTopicArn"], Protocol="email", Endpoint="bo@example.com"
    )
    assert "every approver" in listed(shell)["bo@example.com"]["Advice"]
    assert shell.run("approvers", "add", "bo@example.com").exit_code == 0
    assert listed(shell)["bo@example.com"]["Recipients"] == ["bo@example.com"]


@pytest.mark.parametrize(
    ("attributes", "advice"),
    [
        (
            {"FilterPolicy": '{"recipient": ["bo@example.com"]}', "FilterPolicyScope": "MessageBody"},
            "does not receive its own",
        ),
        ({"FilterPolicy": '{"recipient": ["bo@example.com"], "kind": ["request"]}'}, "does not receive its own"),
        ({"FilterPolicy": '{"recipient": ["Bo@example.com"]}'}, "does not receive its own"),
        ({"FilterPolicy": '{"recipient": ["bo@example.com", "ann@example.com"]}'}, "also receives"),
    ],
    ids=["a wrong scope", "a further key", "another spelling", "others"],
)
def test_a_filter_that_lets_the_wrong_emails_through_is_listed_and_fixed(
    shell: Shell, attributes: dict[str, str], advice: str
) -> None:
    topic = shell.outputs["ApprovalTopicArn"]
    boto3.client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint="bo@example.com", Attributes=attributes)
    assert advice in listed(shell)["bo@example.com"]["Advice"]
    assert shell.run("approvers", "add", "bo@example.com").exit_code == 0
    assert listed(shell)["bo@example.com"]["Advice"] is None


def test_an_address_that_was_unsubscribed_is_listed_and_can_be_added_again(shell: Shell) -> None:
    shell.run("approvers", "add", "ann@example.com")
    with shell.intercepted("sns", "ListSubscriptionsByTopic", deleted):
        found = listed(shell)["ann@example.com"]
    with shell.intercepted("sns", "ListSubscriptionsByTopic", deleted):
        removed = shell.run("approvers", "remove", "ann@example.com")
    with shell.intercepted("sns", "ListSubscriptionsByTopic", deleted):
        again = shell.run("approvers", "add", "ann@example.com")
    assert found == {
        "Address": "ann@example.com",
        "State": "deleted",
        "Recipients": None,
        "Advice": "unsubscribed, receives no emails: run `approvals approvers add` again",
    }
    assert "is not subscribed" in removed.stderr
    assert 'AWS sent "AWS Notification - Subscription Confirmation" to ann@example.com.' in again.stdout


def test_a_subscription_is_confirmed_so_that_no_scanner_can_end_it(shell: Shell) -> None:
    sent: list[Any] = []
    shell.context.client("sns").meta.events.register(
        "provide-client-params.sns.ConfirmSubscription", lambda params, **_: sent.append(params)
    )
    topic = shell.outputs["ApprovalTopicArn"]
    link = f"https://sns.eu-west-1.amazonaws.com/confirmation.html?TopicArn={topic}&Token=2336412f37&Endpoint=a@b.io"
    assert shell.run("approvers", "confirm", link).exit_code == 0
    assert sent == [{"TopicArn": topic, "Token": "2336412f37", "AuthenticateOnUnsubscribe": "true"}]


def test_a_link_without_a_token_confirms_nothing(shell: Shell) -> None:
    result = shell.run("approvers", "confirm", "https://sns.eu-west-1.amazonaws.com/confirmation.html?TopicArn=x")
    assert result.exit_code == 64
    assert "LINK has no token" in result.stderr


def test_the_list_shows_what_is_left_to_do(shell: Shell) -> None:
    shell.run("approvers", "add", "ann@example.com")
    boto3.client("sns").subscribe(
        TopicArn=shell.outputs["ApprovalTopicArn"], Protocol="sqs", Endpoint="arn:aws:sqs:eu-west-1:1:q"
    )
    with shell.intercepted("sns", "ListSubscriptionsByTopic", pending):
        lines = shell.run("approvers", "list").stdout.splitlines()
    assert lines[0].split() == ["ADDRESS", "STATE", "TO", "DO"]
    assert [line.split(maxsplit=2) for line in lines[1:]] == [
        ["ann@example.com", "pending", "not confirmed: the owner follows the link in the email from AWS"]
    ]


def test_a_removed_address_is_gone(shell: Shell) -> None:
    shell.run("approvers", "add", "ann@example.com")
    assert shell.run("approvers", "remove", "ANN@example.com").exit_code == 0
    assert listed(shell) == {}
    result = shell.run("approvers", "remove", "ann@example.com")
    assert result.exit_code == 3
    assert "is not subscribed" in result.stderr


def test_the_stacks_own_address_is_not_removed(shell: Shell) -> None:
    result = shell.run("approvers", "remove", EMAIL.upper())
    assert result.exit_code == 3
    assert "is the stack's Email address" in result.stderr


def test_one_that_is_pending_cannot_be_removed(shell: Shell) -> None:
    shell.run("approvers", "add", "ann@example.com")
    with shell.intercepted("sns", "ListSubscriptionsByTopic", pending):
        result = shell.run("approvers", "remove", "ann@example.com")
    assert result.exit_code == 3
    assert "AWS can't remove it" in result.stderr


@pytest.mark.parametrize(
    "address", ["ann", "ann@", "ann@example", "a/b@example.com", "a b@example.com", "ann@example.com,bo@example.com"]
)
@pytest.mark.parametrize("what", ["add", "remove"])
def test_texts_that_are_no_address_are_refused(shell: Shell, what: str, address: str) -> None:
    result = shell.run("approvers", what, address)
    assert result.exit_code == 64
    assert "is not an email address" in result.stderr
