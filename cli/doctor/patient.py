"""The stack as the checks see it: read once, asked through clients that are made once."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import urllib3
from slack_sdk import WebClient

from bot.credentials import SlackSecret, load_secret
from cli.context import CONFIG, Context, Failure

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient

SLACK_TIMEOUT = 10
"""Seconds that Slack may take."""

OWN_TIMEOUT = urllib3.Timeout(connect=5, read=29)
"""Seconds that the stack's own address may take: as long as API Gateway waits for a function that starts cold.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
"""


@dataclass(frozen=True, slots=True)
class Resource:
    """A part of the stack: its name in the template, its name or URL on AWS, and its type."""

    name: str
    id: str
    type: str


class Patient:
    """One stack. What is read of it raises what boto3 raises."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.name = context.stack

    @property
    def region(self) -> str:
        """The region that is looked at."""
        return str(self.context.session.region_name)

    @property
    def cloudformation(self) -> CloudFormationClient:
        """The context's own client."""
        return self.context.cloudformation

    @cached_property
    def cloudwatch(self) -> CloudWatchClient:
        """A client."""
        return self.context.session.client("cloudwatch", config=CONFIG, endpoint_url=self.context.endpoint)

    @cached_property
    def events(self) -> EventBridgeClient:
        """A client."""
        return self.context.session.client("events", config=CONFIG, endpoint_url=self.context.endpoint)

    @cached_property
    def functions(self) -> LambdaClient:
        """A client."""
        return self.context.session.client("lambda", config=CONFIG, endpoint_url=self.context.endpoint)

    @cached_property
    def logs(self) -> CloudWatchLogsClient:
        """A client."""
        return self.context.session.client("logs", config=CONFIG, endpoint_url=self.context.endpoint)

    @cached_property
    def secrets(self) -> SecretsManagerClient:
        """A client."""
        return self.context.session.client("secretsmanager", config=CONFIG, endpoint_url=self.context.endpoint)

    @cached_property
    def sqs(self) -> SQSClient:
        """A client."""
        return self.context.session.client("sqs", config=CONFIG, endpoint_url=self.context.endpoint)

    @cached_property
    def http(self) -> urllib3.PoolManager:
        """For addresses of the stack itself."""
        return urllib3.PoolManager(timeout=OWN_TIMEOUT, retries=False)

    @property
    def description(self) -> StackTypeDef:
        """The stack as CloudFormation describes it."""
        return self.context.described

    @property
    def is_known(self) -> bool:
        """Whether the stack was found."""
        return "described" in vars(self.context)

    @property
    def outputs(self) -> Mapping[str, str]:
        """The stack's outputs."""
        return self.context.outputs

    def output(self, name: str) -> str:
        """One of the outputs. Raises `Failure` when the stack has none of this name: it is not one of ours."""
        if name not in self.outputs:
            raise Failure(f"the stack has no output {name}: is it another product's? Name ours: --stack")
        return self.outputs[name]

    @property
    def parameters(self) -> Mapping[str, str]:
        """The stack's parameters; those that must not be shown are `****`."""
        return self.context.parameters

    @cached_property
    def resources(self) -> tuple[Resource, ...]:
        """The stack's parts."""
        pages = self.cloudformation.get_paginator("list_stack_resources").paginate(StackName=self.name)
        return tuple(
            Resource(each["LogicalResourceId"], each.get("PhysicalResourceId", ""), each["ResourceType"])
            for page in pages
            for each in page["StackResourceSummaries"]
        )

    def of_type(self, kind: str) -> list[Resource]:
        """The parts of a type, such as `AWS::Lambda::Function`."""
        return [each for each in self.resources if each.type == kind]

    def resource(self, name: str) -> Resource | None:
        """The part with a name in the template."""
        return next((each for each in self.resources if each.name == name), None)

    @property
    def slack_channel(self) -> str:
        """The channel that requests are posted in; empty without Slack."""
        return self.parameters.get("SlackChannel", "")

    def slack_secret(self) -> SlackSecret:
        """The secret as it is stored now. Raises `KeyError` or `ValueError` when it is not of our form, too."""
        return load_secret(self.secrets, self.output("SlackSecretArn"))

    def slack(self, token: str) -> WebClient:
        """Slack's Web API, as the stack calls it."""
        return WebClient(token=token, base_url=self.parameters["SlackApiUrl"], timeout=SLACK_TIMEOUT, retry_handlers=[])

    def address(self, url: str) -> str:
        """Where an address of the stack's API is reached: on emulated AWS, elsewhere than its host says."""
        endpoint, host = self._endpoint, urlsplit(url).netloc
        if not endpoint or ".execute-api." not in host:
            return url
        return f"{endpoint.rstrip('/')}/_aws/execute-api/{host.partition('.')[0]}{urlsplit(url).path}"

    def aws(self, *words: str) -> str:
        """A command for the AWS CLI, ready to be pasted."""
        extra = ["--region", self.region]
        if self.context.profile:
            extra += ["--profile", self.context.profile]
        if self.context.endpoint:
            extra += ["--endpoint-url", self.context.endpoint]
        return shlex.join(["aws", *words, *extra])

    def approvals(self, *words: str, region: str | None = None) -> str:
        """A command of ours about this stack, ready to be pasted."""
        context = replace(self.context, region=region) if region else self.context
        return context.command(*words)

    def deploy(self, *words: str) -> str:
        """The command that deploys the stack again from a checkout, ready to be pasted."""
        where = ["--stack-name", self.name, "--region", self.region]
        return f"sam build && {shlex.join(['sam', 'deploy', *where, *words])}"

    def tail(self, logs: str) -> str:
        """The command that shows what a function logged lately, by the name of its log group in the template."""
        group = self.resource(logs)
        return self.aws("logs", "tail", group.id if group else logs, "--since", "1h")

    @property
    def emulated(self) -> bool:
        """Whether this is not the real AWS."""
        return bool(self._endpoint)

    @property
    def _endpoint(self) -> str | None:
        return self.context.endpoint or os.environ.get("AWS_ENDPOINT_URL")
