"""The stack's own address without a confirmed subscription: Slack is asked, and an alarm can count it."""

from __future__ import annotations

from demo import aws
from demo.person import Person
from demo.stack import EMAIL, LocalStack
from demo.story import DEPLOYMENT
from mail.channel import UNCONFIRMED
from mail.sns import EMAIL as EMAIL_PROTOCOL
from mail.sns import filter_policy, list_subscriptions
from tests.support.stack_contents import log_lines


def test_a_request_is_asked_in_slack_alone_while_the_address_is_not_subscribed(quiet: LocalStack) -> None:
    sns, topic = aws.session().client("sns"), quiet.outputs["ApprovalTopicArn"]
    [own] = [each for each in list_subscriptions(sns, topic) if each.address == EMAIL]
    sns.unsubscribe(SubscriptionArn=own.arn)
    try:
        person = Person(quiet.url)
        name = person.start("nobody-by-email", DEPLOYMENT)
        message = person.message(name)
        person.click(message, "approve")
        assert person.ended(name)["output"]["Approval"]["Result"]["Channel"] == "slack"
        assert not [mail for mail in quiet.seen.mails if name in mail.text and "APPROVE" in mail.text]
        assert any(UNCONFIRMED in line for line in log_lines("quiet"))
    finally:
        sns.subscribe(
            TopicArn=topic,
            Protocol=EMAIL_PROTOCOL,
            Endpoint=EMAIL,
            Attributes={"FilterPolicy": filter_policy(EMAIL)},
        )
