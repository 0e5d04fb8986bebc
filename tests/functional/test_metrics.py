"""What the functions print for CloudWatch to make metrics of, read as CloudWatch reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from approvals.domain.judgement import Cancellation, Expiry
from approvals.domain.model import Action, Status
from approvals.domain.people import Approver
from approvals.services.conclude import Resumer
from approvals.services.request import RequestHandler
from approvals.services.respond import respond
from approvals.services.tasks import StepsFailedError
from approvals.store.table import ApprovalTable
from approvals.store.task_tokens import TaskTokens
from tests.support.builders import ALICE, BOB, TOKEN, a_call, a_response, an_approval
from tests.support.channels import the_channels
from tests.support.fakes import Clock, FakeMailer, FakeWorkflows
from tests.support.overrides import PINNED, an_override
from tests.support.services import a_request_handler, a_resumer

STACK = "my-stack"
APPROVAL = an_approval()

Metric = tuple[str, dict[str, str], float]
"""Name, dimensions, value."""


@pytest.fixture(autouse=True)
def service(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the template sets it."""
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", STACK)


@pytest.fixture
def handler(
    table: ApprovalTable, tokens: TaskTokens, workflows: FakeWorkflows, clock: Clock, logger: Logger
) -> RequestHandler:
    return a_request_handler(table, tokens, workflows, clock, logger)


@pytest.fixture
def resumer(
    table: ApprovalTable, workflows: FakeWorkflows, mailer: FakeMailer, clock: Clock, logger: Logger
) -> Resumer:
    table.add(APPROVAL)
    return a_resumer(
        table,
        the_channels(mailer.outbox(table, clock), None, logger, email=ALICE.id),
        clock,
        logger,
        workflows=workflows,
    )


def metrics(text: str) -> list[Metric]:
    """Return the metrics that CloudWatch makes of a log.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    return [metric for line in text.splitlines() if '"_aws"' in line for metric in _in(json.loads(line))]


def _in(line: dict[str, Any]) -> Iterator[Metric]:
    for directive in line["_aws"]["CloudWatchMetrics"]:
        assert directive["Namespace"] == "HumanApproval"
        for names in directive["Dimensions"]:
            for defined in directive["Metrics"]:
                [value] = line[defined["Name"]]
                yield defined["Name"], {name: line[name] for name in names}, value


def test_a_request_is_counted_once(
    handler: RequestHandler, context: LambdaContext, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        handler(a_call({"Approval": {"RequestedBy": "jo@example.com"}}), context)
    assert metrics(capsys.readouterr().out) == [("ApprovalRequested", {"service": STACK}, 1)]


def test_a_request_that_can_t_be_made_is_not_counted(
    handler: RequestHandler, context: LambdaContext, capsys: pytest.CaptureFixture[str]
) -> None:
    handler(a_call({"Approval": {"Titel": "x"}}), context)
    assert metrics(capsys.readouterr().out) == []


@pytest.mark.parametrize(("action", "status"), [(Action.APPROVE, "APPROVED"), (Action.REJECT, "REJECTED")])
@pytest.mark.parametrize("approver", [ALICE, BOB])
def test_a_persons_decision_is_counted_and_timed_once(
    resumer: Resumer,
    table: ApprovalTable,
    capsys: pytest.CaptureFixture[str],
    action: Action,
    status: str,
    approver: Approver,
) -> None:
    respond(table, table.get(APPROVAL.id), a_response(action, approver, minutes=2))
    for _ in range(2):
        resumer(APPROVAL.id, last=False)
    assert metrics(capsys.readouterr().out) == [
        ("ApprovalDecided", {"service": STACK}, 1),
        ("ApprovalDecided", {"service": STACK, "Channel": approver.channel, "Status": status}, 1),
        ("TimeToDecisionSeconds", {"service": STACK}, 120),
        ("AnsweredInVain", {"service": STACK}, 0),
    ]


def test_an_answer_that_came_too_late_is_counted_as_such(
    resumer: Resumer, table: ApprovalTable, workflows: FakeWorkflows, capsys: pytest.CaptureFixture[str]
) -> None:
    respond(table, table.get(APPROVAL.id), a_response())
    workflows.gone = True
    resumer(APPROVAL.id, last=False)
    assert ("AnsweredInVain", {"service": STACK}, 1) in metrics(capsys.readouterr().out)


@pytest.mark.parametrize("status", [Status.EXPIRED, Status.CANCELLED])
def test_decisions_of_the_scheduler_are_counted_but_not_timed(
    resumer: Resumer, table: ApprovalTable, clock: Clock, capsys: pytest.CaptureFixture[str], status: Status
) -> None:
    """Also where no workflow hears of it: what is requested and what is decided must add up."""
    clock.pass_(minutes=60 if status is Status.EXPIRED else 1)
    event = Expiry(clock()) if status is Status.EXPIRED else Cancellation(clock(), "The execution was stopped.")
    respond(table, table.get(APPROVAL.id), event)
    resumer(APPROVAL.id, last=False)
    assert metrics(capsys.readouterr().out) == [
        ("ApprovalDecided", {"service": STACK}, 1),
        ("ApprovalDecided", {"service": STACK, "Channel": "system", "Status": status.value}, 1),
    ]


def test_a_decision_that_could_not_be_delivered_yet_is_not_counted_yet(
    resumer: Resumer, table: ApprovalTable, workflows: FakeWorkflows, capsys: pytest.CaptureFixture[str]
) -> None:
    respond(table, table.get(APPROVAL.id), a_response())
    workflows.broken = True
    with pytest.raises(Exception, match="resume"):
        resumer(APPROVAL.id, last=False)
    assert metrics(capsys.readouterr().out) == []


def test_a_metric_holds_neither_a_name_nor_a_secret(
    handler: RequestHandler,
    resumer: Resumer,
    table: ApprovalTable,
    context: LambdaContext,
    capsys: pytest.CaptureFixture[str],
) -> None:
    handler(a_call({"Approval": {"RequestedBy": "jo@example.com", "Title": "Go?"}}, token="t" * 2048), context)
    respond(table, table.get(APPROVAL.id), a_response(approver=BOB, comment="fine"))
    resumer(APPROVAL.id, last=False)
    lines = [line for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    assert len(lines) == 3
    keys = {key for line in lines for key in json.loads(line)}
    assert keys == {
        "_aws", "service", "Channel", "Status",
        "ApprovalRequested", "ApprovalDecided", "TimeToDecisionSeconds", "AnsweredInVain",
    }  # fmt: skip
    assert not [secret for secret in (TOKEN, "t" * 2048, ALICE.id, BOB.id, BOB.name, "jo@") if secret in "".join(lines)]


def test_an_override_is_counted_before_anything_can_fail_rather_twice_than_never(
    resumer: Resumer, table: ApprovalTable, workflows: FakeWorkflows, capsys: pytest.CaptureFixture[str]
) -> None:
    under_a_policy = replace(APPROVAL, id="c" * 32, request=replace(APPROVAL.request, policy=PINNED))
    table.add(under_a_policy)
    respond(table, under_a_policy, an_override())
    workflows.broken = True
    with pytest.raises(StepsFailedError):
        resumer(under_a_policy.id, last=False)
    assert metrics(capsys.readouterr().out) == [("ApprovalOverridden", {"service": STACK}, 1)]
    workflows.broken = False
    for _ in range(2):
        resumer(under_a_policy.id, last=False)
    counted = [metric[0] for metric in metrics(capsys.readouterr().out)]
    assert counted.count("ApprovalOverridden") == 1
    assert counted.count("ApprovalDecided") == 2
