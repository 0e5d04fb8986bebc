"""What every command works with: the AWS session, the stack that it is about, and time."""

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
from typing import TYPE_CHECKING

import boto3
import click
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from approvals.domain.characters import reveal
from approvals.store.queries import Listing
from approvals.store.reading import UnreadableError
from cli.aws_errors import code, explained

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_stepfunctions import SFNClient

CONFIG = Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 3})

LOCAL_REGION = "us-east-1"

DEFAULT_STACK = "human-approval"


def _now() -> datetime:
    return datetime.now(UTC)


class Failure(click.ClickException):
    """Something that the user can mend: says what is wrong, and what to do about it. Exit code 3."""

    exit_code = 3

    def __init__(self, message: str) -> None:
        """Show hidden characters to be there: names and causes in the message come from AWS."""
        super().__init__(reveal(message))


@dataclass
class Context:
    """One call of the command line.

    `profile` and `region` are as the AWS CLI takes them, `stack` is the CloudFormation stack's name. `local` means the
    stack that `make demo` runs on this machine, and never real AWS. `sleep` takes seconds. `unreadable` are the records
    that were left out of lists so far since they can't be read.
    """

    profile: str | None = None
    region: str | None = None
    stack: str = DEFAULT_STACK
    local: bool = False
    as_json: bool = False
    clock: Callable[[], datetime] = _now
    sleep: Callable[[float], None] = time.sleep
    unreadable: list[UnreadableError] = field(default_factory=list)

    @cached_property
    def session(self) -> boto3.Session:
        """The session: of the profile and region that were named, else of those that the AWS CLI would use."""
        if self.local:
            return _local_session(self._local_port)
        try:
            session = boto3.Session(profile_name=self.profile, region_name=self.region)
        except BotoCoreError as error:
            raise Failure(f"{error}. Name a profile with --profile, or make one: aws configure") from error
        if session.region_name is None:
            raise Failure("No AWS region is set. Name one: --region eu-west-1")
        return session

    @property
    def endpoint(self) -> str | None:
        """Where AWS is: None for the real one, or wherever AWS_ENDPOINT_URL says."""
        return f"http://127.0.0.1:{self._local_port}" if self.local else None

    @property
    def _local_port(self) -> str:
        return os.environ.get("AWS_PORT", "4566")

    @cached_property
    def cloudformation(self) -> CloudFormationClient:
        """CloudFormation's client."""
        return self.session.client("cloudformation", config=CONFIG, endpoint_url=self.endpoint)

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        """DynamoDB's client."""
        return self.session.client("dynamodb", config=CONFIG, endpoint_url=self.endpoint)

    @cached_property
    def stepfunctions(self) -> SFNClient:
        """Step Functions' client."""
        return self.session.client("stepfunctions", config=CONFIG, endpoint_url=self.endpoint)

    @cached_property
    def sns(self) -> SNSClient:
        """SNS's client."""
        return self.session.client("sns", config=CONFIG, endpoint_url=self.endpoint)

    @cached_property
    def described(self) -> StackTypeDef:
        """The stack as CloudFormation describes it. Raises what boto3 raises."""
        return self.cloudformation.describe_stacks(StackName=self.stack)["Stacks"][0]

    @property
    def description(self) -> StackTypeDef:
        """The stack as CloudFormation describes it. Raises `Failure` when it is not there, or AWS can't be asked."""
        try:
            return self.described
        except ClientError as error:
            if code(error) != "ValidationError":
                raise Failure(explained(error) or "") from error
            where = "on this machine: is `make demo` running?" if self.local else f"in {self.session.region_name}"
            mend = "" if self.local else ". Name another with --stack or --region"
            raise Failure(f"There is no stack {self.stack} {where}{mend}") from error
        except BotoCoreError as error:
            mend = " Is `make demo` running?" if self.local else ""
            raise Failure(f"{explained(error)}.{mend}") from error

    @cached_property
    def outputs(self) -> Mapping[str, str]:
        """The stack's outputs, by their keys. Raises as `description` does."""
        return {output["OutputKey"]: output["OutputValue"] for output in self.description.get("Outputs", [])}

    @cached_property
    def parameters(self) -> Mapping[str, str]:
        """The stack's parameters, by their names; secret ones are masked. Raises as `description` does."""
        found = self.description.get("Parameters", [])
        return {parameter["ParameterKey"]: parameter.get("ParameterValue", "") for parameter in found}

    def output(self, name: str) -> str:
        """One of the stack's outputs. Raises `Failure` when it has none of this name, and as `description` does."""
        if name not in self.outputs:
            raise Failure(f"The stack {self.stack} has no output {name}. Is it another product's? Name ours: --stack")
        return self.outputs[name]

    @cached_property
    def listing(self) -> Listing:
        """The stack's approvals, without their secrets."""
        return Listing(self.dynamodb, self.output("ApprovalTableName"), self.unreadable.append)

    @property
    def default_timeout(self) -> timedelta:
        """How long a request waits that names no time of its own."""
        return timedelta(minutes=int(self.parameters["ApprovalTimeoutMinutes"]))

    def command(self, *arguments: str) -> str:
        """A command line about the same stack, to be copied from the screen."""
        options = [
            *(["--profile", self.profile] if self.profile else []),
            *(["--region", self.region] if self.region else []),
            *(["--stack", self.stack] if self.stack != DEFAULT_STACK else []),
            *(["--local"] if self.local else []),
        ]
        return shlex.join(["approvals", *options, *arguments])


def _local_session(port: str) -> boto3.Session:
    """Return a session with the key of the run on this port. Raises `Failure` when there is none.

    The run writes its key into its checkout: the one that this command is of, or the one that it is called in.
    """
    for folder in (Path(__file__).parent.parent, Path.cwd()):
        file = configparser.ConfigParser(interpolation=None)
        if file.read(folder / ".local" / f"credentials-{port}"):
            key = file["default"]
            return boto3.Session(key["aws_access_key_id"], key["aws_secret_access_key"], region_name=LOCAL_REGION)
    raise Failure("There is no stack on this machine. Is `make demo` running? Call this in its folder")


pass_context = click.make_pass_decorator(Context, ensure=True)
"""Hands a command its `Context`."""
