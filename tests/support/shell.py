"""The command line in one process: a stack by moto, and time that passes only in waits."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import boto3
from click.testing import CliRunner, Result

from approvals.domain.judgement import ApprovalEvent, Cancellation, Expiry
from approvals.domain.model import Action, Approval
from approvals.domain.people import Approver, People
from approvals.domain.policy import Policy
from approvals.domain.signed_links import approval_id
from approvals.domain.steps import Step
from approvals.domain.workflow import Workflow
from approvals.requests.parse import parse_request
from approvals.requests.policy_floor import parse_under
from approvals.services.respond import respond
from approvals.store.table import ApprovalTable
from cli.__main__ import main
from cli.context import Context
from tests.support.builders import ALICE, a_response, an_approval
from tests.support.fakes import Clock
from tests.support.tables import TABLE

EMAIL = "approver@example.com"
STACK = "human-approval"
PARAMETERS = {"Email": EMAIL, "ApprovalTimeoutMinutes": "60"}
NO_NAMES = People()
OTHERS = {"AWS_PROFILE": None, "AWS_REGION": None, "APPROVALS_STACK": None, "NO_COLOR": None}


def deploy() -> dict[str, str]:
    """Create what the command line uses of a stack; return the stack's outputs."""
    topic = boto3.client("sns").create_topic(Name="approvals")["TopicArn"]
    machine = boto3.client("stepfunctions").create_state_machine(
        name="HumanApproval",
        definition='{"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 3600, "End": true}}}',
        roleArn="arn:aws:iam::123456789012:role/any",
    )["stateMachineArn"]
    return {
        "ApprovalTableName": TABLE,
        "ApprovalTopicArn": topic,
        "StateMachineHumanApprovalArn": machine,
    }


@dataclass
class Shell:
    """Runs `approvals`. At each sleep, the clock moves on and the next of `then` is called."""

    table: ApprovalTable
    clock: Clock
    outputs: dict[str, str]
    then: list[Callable[[], object]] = field(default_factory=list)
    parameters: dict[str, str] = field(default_factory=lambda: dict(PARAMETERS))
    context: Context = field(init=False)

    def __post_init__(self) -> None:
        self.context = self.a_context()

    def a_context(self) -> Context:
        """Return a new context, as each process has one."""
        context = Context(clock=self.clock, sleep=self._sleep)
        # moto's own CloudFormation wants half of all packages there are.
        describe: Callable[..., Any] = self._describe
        context.client("cloudformation").meta.events.register("before-call.cloudformation.DescribeStacks", describe)
        return context

    def _describe(self, params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        if params["body"]["StackName"] != STACK:
            error = {"Code": "ValidationError", "Message": "Stack with id other does not exist"}
            return SimpleNamespace(status_code=400), {"Error": error, "ResponseMetadata": {}}
        outputs = [{"OutputKey": name, "OutputValue": value} for name, value in self.outputs.items()]
        parameters = [{"ParameterKey": name, "ParameterValue": value} for name, value in self.parameters.items()]
        stack = {"StackName": STACK, "Outputs": outputs, "Parameters": parameters}
        return SimpleNamespace(status_code=200), {"Stacks": [stack], "ResponseMetadata": {}}

    def run(self, *arguments: str, stdin: str = "", **environ: str) -> Result:
        """Run one command without a terminal."""
        context, self.context = self.context, self.a_context()
        runner = CliRunner(env={**OTHERS, **environ})
        return runner.invoke(main, arguments, input=stdin, obj=context, prog_name="approvals")

    def _sleep(self, seconds: float) -> None:
        self.clock.pass_(seconds=seconds)
        if self.then:
            self.then.pop(0)()

    @contextmanager
    def intercepted(self, service: str, operation: str, answer: Callable[..., Any]) -> Iterator[None]:
        """Let `answer` change what AWS returns to the next call of the command line."""
        client: Any = self.context.client(service)  # type: ignore[call-overload]  # any service
        client.meta.events.register(f"after-call.{service}.{operation}", answer)
        yield

    def executions(self) -> list[dict[str, Any]]:
        """Return all executions, the oldest first."""
        client = boto3.client("stepfunctions")
        machine = self.outputs["StateMachineHumanApprovalArn"]
        found = client.list_executions(stateMachineArn=machine)["executions"]
        return [dict(client.describe_execution(executionArn=each["executionArn"])) for each in found][::-1]

    def asked(self, people: People | None = NO_NAMES, under: Policy | None = None) -> Approval:
        """Store the request of the newest execution, as the state machine and `request` do, `under` a policy if given.

        Without people its approvers are still to be looked up.
        """
        execution, hour = self.executions()[-1], timedelta(minutes=60)
        workflow = Workflow(
            execution_arn=execution["executionArn"],
            execution_name=execution["name"],
            state_machine_name="HumanApproval",
            state_name="Lambda Callback",
        )
        asked = json.loads(execution["input"])
        request = (
            parse_under(under, asked, default_timeout=hour, workflow=workflow)
            if under
            else parse_request(asked, default_timeout=hour)
        )
        approval = an_approval(
            id=approval_id(execution["name"]),
            request=request,
            workflow=workflow,
            requested_at=self.clock(),
            deadline=self.clock() + request.timeout,
            people=people,
            deliveries=(),
        )
        assert self.table.add(approval)
        return approval

    def started(self, name: str, asked: Any = None, people: People | None = NO_NAMES) -> Approval:
        """Start an execution as another program would, and return its approval."""
        machine = self.outputs["StateMachineHumanApprovalArn"]
        text = json.dumps({"Approval": asked or {"Title": f"About {name}"}})
        boto3.client("stepfunctions").start_execution(stateMachineArn=machine, name=name, input=text)
        return self.asked(people)

    def newest(self) -> Approval:
        """Return the approval of the newest execution."""
        return self.table.get(approval_id(self.executions()[-1]["name"]))

    def responded(self, action: Action, approver: Approver = ALICE, comment: str | None = None) -> Approval:
        """Respond to the newest approval."""
        response = replace(a_response(action, approver, comment=comment), at=self.clock())
        return self.happened(response)

    def happened(self, event: ApprovalEvent) -> Approval:
        """Apply an event to the newest approval."""
        return respond(self.table, self.newest(), event).approval

    def expired(self) -> Approval:
        """Let the newest approval expire at its deadline."""
        self.clock.now = self.newest().deadline
        return self.happened(Expiry(self.clock()))

    def cancelled(self, error: str | None = None, superseded_by: str | None = None) -> Approval:
        """Cancel the newest approval."""
        cause = "The execution was stopped before a decision."
        return self.happened(Cancellation(self.clock(), cause, error=error, superseded_by=superseded_by))

    def workflow_heard(self, step: Step = Step.RESUME) -> Approval:
        """Mark that the workflow received the decision."""
        return self.table.mark(self.newest(), step, self.clock())


class Throttled:
    """A response handler that turns a number of AWS's answers into errors."""

    def __init__(self, times: int, code: str = "ThrottlingException", status: int = 400) -> None:
        self.left = times
        self.code = code
        self.status = status

    def __call__(self, http_response: Any, parsed: dict[str, Any], **_: Any) -> None:
        if self.left:
            self.left -= 1
            http_response.status_code = self.status
            parsed["Error"] = {"Code": self.code, "Message": "not authorized to perform: dynamodb:BatchGetItem on x"}
