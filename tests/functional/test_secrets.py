"""A token of AWS's greatest length, all the way through: nothing that anybody can read holds it, or another secret."""

from __future__ import annotations

from io import StringIO
from urllib.parse import parse_qsl, urlsplit

import boto3
import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.stub import Stubber

from approvals.adapters.queues import RetryQueue
from approvals.adapters.step_functions import Workflows
from approvals.domain.model import Action
from approvals.domain.signed_links import approval_id
from approvals.domain.steps import Step
from approvals.services.conclude import Resumer
from approvals.services.notify import Notifier
from approvals.store.table import ApprovalTable
from approvals.store.task_tokens import TaskTokens
from bot.credentials import SlackSecret
from bot.messenger import SlackMessenger
from bot.views.buttons import ACTION_IDS
from demo.person import links
from demo.slack import Slack
from handlers.stream_worker import Worker
from mail.messages import Links
from tests.support.builders import TOKEN, a_call
from tests.support.channels import the_channels, the_identities
from tests.support.fakes import Clock, FakeMailer, FakeSubscribers
from tests.support.lambda_events import from_queue, from_stream
from tests.support.services import a_notifier, a_request_handler, a_resumer
from tests.support.slack_app import a_bot, event
from web.handler import CallbackHandler

ID = approval_id(TOKEN)
ECHO = f"Invalid Token: '{TOKEN}'"


@pytest.mark.parametrize("error", [None, "InvalidToken", "TaskTimedOut", "ThrottlingException"])
def test_no_secret_is_written_anywhere(
    table: ApprovalTable,
    tokens: TaskTokens,
    mailer: FakeMailer,
    messenger: SlackMessenger,
    slack: Slack,
    clock: Clock,
    web_api: str,
    context: LambdaContext,
    caplog: pytest.LogCaptureFixture,
    error: str | None,
) -> None:
    """Also where Step Functions answers with an error whose message repeats the token."""
    lines = StringIO()
    logger = Logger(service=f"secrets-{error}", level="DEBUG", stream=lines)
    stepfunctions = boto3.client("stepfunctions")
    answers = Stubber(stepfunctions)
    if error:
        answers.add_client_error("send_task_success", error, ECHO)
        if error != "ThrottlingException":
            # The history holds the token, too.
            scheduled = {"resourceType": "lambda", "resource": "invoke", "region": "eu-west-1", "parameters": TOKEN}
            event_ = {"timestamp": clock(), "type": "TaskScheduled", "id": 1, "taskScheduledEventDetails": scheduled}
            answers.add_response("get_execution_history", {"events": [event_]})
    else:
        answers.add_response("send_task_success", {})
    answers.activate()
    workflows = Workflows(stepfunctions)
    sqs = boto3.client("sqs")
    queue = RetryQueue(lambda: sqs, sqs.create_queue(QueueName="retries")["QueueUrl"])

    def worker(task: Notifier | Resumer) -> Worker:
        return Worker(task, queue=queue, attempts=2, logger=logger)

    request = a_request_handler(table, tokens, workflows, clock, logger)
    request(a_call({"Comment": "x"}), context)
    notify = worker(
        a_notifier(
            table,
            the_channels(
                mailer.outbox(table, clock),
                messenger,
                logger,
                email="a@example.com",
                links=Links("https://x", one_click=False),
            ),
            the_identities(messenger, FakeSubscribers(), email="a@example.com"),
            clock,
            logger,
        )
    )
    slack.fail_with = 500
    notify(from_stream(ID), context)
    slack.fail_with = None
    notify(from_queue(ID), context)
    secret = SlackSecret(slack.bot_token, slack.signing_secret)
    bot = a_bot(table, slack, clock, logger, web_api)
    clicked = event(*slack.click(slack.messages()[0].ts, ACTION_IDS[Action.APPROVE], "U0BOB00002"))
    bot({**clicked, "headers": {}}, context)
    assert bot(clicked, context)["statusCode"] == 200
    resumer = a_resumer(
        table,
        the_channels(mailer.outbox(table, clock), messenger, logger, email="a@example.com"),
        clock,
        logger,
        tokens=tokens,
        workflows=workflows,
    )
    worker(resumer)(from_stream(ID), context)
    callback = CallbackHandler(table=table, one_click=False, clock=clock, logger=logger)
    mail = mailer.sent[0]
    query = dict(parse_qsl(urlsplit(links({"text": mail.text})["reject"]).query))
    page = callback({"httpMethod": "GET", "queryStringParameters": query}, context)
    assert page["statusCode"] == 409

    answers.assert_no_pending_responses()
    stored = table.get(ID)
    assert (Step.RESUME in stored.steps) == (error is None)
    everything = [
        lines.getvalue(),
        caplog.text,
        str(page),
        str(mailer.sent),
        str(slack.calls()),
        repr(stored),
        repr(secret),
    ]
    assert "response in slack" in lines.getvalue(), "the logs are not empty"
    link_key = repr(stored.link_key)[2:-1]
    for secret_text in (TOKEN, TOKEN[:100], slack.bot_token, slack.signing_secret, link_key):
        assert not any(secret_text in text for text in everything)
