"""The stack of human approval as a CDK app: `cdk deploy -c email=YOU@EXAMPLE.COM` in this folder of the bundle."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import App, CfnOutput, Stack
from human_approval import HumanApproval

app = App()
stack = Stack(app, "human-approval")
approval = HumanApproval(
    stack,
    "Approval",
    bundle=str(Path(__file__).resolve().parent.parent),
    email=app.node.get_context("email"),
)
CfnOutput(stack, "StateMachineHumanApprovalArn", value=approval.state_machine_human_approval_arn)
CfnOutput(stack, "StackName", value=approval.stack_name)
app.synth()
