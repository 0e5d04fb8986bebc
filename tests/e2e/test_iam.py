"""Responses by IAM on the deployed stack: who gets through AWS and our function, and who does not."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from approvals.domain.model import Approval, Status
from approvals.store.table import ApprovalTable
from demo import aws
from demo.person import Person
from demo.stack import LocalStack
from tests.support.approver_roles import a_session, an_approver_role, environ_of
from tests.support.iam_callers import SSO, a_body
from tests.support.polling import seen

ALICE, BOB = "alice@example.com", "bob@example.com"


@dataclass(frozen=True, slots=True)
class Answers:
    """The stack's API for responses by IAM, and roles that may or may not call it."""

    stack: LocalStack
    url: str

    def role(self, name: str, *, may_call: bool) -> str:
        """Create a role that may read as the command line does, and perhaps respond. Return its ARN."""
        return an_approver_role(self.stack.outputs, name, may_call=may_call)

    def session(self, role: str, name: str) -> boto3.Session:
        return a_session(role, name)

    def send(
        self,
        body: Any,
        session: boto3.Session | None,
        *,
        then: Callable[[bytes], bytes] = lambda signed: signed,
        method: str = "POST",
        headers: dict[str, str] | None = None,
    ) -> tuple[int, dict[str, Any]]:
        """Send a body, signed by a session. `then` changes it after it was signed."""
        data = json.dumps(body).encode()
        request = AWSRequest(method, self.url, data=data, headers={"Content-Type": "application/json"})
        if session:
            credentials = session.get_credentials()
            assert credentials
            SigV4Auth(credentials.get_frozen_credentials(), "execute-api", aws.REGION).add_auth(request)
        sent = {**dict(request.headers), **(headers or {})}
        answer = urllib3.PoolManager().request(method, self.url, body=then(data), headers=sent, retries=False)
        try:
            said = json.loads(answer.data)
        except ValueError:
            said = {}
        return answer.status, said

    def ask(self, name: str, **asked: Any) -> Approval:
        """Start an execution that requests an approval, and return the approval once it is known who may respond."""
        started = Person(self.stack.url).start(name, {"Approval": asked})
        arn = f"{self.stack.outputs['StateMachineHumanApprovalArn'].replace(':stateMachine:', ':execution:')}:{started}"

        def waiting() -> Approval | None:
            found = next(self._table.waiting(arn), None)
            approval = self._table.get(found) if found else None
            return approval if approval and approval.people else None

        return seen(waiting, "the request")

    def record(self, approval: Approval) -> Approval:
        return self._table.get(approval.id)

    @property
    def _table(self) -> ApprovalTable:
        return ApprovalTable(aws.session().client("dynamodb"), self.stack.outputs["ApprovalTableName"])


@pytest.fixture(scope="module")
def answers(stack: LocalStack, aws_port: int) -> Answers:
    url = urlsplit(stack.outputs["AnswersUrl"])
    api = f"{aws.endpoint(aws_port)}/_aws/execute-api/{url.netloc.partition('.')[0]}"
    return Answers(stack, f"{api}{url.path}")


@pytest.fixture(scope="module")
def approver(answers: Answers) -> str:
    """A role as IAM Identity Center makes it, which may respond."""
    return answers.role(SSO, may_call=True)


