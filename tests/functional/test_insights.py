"""The queries of docs/operate.md, on lines that the functions wrote."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from io import StringIO
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import boto3
import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from approvals.adapters import metrics
from approvals.adapters.queues import RetryQueue
from approvals.domain.characters import log_json
from approvals.domain.signed_links import approval_id
from approvals.services.channel import NotDone
from approvals.services.conclude import Resumer
from approvals.services.notify import Notifier
from approvals.services.request import RequestHandler
from approvals.services.tasks import Run
from demo.person import links
from handlers.stream_worker import Worker
from tests.support.builders import TOKEN, WORKFLOW, a_call, an_approval
from tests.support.channels import the_channels, the_identities
from tests.support.insights import Event, events, queries, run
from tests.support.services import a_comparer, no_policy
from web.handler import CallbackHandler

QUERIES = queries()
ID = approval_id(TOKEN)
OWN = "alice@example.com"
TIMEOUT = "2026-11-25T10:00:00.000Z r Task timed out after 15.00 seconds"

Ask = Callable[[str], list[Event]]


def ask(lines: Sequence[str], question: str, clock: Any) -> list[Event]:
    query = QUERIES[question].replace("THE_ID", ID).replace("THE_EXECUTION_ARN", WORKFLOW.execution_arn)
    return run(query, events(lines, clock()))


@pytest.fixture
def asked(
    request: pytest.FixtureRequest,
    table: Any,
    tokens: Any,
    workflows: Any,
    mailer: Any,
    messenger: Any,
    slack: Any,
    subscribers: Any,
    clock: Any,
    context: LambdaContext,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Ask:
    """A request whose Slack message fails at first, and which alice approves three minutes later by her link."""
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "my-stack")
    written = StringIO()
    logger = Logger(service=request.node.name, stream=written, json_serializer=log_json)
    sqs = boto3.client("sqs")
    queue = RetryQueue(lambda: sqs, sqs.create_queue(QueueName="retries")["QueueUrl"])
    channels = the_channels(mailer.outbox(table, clock), messenger, logger, email=OWN)
    RequestHandler(
        table=table,
        tokens=tokens,
        workflows=workflows,
        default_timeout=timedelta(hours=1),
        working_hours=None,
        clock=clock,
        logger=logger,
        requested=metrics.count_request,
        read_policy=no_policy,
        policy_unavailable=metrics.count_unavailable_policy,
    )(a_call({"Approval": {"Title": "Deploy web 2.4.1"}}), context)
    notify = Worker(
        Notifier(
            table=table,
            channels=channels,
            identities=the_identities(messenger, subscribers, email=OWN),
            compare=a_comparer(table, clock, logger),
            decisions=queue,
            clock=clock,
            logger=logger,
        ),
        queue=queue,
        attempts=2,
        logger=logger,
    )
    slack.fail_with = 500
    notify(changed(), context)
    slack.fail_with = None
    notify(queued(attempt=1), context)
    callback = CallbackHandler(table=table, one_click=False, clock=clock, logger=logger)
    query = dict(parse_qsl(urlsplit(links({"text": mailer.sent[0].text})["approve"]).query))
    callback({"httpMethod": "GET", "queryStringParameters": query}, context)
    clock.now += timedelta(minutes=3)
    form = "&".join(f"{name}={value}" for name, value in query.items())
    callback({"httpMethod": "POST", "body": form, "queryStringParameters": None}, context)
    resumer = Resumer(
        table=table,
        tokens=tokens,
        workflows=workflows,
        channels=channels,
        clock=clock,
        logger=logger,
        settled=metrics.count_decision,
        overridden=metrics.count_override,
    )
    Worker(resumer, queue=queue, attempts=2, logger=logger)(changed(), context)
    lines = [*written.getvalue().splitlines(), *capsys.readouterr().out.splitlines(), TIMEOUT]
    return lambda question: ask(lines, question, clock)


def changed() -> dict[str, Any]:
    change = {"Keys": {"id": {"S": ID}}, "NewImage": {"id": {"S": ID}}, "SequenceNumber": "1"}
    return {"Records": [{"eventSource": "aws:dynamodb", "eventName": "MODIFY", "dynamodb": change}]}


def queued(attempt: int) -> dict[str, Any]:
    message = {"messageId": "m", "receiptHandle": "h", "body": json.dumps({"id": ID})}
    attributes = {"ApproximateReceiveCount": str(attempt)}
    return {"Records": [{"eventSource": "aws:sqs", **message, "attributes": attributes}]}


def test_every_question_of_an_operator_has_a_query() -> None:
    assert list(QUERIES) == [
        "Why is this one still open?",
        "Who was notified?",
        "What failed?",
        "How long do people take?",
        "Which approval belongs to this execution?",
    ]


def test_the_story_of_one_approval_is_told_from_its_end(asked: Ask) -> None:
    story = [(row["message"], row["step"]) for row in asked("Why is this one still open?")][::-1]
    assert story == [
        ("approval requested", None),
        ("email sent", None),
        ("step done", f"request_email:{OWN}"),
        ("step failed, will be tried again", "request_slack"),
        ("failed, queued for a retry", None),
        ("slack message posted", None),
        ("step done", "request_slack"),
        ("page opened", None),
        ("response on the page", None),
        ("workflow resumed", None),
        ("email sent", None),
        ("step done", f"outcome_email:{OWN}"),
        ("step done", "outcome_slack"),
        ("step done", "outcome_thread"),
    ]


def test_the_story_says_why_a_try_failed_and_what_a_response_did(asked: Ask) -> None:
    story = {str(row["message"]): row for row in asked("Why is this one still open?")}
    assert story["step failed, will be tried again"]["reason"] == "Slack answered internal_error"
    assert story["response on the page"]["action"] == "approve"
    assert story["response on the page"]["verdict"] == "DECIDED"
    assert story["slack message posted"]["attempt"] == 1


def test_who_was_told(asked: Ask) -> None:
    assert [row["step"] for row in asked("Who was notified?")] == [
        f"request_email:{OWN}",
        "request_slack",
        f"outcome_email:{OWN}",
        "outcome_slack",
        "outcome_thread",
    ]


def test_an_email_that_waits_to_be_folded_is_a_line_of_its_own(
    table: Any, clock: Any, request: pytest.FixtureRequest
) -> None:
    written = StringIO()
    logger = Logger(service=request.node.name, stream=written)
    with logger.append_context_keys(approval_id=ID):
        Run(an_approval(), table, clock, logger).carry_out({"request_email:x": lambda _: NotDone.QUEUED})
    [row] = ask(written.getvalue().splitlines(), "Why is this one still open?", clock)
    assert (row["message"], row["step"]) == ("step queued", "request_email:x")


def test_what_failed_is_counted_with_the_reason(asked: Ask) -> None:
    failed = {str(row["what"]): row for row in asked("What failed?")}
    assert list(failed) == ["step failed, will be tried again", "failed, queued for a retry", TIMEOUT]
    slack = failed["step failed, will be tried again"]
    assert (slack["step"], slack["reason"]) == ("request_slack", "Slack answered internal_error")
    assert (slack["times"], slack["approvals"]) == (1, 1)
    assert failed[TIMEOUT]["approvals"] == 0


def test_how_long_people_take_is_in_the_lines_of_the_metrics(asked: Ask) -> None:
    [found] = asked("How long do people take?")
    assert (found["decisions"], found["p50"], found["p95"], found["longest"]) == (1, 180, 180, 180)


def test_an_execution_leads_to_its_approval(asked: Ask) -> None:
    assert {row["approval_id"] for row in asked("Which approval belongs to this execution?")} == {ID}


@pytest.mark.parametrize(
    "query", ["parse step", "filter a ~ b", "fields a | dedup a", "fields a extra", "filter (a = 1"]
)
def test_a_query_that_is_not_understood_is_an_error(query: str) -> None:
    with pytest.raises((ValueError, IndexError)):
        run(query, [])
