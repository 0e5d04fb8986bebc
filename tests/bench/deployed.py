"""The deployed local stack beside the bare handler (a) on the same emulator: how long people and workflows wait."""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import urlencode, urlsplit

from botocore.config import Config

from approvals.domain.model import Action, Approval
from approvals.domain.signed_links import query
from approvals.store.table import ApprovalTable
from demo import aws, deploy, emulator
from demo.process import WORK
from demo.stack import EMAIL, LocalStack
from tests.support.deployments import free_port

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

T = TypeVar("T")

_BARE = Path(__file__).parent / "baselines/bare.py"
_DEADLINE = 300
_PAUSE = 0.02
_REST = 0.1
"""Seconds before a look and before a click: people take longer, and what went before is over by then."""

_AT_A_TIME = 8


@dataclass
class Seconds:
    """What was waited for, by what it was; one entry for each time."""

    ours: dict[str, list[float]] = field(default_factory=dict)
    bare: dict[str, list[float]] = field(default_factory=dict)
    silent: dict[str, list[float]] = field(default_factory=dict)
    """The bare handler without a line of log."""


@dataclass(frozen=True, slots=True)
class Flood:
    """Many approvals, decided at once by several people: seconds in all, and for each click."""

    decided: int
    seconds: float
    clicks: list[float]


class NotInTime(Exception):  # noqa: N818
    """Something did not happen before the deadline."""


@contextmanager
def deployed() -> Iterator[tuple[LocalStack, Bare]]:
    """Both stacks, on an emulator of their own."""
    port, web_port = free_port(), free_port()
    aws.isolate(port)
    WORK.mkdir(exist_ok=True)
    with emulator.running(port):
        deploy.build()
        stack = LocalStack(aws_port=port, web_port=web_port, name="bench", slack=False, watched=False)
        try:
            yield stack, Bare(port)
        finally:
            stack.stop()


class Bare:
    """A state machine whose token goes out by a queue, and the bare handler behind an API that resumes it."""

    def __init__(self, aws_port: int) -> None:
        cloudformation = aws.session().client("cloudformation", config=aws.CONFIG)
        cloudformation.create_stack(
            StackName="bare",
            TemplateBody=json.dumps(_TEMPLATE),
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName="bare", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
        described = cloudformation.describe_stacks(StackName="bare")["Stacks"][0]["Outputs"]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in described}
        self._sqs: SQSClient = aws.session().client("sqs", config=aws.CONFIG)
        self._queue = outputs["Queue"]
        self.machine = outputs["Machine"]
        self.url = f"{aws.endpoint(aws_port)}/_aws/execute-api/{urlsplit(outputs['Url']).netloc.split('.')[0]}/states"

    def token(self) -> str:
        """Return the next token that the state machine sent."""

        def received() -> str | None:
            for message in self._sqs.receive_message(QueueUrl=self._queue).get("Messages", []):
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
                return str(json.loads(message["Body"])["token"])
            return None

        return _soon(received)


def latencies(stack: LocalStack, bare: Bare, times: int) -> Seconds:
    """Ask and answer in turns with ours and the bare handlers. The first of each is a cold start and left out."""
    seconds = Seconds()
    for number in range(times + 1):
        for found, waited in (
            (seconds.ours, _ours(stack)),
            (seconds.bare, _bare(bare, "execution")),
            (seconds.silent, _bare(bare, "silent")),
        ):
            for name, each in waited.items() if number else ():
                found.setdefault(name, []).append(each)
    return seconds


def flood(stack: LocalStack, times: int) -> Flood:
    """Start many executions, then let several people decide them all at once. Raise if any of it fails."""
    machine = stack.outputs["StateMachineHumanApprovalArn"]
    with ThreadPoolExecutor(_AT_A_TIME) as people:
        approvals = list(people.map(lambda _: _asked(stack, _start(machine)), range(times)))
        began = time.time()
        clicks = list(people.map(lambda approval: _look_and_click(stack, approval), approvals))
        ended = max(_ended(approval.workflow.execution_arn) for approval in approvals)
    return Flood(times, ended - began, clicks)


def _ours(stack: LocalStack) -> dict[str, float]:
    began = time.time()
    arn = _start(stack.outputs["StateMachineHumanApprovalArn"])
    approval = _asked(stack, arn)
    _soon(lambda: _table(stack).get(approval.id).told)
    mailed = time.time() - began
    time.sleep(_REST)
    looked = _page(stack, approval)
    time.sleep(_REST)
    return {"request to email": mailed, "visit to page": looked, **_until_resumed(arn, lambda: _click(stack, approval))}


def _bare(bare: Bare, path: str) -> dict[str, float]:
    arn = _start(bare.machine)
    link = f"{bare.url}/{path}?{urlencode({'action': 'approve', 'token': bare.token()})}"
    time.sleep(2 * _REST)
    return _until_resumed(arn, lambda: _fetch(link, expected=200))


def _look_and_click(stack: LocalStack, approval: Approval) -> float:
    _page(stack, approval)
    return _click(stack, approval)


