"""A state machine that requests an approval, as a CDK app: `cdk deploy -c approval=ARN`.

ARN is the output `StateMachineHumanApprovalArn` of the approval stack, in the same account and region. CDK gives the
state machine's role what it needs to start, follow and stop the approval's executions.
"""

from __future__ import annotations

from aws_cdk import App, CfnOutput, Stack
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct


class Deployment(Stack):
    """Input: `Author`, an email address or a Slack user ID; `Version`."""

    def __init__(self, scope: Construct, name: str, *, approval_arn: str) -> None:
        super().__init__(scope, name)
        ask = tasks.StepFunctionsStartExecution(
            self,
            "Ask",
            state_machine=sfn.StateMachine.from_state_machine_arn(self, "Approval", approval_arn),
            integration_pattern=sfn.IntegrationPattern.RUN_JOB,
            associate_with_parent=True,
            input=sfn.TaskInput.from_object(
                {
                    "Approval": {
                        "Title": sfn.JsonPath.format(
                            "Deploy web {} to production", sfn.JsonPath.string_at("$.Version")
                        ),
                        "RequestedBy": sfn.JsonPath.string_at("$.Author"),
                        "TimeoutMinutes": 30,
                    },
                    "Version": sfn.JsonPath.string_at("$.Version"),
                }
            ),
            result_selector={
                "Decision": sfn.JsonPath.string_at("$.Output.Approval.Result.Decision"),
                "DecidedBy": sfn.JsonPath.string_at("$.Output.Approval.Result.DecidedBy"),
                "Comment": sfn.JsonPath.string_at("$.Output.Approval.Result.Comment"),
            },
            result_path="$.Approval",
        )
        deploy = sfn.Pass(self, "Deploy")
        rejected = sfn.Fail(self, "Rejected", error="Rejected", cause_path="$.Approval.DecidedBy")
        nobody = sfn.Fail(self, "Nobody decided", error="NobodyDecided", cause_path="$.Failure.Cause")
        approved = sfn.Choice(self, "Approved?")
        approved.when(sfn.Condition.string_equals("$.Approval.Decision", "APPROVED"), deploy).otherwise(rejected)
        ask.add_catch(nobody, errors=["States.TaskFailed"], result_path="$.Failure")
        body = sfn.DefinitionBody.from_chainable(ask.next(approved))
        machine = sfn.StateMachine(self, "Machine", definition_body=body)
        CfnOutput(self, "DeploymentArn", value=machine.state_machine_arn)


if __name__ == "__main__":
    app = App()
    Deployment(app, "deployment", approval_arn=app.node.get_context("approval"))
    app.synth()
