"""The function that the state machine calls with a task token."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from approvals.domain.signed_links import approval_id
from approvals.domain.working_hours import EXAMPLE, parse_working_hours
from approvals.requests.parse import MAX_INPUT, parse_request
from approvals.services.request import ForeignExecutionError, RequestHandler
from approvals.store.table import ApprovalTable, NotFoundError
from approvals.store.task_tokens import TaskTokens
from tests.support.builders import NOW, TOKEN, WORKFLOW, a_call
from tests.support.fakes import Clock, FakeContext, FakeWorkflows
from tests.support.services import a_request_handler
from tests.support.tables import TABLE, TOKENS

NESTED: list[Any] = []
for _ in range(1999):
    NESTED = [NESTED]


@pytest.fixture
def handler(
    table: ApprovalTable, tokens: TaskTokens, workflows: FakeWorkflows, clock: Clock, logger: Logger
) -> RequestHandler:
    return a_request_handler(table, tokens, workflows, clock, logger)


def test_a_request_is_stored_pending_with_its_deadline(
    handler: RequestHandler, table: ApprovalTable, tokens: TaskTokens, context: LambdaContext
) -> None:
    handler(a_call({"Approval": {"Title": "Go?", "TimeoutMinutes": 5}, "Version": 3}), context)
    stored = table.get(approval_id(TOKEN))
    assert stored.status == "PENDING"
    assert stored.deadline == NOW + timedelta(minutes=5)
    assert (stored.request.title, stored.request.context) == ("Go?", {"Version": 3})
    assert (tokens.get(stored.id), stored.workflow) == (TOKEN, WORKFLOW)


def test_the_tutorials_input_works(handler: RequestHandler, table: ApprovalTable, context: LambdaContext) -> None:
    handler(a_call({"Comment": "Testing the human approval tutorial."}), context)
    stored = table.get(approval_id(TOKEN))
    assert stored.deadline == NOW + timedelta(hours=1)
    assert stored.title == "Continue execution run-1?"


@pytest.mark.parametrize("own", [None, {"Days": ["Sat"], "From": "10:00", "To": "12:00", "TimeZone": "UTC"}])
def test_a_request_without_working_hours_gets_those_of_the_stack(
    table: ApprovalTable, tokens: TaskTokens, workflows: FakeWorkflows, clock: Clock, logger: Logger, own: Any
) -> None:
    stacks = parse_working_hours(EXAMPLE)
    handler = a_request_handler(table, tokens, workflows, clock, logger, working_hours=stacks)
    asked: dict[str, Any] = {"Approval": {"Approvers": ["ann@example.com"], "Reminders": [5], "RemindDuring": own}}
    handler(a_call(asked), FakeContext())
    stored = table.get(approval_id(TOKEN)).request
    assert stored.remind_during == (parse_working_hours("Sat 10:00-12:00 UTC") if own else stacks)
    assert stored.digest == parse_request(asked, default_timeout=timedelta(hours=1)).digest


def test_a_request_in_a_stack_without_working_hours_has_none(handler: RequestHandler, table: ApprovalTable) -> None:
    handler(a_call({"Approval": {"Reminders": [5]}}), FakeContext())
    assert table.get(approval_id(TOKEN)).request.remind_during is None


@pytest.mark.parametrize(
    "arn",
    [
        pytest.param("arn:aws:states:eu-west-1:210987654321:execution:Deploy:run-1", id="account"),
        pytest.param("arn:aws:states:us-east-1:123456789012:execution:Deploy:run-1", id="region"),
        pytest.param("arn:aws-cn:states:eu-west-1:123456789012:execution:Deploy:run-1", id="partition"),
        pytest.param("arn:aws:lambda:eu-west-1:123456789012:function:f", id="service"),
        pytest.param("run-1", id="no-arn"),
    ],
)
def test_an_execution_of_elsewhere_is_refused(
    handler: RequestHandler, table: ApprovalTable, tokens: TaskTokens, context: LambdaContext, arn: str
) -> None:
    """Whoever may invoke the function can't claim it: its workflow could not be resumed from here."""
    call = a_call({})
    call["Execution"] |= {"Id": arn}
    with pytest.raises(ForeignExecutionError, match="does not begin with arn:aws:states:eu-west-1:123456789012:"):
        handler(call, context)
    with pytest.raises(NotFoundError):
        table.get(approval_id(TOKEN))