def _page(stack: LocalStack, approval: Approval) -> float:
    """Open the page behind a link and return how long it took."""
    return _fetch(f"{stack.api_url}/execution?{query(approval, Action.APPROVE, EMAIL)}", expected=200)


def _click(stack: LocalStack, approval: Approval) -> float:
    """Press the button on the page; return how long the answer took. A redirect is the answer."""
    form = query(approval, Action.APPROVE, EMAIL).encode()
    return _fetch(f"{stack.api_url}/execution", form, expected=303)


def _until_resumed(arn: str, click: Callable[[], float]) -> dict[str, float]:
    """Clicks. An execution tells itself when it ended: nobody has to ask again and again while it is worked on."""
    clicked = time.time()
    answered = click()
    resumed = _ended(arn) - clicked
    return {
        "click to answer": answered,
        "click to answered and resumed": max(answered, resumed),
        "click to resumed": resumed,
    }


def _start(machine: str) -> str:
    client = _client("stepfunctions")
    return str(client.start_execution(stateMachineArn=machine, input="{}")["executionArn"])


def _table(stack: LocalStack) -> ApprovalTable:
    return ApprovalTable(_client("dynamodb"), stack.outputs["ApprovalTableName"])


def _asked(stack: LocalStack, arn: str) -> Approval:
    """Return the approval that an execution waits for, as soon as there is one."""
    table = _table(stack)
    return table.get(_soon(lambda: next(table.waiting(arn), None)))


def _ended(arn: str) -> float:
    """Return when an execution ended. Raise if it failed."""

    def ended() -> dict[str, Any] | None:
        execution: dict[str, Any] = _client("stepfunctions").describe_execution(executionArn=arn)
        return execution if execution["status"] != "RUNNING" else None

    execution = _soon(ended)
    if execution["status"] != "SUCCEEDED":
        raise RuntimeError(f"{arn} ended as {execution['status']}")
    return float(execution["stopDate"].timestamp())


def _soon(look: Callable[[], T | None]) -> T:
    """Look until there is something, and return it. Raise `NotInTime`."""
    deadline = time.monotonic() + _DEADLINE
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(_PAUSE)
    raise NotInTime


def _fetch(url: str, form: bytes | None = None, *, expected: int) -> float:
    """Send a request; return how long its answer took. Redirects are not followed."""
    began = time.monotonic()
    try:
        with _OPENER.open(url, form, timeout=_DEADLINE) as answer:
            status = int(answer.status)
    except urllib.error.HTTPError as error:
        status = error.code
    if status != expected:
        raise RuntimeError(f"{url.partition('?')[0]} answered {status}")
    return time.monotonic() - began


@cache
def _client(service: Literal["stepfunctions", "dynamodb"]) -> Any:
    return aws.session().client(service, config=aws.CONFIG.merge(Config(max_pool_connections=4 * _AT_A_TIME)))


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect)


def _function(path: str, source: str) -> dict[str, Any]:
    """Return a function behind a path of the API, which may resume workflows."""
    allowed = {"Effect": "Allow", "Action": "states:SendTaskSuccess", "Resource": "*"}
    link = {"RestApiId": {"Ref": "Api"}, "Path": f"/{path}", "Method": "get"}
    return {
        "Type": "AWS::Serverless::Function",
        "Properties": {
            "Runtime": "python3.13",
            "Handler": "index.handler",
            "InlineCode": source,
            "MemorySize": 512,
            "Timeout": 15,
            "Policies": [{"Statement": [allowed]}],
            "Events": {"Link": {"Type": "Api", "Properties": link}},
        },
    }


_TEMPLATE = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Transform": "AWS::Serverless-2016-10-31",
    "Resources": {
        "Tokens": {"Type": "AWS::SQS::Queue"},
        "Api": {"Type": "AWS::Serverless::Api", "Properties": {"StageName": "states"}},
        "Click": _function("execution", _BARE.read_text()),
        # The same without its line of log: the emulator answers 50 ms later then, whatever the function took.
        "Silent": _function("silent", re.sub(r"    print.*\n", "", _BARE.read_text())),
        "Machine": {
            "Type": "AWS::Serverless::StateMachine",
            "Properties": {
                "Definition": {
                    "StartAt": "Wait",
                    "States": {
                        "Wait": {
                            "Type": "Task",
                            "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
                            "Parameters": {
                                "QueueUrl": {"Ref": "Tokens"},
                                "MessageBody": {"token.$": "$$.Task.Token"},
                            },
                            "End": True,
                        }
                    },
                },
                "Policies": [
                    {
                        "Statement": [
                            {
                                "Effect": "Allow",
                                "Action": "sqs:SendMessage",
                                "Resource": {"Fn::GetAtt": ["Tokens", "Arn"]},
                            }
                        ]
                    }
                ],
            },
        },
    },
    "Outputs": {
        "Queue": {"Value": {"Ref": "Tokens"}},
        "Machine": {"Value": {"Ref": "Machine"}},
        "Url": {"Value": {"Fn::Sub": "https://${Api}.execute-api.${AWS::Region}.amazonaws.com/states"}},
    },
}
