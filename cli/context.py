"""The context of every command: the AWS session and its clients, the stack, and time."""

from __future__ import annotations

import configparser
import os
import shlex
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload
from urllib.parse import urlsplit

import boto3
import click
import urllib3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from approvals.domain.characters import reveal
from approvals.store.queries import Listing
from approvals.store.reading import UnreadableError
from cli.aws_errors import error_code, explain

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_sts import STSClient

CONFIG = Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 3})

API_TIMEOUT = urllib3.Timeout(connect=5, read=29)
"""Seconds to wait for the stack's own API: as long as API Gateway waits for a function that starts cold.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
"""

LOCAL_REGION = "us-east-1"

DEFAULT_STACK = "human-approval"

DEFAULT_PROFILE = "default"
"""The demo's own key, which may do everything, as opposed to those of its people."""


class CommandError(click.ClickException):
    """A failure that the user can fix: the message says what is wrong and what to do. Exit code 3."""

    exit_code = 3

    def __init__(self, message: str) -> None:
        """Replace hidden characters: the message may contain names and causes from AWS."""
        super().__init__(reveal(message))


class NoStackError(CommandError):
    """No stack has this name in this region."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource of the stack: its logical ID, its name or URL on AWS, and its type."""

    name: str
    id: str
    type: str


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Context:
    """The context of one call. Reading the stack raises what boto3 raises, and `NoStackError`.

    `profile` and `region` are as the AWS CLI takes them, `stack` is the CloudFormation stack's name. `local` selects
    the stack that `make demo` runs on this machine, and never real AWS. `sleep` takes seconds. `unreadable` collects
    the records that lists left out because they can't be read.
    """

    profile: str | None = None
    region: str | None = None
    stack: str = DEFAULT_STACK
    local: bool = False
    as_json: bool = False
    clock: Callable[[], datetime] = _now
    sleep: Callable[[float], None] = time.sleep
    unreadable: list[UnreadableError] = field(default_factory=list)
    _clients: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def session(self) -> boto3.Session:
        """The session of the given profile and region, by default those of the AWS CLI."""
        if self.local:
            return _local_session(self._local_port, self.profile)
        try:
            session = boto3.Session(profile_name=self.profile, region_name=self.region)
        except BotoCoreError as error:
            raise CommandError(
                f"{error}. Use --profile with another name, or create the profile: aws configure."
            ) from error
        if session.region_name is None:
            raise CommandError("No AWS region is set. Use --region, for example --region eu-west-1.")
        return session

    @property
    def endpoint(self) -> str | None:
        """The endpoint of the local stack; None for real AWS or whatever AWS_ENDPOINT_URL names."""
        return f"http://127.0.0.1:{self._local_port}" if self.local else None

    @property
    def emulator(self) -> str | None:
        """The endpoint of emulated AWS; None for real AWS."""
        return self.endpoint or os.environ.get("AWS_ENDPOINT_URL")

    @property
    def _local_port(self) -> str:
        return os.environ.get("AWS_PORT", "4566")

    @overload
    def client(self, service: Literal["cloudformation"]) -> CloudFormationClient: ...
    @overload
    def client(self, service: Literal["cloudwatch"]) -> CloudWatchClient: ...
    @overload
    def client(self, service: Literal["dynamodb"]) -> DynamoDBClient: ...
    @overload
    def client(self, service: Literal["events"]) -> EventBridgeClient: ...
    @overload
    def client(self, service: Literal["iam"]) -> IAMClient: ...
    @overload
    def client(self, service: Literal["lambda"]) -> LambdaClient: ...
    @overload
    def client(self, service: Literal["logs"]) -> CloudWatchLogsClient: ...
    @overload
    def client(self, service: Literal["secretsmanager"]) -> SecretsManagerClient: ...
    @overload
    def client(self, service: Literal["sns"]) -> SNSClient: ...
    @overload
    def client(self, service: Literal["sqs"]) -> SQSClient: ...
    @overload
    def client(self, service: Literal["ssm"]) -> SSMClient: ...
    @overload
    def client(self, service: Literal["stepfunctions"]) -> SFNClient: ...
    @overload
    def client(self, service: Literal["sts"]) -> STSClient: ...
    def client(self, service: Any) -> Any:
        """Return the client of a service, always the same one."""
        if service not in self._clients:
            self._clients[service] = self.session.client(service, config=CONFIG, endpoint_url=self.endpoint)
        return self._clients[service]

    @cached_property
    def http(self) -> urllib3.PoolManager:
        """The HTTP client for the stack's own API."""
        return urllib3.PoolManager(timeout=API_TIMEOUT, retries=False)

    def api_url(self, url: str) -> str:
        """Return where a URL of the stack's API is reached: emulated AWS serves it under another host."""
        asked = urlsplit(url)
        if not self.emulator or ".execute-api." not in asked.netloc:
            return url
        query = f"?{asked.query}" if asked.query else ""
        return f"{self.emulator.rstrip('/')}/_aws/execute-api/{asked.netloc.partition('.')[0]}{asked.path}{query}"

    @cached_property
    def description(self) -> StackTypeDef:
        """The stack as CloudFormation describes it."""
        try:
            return self.client("cloudformation").describe_stacks(StackName=self.stack)["Stacks"][0]
        except ClientError as error:
            if error_code(error) != "ValidationError":
                raise
            where, fix = f"in {self.session.region_name}", "Use --stack or --region."
            if self.local:
                where, fix = "on this machine", "Remove --stack, or start the demo: make demo."
            raise NoStackError(f"No stack named {self.stack} {where}. {fix}") from error
        except BotoCoreError as error:
            if self.local:
                raise CommandError(f"{explain(error)} The demo may not be running. Start it: make demo.") from error
            raise

    @cached_property
    def outputs(self) -> Mapping[str, str]:
        """The stack's outputs."""
        return {output["OutputKey"]: output["OutputValue"] for output in self.description.get("Outputs", [])}

    @cached_property
    def parameters(self) -> Mapping[str, str]:
        """The stack's parameters. CloudFormation masks the secret ones."""
        parameters = self.description.get("Parameters", [])
        return {parameter["ParameterKey"]: parameter.get("ParameterValue", "") for parameter in parameters}

    def output(self, name: str) -> str:
        """Return an output of the stack. Raises `CommandError` if the stack has no output with this name."""
        if name not in self.outputs:
            raise CommandError(f"Stack {self.stack} has no output {name}, so it is not an approval stack. Use --stack.")
        return self.outputs[name]

    @property
    def account(self) -> str:
        """The account of the stack, which its topic's ARN names."""
        return self.output("ApprovalTopicArn").split(":")[4]

    @cached_property
    def resources(self) -> tuple[Resource, ...]:
        """The stack's resources."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=self.stack)
        return tuple(
            Resource(each["LogicalResourceId"], each.get("PhysicalResourceId", ""), each["ResourceType"])
            for page in pages
            for each in page["StackResourceSummaries"]
        )

    def resource(self, name: str) -> Resource | None:
        """Return the resource with this logical ID."""
        return next((each for each in self.resources if each.name == name), None)

    @cached_property
    def listing(self) -> Listing:
        """The stack's approvals, without their secrets."""
        return Listing(self.client("dynamodb"), self.output("ApprovalTableName"), self.unreadable.append)

    @property
    def default_timeout(self) -> timedelta:
        """The timeout of requests that name none."""
        return timedelta(minutes=int(self.parameters["ApprovalTimeoutMinutes"]))

    @property
    def slack_channel(self) -> str:
        """The channel that requests are posted in; empty without Slack."""
        return self.parameters.get("SlackChannel", "")

    @property
    def policy_parameter(self) -> str:
        """The name of the SSM parameter with the operator's policy; empty without a policy."""
        return self.parameters.get("PolicyParameter", "")

    def command(self, *arguments: str, region: str | None = None, stack: str | None = None) -> str:
        """Return a command line for this stack, or for another region or stack, ready to be pasted."""
        region, stack = region or self.region, stack or self.stack
        options = [
            *(["--profile", self.profile] if self.profile else []),
            *(["--region", region] if region else []),
            *(["--stack", stack] if stack != DEFAULT_STACK else []),
            *(["--local"] if self.local else []),
        ]
        return shlex.join(["approvals", *options, *arguments])


def _local_session(port: str, profile: str | None) -> boto3.Session:
    """Return a session with a key of the demo on this port, which writes its keys into the folder of its checkout."""
    for folder in (Path(__file__).parent.parent, Path.cwd()):
        file = configparser.ConfigParser(interpolation=None)
        if not file.read(folder / ".local" / f"credentials-{port}"):
            continue
        if (profile or DEFAULT_PROFILE) not in file:
            people = ", ".join(name for name in file.sections() if name != DEFAULT_PROFILE)
            raise CommandError(f"The demo has no profile {profile}. Its people are {people}.")
        key = file[profile or DEFAULT_PROFILE]
        return boto3.Session(
            key["aws_access_key_id"],
            key["aws_secret_access_key"],
            key.get("aws_session_token"),
            region_name=LOCAL_REGION,
        )
    raise CommandError(
        "No demo is running on this machine. Start it: make demo. If it is running, use this command in its folder."
    )


pass_context = click.make_pass_decorator(Context, ensure=True)
"""Passes the `Context` to a command."""