def test_the_same_token_twice_is_one_approval(
    handler: RequestHandler, table: ApprovalTable, clock: Clock, context: LambdaContext
) -> None:
    handler(a_call({}), context)
    first = table.get(approval_id(TOKEN))
    clock.pass_(minutes=1)
    handler(a_call({}), context)
    assert table.get(approval_id(TOKEN)) == first


def test_an_invalid_request_fails_the_task_with_every_problem(
    handler: RequestHandler, table: ApprovalTable, workflows: FakeWorkflows, context: LambdaContext
) -> None:
    handler(a_call({"Approval": {"Titel": "x", "TimeoutMinutes": "soon", "Details": ""}}), context)
    [(token, error, cause)] = workflows.failed
    assert (token, error) == (TOKEN, "InvalidApprovalRequest")
    assert "Approval.Titel: unknown key. Did you mean Title?" in cause
    assert 'Approval.TimeoutMinutes: "soon" is not a whole number of minutes' in cause
    assert "Approval.Details: empty." in cause
    with pytest.raises(NotFoundError):
        table.get(approval_id(TOKEN))


def test_an_invalid_request_of_a_task_that_is_gone_is_over(
    handler: RequestHandler, workflows: FakeWorkflows, context: LambdaContext
) -> None:
    workflows.gone = True
    handler(a_call("no object"), context)
    assert workflows.failed == []


@pytest.mark.parametrize(("execution_input", "problem"), [("x" * 245_760, "245,762 bytes"), ("\ud800", "not Unicode")])
def test_an_input_that_would_fail_later_is_refused_at_once(
    handler: RequestHandler, workflows: FakeWorkflows, context: LambdaContext, execution_input: str, problem: str
) -> None:
    handler(a_call({"k": execution_input}), context)
    [(_, error, cause)] = workflows.failed
    assert error == "InvalidApprovalRequest"
    assert problem.rsplit(maxsplit=1)[-1] in cause


def test_a_request_whose_result_could_be_too_large_is_refused_at_once(
    handler: RequestHandler, workflows: FakeWorkflows, table: ApprovalTable, context: LambdaContext
) -> None:
    """A state's output has at most 262,144 bytes, and the result, which has the form twice, is added to the input."""
    form = [{"Name": f"f{number}", "Type": "text", "Required": True} for number in range(3)]
    handler(a_call({"Approval": {"Form": form}, "k": "x" * 230_000}), context)
    [(_, error, cause)] = workflows.failed
    assert error == "InvalidApprovalRequest"
    assert "set MaxLength in Form" in cause
    handler(a_call({"Approval": {"Form": form}, "k": "x" * 170_000}), context)
    assert table.get(approval_id(TOKEN)).request.form


def test_the_greatest_input_leaves_room_for_a_plain_result(
    handler: RequestHandler, workflows: FakeWorkflows, context: LambdaContext
) -> None:
    handler(a_call({"k": "x" * (MAX_INPUT - len('{"k": ""}'))}), context)
    assert workflows.failed == []


@pytest.mark.parametrize(
    ("request_", "known"),
    [
        ({}, True),
        ({"RequestedBy": "jo@example.com", "AllowSelfApproval": True}, True),
        ({"RequestedBy": "jo@example.com"}, False),
        ({"RequiredApprovals": 2}, False),
        ({"Approvers": ["ann@example.com"]}, False),
    ],
)
def test_requests_wait_for_identities_only_where_they_matter(
    handler: RequestHandler, table: ApprovalTable, context: LambdaContext, request_: dict[str, Any], *, known: bool
) -> None:
    handler(a_call({"Approval": request_}), context)
    assert (table.get(approval_id(TOKEN)).people is not None) == known


