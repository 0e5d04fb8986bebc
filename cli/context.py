"""What every command works with: the AWS session, and the stack that it is about."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import boto3
import click
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

CONFIG = Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 3})

LOCAL_REGION = "us-east-1"


class Failure(click.ClickException):
    """Something that the user can mend: says what is wrong, and what to do about it. Exit code 3."""

    exit_code = 3


@dataclass
class Context:
    """One call of the command line.

    `profile` and `region` are as the AWS CLI takes them, `stack` is the CloudFormation stack's name. `local` means the
    stack that `make demo` runs on this machine, and never real AWS.
    """

    profile: str | None = None
    region: str | None = None
    stack: str = "human-approval"
    local: bool = False
    as_json: bool = False

    @cached_property
    def session(self) -> boto3.Session:
        """The session: of the profile and region that were named, else of those that the AWS CLI would use."""
        if self.local:
            return boto3.Session("test", "test", region_name=LOCAL_REGION)
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
        return f"http://127.0.0.1:{os.environ.get('AWS_PORT', '4566')}" if self.local else None

    @cached_property
    def description(self) -> StackTypeDef:
        """The stack as CloudFormation describes it. Raises `Failure` when it is not there, or AWS can't be asked."""
        client = self.session.client("cloudformation", config=CONFIG, endpoint_url=self.endpoint)
        try:
            return client.describe_stacks(StackName=self.stack)["Stacks"][0]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":
                raise Failure(f"CloudFormation answered {error.response['Error']['Code']}") from error
            where = "on this machine: is `make demo` running?" if self.local else f"in {self.session.region_name}"
            mend = "" if self.local else ". Name another with --stack or --region"
            raise Failure(f"There is no stack {self.stack} {where}{mend}") from error
        except BotoCoreError as error:
            raise Failure(f"AWS can't be asked: {error}") from error

    @cached_property
    def outputs(self) -> Mapping[str, str]:
        """The stack's outputs, by their keys. Raises as `description` does."""
        return {output["OutputKey"]: output["OutputValue"] for output in self.description.get("Outputs", [])}


pass_context = click.make_pass_decorator(Context, ensure=True)
"""Hands a command its `Context`."""
