"""The stack of human approval as a construct for AWS CDK 2: a nested stack of the bundle's template.

The template is of the Serverless Application Model: CloudFormation applies the transform when it deploys. `CfnInclude`
can't read such a template, since it refers to roles and aliases that the transform makes.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Literal

from aws_cdk import CfnStack, Fn, Stack, Token
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk.aws_s3_assets import Asset
from constructs import Construct


class HumanApproval(Construct):
    """A deployed approval stack. Its attributes are the outputs of the template, in snake case.

    `bundle` is the folder of the bundle: what human-approval-stack-VERSION.zip unpacks to. The other arguments are the
    template's parameters; what is left out has the template's default.

    `slack_bot_token` and `slack_signing_secret` take the value of a `CfnParameter` with `no_echo=True`. A literal
    raises `ValueError`: it would stand in the template, where every reader of the account's stacks sees it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bundle: str,
        email: str,
        slack_channel: str | None = None,
        slack_bot_token: str | None = None,
        slack_signing_secret: str | None = None,
        slack_api_url: str | None = None,
        public_url: str | None = None,
        approval_timeout_minutes: int | None = None,
        email_link_mode: Literal["confirm", "one-click"] | None = None,
        alarm_topic_arn: str | None = None,
        monitoring: Literal["Essential", "Full"] | None = None,
        log_retention_days: int | None = None,
        tracing: Literal["Disabled", "Active"] | None = None,
        event_bus_name: str | None = None,
        snap_start: Literal["None", "PublishedVersions"] | None = None,
        permissions_boundary_arn: str | None = None,
        kms_key_arn: str | None = None,
        policy_parameter: str | None = None,
        remind_during: str | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        for name, secret in (("slack_bot_token", slack_bot_token), ("slack_signing_secret", slack_signing_secret)):
            if secret and not Token.is_unresolved(secret):
                raise ValueError(f"{name}: pass the value of a CfnParameter with no_echo=True, not the secret itself")
        parameters = {
            "Email": email,
            "SlackChannel": slack_channel,
            "SlackBotToken": slack_bot_token,
            "SlackSigningSecret": slack_signing_secret,
            "SlackApiUrl": slack_api_url,
            "PublicUrl": public_url,
            "ApprovalTimeoutMinutes": approval_timeout_minutes,
            "EmailLinkMode": email_link_mode,
            "AlarmTopicArn": alarm_topic_arn,
            "Monitoring": monitoring,
            "LogRetentionDays": log_retention_days,
            "Tracing": tracing,
            "EventBusName": event_bus_name,
            "SnapStart": snap_start,
            "PermissionsBoundaryArn": permissions_boundary_arn,
            "KmsKeyArn": kms_key_arn,
            "PolicyParameter": policy_parameter,
            "RemindDuring": remind_during,
        }
        given = {name: _text(value) for name, value in parameters.items() if value is not None}
        template = self._template(Path(bundle))
        self.nested_stack = CfnStack(self, "Stack", template_url=template.http_url, parameters=given)
        """The nested stack. Its name, for the command `approvals --stack`, is in `stack_name`."""

        self.stack_name = Fn.select(1, Fn.split("/", self.nested_stack.ref))
        self.api_gateway_invoke_url = self._output("ApiGatewayInvokeURL")
        self.state_machine_human_approval_arn = self._output("StateMachineHumanApprovalArn")
        self.slack_request_url = self._output("SlackRequestUrl")
        self.answers_url = self._output("AnswersUrl")
        self.spend_function_arn = self._output("SpendFunctionArn")
        self.approver_policy_arn = self._output("ApproverPolicyArn")
        self.approval_topic_arn = self._output("ApprovalTopicArn")
        self.approval_table_name = self._output("ApprovalTableName")
        self.slack_secret_arn = self._output("SlackSecretArn")
        self.version = self._output("Version")
        self.dashboard_name = self._output("DashboardName") if monitoring == "Full" else None
        self.state_machine = sfn.StateMachine.from_state_machine_arn(
            self, "StateMachine", self.state_machine_human_approval_arn
        )
        """The state machine that asks, for the task `StepFunctionsStartExecution`."""

    def _template(self, bundle: Path) -> Asset:
        """Upload the archives, and return the template with their addresses in place of their names."""
        text = (bundle / "template.json").read_text(encoding="utf-8")
        for name in ("functions.zip", "layer.zip"):
            archive = Asset(self, name, path=str(bundle / name))
            address = {"Bucket": archive.s3_bucket_name, "Key": archive.s3_object_key}
            text = text.replace(f'"{name}"', json.dumps(Stack.of(self).resolve(address)))
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "template.json"
            file.write_text(text, encoding="utf-8")
            return Asset(self, "template.json", path=str(file))

    def _output(self, name: str) -> str:
        return self.nested_stack.get_att(f"Outputs.{name}").to_string()


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else Token.as_string(value) if Token.is_unresolved(value) else str(value)