def test_forms_of_many_that_would_not_fit_in_one_record_are_refused_at_once(
    handler: RequestHandler, workflows: FakeWorkflows, context: LambdaContext
) -> None:
    """Four of 50 people, each with four fields of 2,800 characters that may take 4 bytes each."""
    approvers = [f"a{number}{'x' * 200}@example.com" for number in range(50)]
    form = [{"Name": f"F{number}", "Type": "text", "MaxLength": 2800} for number in range(4)]
    asked = {"Approvers": approvers, "RequiredApprovals": 4, "Form": form, "Comment": {"Approve": "off"}}
    handler(a_call({"Approval": asked}), context)
    [(_, error, cause)] = workflows.failed
    assert error == "InvalidApprovalRequest"
    assert cause.startswith("Approval.Form: with all possible responses")


@pytest.mark.parametrize(
    ("execution_input", "path"),
    [
        ({"x": NESTED}, "x[0][0][0][0][0]…"),
        ({"Approval": {"Details": NESTED}}, "Approval.Details[0][0][0][0]…"),
        ({"Approval": {"Title": "x"}, "k" * 1000: [1, {"a": NESTED}]}, f"{'k' * 28}…[1].a[0][0][0]…"),
    ],
)
def test_an_input_nested_too_deep_is_refused_with_its_path(
    handler: RequestHandler, workflows: FakeWorkflows, context: LambdaContext, execution_input: Any, path: str
) -> None:
    handler(a_call(execution_input), context)
    [(_, error, cause)] = workflows.failed
    assert (error, cause.split(": ")[0]) == ("InvalidApprovalRequest", path)
    assert "nested deeper than 64 levels" in cause


def test_sixty_thousand_empty_lists_are_asked(
    handler: RequestHandler, table: ApprovalTable, context: LambdaContext
) -> None:
    """They are shallow and small: no list reads them, and a page shows them."""
    handler(a_call({"x": [[]] * 60_000}), context)
    assert table.get(approval_id(TOKEN)).request.context == {"x": [[]] * 60_000}


def test_a_request_whose_record_could_outgrow_an_item_is_refused_at_once(
    handler: RequestHandler, workflows: FakeWorkflows, context: LambdaContext
) -> None:
    """By the people who are told, and what is marked for each of them; with less beside it, it is asked."""
    asked: dict[str, Any] = {
        key: [f"{name}{number}@{'d' * 60}.example.com" for number in range(50)]
        for key, name in (("Approvers", "ann"), ("EscalateTo", "bo"), ("Notify", "cy"))
    }
    asked |= {"EscalateAfterMinutes": 1, "Reminders": "auto"}
    handler(a_call({"Approval": asked, "k": "x" * 200_000}), context)
    [(_, error, cause)] = workflows.failed
    assert error == "InvalidApprovalRequest"
    assert cause.startswith("Approval: with all possible responses, the record can grow from ")
    assert "name fewer people" in cause
    handler(a_call({"Approval": asked, "k": "x" * 20_000}), context)
    assert len(workflows.failed) == 1


def test_the_token_is_stored_first_and_a_repeat_changes_neither(
    handler: RequestHandler, table: ApprovalTable, tokens: TaskTokens, context: LambdaContext, calls: list[str]
) -> None:
    """A crash in between leaves a token that no approval needs, never an approval that can't resume its workflow."""
    dynamodb, tables = table._dynamodb, []
    dynamodb.meta.events.register("provide-client-params.*.*", lambda params, **_: tables.append(params["TableName"]))
    handler(a_call({"Comment": "x"}), context)
    assert (calls, tables) == (["PutItem", "PutItem"], [TOKENS, TABLE])
    first = table.get(approval_id(TOKEN))
    handler(a_call({"Comment": "x"}), context)
    assert (table.get(first.id), tokens.get(first.id)) == (first, TOKEN)


def test_a_token_outlives_every_wait(handler: RequestHandler, table: ApprovalTable, context: LambdaContext) -> None:
    handler(a_call({"Comment": "x"}), context)
    item = table._dynamodb.get_item(TableName=TOKENS, Key={"id": {"S": approval_id(TOKEN)}})["Item"]
    assert int(item["expires_at"]["N"]) > (NOW + timedelta(days=366)).timestamp()
