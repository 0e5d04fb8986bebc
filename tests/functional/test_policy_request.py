"""Requests under the operator's policy, which is read from its SSM parameter."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from aws_lambda_powertools import Logger
from botocore.stub import Stubber
from moto import mock_aws

from approvals.adapters.policy_store import PolicyStore
from approvals.domain.errors import POLICY_UNAVAILABLE
from approvals.domain.signed_links import approval_id
from approvals.services.request import RequestHandler
from approvals.store.table import ApprovalTable, NotFoundError
from approvals.store.task_tokens import TaskTokens
from tests.support.builders import TOKEN, a_call
from tests.support.fakes import Clock, FakeWorkflows
from tests.support.policies import a_document
from tests.support.services import a_request_handler

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

PARAMETER = "/approvals/policy"
ASKED = {"Approval": {"Approvers": ["ann@example.com", "bo@example.com"], "RequestedBy": "ro@example.com"}}


@pytest.fixture
def ssm() -> Iterator[SSMClient]:
    with mock_aws():
        yield boto3.client("ssm", region_name="eu-west-1")


def store(ssm: SSMClient) -> PolicyStore:
    return PolicyStore(lambda: ssm, PARAMETER)


def put(ssm: SSMClient, **keys: Any) -> None:
    ssm.put_parameter(Name=PARAMETER, Value=json.dumps(a_document(**keys)), Type="String", Overwrite=True)


@pytest.fixture
def handler(
    table: ApprovalTable, tokens: TaskTokens, workflows: FakeWorkflows, clock: Clock, logger: Logger, ssm: SSMClient
) -> RequestHandler:
    return a_request_handler(table, tokens, workflows, clock, logger, read_policy=store(ssm).read)


def test_record_keeps_the_policy_under_which_it_was_asked(
    handler: RequestHandler, table: ApprovalTable, ssm: SSMClient, context: Any
) -> None:
    put(ssm)
    put(ssm, MinimumApprovals=2, Enforce="raise")
    handler(a_call(ASKED), context)
    request = table.get(approval_id(TOKEN)).request
    assert request.required_approvals == 2
    assert request.policy
    assert (request.policy.parameter, request.policy.version) == (PARAMETER, 2)
    assert request.policy.rules[0].raised == ("RequiredApprovals: 1 to 2",)
    assert request.policy.groups == ()


def test_request_below_the_floor_fails_its_workflow_and_is_not_stored(
    handler: RequestHandler, table: ApprovalTable, workflows: FakeWorkflows, ssm: SSMClient, context: Any
) -> None:
    put(ssm, MinimumApprovals=2)
    handler(a_call(ASKED), context)
    [(_, error, cause)] = workflows.failed
    assert error == "InvalidApprovalRequest"
    assert cause == "Approval.RequiredApprovals: 1 is below the minimum of 2 (policy). Ask for at least 2."
    with pytest.raises(NotFoundError):
        table.get(approval_id(TOKEN))


def test_policy_is_read_anew_for_each_request(ssm: SSMClient) -> None:
    put(ssm)
    reader = store(ssm)
    assert reader.read()
    put(ssm, MinimumApprovals=2)
    policy = reader.read()
    assert policy
    assert (policy.version, policy.rules[0].minimum_approvals) == (2, 2)


def test_stack_without_a_parameter_has_no_policy() -> None:
    def no_client() -> SSMClient:
        raise AssertionError("a client was made")

    assert PolicyStore(no_client, "").read() is None


@pytest.mark.parametrize(
    ("value", "reason"),
    [(None, "ParameterNotFound"), ("{", "it is invalid: Policy: not JSON"), ('{"Format": 1}', "it is invalid: Policy")],
)
def test_without_a_readable_policy_nothing_is_asked(
    handler: RequestHandler,
    table: ApprovalTable,
    workflows: FakeWorkflows,
    ssm: SSMClient,
    context: Any,
    capsys: pytest.CaptureFixture[str],
    value: str | None,
    reason: str,
) -> None:
    if value is not None:
        ssm.put_parameter(Name=PARAMETER, Value=value, Type="String")
    handler(a_call(ASKED), context)
    [(_, error, cause)] = workflows.failed
    assert error == POLICY_UNAVAILABLE
    assert cause.startswith(f"The approval policy {PARAMETER} can't be read ({reason}")
    assert cause.endswith("Nothing was asked.")
    assert '"PolicyUnavailable":[1.0]' in capsys.readouterr().out
    with pytest.raises(NotFoundError):
        table.get(approval_id(TOKEN))


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException"])
def test_what_ssm_refuses_fails_closed(code: str, ssm: SSMClient, workflows: FakeWorkflows) -> None:
    with Stubber(ssm) as stub:
        stub.add_client_error("get_parameter", code)
        with pytest.raises(Exception, match=rf"can't be read \({code}\)\.$"):
            store(ssm).read()