def test_a_signed_call_of_the_command_line_decides_and_the_workflow_gets_the_proof(
    answers: Answers, approver: str, aws_port: int
) -> None:
    approval = answers.ask("by-iam", Title="Deploy 2.4.1", Approvers=[approver, BOB], RequestedBy="ro@example.com")
    environ = environ_of(answers.session(approver, ALICE), aws_port)
    command = [sys.executable, "-m", "cli", "approve", approval.id, "--yes", "--comment", "Checked", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["Verdict"] == "DECIDED"
    arn = approval.workflow.execution_arn

    def ended() -> dict[str, Any] | None:
        found = aws.session().client("stepfunctions").describe_execution(executionArn=arn)
        return dict(found) if found["status"] != "RUNNING" else None

    execution = seen(ended, "the end of the execution")
    assert execution["status"] == "SUCCEEDED"
    [response] = json.loads(execution["output"])["Approval"]["Result"]["Responses"]
    assert (response["By"], response["Channel"], response["Role"]) == (ALICE, "iam", approver)


def test_aws_refuses_who_is_unsigned_not_allowed_or_changed_and_calls_no_function(
    answers: Answers, approver: str
) -> None:
    approval = answers.ask("refused-by-aws", Approvers=[ALICE, BOB])
    body = a_body(approval)
    reader = answers.session(answers.role("AWSReservedSSO_Reader_fedcba9876543210", may_call=False), ALICE)
    alice = answers.session(approver, ALICE)
    assert answers.send(body, None)[0] == 403
    assert answers.send(body, reader)[0] == 403
    assert answers.send(body, alice, then=lambda signed: signed.replace(b'"approve"', b'"reject" '))[0] == 403
    unknown = boto3.Session("AKIAUNKNOWNUNKNOWN00", "x" * 40, region_name=aws.REGION)
    assert answers.send(body, unknown)[0] == 403
    assert answers.send(body, alice, method="GET")[0] in (403, 404)
    record = answers.record(approval)
    assert (record.responses, record.refusals) == ((), ())


def test_a_web_page_can_not_call_it(answers: Answers, approver: str) -> None:
    approval = answers.ask("from-a-page", Approvers=[ALICE])
    origin = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    assert answers.send("", None, method="OPTIONS", headers=origin)[0] == 403
    assert answers.send(a_body(approval), None, headers=origin)[0] == 403
    public = f"{answers.stack.api_url}/answers"
    answer = urllib3.PoolManager().request("POST", public, body=json.dumps(a_body(approval)), retries=False)
    assert answer.status in (403, 404)
    assert answers.record(approval).responses == ()


def test_a_session_that_proves_nobody_is_refused_on_record(answers: Answers) -> None:
    approval = answers.ask("unproven", Approvers=[ALICE])
    deployer = answers.role("Deployer", may_call=True)
    status, said = answers.send(a_body(approval), answers.session(deployer, ALICE))
    assert (status, said["Message"]) == (403, "Your session does not identify a person.")
    [refusal] = answers.record(approval).refusals
    assert (refusal.approver.role, refusal.reason) == (deployer, "NOT_PROVEN")


def test_another_person_is_refused_on_record(answers: Answers, approver: str) -> None:
    approval = answers.ask("another-person", Approvers=[ALICE])
    assert answers.send(a_body(approval), answers.session(approver, "eve@example.com"))[0] == 403
    assert [refusal.reason for refusal in answers.record(approval).refusals] == ["NOT_AN_APPROVER"]


def test_a_body_decides_the_request_that_it_was_signed_for_and_no_other(answers: Answers, approver: str) -> None:
    one, other = (answers.ask(name, Title=name, Approvers=[ALICE]) for name in ("signed-for", "not-signed-for"))
    alice = answers.session(approver, ALICE)
    body = a_body(one)
    assert answers.send({**body, "ApprovalId": other.id}, alice)[0] == 409
    assert answers.send(body, alice, then=lambda signed: signed.replace(one.id.encode(), other.id.encode()))[0] == 403
    assert [answers.send(body, alice)[1]["Verdict"] for _ in range(2)] == ["DECIDED", "REPEATED"]
    assert answers.record(one).status is Status.APPROVED
    assert answers.record(other).status is Status.PENDING


def test_a_request_that_names_a_role_that_proves_nobody_fails(answers: Answers) -> None:
    role = f"arn:aws:iam::{aws.ACCOUNT}:role/Shared"
    started = Person(answers.stack.url).start("names-a-shared-role", {"Approval": {"Approvers": [role]}})
    machine = answers.stack.outputs["StateMachineHumanApprovalArn"]
    arn = f"{machine.replace(':stateMachine:', ':execution:')}:{started}"

    def failed() -> str | None:
        found = aws.session().client("stepfunctions").describe_execution(executionArn=arn)
        return str(found.get("cause")) if found["status"] == "FAILED" else None

    assert "Sessions of role Shared don't identify a person" in seen(failed, "the failure")
