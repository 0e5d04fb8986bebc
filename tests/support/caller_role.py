"""The rights of a workflow that asks for approvals, as docs/call.md lists them."""

from __future__ import annotations

import json

from demo import aws

_RULE = "StepFunctionsGetEventsForStepFunctionsExecutionRule"


def caller_role(approval_machine: str, name: str = "caller") -> str:
    """Create a role with the rights that docs/call.md lists for a caller, and no others. The emulator enforces it."""
    executions = f"{approval_machine.replace(':stateMachine:', ':execution:')}:*"
    statements = [
        {"Effect": "Allow", "Action": "states:StartExecution", "Resource": approval_machine},
        {"Effect": "Allow", "Action": ["states:DescribeExecution", "states:StopExecution"], "Resource": executions},
        {
            "Effect": "Allow",
            "Action": ["events:PutTargets", "events:PutRule", "events:DescribeRule"],
            "Resource": f"arn:aws:events:{aws.REGION}:{aws.ACCOUNT}:rule/{_RULE}",
        },
    ]
    trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam = aws.session().client("iam")
    role = iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_role_policy(RoleName=name, PolicyName="ask", PolicyDocument=policy)
    return role["Role"]["Arn"]
